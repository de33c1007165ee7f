/* tokenizer_open.c - opens a vocabulary, whichever kind of file it is in.
 *
 * The content decides, not the name: llama2.c's binary file, tokenizer.json, or one of the two files of a pair, whose
 * other half is looked for beside it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/foreign.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "io/line_reader.h"
#include "text/tokenizer_json.h"

enum { FILE_MAX = 512 << 20 }; /* bytes; so tokens and merges fit 32 bits */

/* Refuses files that are far larger than any vocabulary. */
static gr_status check_size(size_t length, const char *place, gr_error *err) {
    if (length <= FILE_MAX)
        return GR_OK;
    return gr_error_set(err, GR_ERR_FORMAT, place, "a vocabulary has at most 512 MiB", "%zu bytes are too many",
                        length);
}

/* A length below 65536 in four bytes: zeros, which no text has. */
static bool is_scored(const char *text, size_t length) { return length >= 4 && !text[2] && !text[3]; }

/* A file of merges begins with its version. */
static bool is_merges(const char *text, size_t length) {
    static const char version[] = "#version";
    return length >= strlen(version) && !memcmp(text, version, strlen(version));
}

/* Only numbers: an encoder.json without its merges, in which "model" may be a token. */
static bool is_vocab(const json_t *root) {
    return json_object_size(root) > 0 && !json_is_object(json_object_get(root, "model")) &&
           json_is_integer(json_object_iter_value(json_object_iter((json_t *)root)));
}

/* Reads tokenizer.json. An object that is only the tokens of a pair is not read: then *vocab becomes true. */
static gr_status parse_json(gr_tokenizer **out, const char *json, size_t length, const char *place, bool *vocab,
                            gr_error *err) {
    json_t *root;
    GR_TRY(gr__json_foreign(&root, json, length, &(gr__json_from){place, 0, "the file is damaged or not JSON", true},
                            err));
    *vocab = is_vocab(root);
    gr_status status = *vocab ? GR_OK : gr__vocab_read(out, root, place, NULL, 0, err);
    json_decref(root);
    return status;
}

gr_status gr_tokenizer_parse(gr_tokenizer **out, const char *json, size_t length, const char *place, gr_error *err) {
    bool vocab = false;
    *out = NULL;
    place = place ? place : "tokenizer.json";
    GR_TRY(check_size(length, place, err));
    if (is_scored(json, length))
        return gr__tokenizer_parse_scored(out, json, length, place, err);
    GR_TRY(parse_json(out, json, length, place, &vocab, err));
    if (vocab)
        return gr_error_set(err, GR_ERR_FORMAT, place, "open the file by its path, with vocab.bpe or merges.txt beside",
                            "a vocabulary without its merges");
    return GR_OK;
}

/* ---- pairs ---- */

/* The path of a file in the folder of another; a new string. */
static char *beside(const char *path, const char *name) {
    const char *slash = strrchr(path, '/');
    return gr_format("%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);
}

/* The first of both names that exists beside path; a new string or NULL. */
static char *find_beside(const char *path, const char *const names[2]) {
    for (int i = 0; i < 2; i++) {
        char *file = beside(path, names[i]);
        if (access(file, F_OK) == 0)
            return file;
        gr_free(file);
    }
    return NULL;
}

static const char *const vocab_names[] = {"encoder.json", "vocab.json"};
static const char *const merges_names[] = {"vocab.bpe", "merges.txt"};

/* Whether the path's last part is one of two names. */
static bool has_name(const char *path, const char *const names[2]) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return !strcmp(name, names[0]) || !strcmp(name, names[1]);
}

char *gr__tokenizer_partner(const char *path) {
    if (has_name(path, vocab_names))
        return find_beside(path, merges_names);
    return has_name(path, merges_names) ? find_beside(path, vocab_names) : NULL;
}

/* Parses the two halves of a vocabulary; `text`, of the file `path`, is the merges or the tokens, the other half is in
 * the file `other`. */
static gr_status read_pair(gr_tokenizer **out, const char *path, const char *text, size_t length, const char *other,
                           bool merges, gr_error *err) {
    char *more;
    size_t n;
    GR_TRY(gr__file_read_text(&more, &n, other, "is the path right?", err));
    gr_status status = check_size(n, other, err);
    if (status == GR_OK && merges)
        status = gr__tokenizer_parse_pair(out, more, n, text, length, other, path, err);
    else if (status == GR_OK)
        status = gr__tokenizer_parse_pair(out, text, length, more, n, path, other, err);
    gr_free(more);
    return status;
}

/* path and text are of one of the two files; the other stands beside it. */
static gr_status open_pair(gr_tokenizer **out, const char *path, const char *text, size_t length, bool merges,
                           gr_error *err) {
    char *other = find_beside(path, merges ? vocab_names : merges_names);
    if (!other)
        return gr_error_set(err, GR_ERR_INPUT, path,
                            "it comes in two files: encoder.json (or vocab.json) and vocab.bpe "
                            "(or merges.txt)",
                            "the other half of the vocabulary is not beside it");
    gr_status status = read_pair(out, path, text, length, other, merges, err);
    gr_free(other);
    return status;
}

/* Opens a vocabulary by its content, which may be changed on the way. */
static gr_status open_text(gr_tokenizer **out, const char *path, char *text, size_t length, gr_error *err) {
    bool vocab = false;
    size_t skip;
    GR_TRY(check_size(length, path, err));
    if (is_scored(text, length))
        return gr__tokenizer_parse_scored(out, text, length, path, err);

    /* The other kinds are text: without a byte order mark, with Unix line ends. */
    GR_TRY(gr__text_begin(&skip, text, length, path, err));
    text += skip;
    length = gr__text_unix(text, length - skip);
    if (is_merges(text, length))
        return open_pair(out, path, text, length, true, err);
    GR_TRY(parse_json(out, text, length, path, &vocab, err));
    return vocab ? open_pair(out, path, text, length, false, err) : GR_OK;
}

/* A list of merges that was cut short opens all the same, and its texts become far more tokens. */
static void note_unmade(const gr_tokenizer *tok, const char *path) {
    size_t first = 0, length, unmade = tok->scores ? 0 : gr__tokenizer_unmade(tok, &first);
    if (!unmade)
        return;
    const char *bytes = gr_tokenizer_token(tok, (int)first, &length);

    /* The token for the note, with escapes for what cannot be shown. */
    char *clean = gr_alloc(3 * length + 1);
    json_t *spelt = json_stringn(clean, gr_utf8_clean(clean, bytes, length));
    char *text = json_dumps(spelt, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    gr_log_line(1, "note: %s: no merge makes %zu of %zu tokens, the first is %s; is the list of merges cut short?",
                path, unmade, tok->count, text ? text : "");
    free(text);
    json_decref(spelt);
    gr_free(clean);
}

gr_status gr_tokenizer_open(gr_tokenizer **out, const char *path, gr_error *err) {
    char *text;
    size_t length;
    *out = NULL;
    GR_TRY(gr__file_decompress(&text, &length, path, "is the path right?", err));
    gr_status status = open_text(out, path, text, length, err);
    gr_free(text);
    if (status == GR_OK)
        note_unmade(*out, path);
    return status;
}

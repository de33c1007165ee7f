/* gradroute data tokenizer and gradroute data encode: a vocabulary learned from files, and what one makes of a text. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/number.h"
#include "common.h"
#include "data_actions.h"
#include "io/file.h"
#include "io/line_reader.h"

/* ---- tokenizer ---- */

static const char doc_train[] =
    "Trains a byte-level BPE tokenizer on the documents of FILE... and writes it in the form of a Hugging Face "
    "tokenizer.json. By their names files are JSON Lines (.jsonl, .json), a JSON list (.json), tables (.csv, .tsv), "
    "else "
    "text with documents between <|endoftext|>; of a folder each file is a document."
    "\v"
    "Example:\n"
    "  gradroute data tokenizer a.jsonl b.txt --vocab 4096 -o tokenizer.json\n" GR__EXIT_STATUS;

enum { KEY_TEXT = GR__KEY_OWN };

static const struct argp_option options_train[] = {
    {"vocab", 'v', "N", 0, "Tokens, 257 or more (default: 4096)", 0},
    {"text-field", KEY_TEXT, "FIELD", 0, "Member of a JSON line that holds the text (default: text)", 0},
    GR__OPTION_OUT("The file to write"),
    GR__OPTION_JSON,
    {0}};

typedef struct train_options {
    gr__common common;      /* first: parsing hands it on */
    gr__strings files;      /* to learn from */
    const char *text_field; /* NULL: as by default */
    int vocab;              /* tokens wanted */
} train_options;

/* Options of data tokenizer. */
static error_t parse_train(int key, char *arg, struct argp_state *state) {
    enum { MOST = 1 << 20 };
    train_options *own = state->input;
    switch (key) {
    case 'v':
        own->vocab = (int)gr__option_int(state, "vocab", arg, 257, MOST);
        return 0;
    case KEY_TEXT:
        own->text_field = arg;
        return 0;
    case ARGP_KEY_ARG:
        GR_PUSH(own->files.at, own->files.count, own->files.capacity) = arg;
        return 0;

    /* What must be there. */
    case ARGP_KEY_END:
        if (!own->files.count)
            argp_error(state, "FILE is missing");
        if (!own->common.out)
            argp_error(state, "-o FILE is missing");
        return 0;
    default:
        return gr__common_parse(key, arg, state, &own->common);
    }
}

/* OUT is new, or a tokenizer that is to be replaced. */
static gr_status check_out(const train_options *own, gr_error *err) {
    const char *out = own->common.out;
    struct stat info;
    gr_tokenizer *old;
    GR_TRY(gr__output_apart(out, own->files.at, own->files.count, err));
    GR_TRY(gr__output_alone(out, err));
    if (stat(out, &info) || !S_ISREG(info.st_mode) || !info.st_size)
        return gr__file_replaceable(out, err);

    /* A file that is no tokenizer was hardly meant. */
    if (gr_tokenizer_open(&old, out, NULL) != GR_OK)
        return gr_error_set(err, GR_ERR_USAGE, out, "choose another name, or remove the file yourself",
                            "the file is no tokenizer, and would be lost");
    gr_tokenizer_free(old);
    return GR_OK;
}

/* The documents of all files. */
static gr_status read_files(gr_corpus **corpus, const train_options *own, gr_error *err) {
    gr_source *sources = gr_alloc(sizeof *sources * (size_t)own->files.count);
    for (int i = 0; i < own->files.count; i++) {
        sources[i] = gr_source_of(own->files.at[i]);
        if (own->text_field)
            sources[i].text_field = own->text_field;
    }
    gr_status status =
        gr_corpus_open(corpus, &(gr_corpus_def){.sources = sources, .source_count = own->files.count}, err);
    gr_free(sources);
    return status;
}

/* Writes the vocabulary and says what it was learned from. */
static gr_status save(const train_options *own, const gr_tokenizer *tokenizer, size_t documents, gr_error *err) {
    GR_TRY(gr_tokenizer_save(tokenizer, own->common.out, err));
    if (own->common.json)
        gr__print_json(json_pack("{s:o, s:i, s:I}", "tokenizer", gr_json_text(own->common.out), "vocab",
                                 gr_tokenizer_size(tokenizer), "documents", (json_int_t)documents));
    else
        printf(
            "%s: %s tokens from %s %s\n", own->common.out, gr__text_count((char[32]){0}, gr_tokenizer_size(tokenizer)),
            gr__text_count((char[32]){0}, (int64_t)documents), gr__plural((int64_t)documents, "document", "documents"));
    return GR_OK;
}

static gr_status train(const train_options *own, gr_error *err) {
    gr_corpus *corpus;
    gr_tokenizer *tokenizer;
    GR_TRY(check_out(own, err));
    GR_TRY(read_files(&corpus, own, err));
    size_t documents = corpus->topics.docs;

    /* The text is not needed any more when the vocabulary is made. */
    gr_status status = gr_tokenizer_train(&tokenizer, corpus->texts, documents, own->vocab, NULL, err);
    gr_corpus_free(corpus);
    GR_TRY(status);

    status = save(own, tokenizer, documents, err);
    gr_tokenizer_free(tokenizer);
    return status;
}

int gr__data_tokenizer(int argc, char **argv) {
    enum { VOCAB = 4096 };
    train_options own = {.vocab = VOCAB};
    gr_error err = {0};
    gr__parse(&(struct argp){options_train, parse_train, "FILE...", doc_train, NULL, NULL, NULL}, argc, argv, &own);
    gr_status status = train(&own, &err);
    gr_free(own.files.at);
    return gr__end_command(&own.common, status, &err);
}

/* ---- encode ---- */

static const char doc_encode[] =
    "Prints the tokens of a text, one a line: number and spelling. TOKENIZER is a vocabulary (tokenizer.json, GPT-2's "
    "encoder.json or vocab.bpe with the other beside it, a vocabulary of llama2.c), a model folder, or the folder of a "
    "finished run."
    "\v"
    "With --lines every line of FILE is a JSON string, and a JSON list of numbers is printed for each.\n"
    "\n"
    "Examples:\n"
    "  gradroute data encode tokenizer.json --text 'a small bird'\n"
    "  gradroute data encode runs/demo/routed --text 'a small bird' --json\n"
    "  gradroute data encode vocab.bpe --lines texts.jsonl >ids.jsonl\n" GR__EXIT_STATUS;

enum { KEY_SPECIAL = GR__KEY_OWN, KEY_LINES };

static const struct argp_option options_encode[] = {
    {"text", 'x', "TEXT", 0, "The text", 0},
    {"lines", KEY_LINES, "FILE", 0, "Many texts", 0},
    {"special", KEY_SPECIAL, NULL, 0, "Names such as <|endoftext|> in a text are the special tokens", 0},
    GR__OPTION_JSON,
    {0}};

typedef struct encode_options {
    gr__common common;        /* first: parsing hands it on */
    const char *text, *lines; /* one of them is given */
    bool special;             /* names of special tokens stand for these tokens */
} encode_options;

/* Options of data encode. */
static error_t parse_encode(int key, char *arg, struct argp_state *state) {
    encode_options *own = state->input;
    switch (key) {
    case 'x':
        own->text = arg;
        return 0;
    case KEY_LINES:
        own->lines = arg;
        return 0;
    case KEY_SPECIAL:
        own->special = true;
        return 0;

    /* One of the two, not both. */
    default:;
        error_t status = gr__common_parse(key, arg, state, &own->common);
        if (key == ARGP_KEY_END && !own->text == !own->lines)
            argp_error(state, "give --text TEXT or --lines FILE");
        return status;
    }
}

/* The vocabulary of a model folder, or that of a file. */
static gr_status open_tokenizer(gr_tokenizer **tokenizer, const char *path, gr_error *err) {
    struct stat info;
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return gr_tokenizer_open(tokenizer, path, err);

    /* Of a folder. */
    char *folder;
    GR_TRY(gr__model_path(&folder, path, err));
    char *file = gr_format("%s/tokenizer.json", folder);
    gr_status status = gr_tokenizer_open(tokenizer, file, err);
    gr_free(folder);
    gr_free(file);
    return status;
}

/* Each token with what it spells: a line for people, lists for programs. */
static void print_tokens(const encode_options *own, const gr_tokenizer *tokenizer, const int32_t *ids, size_t count) {
    json_t *numbers = json_array(), *pieces = json_array();
    for (size_t i = 0; i < count; i++) {
        size_t length;
        const char *bytes = gr_tokenizer_token(tokenizer, ids[i], &length);

        json_array_append_new(numbers, json_integer(ids[i]));
        json_array_append_new(pieces, gr_json_bytes(bytes, length));
        if (!own->common.json) {
            char *text = json_dumps(json_array_get(pieces, i), JSON_ENCODE_ANY);
            printf("%7d  %s\n", ids[i], text);
            free(text);
        }
    }

    /* The object takes the lists over. */
    if (own->common.json) {
        gr__print_json(json_pack("{s:o, s:o, s:o}", "text", gr_json_text(own->text), "ids", numbers, "tokens", pieces));
        return;
    }
    json_decref(numbers);
    json_decref(pieces);
}

/* The ids of one text; they and the capacity are used again. */
typedef struct tokens {
    int32_t *ids;
    size_t count, capacity;
} tokens;

static gr_status encode_text(tokens *t, const encode_options *own, const gr_tokenizer *tokenizer, const char *text,
                             size_t length, gr_error *err) {
    t->count = 0;
    if (own->special)
        return gr_tokenizer_encode_special(tokenizer, &t->ids, &t->count, &t->capacity, text, length, err);
    return gr_tokenizer_encode(tokenizer, &t->ids, &t->count, &t->capacity, text, length, err);
}

/* The text of a line of --lines, as a list of numbers. Errors name the line. */
static gr_status encode_line(tokens *t, const encode_options *own, const gr_tokenizer *tokenizer, const char *line,
                             size_t length, size_t number, gr_error *err) {
    const char *hint = "each line is a text in quotes, as JSON writes it";
    char place[GR__PLACE_SIZE];
    json_t *value;
    GR_TRY(gr__json_foreign(&value, line, length, &(gr__json_from){own->lines, number, hint, true}, err));

    /* What encoding refuses is said with the place in the file. */
    gr_error wrong = {0};
    gr_status status = GR_ERR_FORMAT;
    gr__place_text(place, own->lines, number, 0);
    if (json_is_string(value)) {
        status = encode_text(t, own, tokenizer, json_string_value(value), json_string_length(value), &wrong);
        gr_error_set(err, status, place, wrong.hint, "%s", wrong.message);
    } else {
        gr_error_set(err, status, place, hint, "not a JSON string");
    }
    json_decref(value);
    GR_TRY(status);

    /* Without jansson: there may be millions of lines. */
    putchar('[');
    for (size_t i = 0; i < t->count; i++)
        printf(i ? ",%d" : "%d", t->ids[i]);
    puts("]");
    return GR_OK;
}

/* The texts of a file of JSON strings, a list for each. */
static gr_status encode_lines(tokens *t, const encode_options *own, const gr_tokenizer *tokenizer, gr_error *err) {
    char *data;
    size_t size;
    GR_TRY(gr__file_read_text(&data, &size, own->lines, "check the path of the texts", err));
    gr_status status = GR_OK;
    gr__lines line = {.next = data, .end = data + size};
    while (status == GR_OK && gr__lines_next(&line))
        status = encode_line(t, own, tokenizer, line.text, line.length, line.number, err);
    gr_free(data);
    return status;
}

/* The tokens of --text, or of each line of --lines. */
static gr_status encode(const encode_options *own, gr_error *err) {
    gr_tokenizer *tokenizer;
    tokens t = {0};
    GR_TRY(open_tokenizer(&tokenizer, own->common.input, err));
    gr_status status = own->lines ? encode_lines(&t, own, tokenizer, err)
                                  : encode_text(&t, own, tokenizer, own->text, strlen(own->text), err);
    if (status == GR_OK && own->text)
        print_tokens(own, tokenizer, t.ids, t.count);
    gr_free(t.ids);
    gr_tokenizer_free(tokenizer);
    return status;
}

int gr__data_encode(int argc, char **argv) {
    encode_options own = {.common.what = "TOKENIZER"};
    gr_error err = {0};
    gr__parse(&(struct argp){options_encode, parse_encode, "TOKENIZER", doc_encode, NULL, NULL, NULL}, argc, argv,
              &own);
    return gr__end_command(&own.common, encode(&own, &err), &err);
}

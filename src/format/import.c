/* import.c - networks and vocabularies in files of other programs: which file holds what, and saving the result.
 * Formats are in files of their own (import_NAME.c). */
#include "format/import.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "gradroute/bundle.h"
#include "io/digest.h"
#include "io/file.h"

static const gr__import_format *const formats[] = {&gr__import_llama2c};

/* ---- which file is what ---- */

/* The one file among those given that holds a network, and the format that reads it. */
static gr_status find_network(const gr__import_format **format, int *network, const char *const *paths, int count,
                              gr_error *err) {
    *format = NULL;
    for (int i = 0; i < count; i++) {
        /* A name that is wrong is told as such, and not as a file that nobody can read. */
        if (access(paths[i], F_OK) != 0)
            return gr_error_set(err, GR_ERR_INPUT, paths[i], "is the path right?", "there is no such file");

        /* Formats tell by the content, not by the name. Two networks are one too many. */
        for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
            if (!formats[f]->fits(paths[i]))
                continue;
            if (*format)
                return gr_error_set(err, GR_ERR_USAGE, paths[i], "import one at a time",
                                    "this file and %s both hold a network", paths[*network]);
            *format = formats[f];
            *network = i;
        }
    }

    if (!*format)
        return gr_error_set(err, GR_ERR_USAGE, paths[0], "known are checkpoints of llama2.c (version 0)",
                            "no file holds a network in a format that can be read, or it was cut or extended");
    return GR_OK;
}

/* Names and digests of the files, which the saved model will tell its origin by. */
static gr_status note_files(gr_import *in, const char *const *paths, gr_error *err) {
    in->files = gr_alloc((size_t)in->count * sizeof *in->files);
    in->sha256 = gr_alloc((size_t)in->count * sizeof *in->sha256);
    for (int i = 0; i < in->count; i++) {
        const char *slash = strrchr(paths[i], '/');
        char hex[GR_DIGEST_HEX];
        GR_TRY(gr_digest_file(hex, paths[i], err));
        in->files[i] = gr_strdup(slash ? slash + 1 : paths[i]);
        in->sha256[i] = gr_strdup(hex);
    }
    return GR_OK;
}

/* The network and its vocabulary out of the files, which must fit each other. */
static gr_status open_all(gr_import *in, const char *const *paths, int count, gr_error *err) {
    const gr__import_format *format;
    int network = 0;

    if (count < 1 || count > 2)
        return gr_error_set(err, GR_ERR_USAGE, "import", "name the network and its vocabulary", "%d files", count);

    /* One of the two is the network, whichever comes first; the other one is read as its vocabulary. */
    GR_TRY(find_network(&format, &network, paths, count, err));
    in->format = format->name;
    in->count = count;
    GR_TRY(note_files(in, paths, err));
    GR_TRY(format->read(in, paths[network], count > 1 ? paths[1 - network] : NULL, err));

    /* A vocabulary of another network may have another size; that is all that can be seen of it. */
    int tokens = gr_tokenizer_size(in->tokenizer);
    if (tokens != in->def->vocab)
        return gr_error_set(err, GR_ERR_USAGE, paths[count - 1 - network], "name the vocabulary it was trained with",
                            "the vocabulary has %d tokens, the network %d", tokens, in->def->vocab);
    return GR_OK;
}

gr_status gr_import_open(gr_import **out, const char *const *paths, int count, gr_error *err) {
    gr_import *in = gr_alloc(sizeof *in);
    gr_status status = open_all(in, paths, count, err);
    if (status != GR_OK) {
        gr_import_free(in);
        in = NULL;
    }
    *out = in;
    return status;
}

void gr_import_free(gr_import *in) {
    if (!in)
        return;
    for (int i = 0; i < in->count && in->files && in->sha256; i++) {
        gr_free(in->files[i]);
        gr_free(in->sha256[i]);
    }
    gr_free(in->files);
    gr_free(in->sha256);
    gr_tokenizer_free(in->tokenizer);
    gr_model_free(in->model);
    gr_arch_free(in->def);
    gr_free(in);
}

/* ---- saving ---- */

gr_status gr_import_save(const gr_import *in, const char *path, gr_error *err) {
    /* The vocabulary goes into a file of its own first, beside where the model will be: saving copies it from there. */
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    char *clean = gr_format("%.*s", (int)n, path), *tokenizer = gr__temporary(clean);
    gr_free(clean);

    gr_bundle_data *data = gr_alloc((size_t)in->count * sizeof *data);
    for (int i = 0; i < in->count; i++)
        data[i] = (gr_bundle_data){in->files[i], in->sha256[i]};

    gr_bundle_info info = {.build = GR_VERSION, .tokenizer = tokenizer, .data = data, .data_count = in->count};
    gr_status status = gr_tokenizer_save(in->tokenizer, tokenizer, err);
    if (status == GR_OK) {
        status = gr_bundle_save(path, in->def, in->model, &info, err);
        unlink(tokenizer);
    }
    gr_free(data);
    gr_free(tokenizer);
    return status;
}

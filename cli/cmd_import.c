/* gradroute import: a model folder of files that another program wrote. */
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "gradroute/import.h"
#include "io/file.h"

static const char doc[] =
    "Makes a model folder of a network that another program trained, which is then a model like any other: eval, "
    "generate, ablate and the library's expand take it. FILE... are the network and its vocabulary, in any order; "
    "what each is shows in its content."
    "\v"
    "Formats:\n"
    "  llama2.c  a checkpoint of version 0 (such as stories15M.bin) and its vocabulary (tokenizer.bin)\n"
    "\n"
    "Examples:\n"
    "  gradroute import stories260K.bin tok512.bin -o models/stories\n"
    "  gradroute generate models/stories --prompt 'Once upon a time' --tokens 200\n" GR__EXIT_STATUS;

static const struct argp_option options[] = {GR__OPTION_OUT("The new model folder"), GR__OPTION_JSON, {0}};

typedef struct import_options {
    gr__common common; /* first: parsing hands it on */
    gr__strings files; /* network and vocabulary */
} import_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
    import_options *own = state->input;
    switch (key) {
    /* Files in any order; what each is shows in its content. */
    case ARGP_KEY_ARG:
        GR_PUSH(own->files.at, own->files.count, own->files.capacity) = arg;
        return 0;

    case ARGP_KEY_END:
        if (!own->files.count)
            argp_error(state, "FILE is missing");
        if (!own->common.out)
            argp_error(state, "-o MODEL is missing");
        return 0;
    default:
        return gr__common_parse(key, arg, state, &own->common);
    }
}

/* What was read, and where it is now. */
static void report(const import_options *own, const gr_import *in) {
    int64_t size = (int64_t)gr_model_size(in->model);
    if (own->common.json)
        gr__print_json(json_pack("{s:o, s:s, s:o, s:I, s:i, s:i}", "model", gr_json_text(own->common.out), "format",
                                 in->format, "files", gr__json_strings(&own->files), "parameters", (json_int_t)size,
                                 "vocab", in->def->vocab, "context", in->def->context));
    else
        printf("%s: %s, %s parameters, %s tokens, context %d\n", own->common.out, in->format,
               gr__text_count((char[32]){0}, size), gr__text_count((char[32]){0}, in->def->vocab), in->def->context);
}

/* What may refuse comes first; then the files are read, and the folder is written. */
static gr_status import(const import_options *own, gr_error *err) {
    gr_import *in;
    GR_TRY(gr__output_apart(own->common.out, own->files.at, own->files.count, err));
    GR_TRY(gr__output_alone(own->common.out, err));
    GR_TRY(gr_bundle_check(own->common.out, err));
    GR_TRY(gr_import_open(&in, own->files.at, own->files.count, err));
    gr_status status = gr__parent_make(own->common.out, err);
    if (status == GR_OK)
        status = gr_import_save(in, own->common.out, err);
    if (status == GR_OK)
        report(own, in);
    gr_import_free(in);
    return status;
}

int gr__cmd_import(int argc, char **argv) {
    import_options own = {0};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "FILE...", doc, NULL, NULL, NULL}, argc, argv, &own);
    gr_status status = import(&own, &err);
    gr_free(own.files.at);
    return gr__end_command(&own.common, status, &err);
}

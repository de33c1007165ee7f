#include <omp.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "gradroute/infer.h"

static const char doc[] =
    "Continues a prompt with MODEL (a model folder or the folder of a finished run), all regions on but those named."
    "\v"
    "With temperature 0 the most likely token is taken each time; above it tokens are drawn, and the same seed gives "
    "the "
    "same text.\n"
    "\n"
    "Examples:\n"
    "  gradroute generate runs/demo/routed --prompt 'a small bird'\n"
    "  gradroute generate runs/demo --prompt 'a bird' --off biology --seed 7\n" GR__EXIT_STATUS;

enum { KEY_TEMPERATURE = GR__KEY_OWN, KEY_SEED, KEY_PRECISION };

static const struct argp_option options[] = {
    {"prompt", 'p', "TEXT", 0, "What to continue (may be empty: the start of a document)", 0},
    {"tokens", 'n', "N", 0, "At most this many new tokens (default: 40)", 0},
    {"temperature", KEY_TEMPERATURE, "T", 0, "0 takes the most likely token (default: 0)", 0},
    {"top-k", 'k', "K", 0, "Draw among the K most likely tokens (default: 0, all)", 0},
    {"seed", KEY_SEED, "N", 0, "Of the draws (default: 1)", 0},
    {"precision", KEY_PRECISION, "WORD", 0,
     "float32, bf16 (half the bytes and up to twice as fast, rounded) or auto (default: float32)", 0},
    GR__OPTION_OFF,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct generate_options {
    gr__common common; /* first: parsing hands it on */
    const char *prompt;
    gr_generate_def def;
} generate_options;

static gr_precision precision(struct argp_state *state, const char *word) {
    static const struct {
        const char *word;
        gr_precision value;
    } known[] = {{"float32", GR_PRECISION_FLOAT32}, {"bf16", GR_PRECISION_BF16}, {"auto", GR_PRECISION_AUTO}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(word, known[i].word) == 0)
            return known[i].value;
    argp_error(state, "--precision %s: expected float32, bf16 or auto", word);
    return GR_PRECISION_MODEL;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    generate_options *own = state->input;
    switch (key) {
    case 'p':
        own->prompt = arg;
        return 0;
    case 'n':
        own->def.tokens = (int)gr__option_int(state, "tokens", arg, 1, 1 << 20);
        return 0;
    case KEY_TEMPERATURE:
        own->def.temperature = gr__option_real(state, "temperature", arg, 0, 1000);
        return 0;
    case 'k':
        own->def.top_k = (int)gr__option_int(state, "top-k", arg, 0, 1 << 30);
        return 0;
    case KEY_SEED:
        own->def.seed = (uint64_t)gr__option_int(state, "seed", arg, 0, INT64_MAX);
        return 0;
    case KEY_PRECISION:
        own->def.precision = precision(state, arg);
        return 0;
    case ARGP_KEY_END:
        gr__common_parse(key, arg, state, &own->common);
        if (!own->prompt)
            argp_error(state, "--prompt TEXT is missing");
        return 0;
    default:
        return gr__common_parse(key, arg, state, &own->common);
    }
}

static void report(const generate_options *own, const gr_tokenizer *tokenizer, const int32_t *ids, int n) {
    char *text = NULL;
    size_t length = 0, capacity = 0;
    (*own->prompt ? gr_tokenizer_decode_on : gr_tokenizer_decode)(tokenizer, &text, &length, &capacity, ids, (size_t)n);
    json_t *clean = gr__json_text(text ? text : "", length);
    if (own->common.json)
        gr__print_json(json_pack("{s:s, s:o, s:o, s:O, s:i}", "model", own->common.input, "off",
                                 gr__json_strings(&own->common.off), "prompt",
                                 gr__json_text(own->prompt, strlen(own->prompt)), "completion", clean, "tokens", n));
    else
        printf("%s%s\n", own->prompt, json_string_value(clean));
    json_decref(clean);
    gr_free(text);
}

/* A document starts behind a start token, as in training. */
static gr_status encode(int32_t **ids, size_t *count, const gr_tokenizer *tokenizer, const char *prompt,
                        gr_error *err) {
    size_t capacity = 0;
    if (gr_tokenizer_start(tokenizer) >= 0)
        GR_PUSH(*ids, *count, capacity) = gr_tokenizer_start(tokenizer);
    return gr_tokenizer_encode(tokenizer, ids, count, &capacity, prompt, strlen(prompt), err);
}

static gr_status generate(const generate_options *own, const gr_folder *folder, const gr_tokenizer *tokenizer,
                          gr_error *err) {
    gr_generate_def def = own->def;
    gr_tables *tables;
    int32_t *ids = NULL, *out = gr_alloc(sizeof *out * (size_t)def.tokens);
    size_t count = 0;
    int n = 0;
    def.context = folder->def->context;
    def.stop = gr_tokenizer_end(tokenizer);
    gr_status status = gr_profile_new(&tables, folder->model, own->common.off.at, own->common.off.count, err);
    if (status == GR_OK) {
        status = encode(&ids, &count, tokenizer, own->prompt, err);
        if (status == GR_OK)
            status = gr_generate(folder->model, tables, out, &n, ids, (int)count, &def, err);
        gr_tables_free(tables);
    }
    if (status == GR_OK)
        report(own, tokenizer, out, n);
    gr_free(ids);
    gr_free(out);
    return status;
}

static gr_status open_and_generate(const generate_options *own, gr_error *err) {
    gr_folder *folder;
    gr_tokenizer *tokenizer;
    GR_TRY(gr__open_model(&folder, own->common.input, err));
    if (own->common.threads)
        omp_set_num_threads(own->common.threads);
    gr_status status = gr__open_tokenizer(&tokenizer, folder, err);
    if (status == GR_OK) {
        status = generate(own, folder, tokenizer, err);
        gr_tokenizer_free(tokenizer);
    }
    gr_folder_free(folder);
    return status;
}

int gr__cmd_generate(int argc, char **argv) {
    generate_options own = {.common.what = "MODEL", .def = gr_generate_default()};
    own.def.precision = GR_PRECISION_FLOAT32;
    gr_error err = {0};
    argp_parse(&(struct argp){options, parse, "MODEL", doc, NULL, NULL, NULL}, argc, argv, 0, NULL, &own);
    return gr__finish(&own.common, open_and_generate(&own, &err), &err);
}

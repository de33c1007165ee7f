/* gradroute generate: prompts continued, as text while it is made or as objects. */
#include <omp.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/utf8.h"
#include "commands.h"
#include "common.h"
#include "gradroute/infer.h"
#include "infer/prompts.h"
#include "screen.h"

static const char doc[] =
    "Continues prompts with MODEL (a model folder or the folder of a finished run), all regions on but those named."
    "\v"
    "With temperature 0 the most likely token is taken each time. Above it tokens are drawn from softmax(logits / "
    "temperature), among those that --top-k, --top-p and --min-p all leave. The same seed gives the same text, "
    "whatever else is generated in the same call.\n"
    "\n"
    "Text is written as it is made, whole characters only, several prompts one after another with an empty line "
    "between. A stop string is not written, nor what comes after it.\n"
    "\n"
    "A file of prompts has one on each line that is not empty. If its name ends in .jsonl or .json, each line is an "
    "object: {\"prompt\": TEXT, \"off\": [REGION, ...], \"seed\": N}; regions named there are off for this prompt, "
    "beside those of --off.\n"
    "\n"
    "Examples:\n"
    "  gradroute generate runs/demo/routed 'a small bird'\n"
    "  gradroute generate runs/demo --prompt 'a bird' --temperature 0.8 --seed 7\n"
    "  gradroute generate runs/demo --prompts prompts.jsonl --stop ';' --json\n" GR__EXIT_STATUS;

enum { KEY_PROMPTS = GR__KEY_OWN, KEY_TEMPERATURE, KEY_TOP_P, KEY_MIN_P, KEY_SEED, KEY_STOP, KEY_PRECISION };

static const struct argp_option options[] = {
    {"prompt", 'p', "TEXT", 0, "What to continue (may be repeated, may be empty: the start of a document)", 0},
    {"prompts", KEY_PROMPTS, "FILE", 0, "Continue each of the prompts in FILE too", 0},
    {"tokens", 'n', "N", 0, "At most this many new tokens for each prompt (default: 40)", 0},
    {"temperature", KEY_TEMPERATURE, "T", 0, "0 takes the most likely token (default: 0)", 0},
    {"top-k", 'k', "K", 0, "Draw among the K most likely tokens (default: 0, all)", 0},
    {"top-p", KEY_TOP_P, "P", 0, "Draw among as few of them as have together the probability P (default: 1, all)", 0},
    {"min-p", KEY_MIN_P, "P", 0,
     "Draw among those with at least P times the probability of the most likely (default: 0, all)", 0},
    {"seed", KEY_SEED, "N", 0, "Of the draws (default: 1)", 0},
    {"stop", KEY_STOP, "TEXT", 0, "End a text before this string (may be repeated)", 0},
    {"precision", KEY_PRECISION, "WORD", 0,
     "float32, bf16 (half the bytes and up to twice as fast, rounded) or auto (default: float32)", 0},
    GR__OPTION_OFF,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct generate_options {
    gr__common common;   /* first: parsing hands it on */
    gr__prompts prompts; /* those of the command line, then those of the file */
    const char *file;    /* of prompts; NULL: none */
    gr__strings stop;    /* strings that end a text */
    gr_complete_def def; /* how tokens are chosen */
} generate_options;

/* The number of a word of --precision. */
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

/* The options of how tokens are chosen. */
static error_t parse_draws(int key, char *arg, struct argp_state *state, gr_generate_def *def) {
    switch (key) {
    case 'n':
        def->tokens = (int)gr__option_int(state, "tokens", arg, 1, 1 << 20);
        return 0;

    /* How likely unlikely tokens are, .. */
    case KEY_TEMPERATURE:
        def->temperature = gr__option_real(state, "temperature", arg, 0, 1000);
        return 0;

    /* .. and which of them are drawn from at all. */
    case 'k':
        def->top_k = (int)gr__option_int(state, "top-k", arg, 0, 1 << 30);
        return 0;
    case KEY_TOP_P:
        def->top_p = gr__option_real(state, "top-p", arg, 0, 1);
        if (def->top_p == 0)
            argp_error(state, "--top-p is 0, expected a number above it, up to 1");
        return 0;
    case KEY_MIN_P:
        def->min_p = gr__option_real(state, "min-p", arg, 0, 1);
        return 0;

    case KEY_SEED:
        def->seed = (uint64_t)gr__option_int(state, "seed", arg, 0, INT64_MAX);
        return 0;
    case KEY_PRECISION:
        def->precision = precision(state, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Options and prompts; a second argument is a prompt, not a mistake. */
static error_t parse(int key, char *arg, struct argp_state *state) {
    generate_options *own = state->input;
    switch (key) {
    case 'p':
        GR_PUSH(own->prompts.at, own->prompts.count, own->prompts.capacity) =
            (gr__prompt){.text = arg, .length = strlen(arg)};
        return 0;
    case KEY_PROMPTS:
        own->file = arg;
        return 0;
    case KEY_STOP:
        if (!*arg)
            argp_error(state, "--stop is empty: it would end every text at its start");
        GR_PUSH(own->stop.at, own->stop.count, own->stop.capacity) = arg;
        return 0;

    /* MODEL, then prompts: gradroute generate MODEL 'a bird' */
    case ARGP_KEY_ARG:
        return own->common.input ? parse('p', arg, state) : gr__common_parse(key, arg, state, &own->common);
    case ARGP_KEY_END:
        gr__common_parse(key, arg, state, &own->common);
        if (!own->prompts.count && !own->file)
            argp_error(state, "a prompt is missing: TEXT after MODEL, --prompt TEXT or --prompts FILE");
        return 0;
    default:
        if (parse_draws(key, arg, state, &own->def.generate) == 0)
            return 0;
        return gr__common_parse(key, arg, state, &own->common);
    }
}

/* ---- output ---- */

/* To standard output as valid UTF-8. */
static void write_clean(const char *text, size_t length) {
    char *clean = gr_alloc(3 * length + 1);
    gr__screen_text(clean, gr_utf8_clean(clean, text, length));
    gr_free(clean);
}

/* Writes a piece of text as it comes (gr_complete_def.show). */
static bool show(void *user, const char *text, size_t length) {
    (void)user;
    write_clean(text, length);
    return !ferror(stdout);
}

/* A completion for programs. */
static json_t *object(const gr__prompt *prompt, const gr__strings *off, const gr_complete_def *def,
                      const gr_completion *done) {
    json_t *ids = json_array();
    for (int i = 0; i < done->tokens; i++)
        json_array_append_new(ids, json_integer(done->ids[i]));
    json_t *value =
        json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:s, s:o}", "prompt", gr_json_bytes(prompt->text, prompt->length),
                  "off", gr__json_strings(off), "completion", gr_json_bytes(done->text, done->length), "prompt_tokens",
                  done->prompt_tokens, "tokens", done->tokens, "ids", ids, "finish", gr_finish_name(done->finish),
                  "tokens_per_s", gr__json_real(done->tokens_per_s));

    /* What was drawn can be drawn again by its seed; which stop string was met. */
    if (def->generate.temperature > 0)
        json_object_set_new(value, "seed", json_integer((json_int_t)def->generate.seed));
    if (done->finish == GR_FINISH_STOP)
        json_object_set_new(value, "stop", gr_json_text(def->stop[done->stop]));
    return value;
}

/* ---- prompts one after another ---- */

typedef struct work {
    const generate_options *own;
    const gr_bundle *bundle;
    const gr_tokenizer *tokenizer;
    gr__strings off;     /* of the profile that there is */
    gr_tables *profile;  /* NULL: none yet */
    gr_decoder *decoder; /* under it; NULL: none yet */
    json_t *list;        /* of objects; NULL: text */
} work;

/* Whether two lists name the same regions in the same order. */
static bool same(const gr__strings *a, const gr__strings *b) {
    bool equal = a->count == b->count;
    for (int i = 0; equal && i < a->count; i++)
        equal = strcmp(a->at[i], b->at[i]) == 0;
    return equal;
}

/* Adds a name unless the list has it. */
static void add_once(gr__strings *to, const char *name) {
    if (!gr__has_text(to->at, to->count, name))
        GR_PUSH(to->at, to->count, to->capacity) = name;
}

/* The profile for a prompt: the one there is, if it has the same regions off. */
static gr_status switch_off(work *w, const gr__prompt *prompt, gr_error *err) {
    /* Those of --off, then the prompt's own. */
    const gr__strings *all = &w->own->common.off;
    gr__strings off = {0};
    for (int i = 0; i < all->count; i++)
        add_once(&off, all->at[i]);
    for (int i = 0; i < prompt->offs; i++)
        add_once(&off, prompt->off[i]);
    gr__expand_all(&off, w->bundle->model);

    if (w->profile && same(&off, &w->off)) {
        gr_free(off.at);
        return GR_OK;
    }

    /* Another one, for which the decoder has to be made anew. */
    gr_decoder_free(w->decoder);
    gr_tables_free(w->profile);
    gr_free(w->off.at);
    w->decoder = NULL;
    w->off = off;
    return gr_profile_new(&w->profile, w->bundle->model, off.at, off.count, err);
}

/* Continues a prompt: text is written as it is made, an object when it is done. */
static gr_status complete(work *w, const gr__prompt *prompt, gr_error *err) {
    /* The prompt's settings. */
    gr_complete_def def = w->own->def;
    def.stop = w->own->stop.at;
    def.stops = w->own->stop.count;
    def.generate.seed = prompt->seeded ? prompt->seed : def.generate.seed;
    def.show = w->list ? NULL : show;

    GR_TRY(switch_off(w, prompt, err));
    if (!w->decoder)
        GR_TRY(gr_decoder_new(
            &w->decoder, w->bundle->model, w->profile,
            &(gr_decoder_def){.context = w->bundle->def->context, .precision = def.generate.precision}, err));

    /* The text begins with the prompt. */
    if (!w->list)
        write_clean(prompt->text, prompt->length);
    gr_completion done;
    gr_status status = gr_complete(&done, w->decoder, w->tokenizer, prompt->text, prompt->length, &def, err);
    if (!w->list)
        putchar('\n'); /* an error begins a line, too */
    GR_TRY(status);
    if (w->list)
        json_array_append_new(w->list, object(prompt, &w->off, &def, &done));
    gr_completion_free(&done);
    return GR_OK;
}

static gr_status complete_all(work *w, const gr__prompts *prompts, gr_error *err) {
    /* What the last prompt asks for wrongly is said before the first is continued. */
    for (size_t i = 0; i < prompts->count; i++)
        GR_TRY(switch_off(w, &prompts->at[i], err));
    for (size_t i = 0; i < prompts->count; i++) {
        if (i && !w->list)
            putchar('\n');
        GR_TRY(complete(w, &prompts->at[i], err));
    }
    return GR_OK;
}

/* All prompts with the decoder and profile that `work` keeps between them. */
static gr_status generate(generate_options *own, const gr_bundle *bundle, const gr_tokenizer *tokenizer,
                          gr_error *err) {
    work w = {.own = own, .bundle = bundle, .tokenizer = tokenizer, .list = own->common.json ? json_array() : NULL};

    /* Texts are written as they are made, objects when all are done. */
    gr_status status = complete_all(&w, &own->prompts, err);
    if (w.list && status == GR_OK)
        gr__print_json(json_pack("{s:o, s:O}", "model", gr_json_text(own->common.input), "completions", w.list));
    json_decref(w.list);
    gr_decoder_free(w.decoder);
    gr_tables_free(w.profile);
    gr_free(w.off.at);
    return status;
}

static gr_status open_and_generate(generate_options *own, gr_error *err) {
    gr_bundle *bundle;
    gr_tokenizer *tokenizer;
    /* The prompts first: a model takes longer to read. */
    if (own->file)
        GR_TRY(gr__prompts_read(&own->prompts, own->file, err));
    GR_TRY(gr__open_model(&bundle, own->common.input, err));
    if (own->common.threads)
        omp_set_num_threads(own->common.threads);

    gr_status status = gr_bundle_tokenizer(&tokenizer, bundle, err);
    if (status == GR_OK) {
        status = generate(own, bundle, tokenizer, err);
        gr_tokenizer_free(tokenizer);
    }
    gr_bundle_free(bundle);
    return status;
}

int gr__cmd_generate(int argc, char **argv) {
    generate_options own = {.common.what = "MODEL", .def = gr_complete_default()};
    own.def.generate.precision = GR_PRECISION_FLOAT32;
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "MODEL [TEXT...]", doc, NULL, NULL, NULL}, argc, argv, &own);
    gr_status status = open_and_generate(&own, &err);
    gr__prompts_free(&own.prompts);
    gr_free(own.stop.at);
    return gr__end_command(&own.common, status, &err);
}

/* gradroute resize: a model with more or fewer layers, neurons, heads or residual dimensions. */
#include "base/mem.h"
#include "commands.h"
#include "operation.h"

static const char doc[] =
    "Gives MODEL more or fewer layers, neurons, heads or residual dimensions and writes it to OUT. What is new puts "
    "out nothing at first, so growing leaves the function as it is; what shrinks loses its last units or layers."
    "\v"
    "Before OUT is written it is compared with MODEL. If logits differ by more than 1e-4 (as they do where layers "
    "that matter go) it is not written unless --force says so. --width needs RMS norm, no residual regions, and 4, "
    "16, .. times the width (or a 4th, ..): other widths round the gains of the norms, which --force takes as well.\n"
    "\n"
    "Examples:\n"
    "  gradroute resize runs/demo --layers 6 --mlp 768 -o runs/larger\n"
    "  gradroute resize runs/larger --layers 4 --mlp 512 -o runs/as-before\n"
    "  gradroute resize runs/demo --layers 5 --at 0 -o runs/deeper\n" GR__EXIT_STATUS;

enum { KEY_LAYERS = GR__KEY_OWN, KEY_AT, KEY_MLP, KEY_HEADS, KEY_WIDTH, KEY_SEED, KEY_VERIFY, KEY_FORCE };

static const struct argp_option options[] = {
    {"layers", KEY_LAYERS, "N", 0, "Layers", 0},
    {"at", KEY_AT, "I", 0, "New layers come before layer I, or layers go from I on (default: at the end)", 0},
    {"mlp", KEY_MLP, "N", 0, "Neurons of each layer", 0},
    {"heads", KEY_HEADS, "N", 0, "Heads of each layer", 0},
    {"width", KEY_WIDTH, "N", 0, "Residual dimensions", 0},
    {"seed", KEY_SEED, "N", 0, "Of the draws of what is new (default: that of the model)", 0},
    GR__OPTION_VERIFY(KEY_VERIFY),
    GR__OPTION_FORCE(KEY_FORCE),
    GR__OPTION_OUT("The new model folder OUT"),
    GR__OPTION_JSON,
    {0}};

typedef struct resize_options {
    gr__common common;         /* first: parsing hands it on */
    gr_surgery_resize_def how; /* the new sizes */
    const char *verify;        /* text to compare on; NULL: random tokens */
    bool force;                /* write OUT whatever the comparison says */
} resize_options;

/* Options into their fields; sizes that are not given stay as they are. */
static error_t parse(int key, char *arg, struct argp_state *state) {
    resize_options *own = state->input;
    gr_surgery_resize_def *how = &own->how;
    enum { MOST = 1 << 20 };
    switch (key) {
    case KEY_LAYERS:
        how->layers = (int)gr__option_int(state, "layers", arg, 1, MOST);
        return 0;
    case KEY_AT:
        how->at = (int)gr__option_int(state, "at", arg, 0, MOST);
        return 0;
    case KEY_MLP:
        how->mlp = (int)gr__option_int(state, "mlp", arg, 1, MOST);
        return 0;
    case KEY_HEADS:
        how->heads = (int)gr__option_int(state, "heads", arg, 1, MOST);
        return 0;
    case KEY_WIDTH:
        how->width = (int)gr__option_int(state, "width", arg, 1, MOST);
        return 0;
    case KEY_SEED:
        how->seed = (uint64_t)gr__option_int(state, "seed", arg, 0, INT64_MAX);
        return 0;
    case KEY_VERIFY:
        own->verify = arg;
        return 0;
    case KEY_FORCE:
        own->force = how->rounding = true;
        return 0;

    /* What must be there, and what must go together. */
    case ARGP_KEY_END:
        gr__common_parse(key, arg, state, &own->common);
        if (how->layers == GR_SURGERY_KEEP && how->mlp == GR_SURGERY_KEEP && how->heads == GR_SURGERY_KEEP &&
            how->width == GR_SURGERY_KEEP)
            argp_error(state, "one of --layers, --mlp, --heads and --width is missing");
        if (how->at != GR_SURGERY_END && how->layers == GR_SURGERY_KEEP)
            argp_error(state, "--at needs --layers N");
        if (!own->common.out)
            argp_error(state, "-o OUT is missing");
        return 0;
    default:
        return gr__common_parse(key, arg, state, &own->common);
    }
}

/* How the size has changed, and how far the logits are from the old ones. */
static void report(const resize_options *own, const gr_bundle *bundle, const gr_surgery_result *result,
                   const gr_verdict *verdict) {
    size_t before = gr_model_size(bundle->model), after = gr_model_size(result->model);
    if (own->common.json) {
        gr__print_json(json_pack("{s:o, s:o, s:I, s:I, s:o}", "model", gr_json_text(own->common.out), "from",
                                 gr_json_text(own->common.input), "parameters_before", (json_int_t)before, "parameters",
                                 (json_int_t)after, "difference", gr__json_real(verdict->difference)));
        return;
    }
    printf("%s: %s parameters (%s had %s)\n", own->common.out, gr__text_count((char[32]){0}, (int64_t)after),
           own->common.input, gr__text_count((char[32]){0}, (int64_t)before));
    printf("largest difference of logits to %s: %.3g\n", own->common.input, verdict->difference);
}

/* result and probe are the caller's to free, also on failure. */
static gr_status resize(gr_surgery_result *result, gr_probe **probe, const resize_options *own, const gr_bundle *bundle,
                        gr_error *err) {
    GR_TRY(gr__operation_check_out(&own->common, NULL, own->verify, err));
    GR_TRY(gr_surgery_resize(result, bundle->def, bundle->model, &own->how, err));

    /* Nothing is written that is not what it should be. */
    gr_verdict verdict = {.exact = true, .force = own->force, .hint = GR__FORCE_HINT};
    gr_verify_side before = {.model = bundle->model}, after = {.model = result->model};
    GR_TRY(gr_probe_open(probe, own->verify, bundle, err));
    GR_TRY(gr_verify_save(&verdict, own->common.out, result, bundle, *probe, &before, &after, err));
    report(own, bundle, result, &verdict);
    return GR_OK;
}

static gr_status open_and_resize(const resize_options *own, gr_error *err) {
    gr_bundle *bundle;
    gr_surgery_result result = {0};
    gr_probe *probe = NULL;
    GR_TRY(gr__open_model(&bundle, own->common.input, err));
    gr_status status = resize(&result, &probe, own, bundle, err);
    gr_probe_free(probe);
    gr_surgery_free(&result);
    gr_bundle_free(bundle);
    return status;
}

int gr__cmd_resize(int argc, char **argv) {
    resize_options own = {.common.what = "MODEL", .how = gr_surgery_resize_default()};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "MODEL", doc, NULL, NULL, NULL}, argc, argv, &own);
    return gr__end_command(&own.common, open_and_resize(&own, &err), &err);
}

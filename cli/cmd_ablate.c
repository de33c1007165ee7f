/* gradroute ablate: a model without some of its regions. */
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "operation.h"

static const char doc[] =
    "Takes regions out of MODEL for good and writes the model that is left to OUT. What went is not in OUT; the input "
    "stays as it is."
    "\v"
    "How:\n"
    "  remove  the units leave the tensors: a smaller network, equal to the one with the regions off\n"
    "  zero    what the units put out becomes 0; the shapes stay\n"
    "  mean    zero, and the mean of what they put out on --data FILE goes to the bias behind them\n"
    "  reinit  their parameters are drawn anew\n"
    "  merge   of adapters: they go into the weights they are on, and stay on for good\n"
    "\n"
    "Before OUT is written it is compared with MODEL with the regions switched off (merge: on). If logits differ by "
    "more than 1e-4 it is not written unless --force says so; a mean is meant to differ.\n"
    "\n"
    "The manifest of OUT keeps the recipe, which names what was removed; --no-origin leaves it out.\n"
    "\n"
    "Examples:\n"
    "  gradroute ablate runs/demo/routed --remove biology -o runs/without\n"
    "  gradroute ablate runs/a --remove bio --how mean --data a.txt -o runs/mean\n" GR__EXIT_STATUS;

enum { KEY_HOW = GR__KEY_OWN, KEY_SEED, KEY_VERIFY, KEY_FORCE, KEY_NO_ORIGIN };
enum { HOW_REMOVE = -1, HOW_MERGE = -2 }; /* others are gr_off */

static const struct argp_option options[] = {
    {"remove", 'R', "REGION,...", 0, "The regions; all: each of them (may be repeated)", 0},
    {"how", KEY_HOW, "remove|zero|mean|reinit|merge", 0, "See below (default: remove)", 0},
    {"data", 'd', "FILE", 0, "Text for --how mean: JSON Lines or plain", 0},
    GR__OPTION_VERIFY(KEY_VERIFY),
    GR__OPTION_FORCE(KEY_FORCE),
    {"no-origin", KEY_NO_ORIGIN, NULL, 0, "Leave out of OUT where the model comes from: recipe, paths, digests of data",
     0},
    {"seed", KEY_SEED, "N", 0, "Of the draws of --how reinit (default: 1)", 0},
    GR__OPTION_OUT("The new model folder OUT"),
    GR__OPTION_JSON,
    {0}};

typedef struct ablate_options {
    gr__common common;         /* first: parsing hands it on */
    gr__strings regions;       /* to take out */
    const char *data, *verify; /* text for means, text to compare on; NULL: none */
    int how;                   /* HOW_.. or a gr_off */
    uint64_t seed;             /* of --how reinit */
    bool force;                /* write OUT whatever the comparison says */
    bool no_origin;            /* leave out where the model comes from */
} ablate_options;

/* The number of a word of --how. */
static int how_of(struct argp_state *state, const char *word) {
    static const struct {
        const char *word;
        int how;
    } known[] = {{"remove", HOW_REMOVE},
                 {"zero", GR_OFF_ZERO},
                 {"mean", GR_OFF_MEAN},
                 {"reinit", GR_OFF_REINIT},
                 {"merge", HOW_MERGE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(word, known[i].word) == 0)
            return known[i].how;

    argp_error(state, "--how is '%s', expected remove, zero, mean, reinit or merge", word);
    return HOW_REMOVE;
}

/* Options into their fields (argp calls this for each, and at the end). */
static error_t parse(int key, char *arg, struct argp_state *state) {
    ablate_options *own = state->input;
    switch (key) {
    case 'R':
        gr__option_list(&own->common, &own->regions, arg);
        return 0;
    case KEY_HOW:
        own->how = how_of(state, arg);
        return 0;
    case 'd':
        own->data = arg;
        return 0;
    case KEY_VERIFY:
        own->verify = arg;
        return 0;
    case KEY_FORCE:
        own->force = true;
        return 0;
    case KEY_NO_ORIGIN:
        own->no_origin = true;
        return 0;
    case KEY_SEED:
        own->seed = (uint64_t)gr__option_int(state, "seed", arg, 0, INT64_MAX);
        return 0;

    /* What must be there, and what must go together. */
    case ARGP_KEY_END:
        gr__common_parse(key, arg, state, &own->common);
        if (!own->regions.count)
            argp_error(state, "--remove REGION is missing");
        if (!own->common.out)
            argp_error(state, "-o OUT is missing");
        if (own->how == GR_OFF_MEAN && !own->data)
            argp_error(state, "--how mean needs --data FILE to take the mean over");
        return 0;
    default:
        return gr__common_parse(key, arg, state, &own->common);
    }
}

/* ---- surgery ---- */

/* Region after region, each on what the one before left. */
static gr_status silence(gr_surgery_result *out, const ablate_options *own, const gr_bundle *bundle, gr_probe *data,
                         gr_error *err) {
    gr_surgery_off_def how = {.how = (gr_off)own->how, .seed = own->seed, .positions = gr_probe_positions(data)};
    if (own->data)
        how.next = gr_probe_next, how.context = data;

    /* out is what came of the regions so far. */
    const gr_arch_def *def = bundle->def;
    gr_model *model = bundle->model;
    for (int i = 0; i < own->regions.count; i++) {
        gr_surgery_result next = {0};
        gr_probe_rewind(data);
        gr_status status = gr_surgery_off(&next, def, model, own->regions.at[i], &how, err);
        gr_surgery_free(out);
        GR_TRY(status);
        *out = next;
        def = next.def, model = next.model;
    }
    return GR_OK;
}

/* Makes the model that --how asks for. */
static gr_status operate(gr_surgery_result *out, const ablate_options *own, const gr_bundle *bundle, gr_probe *probe,
                         gr_error *err) {
    if (own->how == HOW_REMOVE)
        return gr_surgery_remove(out, bundle->def, bundle->model, own->regions.at, own->regions.count, err);
    if (own->how == HOW_MERGE)
        return gr_surgery_merge(out, bundle->def, bundle->model, own->regions.at, own->regions.count, err);

    /* The mean is taken over the data, which the probe is over too, unless --verify names another text. */
    if (!own->verify || !own->data)
        return silence(out, own, bundle, probe, err);
    gr_probe *data;
    GR_TRY(gr_probe_open(&data, own->data, bundle, err));
    gr_status status = silence(out, own, bundle, data, err);
    gr_probe_free(data);
    return status;
}

/* ---- all ---- */

/* What is left is compared with MODEL without the regions: as it is, or where they were drawn anew without them, too.
 * What adapters were merged into, with MODEL as it is. A mean is meant to differ. */
static gr_status save(gr_verdict *verdict, const ablate_options *own, const gr_bundle *bundle,
                      const gr_surgery_result *out, gr_probe *probe, gr_error *err) {
    gr_verify_side before = {bundle->model, own->regions.at, own->regions.count}, after = {.model = out->model};
    if (own->how == HOW_MERGE)
        before.count = 0;
    if (own->how == GR_OFF_REINIT)
        after.off = own->regions.at, after.count = own->regions.count;
    *verdict = (gr_verdict){.exact = own->how != GR_OFF_MEAN, .force = own->force, .hint = GR__FORCE_HINT};
    if (own->how == GR_OFF_ZERO)
        verdict->hint = "--how remove is exact; what is at zero still counts for norms and experts. --force writes it";
    return gr_verify_save(verdict, own->common.out, out, bundle, probe, &before, &after, err);
}

/* A name given twice, or unknown: said before any work. */
static gr_status check_regions(const ablate_options *own, const gr_model *model, gr_error *err) {
    gr_tables *tables;
    GR_TRY(gr_profile_new(&tables, model, own->regions.at, own->regions.count, err));
    gr_tables_free(tables);
    for (int i = 0; i < own->regions.count; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(own->regions.at[i], own->regions.at[k]) == 0)
                return gr_error_set(err, GR_ERR_USAGE, "--remove", "name it once", "region '%s' is named twice",
                                    own->regions.at[i]);
    return GR_OK;
}

/* The sizes before and after, and how far the logits are from those that were expected. */
static void report(const ablate_options *own, const gr_bundle *bundle, const gr_surgery_result *result,
                   const gr_verdict *verdict) {
    /* How much smaller it is, and how far from what was expected. */
    size_t before = gr_model_size(bundle->model), after = gr_model_size(result->model);
    if (own->common.json) {
        gr__print_json(json_pack("{s:o, s:o, s:o, s:I, s:I, s:o}", "model", gr_json_text(own->common.out), "from",
                                 gr_json_text(own->common.input), "removed", gr__json_strings(&own->regions),
                                 "parameters_before", (json_int_t)before, "parameters", (json_int_t)after, "difference",
                                 gr__json_real(verdict->difference)));
        return;
    }

    printf("%s: %s parameters (%s had %s)\n", own->common.out, gr__text_count((char[32]){0}, (int64_t)after),
           own->common.input, gr__text_count((char[32]){0}, (int64_t)before));
    printf("largest difference of logits to %s with the region %s: %.3g%s\n", own->common.input,
           own->how == HOW_MERGE ? "on" : "off", verdict->difference,
           verdict->exact ? "" : " (a mean is meant to differ)");
}

/* What a manifest tells beside the network: the recipe names what was removed, with the words or topics it was found
 * by. */
static void forget_origin(gr_bundle_info *info) {
    info->recipe = NULL;
    info->data = NULL;
    info->data_count = 0;
}

/* result and probe are the caller's to free, also on failure. */
static gr_status ablate(gr_surgery_result *result, gr_probe **probe, const ablate_options *own, const gr_bundle *bundle,
                        gr_error *err) {
    /* What may refuse comes before the work. */
    GR_TRY(gr__operation_check_out(&own->common, own->data, own->verify, err));
    GR_TRY(check_regions(own, bundle->model, err));
    GR_TRY(gr_probe_open(probe, own->verify ? own->verify : own->data, bundle, err));

    /* Nothing is written that is not what it should be. */
    gr_verdict verdict;
    GR_TRY(operate(result, own, bundle, *probe, err));
    GR_TRY(save(&verdict, own, bundle, result, *probe, err));
    report(own, bundle, result, &verdict);
    return GR_OK;
}

static gr_status open_and_ablate(ablate_options *own, gr_error *err) {
    gr_bundle *bundle;
    gr_surgery_result result = {0};
    gr_probe *probe = NULL;
    GR_TRY(gr__open_model(&bundle, own->common.input, err));
    gr__expand_all(&own->regions, bundle->model);
    if (own->no_origin)
        forget_origin(&bundle->info);

    /* Whatever was made until it ended is freed here. */
    gr_status status = ablate(&result, &probe, own, bundle, err);
    gr_probe_free(probe);
    gr_surgery_free(&result);
    gr_bundle_free(bundle);
    return status;
}

int gr__cmd_ablate(int argc, char **argv) {
    ablate_options own = {.common.what = "MODEL", .how = HOW_REMOVE, .seed = 1};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "MODEL", doc, NULL, NULL, NULL}, argc, argv, &own);
    gr_status status = open_and_ablate(&own, &err);
    gr_free(own.regions.at);
    return gr__end_command(&own.common, status, &err);
}

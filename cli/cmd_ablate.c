#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "gradroute/surgery.h"
#include "io/file.h"

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
    "Examples:\n"
    "  gradroute ablate runs/demo/routed --remove biology -o runs/without\n"
    "  gradroute ablate runs/a --remove bio --how mean --data a.txt -o runs/mean\n" GR__EXIT_STATUS;

enum { KEY_HOW = GR__KEY_OWN, KEY_SEED, ROWS = 16 };
enum { HOW_REMOVE = -1, HOW_MERGE = -2 }; /* others are gr_off */

static const struct argp_option options[] = {
    {"remove", 'R', "REGION,...", 0, "The regions (may be repeated)", 0},
    {"how", KEY_HOW, "remove|zero|mean|reinit|merge", 0, "See below (default: remove)", 0},
    {"data", 'd', "FILE", 0, "Text for --how mean: JSON Lines or plain", 0},
    {"seed", KEY_SEED, "N", 0, "Of the draws of --how reinit (default: 1)", 0},
    GR__OPTION_OUT("The new model folder OUT"),
    GR__OPTION_JSON,
    {0}};

typedef struct ablate_options {
    gr__common common; /* first: parsing hands it on */
    gr__strings regions;
    const char *data;
    int how;
    uint64_t seed;
} ablate_options;

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
    case KEY_SEED:
        own->seed = (uint64_t)gr__option_int(state, "seed", arg, 0, INT64_MAX);
        return 0;
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

/* ---- batches for the mean ---- */

typedef struct calibration {
    gr_dataset *data;
    gr_labels *labels;
    gr_scan *scan;
    int32_t *start, *cls;
} calibration;

static bool next_batch(void *context, gr_batch *batch) {
    calibration *c = context;
    gr_rows rows;
    if (!gr_scan_next(c->scan, &rows))
        return false;
    int n = rows.rows * rows.width;
    for (int i = 0; i < n; i++) {
        c->start[i] = i / rows.width * rows.width + rows.start[i];
        c->cls[i] = rows.doc[i] < 0 ? -1 : 0;
    }
    *batch = (gr_batch){.rows = n,
                        .ids = rows.ids,
                        .targets = rows.targets,
                        .start = c->start,
                        .cls = c->cls,
                        .denominator = rows.present > 0 ? (double)rows.present : 1};
    return true;
}

static gr_status calibration_open(calibration *c, const char *path, const gr_folder *folder, gr_error *err) {
    gr_tokenizer *tokenizer;
    gr_source source = gr__file_source(path);
    int width = folder->def->context;
    GR_TRY(gr__open_tokenizer(&tokenizer, folder, err));
    gr_status status = gr__open_text(&c->data, &c->labels, &source, tokenizer, err);
    gr_tokenizer_free(tokenizer);
    GR_TRY(status);
    c->start = gr_alloc(sizeof *c->start * ROWS * (size_t)width);
    c->cls = gr_alloc(sizeof *c->cls * ROWS * (size_t)width);
    return gr_scan_new(&c->scan, c->data, c->labels, c->data->train, c->data->train_count, ROWS, width, err);
}

static void calibration_free(calibration *c) {
    gr_scan_free(c->scan);
    gr_labels_free(c->labels);
    gr_dataset_free(c->data);
    gr_free(c->start);
    gr_free(c->cls);
}

/* ---- surgery ---- */

/* Region after region, each on what the one before left. */
static gr_status silence(gr_surgery_result *out, const ablate_options *own, const gr_folder *folder, calibration *c,
                         gr_error *err) {
    gr_surgery_off_def how = {.how = (gr_off)own->how, .seed = own->seed, .rows = ROWS * folder->def->context};
    if (own->data)
        how.next = next_batch, how.context = c;
    const gr_arch_def *def = folder->def;
    gr_model *model = folder->model;
    for (int i = 0; i < own->regions.count; i++) {
        gr_surgery_result next = {0};
        if (c->scan)
            gr_scan_rewind(c->scan);
        gr_status status = gr_surgery_off(&next, def, model, own->regions.at[i], &how, err);
        gr_surgery_free(out);
        GR_TRY(status);
        *out = next;
        def = next.def, model = next.model;
    }
    return GR_OK;
}

static gr_status operate(gr_surgery_result *out, const ablate_options *own, const gr_folder *folder, gr_error *err) {
    calibration c = {0};
    gr_status status = own->data ? calibration_open(&c, own->data, folder, err) : GR_OK;
    if (status == GR_OK && own->how == HOW_REMOVE)
        status = gr_surgery_remove(out, folder->def, folder->model, own->regions.at, own->regions.count, err);
    else if (status == GR_OK && own->how == HOW_MERGE)
        status = gr_surgery_merge(out, folder->def, folder->model, own->regions.at, own->regions.count, err);
    else if (status == GR_OK)
        status = silence(out, own, folder, &c, err);
    calibration_free(&c);
    return status;
}

/* ---- all ---- */

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

static gr_status check_out(const ablate_options *own, gr_error *err) {
    char *from = NULL, *in, *out = realpath(own->common.out, NULL);
    GR_TRY(gr__model_path(&from, own->common.input, err));
    in = realpath(from, NULL);
    bool same = in && out && strcmp(in, out) == 0;
    free(in);
    free(out);
    gr_free(from);
    return same ? gr_error_set(err, GR_ERR_USAGE, own->common.out, "choose another folder",
                               "OUT is the model itself, which would be lost")
                : GR_OK;
}

static void report(const ablate_options *own, const gr_folder *folder, const gr_surgery_result *result) {
    size_t before = gr_model_size(folder->model), after = gr_model_size(result->model);
    if (own->common.json)
        gr__print_json(json_pack("{s:s, s:s, s:o, s:I, s:I}", "model", own->common.out, "from", own->common.input,
                                 "removed", gr__json_strings(&own->regions), "parameters_before", (json_int_t)before,
                                 "parameters", (json_int_t)after));
    else
        printf("%s: %s parameters (%s had %s)\n", own->common.out, gr__text_count((char[32]){0}, (int64_t)after),
               own->common.input, gr__text_count((char[32]){0}, (int64_t)before));
}

static gr_status open_and_ablate(const ablate_options *own, gr_error *err) {
    gr_folder *folder;
    gr_surgery_result result = {0};
    GR_TRY(gr__open_model(&folder, own->common.input, err));
    gr_status status = check_out(own, err);
    if (status == GR_OK)
        status = check_regions(own, folder->model, err);
    if (status == GR_OK)
        status = gr__make_parent(own->common.out, err);
    if (status == GR_OK)
        status = operate(&result, own, folder, err);
    gr_folder_info info = folder->info;
    info.build = GR_VERSION;
    if (status == GR_OK)
        status = gr_folder_save(own->common.out, result.def, result.model, &info, err);
    if (status == GR_OK)
        report(own, folder, &result);
    gr_surgery_free(&result);
    gr_folder_free(folder);
    return status;
}

int gr__cmd_ablate(int argc, char **argv) {
    ablate_options own = {.common.what = "MODEL", .how = HOW_REMOVE, .seed = 1};
    gr_error err = {0};
    argp_parse(&(struct argp){options, parse, "MODEL", doc, NULL, NULL, NULL}, argc, argv, 0, NULL, &own);
    gr_status status = open_and_ablate(&own, &err);
    gr_free(own.regions.at);
    return gr__finish(&own.common, status, &err);
}

/* Regions taken away from a parent: switched off, which leaves its weights alone, removed from its tensors, or silenced
 * in them. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/method.h"
#include "gradroute/surgery.h"
#include "gradroute/task.h"
#include "method/slice.h"

enum { SWITCH, REMOVE, ZERO, MEAN, REINIT };
static const char *const hows[] = {"switch", "remove", "zero", "mean", "reinit", NULL};
static const char *const all[] = {"all"};

static const gr_setting options[] = {
    {.key = "regions",
     .help = "names of regions, or all: those under study",
     .kind = GR_SETTING_TEXTS,
     .initial = {.texts = all, .count = 1}},
    {.key = "how",
     .help = "switch: the parent's weights with these regions off; remove: a network without their tensors; zero: what "
             "they put out becomes 0; mean: as zero, with its mean in the bias behind; reinit: drawn anew",
     .kind = GR_SETTING_WORD,
     .word = hows},
    {.key = "random",
     .help = "0: these regions; N: in their place as many neurons and heads of the core, layer by layer, by draw N",
     .kind = GR_SETTING_COUNT,
     .max = 1000000},
    {0}};

static int how(const gr_settings *settings) { return (int)gr_settings_get(settings, "how")->number; }
static bool view(const gr_settings *settings) { return how(settings) == SWITCH; }
static int drawn(const gr_settings *settings) { return (int)gr_settings_get(settings, "random")->number; }

/* ---- which regions ---- */

/* A name as the network has it, which lives as long; NULL: there is no such region. */
static const char *name_in(const gr_arch_def *def, const char *name) {
    for (int i = 0; i < def->region_count; i++)
        if (!strcmp(def->regions[i].name, name))
            return def->regions[i].name;
    return NULL;
}

/* The names of the regions to take away, as the parent's network has them: a new list of *count. Before there is a
 * parent the network is the recipe's. `all` are the regions under study: those that the recipe has beside the regions
 * of a model that it goes on from. */
static gr_status pick_regions(const char ***out, int *count, const gr_making *m, gr_error *err) {
    /* What is asked for: numbers of regions of the recipe, or of texts. */
    const gr_recipe *r = m->project->recipe;
    const gr_arch_def *def = m->parent ? m->parent->bundle->def : &r->model;
    const gr_setting_value *asked = gr_settings_get(m->settings, "regions");
    const char **names = gr_alloc(((size_t)r->model.region_count + (size_t)asked->count + 1) * sizeof *names);
    bool every = asked->count == 1 && !strcmp(asked->texts[0], "all");
    int first = every ? gr_recipe_first_region(r) : 0, end = every ? r->model.region_count : asked->count;

    /* Each of them must be there. */
    *count = 0;
    for (int i = first; i < end; i++) {
        const char *name = every ? r->model.regions[i].name : asked->texts[i], *found = name_in(def, name);
        if (!found) {
            gr_error_set(err, GR_ERR_USAGE, m->name, "regions: all takes those of the recipe",
                         "there is no region '%.100s' to take away", name);
            gr_free(names);
            return GR_ERR_USAGE;
        }
        names[(*count)++] = found;
    }
    *out = names;
    return GR_OK;
}

/* Refuses regions that the parent does not have, and random slices that cannot be drawn. */
static gr_status check(const gr_making *m, gr_error *err) {
    const char **names;
    int count;
    if (drawn(m->settings) && how(m->settings) == SWITCH)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "how: remove, zero, mean or reinit",
                            "a random slice of the parent has no name by which it could be switched off");
    GR_TRY(pick_regions(&names, &count, m, err));
    gr_status status = GR_OK;
    if (drawn(m->settings))
        status = gr__slice_check(m->parent ? m->parent->bundle->def : &m->project->recipe->model, names, count, err);
    gr_free(names);
    return status;
}

/* ---- switched ---- */

/* The parent's weights; what was off there stays off. */
static void switch_off(gr_made *made, const gr_made *parent, const char *const *names, int count) {
    *made = (gr_made){.bundle = parent->bundle, .path = parent->path ? gr_strdup(parent->path) : NULL};
    made->off = gr_alloc(((size_t)parent->off_count + (size_t)count + 1) * sizeof *made->off);
    for (int i = 0; i < parent->off_count; i++)
        made->off[made->off_count++] = parent->off[i];
    for (int i = 0; i < count; i++) {
        bool off = false;
        for (int k = 0; k < made->off_count; k++)
            off |= !strcmp(made->off[k], names[i]);
        if (!off)
            made->off[made->off_count++] = names[i];
    }
}

/* ---- silenced ---- */

/* Rows that a mean is taken over: training documents in their order, each by itself. */
enum { ROWS = 16, BATCHES = 64 };
typedef struct calibration {
    gr_scan *scan;
    int32_t *start, *cls; /* [ROWS * width] */
    int batches;          /* that were handed out */
} calibration;

static bool next_rows(void *user, gr_batch *batch) {
    calibration *c = user;
    gr_rows rows;
    if (c->batches++ == BATCHES || !gr_scan_next(c->scan, &rows))
        return false;

    /* Documents see nothing of each other, and gaps do not count. */
    for (int i = 0; i < rows.sequences * rows.width; i++) {
        c->start[i] = i / rows.width * rows.width + rows.start[i];
        c->cls[i] = rows.doc[i] < 0 ? -1 : 0;
    }
    *batch = (gr_batch){.positions = rows.sequences * rows.width,
                        .ids = rows.ids,
                        .targets = rows.targets,
                        .start = c->start,
                        .cls = c->cls,
                        .denominator = rows.present > 0 ? (double)rows.present : 1};
    return true;
}

/* Region after region, each on what the one before left. */
static gr_status silence_each(gr_surgery_result *out, gr_surgery_result parent, const char *const *names, int count,
                              const gr_surgery_off_def *def, calibration *rows, gr_error *err) {
    gr_surgery_result from = parent;
    for (int i = 0; i < count; i++) {
        if (rows->scan)
            gr_scan_rewind(rows->scan);
        rows->batches = 0;
        gr_status status = gr_surgery_off(out, from.def, from.model, names[i], def, err);
        if (from.model != parent.model)
            gr_surgery_free(&from);
        GR_TRY(status);
        from = *out;
    }
    return GR_OK;
}

static gr_status silence(gr_surgery_result *out, const gr_making *m, gr_surgery_result parent, const char *const *names,
                         int count, gr_error *err) {
    const gr_project *p = m->project;
    const int width = p->recipe->data.context;
    const gr_off kind[] = {[ZERO] = GR_OFF_ZERO, [MEAN] = GR_OFF_MEAN, [REINIT] = GR_OFF_REINIT};
    calibration rows = {0};
    gr_surgery_off_def def = {.how = kind[how(m->settings)], .seed = p->recipe->seed + 1};

    /* A mean is one over rows. */
    if (how(m->settings) == MEAN) {
        GR_TRY(gr_scan_new(&rows.scan, p->data, p->labels, p->data->train, p->data->train_count, ROWS, width, err));
        rows.start = gr_alloc((size_t)ROWS * (size_t)width * sizeof *rows.start);
        rows.cls = gr_alloc((size_t)ROWS * (size_t)width * sizeof *rows.cls);
        def.positions = ROWS * width;
        def.next = next_rows;
        def.context = &rows;
    }

    gr_status status = silence_each(out, parent, names, count, &def, &rows, err);
    gr_scan_free(rows.scan);
    gr_free(rows.start);
    gr_free(rows.cls);
    return status;
}

/* ---- all of it ---- */

/* The parent without what the names stand for. */
static gr_status take_from(gr_surgery_result *out, const gr_making *m, bool remove, gr_surgery_result parent,
                           const char *const *names, int count, gr_error *err) {
    if (remove || count == 0)
        return gr_surgery_remove(out, parent.def, parent.model, names, count, err);
    return silence(out, m, parent, names, count, err);
}

/* The same of the regions, or of a slice of their size; remove: whatever the settings say. */
static gr_status take_away(gr_surgery_result *out, const gr_making *m, bool remove, const char *const *names, int count,
                           gr_error *err) {
    gr_surgery_result parent = {m->parent->bundle->def, m->parent->bundle->model}, claimed;
    const int draw = drawn(m->settings);
    remove = remove || how(m->settings) == REMOVE;
    if (!draw)
        return take_from(out, m, remove, parent, names, count, err);

    GR_TRY(gr__slice_claim(&claimed, parent.def, parent.model, names, count, m->project->recipe->seed, draw, err));
    gr_status status = take_from(out, m, remove, claimed, (const char *[]){GR__SLICE}, 1, err);
    gr_surgery_free(&claimed);
    return status;
}

/* A network of its own, saved and loaded again. */
static gr_status change_network(gr_made *made, const gr_making *m, const char *const *names, int count, gr_error *err) {
    gr_surgery_result out;
    GR_TRY(take_away(&out, m, false, names, count, err));
    gr_status status = gr_made_save(made, m, out.def, out.model, err);
    gr_surgery_free(&out);
    return status;
}

static gr_status make(gr_made *made, const gr_making *m, gr_error *err) {
    const char **names;
    int count;
    *made = (gr_made){0};
    GR_TRY(check(m, err));
    GR_TRY(pick_regions(&names, &count, m, err));

    /* A view of the parent, or a network with weights of its own. */
    gr_status status = GR_OK;
    if (how(m->settings) == SWITCH)
        switch_off(made, m->parent, names, count);
    else
        status = change_network(made, m, names, count, err);
    gr_free(names);
    if (status != GR_OK)
        gr_made_free(made);
    return status;
}

/* ---- before it is made ---- */

/* Of a draft of its parent: as it will be, but that nothing is written. */
static gr_status draft(gr_made *made, const gr_making *m, gr_error *err) {
    const char **names;
    int count;
    gr_surgery_result out = {0};
    *made = (gr_made){0};
    if (how(m->settings) == SWITCH)
        return make(made, m, err);

    GR_TRY(pick_regions(&names, &count, m, err));
    gr_status status = take_away(&out, m, true, names, count, err);
    gr_free(names);
    GR_TRY(status);
    gr_made_take(made, out.def, out.model, m->project->recipe->precision);
    return GR_OK;
}

const gr_method gr__method_ablate = {
    .name = "ablate",
    .help = "regions of a parent that are switched off, or removed",
    .doing = "taking regions away",
    .revision = 1,
    .from = true,
    .sees = GR_SEES_REVEALED,
    .option = options,
    .view = view,
    .check = check,
    .make = make,
    .draft = draft,
};

/* Regions taken away from a parent: switched off, which leaves its weights alone, or removed from its tensors. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/method.h"
#include "gradroute/surgery.h"
#include "gradroute/task.h"
#include "io/lock.h"

enum { SWITCH, REMOVE };
static const char *const hows[] = {"switch", "remove", NULL};
static const char *const all[] = {"all"};

static const gr_setting options[] = {
    {.key = "regions",
     .help = "names of regions, or all: those under study",
     .kind = GR_SETTING_TEXTS,
     .initial = {.texts = all, .count = 1}},
    {.key = "how",
     .help = "switch: the parent's weights with these regions off; remove: a network without their tensors",
     .kind = GR_SETTING_WORD,
     .word = hows},
    {0}};

static int how(const gr_settings *settings) { return (int)gr_settings_get(settings, "how")->number; }
static bool view(const gr_settings *settings) { return how(settings) == SWITCH; }

/* ---- which regions ---- */

/* A name as the network has it, which lives as long; NULL: there is no such region. */
static const char *name_in(const gr_arch_def *def, const char *name) {
    for (int i = 0; i < def->region_count; i++)
        if (!strcmp(def->regions[i].name, name))
            return def->regions[i].name;
    return NULL;
}

/* Of the parent's network, or before there is one of the recipe's: a new list of *count names. Under study are the
 * regions that the recipe has beside those of a model that it goes on from. */
static gr_status pick_regions(const char ***out, int *count, const gr_making *m, gr_error *err) {
    const gr_recipe *r = m->project->recipe;
    const gr_arch_def *def = m->parent ? m->parent->bundle->def : &r->model;
    const gr_setting_value *asked = gr_settings_get(m->settings, "regions");
    const char **names = gr_alloc(((size_t)r->model.region_count + (size_t)asked->count + 1) * sizeof *names);
    bool every = asked->count == 1 && !strcmp(asked->texts[0], "all");
    int first = every ? gr_recipe_first_region(r) : 0, end = every ? r->model.region_count : asked->count;

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

static gr_status check(const gr_making *m, gr_error *err) {
    const char **names;
    int count;
    GR_TRY(pick_regions(&names, &count, m, err));
    gr_free(names);
    return GR_OK;
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

/* ---- removed ---- */

static gr_status save(const char *path, const gr_surgery_result *out, const gr_making *m, gr_error *err) {
    gr_bundle_info info = m->parent->bundle->info;
    gr_bundle_data *data = gr_alloc(((size_t)info.data_count + 1) * sizeof *data);
    for (int i = 0; i < info.data_count; i++)
        data[i] = info.data[i];
    if (m->key)
        data[info.data_count++] = (gr_bundle_data){"cell", m->key};
    info.data = data;
    gr_status status = gr_bundle_save(path, out->def, out->model, &info, err);
    gr_free(data);
    return status;
}

static gr_status remove_regions(gr_made *made, const gr_making *m, const char *const *names, int count, gr_error *err) {
    gr_surgery_result out;
    GR_TRY(gr_surgery_remove(&out, m->parent->bundle->def, m->parent->bundle->model, names, count, err));
    made->path = gr_format("%s/model", m->folder);
    gr_status status = gr__lock_check(m->lock, err);
    if (status == GR_OK)
        status = save(made->path, &out, m, err);
    gr_surgery_free(&out);
    if (status == GR_OK)
        status = gr_bundle_load(&made->bundle, made->path, NULL, 0, err);
    if (status != GR_OK)
        return status;
    made->owns = true;
    gr_model_set_precision(made->bundle->model, m->project->recipe->precision);
    return GR_OK;
}

static gr_status make(gr_made *made, const gr_making *m, gr_error *err) {
    const char **names;
    int count;
    *made = (gr_made){0};
    GR_TRY(pick_regions(&names, &count, m, err));
    gr_status status = GR_OK;
    if (how(m->settings) == SWITCH)
        switch_off(made, m->parent, names, count);
    else
        status = remove_regions(made, m, names, count, err);
    gr_free(names);
    if (status != GR_OK)
        gr_made_free(made);
    return status;
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
};

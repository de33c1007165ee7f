/* surgery.c - another network from a trained one: regions added, silenced or removed.
 *
 * All of it goes one way. A map (remap.c) says for each line of the new network's parameters which line of the old one
 * it is, or that it is new; a new model is made and filled by the map; what is new puts out nothing, so that the
 * function stays. Silencing makes a plain copy first, and then changes the region's numbers. */
#include "gradroute/surgery.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/field.h"
#include "arch/kind.h"
#include "surgery/remap.h"

#define USAGE(err, hint, ...) gr_error_set((err), GR_ERR_USAGE, "surgery", (hint), __VA_ARGS__)

void gr_surgery_free(gr_surgery_result *result) {
    gr_arch_free(result->def);
    gr_model_free(result->model);
    *result = (gr_surgery_result){0};
}

/* ---- copying ---- */

/* New units put out nothing: true where line i of an axis that decides outputs has no origin. */
static bool silent(const gr__blueprint_param *p, int axis, int origin) { return p->axis[axis].out && origin < 0; }

/* Fills one parameter of the new model from the old one; what is new keeps its draw or, where it puts out, is 0. */
static void fill(gr_real *to, const gr_real *from, int from_cols, const gr__blueprint_param *p, const int *rows,
                 const int *cols, bool fresh) {
    for (int i = 0; i < p->def.rows; i++)
        for (int j = 0; j < p->def.cols; j++) {
            /* An old number, or a new one, which is drawn already. */
            gr_real *x = &to[(size_t)i * (size_t)p->def.cols + (size_t)j];
            if (rows[i] >= 0 && cols[j] >= 0)
                *x = from[(size_t)rows[i] * (size_t)from_cols + (size_t)cols[j]];
            else if (!fresh && (silent(p, 0, rows[i]) || silent(p, 1, cols[j])))
                *x = 0;
        }
}

/* Fills all parameters of the new model. */
static void fill_model(const gr__remap *map, gr_model *to, gr_model *from, bool fresh) {
    for (int q = 0; q < map->to->params; q++) {
        const gr__blueprint_param *p = &map->to->param[q];
        gr_real *data = gr_model_data(to, gr_model_find(to, p->def.name));

        /* A parameter that the old network has not: biases and what puts out begin at 0. */
        int origin = gr__remap_origin(map, q);
        if (origin == GR_NONE) {
            const bool bias = p->def.kind == GR_KIND_BIAS || p->def.kind == GR_KIND_OUT_BIAS;
            /* Adapters begin silent anyway, by their B. */
            if (!fresh && p->role == GR__BASE && (bias || p->axis[0].out || p->axis[1].out))
                memset(data, 0, (size_t)p->def.rows * (size_t)p->def.cols * sizeof *data);
            continue;
        }

        /* All others, line by line. */
        gr_param old = gr_model_find(from, map->from->param[origin].def.name);
        int *rows = gr__remap_lines(map, q, 0), *cols = gr__remap_lines(map, q, 1);
        fill(data, gr_model_data(from, old), gr_model_param(from, old)->cols, p, rows, cols, fresh);
        gr_free(rows);
        gr_free(cols);
    }
}

gr_status gr__surgery_finish(gr_surgery_result *out, gr__remap *map, gr_model *model, uint64_t seed, bool fresh,
                             gr_error *err) {
    gr_model *made;

    /* The model must be of the old description. The new one is drawn as any model, then filled; of an outline it is
     * one too. */
    GR_TRY(gr__blueprint_match(map->from, model, err));
    if (gr_model_is_outline(model)) {
        GR_TRY(gr_arch_outline(&made, map->def, err));
    } else {
        GR_TRY(gr__arch_model(&made, map->to, seed, false, err));
        fill_model(map, made, model, fresh);
    }
    *out = (gr_surgery_result){gr_arch_copy(map->def), made};
    return GR_OK;
}

/* ---- expand ---- */

/* Fails where a number differs between the two descriptions. */
static gr_status same(const char *what, double a, double b, gr_error *err) {
    return a == b ? GR_OK : USAGE(err, NULL, "the wider network has %s %g, the old one %g", what, b, a);
}

/* What no unit map can express must be equal. */
static gr_status check_same(const gr_arch_def *a, const gr_arch_def *b, gr_error *err) {
    for (const gr__arch_field *f = gr__fields; f->name; f++) {
        /* What has no meaning in either may differ. */
        const bool without = f->with && !gr__has_experts(a) && !gr__has_experts(b);
        if (f->kept && !without)
            GR_TRY(same(f->name, gr__field_number(f, a), gr__field_number(f, b), err));
    }
    return GR_OK;
}

/* Every line of the old parameter has a place in the new one. */
static gr_status check_axis(const gr__remap *map, int old, int axis, gr_error *err) {
    const gr_param_def *def = &map->from->param[old].def;
    int lines = axis ? def->cols : def->rows, found = 0;

    /* It must be there at all. */
    int q = gr__blueprint_find(map->to, def->name);
    if (q == GR_NONE)
        return USAGE(err, "expand only adds", "the wider network lacks '%s'", def->name);

    /* How many of the old lines the map finds again. */
    const gr__blueprint_param *to = &map->to->param[q];
    int *from = gr__remap_lines(map, q, axis), size = axis ? to->def.cols : to->def.rows;
    for (int i = 0; i < size; i++)
        found += from[i] >= 0 && from[i] < lines;

    /* Lines may only grow where they are units. */
    bool grows = gr__blueprint_core(map->to, q) && to->axis[axis].unit > GR__STREAM;
    gr_free(from);
    if (found == lines && (grows || size == lines))
        return GR_OK;
    return USAGE(err, "expand only adds units, in regions", "'%s' has %d %s, %d of them in the wider network's %d",
                 def->name, lines, axis ? "columns" : "rows", found, size);
}

/* What a region that stays must keep, so that it computes what it did: an adapter adds as much. */
static gr_status check_region(const gr_arch_region *a, const gr_arch_region *b, gr_error *err) {
    char what[64];
    for (const gr__arch_field *f = gr__region_fields; f->name; f++) {
        snprintf(what, sizeof what, "%s%s%s", f->within ? f->within : "", f->within ? " " : "", f->name);

        /* Beside units, what is not said has a meaning too. */
        const bool units = gr__field_of_units(f) && gr__units_any(gr__units_of(a, gr__unit_kind_find(f->within)));
        if (f->kept && units && !gr__field_same(f, a, b))
            return USAGE(err, "expand only adds", "region '%s' has %s: %s in the wider network, %s in the old one",
                         a->name, what, gr__field_word(f, (int)gr__field_number(f, b)),
                         gr__field_word(f, (int)gr__field_number(f, a)));
        if (f->kept && gr__region_says(f, a))
            GR_TRY(same(what, gr__field_number(f, a), gr__field_number(f, b), err));
    }
    return GR_OK;
}

/* Regions are the same by their names. */
static gr_status check_regions(const gr_arch_def *a, const gr_arch_def *b, gr_error *err) {
    for (int i = 0; i < a->region_count; i++)
        for (int k = 0; k < b->region_count; k++)
            if (!strcmp(a->regions[i].name, b->regions[k].name))
                GR_TRY(check_region(&a->regions[i], &b->regions[k], err));
    return GR_OK;
}

/* Whether the wider network is the old one with more units. */
static gr_status check_wider(const gr__remap *map, gr_error *err) {
    GR_TRY(check_same(map->from->def, map->def, err));
    GR_TRY(same("head_size", map->from->head_size, map->to->head_size, err));
    GR_TRY(same("query heads for a head of keys", map->from->group_size, map->to->group_size, err));

    /* Layer by layer: what the core has there is the same. */
    for (int i = 0; i < map->to->layers; i++) {
        GR_TRY(same("a window of", gr__blueprint_window(map->from, i), gr__blueprint_window(map->to, i), err));
        GR_TRY(same("heads to claim", map->from->claimable[GR__HEADS][i], map->to->claimable[GR__HEADS][i], err));
        GR_TRY(same("neurons to claim", map->from->claimable[GR__NEURONS][i], map->to->claimable[GR__NEURONS][i], err));
        GR_TRY(same("neurons of an expert", map->from->each[i], map->to->each[i], err));
    }

    /* And parameter by parameter. */
    GR_TRY(check_regions(map->from->def, map->def, err));
    for (int p = 0; p < map->from->params; p++)
        for (int axis = 0; axis < 2; axis++)
            GR_TRY(check_axis(map, p, axis, err));
    return GR_OK;
}

gr_status gr_surgery_fits(const gr_arch_def *def, const gr_arch_def *wider, gr_error *err) {
    gr__remap *map;
    GR_TRY(gr__remap_expand(&map, def, wider, err));
    gr_status status = check_wider(map, err);
    gr__remap_free(map);
    return status;
}

gr_status gr_surgery_expand(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const gr_arch_def *wider,
                            const gr_surgery_expand_def *how, gr_error *err) {
    gr__remap *map;
    *out = (gr_surgery_result){0};
    GR_TRY(gr__remap_expand(&map, def, wider, err));

    /* Nothing is made before the wider network is known to fit. */
    gr_status status = check_wider(map, err);
    if (status == GR_OK)
        status = gr__surgery_finish(out, map, model, how->seed ? how->seed : gr_model_seed(model), how->fresh, err);
    gr__remap_free(map);
    return status;
}

/* ---- off ---- */

/* Sets a rectangle of a parameter to 0. */
static void zero(gr_real *data, int cols, gr_rect rect) {
    for (int i = rect.lo0; i < rect.hi0; i++)
        for (int j = rect.lo1; j < rect.hi1; j++)
            data[(size_t)i * (size_t)cols + (size_t)j] = 0;
}

/* Silences a region in the parameters of blueprint and model. */
static void off_zero(const gr__blueprint *blueprint, gr_model *model, int region) {
    for (int q = 0; q < blueprint->params; q++) {
        const gr__blueprint_param *p = &blueprint->param[q];
        gr_real *data = gr_model_data(model, gr_model_find(model, p->def.name));

        /* Parameters that are the region's alone: all of what puts out, and all that a pattern names. */
        bool puts_out = p->role == GR__BASE ? p->axis[0].out || p->axis[1].out : p->role == GR__HIGH;
        if (gr__blueprint_listed(blueprint, q, region) || (gr__blueprint_whole(blueprint, q, region) && puts_out))
            zero(data, p->def.cols, (gr_rect){q, 0, p->def.rows, 0, p->def.cols});

        /* Of others the lines of its units, where these put out. */
        gr__unit_span r = gr__blueprint_lines(blueprint, q, 0, region),
                      c = gr__blueprint_lines(blueprint, q, 1, region);
        if (p->axis[0].out)
            zero(data, p->def.cols, (gr_rect){q, r.lo, r.hi, 0, p->def.cols});
        if (p->axis[1].out)
            zero(data, p->def.cols, (gr_rect){q, 0, p->def.rows, c.lo, c.hi});
    }
}

/* Draws all numbers of a region anew, as a new model with this seed has them. */
static void off_reinit(const gr__blueprint *blueprint, gr_model *model, int region, uint64_t seed) {
    /* Rectangle by rectangle; draws are keyed by the seed, the name of the parameter and the place in it. */
    for (int q = 0; q < blueprint->params; q++) {
        gr_rect rect[GR__RECTS_MOST];
        int n = gr__blueprint_rects(blueprint, rect, q, region);
        for (int i = 0; i < n; i++) {
            rect[i].param = gr_model_find(model, blueprint->param[q].def.name);
            gr_model_draw(model, rect[i], seed);
        }
    }
}

/* ---- mean ---- */

/* The means of one tap's columns. */
typedef struct watch {
    gr_value value; /* an output of the run */
    int width;      /* columns, 0: there is no such tap */
    double *sum;    /* [width] */
} watch;

/* Room for the sums of a tap's columns; none where the layer has no such units. */
static watch watch_new(const gr_model *model, const char *name) {
    watch w = {gr_model_output(model, name), 0, NULL};
    gr_tap tap = gr_model_find_tap(model, name);
    if (tap != GR_NONE)
        gr_model_tap(model, tap, &w.width);
    w.sum = gr_alloc((size_t)w.width * sizeof *w.sum);
    return w;
}

/* How much row i counts: an absent one not at all. */
static double row_weight(const gr_batch *batch, int i) {
    if (batch->cls[i] < 0)
        return 0;
    return batch->weight ? (double)batch->weight[i] : 1;
}

/* Adds the rows of a batch, by their weights. */
static void watch_add(const watch *w, const gr_run *run, const gr_batch *batch) {
    int stride;
    const gr_real *x = gr_run_value(run, w->value, &stride);
    for (int i = 0; i < batch->positions; i++) {
        double weight = row_weight(batch, i);
        if (weight == 0)
            continue;
        for (int j = 0; j < w->width; j++)
            w->sum[j] += weight * (double)x[(size_t)i * (size_t)stride + (size_t)j];
    }
}

/* What the rows of a batch weigh together. */
static double batch_weight(const gr_batch *batch) {
    double total = 0;
    for (int i = 0; i < batch->positions; i++)
        total += row_weight(batch, i);
    return total;
}

/* cls[how->rows]: a run without tables knows one class, so classes above 0 are shown to it as 0. */
static gr_status calibrate(watch *list, int count, gr_run *run, const gr_surgery_off_def *how, int32_t *cls,
                           gr_error *err) {
    double total = 0;
    for (gr_batch batch = {0}; how->next(how->context, &batch); batch = (gr_batch){0}) {
        if (batch.positions < 1 || batch.positions > how->positions)
            return USAGE(err, NULL, "a calibration batch has %d positions, the most was said to be %d", batch.positions,
                         how->positions);

        /* Absent rows stay absent. */
        for (int i = 0; i < batch.positions; i++)
            cls[i] = batch.cls && batch.cls[i] < 0 ? -1 : 0;
        batch.cls = cls;
        gr_run_forward(run, &batch);
        for (int k = 0; k < count; k++)
            watch_add(&list[k], run, &batch);
        total += batch_weight(&batch);
    }

    /* Sums become means. */
    if (!(total > 0))
        return USAGE(err, "give calibration rows", "the calibration rows have total weight %g", total);
    for (int k = 0; k < count; k++)
        for (int j = 0; j < list[k].width; j++)
            list[k].sum[j] /= total;
    return GR_OK;
}

/* Adds what the region's units put out on average through parameter q, along `axis`, to the bias behind it. */
static void add_mean(const gr__blueprint *blueprint, gr_model *model, const watch *list, int q, int axis, int region) {
    const gr__blueprint_param *p = &blueprint->param[q];
    gr__unit_span s = gr__blueprint_lines(blueprint, q, axis, region);
    const int sort = gr__unit_sort(p->axis[axis].unit);

    /* Only what heads and neurons write, where the region has some. */
    if (s.lo >= s.hi || !p->axis[axis].out || sort == GR_NONE || p->axis[axis].unit == GR__EXPERT)
        return;

    /* The bias behind the parameter takes mean * w, summed over the region's units: what they put out on average. */
    char name[200];
    snprintf(name, sizeof name, "%s.bias", p->def.name);
    const gr_real *w = gr_model_data(model, gr_model_find(model, p->def.name));
    gr_real *bias = gr_model_data(model, gr_model_find(model, name));
    const double *mean = list[GR__SORTS * p->layer[axis] + sort].sum;
    int outputs = axis ? p->def.rows : p->def.cols;

    /* Along columns w is [outputs x units], along rows [units x outputs]. */
    for (int j = 0; j < outputs; j++) {
        double sum = 0;
        for (int u = s.lo; u < s.hi; u++) {
            size_t at =
                axis ? (size_t)j * (size_t)p->def.cols + (size_t)u : (size_t)u * (size_t)p->def.cols + (size_t)j;
            sum += mean[u] * (double)w[at];
        }
        bias[j] += (gr_real)sum;
    }
}

/* A model with the numbers of `model`, whose heads and neurons are outputs. */
static gr_status twin_new(gr_model **twin, const gr__blueprint *blueprint, gr_model *model, gr_error *err) {
    GR_TRY(gr__arch_model(twin, blueprint, 0, true, err));

    /* Parameter by parameter, since outputs change neither their names nor their sizes. */
    for (int q = 0; q < blueprint->params; q++) {
        const gr_param_def *def = &blueprint->param[q].def;
        memcpy(gr_model_data(*twin, gr_model_find(*twin, def->name)),
               gr_model_data(model, gr_model_find(model, def->name)),
               (size_t)def->rows * (size_t)def->cols * sizeof(gr_real));
    }
    return GR_OK;
}

/* Means of all neurons and heads, list[GR__SORTS * layer + sort], over the calibration rows; the sums are the caller's.
 */
static gr_status measure(watch *list, const gr__blueprint *blueprint, gr_model *model, const gr_surgery_off_def *how,
                         int32_t *cls, gr_error *err) {
    gr_model *twin;
    gr_run *run = NULL;
    int count = GR__SORTS * blueprint->layers;
    GR_TRY(twin_new(&twin, blueprint, model, err));
    for (int k = 0; k < count; k++) {
        char name[48];
        blueprint->arch->tap(name, sizeof name, k / GR__SORTS, (gr__sort)(k % GR__SORTS));
        list[k] = watch_new(twin, name);
    }

    /* Without tables: regions are on, as in plain use. */
    gr_status status = gr_run_new(&run, twin, NULL, &(gr_run_def){.positions = how->positions}, err);
    if (status == GR_OK)
        status = calibrate(list, count, run, how, cls, err);
    gr_run_free(run);
    gr_model_free(twin);
    return status;
}

/* model is the new one, still whole; its biases take the means. */
static gr_status off_mean(const gr__blueprint *blueprint, gr_model *model, int region, const gr_surgery_off_def *how,
                          gr_error *err) {
    int count = GR__SORTS * blueprint->layers;
    watch *list = gr_alloc((size_t)count * sizeof *list);
    int32_t *cls = gr_alloc((size_t)how->positions * sizeof *cls);
    gr_status status = measure(list, blueprint, model, how, cls, err);

    /* What the units put out through every parameter that reads them. */
    if (status == GR_OK)
        for (int q = 0; q < blueprint->params; q++)
            for (int axis = 0; axis < 2; axis++)
                add_mean(blueprint, model, list, q, axis, region);
    for (int k = 0; k < count; k++)
        gr_free(list[k].sum);
    gr_free(list);
    gr_free(cls);
    return status;
}

/* A mean can stand in for neurons and heads whose output one map takes, and for nothing else. */
static gr_status check_mean(const gr__blueprint *blueprint, int r, const gr_surgery_off_def *how, gr_error *err) {
    const gr_arch_region *region = &blueprint->def->regions[r];

    /* Whatever else a region may own. */
    if (region->residual.add || blueprint->stream_span[r].lo < blueprint->stream_span[r].hi || region->pattern_count ||
        region->whole_count || region->adapter.rank || gr__units_any(&region->experts))
        return USAGE(err, "use zero, reinit or remove",
                     "region '%s' has residual dimensions, experts, whole layers, an adapter or whole parameters: a "
                     "mean is defined for neurons and heads",
                     region->name);

    /* An adapter on that map would read the units too. */
    for (int k = 0; k < blueprint->def->region_count; k++)
        for (int i = 0; i < blueprint->layers; i++)
            if (gr__blueprint_adapts(blueprint, k, GR_MAP_OUT, i) || gr__blueprint_adapts(blueprint, k, GR_MAP_DOWN, i))
                return USAGE(err, "merge or remove the adapter first",
                             "the adapter '%s' reads heads or neurons, so the mean of '%s' is not in one map",
                             blueprint->def->regions[k].name, region->name);
    if (!how->next || how->positions < 1)
        return USAGE(err, NULL, "mean ablation of '%s' needs calibration batches", region->name);
    return GR_OK;
}

/* Silences the region in the new model. Means are taken while it is still whole. */
static gr_status off(const gr__remap *map, gr_model *made, int region, const gr_surgery_off_def *how, gr_error *err) {
    switch (how->how) {
    case GR_OFF_REINIT:
        off_reinit(map->to, made, region, how->seed);
        break;
    case GR_OFF_MEAN:
        GR_TRY(check_mean(map->from, region, how, err));
        GR_TRY(off_mean(map->to, made, region, how, err));
        off_zero(map->to, made, region);
        break;
    default:
        off_zero(map->to, made, region);
    }
    return GR_OK;
}

/* The number of a region by its name, GR_NONE if there is none. */
static int find_region(const gr_arch_def *def, const char *name) {
    for (int r = 0; r < def->region_count; r++)
        if (!strcmp(def->regions[r].name, name))
            return r;
    return GR_NONE;
}

/* Copies the model by the map, then silences the region in the copy. */
static gr_status silence(gr_surgery_result *out, gr__remap *map, gr_model *model, const char *region,
                         const gr_surgery_off_def *how, gr_error *err) {
    int r = find_region(map->from->def, region);
    if (r == GR_NONE)
        return USAGE(err, NULL, "there is no region '%s'", region);
    GR_TRY(gr__surgery_finish(out, map, model, gr_model_seed(model), false, err));
    return off(map, out->model, r, how, err);
}

gr_status gr_surgery_off(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *region,
                         const gr_surgery_off_def *how, gr_error *err) {
    gr__remap *map;
    *out = (gr_surgery_result){0};

    /* Means stand in biases, so the new network has those. */
    gr_arch_def with_bias = *def;
    if (how->how == GR_OFF_MEAN && gr__arch_of(def)->sized)
        with_bias.bias = true;
    else if (how->how == GR_OFF_MEAN)
        with_bias.out_bias = true;

    GR_TRY(gr__remap_expand(&map, def, &with_bias, err));
    gr_status status = silence(out, map, model, region, how, err);
    if (status != GR_OK)
        gr_surgery_free(out);
    gr__remap_free(map);
    return status;
}

/* ---- remove ---- */

/* Without the regions' units; the map says where all others were. */
gr_status gr_surgery_remove(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *const *regions,
                            int count, gr_error *err) {
    gr__remap *map;
    *out = (gr_surgery_result){0};
    GR_TRY(gr__remap_remove(&map, def, regions, count, err));
    gr_status status = gr__surgery_finish(out, map, model, gr_model_seed(model), false, err);
    gr__remap_free(map);
    return status;
}

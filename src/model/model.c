/* model.c - a model: the graph, its parameters in one array, and their initial draws.
 *
 * An initial value depends on the seed, the parameter's name, row and column alone: a parameter starts alike in every
 * network that has it.
 */
#include <string.h>

#include "base/rng.h"
#include "model/compiled.h"

/* FNV-1a: spreads the names of parameters over the keys of their draws; nothing a user relies on. */
static uint32_t name_key(const char *name) {
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

/* The initial value of row i, column j. */
static double draw(const gr_param_def *def, gr_key key, int i, int j) {
    switch (def->init) {
    case GR_INIT_NORMAL:
        return def->std * gr_random_normal(key, (uint64_t)i, (uint32_t)j);
    case GR_INIT_UNIFORM:
        return def->std * (2 * gr_random_uniform(key, (uint64_t)i, (uint32_t)j) - 1);
    default:
        return def->init == GR_INIT_ONE;
    }
}

void gr_model_draw(gr_model *model, gr_rect rect, uint64_t seed) {
    const gr_param_def *def = &model->graph->param[rect.param];
    gr_real *w = gr_model_data(model, rect.param);
    gr_key key = {seed, GR_STREAM_INIT, name_key(def->name)};
#pragma omp parallel for schedule(static)
    for (int i = rect.lo0; i < rect.hi0; i++)
        for (int j = rect.lo1; j < rect.hi1; j++)
            w[(size_t)i * (size_t)def->cols + (size_t)j] = (gr_real)draw(def, key, i, j);
}

gr_status gr_model_outline(gr_model **out, gr_graph *graph, uint64_t seed, gr_error *err) {
    *out = NULL;
    if (!graph->failed && graph->nodes == 0)
        gr_graph_fail(graph, "the graph is empty");
    if (graph->failed) {
        gr_status status = gr_error_set(err, GR_ERR_USAGE, "model", NULL, "%s", graph->mistake);
        gr_graph_free(graph);
        return status;
    }

    /* Parameters lie one after the other, each from a cache line (16 numbers) on. */
    gr_model *model = gr_alloc(sizeof *model);
    model->graph = graph;
    model->seed = seed;
    model->offset = gr_alloc(graph->params * sizeof *model->offset);
    for (size_t p = 0; p < graph->params; p++) {
        model->offset[p] = model->room;
        model->room += ((size_t)graph->param[p].rows * (size_t)graph->param[p].cols + 15) / 16 * 16;
    }

    /* Regions as callers see them: their lists do not move any more. */
    for (size_t r = 0; r < graph->regions; r++) {
        gr__region_lists *region = &graph->region[r];
        region->view =
            (gr_region){region->view.name, (int)region->rects, (int)region->gates, region->rect, region->gate};
    }
    *out = model;
    return GR_OK;
}

bool gr_model_is_outline(const gr_model *model) { return !model->data; }

gr_status gr_model_new(gr_model **out, gr_graph *graph, uint64_t seed, gr_error *err) {
    gr_model *model;
    *out = NULL;
    GR_TRY(gr_model_outline(&model, graph, seed, err));

    /* The numbers themselves, and their initial values. */
    model->data = gr_alloc_try(model->room * sizeof *model->data);
    if (!model->data) {
        gr_status status = gr_error_set(err, GR_ERR_MEMORY, "model", "use a smaller width or fewer layers",
                                        "%zu bytes for the parameters were refused", model->room * sizeof(gr_real));
        gr_model_free(model);
        return status;
    }
    for (gr_param p = 0; p < gr_model_params(model); p++)
        gr_model_draw(model, (gr_rect){p, 0, gr_model_param(model, p)->rows, 0, gr_model_param(model, p)->cols}, seed);
    *out = model;
    return GR_OK;
}

void gr_model_free(gr_model *model) {
    if (!model)
        return;
    gr_graph_free(model->graph);
    gr_free(model->offset);
    gr_free(model->data);
    gr_free(model);
}

int gr_model_params(const gr_model *model) { return (int)model->graph->params; }
const gr_param_def *gr_model_param(const gr_model *model, gr_param p) { return &model->graph->param[p]; }
gr_real *gr_model_data(gr_model *model, gr_param p) { return model->data + model->offset[p]; }

/* Numbers of a parameter. */
static size_t numbers_of(const gr_model *model, gr_param p) {
    return (size_t)gr_model_param(model, p)->rows * (size_t)gr_model_param(model, p)->cols;
}

void gr_model_store(const gr_model *model, gr_real *store) {
    for (gr_param p = 0; p < gr_model_params(model); store += numbers_of(model, p), p++)
        memcpy(store, model->data + model->offset[p], numbers_of(model, p) * sizeof *store);
}

void gr_model_restore(gr_model *model, const gr_real *store) {
    for (gr_param p = 0; p < gr_model_params(model); store += numbers_of(model, p), p++)
        memcpy(model->data + model->offset[p], store, numbers_of(model, p) * sizeof *store);
}

void gr_model_set_precision(gr_model *model, gr_precision precision) { model->precision = precision; }
uint64_t gr_model_seed(const gr_model *model) { return model->seed; }

gr_param gr_model_find(const gr_model *model, const char *name) {
    for (size_t p = 0; p < model->graph->params; p++)
        if (strcmp(model->graph->param[p].name, name) == 0)
            return (gr_param)p;
    return GR_NONE;
}

size_t gr_model_size(const gr_model *model) {
    size_t n = 0;
    for (size_t p = 0; p < model->graph->params; p++)
        n += (size_t)model->graph->param[p].rows * (size_t)model->graph->param[p].cols;
    return n;
}

int gr_model_regions(const gr_model *model) { return (int)model->graph->regions; }
const gr_region *gr_model_region(const gr_model *model, int region) { return &model->graph->region[region].view; }

int gr_model_find_region(const gr_model *model, const char *name) {
    for (size_t r = 0; r < model->graph->regions; r++)
        if (strcmp(model->graph->region[r].view.name, name) == 0)
            return (int)r;
    return GR_NONE;
}

size_t gr_region_size(const gr_region *region) {
    size_t n = 0;
    for (int i = 0; i < region->rects; i++)
        n += (size_t)(region->rect[i].hi0 - region->rect[i].lo0) * (size_t)(region->rect[i].hi1 - region->rect[i].lo1);
    return n;
}

int gr_model_taps(const gr_model *model) { return (int)model->graph->taps; }

const char *gr_model_tap(const gr_model *model, gr_tap tap, int *width) {
    if (width)
        *width = model->graph->tap[tap].width;
    return model->graph->tap[tap].name;
}

gr_tap gr_model_find_tap(const gr_model *model, const char *name) {
    for (size_t i = 0; i < model->graph->taps; i++)
        if (strcmp(model->graph->tap[i].name, name) == 0)
            return (gr_tap)i;
    return GR_NONE;
}

gr_value gr_model_output(const gr_model *model, const char *name) {
    for (size_t i = 0; i < model->graph->outputs; i++)
        if (strcmp(model->graph->output[i].name, name) == 0)
            return model->graph->output[i].value;
    return GR_NONE;
}

int gr_model_width(const gr_model *model, gr_value v) { return gr_value_width(model->graph, v); }

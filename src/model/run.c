/* A run: planned memory, contexts of the nodes over it, and the passes. */
#include <assert.h>
#include <string.h>

#include "model/running.h"

static gr_slot slot(const gr_run *run, int n, gr_real *values, gr_real *grads) {
    const gr__layout *l = run->layout;
    const gr_graph *g = run->model->graph;
    int v = l->value_root[n], d = l->grad_root[n];
    return (gr_slot){.v = values + l->value[v] + l->value_at[n],
                     .d = d == GR_NONE ? NULL : grads + l->grad[d] + l->grad_at[n],
                     .stride = g->node[v].width,
                     .width = g->node[n].width,
                     .accumulate = true,
                     .zero = gr__flags(run, run->zero, n)};
}

static gr_param_slot param_slot(const gr_run *run, int p) {
    const gr_param_def *def = &run->model->graph->param[p];
    const gr_tables *t = run->tables;
    return (gr_param_slot){.w = run->model->data + run->model->offset[p],
                           .g = run->gradient ? run->gradient + run->model->offset[p] : NULL,
                           .rows = def->rows,
                           .cols = def->cols,
                           .cells = t->slice_at[p + 1] - t->slice_at[p],
                           .cell = run->cells + t->slice_at[p]};
}

static void fill_tables(gr_run *run) {
    const gr_tables *t = run->tables;
    run->cells = gr_alloc((t->slices + 1) * sizeof *run->cells);
    run->slices = gr_alloc((t->ranges + 1) * sizeof *run->slices);
    for (size_t s = 0; s < t->slices; s++) {
        gr_part p = t->slice[s].part;
        int set = t->slice[s].set;
        run->cells[s] = (gr_cell){p.lo0, p.hi0, p.lo1, p.hi1, set == GR_NONE ? NULL : &run->weights[set]};
    }
    for (size_t i = 0; i < t->ranges; i++) {
        const gr__range *r = &t->range[i];
        run->slices[i] = (gr_tap_slice){r->lo, r->hi, r->forward == GR_NONE ? NULL : &run->weights[r->forward],
                                        r->activation == GR_NONE ? NULL : &run->weights[r->activation]};
    }
}

static void fill_context(gr_run *run, int n, gr_real *values, gr_real *grads, gr_real *states, gr_real *scratch) {
    const gr_node *node = &run->model->graph->node[n];
    const gr__layout *l = run->layout;
    const gr_tables *t = run->tables;
    gr_ctx *c = &run->ctx[n];
    *c = (gr_ctx){.node = node,
                  .rows = &run->rows,
                  .out = slot(run, n, values, grads),
                  .state = states + l->state[n],
                  .scratch = scratch,
                  .index = n,
                  .train = run->layout->train};
    for (int i = 0; i < node->inputs; i++) {
        int in = node->in[i], root = l->grad_root[in];
        c->in[i] = slot(run, in, values, grads);
        /* The first writer of a whole gradient overwrites it; one number is always added to. */
        bool direct = root == in && !run->model->graph->node[in].scalar;
        bool again = false;
        for (int j = 0; j < i; j++)
            again = again || l->grad_root[node->in[j]] == root;
        c->in[i].accumulate = !(direct && l->first[root] == n && !again);
        if (!l->wants[n])
            c->in[i].d = NULL;
    }
    for (int i = 0; i < node->params; i++) {
        c->param[i] = param_slot(run, node->param[i]);
        if (!l->wants[n])
            c->param[i].g = NULL;
    }
    for (int i = 0; i < node->taps; i++) {
        int tap = node->tap[i];
        int set = tap == GR_NONE ? GR_NONE : t->tap_on[tap];
        c->tap[i] = set == GR_NONE ? NULL : &run->weights[set];
    }
    if (node->point != GR_NONE) {
        c->slices = t->range_at[node->point + 1] - t->range_at[node->point];
        c->slice = run->slices + t->range_at[node->point];
    }
}

gr_status gr_run_new(gr_run **out, gr_model *model, const gr_tables *tables, const gr_run_def *def, gr_error *err) {
    gr_run *run = *out = gr_alloc(sizeof *run);
    run->model = model;
    if (!tables) {
        tables = run->own = gr_tables_new(model, 1);
        gr_tables_finish(run->own);
    }
    run->tables = tables;
    run->layout = gr__layout_new(model, tables, def);
    gr__rows_new(run);
    fill_tables(run);
    const gr__layout *l = run->layout;
    size_t total = l->gradients + l->extra + l->values + l->grads + l->states + l->scratch;
    run->memory = gr_alloc_try(total * sizeof *run->memory);
    if (!run->memory) {
        gr_run_free(run);
        *out = NULL;
        return gr_error_set(err, GR_ERR_MEMORY, "run", "use fewer rows per micro-batch",
                            "%zu bytes for %d rows were refused", total * sizeof(gr_real), def->rows);
    }
    run->gradient = l->train ? run->memory : NULL;
    run->extra = run->memory + l->gradients;
    gr_real *values = run->extra + l->extra, *grads = values + l->values, *states = grads + l->grads;
    size_t nodes = model->graph->nodes;
    run->ctx = gr_alloc(nodes * sizeof *run->ctx);
    run->rows.capacity = l->capacity;
    for (size_t n = 0; n < nodes; n++) {
        fill_context(run, (int)n, values, grads, states, states + l->states);
        run->ctx[n].seed = def->seed;
    }
    for (int u = 0; u < l->uses; u++)
        run->ctx[l->use_node[u]].param[l->use_slot[u]].g = run->extra + l->use[u];
    for (size_t n = 0; n < nodes; n++)
        if (run->ctx[n].node->op->prepare)
            run->ctx[n].node->op->prepare(&run->ctx[n]);
    return GR_OK;
}

void gr_run_free(gr_run *run) {
    if (!run)
        return;
    for (size_t n = 0; run->ctx && n < run->model->graph->nodes; n++)
        if (run->ctx[n].node->op->release)
            run->ctx[n].node->op->release(&run->ctx[n]);
    gr__rows_free(run);
    gr_free(run->ctx);
    gr_free(run->cells);
    gr_free(run->slices);
    gr_free(run->memory);
    gr__layout_free(run->layout);
    gr_tables_free(run->own);
    gr_free(run);
}

/* Calls the pass on every stretch of blocks that are live for the node. */
static void over_live(gr_run *run, gr_ctx *ctx, void (*pass)(gr_ctx *, int, int)) {
    if (ctx->node->op->whole) {
        pass(ctx, 0, run->used);
        return;
    }
    const uint8_t *live = gr__flags(run, run->live, ctx->index);
    int block = run->layout->block, blocks = run->used / block;
    for (int a = 0; a < blocks;) {
        int z = a;
        while (z < blocks && live[z])
            z++;
        if (z > a)
            pass(ctx, a * block, z * block);
        a = z + 1;
    }
}

double gr_run_forward(gr_run *run, const gr_batch *batch) {
    const gr_graph *g = run->model->graph;
    gr__rows_bind(run, batch);
    for (size_t n = 0; n < g->nodes; n++) {
        gr_ctx *ctx = &run->ctx[n];
        if (ctx->node->op->forward && run->layout->value_root[n] == (int)n)
            over_live(run, ctx, ctx->node->op->forward);
    }
    double loss = 0;
    for (size_t i = 0; i < g->losses; i++)
        loss += g->loss[i].weight * (double)run->ctx[g->loss[i].value].out.v[0];
    return loss;
}

/* Before a gradient's first writer adds to it, or where that writer skips blocks that others will read: zeros. */
static void clear_first(gr_run *run, const gr_ctx *ctx) {
    const gr__layout *l = run->layout;
    const uint8_t *live = gr__flags(run, run->live, ctx->index);
    int block = l->block;
    for (int i = 0; i < ctx->node->inputs; i++) {
        const gr_slot *in = &ctx->in[i];
        int root = in->d ? l->grad_root[ctx->node->in[i]] : GR_NONE;
        if (root == GR_NONE || l->first[root] != ctx->index || run->model->graph->node[root].scalar)
            continue;
        bool again = false;
        for (int j = 0; j < i; j++)
            again = again || (ctx->in[j].d && l->grad_root[ctx->node->in[j]] == root);
        const gr_slot *whole = &run->ctx[root].out;
        const uint8_t *needed = gr__flags(run, run->live, root);
        for (int b = 0; b < run->used / block && !again; b++) {
            bool skipped = !live[b] || (ctx->node->op->skips_zero && in->zero[b]);
            if (needed[b] && (in->accumulate || skipped))
                memset(whole->d - l->grad_at[root] + (size_t)b * (size_t)block * (size_t)whole->stride, 0,
                       (size_t)block * (size_t)whole->stride * sizeof *whole->d);
        }
    }
}

void gr_run_backward(gr_run *run) {
    const gr_graph *g = run->model->graph;
    const gr__layout *l = run->layout;
    assert(l->train);
    for (size_t n = 0; n < g->nodes; n++)
        if (l->grad_root[n] == (int)n && g->node[n].scalar)
            run->ctx[n].out.d[0] = 0;
    for (size_t i = 0; i < g->losses; i++)
        if (run->ctx[g->loss[i].value].out.d)
            run->ctx[g->loss[i].value].out.d[0] += (gr_real)g->loss[i].weight;
    for (size_t n = g->nodes; n-- > 0;) {
        gr_ctx *ctx = &run->ctx[n];
        /* What shares its input's gradient has nothing to pass on; what nobody reads has nothing to pass. */
        bool own = l->grad_root[n] == (int)n && (l->first[n] != GR_NONE || g->node[n].scalar);
        if (!own || !ctx->node->op->backward)
            continue;
        clear_first(run, ctx);
        over_live(run, ctx, ctx->node->op->backward);
    }
}

void gr_run_zero(gr_run *run) {
    const gr__layout *l = run->layout;
    memset(run->memory, 0, (l->gradients + l->extra) * sizeof *run->memory);
    memset(run->open, 0, run->tables->slices);
}

void gr_run_reduce(gr_run *run) {
    const gr__layout *l = run->layout;
    for (int u = 0; u < l->uses; u++) {
        const gr_node *node = &run->model->graph->node[l->use_node[u]];
        int p = node->param[l->use_slot[u]];
        const gr_param_def *def = &run->model->graph->param[p];
        gr_real *to = run->gradient + run->model->offset[p];
        const gr_real *from = run->extra + l->use[u];
        size_t n = (size_t)def->rows * (size_t)def->cols;
        for (size_t i = 0; i < n; i++)
            to[i] += from[i];
    }
}

gr_real *gr_run_gradient(gr_run *run, gr_param p) { return run->gradient + run->model->offset[p]; }
const uint8_t *gr_run_open(const gr_run *run) { return run->open; }
const gr_tables *gr_run_tables(const gr_run *run) { return run->tables; }

const gr_real *gr_run_value(const gr_run *run, gr_value v, int *stride) {
    *stride = run->ctx[v].out.stride;
    return run->ctx[v].out.v;
}

/* run.c - a run: memory as layout.c has planned it, a context for each node over that memory, and the two passes.
 *
 * Forward goes through the nodes in their order, backward from the last to the first. A node's pass is called on the
 * stretches of blocks in which it is needed (bind.c). The first writer of a gradient overwrites it, all others add;
 * where the first one leaves out rows that others read, they are set to 0 before.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "kernel/kernel.h"
#include "model/running.h"

/* The parts of a run's memory that nodes see; the rest is in gr_run. */
typedef struct parts {
    gr_real *values, *grads, *states, *scratch;
} parts;

/* Node n's value and gradient as its operation and its readers see them: columns of the root's buffers. */
static gr_slot slot(const gr_run *run, int n, const parts *p) {
    const gr__layout *l = run->layout;
    const gr_graph *g = run->model->graph;
    int v = l->value_root[n], d = l->grad_root[n];
    gr_real *value = p->values + l->value[v];
    gr_real *grad = NULL;
    if (d != GR_NONE)
        grad = l->in_place[d] ? p->values + l->value[d] : p->grads + l->grad[d];

    /* Rows lie as far apart as those of the root, whose width is the stride. Whether an input's gradient is added to is
     * settled by fill_context. */
    gr_slot s = {.stride = g->node[v].width,
                 .width = g->node[n].width,
                 .accumulate = true,
                 .zero = gr__flags(run, run->zero, n)};
    if (l->kept_half[v]) {
        s.vh = (gr_half *)value + l->value_at[n];
        s.dh = grad ? (gr_half *)grad + l->grad_at[n] : NULL;
    } else {
        s.v = value + l->value_at[n];
        s.d = grad ? grad + l->grad_at[n] : NULL;
    }
    return s;
}

/* A parameter as a node sees it, with the gradient that its first user adds to. */
static gr_param_slot param_slot(const gr_run *run, int p) {
    const gr_param_def *def = &run->model->graph->param[p];
    const gr_tables *t = run->tables;
    return (gr_param_slot){.w = run->model->data + run->model->offset[p],
                           .wh = run->shadow ? run->shadow + run->model->offset[p] : NULL,
                           .g = run->gradient ? run->gradient + run->model->offset[p] : NULL,
                           .rows = def->rows,
                           .cols = def->cols,
                           .slices = t->slice_at[p + 1] - t->slice_at[p],
                           .slice = run->param_slices + t->slice_at[p]};
}

/* Rectangles of parameters and column ranges of taps, with pointers to the weights that each batch fills. */
static void fill_tables(gr_run *run) {
    const gr_tables *t = run->tables;
    run->param_slices = gr_alloc((t->slices + 1) * sizeof *run->param_slices);
    run->tap_slices = gr_alloc((t->ranges + 1) * sizeof *run->tap_slices);

    /* No set: the weights are 1 for every class. */
    for (size_t s = 0; s < t->slices; s++) {
        gr_rect rect = t->slice[s].rect;
        int set = t->slice[s].set;
        run->param_slices[s] = (gr_weighted_rect){rect, set == GR_NONE ? NULL : &run->weights[set]};
    }
    for (size_t i = 0; i < t->ranges; i++) {
        const gr__range *r = &t->range[i];
        run->tap_slices[i] = (gr_tap_slice){r->lo, r->hi, r->forward == GR_NONE ? NULL : &run->weights[r->forward],
                                            r->activation == GR_NONE ? NULL : &run->weights[r->activation]};
    }
}

/* The tap that alone reads node n; GR_NONE if there is none, or somebody else reads it too. */
static gr_tap only_tap_behind(const gr_graph *g, int n) {
    gr_tap tap = GR_NONE;

    /* Readers come behind the node: there must be one, which is a tap. */
    for (size_t i = (size_t)n + 1; i < g->nodes; i++)
        for (int k = 0; k < g->node[i].inputs; k++)
            if (g->node[i].in[k] == n) {
                if (tap != GR_NONE || g->node[i].point == GR_NONE)
                    return GR_NONE;
                tap = g->node[i].point;
            }

    /* An output is read by callers. */
    for (size_t i = 0; i < g->outputs; i++)
        if (g->output[i].value == n)
            return GR_NONE;
    return tap;
}

/* Everything that passes of node n touch, with pointers into the memory p. */
static void fill_context(gr_run *run, int n, const parts *p) {
    const gr_node *node = &run->model->graph->node[n];
    const gr__layout *l = run->layout;
    const gr_tables *t = run->tables;
    gr_ctx *c = &run->ctx[n];
    *c = (gr_ctx){.node = node,
                  .rows = &run->rows,
                  .out = slot(run, n, p),
                  .state = p->states + l->state[n],
                  .scratch = p->scratch,
                  .index = n,
                  .threads = l->threads,
                  .train = l->train,
                  .half = l->half,
                  .pool = &run->pool};

    /* Inputs, and whether their gradients are overwritten or added to. */
    for (int i = 0; i < node->inputs; i++) {
        int in = node->in[i], root = l->grad_root[in];
        c->in[i] = slot(run, in, p);

        /* The first writer of a whole gradient overwrites it, with the first of the inputs that share it. One number is
         * always added to, and so are columns of a buffer. */
        bool direct = root == in && !run->model->graph->node[in].scalar;
        bool again = false;
        for (int j = 0; j < i; j++)
            again = again || l->grad_root[node->in[j]] == root;
        c->in[i].accumulate = !(direct && l->first[root] == n && !again);
        if (!l->wants[n]) {
            c->in[i].d = NULL;
            c->in[i].dh = NULL;
        }
    }

    /* Parameters, and the gradients of those that are wanted. */
    for (int i = 0; i < node->params; i++) {
        c->param[i] = param_slot(run, node->param[i]);
        if (!l->wants[n])
            c->param[i].g = NULL;
    }

    /* Weights that the node reads: of taps that it names, and of its own or the one that it foresees. */
    for (int i = 0; i < node->taps; i++) {
        int tap = node->tap[i];
        int set = tap == GR_NONE ? GR_NONE : t->tap_on[tap];
        c->tap[i] = set == GR_NONE ? NULL : &run->weights[set];
    }
    gr_tap point = node->op->foresees_tap ? only_tap_behind(run->model->graph, n) : node->point;
    if (point != GR_NONE) {
        c->slices = t->range_at[point + 1] - t->range_at[point];
        c->slice = run->tap_slices + t->range_at[point];
    }
}

/* One allocation for all that passes write, cut as the layout says. Gradients and accumulators come first, so that
 * gr_run_zero clears them in one go. */
static gr_status take_memory(gr_run *run, parts *p, int rows, gr_error *err) {
    const gr__layout *l = run->layout;
    const size_t total = l->gradients + l->extra + l->values + l->grads + l->states + l->scratch + l->shadow;
    run->memory = gr_alloc_try(total * sizeof *run->memory);
    if (!run->memory)
        return gr_error_set(err, GR_ERR_MEMORY, "run", "use fewer rows per micro-batch",
                            "%zu bytes for %d rows were refused", total * sizeof(gr_real), rows);

    run->gradient = l->train ? run->memory : NULL;
    run->extra = run->memory + l->gradients;
    p->values = run->extra + l->extra;
    p->grads = p->values + l->values;
    p->states = p->grads + l->grads;
    p->scratch = p->states + l->states;
    run->shadow = l->shadow ? (gr_half *)(p->scratch + l->scratch) : NULL;
    run->stale = true;
    return GR_OK;
}

/* Contexts of all nodes, then what their operations prepare once: products, whose common memory is made in the end. */
static gr_status open_nodes(gr_run *run, const parts *p, const gr_run_def *def, gr_error *err) {
    const gr__layout *l = run->layout;
    const size_t nodes = run->model->graph->nodes;
    run->ctx = gr_alloc(nodes * sizeof *run->ctx);
    if (def->time)
        run->times = gr_alloc(2 * nodes * sizeof *run->times);
    run->rows.capacity = l->capacity;
    for (size_t n = 0; n < nodes; n++) {
        fill_context(run, (int)n, p);
        run->ctx[n].seed = def->seed;
    }

    /* Further uses of a parameter have accumulators of their own. */
    for (int u = 0; u < l->uses; u++)
        run->ctx[l->use_node[u]].param[l->use_slot[u]].g = run->extra + l->use[u];

    for (size_t n = 0; n < nodes; n++)
        if (!gr__run_prepare(run, &run->ctx[n]))
            return gr_error_set(err, GR_ERR_MEMORY, "run", "use a shorter context",
                                "memory to decode %d positions was refused", def->decode);
    if (!gr_gemm_pool_ready(&run->pool))
        return gr_error_set(err, GR_ERR_MEMORY, "run", "use a smaller network",
                            "%zu bytes for the products to work in were refused", run->pool.bytes);
    return GR_OK;
}

gr_status gr_run_new(gr_run **out, gr_model *model, const gr_tables *tables, const gr_run_def *def, gr_error *err) {
    gr_run *run = gr_alloc(sizeof *run);
    *out = NULL;
    run->model = model;
    if (!tables) {
        tables = run->own = gr_tables_new(model, 1);
        gr_tables_finish(run->own);
    }
    run->tables = tables;

    /* The plan, and what depends on batch and tables alone. */
    run->layout = gr__layout_new(model, tables, def);
    gr__rows_new(run);
    fill_tables(run);

    /* What may be refused: large memory. */
    parts p;
    gr_status status = take_memory(run, &p, def->positions, err);
    if (status == GR_OK)
        status = open_nodes(run, &p, def, err);
    if (status != GR_OK) {
        gr_run_free(run);
        return status;
    }
    *out = run;
    return GR_OK;
}

void gr_run_free(gr_run *run) {
    if (!run)
        return;

    /* What operations have prepared, as far as contexts were made; then memory. */
    if (run->ctx)
        for (size_t n = 0; n < run->model->graph->nodes; n++)
            gr__run_release(run, &run->ctx[n]);

    gr__rows_free(run);
    gr_free(run->ctx);
    gr_free(run->times);
    gr_gemm_pool_free(&run->pool);
    gr_free(run->param_slices);
    gr_free(run->tap_slices);
    gr_free(run->memory);
    gr__layout_free(run->layout);
    gr_tables_free(run->own);
    gr_free(run);
}

/* Calls the pass on every stretch of blocks in which the node is needed. Operations that couple all rows get them in
 * one. */
static void over_live(gr_run *run, gr_ctx *ctx, void (*pass)(gr_ctx *, int, int)) {
    const uint8_t *live = gr__flags(run, run->live, ctx->index);
    if (ctx->node->op->couples_rows) {
        if (live[0])
            pass(ctx, 0, run->used);
        return;
    }

    /* Blocks [a, z) are the next stretch. */
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

/* Copies the parameters to bfloat16, in a training run once a step (gr_run_zero says when they have changed). A run
 * that does not train cannot know: every pass. */
static void refresh(gr_run *run) {
    const int span = 4096;
    if (!run->shadow || !run->stale)
        return;
    size_t room = run->model->room;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < room; i += (size_t)span)
        gr_kernel()->narrow(run->shadow + i, run->model->data + i, room - i < (size_t)span ? (int)(room - i) : span);
    run->stale = !run->layout->train;
}

/* One node of the forward pass, or computed again for the backward pass: by its operation, unless the run decodes it
 * row by row or its value lies in another's buffer. */
static void forward_node(gr_run *run, size_t n) {
    gr_ctx *ctx = &run->ctx[n];
    double from = run->times ? gr__now() : 0;
    if (!gr__run_step(run, ctx) && ctx->node->op->forward && run->layout->value_root[n] == (int)n)
        over_live(run, ctx, ctx->node->op->forward);

    /* A run that continues the text gets what it keeps; a forgotten value now belongs to this segment. */
    gr__run_hand_on(run, ctx);
    if (run->layout->forgotten[n])
        run->filled = ctx->node->segment;
    if (run->times)
        run->times[2 * n] += gr__now() - from;
}

double gr_run_forward(gr_run *run, const gr_batch *batch) {
    const gr_graph *g = run->model->graph;
    refresh(run);
    gr__rows_bind(run, batch);
    for (size_t n = 0; n < g->nodes; n++)
        forward_node(run, n);
    double loss = 0;
    for (size_t i = 0; i < g->losses; i++)
        loss += g->loss[i].weight * (double)run->ctx[g->loss[i].value].out.v[0];
    return loss;
}

/* Input i's gradient is the result's, in one buffer. */
static bool aliased(const gr_ctx *ctx, int i) {
    return ctx->node->grad_alias == i + 1 && ctx->in[i].d && ctx->in[i].d == ctx->out.d;
}

/* Sets rows [row, row + rows) of a root's gradient to 0, all columns of the buffer, of which the slot begins at
 * `at`. */
static void clear_block(const gr_slot *whole, int at, size_t row, size_t rows) {
    size_t stride = (size_t)whole->stride;
    if (whole->dh)
        memset(whole->dh - at + row * stride, 0, rows * stride * sizeof *whole->dh);
    else
        memset(whole->d - at + row * stride, 0, rows * stride * sizeof *whole->d);
}

/* Before a gradient's first writer: zeros in the blocks that it adds to, or that it leaves out and others read. */
static void clear_first(gr_run *run, const gr_ctx *ctx) {
    const gr__layout *l = run->layout;
    const uint8_t *live = gr__flags(run, run->live, ctx->index);
    int block = l->block;
    for (int i = 0; i < ctx->node->inputs; i++) {
        const gr_slot *in = &ctx->in[i];
        int root = in->d || in->dh ? l->grad_root[ctx->node->in[i]] : GR_NONE;
        if (root == GR_NONE || l->first[root] != ctx->index || run->model->graph->node[root].scalar)
            continue;

        /* A gradient that two of the inputs share is cleared once. */
        bool again = false;
        for (int j = 0; j < i; j++)
            again = again || ((ctx->in[j].d || ctx->in[j].dh) && l->grad_root[ctx->node->in[j]] == root);
        if (again)
            continue;

        /* Zeros in the blocks that somebody reads and that this node either adds to or leaves out. Where its result's
         * gradient is the input's too (an alias), that has been written already. */
        const gr_slot *whole = &run->ctx[root].out;
        const uint8_t *needed = gr__flags(run, run->live, root);
        for (int b = 0; b < run->used / block; b++) {
            bool skipped = !live[b] || (ctx->node->op->skips_zero && in->zero[b]);
            if (needed[b] && (in->accumulate || skipped) && !(live[b] && aliased(ctx, i)))
                clear_block(whole, l->grad_at[root], (size_t)b * (size_t)block, (size_t)block);
        }
    }
}

/* With recompute, before the first backward pass of a segment, that of node `last`: computes again what its passes
 * read and another segment has overwritten. The segment that the forward pass came to last is still there. */
static void fill_segment(gr_run *run, size_t last) {
    const gr_graph *g = run->model->graph;
    int segment = g->node[last].segment;
    if (!segment || segment == run->filled)
        return;
    size_t first = last;
    while (first > 0 && g->node[first - 1].segment == segment)
        first--;
    for (size_t n = first; n <= last; n++)
        if (run->layout->again[n])
            forward_node(run, n);
    run->filled = segment;
}

void gr_run_backward(gr_run *run) {
    const gr_graph *g = run->model->graph;
    const gr__layout *l = run->layout;
    assert(l->train);

    /* Gradients of single numbers: 0, and for losses their weight in the total. */
    for (size_t n = 0; n < g->nodes; n++)
        if (l->grad_root[n] == (int)n && g->node[n].scalar)
            run->ctx[n].out.d[0] = 0;
    for (size_t i = 0; i < g->losses; i++)
        if (run->ctx[g->loss[i].value].out.d)
            run->ctx[g->loss[i].value].out.d[0] += (gr_real)g->loss[i].weight;

    /* From the last node to the first. */
    for (size_t n = g->nodes; n-- > 0;) {
        gr_ctx *ctx = &run->ctx[n];

        /* What shares its input's gradient has nothing to pass on; what nobody reads has nothing to pass. */
        bool own = l->grad_root[n] == (int)n && (l->first[n] != GR_NONE || g->node[n].scalar);
        if (!own || !ctx->node->op->backward)
            continue;

        /* Its forgotten inputs, zeros where nobody else writes them, and its own pass. */
        fill_segment(run, n);
        double from = run->times ? gr__now() : 0;
        clear_first(run, ctx);
        over_live(run, ctx, ctx->node->op->backward);
        if (run->times)
            run->times[2 * n + 1] += gr__now() - from;
    }
}

/* In pieces, so that all threads take part. */
void gr_run_zero(gr_run *run) {
    const gr__layout *l = run->layout;
    const size_t room = l->gradients + l->extra, span = 1 << 16;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < room; i += span)
        memset(run->memory + i, 0, (room - i < span ? room - i : span) * sizeof *run->memory);
    memset(run->open, 0, run->tables->slices);
    run->stale = true;
}

/* Adds the accumulators of further uses, in the order of nodes: the sum does not depend on threads. */
void gr_run_reduce(gr_run *run) {
    const gr__layout *l = run->layout;
    for (int u = 0; u < l->uses; u++) {
        const gr_node *node = &run->model->graph->node[l->use_node[u]];
        int p = node->param[l->use_slot[u]];
        const gr_param_def *def = &run->model->graph->param[p];
        gr_real *to = run->gradient + run->model->offset[p];
        const gr_real *from = run->extra + l->use[u];
        size_t n = (size_t)def->rows * (size_t)def->cols;
#pragma omp parallel for simd schedule(static)
        for (size_t i = 0; i < n; i++)
            to[i] += from[i];
    }
}

gr_real *gr_run_gradient(gr_run *run, gr_param p) { return run->gradient + run->model->offset[p]; }
const uint8_t *gr_run_open(const gr_run *run) { return run->open; }
const gr_tables *gr_run_tables(const gr_run *run) { return run->tables; }

const gr_real *gr_run_value(const gr_run *run, gr_value v, int *stride) {
    *stride = run->ctx[v].out.stride;
    return run->layout->forgotten[run->layout->value_root[v]] ? NULL : run->ctx[v].out.v;
}

int gr_run_times(const gr_run *run, gr_op_time *times, int capacity) {
    const gr_graph *g = run->model->graph;
    int count = 0;
    if (!run->times)
        return 0;
    for (size_t n = 0; n < g->nodes; n++) {
        /* Counted with the first node of its kind. */
        size_t first = 0;
        while (g->node[first].op != g->node[n].op)
            first++;
        if (first < n)
            continue;

        /* The sum of all of its kind. */
        gr_op_time sum = {.op = g->node[n].op->name, .products = g->node[n].op->product != NULL};
        for (size_t i = n; i < g->nodes; i++)
            if (g->node[i].op == g->node[n].op) {
                sum.forward += run->times[2 * i];
                sum.backward += run->times[2 * i + 1];
            }
        if (count < capacity)
            times[count] = sum;
        count++;
    }
    return count;
}

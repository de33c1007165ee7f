/* The planner: which values share a buffer, which gradients are wanted, and where everything lies, before anything is
 * allocated. */
#include <omp.h>

#include "kernel/kernel.h"
#include "model/compiled.h"

size_t gr__pack_intervals(size_t *offset, const size_t *size, const int *from, const int *to, int count) {
    size_t total = 0;
    int *order = gr_alloc((size_t)count * sizeof *order), n = 0;
    for (int i = 0; i < count; i++) {
        if (!size[i])
            continue;
        int k = n++;
        for (; k > 0 && from[order[k - 1]] > from[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    for (int a = 0; a < n; a++) {
        int i = order[a];
        size_t at = 0;
        for (bool moved = true; moved;) { /* the lowest offset that meets no buffer alive at the same time */
            moved = false;
            for (int b = 0; b < a; b++) {
                int j = order[b];
                bool together = from[j] <= to[i] && from[i] <= to[j];
                if (together && at < offset[j] + size[j] && offset[j] < at + size[i]) {
                    at = offset[j] + size[j];
                    moved = true;
                }
            }
        }
        offset[i] = at;
        if (at + size[i] > total)
            total = at + size[i];
    }
    gr_free(order);
    return total;
}

static bool shares_value(const gr_tables *t, const gr_node *n) {
    return n->op->view || (n->point != GR_NONE && !gr__tap_forward(t, n->point));
}

static bool shares_gradient(const gr_tables *t, const gr_node *n) {
    return (n->op->view && !n->op->stops) || (n->point != GR_NONE && !gr__tap_active(t, n->point));
}

static bool passes_gradient(const gr_tables *t, const gr_node *n) {
    return !n->op->stops && (n->op->backward || shares_gradient(t, n));
}

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* A gradient is wanted where a loss is reached downstream and a parameter upstream. */
static void find_wanted(gr__layout *l, const gr_graph *g, const gr_tables *t) {
    bool *need = gr_alloc(g->nodes), *reach = gr_alloc(g->nodes);
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        need[n] = node->params > 0;
        for (int i = 0; i < node->inputs && passes_gradient(t, node); i++)
            need[n] |= need[node->in[i]];
    }
    for (size_t i = 0; i < g->losses; i++)
        reach[g->loss[i].value] = true;
    for (size_t n = g->nodes; n-- > 0;)
        for (int i = 0; reach[n] && i < g->node[n].inputs && passes_gradient(t, &g->node[n]); i++)
            reach[g->node[n].in[i]] = true;
    for (size_t n = 0; n < g->nodes; n++)
        l->wants[n] = l->train && need[n] && reach[n];
    gr_free(need);
    gr_free(reach);
}

static void find_roots(gr__layout *l, const gr_graph *g, const gr_tables *t) {
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        int in = node->inputs ? node->in[0] : GR_NONE;
        bool v = shares_value(t, node), d = shares_gradient(t, node);
        l->value_root[n] = v ? l->value_root[in] : (int)n;
        l->value_at[n] = v ? l->value_at[in] + node->offset : 0;
        l->grad_root[n] = !l->wants[n] ? GR_NONE : d ? l->grad_root[in] : (int)n;
        /* A gradient lies as its value does, so that one stride serves both. */
        l->grad_at[n] = d ? l->grad_at[in] + node->offset : l->value_at[n];
        l->first[n] = GR_NONE;
    }
    for (size_t n = g->nodes; n-- > 0;) {
        const gr_node *node = &g->node[n];
        for (int i = 0; i < node->inputs; i++) {
            int root = l->grad_root[node->in[i]];
            if (l->wants[n] && root != GR_NONE && !shares_gradient(t, node) && passes_gradient(t, node) &&
                l->first[root] == GR_NONE)
                l->first[root] = (int)n;
        }
    }
}

/* Values that are kept in bfloat16: their own operation and all readers must do so, and nobody outside reads them. A
 * tap is as its input. */
static void find_half(gr__layout *l, const gr_graph *g) {
    for (size_t n = 0; n < g->nodes && l->half; n++) {
        const gr_node *node = &g->node[n];
        if (l->value_root[n] == (int)n)
            l->kept_half[n] =
                !node->scalar && (node->point != GR_NONE ? l->kept_half[l->value_root[node->in[0]]] : node->half);
    }
    for (size_t n = 0; n < g->nodes; n++)
        for (int i = 0; i < g->node[n].inputs; i++)
            if (!g->node[n].op->half && !g->node[n].op->view)
                l->kept_half[l->value_root[g->node[n].in[i]]] = false;
    for (size_t i = 0; i < g->losses; i++)
        l->kept_half[l->value_root[g->loss[i].value]] = false;
    for (size_t i = 0; i < g->outputs && !l->train; i++)
        l->kept_half[l->value_root[g->output[i].value]] = false;
}

/* What nobody outside of its node's segment reads is forgotten; views read what they share. */
static void find_forgotten(gr__layout *l, const gr_graph *g) {
    for (size_t n = 0; n < g->nodes; n++)
        l->forgotten[n] = g->node[n].segment && l->value_root[n] == (int)n && g->node[n].op->forward;
    for (size_t n = 0; n < g->nodes; n++)
        for (int i = 0; i < g->node[n].inputs; i++) {
            int root = l->value_root[g->node[n].in[i]];
            l->forgotten[root] = l->forgotten[root] && g->node[root].segment == g->node[n].segment;
        }
    for (size_t i = 0; i < g->losses; i++)
        l->forgotten[l->value_root[g->loss[i].value]] = false;
    for (size_t i = 0; i < g->outputs; i++)
        l->forgotten[l->value_root[g->output[i].value]] = false;
}

/* What is forgotten and read by a backward pass, or by the forward of what is. */
static void find_again(gr__layout *l, const gr_graph *g) {
    for (size_t n = g->nodes; n-- > 0;) {
        const gr_op *op = g->node[n].op;
        bool back = l->wants[n] && op->backward;
        l->again[n] = l->forgotten[n] && (l->again[n] || (back && op->rereads));
        for (int i = 0; i < g->node[n].inputs; i++)
            l->again[l->value_root[g->node[n].in[i]]] |= l->again[n] || (back && !op->blind);
    }
}

/* Places what has a size from `from` on: one segment after the other uses the room. Returns its end. */
static size_t place_brief(size_t *offset, const size_t *size, size_t from, const gr_graph *g) {
    size_t at = 0, most = 0;
    for (size_t n = 0; n < g->nodes; n++) {
        at = n && g->node[n].segment != g->node[n - 1].segment ? 0 : at;
        if (!size[n])
            continue;
        offset[n] = from + at;
        at += size[n];
        most = at > most ? at : most;
    }
    return from + most;
}

/* A value that one operation reads, and that its producer does not read again, needs no other buffer for its gradient
 * if that operation can write in place. */
static void find_in_place(gr__layout *l, const gr_graph *g) {
    int *readers = gr_alloc(g->nodes * sizeof *readers);
    for (size_t n = 0; n < g->nodes; n++)
        for (int i = 0; i < g->node[n].inputs; i++)
            readers[l->value_root[g->node[n].in[i]]]++;
    for (size_t n = 0; n < g->nodes; n++) {
        int in = g->node[n].op->overwrites ? g->node[n].in[0] : GR_NONE;
        if (in != GR_NONE && l->wants[n] && l->value_root[in] == in && l->grad_root[in] == in && readers[in] == 1 &&
            !g->node[in].op->rereads)
            l->in_place[in] = true;
    }
    gr_free(readers);
}

/* Where an operation hands its result's gradient on to an input, and is the first to write that input's gradient, both
 * are one buffer: heir[input] is the node whose buffer it is. */
static void find_heirs(const gr__layout *l, const gr_graph *g, int *heir) {
    for (size_t n = 0; n < g->nodes; n++)
        heir[n] = (int)n;
    for (size_t n = g->nodes; n-- > 0;) {
        int in = g->node[n].handed ? g->node[n].in[g->node[n].handed - 1] : GR_NONE;
        if (in == GR_NONE || !l->wants[n] || l->grad_root[n] != (int)n || l->first[n] == GR_NONE)
            continue;
        int root = l->grad_root[in];
        if (root == GR_NONE || l->first[root] != (int)n || g->node[root].width != g->node[n].width ||
            l->grad_at[in] != 0 || g->node[root].scalar || l->in_place[root] || l->in_place[n])
            continue;
        bool again = false; /* the operation writes to that buffer while it reads from it */
        for (int i = 0; i < g->node[n].inputs; i++)
            again = again || (i != g->node[n].handed - 1 && l->grad_root[g->node[n].in[i]] == root);
        if (!again)
            heir[root] = heir[n];
    }
}

static size_t value_size(const gr__layout *l, const gr_graph *g, int n) {
    const gr_node *root = &g->node[l->value_root[n]];
    size_t size = (size_t)l->capacity * (size_t)root->width;
    return root->scalar ? 16 : round_up(l->kept_half[l->value_root[n]] ? (size + 1) / 2 : size, 16);
}

/* Values live to the end of a training pass, and to their last reader otherwise; gradients from their first writer in
 * the backward pass to their own node. */
static void place(gr__layout *l, const gr_graph *g) {
    int count = (int)g->nodes;
    size_t *size = gr_alloc(g->nodes * sizeof *size), *brief = gr_alloc(g->nodes * sizeof *brief);
    int *from = gr_alloc(g->nodes * sizeof *from), *to = gr_alloc(g->nodes * sizeof *to);
    for (int n = 0; n < count; n++) {
        from[n] = n;
        to[n] = l->train ? count : n;
        size_t own = l->value_root[n] == n ? value_size(l, g, n) : 0;
        *(l->forgotten[n] ? &brief[n] : &size[n]) = own;
        for (int i = 0; i < g->node[n].inputs; i++) {
            int root = l->value_root[g->node[n].in[i]];
            to[root] = to[root] > n ? to[root] : n;
        }
        to[l->value_root[n]] = to[l->value_root[n]] > n ? to[l->value_root[n]] : n;
    }
    for (size_t i = 0; i < g->outputs; i++)
        to[l->value_root[g->output[i].value]] = count;
    for (size_t i = 0; i < g->losses; i++)
        to[l->value_root[g->loss[i].value]] = count;
    l->values = gr__pack_intervals(l->value, size, from, to, count);
    l->values = place_brief(l->value, brief, l->values, g);

    int *heir = gr_alloc(g->nodes * sizeof *heir);
    find_heirs(l, g, heir);
    for (int n = count - 1; n >= 0; n--) {
        size[n] = l->grad_root[n] == n && !l->in_place[n] && heir[n] == n ? value_size(l, g, n) : 0;
        from[n] = g->node[n].scalar || l->first[n] == GR_NONE ? 0 : count - 1 - l->first[n];
        to[n] = count - 1 - n;
        if (heir[n] != n) /* which comes later in the graph and so before in the backward pass */
            to[heir[n]] = to[n] > to[heir[n]] ? to[n] : to[heir[n]];
    }
    l->grads = gr__pack_intervals(l->grad, size, from, to, count);
    for (int n = 0; n < count; n++)
        l->grad[n] = l->grad[heir[n]];
    gr_free(heir);
    gr_free(size);
    gr_free(brief);
    gr_free(from);
    gr_free(to);
}

static void find_uses(gr__layout *l, const gr_model *m) {
    const gr_graph *g = m->graph;
    int *seen = gr_alloc((g->params + 1) * sizeof *seen);
    size_t room = 0;
    for (size_t n = 0; n < g->nodes; n++)
        room += (size_t)g->node[n].params;
    l->use_node = gr_alloc(room * sizeof *l->use_node);
    l->use_slot = gr_alloc(room * sizeof *l->use_slot);
    l->use = gr_alloc(room * sizeof *l->use);
    for (size_t n = 0; n < g->nodes; n++)
        for (int i = 0; l->wants[n] && i < g->node[n].params; i++) {
            int p = g->node[n].param[i];
            if (seen[p]++ == 0)
                continue;
            l->use_node[l->uses] = (int)n;
            l->use_slot[l->uses] = i;
            l->use[l->uses++] = l->extra;
            l->extra += round_up((size_t)g->param[p].rows * (size_t)g->param[p].cols, 16);
        }
    gr_free(seen);
}

/* State and scratch. The state of what is not computed again must stay. */
static void place_working(gr__layout *l, const gr_graph *g) {
    size_t *brief = gr_alloc(g->nodes * sizeof *brief);
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_op *op = g->node[n].op;
        size_t state = op->state ? round_up(op->state(&g->node[n], l->capacity, l->block), 16) : 0;
        size_t scratch = op->scratch ? op->scratch(&g->node[n], l->capacity, l->block) : 0;
        l->state[n] = l->states;
        *(l->again[n] ? &brief[n] : &l->states) += state;
        l->scratch = scratch > l->scratch ? scratch : l->scratch;
    }
    l->states = place_brief(l->state, brief, l->states, g);
    gr_free(brief);
}

gr__layout *gr__layout_new(const gr_model *model, const gr_tables *tables, const gr_run_def *def) {
    const gr_graph *g = model->graph;
    gr__layout *l = gr_alloc(sizeof *l);
    int rows = def->rows > 0 ? def->rows : 1;
    l->positions = def->decode > 0 ? def->decode : 0;
    l->block = l->positions ? rows : rows < GR_BLOCK ? (int)round_up((size_t)rows, 8) : GR_BLOCK;
    l->capacity = (int)round_up((size_t)rows, (size_t)l->block);
    l->blocks = l->capacity / l->block;
    l->train = def->train;
    l->lanes = omp_get_max_threads();
    gr_precision precision = def->precision == GR_PRECISION_MODEL ? model->precision : def->precision;
    l->half = precision == GR_PRECISION_BF16 || (precision == GR_PRECISION_AUTO && gr_gemm_has_half());
    l->half_copies = l->half && l->positions;
    l->half = l->half && !l->positions;
    int **ints[] = {&l->value_root, &l->grad_root, &l->value_at, &l->grad_at, &l->first};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        *ints[i] = gr_alloc(g->nodes * sizeof(int));
    size_t **sizes[] = {&l->value, &l->grad, &l->state};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        *sizes[i] = gr_alloc(g->nodes * sizeof(size_t));
    l->wants = gr_alloc(g->nodes);
    l->kept_half = gr_alloc(g->nodes);
    l->in_place = gr_alloc(g->nodes);
    l->forgotten = gr_alloc(g->nodes);
    l->again = gr_alloc(g->nodes);
    find_wanted(l, g, tables);
    find_roots(l, g, tables);
    find_half(l, g);
    find_in_place(l, g);
    if (def->train && def->recompute) {
        find_forgotten(l, g);
        find_again(l, g);
    }
    place(l, g);
    find_uses(l, model);
    place_working(l, g);
    l->gradients = def->train ? model->room : 0;
    l->shadow = l->half ? round_up((model->room + 1) / 2, 16) : 0;
    return l;
}

void gr__layout_free(gr__layout *l) {
    if (!l)
        return;
    void *lists[] = {l->value_root, l->grad_root, l->value_at,  l->grad_at, l->first, l->value,
                     l->kept_half,  l->in_place,  l->grad,      l->state,   l->wants, l->use_node,
                     l->use_slot,   l->use,       l->forgotten, l->again};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        gr_free(lists[i]);
    gr_free(l);
}

gr_memory gr_run_plan(const gr_model *model, const gr_tables *tables, const gr_run_def *def) {
    gr_tables *own = NULL;
    if (!tables) {
        own = gr_tables_new(model, 1);
        gr_tables_finish(own);
        tables = own;
    }
    gr__layout *l = gr__layout_new(model, tables, def);
    size_t unit = sizeof(gr_real);
    gr_memory m = {.parameters = model->room * unit,
                   .gradients = (l->gradients + l->extra) * unit,
                   .activations = l->values * unit,
                   .activation_gradients = l->grads * unit,
                   .state = l->states * unit,
                   .scratch = (l->scratch + l->shadow) * unit};
    m.total = m.parameters + m.gradients + m.activations + m.activation_gradients + m.state + m.scratch;
    gr__layout_free(l);
    gr_tables_free(own);
    return m;
}

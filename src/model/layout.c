/* layout.c - the planner of a run: which values share a buffer, which gradients are wanted, and where everything lies,
 * all settled before anything is allocated.
 *
 * A pass needs a buffer for each node's value and, in training, for its gradient. Most of them need not be there all
 * the time, and many can be saved. So the plan is made in steps, each a function below, over the nodes in their order
 * (which is that of the forward pass; the backward pass goes through them from behind):
 *
 *   find_wanted     of which nodes a gradient is needed at all
 *   find_roots      views share the buffer of what they view: the node that owns the buffer is the root
 *   find_half       which values are kept in bfloat16
 *   find_in_place   whose gradient may overwrite its value
 *   find_forgotten  with recompute: which values only their own segment reads; find_again: which must be made again
 *   place_values, place_gradients, find_uses, place_working
 *                   offsets, in which buffers that are never needed at the same time overlap
 */
#include <omp.h>

#include "kernel/kernel.h"
#include "model/compiled.h"

size_t gr__pack_intervals(size_t *offset, const size_t *size, const int *from, const int *to, int count) {
    size_t total = 0;

    /* What has a size, sorted by when it begins to be needed (by insertion: most come in that order). */
    int *order = gr_alloc((size_t)count * sizeof *order), n = 0;
    for (int i = 0; i < count; i++) {
        if (!size[i])
            continue;
        int k = n++;
        for (; k > 0 && from[order[k - 1]] > from[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }

    /* Each gets the lowest offset at which it meets no buffer that is needed at the same time: it starts at 0 and moves
     * behind whatever it meets, until it meets nothing. */
    for (int a = 0; a < n; a++) {
        int i = order[a];
        size_t at = 0;
        bool moved = true;
        while (moved) {
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

/* Whether the node's value lies in its input's buffer: views, and taps that weight nothing forward. */
static bool shares_value(const gr_tables *t, const gr_node *n) {
    return n->op->view || (n->point != GR_NONE && !gr__tap_forward(t, n->point));
}

/* Whether its gradient lies in its input's: views that let it through, and taps that weight nothing at all. */
static bool shares_gradient(const gr_tables *t, const gr_node *n) {
    return (n->op->view && !n->op->blocks_gradient) || (n->point != GR_NONE && !gr__tap_active(t, n->point));
}

/* Whether any gradient of the result reaches the inputs. */
static bool passes_gradient(const gr_tables *t, const gr_node *n) {
    return !n->op->blocks_gradient && (n->op->backward || shares_gradient(t, n));
}

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* A gradient is wanted where a parameter lies upstream and a loss downstream. */
static void find_wanted(gr__layout *l, const gr_graph *g, const gr_tables *t) {
    bool *need = gr_alloc(g->nodes), *reach = gr_alloc(g->nodes);

    /* Upstream of it a parameter: in the order of the graph, as a node needs one if an input does. */
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        need[n] = node->params > 0;
        if (!passes_gradient(t, node))
            continue;
        for (int i = 0; i < node->inputs; i++)
            need[n] |= need[node->in[i]];
    }

    /* Downstream of it a loss: from behind, as a node reaches what its readers reach. */
    for (size_t i = 0; i < g->losses; i++)
        reach[g->loss[i].value] = true;
    for (size_t n = g->nodes; n-- > 0;) {
        if (!reach[n] || !passes_gradient(t, &g->node[n]))
            continue;
        for (int i = 0; i < g->node[n].inputs; i++)
            reach[g->node[n].in[i]] = true;
    }

    for (size_t n = 0; n < g->nodes; n++)
        l->wants[n] = l->train && need[n] && reach[n];
    gr_free(need);
    gr_free(reach);
}

/* Buffers that several nodes share: the root is the node that owns it, `at` the first column in it. And which node
 * writes to the gradient of a root first: it may overwrite instead of adding. */
static void find_roots(gr__layout *l, const gr_graph *g, const gr_tables *t) {
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        int in = node->inputs ? node->in[0] : GR_NONE;

        /* A view begins `offset` columns into whatever its input lies in. */
        bool v = shares_value(t, node), d = shares_gradient(t, node);
        l->value_root[n] = v ? l->value_root[in] : (int)n;
        l->value_at[n] = v ? l->value_at[in] + node->offset : 0;
        if (l->wants[n])
            l->grad_root[n] = d ? l->grad_root[in] : (int)n;
        else
            l->grad_root[n] = GR_NONE;

        /* A gradient lies as its value does, so that one stride serves both. */
        l->grad_at[n] = d ? l->grad_at[in] + node->offset : l->value_at[n];
        l->first[n] = GR_NONE;
    }

    /* The backward pass goes from the last node to the first, so the first writer is the last reader. */
    for (size_t n = g->nodes; n-- > 0;) {
        const gr_node *node = &g->node[n];
        if (!l->wants[n] || shares_gradient(t, node) || !passes_gradient(t, node))
            continue;
        for (int i = 0; i < node->inputs; i++) {
            int root = l->grad_root[node->in[i]];
            if (root != GR_NONE && l->first[root] == GR_NONE)
                l->first[root] = (int)n;
        }
    }
}

/* Values that are kept in bfloat16, gradients with them: their own operation and all readers must be able to, and
 * nobody outside may read them. */
static void find_half(gr__layout *l, const gr_graph *g) {
    if (!l->half)
        return;

    /* What its own operation allows. A tap with a buffer of its own is kept as its input is. */
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        if (l->value_root[n] != (int)n || node->scalar)
            continue;
        const bool tap = node->point != GR_NONE;
        l->kept_half[n] = tap ? l->kept_half[l->value_root[node->in[0]]] : node->half;
    }

    /* What a reader forbids that knows floats alone. Views read nothing themselves. */
    for (size_t n = 0; n < g->nodes; n++) {
        if (g->node[n].op->half || g->node[n].op->view)
            continue;
        for (int i = 0; i < g->node[n].inputs; i++)
            l->kept_half[l->value_root[g->node[n].in[i]]] = false;
    }

    /* What is read outside: losses always; outputs of a run that does not train, whose caller asks for floats. */
    for (size_t i = 0; i < g->losses; i++)
        l->kept_half[l->value_root[g->loss[i].value]] = false;
    if (l->train)
        return;
    for (size_t i = 0; i < g->outputs; i++)
        l->kept_half[l->value_root[g->output[i].value]] = false;
}

/* With recompute: values that nobody outside of their node's segment reads. Their buffers serve one segment after
 * the other, and the backward pass makes again what it needs of them. Views read what they share. */
static void find_forgotten(gr__layout *l, const gr_graph *g) {
    /* Begin with everything that is computed inside of a segment. */
    for (size_t n = 0; n < g->nodes; n++)
        l->forgotten[n] = g->node[n].segment && l->value_root[n] == (int)n && g->node[n].op->forward;

    /* What another segment reads, or a node outside of all segments, must stay. */
    for (size_t n = 0; n < g->nodes; n++)
        for (int i = 0; i < g->node[n].inputs; i++) {
            int root = l->value_root[g->node[n].in[i]];
            l->forgotten[root] = l->forgotten[root] && g->node[root].segment == g->node[n].segment;
        }

    /* So must what callers read. */
    for (size_t i = 0; i < g->losses; i++)
        l->forgotten[l->value_root[g->loss[i].value]] = false;
    for (size_t i = 0; i < g->outputs; i++)
        l->forgotten[l->value_root[g->output[i].value]] = false;
}

/* Of what is forgotten, what must be computed again: what a backward pass reads, and what leads to such a value.
 * From behind, as a value is needed if one of its readers is computed again. */
static void find_again(gr__layout *l, const gr_graph *g) {
    for (size_t n = g->nodes; n-- > 0;) {
        const gr_op *op = g->node[n].op;

        /* The node's own backward pass may read the result. */
        bool back = l->wants[n] && op->backward;
        l->again[n] = l->forgotten[n] && (l->again[n] || (back && op->needs_output));

        /* Its inputs are read by its forward pass, if that is run again, and by its backward pass, unless it
         * needs none. */
        for (int i = 0; i < g->node[n].inputs; i++)
            l->again[l->value_root[g->node[n].in[i]]] |= l->again[n] || (back && !op->needs_no_input);
    }
}

/* Places buffers of the nodes' segments from `from` on, where each segment uses the room of the one before it. Size
 * 0 is skipped. Returns the end of the room. */
static size_t place_brief(size_t *offset, const size_t *size, size_t from, const gr_graph *g) {
    size_t at = 0, most = 0;
    for (size_t n = 0; n < g->nodes; n++) {
        if (n && g->node[n].segment != g->node[n - 1].segment)
            at = 0;
        if (!size[n])
            continue;
        offset[n] = from + at;
        at += size[n];
        most = at > most ? at : most;
    }
    return from + most;
}

/* Where an operation can write its input's gradient over the input (logits, say: op.h, `grad_in_place`), and nobody
 * else reads that value, not even its own backward pass, the two are one buffer. */
static void find_in_place(gr__layout *l, const gr_graph *g) {
    int *readers = gr_alloc(g->nodes * sizeof *readers);

    /* How many inputs of nodes lie in each buffer. */
    for (size_t n = 0; n < g->nodes; n++)
        for (int i = 0; i < g->node[n].inputs; i++)
            readers[l->value_root[g->node[n].in[i]]]++;

    /* An input with buffers of its own, read here alone. */
    for (size_t n = 0; n < g->nodes; n++) {
        if (!g->node[n].op->grad_in_place || !l->wants[n])
            continue;
        const int in = g->node[n].in[0];
        const bool own_buffers = l->value_root[in] == in && l->grad_root[in] == in;
        if (own_buffers && readers[in] == 1 && !g->node[in].op->needs_output)
            l->in_place[in] = true;
    }
    gr_free(readers);
}

/* An operation may hand its result's gradient on to an input as it is (the residual stream). If it is also the first
 * to write that input's gradient, no copy is needed: both are one buffer. alias[n] is the node in whose buffer the
 * gradient of n lies; n itself where nothing is shared. From behind, so that a chain of such nodes ends up in one
 * buffer. */
static void find_aliases(const gr__layout *l, const gr_graph *g, int *alias) {
    for (size_t n = 0; n < g->nodes; n++)
        alias[n] = (int)n;
    for (size_t n = g->nodes; n-- > 0;) {
        /* The operation hands on a gradient of its own, which somebody has written. */
        if (!g->node[n].grad_alias || !l->wants[n] || l->grad_root[n] != (int)n || l->first[n] == GR_NONE)
            continue;

        /* The input's gradient is one that this node writes first, of the same shape, and neither lies elsewhere. */
        int in = g->node[n].in[g->node[n].grad_alias - 1], root = l->grad_root[in];
        if (root == GR_NONE || l->first[root] != (int)n || g->node[root].width != g->node[n].width ||
            l->grad_at[in] != 0 || g->node[root].scalar || l->in_place[root] || l->in_place[n])
            continue;

        /* No other input shares it: the operation would write to the buffer while it reads its result's gradient. */
        bool again = false;
        for (int i = 0; i < g->node[n].inputs; i++)
            again = again || (i != g->node[n].grad_alias - 1 && l->grad_root[g->node[n].in[i]] == root);
        if (!again)
            alias[root] = alias[n];
    }
}

/* Numbers that the buffer of a node's root takes, whole cache lines; two bfloat16 numbers fit in one. */
static size_t value_size(const gr__layout *l, const gr_graph *g, int n) {
    const gr_node *root = &g->node[l->value_root[n]];
    size_t size = (size_t)l->capacity * (size_t)root->width;
    if (root->scalar)
        return 16;
    return round_up(l->kept_half[l->value_root[n]] ? (size + 1) / 2 : size, 16);
}

static int later(int a, int b) { return a > b ? a : b; }

/* Values: needed from their own node to the end of a training pass, and to their last reader otherwise. Time counts in
 * nodes of the forward pass. */
static void place_values(gr__layout *l, const gr_graph *g) {
    int count = (int)g->nodes;
    size_t *size = gr_alloc(g->nodes * sizeof *size), *brief = gr_alloc(g->nodes * sizeof *brief);
    int *from = gr_alloc(g->nodes * sizeof *from), *to = gr_alloc(g->nodes * sizeof *to);

    for (int n = 0; n < count; n++) {
        /* A buffer for each root: a lasting one, or one that is brief because its segment is forgotten. */
        from[n] = n;
        to[n] = l->train ? count : n;
        size_t own = l->value_root[n] == n ? value_size(l, g, n) : 0;
        if (l->forgotten[n])
            brief[n] = own;
        else
            size[n] = own;

        /* What the node reads, and what it is a view of, is needed until here. */
        for (int i = 0; i < g->node[n].inputs; i++) {
            int root = l->value_root[g->node[n].in[i]];
            to[root] = later(to[root], n);
        }
        to[l->value_root[n]] = later(to[l->value_root[n]], n);
    }

    /* Callers read outputs and losses after the pass. */
    for (size_t i = 0; i < g->outputs; i++)
        to[l->value_root[g->output[i].value]] = count;
    for (size_t i = 0; i < g->losses; i++)
        to[l->value_root[g->loss[i].value]] = count;

    l->values = gr__pack_intervals(l->value, size, from, to, count);
    l->values = place_brief(l->value, brief, l->values, g);
    gr_free(size);
    gr_free(brief);
    gr_free(from);
    gr_free(to);
}

/* Gradients: needed from their first writer to their own node. Time counts in nodes of the backward pass, so node n is
 * at count - 1 - n. */
static void place_gradients(gr__layout *l, const gr_graph *g) {
    int count = (int)g->nodes;
    size_t *size = gr_alloc(g->nodes * sizeof *size);
    int *from = gr_alloc(g->nodes * sizeof *from), *to = gr_alloc(g->nodes * sizeof *to);
    int *alias = gr_alloc(g->nodes * sizeof *alias);
    find_aliases(l, g, alias);

    for (int n = count - 1; n >= 0; n--) {
        /* A buffer for each root that shares no other one. Gradients of single numbers are set before the pass. */
        size[n] = l->grad_root[n] == n && !l->in_place[n] && alias[n] == n ? value_size(l, g, n) : 0;
        from[n] = g->node[n].scalar || l->first[n] == GR_NONE ? 0 : count - 1 - l->first[n];
        to[n] = count - 1 - n;

        /* A shared buffer is needed as long as the last of those that share it. Its owner comes later in the graph and
         * so earlier in this loop: its own end is there already. */
        if (alias[n] != n)
            to[alias[n]] = later(to[alias[n]], to[n]);
    }

    l->grads = gr__pack_intervals(l->grad, size, from, to, count);
    for (int n = 0; n < count; n++)
        l->grad[n] = l->grad[alias[n]];
    gr_free(alias);
    gr_free(size);
    gr_free(from);
    gr_free(to);
}

/* Which uses of parameters need an accumulator, and where it lies. */
static void find_uses(gr__layout *l, const gr_model *m) {
    const gr_graph *g = m->graph;
    int *seen = gr_alloc((g->params + 1) * sizeof *seen);
    size_t room = 0;
    for (size_t n = 0; n < g->nodes; n++)
        room += (size_t)g->node[n].params;
    l->use_node = gr_alloc(room * sizeof *l->use_node);
    l->use_slot = gr_alloc(room * sizeof *l->use_slot);
    l->use = gr_alloc(room * sizeof *l->use);

    /* The first node that writes a parameter's gradient adds into the gradient itself; every other one gets an
     * accumulator of its own, which gr_run_reduce adds in the end. So the order of additions is fixed. */
    for (size_t n = 0; n < g->nodes; n++) {
        if (!l->wants[n])
            continue;
        for (int i = 0; i < g->node[n].params; i++) {
            int p = g->node[n].param[i];
            if (seen[p]++ == 0)
                continue;
            l->use_node[l->uses] = (int)n;
            l->use_slot[l->uses] = i;
            l->use[l->uses++] = l->extra;
            l->extra += round_up((size_t)g->param[p].rows * (size_t)g->param[p].cols, 16);
        }
    }
    gr_free(seen);
}

/* State and scratch. State is kept from a node's forward pass to its backward pass; that of nodes which are computed
 * again lies where other segments' state does. Scratch is one room for all: the largest that a node wants. */
static void place_working(gr__layout *l, const gr_graph *g) {
    size_t *brief = gr_alloc(g->nodes * sizeof *brief);

    for (size_t n = 0; n < g->nodes; n++) {
        const gr_op *op = g->node[n].op;
        size_t state = op->state ? round_up(op->state(&g->node[n], l->capacity, l->block), 16) : 0;
        size_t scratch = op->scratch ? op->scratch(&g->node[n], l->capacity, l->block) : 0;
        l->state[n] = l->states;
        if (l->again[n])
            brief[n] = state;
        else
            l->states += state;
        l->scratch = scratch > l->scratch ? scratch : l->scratch;
    }
    l->states = place_brief(l->state, brief, l->states, g);
    gr_free(brief);
}

gr__layout *gr__layout_new(const gr_model *model, const gr_tables *tables, const gr_run_def *def) {
    const gr_graph *g = model->graph;
    gr__layout *l = gr_alloc(sizeof *l);

    /* Rows come in blocks: of GR_BLOCK, or one smaller block. A run that decodes has one row, which is its block. */
    int rows = def->positions > 0 ? def->positions : 1;
    l->positions = def->decode > 0 ? def->decode : 0;
    l->block = rows < GR_BLOCK ? (int)round_up((size_t)rows, 8) : GR_BLOCK;
    if (l->positions)
        l->block = rows;
    l->capacity = (int)round_up((size_t)rows, (size_t)l->block);
    l->blocks = l->capacity / l->block;
    l->train = def->train;
    l->threads = omp_get_max_threads();

    /* Precision. A decoder multiplies floats by what it keeps in bfloat16; other runs keep values in bfloat16. */
    gr_precision precision = def->precision == GR_PRECISION_MODEL ? model->precision : def->precision;
    bool half = precision == GR_PRECISION_BF16 || (precision == GR_PRECISION_AUTO && gr_gemm_has_half());
    l->half_copies = half && l->positions;
    l->half = half && !l->positions;

    /* Lists with an entry for each node, zeros. */
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

    /* The plan, in the order in which each step needs the ones before it. */
    find_wanted(l, g, tables);
    find_roots(l, g, tables);
    find_half(l, g);
    find_in_place(l, g);
    if (def->train && def->recompute) {
        find_forgotten(l, g);
        find_again(l, g);
    }
    place_values(l, g);
    place_gradients(l, g);
    find_uses(l, model);
    place_working(l, g);

    /* Parameters: their gradients, and copies in bfloat16, two in the room of a number. */
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

    /* The layout of such a run says what it would allocate. */
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

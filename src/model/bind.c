/* bind.c - what a batch means for a run, found out before its passes: from the class of each row and the tables, the
 * weight of each row in each rectangle of a parameter and column of a tap, and so which work need not be done.
 *
 *   copy_rows   rows, completed to whole blocks; where documents begin
 *   weigh_rows  weights of the rows for each set of the tables, and whether a block of them is all 0, all 1 or mixed
 *   mark_open   slices of parameters that some row may write: only these are updated later
 *   find_zero   blocks in which a node's value is known to be 0, as a region is off for all of their rows
 *   find_live   blocks in which a node's value is needed; the passes skip the others
 */
#include <assert.h>
#include <string.h>

#include "model/running.h"
#include "op/decode.h"

/* Memory for what is found out about a batch, made once, for as many rows as the run may get. */
void gr__rows_new(gr_run *run) {
    const gr_tables *t = run->tables;
    const gr__layout *l = run->layout;
    size_t nodes = run->model->graph->nodes, capacity = (size_t)l->capacity;
    run->live = gr_alloc(nodes * (size_t)l->blocks);
    run->zero = gr_alloc(nodes * (size_t)l->blocks);

    /* Of each row: ids, targets, start, class; and the first rows of documents, of which there is one more. */
    run->integers = gr_alloc((5 * capacity + 1) * sizeof *run->integers);
    run->weight = gr_alloc(capacity * sizeof *run->weight);

    /* Of each set of weights in the tables: a weight for each row, and what each block of them looks like. */
    run->weights = gr_alloc((t->sets + 1) * sizeof *run->weights);
    run->set_rows = gr_alloc((t->sets + 1) * capacity * sizeof *run->set_rows);
    run->set_kinds = gr_alloc((t->sets + 1) * (size_t)l->blocks);
    for (size_t s = 0; s < t->sets; s++)
        run->weights[s] = (gr_weights){run->set_kinds + s * (size_t)l->blocks, run->set_rows + s * capacity};
    run->present = gr_alloc((size_t)t->classes);

    /* Ids must be known to every embedding. */
    run->vocab = INT32_MAX;
    for (size_t n = 0; n < nodes; n++) {
        const gr_node *node = &run->model->graph->node[n];
        if (node->op->reads_ids && run->model->graph->param[node->param[0]].rows < run->vocab)
            run->vocab = run->model->graph->param[node->param[0]].rows;
    }
    run->open = gr_alloc(t->slices + 1);
    run->rows = (gr_op_rows){.block = l->block,
                             .ids = run->integers,
                             .targets = run->integers + capacity,
                             .start = run->integers + 2 * capacity,
                             .cls = run->integers + 3 * capacity,
                             .document = run->integers + 4 * capacity,
                             .weight = run->weight};
}

void gr__rows_free(gr_run *run) {
    void *lists[] = {run->live,     run->zero,      run->integers, run->weight, run->weights,
                     run->set_rows, run->set_kinds, run->present,  run->open};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        gr_free(lists[i]);
}

/* Copies the batch and completes it to whole blocks with absent rows, each a document of its own; an absent row also
 * ends the document before it. */
static void copy_rows(gr_run *run, const gr_batch *b) {
    size_t capacity = (size_t)run->layout->capacity;
    int32_t *ids = run->integers, *targets = ids + capacity, *start = targets + capacity, *cls = start + capacity,
            *document = cls + capacity;

    /* Row by row. Rows beyond the batch have class -1; what a batch does not give has a default. */
    int documents = 0;
    for (int n = 0; n < run->used; n++) {
        int32_t c = -1;
        if (n < b->positions)
            c = b->cls ? b->cls[n] : 0;
        assert(c < run->tables->classes);
        cls[n] = c;
        ids[n] = c < 0 || !b->ids ? 0 : b->ids[n];
        assert(ids[n] >= 0 && ids[n] < run->vocab);
        targets[n] = c < 0 || !b->targets ? -1 : b->targets[n];

        /* A document begins at the first row, at a change of `start`, and at and behind an absent row. */
        bool begins = c < 0 || n == 0 || cls[n - 1] < 0 || (b->start && b->start[n] != b->start[n - 1]);
        start[n] = begins ? n : start[n - 1];
        if (begins)
            document[documents++] = n;
        run->weight[n] = c < 0 ? 0 : b->weight ? b->weight[n] : 1;
    }
    document[documents] = run->used;

    /* A row that is decoded stands at position batch.first of its document: its document began that many rows ago. */
    if (run->layout->positions)
        start[0] = -(int32_t)b->first;

    /* What operations see of the batch. */
    gr_op_rows *rows = &run->rows;
    rows->rows = b->positions;
    rows->capacity = run->used;
    rows->documents = documents;
    for (int i = 0; i < GR_BATCH_INPUTS; i++)
        rows->x[i] = b->x[i];
    rows->denominator = b->denominator;
    rows->first = b->first;
    rows->step = b->step;
}

/* Effective weight of one row under a set (a vector of weights by class, and one of gates, which say whether the region
 * is on): that of its class, and 0 if its class is gated off. With mix m, a number in [0, 1] of each row, both go from
 * 1 (m = 0) to what the class has (m = 1), in a straight line. */
static double row_weight(const gr__weight_set *set, int cls, const gr_real *mix, int n) {
    if (!mix)
        return set->gate[cls] != 0 ? set->w[cls] : 0;
    double m = (double)mix[n];
    return 1 + m * (set->gate[cls] - 1) != 0 ? 1 + m * (set->w[cls] - 1) : 0;
}

/* For every set: the weights of the rows, and what each block looks like. Absent rows weigh 0, and do not keep a
 * block from being all 1: their gradients are 0 anyway. */
static void weigh_rows(gr_run *run, const gr_real *mix) {
    const gr_tables *t = run->tables;
    const int32_t *cls = run->rows.cls;
    int block = run->layout->block;
    for (size_t s = 0; s < t->sets; s++) {
        gr_real *w = run->set_rows + s * (size_t)run->layout->capacity;
        uint8_t *kind = run->set_kinds + s * (size_t)run->layout->blocks;

        /* A block is all 0, all 1 or mixed; absent rows fit either. */
        for (int b = 0; b * block < run->used; b++) {
            bool zero = true, one = true;
            for (int n = b * block; n < (b + 1) * block; n++) {
                w[n] = cls[n] < 0 ? 0 : (gr_real)row_weight(&t->set[s], cls[n], mix, n);
                zero = zero && w[n] == 0;
                one = one && (cls[n] < 0 || w[n] == 1);
            }
            if (zero)
                kind[b] = GR_ROWS_ZERO;
            else
                kind[b] = one ? GR_ROWS_ONE : GR_ROWS_MIXED;
        }
    }
}

/* A slice is open if some row gives it a weight other than 0. It stays open until gr_run_zero: an update goes by all
 * micro-batches of a step. */
static void mark_open(gr_run *run, const gr_real *mix) {
    const gr_tables *t = run->tables;
    bool any = false;

    /* Which classes there are. */
    memset(run->present, 0, (size_t)t->classes);
    for (int n = 0; n < run->rows.rows; n++)
        if (run->rows.cls[n] >= 0)
            run->present[run->rows.cls[n]] = any = true;

    /* Whether any of their rows may write to a slice. How that is seen depends on where the rows' weights come from. */
    for (size_t s = 0; s < t->slices; s++) {
        const int set = t->slice[s].set;
        bool open = false;
        if (set == GR_NONE) { /* weight 1 for every class */
            open = any;
        } else if (!mix) { /* the weight of a row is that of its class */
            for (int c = 0; c < t->classes; c++)
                open = open || (run->present[c] && gr_tables_weight(t, (int)s, c) != 0);
        } else { /* each row has a weight of its own */
            const gr_real *w = run->set_rows + (size_t)set * (size_t)run->layout->capacity;
            for (int n = 0; n < run->rows.rows; n++)
                open = open || w[n] != 0;
        }
        run->open[s] |= open; /* whatever earlier micro-batches of the step found stays */
    }
}

/* Whether a node is a tap whose weights are 0 for every row of block b: it reads nothing there. */
static bool switched_off(const gr_run *run, const gr_node *node, int b) {
    const gr_tables *t = run->tables;
    if (node->point == GR_NONE)
        return false;
    for (int r = t->range_at[node->point]; r < t->range_at[node->point + 1]; r++)
        if (t->range[r].forward == GR_NONE || run->weights[t->range[r].forward].kind[b] != GR_ROWS_ZERO)
            return false;
    return true;
}

/* Blocks in which a node's result is known to be 0: behind a tap that is switched off there, and what keeps zeros. */
static void find_zero(gr_run *run, int blocks) {
    const gr_graph *g = run->model->graph;
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        for (int b = 0; b < blocks; b++) {
            /* What keeps zeros is 0 where all its inputs are. The nodes before it are done. */
            bool zero = node->inputs > 0 && (node->op->keeps_zero || node->op->view);
            for (int i = 0; zero && i < node->inputs; i++)
                zero = gr__flags(run, run->zero, node->in[i])[b];
            gr__flags(run, run->zero, (int)n)[b] = zero || switched_off(run, node, b);
        }
    }
}

/* Attention couples the rows of a document: what one of its blocks needs, all need. */
static void join_documents(const gr_run *run, uint8_t *live, int blocks) {
    const int32_t *start = run->rows.start;
    int block = run->layout->block;

    /* A block whose first row is not the start of a document goes on with one of the block before. First from a
     * needed block on to those behind it, then to those before it. */
    for (int b = 1; b < blocks; b++)
        live[b] |= live[b - 1] && start[b * block] < b * block;
    for (int b = blocks - 1; b > 0; b--)
        live[b - 1] |= live[b] && start[b * block] < b * block;
}

/* Blocks in which a node is needed: all of a loss or output; those that a needed reader does not skip. Whatever is read
 * is live, block by block, so that nothing left by an earlier batch is ever seen. */
static void find_live(gr_run *run, int blocks) {
    const gr_graph *g = run->model->graph;
    memset(run->live, 0, g->nodes * (size_t)run->layout->blocks);
    const bool last_only = gr__last_only(run);

    /* What callers read: losses and outputs in all blocks; where text is continued, the last block of the outputs. */
    if (last_only) {
        for (size_t i = 0; i < g->outputs; i++)
            gr__flags(run, run->live, g->output[i].value)[blocks - 1] = 1;
    } else {
        for (size_t i = 0; i < g->losses; i++)
            memset(gr__flags(run, run->live, g->loss[i].value), 1, (size_t)blocks);
        for (size_t i = 0; i < g->outputs; i++)
            memset(gr__flags(run, run->live, g->output[i].value), 1, (size_t)blocks);
    }

    /* From there to what it is computed from, from the last node to the first. */
    for (size_t n = g->nodes; n-- > 0;) {
        const gr_node *node = &g->node[n];
        uint8_t *mine = gr__flags(run, run->live, (int)n);

        /* Operations that couple rows need all of them. In a training run attention's gradients reach every row of a
         * document; without a backward pass only attention itself reads other rows. */
        if (node->op->couples_rows && (!last_only || memchr(mine, 1, (size_t)blocks)))
            memset(mine, 1, (size_t)blocks);
        if (!last_only || (node->op->decode && node->op->decode->keep))
            join_documents(run, mine, blocks);

        /* Its inputs, unless they are known to be 0 and it leaves zeros out, or it is a tap that is off. */
        for (int i = 0; i < node->inputs; i++) {
            uint8_t *in = gr__flags(run, run->live, node->in[i]);
            const uint8_t *zero = gr__flags(run, run->zero, node->in[i]);
            for (int b = 0; b < blocks; b++)
                in[b] |= mine[b] && !(node->op->skips_zero && zero[b]) && !switched_off(run, node, b);
        }
    }
}

void gr__rows_bind(gr_run *run, const gr_batch *batch) {
    int block = run->layout->block;
    assert(batch->positions > 0 && batch->positions <= run->layout->capacity);
    run->batch = batch;
    run->used = (batch->positions + block - 1) / block * block;
    copy_rows(run, batch);
    weigh_rows(run, batch->mix);
    mark_open(run, batch->mix);
    find_zero(run, run->used / block);
    find_live(run, run->used / block);
}

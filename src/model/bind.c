/* The rows of a batch under class tables: weights per row, blocks that nobody needs, slices that some row opens. */
#include <assert.h>
#include <string.h>

#include "model/running.h"

extern const gr_op gr__op_embedding;

/* Which rows of a class a node's result is 0 for, known from the tables: a tap that switches everything off, and what
 * keeps zeros. */
static void find_zero(const gr_run *run, uint8_t *zero) {
    const gr_graph *g = run->model->graph;
    const gr_tables *t = run->tables;
    int classes = t->classes;
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        uint8_t *mine = zero + n * (size_t)classes;
        bool keeps = (node->op->keeps_zero || node->op->view) && node->inputs > 0;
        for (int c = 0; c < classes; c++) {
            mine[c] = keeps;
            for (int i = 0; keeps && i < node->inputs; i++)
                mine[c] &= zero[(size_t)node->in[i] * (size_t)classes + (size_t)c];
            if (node->point == GR_NONE)
                continue;
            bool off = true;
            for (int r = t->range_at[node->point]; r < t->range_at[node->point + 1]; r++)
                off = off && t->range[r].forward != GR_NONE && t->set[t->range[r].forward].w[c] == 0;
            mine[c] |= off;
        }
    }
}

/* Which classes need a node's rows: losses and outputs all; an input of a tap that switches it off, or of an op that
 * skips zeros, is not needed there. */
static void find_live(const gr_run *run, uint8_t *live, const uint8_t *zero) {
    const gr_graph *g = run->model->graph;
    size_t classes = (size_t)run->tables->classes;
    for (size_t i = 0; i < g->losses; i++)
        memset(live + (size_t)g->loss[i].value * classes, 1, classes);
    for (size_t i = 0; i < g->outputs; i++)
        memset(live + (size_t)g->output[i].value * classes, 1, classes);
    for (size_t n = g->nodes; n-- > 0;) {
        const gr_node *node = &g->node[n];
        uint8_t *mine = live + n * classes;
        for (size_t c = 0; c < classes; c++)
            mine[c] |= node->op->whole; /* what couples rows needs them all */
        for (int i = 0; i < node->inputs; i++) {
            uint8_t *in = live + (size_t)node->in[i] * classes;
            for (size_t c = 0; c < classes; c++) {
                bool off = (node->point != GR_NONE && zero[n * classes + c]) ||
                           (node->op->skips_zero && zero[(size_t)node->in[i] * classes + c]);
                in[c] |= mine[c] && !off;
            }
        }
    }
}

/* Gives equal rows of flags [nodes x classes] one entry. */
static int group_needs(gr__need **list, int *of, const uint8_t *flags, int nodes, int classes, int blocks) {
    int count = 0;
    *list = gr_alloc((size_t)nodes * sizeof **list);
    for (int n = 0; n < nodes; n++) {
        const uint8_t *row = flags + (size_t)n * (size_t)classes;
        int k = 0;
        while (k < count && memcmp((*list)[k].by_class, row, (size_t)classes) != 0)
            k++;
        if (k == count) {
            (*list)[count].by_class = gr_alloc((size_t)classes);
            (*list)[count++].by_block = gr_alloc((size_t)blocks);
            memcpy((*list)[k].by_class, row, (size_t)classes);
        }
        of[n] = k;
    }
    return count;
}

void gr__rows_new(gr_run *run) {
    const gr_tables *t = run->tables;
    const gr__layout *l = run->layout;
    size_t nodes = run->model->graph->nodes, classes = (size_t)t->classes, capacity = (size_t)l->capacity;
    uint8_t *zero = gr_alloc(nodes * classes), *live = gr_alloc(nodes * classes);
    find_zero(run, zero);
    find_live(run, live, zero);
    run->live_of = gr_alloc(nodes * sizeof *run->live_of);
    run->zero_of = gr_alloc(nodes * sizeof *run->zero_of);
    run->lives = group_needs(&run->live, run->live_of, live, (int)nodes, t->classes, l->blocks);
    run->zeros = group_needs(&run->zero, run->zero_of, zero, (int)nodes, t->classes, l->blocks);
    gr_free(zero);
    gr_free(live);

    run->integers = gr_alloc((5 * capacity + 1) * sizeof *run->integers);
    run->weight = gr_alloc(capacity * sizeof *run->weight);
    run->weights = gr_alloc((t->sets + 1) * sizeof *run->weights);
    run->set_rows = gr_alloc((t->sets + 1) * capacity * sizeof *run->set_rows);
    run->set_kinds = gr_alloc((t->sets + 1) * (size_t)l->blocks);
    for (size_t s = 0; s < t->sets; s++)
        run->weights[s] = (gr_weights){run->set_kinds + s * (size_t)l->blocks, run->set_rows + s * capacity};
    run->present = gr_alloc(classes);
    run->vocab = INT32_MAX;
    for (size_t n = 0; n < nodes; n++) {
        const gr_node *node = &run->model->graph->node[n];
        if (node->op == &gr__op_embedding && run->model->graph->param[node->param[0]].rows < run->vocab)
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
    for (int i = 0; i < run->lives; i++) {
        gr_free(run->live[i].by_class);
        gr_free(run->live[i].by_block);
    }
    for (int i = 0; i < run->zeros; i++) {
        gr_free(run->zero[i].by_class);
        gr_free(run->zero[i].by_block);
    }
    void *lists[] = {run->live,    run->zero,     run->live_of,   run->zero_of, run->integers, run->weight,
                     run->weights, run->set_rows, run->set_kinds, run->present, run->open};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        gr_free(lists[i]);
}

/* Copies the batch and completes it to whole blocks with absent rows, each a document of its own; an absent row also
 * ends the document before it. */
static void copy_rows(gr_run *run, const gr_batch *b) {
    size_t capacity = (size_t)run->layout->capacity;
    int32_t *ids = run->integers, *targets = ids + capacity, *start = targets + capacity, *cls = start + capacity,
            *document = cls + capacity;
    int documents = 0;
    for (int n = 0; n < run->used; n++) {
        int32_t c = n >= b->rows ? -1 : b->cls ? b->cls[n] : 0;
        assert(c < run->tables->classes);
        cls[n] = c;
        ids[n] = c < 0 || !b->ids ? 0 : b->ids[n];
        assert(ids[n] >= 0 && ids[n] < run->vocab);
        targets[n] = c < 0 || !b->targets ? -1 : b->targets[n];
        bool begins = c < 0 || n == 0 || cls[n - 1] < 0 || (b->start && b->start[n] != b->start[n - 1]);
        start[n] = begins ? n : start[n - 1];
        run->weight[n] = c < 0 ? 0 : b->weight ? b->weight[n] : 1;
        if (begins)
            document[documents++] = n;
    }
    document[documents] = run->used;
    gr_op_rows *rows = &run->rows;
    rows->rows = b->rows;
    rows->capacity = run->used;
    rows->documents = documents;
    for (int i = 0; i < GR_BATCH_INPUTS; i++)
        rows->x[i] = b->x[i];
    rows->denominator = b->denominator;
    rows->first = b->first;
    rows->step = b->step;
}

/* Effective weight of one row under a set; a row that is gated off has none. */
static double row_weight(const gr__set *set, int cls, const gr_real *mix, int n) {
    if (!mix)
        return set->gate[cls] != 0 ? set->w[cls] : 0;
    double m = (double)mix[n];
    return 1 + m * (set->gate[cls] - 1) != 0 ? 1 + m * (set->w[cls] - 1) : 0;
}

static void weigh_rows(gr_run *run, const gr_real *mix) {
    const gr_tables *t = run->tables;
    const int32_t *cls = run->rows.cls;
    int block = run->layout->block;
    for (size_t s = 0; s < t->sets; s++) {
        gr_real *w = run->set_rows + s * (size_t)run->layout->capacity;
        uint8_t *kind = run->set_kinds + s * (size_t)run->layout->blocks;
        for (int b = 0; b * block < run->used; b++) {
            bool zero = true, one = true;
            for (int n = b * block; n < (b + 1) * block; n++) {
                w[n] = cls[n] < 0 ? 0 : (gr_real)row_weight(&t->set[s], cls[n], mix, n);
                zero = zero && w[n] == 0;
                one = one && (cls[n] < 0 || w[n] == 1);
            }
            kind[b] = zero ? GR_ROWS_ZERO : one ? GR_ROWS_ONE : GR_ROWS_MIXED;
        }
    }
}

/* A slice is open if some row gives it a weight other than 0. */
static void mark_open(gr_run *run, const gr_real *mix) {
    const gr_tables *t = run->tables;
    bool any = false;
    memset(run->present, 0, (size_t)t->classes);
    for (int n = 0; n < run->rows.rows; n++)
        if (run->rows.cls[n] >= 0)
            run->present[run->rows.cls[n]] = any = true;
    for (size_t s = 0; s < t->slices; s++) {
        int set = t->slice[s].set;
        bool open = set == GR_NONE && any;
        for (int c = 0; set != GR_NONE && !mix && c < t->classes; c++)
            open = open || (run->present[c] && gr_tables_weight(t, (int)s, c) != 0);
        const gr_real *w = run->set_rows + (size_t)(set < 0 ? 0 : set) * (size_t)run->layout->capacity;
        for (int n = 0; set != GR_NONE && mix && n < run->rows.rows; n++)
            open = open || w[n] != 0;
        run->open[s] |= open;
    }
}

/* Flags by block from flags by class: any row (live) or every row (zero); blocks of absent rows alone are live. */
static void flag_blocks(gr_run *run, gr__need *need, bool every, bool mixed) {
    int block = run->layout->block;
    for (int b = 0; b * block < run->used; b++) {
        bool all = true, some = false, present = false;
        for (int n = b * block; n < (b + 1) * block; n++)
            if (run->rows.cls[n] >= 0) {
                uint8_t flag = need->by_class[run->rows.cls[n]];
                present = true;
                all = all && flag;
                some = some || flag;
            }
        need->by_block[b] = every ? present && all && !mixed : some || !present || mixed;
    }
    /* Attention couples the rows of a document: what one of its blocks needs, all need. */
    for (int d = 0; !every && d < run->rows.documents; d++) {
        int a = run->rows.document[d] / block, z = (run->rows.document[d + 1] - 1) / block;
        uint8_t some = 0;
        for (int b = a; b <= z && a < z; b++)
            some |= need->by_block[b];
        for (int b = a; b <= z && a < z; b++)
            need->by_block[b] = some;
    }
}

void gr__rows_bind(gr_run *run, const gr_batch *batch) {
    int block = run->layout->block;
    assert(batch->rows > 0 && batch->rows <= run->layout->capacity);
    run->batch = batch;
    run->used = (batch->rows + block - 1) / block * block;
    copy_rows(run, batch);
    weigh_rows(run, batch->mix);
    mark_open(run, batch->mix);
    /* With `mix` a weight of 0 in the tables is not 0 for every row: nothing is skipped. */
    for (int i = 0; i < run->lives; i++)
        flag_blocks(run, &run->live[i], false, batch->mix != NULL);
    for (int i = 0; i < run->zeros; i++)
        flag_blocks(run, &run->zero[i], true, batch->mix != NULL);
}

/* Sums of squares of a gradient, by the region that owns the numbers.
 *
 * Each slice of the class tables is cut further at the borders of all regions, so that a piece has one owner, and
 * pieces into chunks of a fixed size. Threads take chunks; the sums of the chunks are added in order, so the result
 * does not depend on the number of threads. */
#include "base/mem.h"
#include "base/sort.h"
#include "kernel/kernel.h"
#include "kernel/math.h"
#include "train/diagnose.h"

enum { CHUNK = 16384 }; /* numbers a thread takes at a time; fixed, because sums are by chunk */

/* Rows of one slice and one owner, `stride` apart, from `at` on in the parameter. */
typedef struct chunk {
    int slice, owner;
    gr_param param;
    size_t at, stride;
    int rows, cols;
} chunk;

struct gr__norms {
    int owners; /* 1 + regions: 0 is the core */
    int count;
    size_t capacity;
    chunk *chunk;    /* [count] */
    double *partial; /* [2 * count] gradient, update */
};

/* ---- cutting ---- */

typedef struct cuts { /* borders along one axis */
    int *at, count;
    size_t capacity;
} cuts;

/* Notes a border, if it lies within [lo, hi]. */
static void cut(cuts *c, int at, int lo, int hi) {
    if (at >= lo && at <= hi)
        GR_PUSH(c->at, c->count, c->capacity) = at;
}

/* Whose number this is: of the first region that has it, else of the core. */
static int owner_of(const gr_model *model, gr_param p, int row, int col) {
    for (int r = 0; r < gr_model_regions(model); r++) {
        const gr_region *region = gr_model_region(model, r);
        for (int i = 0; i < region->rects; i++) {
            gr_rect q = region->rect[i];
            if (q.param == p && row >= q.lo0 && row < q.hi0 && col >= q.lo1 && col < q.hi1)
                return 1 + r;
        }
    }
    return 0;
}

/* Cuts a piece of this many rows into chunks of whole rows. */
static void add_piece(gr__norms *n, chunk piece, int rows) {
    int step = piece.cols < CHUNK ? CHUNK / piece.cols : 1;
    for (int i = 0; i < rows; i += step) {
        chunk part = piece;
        part.at += (size_t)i * piece.stride;
        part.rows = rows - i < step ? rows - i : step;
        GR_PUSH(n->chunk, n->count, n->capacity) = part;
    }
}

/* Cuts a slice s at the borders of the regions and adds the pieces. rows and cols are scratch. */
static void add_slice(gr__norms *n, const gr_model *model, int slice, gr_rect s, cuts *rows, cuts *cols) {
    size_t stride = (size_t)gr_model_param(model, s.param)->cols;

    /* Borders: the slice's own, and those of every region's rectangles on the parameter that lie within it. */
    rows->count = cols->count = 0;
    cut(rows, s.lo0, s.lo0, s.hi0), cut(rows, s.hi0, s.lo0, s.hi0);
    cut(cols, s.lo1, s.lo1, s.hi1), cut(cols, s.hi1, s.lo1, s.hi1);
    for (int r = 0; r < gr_model_regions(model); r++)
        for (int i = 0; i < gr_model_region(model, r)->rects; i++) {
            gr_rect q = gr_model_region(model, r)->rect[i];
            if (q.param != s.param)
                continue;
            cut(rows, q.lo0, s.lo0, s.hi0), cut(rows, q.hi0, s.lo0, s.hi0);
            cut(cols, q.lo1, s.lo1, s.hi1), cut(cols, q.hi1, s.lo1, s.hi1);
        }
    rows->count = gr__sort_borders(rows->at, rows->count);
    cols->count = gr__sort_borders(cols->at, cols->count);

    /* Cells of the grid. */
    for (int i = 0; i + 1 < rows->count; i++)
        for (int j = 0; j + 1 < cols->count; j++) {
            int high = rows->at[i + 1] - rows->at[i], wide = cols->at[j + 1] - cols->at[j];

            chunk piece = {.slice = slice,
                           .owner = owner_of(model, s.param, rows->at[i], cols->at[j]),
                           .param = s.param,
                           .at = (size_t)rows->at[i] * stride + (size_t)cols->at[j],
                           .stride = stride,
                           .cols = wide};
            add_piece(n, piece, high);
        }
}

gr__norms *gr__norms_new(gr_model *model, const gr_tables *tables) {
    gr__norms *n = gr_alloc(sizeof *n);
    cuts rows = {0}, cols = {0};
    n->owners = 1 + gr_model_regions(model);
    for (int s = 0; s < gr_tables_slices(tables); s++)
        add_slice(n, model, s, gr_tables_slice(tables, s), &rows, &cols);
    n->partial = gr_alloc(sizeof *n->partial * 2 * (size_t)n->count);
    gr_free(rows.at);
    gr_free(cols.at);
    return n;
}

void gr__norms_free(gr__norms *n) {
    if (!n)
        return;
    gr_free(n->chunk);
    gr_free(n->partial);
    gr_free(n);
}

/* ---- measuring ---- */

/* Sum of squares of what a gradient of n numbers would move the parameters by: rate g / (root sqrt(v) + eps), or rate g
 * where no second moments v are kept. */
static double moved(const gr_real *g, const gr_real *v, const gr__update_scale *s, int n) {
    if (!v)
        return s->rate * s->rate * gr_kernel()->squares(g, n);

    double sum = 0;
    gr_real rate = (gr_real)s->rate, root = (gr_real)s->root, eps = (gr_real)s->eps;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < n; i++) {
        gr_real u = rate * g[i] / (root * gr_sqrt(v[i]) + eps);
        sum += (double)(u * u);
    }
    return sum;
}

void gr__norms_measure(gr__norms *n, gr_run *run, const gr_optim *optim, double *gradient, double *update) {
    /* Both sums of each chunk, on all threads. A slice that is closed has no gradient and moves nothing. */
    const uint8_t *open = gr_run_open(run);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < n->count; i++) {
        const chunk *c = n->chunk + i;
        const gr_real *g = gr_run_gradient(run, c->param) + c->at;
        gr__update_scale scale = gr__optim_scale(optim, c->slice);
        const gr_real *second = scale.second ? scale.second + c->at : NULL;
        double squares = 0, moves = 0;
        int rows = open[c->slice] ? c->rows : 0;
        for (int r = 0; r < rows; r++) {
            size_t at = (size_t)r * c->stride;
            squares += gr_kernel()->squares(g + at, c->cols);
            if (scale.rate > 0)
                moves += moved(g + at, second ? second + at : NULL, &scale, c->cols);
        }
        n->partial[2 * i] = squares;
        n->partial[2 * i + 1] = moves;
    }

    /* Added up by owner, in the order of the chunks. */
    for (int o = 0; o < n->owners; o++)
        gradient[o] = update[o] = 0;
    for (int i = 0; i < n->count; i++) {
        gradient[n->chunk[i].owner] += n->partial[2 * i];
        update[n->chunk[i].owner] += n->partial[2 * i + 1];
    }
}

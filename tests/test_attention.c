/* Attention of the query heads of one head of keys in one document, in every table of kernels this processor has and in
 * both kinds of numbers, against the plain loops in double (attention_reference.c). */
#include "base/mem.h"
#include "base/rng.h"
#include "kernel/kernel.h"
#include "support.h"
#include <math.h>
#include <string.h>

static const char *const names[] = {"base", "avx2", "avx512", "bf16", "amx"};
static const int sizes[] = {16, 20, 32, 64, 128}, lengths[] = {1, 2, 17, 32, 33, 64, 100};
static const int windows[] = {1, 2, 8, 31, 32, 33, 64, 100, 256, 400};

enum { GAP = 5, GUARD = 64 };

static double *doubles(int rows, int cols) { return gr_alloc((size_t)rows * (size_t)cols * sizeof(double)); }

/* Draws in [-1, 1] that bfloat16 holds exactly, so that one reference serves both kinds of numbers. */
static void draw(double *x, int n, uint32_t which) {
    for (int i = 0; i < n; i++)
        x[i] = (double)gr__widen(
            gr__narrow((float)(2 * gr_random_uniform((gr_key){5, GR_STREAM_TEST, which}, (uint64_t)i, 0) - 1)));
}

/* ---- the reference ----------------------------------------------------------------------------------------------- */

/* What is asked for. */
typedef struct shape {
    int rows, size, group_size;
    int turns;   /* columns that are rotated */
    bool halves; /* their pairs are (i, i + turns / 2) */
    int window;  /* 0: all */
} shape;

/* Packed rows: qkv, dqkv [rows x (group_size + 2) size], out, dout [rows x group_size size], lse [group_size x rows].
 */
typedef struct problem {
    shape s;
    int in, wide;                /* columns of qkv and of out */
    double scale, heat;          /* heat: the largest sum of |scale q k| over the columns of one score */
    float *turn, *numbers;       /* numbers: qkv as the reference reads it */
    double *qkv, *dout, *before; /* before: what a gradient is added to */
    double *out, *lse, *dqkv;
    double *out_mass, *dqkv_mass; /* the same sums with every term by its size: what rounding errors are relative to */
} problem;

/* Column of the first of pair i, and how far away the second is. */
static int pair_at(const shape *s, int i) { return s->halves ? i : 2 * i; }
static int pair_apart(const shape *s) { return s->halves ? s->turns / 2 : 1; }

/* y += s |x| */
static void add_sizes(double *y, double s, const double *x, int n) {
    for (int i = 0; i < n; i++)
        y[i] += s * fabs(x[i]);
}

/* sum |a b| */
static double dot_sizes(const double *a, const double *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += fabs(a[i] * b[i]);
    return sum;
}

/* The masses of a row's results and of what it adds to gradients: the sums of the reference, every term by its size. */
static void measure_row(problem *p, const double *turned, const double *weight, int query, int t) {
    const int size = p->s.size, key = p->s.group_size * size, at = t * p->in + query * size,
              up = t * p->wide + query * size;
    const double *q = turned + at, *dout = p->dout + up, *out = p->out + up;
    double delta = 0;
    for (int i = 0; i < size; i++)
        delta += out[i] * dout[i];
    for (int j = 0; j <= t; j++) {
        const double *k = turned + j * p->in + key, *v = k + size;
        double *dk = p->dqkv_mass + j * p->in + key, *dv = dk + size;
        if (p->s.window && j <= t - p->s.window)
            continue;
        p->heat = fmax(p->heat, p->scale * dot_sizes(q, k, size));
        const double ds = p->scale * weight[j] * (dot_sizes(dout, v, size) + fabs(delta));
        add_sizes(p->out_mass + up, weight[j], v, size);
        add_sizes(p->dqkv_mass + at, ds, k, size);
        add_sizes(dk, ds, q, size);
        add_sizes(dv, weight[j], dout, size);
    }
}

/* What kernels and reference are asked for. */
static gr_head head_of(const problem *p) {
    return (gr_head){.qkv = p->numbers,
                     .stride = p->in,
                     .stride_out = p->wide,
                     .turn = p->turn,
                     .apart = p->s.halves ? pair_apart(&p->s) : 0,
                     .window = p->s.window,
                     .scale = (float)p->scale,
                     .rows = p->s.rows,
                     .size = p->s.size,
                     .group_size = p->s.group_size,
                     .lse_stride = p->s.rows};
}

/* Results by the plain loops, and their masses. */
static void solve(problem *p) {
    const int rows = p->s.rows, group_size = p->s.group_size;
    const gr_head head = head_of(p);
    double *weight = doubles(group_size * rows, rows), *turned = doubles(rows, p->in);
    gr__attention_reference(p->out, p->lse, weight, &head);
    gr__attention_backward_reference(p->dqkv, p->dout, weight, &head);
    gr__attention_reference_rows(turned, &head);
    for (int query = 0; query < group_size; query++)
        for (int t = 0; t < rows; t++)
            measure_row(p, turned, weight + (size_t)(query * rows + t) * (size_t)rows, query, t);
    gr_free(weight);
    gr_free(turned);
}

static problem problem_new(shape s) {
    const int rows = s.rows, size = s.size, in = (s.group_size + 2) * size, wide_out = s.group_size * size;
    problem p = {.s = s, .in = in, .wide = wide_out, .scale = (double)(float)(1 / sqrt(size))};
    double **const wide[] = {&p.qkv, &p.before, &p.dqkv, &p.dqkv_mass};
    double **const narrow[] = {&p.dout, &p.out, &p.out_mass};
    for (int i = 0; i < 4; i++)
        *wide[i] = doubles(rows, in);
    for (int i = 0; i < 3; i++)
        *narrow[i] = doubles(rows, wide_out);
    p.lse = doubles(rows, s.group_size);
    draw(p.qkv, rows * in, 1);
    draw(p.before, rows * in, 2);
    draw(p.dout, rows * wide_out, 3);
    p.numbers = gr_alloc((size_t)(rows * in) * sizeof *p.numbers);
    for (int i = 0; i < rows * in; i++)
        p.numbers[i] = (float)p.qkv[i];
    p.turn = s.turns ? gr_alloc((size_t)(rows * size) * sizeof *p.turn) : NULL;
    for (int t = 0; s.turns && t < rows; t++) {
        for (int i = 0; i < size; i++) /* neighbours that stay have the angle 0 */
            p.turn[t * size + i] = s.halves ? NAN : (float)!(i % 2);
        for (int i = 0; 2 * i < s.turns; i++) {
            double angle = t * pow(100, -2.0 * i / s.turns);
            p.turn[t * size + pair_at(&s, i)] = (float)cos(angle);
            p.turn[t * size + pair_at(&s, i) + pair_apart(&s)] = (float)sin(angle);
        }
    }
    solve(&p);
    /* Turned by whatever angle, the masses of a pair are at most their sum. */
    for (int part = 0; part < rows * (s.group_size + 2); part++)
        for (int i = 0; 2 * i < s.turns && part % (s.group_size + 2) <= s.group_size; i++) {
            double *a = p.dqkv_mass + part * size + pair_at(&s, i), *b = a + pair_apart(&s);
            *a = *b = *a + *b;
        }
    return p;
}

static void problem_free(problem *p) {
    void *lists[] = {p->turn, p->numbers, p->qkv,  p->dout,     p->before,
                     p->out,  p->lse,     p->dqkv, p->out_mass, p->dqkv_mass};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        gr_free(lists[i]);
}

/* ---- rows among others ------------------------------------------------------------------------------------------- */

/* [rows + 2 x stride] numbers of either kind. The document's columns begin at row 1, column GAP; all else is NaN. */
typedef struct field {
    bool half;
    int rows, cols, stride;
    float *v;
    gr_half *h;
} field;

static field field_new(bool half, int rows, int cols) {
    field f = {half, rows, cols, cols + 2 * GAP, NULL, NULL};
    int n = (rows + 2) * f.stride;
    f.v = gr_alloc((size_t)n * sizeof *f.v);
    f.h = gr_alloc((size_t)n * sizeof *f.h);
    for (int i = 0; i < n; i++)
        f.v[i] = NAN, f.h[i] = gr__narrow(NAN);
    return f;
}

static void field_free(field *f) {
    gr_free(f->v);
    gr_free(f->h);
}

static int index_of(const field *f, int t, int i) { return (t + 1) * f->stride + GAP + i; }
static void *start_of(const field *f) {
    return f->half ? (void *)(f->h + index_of(f, 0, 0)) : (void *)(f->v + index_of(f, 0, 0));
}

static void field_set(field *f, const double *x) {
    for (int t = 0; t < f->rows; t++)
        for (int i = 0; i < f->cols; i++) {
            f->v[index_of(f, t, i)] = (float)x[t * f->cols + i];
            f->h[index_of(f, t, i)] = gr__narrow((float)x[t * f->cols + i]);
        }
}

static double field_get(const field *f, int t, int i) {
    int at = index_of(f, t, i);
    return (double)(f->half ? gr__widen(f->h[at]) : f->v[at]);
}

static void check_surroundings(const field *f) {
    int outside = 0;
    for (int t = -1; t <= f->rows; t++)
        for (int i = -GAP; i < f->cols + GAP; i++)
            if (t < 0 || t == f->rows || i < 0 || i >= f->cols) {
                outside++;
                if (!isnan(field_get(f, t, i)))
                    fail_msg("row %d, column %d outside was written", t, i);
            }
    assert_true(outside > 0);
}

/* ---- comparison -------------------------------------------------------------------------------------------------- */

typedef struct variant {
    const gr_kernels *k;
    bool half, half_out, add;
} variant;

/* What a result may be off by, relative to its mass. Products in float: the exponential is good to 2^-22.7, sums of up
 * to 530 terms that go different ways stay below 2^-20, and a score's error, about 2^-22 of its own mass (the heat), is
 * a relative error of the weight. Products in bfloat16 (unit roundoff 2^-8): q and k, which enter a weight by heat, the
 * weight or slope itself, and the other operand, where that is turned: never more than 2 + 2 heat roundings. What is
 * below 2^-126 counts as 0. */
static double tolerance(const variant *v, const problem *p) {
    bool pairs = v->half && (strcmp(v->k->isa, "bf16") == 0 || strcmp(v->k->isa, "amx") == 0);
    return pairs ? ldexp(2 + 2 * p->heat, -8) : ldexp(1 + p->heat, -20);
}

/* A result kept in bfloat16 is rounded once more. The distance in the norm is much smaller than the bound: errors do
 * not conspire. A tenth of it and a rounding must do, which also a key too many in the longest document would not. */
static void compare(const variant *v, const problem *p, const field *got, const double *want, const double *mass,
                    const double *before, const char *what) {
    double worst = 0, off = 0, norm = 0, round = got->half ? ldexp(1.01, -8) : 0;
    for (int t = 0; t < got->rows; t++)
        for (int i = 0; i < got->cols; i++) {
            int at = t * got->cols + i;
            double expected = want[at] + (before ? before[at] : 0), d = fabs(field_get(got, t, i) - expected);
            double bound = tolerance(v, p) * mass[at] + round * fabs(expected) + 1e-30;
            if (before) /* sums in float */
                bound += ldexp(fabs(expected) + fabs(before[at]), -23);
            worst = isnan(d) ? INFINITY : fmax(worst, d / bound);
            off += d * d;
            norm += mass[at] * mass[at] + expected * expected;
        }
    double far = sqrt(off / norm), limit = tolerance(v, p) / 10 + round;
    if (!(worst <= 1) || !(far <= limit))
        fail_msg(
            "%s, %s, %d rows of %d, group_size %d, window %d, half %d %d, add %d, turned %d %d: %.3g of the bound, "
            "distance %.3g of %.3g",
            v->k->isa, what, p->s.rows, p->s.size, p->s.group_size, p->s.window, v->half, v->half_out, v->add,
            p->s.turns, p->s.halves, worst, far, limit);
    check_surroundings(got);
}

static void check_variant(const variant *v, const problem *p) {
    const int rows = p->s.rows;
    field qkv = field_new(v->half, rows, p->in), dqkv = field_new(v->half, rows, p->in);
    field out = field_new(v->half_out, rows, p->wide), dout = field_new(v->half_out, rows, p->wide);
    float lse[4 * 530];
    size_t room = v->k->attention_scratch(rows, p->s.size);
    float *scratch = gr_alloc((room + GUARD) * sizeof *scratch); /* comes as other operations leave it */
    for (size_t i = 0; i < room + GUARD; i++)
        scratch[i] = i < room ? NAN : 12345;
    field_set(&qkv, p->qkv);
    field_set(&dout, p->dout);
    if (v->add)
        field_set(&dqkv, p->before);
    gr_head head = head_of(p);
    head.qkv = start_of(&qkv);
    head.half = v->half;
    head.half_out = v->half_out;
    head.stride = qkv.stride;
    head.stride_out = out.stride;
    head.lse_stride = 530;
    v->k->attention(start_of(&out), lse, &head, scratch);
    compare(v, p, &out, p->out, p->out_mass, NULL, "out");
    for (int i = 0; i < p->s.group_size * rows; i++) {
        double have = (double)lse[i / rows * 530 + i % rows], want = p->lse[i];
        if (!(fabs(have - want) <= tolerance(v, p) * (1 + fabs(want))))
            fail_msg("%s, %d rows of %d: log-sum-exp %g, not %g", v->k->isa, rows, p->s.size, have, want);
    }
    v->k->attention_backward(start_of(&dqkv), v->add, start_of(&dout), lse, &head, scratch);
    compare(v, p, &dqkv, p->dqkv, p->dqkv_mass, v->add ? p->before : NULL, "gradient");
    check_surroundings(&qkv);
    for (size_t i = room; i < room + GUARD; i++)
        assert_true(scratch[i] == 12345);
    if (!v->add) { /* the gradient in place of the value */
        v->k->attention_backward(start_of(&qkv), false, start_of(&dout), lse, &head, scratch);
        compare(v, p, &qkv, p->dqkv, p->dqkv_mass, NULL, "gradient in place");
    }
    field *fields[] = {&qkv, &dqkv, &out, &dout};
    for (int i = 0; i < 4; i++)
        field_free(fields[i]);
    gr_free(scratch);
}

static void check_problem(const gr_kernels *k, shape s) {
    problem p = problem_new(s);
    for (int kinds = 0; kinds < 8; kinds++)
        check_variant(&(variant){k, kinds & 1, kinds & 2, kinds & 4}, &p);
    problem_free(&p);
}

static void attention_matches_loop(void **state) {
    const gr_kernels *k = gr__kernel_get(*state);
    if (!k)
        skip();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (int rotate = 0; rotate < 2; rotate++)
                check_problem(k, (shape){lengths[l], sizes[s], 1, rotate * sizes[s], false, 0});
    check_problem(k, (shape){530, 18, 1, 18, false, 0}); /* several blocks of keys */
    check_problem(k, (shape){40, 7, 1, 0, false, 0});
}

static void shared_keys_match_loop(void **state) {
    const gr_kernels *k = gr__kernel_get(*state);
    if (!k)
        skip();
    for (int group_size = 2; group_size <= 4; group_size++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            check_problem(k, (shape){lengths[l], group_size == 3 ? 20 : 32, group_size, l % 2 ? 20 : 0, false, 0});
    check_problem(k, (shape){300, 7, 2, 0, false, 0});
}

/* Windows that begin and end inside of panels, at their borders, and beyond the document. */
static void windows_match_loop(void **state) {
    const gr_kernels *k = gr__kernel_get(*state);
    if (!k)
        skip();
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
            check_problem(k, (shape){lengths[l], w % 2 ? 20 : 32, 1, l % 2 ? 20 : 0, false, windows[w]});
    check_problem(k, (shape){530, 18, 1, 18, false, 300}); /* several blocks of keys */
    check_problem(k, (shape){300, 16, 1, 8, true, 5});
}

/* All of these in documents of more than a block of keys, and windows over shared keys. */
static void long_documents_match_loop(void **state) {
    enum { ROWS = 257 };
    const gr_kernels *k = gr__kernel_get(*state);
    if (!k)
        skip();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int rotate = 0; rotate < 2; rotate++)
            check_problem(k, (shape){ROWS, sizes[s], 1, rotate * sizes[s], false, 0});
    for (int group_size = 2; group_size <= 4; group_size++)
        check_problem(k, (shape){ROWS, group_size == 3 ? 20 : 32, group_size, 20, false, 0});
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        check_problem(k, (shape){ROWS, w % 2 ? 20 : 32, 1, 20, false, windows[w]});
    for (int group_size = 2; group_size <= 3; group_size++) {
        check_problem(k, (shape){530, 18, group_size, 18, false, 300});
        check_problem(k, (shape){300, 16, group_size, 8, true, 5});
    }
}

/* Parts of heads, as neighbours and as halves. */
static void rotations_match_loop(void **state) {
    static const struct {
        int size, turns;
    } heads[] = {{16, 2}, {16, 8}, {20, 12}, {64, 32}, {64, 64}, {70, 66}, {128, 40}};
    const gr_kernels *k = gr__kernel_get(*state);
    if (!k)
        skip();
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++)
        for (int halves = 0; halves < 2; halves++)
            check_problem(k, (shape){37, heads[h].size, 1 + h % 2, heads[h].turns, halves, 0});
    check_problem(k, (shape){37, 21, 1, 14, true, 0}); /* an odd number of columns */
}

/* ---- extremes ---------------------------------------------------------------------------------------------------- */

/* Scores far apart: the largest of a row wins, wherever it stands, and nothing overflows. Blocks of keys meet here. */
static void large_scores_stay_finite(void **state) {
    enum { ROWS = 600, SIZE = 4 };
    const gr_kernels *k = gr__kernel_get(*state);
    if (!k)
        skip();
    float *qkv = gr_alloc(ROWS * 3 * SIZE * sizeof *qkv), out[ROWS * SIZE], lse[ROWS];
    float *scratch = gr_alloc(k->attention_scratch(ROWS, SIZE) * sizeof *scratch);
    const int peak[] = {0, 255, 256, 300, 599};
    for (size_t i = 0; i < sizeof peak / sizeof *peak; i++) {
        for (int t = 0; t < ROWS; t++) {
            float *q = qkv + t * 3 * SIZE;
            q[0] = 100;
            q[SIZE] = t == peak[i] ? 100 : (float)-t;
            q[2 * SIZE] = (float)(t + 1);
        }
        const gr_head head = {.qkv = qkv,
                              .stride = 3 * SIZE,
                              .stride_out = SIZE,
                              .scale = 1,
                              .rows = ROWS,
                              .size = SIZE,
                              .group_size = 1};
        k->attention(out, lse, &head, scratch);
        for (int t = 0; t < ROWS; t++) {
            float wins = t >= peak[i] ? (float)(peak[i] + 1) : 1;
            assert_true(fabsf(out[t * SIZE] - wins) < 1e-30f && lse[t] == (t >= peak[i] ? 10000 : 0));
        }
    }
    gr_free(qkv);
    gr_free(scratch);
}

int main(void) {
    struct CMUnitTest tests[30];
    size_t count = 0;
    for (int i = 0; i < 5; i++) {
        tests[count++] = (struct CMUnitTest){names[i], attention_matches_loop, NULL, NULL, (void *)(intptr_t)names[i]};
        tests[count++] = (struct CMUnitTest){names[i], windows_match_loop, NULL, NULL, (void *)(intptr_t)names[i]};
        tests[count++] = (struct CMUnitTest){names[i], rotations_match_loop, NULL, NULL, (void *)(intptr_t)names[i]};
        tests[count++] = (struct CMUnitTest){names[i], shared_keys_match_loop, NULL, NULL, (void *)(intptr_t)names[i]};
        tests[count++] = (struct CMUnitTest){"long_documents_large", long_documents_match_loop, NULL, NULL,
                                             (void *)(intptr_t)names[i]};
        tests[count++] =
            (struct CMUnitTest){names[i], large_scores_stay_finite, NULL, NULL, (void *)(intptr_t)names[i]};
    }
    return _cmocka_run_group_tests("attention", tests, count, NULL, NULL);
}

/* attention_reference.c - attention in plain loops, in double: what the fast ones of this folder compute. Tests compare
 * them with it; nothing else calls it.
 *
 * A document of n rows has q, k and v [n x size], of which each pair of columns of q and k is turned first, by an angle
 * that grows with the row (rotary positions: Su et al. 2021, eq. 34). Forward (Vaswani et al. 2017, eq. 1, where a row
 * sees itself and rows before it, at most `window` of them):
 *
 *     s[t][j] = scale q[t] . k[j]        p[t] = softmax(s[t])        out[t] = sum_j p[t][j] v[j]
 *
 * Backward, from dout, by the chain rule; the derivative of a softmax is dp_i / ds_j = p_i ([i = j] - p_j) (Dao et al.
 * 2022, appendix B.2):
 *
 *     dp[t][j] = dout[t] . v[j]          dv[j] = sum_t p[t][j] dout[t]
 *     ds[t][j] = p[t][j] (dp[t][j] - sum_i p[t][i] dp[t][i])
 *     dq[t]    = scale sum_j ds[t][j] k[j]      dk[j] = scale sum_t ds[t][j] q[t]      both turned back
 *
 * `group_size` query heads read the same k and v; their gradients add up in dk and dv.
 */
#include "base/mem.h"
#include "kernel/kernel.h"

#include <math.h>
#include <string.h>

/* Columns of qkv and dqkv: each q, then k, then v. */
static size_t columns_of(const gr_head *head) { return (size_t)(head->group_size + 2) * (size_t)head->size; }

/* The first row that row t sees. */
static int first_seen(const gr_head *head, int t) {
    return head->window && t >= head->window ? t - head->window + 1 : 0;
}

static double dot(const double *a, const double *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add_scaled(double *y, double s, const double *x, int n) {
    for (int i = 0; i < n; i++)
        y[i] += s * x[i];
}

/* Turns the pairs of q or k in row t by their angles (direction 1), or back (-1). Pairs are neighbours, or lie `apart`
 * columns apart; then the columns behind them stay. */
static void turn_pairs(double *x, const gr_head *head, int t, double direction) {
    const gr_real *turn = head->turn + (size_t)t * (size_t)head->size;
    const int apart = head->apart ? head->apart : 1, pairs = head->apart ? head->apart : head->size / 2;
    for (int i = 0; i < pairs; i++) {
        const int a = head->apart ? i : 2 * i, b = a + apart;
        const double c = (double)turn[a], s = direction * (double)turn[b], xa = x[a], xb = x[b];
        x[a] = c * xa - s * xb;
        x[b] = s * xa + c * xb;
    }
}

/* Turns all queries and k of every row of qkv or of its gradient; v stays. */
static void turn_rows(double *rows, const gr_head *head, double direction) {
    if (!head->turn)
        return;
    for (int t = 0; t < head->rows; t++)
        for (int part = 0; part <= head->group_size; part++)
            turn_pairs(rows + (size_t)t * columns_of(head) + (size_t)(part * head->size), head, t, direction);
}

void gr__attention_reference_rows(double *rows, const gr_head *head) {
    const size_t columns = columns_of(head);

    /* Numbers of either kind, without the gaps between rows. */
    for (int t = 0; t < head->rows; t++)
        for (size_t i = 0; i < columns; i++) {
            const size_t at = (size_t)t * (size_t)head->stride + i;
            if (head->half)
                rows[(size_t)t * columns + i] = (double)gr__widen(((const gr_half *)head->qkv)[at]);
            else
                rows[(size_t)t * columns + i] = (double)((const gr_real *)head->qkv)[at];
        }
    turn_rows(rows, head, 1);
}

/* Row t of a query head: its probabilities p [rows], its result out [size], and the log-sum-exp of its scores. k, v:
 * row 0 of each, `columns` apart. */
static double forward_row(double *out, double *p, const double *q, const double *k, const double *v,
                          const gr_head *head, int t) {
    const size_t columns = columns_of(head);
    const int first = first_seen(head, t), size = head->size;

    /* Pass 1: the scores, and their maximum. */
    double highest = -INFINITY;
    for (int j = first; j <= t; j++) {
        p[j] = (double)head->scale * dot(q, k + (size_t)j * columns, size);
        highest = fmax(highest, p[j]);
    }

    /* Pass 2: exp and its sum. Without the maximum exp could overflow; it cancels in what follows. */
    double sum = 0;
    for (int j = first; j <= t; j++) {
        p[j] = exp(p[j] - highest);
        sum += p[j];
    }

    /* Pass 3: probabilities: they add up to 1, and are 0 for rows that are not seen. */
    for (int j = 0; j < head->rows; j++)
        p[j] = j >= first && j <= t ? p[j] / sum : 0;

    /* Pass 4: the mean of the values, weighted by them. */
    memset(out, 0, (size_t)size * sizeof *out);
    for (int j = first; j <= t; j++)
        add_scaled(out, p[j], v + (size_t)j * columns, size);
    return highest + log(sum);
}

void gr__attention_reference(double *out, double *lse, double *p, const gr_head *head) {
    const size_t n = (size_t)head->rows, size = (size_t)head->size, group_size = (size_t)head->group_size;
    const size_t columns = columns_of(head);
    double *rows = gr_alloc(n * columns * sizeof *rows);
    gr__attention_reference_rows(rows, head);

    const double *k = rows + group_size * size, *v = k + size;
    for (size_t query = 0; query < group_size; query++)
        for (size_t t = 0; t < n; t++)
            lse[query * n + t] = forward_row(out + t * group_size * size + query * size, p + (query * n + t) * n,
                                             rows + t * columns + query * size, k, v, head, (int)t);
    gr_free(rows);
}

/* What row t of a query head adds to the gradients of its q and of all k and v, still turned: dq [size]; dk: row 0,
 * `columns` apart, with dv behind it; kv and q likewise. ds: room for a number per row. */
static void backward_row(double *dq, double *dk, double *ds, const double *dout, const double *p, const double *q,
                         const double *k, const gr_head *head, int t) {
    const size_t columns = columns_of(head);
    const int first = first_seen(head, t), size = head->size;

    /* Pass 1: the gradients of the probabilities, and their mean weighted by the probabilities. */
    double mean = 0;
    for (int j = first; j <= t; j++) {
        const double *v = k + (size_t)j * columns + size;
        ds[j] = dot(dout, v, size);
        mean += p[j] * ds[j];
    }

    /* Pass 2: through the softmax, to the gradients of q . k. */
    for (int j = first; j <= t; j++)
        ds[j] = (double)head->scale * p[j] * (ds[j] - mean);

    /* Pass 3: to q, and to k and v of every row that is seen. */
    for (int j = first; j <= t; j++) {
        add_scaled(dq, ds[j], k + (size_t)j * columns, size);
        add_scaled(dk + (size_t)j * columns, ds[j], q, size);
        add_scaled(dk + (size_t)j * columns + size, p[j], dout, size);
    }
}

void gr__attention_backward_reference(double *dqkv, const double *dout, const double *p, const gr_head *head) {
    const size_t n = (size_t)head->rows, size = (size_t)head->size, group_size = (size_t)head->group_size;
    const size_t columns = columns_of(head);
    double *rows = gr_alloc(n * columns * sizeof *rows), *ds = gr_alloc(n * sizeof *ds);
    gr__attention_reference_rows(rows, head);

    /* Every row of every query head adds its part to the gradients of the turned rows. These are turned back in the
     * end: the derivative of a rotation is the rotation by minus the angle. */
    memset(dqkv, 0, n * columns * sizeof *dqkv);
    const size_t key = group_size * size;
    for (size_t query = 0; query < group_size; query++)
        for (size_t t = 0; t < n; t++)
            backward_row(dqkv + t * columns + query * size, dqkv + key, ds, dout + t * group_size * size + query * size,
                         p + (query * n + t) * n, rows + t * columns + query * size, rows + key, head, (int)t);
    turn_rows(dqkv, head, -1);
    gr_free(ds);
    gr_free(rows);
}

/* pass.h - both passes of attention over one kind of units; vec_attention.c includes it once for each kind. U: numbers
 * in a unit; OF(name): the name for this kind. What they compute is in attention_reference.c; this is how:
 *
 * Forward, MR queries at a time see the keys in blocks of BLOCK. The scores of a block become weights exp(s - top),
 * where top is the largest score so far. When a later block has a larger one, what has been summed so far shrinks by
 * exp(old top - new top): the online softmax of Milakov & Gimelshein (2018). So no whole row of scores is kept.
 *
 * Backward, TILE queries at a time: first p = exp(s - lse) and dp = do v^T with all keys they see, and with them
 * delta = sum p dp of each query; then ds = p (dp - delta), and what p and ds add to dq, dk and dv.
 *
 * A product sums over neighbours in memory, in units of U numbers. Depending on what it sums over, a matrix
 * X [rows x size] is needed in one of three layouts:
 *
 *   rows     [rows x size/U]  as it comes: a unit holds neighbours in a row
 *   columns  [size/U x rows]  the transpose of that, in panels of W rows of X
 *   between  [rows/U x size]  a unit holds neighbours in a column; the same as rows for U = 1
 *
 * The left operand of a product is read unit by unit, the right one in registers. Work above the diagonal is left out
 * in steps of MR queries and L keys, work before the window in steps of MR queries and W keys. What lies there in a
 * tile is 0 where a product still reads it.
 */

/* C [mr x nv registers] (+)= A B over k units; a is read at (i ars + p acs). The sums stay in registers. */
static inline __attribute__((always_inline)) void OF(tile)(const int mr, const int nv, gr_real *c, int ldc,
                                                           const gr_real *a, int ars, int acs, const gr_real *b,
                                                           int ldb, int k, bool add) {
    vec acc[MR][2] = {0};

    /* For each unit of the sum: a row of B in registers, times one unit of each row of A. */
    for (int p = 0; p < k; p++, a += acs, b += ldb) {
        vec row[2];
#pragma GCC unroll 2
        for (int j = 0; j < nv; j++)
            row[j] = *(const vec *)(b + j * L);
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
            for (int j = 0; j < nv; j++)
                acc[i][j] = OF(step)(acc[i][j], a[(ptrdiff_t)i * ars], row[j]);
    }

    /* The sums go to C once. */
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 2
        for (int j = 0; j < nv; j++) {
            vec *to = (vec *)(c + (size_t)i * ldc + j * L);
            if (add)
                acc[i][j] += *to;
            *to = acc[i][j];
        }
}

/* The same for m <= MR rows and any number of registers. A call: inlined, its callers run out of registers. */
static __attribute__((noinline)) void OF(product)(gr_real *c, int ldc, const gr_real *a, int ars, int acs,
                                                  const gr_real *b, int ldb, int m, int nv, int k, bool add) {
    for (; nv > 0; nv -= 2, c += W, b += W)
        switch (2 * m + (nv > 1)) {
#define GR_TILE(rows)                                           \
    case 2 * rows + 1:                                          \
        OF(tile)(rows, 2, c, ldc, a, ars, acs, b, ldb, k, add); \
        break;                                                  \
    case 2 * rows:                                              \
        OF(tile)(rows, 1, c, ldc, a, ars, acs, b, ldb, k, add); \
        break
#ifdef __AVX512F__
            GR_TILE(8);
            GR_TILE(7);
            GR_TILE(6);
            GR_TILE(5);
#endif
            GR_TILE(4);
            GR_TILE(3);
            GR_TILE(2);
            GR_TILE(1);
#undef GR_TILE
        }
}

/* Sizes that all of a pass share. `keys`, `k`, `ld` and `wide` are rounded up to what products take at a time; operands
 * are padded with 0. */
typedef struct OF(shape) {
    int keys; /* rows up to whole panels */
    int k;    /* units in a row */
    int ld;   /* row stride of the layout rows */
    int wide; /* row stride of the layout between and of sums */
    int nv;   /* registers in such a row */
    int window;
} OF(shape);

/* window 0, or one that is longer than the document, is the whole document. */
static OF(shape) OF(shape_of)(int rows, int size, int window) {
    int k = (size + U - 1) / U, wide = round_up(size, L);
    return (OF(shape)){round_up(rows, W), k, round_up(k, L), wide, wide / L, window ? least(window, rows) : rows};
}

/* Rows [t0, t1) of q, k, v or a gradient in the layout rows. */
static void OF(fetch)(gr_real *y, int ld, source from, int t0, int t1) {
    for (int t = t0; t < t1; t++)
        OF(units)(y + (size_t)(t - t0) * ld, ld, &from, t);
}

/* All of k or v in rows, 0 up to whole panels, and in columns. Asks for rows of `soon` and `later`, which are read
 * next. */
static void OF(columns)(gr_real *y, gr_real *x, source from, source soon, source later, int rows, const OF(shape) * h) {
    for (int t = 0; t < rows; t++) {
        expect_row(&from, t + 16, rows);
        expect_row(&soon, t, rows);
        expect_row(&later, t, rows);
        OF(units)(x + (size_t)t * h->ld, h->ld, &from, t);
    }

    /* Rows beyond the document, up to a whole panel, weigh nothing if they are 0. */
    memset(x + (size_t)rows * h->ld, 0, (size_t)(h->keys - rows) * h->ld * sizeof *x);

    /* Blocks of L x L units; column i of a panel is W numbers. */
    for (int j = 0; j < rows; j += L)
        for (int i = 0; i < h->k; i += L)
            transpose_block(y + (size_t)(j / W * W) * h->k + (size_t)i * W + j % W, W, x + (size_t)j * h->ld + i, h->ld,
                            least(L, h->k - i));
}

/* The panel in which the keys that query t sees begin. */
static inline int OF(first_panel)(const OF(shape) * h, int t) {
    return t < h->window ? 0 : (t - h->window + 1) / W * W;
}

/* Registers of keys from j on that queries up to `last` see. */
static inline int OF(registers_seen)(int last, int j) { return least(2, (last - j) / L + 1); }

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* Buffers of the forward pass, parts of the scratch. */
typedef struct OF(forward_buffers) {
    gr_real *x;  /* k, then v, in rows */
    gr_real *kt; /* k in columns */
    gr_real *v;  /* v between */
    gr_real *q;  /* MR queries in rows */
    gr_real *s;  /* their scores with a block of keys, then weights */
    gr_real *o;  /* their results so far, not yet divided by the sum of weights */
} OF(forward_buffers);

/* Divides the scratch into the buffers, and returns how many numbers they take. With NULL that is all it does. */
static size_t OF(forward_carve)(OF(forward_buffers) * b, gr_real *from, const OF(shape) * h) {
    size_t n = 0;
    b->x = take(&n, from, h->keys, h->ld);
    b->kt = take(&n, from, h->keys, h->k);
    b->v = U > 1 ? take(&n, from, h->keys / U, h->wide) : b->x;
    b->q = take(&n, from, MR, h->ld);
    b->s = take(&n, from, MR, BLOCK);
    b->o = take(&n, from, MR, h->wide);
    return n;
}

/* Scores of queries [t, t + m), m <= MR, with keys [b0, b1). */
static void OF(scores)(gr_real *s, const gr_real *q, const gr_real *kt, const OF(shape) * h, int t, int m, int b0,
                       int b1) {
    for (int j = b0; j < b1; j += W)
        OF(product)
    (s + (j - b0), BLOCK, q, h->ld, 1, kt + (size_t)j * h->k, W, m, OF(registers_seen)(t + m - 1, j), h->k, false);
}

/* One query head over the keys and values in b: results, and the log-sum-exp of each row's scores. */
static void OF(forward_query)(void *out, gr_real *lse, const OF(forward_buffers) * buffers, const OF(shape) * sizes,
                              const gr_head *head, int query) {
    const OF(forward_buffers) b = *buffers;
    const OF(shape) h = *sizes;
    const int rows = head->rows, size = head->size;
    for (int t = 0; t < rows; t += MR) {
        /* MR queries, turned and scaled, and the panel in which the first keys they see begin. */
        const int m = least(MR, rows - t);
        const int start = OF(first_panel)(&h, t);
        gr_real top[MR], sum[MR];
        OF(fetch)(b.q, h.ld, part_of(head, query), t, t + m);

        /* The keys that they see, a block at a time. */
        for (int b0 = start; b0 < t + m; b0 += BLOCK) {
            const int b1 = least(t + m, b0 + BLOCK), n = round_up(b1 - b0, L);
            OF(scores)(b.s, b.q, b.kt, &h, t, m, b0, b1);

            /* Keys before a query's window do not count. */
            if (t + m - b0 > h.window)
                for (int i = 0; i < m; i++)
                    hide_row(b.s + (size_t)i * BLOCK, t + i + 1 - h.window - b0);

            /* Scores become weights; the results so far shrink where the maximum has grown. */
            for (int i = 0; i < m; i++) {
                gr_real *s = b.s + (size_t)i * BLOCK, *o = b.o + (size_t)i * h.wide;
                gr_real shrink = exp_row(s, &top[i], &sum[i], t + i - b0, n, b0 == start);
                OF(narrow)(s, n);
                if (b0 > start)
                    scale_row(o, shrink, h.wide);
            }

            /* The values of the block, times their weights. */
            OF(product)
            (b.o, h.wide, b.s, BLOCK, 1, b.v + (size_t)(b0 / U) * h.wide, h.wide, m, h.nv, (b1 - b0 + U - 1) / U,
             b0 > start);
        }

        /* What was weighed, divided by the sum of the weights, is the result. */
        for (int i = 0; i < m; i++) {
            gr_real *o = b.o + (size_t)i * h.wide;
            scale_row(o, 1 / sum[i], size);
            put_row(place(out, head->half_out, (size_t)(t + i) * (size_t)head->stride_out), head->half_out, false, o,
                    size);
            lse[t + i] = top[i] + gr_log(sum[i]);
        }
    }
}

/* All query heads of a head of keys: k in columns and v between are made once for all. */
static void OF(forward)(void *out, gr_real *lse, const gr_head *head, gr_real *scratch) {
    const int rows = head->rows, key = head->group_size;
    const OF(shape) h = OF(shape_of)(rows, head->size, head->window);
    OF(forward_buffers) b;
    OF(forward_carve)(&b, scratch, &h);
    OF(columns)(b.kt, b.x, part_of(head, key), part_of(head, 0), part_of(head, key + 1), rows, &h);
    OF(fetch)(b.x, h.ld, part_of(head, key + 1), 0, rows);
    OF(between)(b.v, h.wide, b.x, h.ld, rows);
    for (int q = 0; q < head->group_size; q++)
        OF(forward_query)
    (place(out, head->half_out, (size_t)q * (size_t)head->size), lse + (size_t)q * (size_t)head->lse_stride, &b, &h,
     head, q);
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* Buffers of the backward pass: of all keys; of TILE queries and all keys, one panel [TILE x W] after the other; of
 * TILE queries; of these and one panel of keys. */
typedef struct OF(backward_buffers) {
    gr_real *k, *kt, *kb, *vt; /* v, then k, in rows; k in columns and between; v in columns */
    gr_real *dk, *dv;          /* sums of all queries */
    gr_real *p, *dp;           /* p between, dp in rows */
    gr_real *q, *qb, *o, *ob;  /* queries, and the gradient of their results, in rows and between */
    gr_real *dq;               /* their gradient */
    gr_real *s, *ds, *dsb;     /* pairs: scores in rows, ds in rows and between; else p and dp serve */
    gr_real *part;             /* sums of p dp, a register for each query */
} OF(backward_buffers);

/* Divides the scratch into the buffers, and returns how many numbers they take. With NULL that is all it does. */
static size_t OF(backward_carve)(OF(backward_buffers) * b, gr_real *from, const OF(shape) * h) {
    size_t n = 0;
    b->k = take(&n, from, h->keys, h->ld);
    b->kt = take(&n, from, h->keys, h->k);
    b->kb = U > 1 ? take(&n, from, h->keys / U, h->wide) : b->k;
    b->vt = take(&n, from, h->keys, h->k);
    b->dk = take(&n, from, h->keys, h->wide);
    b->dv = take(&n, from, h->keys, h->wide);
    b->p = take(&n, from, h->keys, TILE / U);
    b->dp = take(&n, from, h->keys, TILE);
    b->q = take(&n, from, TILE, h->ld);
    b->qb = U > 1 ? take(&n, from, TILE / U, h->wide) : b->q;
    b->o = take(&n, from, TILE, h->ld);
    b->ob = U > 1 ? take(&n, from, TILE / U, h->wide) : b->o;
    b->dq = take(&n, from, TILE, h->wide);
    b->s = U > 1 ? take(&n, from, TILE, W) : NULL;
    b->ds = U > 1 ? take(&n, from, TILE, W / U) : NULL;
    b->dsb = U > 1 ? take(&n, from, TILE / U, W) : NULL;
    b->part = take(&n, from, TILE, L);
    return n;
}

/* The first query, counted from t0, that is too late to see any key of the panel at j; m if none of the tile is. (The
 * last key of the panel is j + W - 1, and a query sees `window` keys, itself included.) */
static inline int OF(queries_end)(const OF(shape) * h, int t0, int m, int j) {
    return least(m, j + W + h->window - 1 - t0);
}

/* p = exp(q k - lse) and dp = do v of queries [t0, t0 + m) and the panel of keys at j; adds p dp to part. */
static void OF(weigh_panel)(const OF(backward_buffers) * b, const OF(shape) * h, const gr_real *lse, int t0, int m,
                            int j) {
    gr_real *p = b->p + (size_t)j * (TILE / U), *dp = b->dp + (size_t)j * TILE, *s = U > 1 ? b->s : p;
    for (int r = most(0, j - t0), end = OF(queries_end)(h, t0, m, j); r < end; r += MR) {
        /* Scores and dp of MR queries, from the one at the panel's first key on: earlier ones see none of its keys. */
        const int mr = least(MR, m - r), nv = OF(registers_seen)(t0 + r + mr - 1, j);
        OF(product)(s + r * W, W, b->q + r * h->ld, h->ld, 1, b->kt + (size_t)j * h->k, W, mr, nv, h->k, false);
        OF(product)(dp + r * W, W, b->o + r * h->ld, h->ld, 1, b->vt + (size_t)j * h->k, W, mr, nv, h->k, false);

        /* Keys before a query's window weigh nothing. (Keys behind the query: weigh_row sees to them.) */
        if (t0 + r + mr - j > h->window)
            for (int i = r; i < r + mr; i++)
                hide_row(s + i * W, least(nv * L, t0 + i + 1 - h->window - j));
        for (int i = r; i < r + mr; i++)
            weigh_row(s + i * W, dp + i * W, b->part + i * L, lse[t0 + i], t0 + i - j, nv);
        OF(join)(p + r / U * W, s + r * W, dp + r * W, mr, nv);
    }
}

/* ds = p (dp - delta) for the panel of keys at j, and what it adds to dq, dk and dv. Queries below t0 have added to
 * keys below it, and with `accumulate` another query head to all of them: then the sums go on, otherwise they begin
 * here. */
static void OF(add_panel)(const OF(backward_buffers) * b, const OF(shape) * h, const gr_real *delta, int t0, int m,
                          int j, bool accumulate) {
    gr_real *p = b->p + (size_t)j * (TILE / U), *dp = b->dp + (size_t)j * TILE;
    gr_real *ds = U > 1 ? b->ds : dp, *dsb = U > 1 ? b->dsb : dp;

    /* dq (+)= ds k, MR queries at a time. The first panel that a query sees begins its sum. */
    for (int r = most(0, j - t0), end = OF(queries_end)(h, t0, m, j); r < end; r += MR) {
        const int mr = least(MR, m - r), last = t0 + r + mr - 1, seen = least(W, last + 1 - j);
        OF(slopes)
        (ds + r * (W / U), dsb + r / U * W, p + r / U * W, dp + r * W, delta + r, mr, OF(registers_seen)(last, j));
        OF(product)
        (b->dq + r * h->wide, h->wide, ds + r * (W / U), W / U, 1, b->kb + (size_t)(j / U) * h->wide, h->wide, mr,
         h->nv, (seen + U - 1) / U, j > OF(first_panel)(h, t0 + r));
    }

    /* dv (+)= p^T do and dk (+)= ds^T q, MR keys at a time, summed over the queries [first, end) that may see them. */
    for (int i = 0, keys = least(W, t0 + m - j); i < keys; i += MR) {
        /* `first` and k count units of U queries. */
        const int mr = least(MR, keys - i), end = least(m, j + i + mr + h->window - 1 - t0);
        const int first = most(0, j + i - t0) / U, k = (end + U - 1) / U - first;
        const size_t at = (size_t)(j + i) * h->wide;
        if (k <= 0) /* before the window of all */
            continue;

        OF(product)
        (b->dv + at, h->wide, p + first * W + i, 1, W, b->ob + first * h->wide, h->wide, mr, h->nv, k,
         accumulate || j < t0);
        OF(product)
        (b->dk + at, h->wide, dsb + first * W + i, 1, W, b->qb + first * h->wide, h->wide, mr, h->nv, k,
         accumulate || j < t0);
    }
}

/* Rows of the gradient of a query head's result. */
static source OF(result_rows)(const void *dout, const gr_head *head, int query) {
    return (source){place(dout, head->half_out, (size_t)query * (size_t)head->size),
                    head->half_out,
                    head->stride_out,
                    head->size,
                    NULL,
                    0,
                    1};
}

/* One query head: its dq, and what it adds to dk and dv. */
static void OF(backward_query)(void *dqkv, bool add, source dout_rows, const gr_real *lse,
                               const OF(backward_buffers) * buffers, const OF(shape) * sizes, const gr_head *head,
                               int query) {
    const OF(backward_buffers) b = *buffers;
    const OF(shape) h = *sizes;
    const int rows = head->rows;
    for (int t0 = 0; t0 < rows; t0 += TILE) {
        /* A tile of queries and of their results' gradients, in the layouts of both kinds of products. */
        const int t1 = least(rows, t0 + TILE), m = t1 - t0, start = OF(first_panel)(&h, t0);
        gr_real delta[TILE];
        OF(fetch)(b.q, h.ld, part_of(head, query), t0, t1);
        OF(fetch)(b.o, h.ld, dout_rows, t0, t1);
        OF(between)(b.qb, h.wide, b.q, h.ld, m);
        OF(between)(b.ob, h.wide, b.o, h.ld, m);

        /* First p, dp and delta: ds of any key needs the sum over all of them. */
        memset(b.part, 0, TILE * L * sizeof *b.part);
        for (int j = start; j < t1; j += W)
            OF(weigh_panel)(&b, &h, lse, t0, m, j);
        for (int i = 0; i < m; i++)
            delta[i] = gr_lanes_sum(*(const vec *)(b.part + i * L));

        /* Then ds, panel by panel, and what it and p add to the gradients. */
        for (int j = start; j < t1; j += W)
            OF(add_panel)(&b, &h, delta, t0, m, j, query > 0);

        /* Later tiles add nothing to the gradient of these queries. */
        put_part(dqkv, add, head, query, b.dq, h.wide, t0, t1);
    }
}

/* All query heads of a head of keys: dk and dv add up over them and are written in the end. */
static void OF(backward)(void *dqkv, bool add, const void *dout, const gr_real *lse, const gr_head *head,
                         gr_real *scratch) {
    const int rows = head->rows, key = head->group_size;
    const OF(shape) h = OF(shape_of)(rows, head->size, head->window);
    const source dout_rows = OF(result_rows)(dout, head, 0);
    OF(backward_buffers) b;
    OF(backward_carve)(&b, scratch, &h);

    /* k and v in the layouts of products; v's rows are not needed afterwards, so k's take their place. */
    OF(columns)(b.vt, b.k, part_of(head, key + 1), part_of(head, key), part_of(head, 0), rows, &h);
    OF(columns)(b.kt, b.k, part_of(head, key), dout_rows, dout_rows, rows, &h);
    OF(between)(b.kb, h.wide, b.k, h.ld, h.keys);
    for (int q = 0; q < head->group_size; q++)
        OF(backward_query)
    (dqkv, add, OF(result_rows)(dout, head, q), lse + (size_t)q * (size_t)head->lse_stride, &b, &h, head, q);
    put_part(dqkv, add, head, key, b.dk, h.wide, 0, rows);
    put_part(dqkv, add, head, key + 1, b.dv, h.wide, 0, rows);
}

/* tiles_pass.h - both passes of attention over pairs of bfloat16 by tiles. Only vec_attention.c includes it.
 *
 * Queries come in bands of TILE. Unlike pass.h, a step is done for a whole band (or two) before the next one begins:
 * the tile unit then multiplies for long stretches, and all scores of a band are kept, so that no running maximum is
 * needed.
 *
 * Backward computes scores by key, K Q^T: p^T and ds^T then are rows of keys, as dv and dk want them, and what belongs
 * to a query (its log-sum-exp, the sum of p dp) belongs to a lane. Only ds is transposed once more, for dq.
 */

/* Setting the tiles up takes longer than one or two rows by other means. */
static inline bool tiles_pay(const gr_head *head) { return head->rows > 2; }

/* Bands of TILE queries that go through a pass side by side: of short documents two, so that what one waits for the
 * other may fill. */
enum { BANDS = 2 };
static inline int bands_of(const shape_pairs *h) { return h->keys <= BANDS * TILE ? BANDS : 1; }

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* A query head's rows [t0, t1), at most TILE, and the keys from `start` on. */
typedef struct forward_band {
    int t0, t1, start;
    gr_real *q;       /* queries in rows */
    gr_real *s;       /* their scores, then weights in pairs */
    gr_real *o;       /* their results, to be multiplied by */
    gr_real *inverse; /* 1 / the sum of each query's weights */
} forward_band;

/* Buffers of the forward pass. */
typedef struct forward_buffers_tiles {
    gr_real *x, *kt, *v; /* k, then v, in rows; k in columns; v between */
    int ld;              /* row stride of s: no power of two, which would be one set of the cache */
    forward_band band[BANDS];
} forward_buffers_tiles;

/* Divides the scratch into the buffers, and returns how many numbers they take. With NULL that is all it does. */
static size_t forward_carve_tiles(forward_buffers_tiles *b, gr_real *from, const shape_pairs *h) {
    size_t n = 0;
    b->ld = h->keys + L;
    b->x = take(&n, from, h->keys, h->ld);
    b->kt = take(&n, from, h->keys, h->ld);
    b->v = take(&n, from, h->keys / 2, h->wide);

    /* Buffers of each band. */
    for (int i = 0; i < bands_of(h); i++) {
        forward_band *x = &b->band[i];
        x->q = take(&n, from, TILE, h->ld);
        x->s = take(&n, from, TILE, b->ld);
        x->o = take(&n, from, TILE, h->wide);
        x->inverse = take(&n, from, TILE, 1);
    }
    return n;
}

/* Scores of a band with all keys it sees, a panel at a time. */
static void forward_scores(const forward_buffers_tiles *b, const forward_band *x, const shape_pairs *h) {
    for (int j = x->start; j < x->t1; j += W)
        multiply(x->s + (j - x->start), b->ld, (operand){x->q, h->ld, L},
                 (operand){b->kt + (size_t)j * h->ld, W, W * L}, h->ld / L, x->t1 - x->t0, least(W, x->t1 - j), false);
}

/* Scores to weights, L queries at a time. */
static void forward_weights(const forward_buffers_tiles *b, const forward_band *x, const shape_pairs *h, gr_real *lse) {
    for (int t = x->t0; t < x->t1; t += L)
        weights_of_scores(x->s + (size_t)(t - x->t0) * b->ld, b->ld, lse + t, x->inverse + (t - x->t0), t,
                          least(L, x->t1 - t), x->start, h->window);
}

/* Values weighed: o = p v over all keys that the band sees. */
static void forward_values(const forward_buffers_tiles *b, const forward_band *x, const shape_pairs *h) {
    multiply(x->o, h->wide, (operand){x->s, b->ld, L},
             (operand){b->v + (size_t)(x->start / 2) * h->wide, h->wide, L * h->wide}, (x->t0 - x->start) / W + 1,
             x->t1 - x->t0, h->wide, false);
}

/* Results, divided by the sums of weights, to where they belong. */
static void forward_put(void *out, const forward_band *x, const shape_pairs *h, const gr_head *head) {
    for (int t = x->t0; t < x->t1; t++) {
        gr_real *o = x->o + (size_t)(t - x->t0) * h->wide;
        if (t % 8 == 0)
            keep_awake();
        scale_row(o, x->inverse[t - x->t0], h->wide);
        put_row(place(out, head->half_out, (size_t)t * (size_t)head->stride_out), head->half_out, false, o, head->size);
    }
}

/* One query head over the keys and values in b. */
static void forward_query_tiles(void *out, gr_real *lse, forward_buffers_tiles *b, const shape_pairs *h,
                                const gr_head *head, int query) {
    const int rows = head->rows;
    for (int t0 = 0; t0 < rows; t0 += bands_of(h) * TILE) {
        /* The bands that go side by side, and their queries. */
        const int n = least(bands_of(h), (rows - t0 + TILE - 1) / TILE);
        for (int i = 0; i < n; i++) {
            forward_band *x = &b->band[i];
            x->t0 = t0 + i * TILE;
            x->t1 = least(rows, x->t0 + TILE);
            x->start = first_panel_pairs(h, x->t0);
            fill_tiles(x->q, part_of(head, query), NULL, NULL, x->t0, x->t1, x->t1 - x->t0, h);
        }

        /* Each step for all bands before the next one. */
        for (int i = 0; i < n; i++)
            forward_scores(b, &b->band[i], h);
        for (int i = 0; i < n; i++)
            forward_weights(b, &b->band[i], h, lse);
        for (int i = 0; i < n; i++)
            forward_values(b, &b->band[i], h);
        for (int i = 0; i < n; i++)
            forward_put(out, &b->band[i], h, head);
    }
}

/* All query heads of a head of keys: k in columns and v between are made once for all. */
static void forward_tiles(void *out, gr_real *lse, const gr_head *head, gr_real *scratch) {
    const int rows = head->rows, key = head->group_size;
    const shape_pairs h = shape_of_tiles(rows, head->size, head->window);
    const source q = part_of(head, 0), v = part_of(head, key + 1), to = result_rows_pairs(out, head, 0);
    forward_buffers_tiles b;
    forward_carve_tiles(&b, scratch, &h);
    begin_tiles();

    /* k in columns, by way of rows. */
    fill_tiles(b.x, part_of(head, key), &q, &v, 0, rows, h.keys, &h);
    for (int j = 0; j < rows; j += W)
        rows_to_columns(b.kt + (size_t)j * h.ld, b.x + (size_t)j * h.ld, least(W, rows - j), &h);

    /* v between, by way of rows. */
    fill_tiles(b.x, v, &to, NULL, 0, rows, h.keys, &h);
    between_pairs(b.v, h.wide, b.x, h.ld, h.keys);

    /* The query heads. */
    for (int i = 0; i < head->group_size; i++)
        forward_query_tiles(place(out, head->half_out, (size_t)i * (size_t)head->size),
                            lse + (size_t)i * (size_t)head->lse_stride, &b, &h, head, i);
    _tile_release();
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* Rows [t0, t1) of a query head and of its result's gradient, and the keys from `start` on. */
typedef struct backward_band {
    int t0, t1, start;
    gr_real *q, *qt, *qb; /* queries in rows, in columns and between */
    gr_real *o, *ot, *ob; /* the gradient of their results, likewise */
    gr_real *p, *dp;      /* [keys x TILE queries], numbers, then pairs at the beginning of each row */
    gr_real *ds;          /* [TILE x pairs of keys] */
    gr_real *dq;          /* the gradient of the queries */
    __m512 shift[2];      /* a lane for each query: log-sum-exp, to base 2 */
    __m512 delta[2];      /* a lane for each query: sum of p dp */
} backward_band;

/* Buffers of the backward pass. */
typedef struct backward_buffers_tiles {
    gr_real *k, *kb, *v; /* k in rows and between, v in rows */
    gr_real *dk, *dv;    /* sums of all queries */
    int ld;              /* row stride of ds */
    int apart;           /* from the buffers of a band to those of the next */
    backward_band band[BANDS];
} backward_buffers_tiles;

/* Divides the scratch into the buffers, and returns how many numbers they take. With NULL that is all it does. */
static size_t backward_carve_tiles(backward_buffers_tiles *b, gr_real *from, const shape_pairs *h) {
    size_t n = 0;

    /* Buffers of all keys. */
    b->ld = h->keys / 2 + L;
    b->k = take(&n, from, h->keys, h->ld);
    b->kb = take(&n, from, h->keys / 2, h->wide);
    b->v = take(&n, from, h->keys, h->ld);
    b->dk = take(&n, from, h->keys, h->wide);
    b->dv = take(&n, from, h->keys, h->wide);

    /* Buffers of each band. They lie one after the other, each as long as the others, so that a product may run over
     * two bands. */
    for (int i = 0; i < bands_of(h); i++) {
        backward_band *x = &b->band[i];
        const size_t before = n;
        x->q = take(&n, from, TILE, h->ld);
        x->qt = take(&n, from, TILE, h->ld);
        x->qb = take(&n, from, TILE / 2, h->wide);
        x->o = take(&n, from, TILE, h->ld);
        x->ot = take(&n, from, TILE, h->ld);
        x->ob = take(&n, from, TILE / 2, h->wide);
        x->p = take(&n, from, h->keys, TILE);
        x->dp = take(&n, from, h->keys, TILE);
        x->ds = take(&n, from, TILE, b->ld);
        x->dq = take(&n, from, TILE, h->wide);
        b->apart = (int)(n - before);
    }
    return n;
}

/* 16 numbers scaled and turned back, where neighbours are pairs. */
static inline __m512 turned_back(__m512 x, const gr_real *turn, gr_real s) {
    const __m512 angle = _mm512_loadu_ps(turn), other = _mm512_permute_ps(x, 0xb1);
    return s * _mm512_fmaddsub_ps(_mm512_moveldup_ps(angle), x, -_mm512_movehdup_ps(angle) * other);
}

/* Rows [t0, t1) of a part's gradient as put_part has them, in one pass where whole registers are neighbours. */
static void put_tiles(void *dqkv, bool add, const gr_head *head, int part, gr_real *x, int ld, int t0, int t1) {
    const source to = part_of(head, part);
    const bool simple = !add && to.size % 32 == 0 && !(to.turn && to.apart);
    for (int t = t0; t < t1; t++, x += ld) {
        if (t % 8 == 0)
            keep_awake();
        if (!simple) {
            put_part(dqkv, add, head, part, x, ld, t, t + 1);
            continue;
        }

        /* Scaled and turned back in registers, then narrowed: 32 numbers are a cache line. */
        const gr_real *turn = turn_of_row(to.turn, t, to.size);
        gr_half *y = (gr_half *)dqkv + (size_t)t * (size_t)to.stride + (size_t)(part * to.size);
        for (int i = 0; i < to.size; i += 32) {
            __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + L);
            if (turn) {
                a = turned_back(a, turn + i, to.s);
                b = turned_back(b, turn + i + L, to.s);
            } else if (to.s != 1) {
                a *= to.s;
                b *= to.s;
            }
            _mm512_storeu_si512(y + i, both(a, b));
        }
    }
}

/* Rows of queries in all layouts, 0 up to the end of the band. */
static void lay_out_queries(gr_real *x, gr_real *t, gr_real *b, source from, int t0, int t1, const shape_pairs *h) {
    fill_tiles(x, from, NULL, NULL, t0, t1, TILE, h);
    rows_to_columns(t, x, t1 - t0, h);
    between_pairs(b, h->wide, x, h->ld, round_up(t1 - t0, 2));
    const int pairs = (t1 - t0 + 1) / 2;
    memset(b + (size_t)pairs * h->wide, 0, (size_t)(TILE / 2 - pairs) * h->wide * sizeof *b);
}

/* Queries and gradients of a band in all layouts, and what belongs to each query in lanes. */
static void open_band(backward_band *x, source queries, source dout_rows, const gr_real *lse, const shape_pairs *h) {
    lay_out_queries(x->q, x->qt, x->qb, queries, x->t0, x->t1, h);
    lay_out_queries(x->o, x->ot, x->ob, dout_rows, x->t0, x->t1, h);

    for (int i = 0; i < 2; i++) { /* queries that are missing weigh nothing */
        const __mmask16 here = (__mmask16)first_of(most(0, least(L, x->t1 - x->t0 - i * L)));
        x->shift[i] = to_base_2 * _mm512_mask_loadu_ps(_mm512_set1_ps(INFINITY), here, lse + x->t0 + i * L);
        x->delta[i] = _mm512_setzero_ps();
    }
}

/* Scores and dp of a band. */
static void backward_scores(const backward_buffers_tiles *b, const backward_band *x, const shape_pairs *h) {
    for (int j = x->start; j < x->t1; j += W) {
        const size_t to = (size_t)(j - x->start) * TILE, at = (size_t)j * h->ld;
        const int keys = x->t1 - j, queries = x->t1 - x->t0;
        multiply(x->p + to, TILE, (operand){b->k + at, h->ld, L}, (operand){x->qt, W, W * L}, h->ld / L, keys, queries,
                 false);
        multiply(x->dp + to, TILE, (operand){b->v + at, h->ld, L}, (operand){x->ot, W, W * L}, h->ld / L, keys, queries,
                 false);
    }
}

/* Bits of the L queries from t on that see a key. */
static inline __mmask16 queries_that_see(int key, int t, int window) {
    const int first = most(0, least(L, key - t)), end = most(0, least(L, key + window - t));
    return (__mmask16)((0xffffu << first) & ((1u << end) - 1));
}

/* p = exp(s - lse) of L queries from t on and n keys from j on; p and dp are 0 for the keys that no query sees. Returns
 * part + the sums of p dp. */
static inline __m512 weigh_panel(gr_real *p, gr_real *dp, __m512 part, __m512 shift, int t, int j, int n, int window) {
    keep_awake();

    /* Keys [j, last) are seen by some of the queries; all: by all of them, so that nothing needs to be masked. */
    const int last = most(j, least(j + n, t + L));
    const bool all = last - 1 <= t && t + L - 1 < j + window;

    /* A key at a time, a lane for each query. Masked: queries before the key, and those whose window is behind it. */
    for (int key = j; key < last; key++, p += TILE, dp += TILE) {
        __m512 x = exp2_of(_mm512_fmsub_ps(_mm512_loadu_ps(p), _mm512_set1_ps(to_base_2), shift));
        if (!all)
            x = _mm512_maskz_mov_ps(queries_that_see(key, t, window), x);
        part += x * _mm512_loadu_ps(dp);
        _mm512_storeu_ps(p, x);
    }

    /* Keys behind all queries weigh nothing, but products read them. */
    for (int key = last; key < j + n; key++, p += TILE, dp += TILE) {
        _mm512_storeu_ps(p, _mm512_setzero_ps());
        _mm512_storeu_ps(dp, _mm512_setzero_ps());
    }
    return part;
}

/* Keys of the panel at j that a band sees, up to a pair. */
static inline int keys_of(const backward_band *x, int j) { return least(W, round_up(x->t1 - j, 2)); }

/* Scores to probabilities in a band, and the sums of p dp. */
static void backward_weights(backward_band *x, const shape_pairs *h) {
    for (int j = x->start; j < x->t1; j += W)
        for (int i = 0; x->t0 + i * L < x->t1; i++) {
            const size_t at = (size_t)(j - x->start) * TILE + (size_t)(i * L);
            x->delta[i] = weigh_panel(x->p + at, x->dp + at, x->delta[i], x->shift[i], x->t0 + i * L, j, keys_of(x, j),
                                      h->window);
        }
}

/* p and ds = p (dp - delta) of n keys, for L queries or TILE, become pairs of queries; ds also in rows of pairs of
 * keys. */
static inline __attribute__((always_inline)) void slope_panel(const bool whole, gr_real *p, gr_real *dp, gr_real *ds,
                                                              int ld, const __m512 *delta, int n) {
    gr_real between[L * TILE];
    keep_awake();

    /* Two keys at a time, for both halves of the queries: ds of each key, and p and ds as pairs of queries. */
    for (int i = 0; i < n / 2; i++, p += 2 * TILE, dp += 2 * TILE) {
        __m512 a[2], b[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        for (int r = 0; r < 2; r++) {
            __m512 x = _mm512_loadu_ps(p + r * TILE), y = _mm512_setzero_ps();
            a[r] = x * (_mm512_loadu_ps(dp + r * TILE) - delta[0]);
            if (whole) {
                y = _mm512_loadu_ps(p + r * TILE + L);
                b[r] = y * (_mm512_loadu_ps(dp + r * TILE + L) - delta[1]);
            }
            _mm512_storeu_si512(p + r * TILE, both(x, y));
            _mm512_storeu_si512(dp + r * TILE, both(a[r], b[r]));
        }

        /* ds as pairs of the two keys: a row for both, a lane for each query. */
        _mm512_storeu_si512(between + i * TILE, side_by_side(both(a[0], a[1])));
        if (whole)
            _mm512_storeu_si512(between + i * TILE + L, side_by_side(both(b[0], b[1])));
    }

    /* Transposed, each query has a row of pairs of keys; keys that are missing are 0. */
    keep_awake();
    memset(between + n / 2 * TILE, 0, (size_t)(L - n / 2) * TILE * sizeof *between);
    transpose_block(ds, ld, between, TILE, L);
    if (whole)
        transpose_block(ds + (size_t)L * ld, ld, between + L, TILE, L);
}

/* p and dp to p and ds, in the layouts that products want. */
static void backward_slopes(const backward_buffers_tiles *b, const backward_band *x) {
    for (int j = x->start; j < x->t1; j += W) {
        const size_t at = (size_t)(j - x->start) * TILE;
        gr_real *p = x->p + at, *dp = x->dp + at, *ds = x->ds + (j - x->start) / 2;
        if (x->t1 - x->t0 > L)
            slope_panel(true, p, dp, ds, b->ld, x->delta, keys_of(x, j));
        else
            slope_panel(false, p, dp, ds, b->ld, x->delta, keys_of(x, j));
    }
}

/* y (+)= w^T x for the keys that n bands see: w is p or ds of the first band, x what lies between its queries. Queries
 * before them have added to keys before them, and with `accumulate` another query head to all. */
static void add_to_keys(gr_real *y, const gr_real *w, const gr_real *x, const backward_buffers_tiles *b,
                        const shape_pairs *h, int n, bool accumulate) {
    const backward_band *first = &b->band[0], *last = &b->band[n - 1];
    for (int j = first->start; j < last->t1; j += W) {
        const int from = most(0, (j - first->t0) / TILE); /* the first band that sees them */
        const size_t away = (size_t)from * (size_t)b->apart;
        multiply(y + (size_t)j * h->wide, h->wide,
                 (operand){w + away + (size_t)(j - first->start) * TILE, TILE, b->apart},
                 (operand){x + away, h->wide, b->apart}, n - from, last->t1 - j, h->wide, accumulate || j < first->t0);
    }
}

/* dq = ds k over all keys that the band sees. */
static void backward_dq(const backward_buffers_tiles *b, const backward_band *x, const shape_pairs *h) {
    multiply(x->dq, h->wide, (operand){x->ds, b->ld, L},
             (operand){b->kb + (size_t)(x->start / 2) * h->wide, h->wide, L * h->wide}, (x->t0 - x->start) / W + 1,
             x->t1 - x->t0, h->wide, false);
}

/* Asks for rows [t0, t1) of a part's gradient, written soon. */
static void expect_rows(void *dqkv, const gr_head *head, int part, int t0, int t1) {
    source to = part_of(head, part);
    to.x = place(dqkv, to.half, (size_t)part * (size_t)to.size);
    for (int t = t0; t < t1; t++)
        expect_row(&to, t, t1);
}

/* One query head: its dq, and what it adds to dk and dv. */
static void backward_query_tiles(void *dqkv, bool add, source dout_rows, const gr_real *lse, backward_buffers_tiles *b,
                                 const shape_pairs *h, const gr_head *head, int query) {
    const int rows = head->rows;
    for (int t0 = 0; t0 < rows; t0 += bands_of(h) * TILE) {
        /* The bands that go side by side, with their queries and gradients. */
        const int n = least(bands_of(h), (rows - t0 + TILE - 1) / TILE);
        for (int i = 0; i < n; i++) {
            backward_band *x = &b->band[i];
            x->t0 = t0 + i * TILE;
            x->t1 = least(rows, x->t0 + TILE);
            x->start = first_panel_pairs(h, t0);
            open_band(x, part_of(head, query), dout_rows, lse, h);
        }

        /* Each step for all bands before the next one. In between, rows that will be written soon are asked for. */
        const int t1 = b->band[n - 1].t1;
        expect_rows(dqkv, head, query, t0, t1);
        for (int i = 0; i < n; i++)
            backward_scores(b, &b->band[i], h);
        for (int i = 0; i < n; i++)
            backward_weights(&b->band[i], h);
        expect_rows(dqkv, head, head->group_size, t0, t1);
        for (int i = 0; i < n; i++)
            backward_slopes(b, &b->band[i]);
        expect_rows(dqkv, head, head->group_size + 1, t0, t1);

        /* What p and ds add: dv += p^T do, dq = ds k, dk += ds^T q. */
        add_to_keys(b->dv, b->band[0].p, b->band[0].ob, b, h, n, query > 0);
        for (int i = 0; i < n; i++)
            backward_dq(b, &b->band[i], h);
        add_to_keys(b->dk, b->band[0].dp, b->band[0].qb, b, h, n, query > 0);
        for (int i = 0; i < n; i++)
            put_tiles(dqkv, add, head, query, b->band[i].dq, h->wide, b->band[i].t0, b->band[i].t1);
    }
}

/* All query heads of a head of keys: dk and dv add up over them and are written in the end. */
static void backward_tiles(void *dqkv, bool add, const void *dout, const gr_real *lse, const gr_head *head,
                           gr_real *scratch) {
    const int rows = head->rows, key = head->group_size;
    const shape_pairs h = shape_of_tiles(rows, head->size, head->window);
    const source k = part_of(head, key), q = part_of(head, 0), dout_rows = result_rows_pairs(dout, head, 0);
    backward_buffers_tiles b;
    backward_carve_tiles(&b, scratch, &h);

    /* k and v in the layouts of products. */
    begin_tiles();
    fill_tiles(b.v, part_of(head, key + 1), &k, &q, 0, rows, h.keys, &h);
    fill_tiles(b.k, k, &dout_rows, NULL, 0, rows, h.keys, &h);
    between_pairs(b.kb, h.wide, b.k, h.ld, h.keys);

    /* The query heads. */
    for (int i = 0; i < head->group_size; i++)
        backward_query_tiles(dqkv, add, result_rows_pairs(dout, head, i), lse + (size_t)i * (size_t)head->lse_stride,
                             &b, &h, head, i);
    put_tiles(dqkv, add, head, key, b.dk, h.wide, 0, rows);
    put_tiles(dqkv, add, head, key + 1, b.dv, h.wide, 0, rows);
    _tile_release();
}

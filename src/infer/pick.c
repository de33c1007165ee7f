/* Choosing the next token: the largest logit, or a draw. Choices are ordered by likelihood, ties by the smaller id.
 * top_k, top_p and min_p each leave the first of this order; a draw is the choice at which the sum of those left
 * reaches a random share of their whole. Both are found as the k-th largest of a list is, without sorting: by
 * quickselect (Hoare, "Algorithm 65: find", 1961), which goes on in one side of the division only. */
#include "infer/pick.h"

#include <math.h>

#include "base/rng.h"

/* The largest logit, -1 where one is not finite. */
static int largest(const gr_real *logits, int vocab) {
    gr_real top = logits[0], bad = 0;
#pragma omp simd reduction(max : top) reduction(+ : bad)
    for (int i = 0; i < vocab; i++) {
        top = logits[i] > top ? logits[i] : top;
        bad += logits[i] - logits[i]; /* 0, or NaN from infinity and NaN */
    }

    /* The first of equals. */
    int best = 0;
    while (best < vocab && logits[best] != top)
        best++;
    return bad == 0 && best < vocab ? best : -1;
}

/* The order of choices: whether a comes before b. */
static bool before(const gr__candidate *a, const gr__candidate *b) {
    return a->p != b->p ? a->p > b->p : a->id < b->id;
}

static void swap(gr__candidate *a, gr__candidate *b) {
    gr__candidate t = *a;
    *a = *b;
    *b = t;
}

/* Moves what comes before the median of three choices of list[lo, hi) in front of it; returns the median's place. */
static int divide(gr__candidate *list, int lo, int hi) {
    gr__candidate *first = &list[lo], *middle = &list[lo + (hi - lo) / 2], *last = &list[hi - 1];

    /* The three in order. */
    if (before(middle, first))
        swap(middle, first);
    if (before(last, middle))
        swap(last, middle);
    if (before(middle, first))
        swap(middle, first);

    /* The median waits at the end, out of the way. What comes before it moves to the front, then it follows. */
    swap(middle, last);
    int at = lo;
    for (int i = lo; i < hi - 1; i++)
        if (before(&list[i], last))
            swap(&list[i], &list[at++]);
    swap(&list[at], last);
    return at;
}

/* Brings the k most likely choices to the front, in any order. */
static void select_most(gr__candidate *list, int count, int k) {
    for (int lo = 0, hi = count; hi - lo > 1;) {
        int at = divide(list, lo, hi);
        if (at == k || at + 1 == k)
            return;
        if (at < k)
            lo = at + 1;
        else
            hi = at;
    }
}

/* The place of the choice at which the sum of p, the most likely first, reaches u; what comes before it in the order
 * lies before it in the list. */
static int reach(gr__candidate *list, int count, double u) {
    int lo = 0, hi = count;
    while (hi - lo > 1) {
        int at = divide(list, lo, hi);

        /* The sum of what comes before list[at]: the place lies among that, is `at`, or lies behind. */

        double front = 0;
        for (int i = lo; i < at; i++)
            front += list[i].p;
        if (at > lo && u <= front) {
            hi = at;
            continue;
        }
        u -= front + list[at].p;
        if (u <= 0 || at + 1 == hi)
            return at;
        lo = at + 1;
    }
    return lo;
}

static double sum_of(const gr__candidate *list, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += list[i].p;
    return sum;
}

/* Brings what top_p and min_p leave of the list to its front; returns how many. p of the most likely is 1. */
static int keep_most(gr__candidate *list, int count, const gr_generate_def *def) {
    if (def->top_p < 1)
        count = reach(list, count, def->top_p * sum_of(list, count)) + 1;
    if (!(def->min_p > 0))
        return count;
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (list[i].p >= def->min_p)
            swap(&list[i], &list[kept++]);
    return kept;
}

int gr__pick(gr__candidate *list, const gr_real *logits, int vocab, const gr_generate_def *def, int index) {
    const int best = largest(logits, vocab);
    if (best < 0 || def->temperature == 0)
        return best;

    /* The k most likely. */
    for (int i = 0; i < vocab; i++)
        list[i] = (gr__candidate){(double)logits[i], i};
    int k = def->top_k > 0 && def->top_k < vocab ? def->top_k : vocab;
    if (k < vocab)
        select_most(list, vocab, k);

    /* Their weights, softmax up to a factor: exp((logit - largest) / temperature) does not overflow. Then what top_p
     * and min_p leave of them. */
    for (int i = 0; i < k; i++)
        list[i].p = exp((list[i].p - (double)logits[best]) / def->temperature);
    k = keep_most(list, k, def);

    /* Draw number `index` of the seed decides. */
    const double u = gr_random_uniform((gr_key){def->seed, GR_STREAM_SAMPLE, 0}, (uint64_t)index, 0);
    return list[reach(list, k, u * sum_of(list, k))].id;
}

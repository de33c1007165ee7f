/* Intervals of figures: the bootstrap over documents (Efron, "Bootstrap methods", 1979). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"

#include "gradroute/measure.h"

enum { REPLICATES = 1000, SAMPLES = 6 };

/* Whether entry i begins another unit than the entry before it. */
static bool is_next(const gr_sample *s, size_t i) { return i && !(s->unit && s->unit[i] == s->unit[i - 1]); }

/* Units that the entries of a sample are of. */
static size_t units(const gr_sample *s) {
    size_t n = s->count > 0;
    for (size_t i = 1; i < s->count; i++)
        n += is_next(s, i);
    return n;
}

/* Mean loss of a sample under counts of how often each unit was drawn; NULL: once each. */
static double mean(const gr_sample *s, const int32_t *drawn) {
    double nll = 0, tokens = 0;
    for (size_t i = 0, unit = 0; i < s->count; i++) {
        unit += is_next(s, i);
        double k = drawn ? drawn[unit] : 1;
        nll += k * s->nll[i];
        tokens += k * s->tokens[i];
    }
    return tokens > 0 ? nll / tokens : NAN;
}

/* Equal numbers of documents do not make one list. */
static bool is_same_list(const gr_sample *a, const gr_sample *b) {
    return a->count == b->count && !strcmp(a->list, b->list);
}

gr_estimate gr_bootstrap(gr_formula formula, const gr_sample *sample, int samples, uint64_t seed) {
    double m[SAMPLES], *values = gr_alloc(REPLICATES * sizeof *values);
    int32_t *drawn[SAMPLES];
    size_t all[SAMPLES];

    /* The figure itself, of each document once. */
    for (int k = 0; k < samples; k++) {
        all[k] = units(&sample[k]);
        m[k] = mean(&sample[k], NULL);
        drawn[k] = gr_alloc((sample[k].count + 1) * sizeof **drawn);
    }
    gr_estimate e = {.value = formula(m)};

    /* The same of each draw. The first sample of a list draws for all of that list, by its place among the samples. */
    for (int r = 0; r < REPLICATES; r++) {
        for (int k = 0; k < samples; k++) {
            int same = 0;
            while (!is_same_list(&sample[same], &sample[k]))
                same++;
            size_t n = all[k];
            for (size_t i = 0; same == k && i < n; i++)
                drawn[k][i] = 0;
            for (size_t i = 0; same == k && i < n; i++)
                drawn[k][(size_t)((double)n * gr_random_uniform((gr_key){seed, GR_STREAM_BOOTSTRAP, (uint32_t)k},
                                                                (uint64_t)r << 32 | i, 0))]++;
            m[k] = mean(&sample[k], drawn[same]);
        }
        values[r] = formula(m);
    }

    /* The middle 95 of 100. */
    qsort(values, REPLICATES, sizeof *values, gr__ascending_double);
    e.low = values[REPLICATES * 25 / 1000];
    e.high = values[REPLICATES * 975 / 1000 - 1];
    for (int k = 0; k < samples; k++)
        gr_free(drawn[k]);
    gr_free(values);
    return e;
}

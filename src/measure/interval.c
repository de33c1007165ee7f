/* Intervals of figures: the bootstrap over documents (Efron, "Bootstrap methods", 1979), and the jackknife over buckets
 * of them (Tukey, "Bias and confidence in not-quite large samples", 1958). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"
#include "measure/measure.h"

/* Draws, of which the 25 lowest and highest are left out; and operands of a figure at most. */
enum { REPLICATES = 1000, SAMPLES = GR_OPERANDS };

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

    /* Sums first: a mean of documents' means would count a short one like a long one. */
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

static double value_of(const gr__looked_up *f, const double *mean) { return f->formula(mean, f->given); }

/* How far the figure moves when documents are drawn from those that there are, with replacement. */
static gr_estimate bootstrap(const gr__looked_up *f, const gr_sample *sample, int samples, uint64_t seed) {
    double m[SAMPLES], *values = gr_alloc(REPLICATES * sizeof *values);
    int32_t *drawn[SAMPLES];
    size_t all[SAMPLES];

    /* The figure itself, of each document once. */
    for (int k = 0; k < samples; k++) {
        all[k] = units(&sample[k]);
        m[k] = mean(&sample[k], NULL);
        drawn[k] = gr_alloc((sample[k].count + 1) * sizeof **drawn);
    }
    gr_estimate e = {.value = value_of(f, m)};

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
        values[r] = value_of(f, m);
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

/* ---- by leaving out ---- */

/* Whether some sample has tokens in entry i: buckets of few documents may be empty. */
static bool is_filled(const gr_sample *sample, int samples, size_t i) {
    for (int k = 0; k < samples; k++)
        if (sample[k].tokens[i] > 0)
            return true;
    return false;
}

/* Mean loss of a sample without entry `out`. */
static double mean_without(const gr_sample *s, size_t out) {
    double nll = 0, tokens = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (i == out)
            continue;
        nll += s->nll[i];
        tokens += s->tokens[i];
    }
    return tokens > 0 ? nll / tokens : NAN;
}

/* Where documents are known by their sums alone nothing can be drawn. What is left out of a ratio is left out of both
 * its sides, so that its spread is that of the ratio. */
static gr_estimate jackknife(const gr__looked_up *f, const gr_sample *sample, int samples) {
    size_t count = sample[0].count, filled = 0;
    double m[SAMPLES], sum = 0, squares = 0;
    bool fits = true;

    /* The figure itself. Entries of lists of different lengths are not the same documents. */
    for (int k = 0; k < samples; k++) {
        m[k] = mean(&sample[k], NULL);
        fits &= sample[k].count == count;
    }
    gr_estimate e = {value_of(f, m), NAN, NAN};
    if (!fits || count < 2)
        return e;

    /* What it is without each. */
    double *without = gr_alloc(count * sizeof *without);
    for (size_t i = 0; i < count; i++) {
        if (!is_filled(sample, samples, i))
            continue;
        for (int k = 0; k < samples; k++)
            m[k] = mean_without(&sample[k], i);
        without[filled] = value_of(f, m);
        sum += without[filled++];
    }

    /* Their spread: (n - 1) / n of the squares about their own mean is the square of the standard error. */
    for (size_t i = 0; i < filled; i++)
        squares += (without[i] - sum / (double)filled) * (without[i] - sum / (double)filled);
    gr_free(without);
    if (filled < 2 || !isfinite(squares))
        return e;
    double half = gr_student(0.975, (int)filled - 1) * sqrt((double)(filled - 1) / (double)filled * squares);
    return (gr_estimate){e.value, e.value - half, e.value + half};
}

/* ---- by what the samples are ---- */

gr_estimate gr__interval_of(const gr__looked_up *f, const gr_sample *sample, int samples, uint64_t seed) {
    int buckets = 0;
    for (int k = 0; k < samples; k++)
        buckets += sample[k].buckets;
    if (buckets == 0)
        return bootstrap(f, sample, samples, seed);

    /* Documents of one row and buckets of another share no draw. */
    gr_estimate e = jackknife(f, sample, samples);
    if (buckets < samples)
        e.low = e.high = NAN;
    return e;
}

/* A formula that looks nothing up. */
static double alone(const double *mean, const void *given) { return (*(const gr_formula *)given)(mean); }

gr_estimate gr_bootstrap(gr_formula formula, const gr_sample *sample, int samples, uint64_t seed) {
    return bootstrap(&(gr__looked_up){alone, &formula}, sample, samples, seed);
}

gr_estimate gr_jackknife(gr_formula formula, const gr_sample *sample, int samples) {
    return jackknife(&(gr__looked_up){alone, &formula}, sample, samples);
}

gr_estimate gr_interval(gr_formula formula, const gr_sample *sample, int samples, uint64_t seed) {
    return gr__interval_of(&(gr__looked_up){alone, &formula}, sample, samples, seed);
}

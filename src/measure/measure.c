#include "measure/measure.h"

#include <math.h>
#include <stdlib.h>

#include "base/ascending.h"
#include "base/mem.h"
#include "base/rng.h"

enum { REPLICATES = 1000, SAMPLES = 6 };

double gr_measure_loss(const double *m) { return m[0]; }
double gr_measure_difference(const double *m) { return m[0] - m[1]; }
double gr_measure_removal(const double *m) { return (m[0] - m[1]) / (m[2] - m[1]); }
double gr_measure_retention(const double *m) { return (m[2] - m[0]) / (m[2] - m[1]); }

double gr_measure_specific_gap(const double *m) { return (m[0] - m[1]) - (m[2] - m[3]); }
double gr_measure_specific(const double *m) {
    return ((m[0] - m[1]) - (m[3] - m[4])) / ((m[2] - m[1]) - (m[5] - m[4]));
}

static bool is_next(const gr_sample *s, size_t i) {
    return i && !(s->document && s->document[s->docs[i]] == s->document[s->docs[i - 1]]);
}

/* Documents that the docs of a sample are of. */
static size_t units(const gr_sample *s) {
    size_t n = s->count > 0;
    for (size_t i = 1; i < s->count; i++)
        n += is_next(s, i);
    return n;
}

/* Mean loss of a sample under counts of how often each document was drawn; NULL: once each. */
static double mean(const gr_sample *s, const int32_t *drawn) {
    double nll = 0, tokens = 0;
    for (size_t i = 0, unit = 0; i < s->count; i++) {
        unit += is_next(s, i);
        double k = drawn ? drawn[unit] : 1;
        nll += k * s->nll[s->docs[i]];
        tokens += k * s->tokens[s->docs[i]];
    }
    return tokens > 0 ? nll / tokens : NAN;
}

gr_estimate gr_bootstrap(gr_figure figure, const gr_sample *sample, int samples, uint64_t seed) {
    double m[SAMPLES], *values = gr_alloc(REPLICATES * sizeof *values);
    int32_t *drawn[SAMPLES];
    size_t all[SAMPLES];
    for (int k = 0; k < samples; k++) {
        all[k] = units(&sample[k]);
        m[k] = mean(&sample[k], NULL);
        drawn[k] = gr_alloc((sample[k].count + 1) * sizeof **drawn);
    }
    gr_estimate e = {.value = figure(m)};
    for (int r = 0; r < REPLICATES; r++) {
        for (int k = 0; k < samples; k++) {
            int same = 0;
            while (sample[same].docs != sample[k].docs || sample[same].count != sample[k].count)
                same++;
            size_t n = all[k];
            for (size_t i = 0; same == k && i < n; i++)
                drawn[k][i] = 0;
            for (size_t i = 0; same == k && i < n; i++)
                drawn[k][(size_t)((double)n * gr_random_uniform((gr_key){seed, GR_STREAM_BOOTSTRAP, (uint32_t)k},
                                                                (uint64_t)r << 32 | i, 0))]++;
            m[k] = mean(&sample[k], drawn[same]);
        }
        values[r] = figure(m);
    }
    qsort(values, REPLICATES, sizeof *values, gr__ascending_double);
    e.low = values[REPLICATES * 25 / 1000];
    e.high = values[REPLICATES * 975 / 1000 - 1];
    for (int k = 0; k < samples; k++)
        gr_free(drawn[k]);
    gr_free(values);
    return e;
}

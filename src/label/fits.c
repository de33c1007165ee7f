/* fits.c - scores of classifiers that were fitted before, so that several trainings on the same labels fit once. */
#include "label/fits.h"

#include <string.h>

#include "base/mem.h"

typedef struct kept {
    char key[GR_DIGEST_HEX];
    size_t count;
    float *score;
} kept;

struct gr_fits {
    kept *kept;
    size_t count, capacity;
};

/* A few classifiers a project: a list is enough, and its scores are small beside the data. */
gr_fits *gr_fits_new(void) { return gr_alloc(sizeof(gr_fits)); }

void gr_fits_free(gr_fits *fits) {
    if (!fits)
        return;
    for (size_t i = 0; i < fits->count; i++)
        gr_free(fits->kept[i].score);
    gr_free(fits->kept);
    gr_free(fits);
}

size_t gr_fits_count(const gr_fits *fits) { return fits->count; }

const float *gr__fits_find(const gr_fits *fits, const char key[GR_DIGEST_HEX], size_t count) {
    for (size_t i = 0; fits && i < fits->count; i++)
        if (fits->kept[i].count == count && !strcmp(fits->kept[i].key, key))
            return fits->kept[i].score;
    return NULL;
}

void gr__fits_keep(gr_fits *fits, const char key[GR_DIGEST_HEX], const float *score, size_t count) {
    if (!fits)
        return;
    kept one = {.count = count, .score = gr_alloc((count + 1) * sizeof *score)};
    memcpy(one.key, key, sizeof one.key);
    memcpy(one.score, score, count * sizeof *score);
    GR_PUSH(fits->kept, fits->count, fits->capacity) = one;
}

/* samples.h - samples of bytes with a class each, as a dataset that streams, scans and labels know.
 *
 *     gr_idx_def def = {.images = "train-images.gz", .classes = "train-labels.gz", .std = 1};
 *     gr_samples *samples;
 *     GR_TRY(gr_idx_open(&samples, &def, err));
 *     gr_dataset *data;
 *     GR_TRY(gr_dataset_samples(&data, samples, &(gr_dataset_def){.validation = 0.1, .seed = 1}, err));
 *     gr_samples_free(samples);
 *
 * Such a dataset has one document for each sample. Its topic is the class, it has no tokens and takes one position;
 * rows are of width 1: x holds the sample's values, the target is the number of its class. A reader of another format
 * fills a gr_samples: CIFAR's files, for example, are samples of 3 * 32 * 32 values.
 *
 * Errors as in corpus.h.
 */
#ifndef GRADROUTE_SAMPLES_H
#define GRADROUTE_SAMPLES_H

#include "gradroute/corpus.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_samples {
    size_t count;
    int32_t width;   /* values of a sample */
    uint8_t *values; /* [count * width] */
    int32_t *cls;    /* [count], each in 0..classes-1 */
    int32_t classes;
    char **names;           /* [classes] */
    size_t held;            /* the last `held` samples are for validation; 0: drawn by the dataset's def */
    double mean, std;       /* a value v is read as (v / 255 - mean) / std; std is above 0 */
    struct gr_arena *arena; /* owns names */
} gr_samples;
void gr_samples_free(gr_samples *samples); /* NULL is fine */

/* Files in the format of the MNIST database (LeCun, Cortes, Burges), plain or gzip: 0, 0, 8 (unsigned bytes), number of
 * dimensions, the sizes as 32-bit big-endian numbers, the bytes. Images have 2 to 4 dimensions, the first counts them;
 * classes have one. */
typedef struct gr_idx_def {
    const char *images, *classes;
    const char *test_images, *test_classes; /* become the validation samples; NULL: none */
    const char *const *names;               /* [name_count] of classes 0, 1, ..; none: "0", "1", .. */
    int name_count;
    double mean, std;
} gr_idx_def;
gr_status gr_idx_open(gr_samples **samples, const gr_idx_def *def, gr_error *err);

/* Copies everything. */
gr_status gr_dataset_samples(gr_dataset **data, const gr_samples *samples, const gr_dataset_def *def, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

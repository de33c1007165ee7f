/* operation.h - what commands share that change a model and write it to another folder.
 *
 *     gr__probe probe;
 *     GR_TRY(gr__probe_open(&probe, own->verify, folder, err));
 *     gr__verdict verdict = {.exact = true, .force = own->force};
 *     status = gr__operation_verify(&verdict, &probe, &source, &result, err);
 *     if (status == GR_OK)
 *         status = gr__operation_save(common, folder, &out, err);
 *     gr__probe_free(&probe);
 */
#ifndef GR_CLI_OPERATION_H
#define GR_CLI_OPERATION_H

#include "common.h"
#include "gradroute/surgery.h"

/* ---- rows to compare on, or to take means over ---- */

/* Text of a file, or without one keyed tokens (numbers for a multilayer perceptron): one batch of them. */
typedef struct gr__probe {
    int rows;    /* most positions in a batch */
    int batches; /* handed out since the last rewind */
    gr_dataset *data;
    gr_labels *labels;
    gr_scan *scan;                        /* NULL: without a file */
    int32_t *ids, *targets, *start, *cls; /* of a batch, as in gr_batch; ids and targets without a file alone */
    gr_real *x[2];                        /* inputs and targets of networks that read numbers */
} gr__probe;

gr_status gr__probe_open(gr__probe *probe, const char *path, const gr_folder *folder, gr_error *err);
bool gr__probe_next(void *probe, gr_batch *batch); /* fits gr_surgery_off_def.next */
void gr__probe_rewind(gr__probe *probe);
void gr__probe_free(gr__probe *probe);

/* ---- verification ---- */

/* A model with regions switched off. */
typedef struct gr__side {
    gr_model *model;
    const char *const *off;
    int count;
} gr__side;

typedef struct gr__verdict {
    bool exact, force; /* in: the two should agree; write all the same */
    const char *hint;  /* in: what to do when they do not */
    double difference; /* out: the largest of the logits */
} gr__verdict;

/* Differences up to this are rounding. */
#define GR__VERIFY_MOST 1e-4

/* Compares on the probe. GR_ERR_USAGE when they should agree, do not, and nothing forces it. */
gr_status gr__operation_verify(gr__verdict *verdict, gr__probe *probe, const gr__side *before, const gr__side *after,
                               gr_error *err);

/* ---- output ---- */

/* OUT must be neither the model itself nor hold files that are read (NULL: none), and nothing of others may be in it.
 */
gr_status gr__operation_check_out(const gr__common *common, const char *data, const char *verify, gr_error *err);

/* Writes the result to common->out, its parents made, with what the source says of itself. */
gr_status gr__operation_save(const gr__common *common, const gr_folder *source, const gr_surgery_result *result,
                             gr_error *err);

#define GR__OPTION_VERIFY(key) \
    { "verify", key, "FILE", 0, "Compare with MODEL on this text (default: on random tokens)", 0 }
#define GR__OPTION_FORCE(key) \
    { "force", key, NULL, 0, "Write OUT also where it differs from what was expected", 0 }

#endif

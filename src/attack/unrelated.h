/* unrelated.h - text of a file that has nothing to do with the data of a model, in the model's tokens.
 *
 *     gr__unrelated other;
 *     GR_TRY(gr__unrelated_open(&other, subject, "letters.jsonl", err));
 *     ... other.data->train, other.labels: all of it is text without a label ...
 *     gr__unrelated_close(&other);
 */
#ifndef GR_ATTACK_UNRELATED_H
#define GR_ATTACK_UNRELATED_H

#include "gradroute/measure.h"

typedef struct gr__unrelated {
    gr_dataset *data;  /* every document is one of training, but for those that the subject's data have too */
    gr_labels *labels; /* no label; all of it is of the group that is left, GR_LABEL_RETAIN */
    uint32_t *train;   /* private: the list in data->train */
} gr__unrelated;

/* Reads a file as `data` of recipes reads one by its ending (a member `text` of records), and cuts it into rows of the
 * recipe's context as the data are. Documents that are, token for token, one of the subject's data are left out.
 * GR_ERR_USAGE: the data are no text, no file is named, or nothing is left of it; errors of reading. On failure *other
 * is nothing. */
gr_status gr__unrelated_open(gr__unrelated *other, const gr_subject *subject, const char *path, gr_error *err);
void gr__unrelated_close(gr__unrelated *other);

#endif

/* metrics.h - metrics.jsonl: one line a step, cut back to a known length on resume. */
#ifndef GR_TRAIN_METRICS_H
#define GR_TRAIN_METRICS_H

#include "gradroute/base.h"

typedef struct gr__metrics gr__metrics;

/* Opens PATH for appending after its first `bytes` bytes and drops the rest; keys are the `labels` names of losses;
 * `more` bytes are the most that a line's `more` has. A file that is shorter loses lines, not the run: it goes on
 * behind the last whole line, and the log says so. GR_ERR_IO and the like where the file cannot be opened or cut. */
gr_status gr__metrics_open(gr__metrics **metrics, const char *path, int64_t bytes, int labels, const char *const *label,
                           size_t more, gr_error *err);
void gr__metrics_close(gr__metrics *metrics);

typedef struct gr__metrics_line {
    int64_t step, tokens;
    double loss, lr, grad_norm, seconds, tokens_per_s;
    const double *label_loss; /* [labels] */
    const char *more, *also;  /* members of the object, each after a comma, or "" */
    const char *last;         /* the same */
} gr__metrics_line;

/* Appends one object. Does not allocate. */
gr_status gr__metrics_add(gr__metrics *metrics, const gr__metrics_line *line, gr_error *err);

/* To the disk, so that a checkpoint never knows more lines than the file has. */
gr_status gr__metrics_flush(gr__metrics *metrics, gr_error *err);
int64_t gr__metrics_bytes(const gr__metrics *metrics);

#endif

/* spread.h - labels spread in place, for those who make them. */
#ifndef GR_LABEL_SPREAD_H
#define GR_LABEL_SPREAD_H

#include "gradroute/classify.h"

/* As gr_labels_spread, in the labels themselves; def[k] is of label k + 1, NULL: it stays as it is. */
gr_status gr__labels_extend(gr_labels *labels, gr_spread_report *report, const gr_dataset *data,
                            const gr_tokenizer *tokenizer, const gr_spread_def *const *def, gr_error *err);

/* What gr_classify refuses of this label; reads no text. */
gr_status gr__classify_check(const gr_dataset *data, const gr_tokenizer *tokenizer, const gr_labels *labels,
                             int16_t label, const gr_spread_def *def, gr_error *err);

/* A copy of what is true, shown and scored, of documents; names and counts are shared with the labels, which must
 * outlive it. */
gr_labels *gr__labels_copy(const gr_labels *labels);

#endif

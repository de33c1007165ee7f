/* unlabelled.h - text that is only read: nothing is known of it. */
#ifndef GR_LABEL_UNLABELLED_H
#define GR_LABEL_UNLABELLED_H

#include "gradroute/label.h"

/* The documents of a source, in pieces where they are longer than the width, all of them as train, and labels without a
 * label; the caller frees both. */
gr_status gr__unlabelled_open(gr_dataset **data, gr_labels **labels, const gr_source *source,
                              const gr_tokenizer *tokenizer, int width, gr_error *err);

#endif

/* label_check.h - labels that meet data in which they have nothing to teach. */
#ifndef GR_TASK_LABEL_CHECK_H
#define GR_TASK_LABEL_CHECK_H

#include "gradroute/task.h"

/* GR_ERR_USAGE for a label that no document to train on is of, though some that are held out are. Hidden labels count:
 * known: 0 may be meant. Of shards only what is shown is known, and labels that hide some are let pass. */
gr_status gr__labels_have_documents(const gr_project *project, gr_error *err);

#endif

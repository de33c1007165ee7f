/* overlap.h - near duplicates that a project drops. */
#ifndef GR_TASK_OVERLAP_H
#define GR_TASK_OVERLAP_H

#include "gradroute/task.h"

/* Takes held-out documents that are near a training document out of the parts of the split, after gr_dataset_divide and
 * before there are labels. GR_ERR_USAGE where none is left. */
gr_status gr__project_drop_near(gr_project *project, const volatile sig_atomic_t *stop, gr_error *err);

#endif

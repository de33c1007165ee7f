/* project_stream.h - the rows that training reads. */
#ifndef GR_TASK_PROJECT_STREAM_H
#define GR_TASK_PROJECT_STREAM_H

#include "gradroute/task.h"

/* The project's training documents in the order of order_seed, without those of the labels drop[drops]: true ones where
 * by_truth is, else revealed ones. Errors: those of gr_stream_new and gr_stream_new_shards. */
gr_status gr__project_stream(gr_stream **stream, const gr_project *project, const int16_t *drop, int drops,
                             bool by_truth, gr_error *err);

#endif

/* project_stream.h - the rows that training reads. */
#ifndef GR_TASK_PROJECT_STREAM_H
#define GR_TASK_PROJECT_STREAM_H

#include "gradroute/task.h"

/* The project's training documents in the order of order_seed; filtered: without those of any label, by_truth: of any
 * true one, else of any that is revealed. Errors: those of gr_stream_new and gr_stream_new_shards. */
gr_status gr__project_stream(gr_stream **stream, const gr_project *project, bool filtered, bool by_truth,
                             gr_error *err);

#endif

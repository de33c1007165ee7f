/* project_stream.h - the rows that training reads. */
#ifndef GR_TASK_PROJECT_STREAM_H
#define GR_TASK_PROJECT_STREAM_H

#include "gradroute/task.h"

/* Which of the project's training documents are read; all zero: all of them. */
typedef struct gr__read_def {
    const int16_t *drop; /* [drops] not those of these labels: */
    int drops;
    bool by_truth;      /* true ones, else revealed ones */
    const bool *spared; /* [documents] but for these; NULL: none */
    bool fill; /* the others move up: steps have as many rows as without a filter. Else what is left out leaves gaps,
                * and all others stay where they are */
} gr__read_def;

/* Those documents in the order of order_seed. Errors: those of gr_stream_new and gr_stream_new_shards; GR_ERR_USAGE for
 * shards that are to be filled. */
gr_status gr__project_stream(gr_stream **stream, const gr_project *project, const gr__read_def *read, gr_error *err);

#endif

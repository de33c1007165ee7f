/* token_scores.h - scores by the frequency of tokens, for routes with `mix: {...}`. */
#ifndef GR_TASK_TOKEN_SCORES_H
#define GR_TASK_TOKEN_SCORES_H

#include "gradroute/task.h"
#include "io/digest.h"

/* Counts for every route that asks for it, into project->frequency, and gives the labels their scores. GR_ERR_USAGE for
 * routes that want two things of one label, or where there is nothing to count. */
gr_status gr__token_scores_open(gr_project *project, gr_error *err);
void gr__token_scores_close(gr_project *project);
void gr__token_scores_digest(const gr_project *project, gr_digest *digest);

/* tokens-LABEL.tsv in the folder, the tokens that are most of the label first. */
gr_status gr__token_scores_write(const gr_project *project, const char *folder, gr_error *err);

#endif

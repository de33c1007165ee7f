/* propose.h - topics that could stand for those of the labels while settings are chosen.
 *
 *     char *text = gr__project_propose(project);      "{labels: {biology: {is: [noun.artifact, noun.act]}}}"
 */
#ifndef GR_TASK_PROPOSE_H
#define GR_TASK_PROPOSE_H

#include "gradroute/task.h"

/* For each label that is made by topics free ones with about as many training documents: of no label, not adjacent,
 * with documents in validation. Where the label hides some of its topics, those that stand for them are hidden too. As
 * a value of the recipe's key `development` on one line, a new string, with names in quotes where YAML would read
 * something else into them. NULL: the project has no topics, a label is made by something else, there are no free
 * topics left, or a name is not UTF-8. */
char *gr__project_propose(const gr_project *project);

#endif

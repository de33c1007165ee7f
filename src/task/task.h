/* task.h - choosing a task, and what the tasks of the library share. */
#ifndef GR_TASK_TASK_H
#define GR_TASK_TASK_H

#include "gradroute/task.h"
#include "io/digest.h"

/* The library's own, in the order of tasks.h; the last is NULL. */
extern const gr_task *const gr__task_list[];

/* Of tasks, ended by NULL, the one that the recipe names, else the first that fits it. GR_ERR_USAGE at the recipe's
 * key: there is none of this name; or none fits. */
gr_status gr__task_choose(const gr_task **task, const gr_task *const *tasks, const gr_recipe *recipe, gr_error *err);

/* Whether two recipes of a task read the same documents and labels. GR_ERR_USAGE, naming the keys: they differ. */
gr_status gr__task_same_data(const gr_task *task, const gr_recipe *one, const gr_recipe *other, gr_error *err);

/* One line about what begins now, to whoever listens. */
void gr__task_note(const gr_control *control, const char *text);

/* Adds which document, and which token, is shown as which label and with which scores: all that a training is told of
 * labels. It is in keys of cells and of folders that there are, so what it adds must stay as it is. */
void gr__shown_digest(gr_digest *digest, const gr_project *project);

/* GR_ERR_USAGE: a route weighs rows by scores that no label has. */
gr_status gr__task_check_scores(const gr_recipe *recipe, gr_error *err);

#endif

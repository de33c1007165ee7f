/* precision.h - which precision `auto` is, settled once for a folder and the same ever after.
 *
 *     GR_TRY(gr__precision_settle(project, path, NULL, control, err));          recipe->precision is FLOAT32 or BF16
 *     ... what may refuse has spoken ...
 *     GR_TRY(gr__precision_keep(project, path, err));                           for whoever goes on there
 *     GR_TRY(gr_project_choose_precision(project, err));                        task.h: the same without a folder
 *
 * Kept in a file, precision.json of the folder: what was taken, who decided it, and the instruction set of that moment;
 * no times, which differ from call to call.
 */
#ifndef GR_TASK_PRECISION_H
#define GR_TASK_PRECISION_H

#include "gradroute/task.h"

/* The rule: bfloat16 if it is at least 1.15 times as fast. Seconds of the same products; 0: not timed. */
enum { GR__PRECISION_GAIN_PERCENT = 115 };
gr_precision gr__precision_faster(double float32, double bf16);

/* The whole of it: what the file at path says, else what is chosen now; tells control what it took. begun: the recipe
 * of a folder that earlier versions may have begun, which kept no choice; NULL: there is none. Errors: GR_ERR_FORMAT
 * for a file that it cannot read; GR_ERR_USAGE where the recipe asks for another precision than the folder was begun
 * with; those of the task's network.
 */
gr_status gr__precision_settle(gr_project *project, const char *path, const char *begun, const gr_control *control,
                               gr_error *err);

/* Keeps what was settled, for later calls; a file that is there stays. */
gr_status gr__precision_keep(const gr_project *project, const char *path, gr_error *err);

/* Where recipe says auto it takes what was settled for a project of the same data. */
gr_status gr__precision_take(gr_recipe *recipe, const gr_project *project, gr_error *err);

/* Where recipe says auto it takes the precision that the recipe of a trained model has, as resolved and kept with it.
 */
gr_status gr__precision_of_model(gr_recipe *recipe, const char *resolved, gr_error *err);

/* From now on the recipe says what was taken, FLOAT32 or BF16; in its text too, where that makes the digest. */
gr_status gr__precision_pin(gr_recipe *recipe, gr_precision taken, bool in_text, gr_error *err);

const char *gr__precision_word(gr_precision precision); /* "float32", "bf16", "auto" as recipes have them */

#endif

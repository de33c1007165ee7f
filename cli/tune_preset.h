/* tune_preset.h - how many settings are tried in so many minutes: the largest preset of an experiment that fits.
 *
 *     GR_TRY(gr__tune_preset(&def, &budget, control, err));      def.preset
 */
#ifndef GR_CLI_TUNE_PRESET_H
#define GR_CLI_TUNE_PRESET_H

#include "budget.h"

/* Of the presets that the experiment names for it (`choose`), from small to large: the one that the folder was begun
 * with; else the last one whose cells, all of them, fit into the budget. A note says which, and what the next one would
 * take. def->preset: static, or of the arena. GR_ERR_USAGE: there are no such presets; not even the first one fits (the
 * hint says what would); errors of gr_lab_open and gr_plan_new. */
gr_status gr__tune_preset(gr_lab_def *def, const gr__budget *budget, struct gr_arena *arena, const gr_control *control,
                          gr_error *err);

#endif

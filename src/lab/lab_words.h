/* lab_words.h - how the lab speaks of what it makes: the names of models, in progress and as links, and what is done.
 *
 *     char *name = gr__lab_name(lab, use), *link = gr__lab_link_name(lab, use);
 *                              "routed size=small knob=2 seed=5", "arms/routed@size=small,knob=2,seed=5"
 *     control->note(control->user, text = gr__lab_begins(lab, cell));
 *                              "relearning: routed size=small knob=2 seed=5 (3 of 8)"
 */
#ifndef GR_LAB_LAB_WORDS_H
#define GR_LAB_LAB_WORDS_H

#include "lab/lab_state.h"

/* The arm, and what tells the model from others of the arm: where there are several points, seeds or values of its knob
 * each axis, the knob's value by its number from 1, and the seed; else nothing. gr_free. */
char *gr__lab_name(const gr_lab *lab, const gr__use *use);
char *gr__lab_link_name(const gr_lab *lab, const gr__use *use);

/* What is done for a use: the word of its method, measure or attack; NULL for what takes no time, the data and views.
 * Beside a bar of progress, and where the time is said that is left, all measures are one: "measuring". */
const char *gr__lab_doing(const gr_lab *lab, const gr__use *use);
const char *gr__reading_briefly(const gr_reading *reading);

/* What begins: "DOING: NAME (2 of 4)", of the cells of this kind that take time. gr_free; NULL for one that takes none.
 */
char *gr__lab_begins(const gr_lab *lab, int cell);

/* Whether a cell is one that people wait for: data and views are not. */
bool gr__lab_takes_time(const gr_lab *lab, int cell);

#endif

/* result_text.h - the result of an experiment as text.
 *
 *     gr__result_text_print(result, stdout);
 */
#ifndef GR_REPORT_RESULT_TEXT_H
#define GR_REPORT_RESULT_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "report/table.h"

/* Verdict, claims, then for each point of the axes the data, losses, right answers, figures, figures by seed, sizes and
 * completions, and at the end where things are: all of it that there is, from the result alone, in 80 columns. */
void gr__result_text_print(const json_t *result, FILE *out);

/* ---- shared by the files of this text ---- */

/* Tables of one point; table is the result's. */
void gr__print_losses(FILE *out, const json_t *table, const json_t *point);
void gr__print_ladders(FILE *out, const json_t *table, const json_t *point);
void gr__print_classes(FILE *out, const json_t *table, const json_t *point);
void gr__print_figures(FILE *out, const json_t *table, const json_t *point);
void gr__print_seeds(FILE *out, const json_t *table, const json_t *point);
/* The settings that no other beats, of `choice` of a result. */
void gr__print_frontier(FILE *out, const json_t *choice);
/* What was chosen of the settings that were tried; nothing where none is to be. */
void gr__print_choice(FILE *out, const json_t *result);

/* And lines below them: gr__found_of, gr__made_of. */
void gr__print_found(FILE *out, const json_t *table, const json_t *point);
void gr__print_curves(FILE *out, const json_t *table, const json_t *point);

#endif

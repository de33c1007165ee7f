/* verdict.h - the sentence that stands above all figures: an experiment's texts with its figures filled in.
 *
 *     char *text = gr__verdict_fill(&experiment->verdict, result, words);        "specific removal 0.98 [0.96, 1.00]"
 *     gr_free(text);
 *
 * docs/experiments.md has the rules: {KEY} is a figure with its interval, {KEY.value} the figure alone; other names are
 * words that the caller gives. A part of a figure that the result has not is left out, one of a figure that is null
 * says what it says of that; where the lead was refused nothing follows it.
 */
#ifndef GR_LAB_VERDICT_H
#define GR_LAB_VERDICT_H

#include <jansson.h>

#include "gradroute/experiment.h"

/* A name of a template, and what stands in its place. Of the word "unit", the plural of a noun, it is the singular
 * behind the word "1". */
typedef struct gr__word {
    const char *name, *text;
} gr__word;

/* The sentence without its stop, a new string, from figures, `intervals` and flags of the result; words end with a name
 * NULL. What has no value is "unknown". */
char *gr__verdict_fill(const gr_verdict_text *verdict, const json_t *result, const gr__word *words);

#endif

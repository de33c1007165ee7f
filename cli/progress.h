/* progress.h - how far training is, on standard error: a bar on a terminal, plain lines elsewhere.
 *
 *     gr__progress_bar progress;
 *     gr__progress_begin(&progress, stderr);
 *     gr_control control = {.progress = gr__progress_step, .note = gr__progress_note, .user = &progress};
 *     ...
 *     gr__progress_end(&progress);
 *
 * On a terminal one line is redrawn, at most 10 times a second. Elsewhere a line is written for every 5 % (at most one
 * a second), or when none came for 10 seconds. Losses are means over the recent steps; "absorbed" and "off" are the
 * latest diagnostics (docs/measures.md): the share of a topic's gradient in its region, and what switching it off adds
 * to the losses of forget and retain text. "got 0.6 of 2 cores" stands behind a line while the process gets far less
 * processor time than its threads could use. What follows training reads "measuring plain 320/4000" (rows) and
 * "relearning plain 12/90" (steps of all rates). "1:23 left, all in 12:40": of this model, of all that an
 * audit still does.
 */
#ifndef GR_CLI_PROGRESS_H
#define GR_CLI_PROGRESS_H

#include <stdio.h>

#include "gradroute/route.h"
#include "gradroute/train.h"

typedef struct gr__progress_bar {
    FILE *out;
    bool terminal, drawn;                 /* drawn: the cursor stands behind a bar */
    bool hinted;                          /* it was said that the processor time falls short */
    char name[64];                        /* of the model shown */
    int64_t percent;                      /* of the last line */
    double shown;                         /* when, by the monotonic clock */
    double loss[1 + GR_ROUTE_LABELS_MAX]; /* NaN: none yet */
} gr__progress_bar;

void gr__progress_begin(gr__progress_bar *progress, FILE *out);
void gr__progress_step(void *progress, const gr_progress *p);        /* fits gr_control.progress */
void gr__progress_note(void *progress, const char *text);            /* fits gr_control.note */
void gr__progress_bytes(void *progress, int64_t done, int64_t size); /* of a file; size 0: not known */
void gr__progress_end(gr__progress_bar *progress);                   /* leaves the cursor on a new line */

#endif

/* chart.h - what a chart shows, put together point by point, and its place on a page.
 *
 *     gr__chart *chart = gr__chart_new("Held-out loss", "training step", "nats per token");
 *     gr__chart_add(chart, "plain", false, (gr__chart_point){.x = 200, .y = 3.1, .low = NAN});
 *     gr__chart_show(chart, page, "Lower is better.");    canvas, sentence, table of numbers; frees
 */
#ifndef GR_REPORT_CHART_H
#define GR_REPORT_CHART_H

#include "report/html.h"

typedef struct gr__chart gr__chart;

/* Of an interval both ends, or NaN; that of x in left and right. */
typedef struct gr__chart_point {
    double x, y, low, high, left, right;
} gr__chart_point;

/* Axes have their names, with units. */
gr__chart *gr__chart_new(const char *title, const char *x, const char *y);
void gr__chart_free(gr__chart *chart); /* NULL is fine */

/* Names of x = 0, 1, ..: the axis has these in place of numbers. */
void gr__chart_label(gr__chart *chart, const char *word);

/* Points stand alone, without lines from one to the next. */
void gr__chart_scatter(gr__chart *chart);

/* A point of the series of this name; y that is no number counts as none. Several of one x are one: their mean, without
 * an interval. reference: what the others are read against, drawn dashed. */
void gr__chart_add(gr__chart *chart, const char *series, bool reference, gr__chart_point point);

bool gr__chart_empty(const gr__chart *chart);

/* Puts it into the page unless it is empty, and frees it; whether it was. reading: what it shows, and its control. */
bool gr__chart_show(gr__chart *chart, gr__page *page, const char *reading);

#endif

/* Charts: series of points, as JSON that the page's script draws, and as a table for those who cannot see it. */
#include "report/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"

/* So many points of a series at most: more cannot be seen. And so many of all for the table of numbers. */
enum { POINTS_MOST = 300, LISTED_MOST = 40 };

typedef struct series {
    char *name;
    bool reference;
    gr__chart_point *point;
    size_t points, room;
} series;

struct gr__chart {
    char *title, *x, *y;
    char **label;
    size_t labels, label_room;
    bool scatter;
    series *list;
    size_t count, room;
};

gr__chart *gr__chart_new(const char *title, const char *x, const char *y) {
    gr__chart *chart = gr_alloc(sizeof *chart);
    chart->title = gr_strdup(title);
    chart->x = gr_strdup(x);
    chart->y = gr_strdup(y);
    return chart;
}

void gr__chart_free(gr__chart *chart) {
    if (!chart)
        return;

    /* The lines, each with its points, then the words of an axis and the texts. */
    for (size_t s = 0; s < chart->count; s++) {
        gr_free(chart->list[s].name);
        gr_free(chart->list[s].point);
    }
    for (size_t i = 0; i < chart->labels; i++)
        gr_free(chart->label[i]);
    gr_free(chart->list);
    gr_free(chart->label);
    gr_free(chart->title);
    gr_free(chart->x);
    gr_free(chart->y);
    gr_free(chart);
}

void gr__chart_label(gr__chart *chart, const char *word) {
    GR_PUSH(chart->label, chart->labels, chart->label_room) = gr_strdup(word ? word : "");
}

void gr__chart_scatter(gr__chart *chart) { chart->scatter = true; }

/* ---- points ---- */

static series *series_of(gr__chart *chart, const char *name, bool reference) {
    for (size_t s = 0; s < chart->count; s++)
        if (strcmp(chart->list[s].name, name) == 0)
            return &chart->list[s];
    GR_PUSH(chart->list, chart->count, chart->room) = (series){.name = gr_strdup(name), .reference = reference};
    return &chart->list[chart->count - 1];
}

void gr__chart_add(gr__chart *chart, const char *name, bool reference, gr__chart_point point) {
    if (!isfinite(point.x) || !isfinite(point.y))
        return;
    series *s = series_of(chart, name ? name : "", reference);
    GR_PUSH(s->point, s->points, s->room) = point;
}

bool gr__chart_empty(const gr__chart *chart) { return chart->count == 0; }

static int by_x(const void *a, const void *b) {
    const gr__chart_point *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

/* Points in the order of x, each x once: the mean of what was added there. Two of one place have no interval together.
 */
static void merge(series *s) {
    qsort(s->point, s->points, sizeof *s->point, by_x);
    size_t kept = 0;
    for (size_t i = 0, end; i < s->points; i = end) {
        double sum = 0;
        for (end = i; end < s->points && s->point[end].x == s->point[i].x; end++)
            sum += s->point[end].y;
        gr__chart_point one = s->point[i];
        if (end - i > 1)
            one = (gr__chart_point){one.x, sum / (double)(end - i), NAN, NAN, NAN, NAN};
        s->point[kept++] = one;
    }
    s->points = kept;
}

/* Every so-manieth and the last, where there are more than can be seen. */
static void thin(series *s) {
    size_t stride = (s->points + POINTS_MOST - 1) / POINTS_MOST, kept = 0;
    for (size_t i = 0; stride > 1 && i < s->points; i++)
        if (i % stride == 0 || i + 1 == s->points)
            s->point[kept++] = s->point[i];
    s->points = stride > 1 ? kept : s->points;
}

/* ---- as JSON ---- */

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *series_json(const series *s) {
    json_t *points = json_array();
    for (size_t i = 0; i < s->points; i++) {
        const gr__chart_point *p = &s->point[i];
        json_array_append_new(points, json_pack("[o, o, o, o, o, o]", number(p->x), number(p->y), number(p->low),
                                                number(p->high), number(p->left), number(p->right)));
    }
    return json_pack("{s:o, s:b, s:o}", "name", gr_json_text(s->name), "reference", s->reference, "points", points);
}

static json_t *chart_json(const gr__chart *chart) {
    json_t *labels = json_array(), *list = json_array();
    for (size_t i = 0; i < chart->labels; i++)
        json_array_append_new(labels, gr_json_text(chart->label[i]));
    for (size_t s = 0; s < chart->count; s++)
        json_array_append_new(list, series_json(&chart->list[s]));
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o}", "title", gr_json_text(chart->title), "x", gr_json_text(chart->x),
                     "y", gr_json_text(chart->y), "scatter", chart->scatter, "labels", labels, "series", list);
}

/* ---- on the page ---- */

static void put_x(gr__page *page, const gr__chart *chart, double x) {
    if (chart->labels > 0 && x >= 0 && x < (double)chart->labels)
        gr__page_text(page, chart->label[(size_t)x]);
    else
        gr__page_numbers(page, "%.6g", x);
}

/* The same numbers for who cannot see the picture, or wants them exactly. */
static void put_numbers(gr__page *page, const gr__chart *chart) {
    gr__page_raw(page,
                 "<details><summary>The numbers</summary><div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    gr__page_raw(page, "<th scope=\"col\">line</th>");
    gr__page_element(page, "th", "scope=\"col\" class=\"number\"", chart->x);
    gr__page_element(page, "th", "scope=\"col\" class=\"number\"", chart->y);
    gr__page_raw(page, "</tr></thead><tbody>\n");
    for (size_t s = 0; s < chart->count; s++)
        for (size_t i = 0; i < chart->list[s].points; i++) {
            gr__page_raw(page, "<tr>");
            gr__page_element(page, "th", "scope=\"row\"", chart->list[s].name);
            gr__page_raw(page, "<td class=\"number\">");
            put_x(page, chart, chart->list[s].point[i].x);
            gr__page_numbers(page, "</td><td class=\"number\">%.4f</td></tr>\n", chart->list[s].point[i].y);
        }
    gr__page_raw(page, "</tbody></table></div></details>\n");
}

bool gr__chart_show(gr__chart *chart, gr__page *page, const char *reading) {
    bool shown = !gr__chart_empty(chart);
    size_t points = 0;
    for (size_t s = 0; s < chart->count; s++) {
        merge(&chart->list[s]);
        thin(&chart->list[s]);
        points += chart->list[s].points;
    }

    /* The canvas finds its data by its number. */
    if (shown) {
        gr__page_raw(page, "<figure><figcaption>");
        gr__page_text(page, chart->title);
        gr__page_numbers(page,
                         "</figcaption>\n<div class=\"chart\"><canvas data-chart=\"%zu\" role=\"img\" aria-label=\"",
                         json_array_size(page->charts));
        gr__page_text(page, chart->title);
        gr__page_raw(page, "\"></canvas></div>\n");
        gr__page_element(page, "p", "class=\"reading\"", reading);
        if (points <= LISTED_MOST)
            put_numbers(page, chart);
        gr__page_raw(page, "</figure>\n");
        json_array_append_new(page->charts, chart_json(chart));
    }
    gr__chart_free(chart);
    return shown;
}

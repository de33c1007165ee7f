/* Charts of the curves that losses were looked up on: the models of the ladder, the law through them, what was found.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "report/report_page.h"

/* Places at which the law is drawn, in equal steps from the first model to the last. */
enum { PLACES = 25 };

static gr__chart_point bare(double x, double y) { return (gr__chart_point){x, y, NAN, NAN, NAN, NAN}; }

/* The models, and the ends between which they lie. */
static void add_models(gr__chart *chart, const json_t *curve, double *from, double *to) {
    const char *along = gr__text_of(curve, "along");
    size_t i;
    json_t *point;
    *from = INFINITY, *to = 0;
    json_array_foreach(json_object_get(curve, "points"), i, point) {
        const double x = gr__number_of(point, "x");
        gr__chart_add(chart, along ? along : "models", false, bare(x, gr__number_of(point, "loss")));
        *from = fmin(*from, x);
        *to = fmax(*to, x);
    }
}

/* Where the losses fall along one. */
static void add_law(gr__chart *chart, const json_t *curve, double from, double to) {
    const double a = gr__number_of(curve, "a"), b = gr__number_of(curve, "b"), c = gr__number_of(curve, "c");
    const double shift = gr__number_of(curve, "shift");
    for (int i = 0; i < PLACES && json_object_get(curve, "c") && from < to; i++) {
        const double x = from + (to - from) * i / (PLACES - 1);
        gr__chart_add(chart, "curve", true, bare(x, a + b * pow(x + shift, -c)));
    }
}

/* What was looked up, at the place that was found; beyond the ends there is none. */
static void add_found(gr__chart *chart, const gr__spot *spot, const json_t *curve) {
    const json_t *points = json_object_get(curve, "points");
    const char *key;
    json_t *other;
    json_object_foreach(json_object_get(spot->point, "curves"), key, other)
        if (json_equal(json_object_get(other, "points"), points) && json_is_number(json_object_get(other, "found"))) {
            char *title = gr__looked_up_title(spot->table, key, other);
            gr__chart_add(chart, title, false, bare(gr__number_of(other, "found"), gr__number_of(other, "loss")));
            gr_free(title);
        }
}

void gr__put_curves(const gr__spot *spot) {
    const char *key;
    json_t *curve;
    json_object_foreach(json_object_get(spot->point, "curves"), key, curve) {
        if (gr__curve_is_again(json_object_get(spot->point, "curves"), curve))
            continue;
        const char *x = gr__text_of(curve, "x"), *along = gr__text_of(curve, "along");
        const char *group = gr__text_of(curve, "group");
        char *title = gr_format("Loss on %s along %s", group ? group : "a group", along ? along : "an arm");
        gr__chart *chart = gr__chart_new(title, x ? x : "x", "nats per token");
        double from, to;

        /* Points of the first seed, as the result has them. */
        add_models(chart, curve, &from, &to);
        add_law(chart, curve, from, to);
        add_found(chart, spot, curve);
        gr__chart_show(chart, spot->page,
                       "What a loss is worth: models that had more and more of what is below, the curve through them "
                       "(dashed), and where on it the losses lie that are looked up; of the first seed. Its control is "
                       "how far the models lie from the curve.");
        gr_free(title);
    }
}

/* What a result says of the curves that figures look losses up on: the points, and the law through them. */
#include <math.h>

#include "io/json.h"
#include "lab/ladder.h"

typedef gr__result_job job;

/* A number, or null where there is none. */
static void put(json_t *to, const char *key, double value) {
    json_object_set_new(to, key, isfinite(value) ? json_real(value) : json_null());
}

/* Each model of the ladder: its value, what went into it, its loss. */
static json_t *points_of(const job *j, const gr_figure_def *def, const gr__curve *curve) {
    json_t *list = json_array();
    for (int v = 0; v < curve->points; v++) {
        json_t *one = json_pack("{s:o}", "at", gr_json_text(gr__knob_word(j->e, (int)(def->along - j->e->arm), v)));
        put(one, "x", curve->x[v]);
        put(one, "loss", curve->loss[v]);
        json_array_append_new(list, one);
    }
    return list;
}

/* Of losses that do not fall there is none. */
static void put_law(json_t *to, const gr__curve *curve) {
    const gr__power_law *law = &curve->law;
    if (!curve->fits)
        return;
    put(to, "a", law->a);
    put(to, "b", law->b);
    put(to, "c", law->c);
    put(to, "shift", law->shift);
    put(to, "off", law->off);

    /* Its ends, between which a loss can be looked up. */
    put(to, "from", gr__power_law_at(law, law->low));
    put(to, "to", gr__power_law_at(law, law->high));
}

/* The loss that is looked up, and the x at which the curve has it; null beyond its ends. */
static void put_own(json_t *to, const gr__curve *curve) {
    put(to, "loss", curve->own);
    if (curve->fits)
        put(to, "found", gr__power_law_find(&curve->law, curve->own));
}

void gr__result_curves(json_t *to, const job *j, int point) {
    json_t *curves = json_object();
    for (int f = 0; f < j->e->figures; f++) {
        const gr_figure_def *def = &j->e->figure[f];
        const gr__curve *curve = gr__seed_figures_curve(j->figures, f, point);
        if (!curve)
            continue;
        const bool operations = def->figure->along == GR_ALONG_OPERATIONS;
        const char *group = def->group ? def->group : def->figure->group;
        json_t *one =
            json_pack("{s:o, s:o, s:s, s:o}", "group", gr_json_text(group), "along", gr_json_text(def->along->name),
                      "x", operations ? "operations" : "text of the label", "points", points_of(j, def, curve));
        if (def->measure)
            json_object_set_new(one, "measure", gr_json_text(def->measure));
        put_law(one, curve);

        /* What was looked up; of an arm with a knob its values have a loss each. */
        if (gr_experiment_knobs(j->e, def->of) == 1)
            put_own(one, curve);
        json_object_set_new(curves, def->key, one);
    }
    if (json_object_size(curves) > 0)
        json_object_set(to, "curves", curves);
    json_decref(curves);
}

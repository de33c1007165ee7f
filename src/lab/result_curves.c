/* What a result says of the curves that figures look losses up on: the points, and the law through them. */
#include <math.h>

#include "base/mem.h"
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

/* ---- why there is no value ---- */

static bool is_operations(const gr_figure_def *def) { return def->figure->along == GR_ALONG_OPERATIONS; }

/* "0.25, 200": models of the ladder of which no x is known, a new string; NULL: it is known of all. */
static char *unknown_of(const job *j, const gr_figure_def *def, const gr__curve *curve) {
    const int arm = (int)(def->along - j->e->arm);
    char *list = NULL;
    for (int v = 0; v < curve->points; v++) {
        if (isfinite(curve->x[v]))
            continue;
        char *longer = gr_format("%s%s%s", list ? list : "", list ? ", " : "", gr__knob_word(j->e, arm, v));
        gr_free(list);
        list = longer;
    }
    return list;
}

/* In the order in which the fit asks for them. */
static char *why_no_curve(const job *j, const gr_figure_def *def, const gr__curve *curve) {
    char *unknown = unknown_of(j, def, curve), *why;
    const int lacks = gr__power_law_lacks(curve->x, curve->points);
    if (unknown)
        why =
            gr_format("rows do not say the %s of %s", is_operations(def) ? "operations" : "text of the label", unknown);
    else if (lacks)
        why = gr_format("a curve takes %d more with another x", lacks);
    else
        why = gr_strdup("their losses do not fall along a curve");
    gr_free(unknown);
    return why;
}

/* Of the one model that is looked up; NULL: it has a value. */
static char *why_no_share(const job *j, const gr_figure_def *def, const gr__curve *curve, int point) {
    const double found = gr__power_law_find(&curve->law, curve->own);
    const int zero = j->zero[point];
    if (isinf(found))
        return gr_strdup(found < 0 ? "above all of the curve" : "below all of the curve");

    /* It is found, but as a share of nothing. */
    if (curve->whole > 0)
        return NULL;
    if (is_operations(def))
        return gr_format("but rows do not say the operations of %s",
                         zero >= 0 ? j->e->arm[zero].name : "a model for 0");
    return gr_strdup(curve->whole == 0 ? "but it read nothing of the label unlabelled"
                                       : "but rows do not say what it read of the label unlabelled");
}

/* Takes the text. */
static void put_why(json_t *to, char *why) {
    if (why)
        json_object_set_new(to, "why", gr_json_text(why));
    gr_free(why);
}

/* ---- all of them ---- */

/* Whose loss is looked up on what; of an arm with a knob its values have a loss each. */
static json_t *curve_of(const job *j, const gr_figure_def *def, const gr__curve *curve, int point) {
    const char *group = def->group ? def->group : def->figure->group;
    json_t *one =
        json_pack("{s:o, s:o, s:o, s:s, s:o}", "group", gr_json_text(group), "of",
                  gr_json_text(j->e->arm[def->of].name), "along", gr_json_text(def->along->name), "x",
                  is_operations(def) ? "operations" : "text of the label", "points", points_of(j, def, curve));
    if (def->measure)
        json_object_set_new(one, "measure", gr_json_text(def->measure));
    if (def->after)
        json_object_set_new(one, "after", gr_json_text(def->after->name));
    put_law(one, curve);

    /* What was looked up, or why it was not. */
    const bool single = gr_experiment_knobs(j->e, def->of) == 1;
    if (single)
        put_own(one, curve);
    if (!curve->fits)
        put_why(one, why_no_curve(j, def, curve));
    else if (single)
        put_why(one, why_no_share(j, def, curve, point));
    return one;
}

void gr__result_curves(json_t *to, const job *j, int point) {
    json_t *curves = json_object();
    for (int f = 0; f < j->e->figures; f++) {
        const gr_figure_def *def = &j->e->figure[f];
        const gr__curve *curve = gr__seed_figures_curve(j->figures, f, point);
        if (curve)
            json_object_set_new(curves, def->key, curve_of(j, def, curve, point));
    }
    if (json_object_size(curves) > 0)
        json_object_set(to, "curves", curves);
    json_decref(curves);
}

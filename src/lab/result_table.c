/* What tables of a result are printed by: titles and notes, so that whoever prints needs the result alone. */
#include <math.h>

#include "base/mem.h"
#include "base/number.h"
#include "io/json.h"
#include "io/yaml.h"
#include "lab/result.h"

typedef gr__result_job job;

static void put_text(json_t *to, const char *key, const char *text) {
    if (text && *text)
        json_object_set_new(to, key, gr_json_text(text));
}

const char *gr__knob_word(const gr_experiment *e, int arm, int knob) {
    while (arm >= 0 && e->arm[arm].knob.values == 0)
        arm = gr__parent_of(e, arm);
    return arm < 0 || knob >= e->arm[arm].knob.values ? "" : e->arm[arm].knob.word[knob];
}

json_t *gr__result_axes(const gr_experiment *e, int point) {
    json_t *axes = json_object();
    for (int a = 0; a < e->axes; a++)
        json_object_set_new(axes, e->axis[a].name, gr_json_text(e->axis[a].value[gr_experiment_value(e, point, a)]));
    return axes;
}

/* Those that ran; trials: how many values of a knob there were. */
static json_t *arms_of(const job *j) {
    json_t *list = json_array();
    for (int m = 0; m < j->e->arms; m++) {
        const gr_arm *arm = &j->e->arm[m];
        if (!gr__result_runs(j->def, m))
            continue;

        json_t *one = json_pack("{s:o}", "name", gr_json_text(arm->name));
        put_text(one, "title", arm->title);
        put_text(one, "note", arm->note);
        put_text(one, "shown", arm->shown);
        if (gr_experiment_knobs(j->e, m) > 1)
            json_object_set_new(one, "trials", json_integer(gr_experiment_knobs(j->e, m)));
        json_array_append_new(list, one);
    }
    return list;
}

/* What a figure is of, and how it is computed: in the words of the experiment, by which those who print it find what
 * belongs together. */
static void put_formula(json_t *to, const gr_experiment *e, const gr_figure_def *figure) {
    put_text(to, "figure", figure->figure ? figure->figure->name : NULL);
    put_text(to, "unit", !figure->figure ? NULL : figure->figure->over || figure->along ? "ratio" : "nats");
    put_text(to, "measure", figure->measure);
    put_text(to, "field", figure->field);
    put_text(to, "of", figure->of >= 0 ? e->arm[figure->of].name : NULL);
    put_text(to, "minus", figure->minus >= 0 ? e->arm[figure->minus].name : NULL);
    put_text(to, "group", figure->group);
    put_text(to, "after", figure->after ? figure->after->name : NULL);
    put_text(to, "along", figure->along ? figure->along->name : NULL);
}

/* Figures in their order, by the words that people read. */
static json_t *figures_of(const job *j) {
    json_t *list = json_array();
    for (int f = 0; f < j->e->figures; f++) {
        const gr_figure_def *figure = &j->e->figure[f];
        json_t *one = json_pack("{s:o}", "key", gr_json_text(figure->key));
        put_text(one, "title", figure->title);
        put_text(one, "note", figure->note);
        put_formula(one, j->e, figure);
        json_array_append_new(list, one);
    }
    return list;
}

/* The number that a value of an axis stands for: what it sets all keys to. NaN: it is none, or keys differ. */
static double number_of_value(const gr_axis *axis, int value) {
    double number = NAN;
    for (int i = 0; i < axis->sets[value]; i++) {
        const struct gr_yaml *to = axis->set[value][i].value;
        char *end = NULL;
        double x = to->kind == GR_YAML_SCALAR && !to->quoted ? gr__parse_real(to->text, &end) : NAN;
        if (!end || end == to->text || *end || (i > 0 && x != number))
            return NAN;
        number = x;
    }
    return number;
}

/* Axes with their values in order; where all are numbers also these, and the key that they are set to. */
static json_t *axes_of(const gr_experiment *e) {
    json_t *list = json_array();
    for (int a = 0; a < e->axes; a++) {
        const gr_axis *axis = &e->axis[a];
        json_t *values = json_array();
        const char *key = NULL;
        bool numbers = true;
        for (int r = 0; r < axis->runs; r++) {
            int v = axis->run[r];
            double number = number_of_value(axis, v);
            json_t *value = json_pack("{s:o}", "name", gr_json_text(axis->value[v]));
            if (isfinite(number))
                json_object_set_new(value, "value", json_real(number));
            numbers = numbers && isfinite(number);
            key = axis->sets[v] > 0 ? axis->set[v][0].key : key;
            json_array_append_new(values, value);
        }

        json_t *one = json_pack("{s:o, s:o}", "name", gr_json_text(axis->name), "values", values);
        put_text(one, "key", numbers ? key : NULL);
        json_array_append_new(list, one);
    }
    return list;
}

/* What brackets are. */
static const char *intervals_of(const job *j) {
    if (j->def->seeds > 1)
        return "seeds";
    return gr__seed_figures_by_buckets(j->figures) ? "buckets" : "documents";
}

/* The arm that stands for 1 at every point; -1: they differ, and each point says its own. */
static int one_of_all(const job *j) {
    for (int point = 1; point < j->points; point++)
        if (j->one[point] != j->one[0])
            return -1;
    return j->one[0];
}

void gr__result_table(json_t *to, const job *j) {
    const gr_experiment *e = j->e;
    json_t *groups = json_array(), *attacks = json_array(), *suggested = json_array();

    /* Columns, and arms that would say more. */
    for (int g = 0; g < e->groups; g++)
        json_array_append_new(groups, gr_json_text(e->group[g].name));
    for (int a = 0; a < j->attacks; a++)
        json_array_append_new(attacks, json_pack("{s:o, s:o}", "name", gr_json_text(j->attack[a]->name), "done",
                                                 gr_json_text(j->done[a])));
    for (int i = 0; i < j->def->suggestions; i++)
        json_array_append_new(suggested, gr_json_text(e->arm[j->def->suggested[i]].name));

    /* Rows, and what else is said of them. */
    json_t *table = json_pack("{s:o, s:o, s:o, s:o, s:s}", "arms", arms_of(j), "groups", groups, "attacks", attacks,
                              "figures", figures_of(j), "intervals", intervals_of(j));
    if (!e->base && !e->base_file) /* a recipe must be named with it */
        json_object_set_new(table, "needs_base", json_true());
    if (j->subject >= 0)
        put_text(table, "subject", e->arm[j->subject].name);
    const int one = one_of_all(j);
    if (one >= 0)
        put_text(table, "one", e->arm[one].name);
    if (e->never >= 0)
        put_text(table, "never", e->arm[e->never].name);
    if (e->axes > 0)
        json_object_set_new(table, "axes", axes_of(e));
    if (e->verdict.missing && one >= 0)
        put_text(table, "scale", e->verdict.scale[one]);
    json_object_set_new(to, "suggested", suggested);
    json_object_set_new(to, "table", table);
}

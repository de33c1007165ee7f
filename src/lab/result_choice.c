/* What of the settings that were tried is worth having, and which of them is to be taken. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "lab/frontier.h"
#include "lab/result.h"

typedef gr__result_job job;

/* A setting that was tried, at the first point that has it. */
typedef struct setting {
    int point;
    const json_t *values;
    double *value, *place; /* [goals], [axes] */
    int changes;
} setting;

/* All of them, and what is wanted. */
typedef struct choice {
    const job *j;
    const int *minus; /* [figures] */
    int *figure;      /* [goals] of the experiment */
    gr__goal *goal;
    int goals;
    setting *setting; /* [settings] */
    int settings;
} choice;

/* ---- figures ---- */

/* A figure over seeds, less what the experiment takes off it. */
static gr__told told_at(const choice *c, int figure, int point) {
    return gr__seed_figures_over(c->j->figures, figure, c->minus[figure], point, 0);
}

/* Whether a figure is known of some point; told: it is enough that its models are there, though it was refused. */
static bool is_known(const choice *c, int figure, bool told) {
    for (int p = 0; p < c->j->points; p++) {
        const gr__told at = told_at(c, figure, p);
        if (at.state == GR__TOLD && (told || isfinite(at.estimate.value)))
            return true;
    }
    return false;
}

/* One more figure; without a bound it is as large as can be. */
static void add_goal(choice *c, int figure, bool least, double bound) {
    c->figure[c->goals] = figure;
    c->goal[c->goals++] = (gr__goal){least, bound};
}

/* The first figure that is to be large and is known; and those with bounds whose models were made. */
static void find_goals(choice *c) {
    const gr_choosing *wanted = &c->j->e->choose;
    const size_t most = (size_t)wanted->bounds + 1;
    c->figure = gr_alloc(most * sizeof *c->figure);
    c->goal = gr_alloc(most * sizeof *c->goal);

    int first = 0;
    while (first < wanted->mosts - 1 && !is_known(c, wanted->most[first], false))
        first++;
    add_goal(c, wanted->most[first], false, NAN);
    for (int i = 0; i < wanted->bounds; i++)
        if (is_known(c, wanted->bound[i].figure, true))
            add_goal(c, wanted->bound[i].figure, wanted->bound[i].least, wanted->bound[i].limit);
}

/* ---- settings ---- */

/* Axes whose value sets something there. */
static int changes_at(const gr_experiment *e, int point) {
    int changes = 0;
    for (int a = 0; a < e->axes; a++)
        changes += e->axis[a].sets[gr_experiment_value(e, point, a)] > 0;
    return changes;
}

/* The setting of a point among those before it; -1: it is new. Values that set what the recipe says anyway, and axes
 * that change nothing of it, make points of one setting. */
static int find_setting(const choice *c, const json_t *values) {
    for (int i = 0; i < c->settings; i++)
        if (json_equal((json_t *)c->setting[i].values, (json_t *)values))
            return i;
    return -1;
}

/* The setting of one more point, unless another point had it. */
static void add_setting(choice *c, int point) {
    const gr_experiment *e = c->j->e;
    const json_t *said = c->j->def->said[point], *values = json_object_get(said, "values");
    const int changes = changes_at(e, point), found = find_setting(c, values);
    if (found >= 0) {
        if (changes < c->setting[found].changes) { /* called by what changes least */
            c->setting[found].changes = changes;
            c->setting[found].point = point;
        }
        return;
    }

    /* Its figures over seeds, and its place on each axis. */
    setting *s = &c->setting[c->settings++];
    *s = (setting){.point = point, .values = values, .changes = changes};
    s->value = gr_alloc((size_t)(c->goals + e->axes) * sizeof *s->value);
    s->place = s->value + c->goals;
    for (int g = 0; g < c->goals; g++) {
        const gr__told told = told_at(c, c->figure[g], point);
        s->value[g] = told.state == GR__TOLD ? told.estimate.value : NAN;
    }
    for (int a = 0; a < e->axes; a++) {
        const json_t *place = json_object_get(json_object_get(said, "places"), e->axis[a].name);
        s->place[a] = json_is_number(place) ? json_number_value(place) : NAN;
    }
}

/* Those of all points, in their order. */
static void find_settings(choice *c) {
    c->setting = gr_alloc((size_t)(c->j->points + 1) * sizeof *c->setting);
    for (int p = 0; p < c->j->points; p++)
        add_setting(c, p);
}

/* Whether an axis has several values, and all of them are one setting. */
static bool is_idle(const choice *c, int axis) {
    const gr_axis *a = &c->j->e->axis[axis];
    if (a->runs < 2 || c->settings == 0)
        return false;
    const json_t *first = json_object_get(c->setting[0].values, a->name);
    for (int i = 1; i < c->settings; i++)
        if (!json_equal((json_t *)first, json_object_get(c->setting[i].values, a->name)))
            return false;
    return true;
}

/* The numbers alone, for the function that knows nothing of experiments. */
static void find_frontier(gr__frontier *f, const choice *c) {
    const gr_experiment *e = c->j->e;
    gr__trial *trial = gr_alloc((size_t)(c->settings + 1) * sizeof *trial);
    gr__axis_ends *end = gr_alloc((size_t)e->axes * sizeof *end);
    for (int i = 0; i < c->settings; i++)
        trial[i] = (gr__trial){c->setting[i].value, c->setting[i].place, c->setting[i].changes};
    for (int a = 0; a < e->axes; a++)
        end[a] = (gr__axis_ends){e->choose.ends[a][0], e->choose.ends[a][1]};
    gr__frontier_find(f, &(gr__frontier_def){c->goal, c->goals, trial, c->settings, end, e->axes, e->choose.within});
    gr_free(trial);
    gr_free(end);
}

/* ---- as JSON ---- */

/* Figures with what was wanted of them: columns of a table. */
static json_t *goals_told(const choice *c) {
    json_t *list = json_array();
    for (int g = 0; g < c->goals; g++) {
        const gr_figure_def *figure = &c->j->e->figure[c->figure[g]];
        json_t *one = json_pack("{s:o, s:o}", "key", gr_json_text(figure->key), "title", gr_json_text(figure->title));
        if (isnan(c->goal[g].bound))
            json_object_set_new(one, "most", json_true());
        else
            json_object_set_new(one, c->goal[g].least ? "at_most" : "at_least", json_real(c->goal[g].bound));
        json_array_append_new(list, one);
    }
    return list;
}

/* A setting with its figures. */
static json_t *setting_told(const choice *c, const gr__frontier *f, int which) {
    const setting *s = &c->setting[which];
    json_t *figures = json_object(), *intervals = json_object();
    for (int g = 0; g < c->goals; g++)
        gr__result_put(figures, intervals, c->j->e->figure[c->figure[g]].key,
                       told_at(c, c->figure[g], s->point).estimate);
    return json_pack("{s:o, s:O, s:o, s:o, s:i, s:b}", "axes", gr__result_axes(c->j->e, s->point), "settings",
                     s->values, "figures", figures, "intervals", intervals, "changes", s->changes, "fits",
                     f->fits[which]);
}

/* The same so that it can be taken over: as options of commands, and as sections of the recipe. */
static json_t *choice_told(const choice *c, const gr__frontier *f, int which) {
    json_t *one = setting_told(c, f, which), *sets = json_array(), *keys, *value;
    const char *axis, *key;
    json_object_foreach(json_object_get(one, "settings"), axis, keys) {
        json_object_foreach(keys, key, value) {
            char *set = gr_format("%s=%s", key, json_string_value(value));
            json_array_append_new(sets, gr_json_text(set));
            gr_free(set);
        }
    }
    json_object_set_new(one, "set", sets);
    json_object_set(one, "recipe", json_object_get(c->j->def->said[c->setting[which].point], "recipe"));
    return one;
}

/* Its settings, the first goal descending. */
static json_t *frontier_told(const choice *c, const gr__frontier *f) {
    json_t *list = json_array();
    for (int i = 0; i < f->count; i++) {
        json_t *one = setting_told(c, f, f->order[i]);
        json_object_set_new(one, "chosen", json_boolean(f->order[i] == f->chosen));
        json_array_append_new(list, one);
    }
    return list;
}

/* Axes on which there may be something better beyond what was tried. */
static json_t *edges_told(const choice *c, const gr__frontier *f) {
    const gr_experiment *e = c->j->e;
    const int which = f->chosen < 0 ? f->nearest : f->chosen;
    json_t *list = json_array();
    for (int a = 0; a < e->axes; a++)
        if (f->edge[a] != GR__EDGE_NONE)
            json_array_append_new(list, json_pack("{s:o, s:s, s:O}", "axis", gr_json_text(e->axis[a].name), "end",
                                                  f->edge[a] == GR__EDGE_LOW ? "low" : "high", "settings",
                                                  json_object_get(c->setting[which].values, e->axis[a].name)));
    return list;
}

/* The whole of it. */
static json_t *told(const choice *c, const gr__frontier *f) {
    const gr_experiment *e = c->j->e;
    int refused = 0;
    for (int i = 0; i < c->settings; i++)
        refused += f->refused[i];

    /* What was tried, and for what. */
    json_t *idle = json_array(), *to = json_pack("{s:b, s:i, s:i, s:i, s:o, s:f}", "development", e->development,
                                                 "points", c->j->points, "trials", c->settings, "refused", refused,
                                                 "goals", goals_told(c), "within", e->choose.within);

    /* What came of it. */
    json_object_set_new(to, "frontier", frontier_told(c, f));
    json_object_set_new(to, "chosen", f->chosen < 0 ? json_null() : choice_told(c, f, f->chosen));
    if (f->nearest >= 0)
        json_object_set_new(to, "nearest", choice_told(c, f, f->nearest));
    json_object_set_new(to, "edges", edges_told(c, f));
    for (int a = 0; a < e->axes; a++)
        if (is_idle(c, a))
            json_array_append_new(idle, gr_json_text(e->axis[a].name));
    json_object_set_new(to, "idle", idle);
    return to;
}

void gr__result_choice(json_t *to, const job *j, const int *minus) {
    choice c = {.j = j, .minus = minus};
    gr__frontier f;

    /* Without settings there is nothing to choose; an experiment that is only read has none. */
    if (j->e->choose.mosts == 0 || !j->def->said)
        return;

    /* From what is wanted to what is to be taken. */
    find_goals(&c);
    find_settings(&c);
    find_frontier(&f, &c);
    json_object_set_new(to, "choice", told(&c, &f));

    gr__frontier_free(&f);
    for (int i = 0; i < c.settings; i++)
        gr_free(c.setting[i].value);
    gr_free(c.setting);
    gr_free(c.figure);
    gr_free(c.goal);
}

/* Charts of what was measured: of rows and metrics, by their kinds alone, whatever made them. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "report/report_page.h"

static double number_or_nan(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool is_text(const json_t *object, const char *key, const char *text) {
    const char *has = gr__text_of(object, key);
    return has && text && strcmp(has, text) == 0;
}

/* The number of the value of a knob in a row: 0 where it has none that may be one. */
static int knob_of(const json_t *row) {
    double knob = gr__number_of(row, "knob");
    return knob > 0 && knob < 1e6 ? (int)knob : 0;
}

/* A point without an interval. */
static gr__chart_point bare(double x, double y) { return (gr__chart_point){x, y, NAN, NAN, NAN, NAN}; }

/* Adds to the line of an arm. */
static void add(gr__chart *chart, const gr__spot *spot, const json_t *row, const char *behind, gr__chart_point p) {
    const char *arm = gr__text_of(row, "arm");
    char *title = gr__arm_title(spot, arm, knob_of(row));
    char *name = gr_format("%s%s", title, behind);
    gr__chart_add(chart, name, gr__arm_is_reference(spot, arm), p);
    gr_free(title);
    gr_free(name);
}

/* ---- learning ---- */

/* The lines of metrics of a row that a training left; NULL: it is another row, or they are not there. */
static const json_t *metrics_of(const gr__spot *spot, const json_t *row) {
    const char *cell = gr__text_of(row, "cell");
    return is_text(row, "row", "model") && cell && gr__spot_has(spot, row) ? json_object_get(spot->run->metrics, cell)
                                                                           : NULL;
}

void gr__put_learning(const gr__spot *spot) {
    gr__chart *chart = gr__chart_new("Held-out loss while training", "training step", "nats per token, held out");
    size_t i, k;
    json_t *row, *line;
    json_array_foreach(spot->run->rows, i, row)
        json_array_foreach(metrics_of(spot, row), k, line)
            add(chart, spot, row, "", bare(number_or_nan(line, "step"), number_or_nan(line, "heldout")));

    if (!gr__chart_show(chart, spot->page,
                        "How fast each model learns, on validation documents with everything on; over several seeds "
                        "their mean. Models of one size on the same rows compare step by step; the dashed line is the "
                        "model that was kept from the topic."))
        gr__spot_misses(spot, "Learning curves: no model of the folder has metrics of held-out text; making the models "
                              "here (with --fresh where rows are committed) and diagnostics.heldout bring them.");
}

/* ---- relearning ---- */

/* A loss after an attack, and what it was given. */
typedef struct recovered {
    const json_t *row;
    const char *attack; /* its name; rows of old say none */
    double documents, step, loss;
} recovered;

typedef struct recoveries {
    recovered *list;
    int count;
    size_t room;
} recoveries;

/* Mean loss of a row of losses on the group that was to be removed; NaN: it is another row. */
static double forget_loss(const gr__spot *spot, const json_t *row) {
    const char *group = json_string_value(json_array_get(json_object_get(spot->table, "groups"), 0));
    if (!is_text(row, "row", "loss") || !is_text(row, "group", group))
        return NAN;
    return number_or_nan(row, "nll") / number_or_nan(row, "tokens");
}

/* Losses of attacks: in a cell, those that follow a row `point`, which says what the attack was given. A row of losses
 * that says so itself is believed. */
static recoveries read_recoveries(const gr__spot *spot) {
    recoveries r = {0};
    const json_t *given = NULL;
    size_t i;
    json_t *row;
    json_array_foreach(spot->run->rows, i, row) {
        if (is_text(row, "row", "point"))
            given = row;
        double loss = forget_loss(spot, row);
        if (!given || isnan(loss) || !gr__spot_has(spot, row) || !is_text(row, "cell", gr__text_of(given, "cell")))
            continue;
        const json_t *documents = json_object_get(row, "documents") ? row : given;
        const json_t *step = json_object_get(row, "step") ? row : given;
        GR_PUSH(r.list, r.count, r.room) = (recovered){
            row, gr__text_of(row, "attack"), number_or_nan(documents, "documents"), number_or_nan(step, "step"), loss};
    }
    return r;
}

static bool same_attack(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* Whether two are of one model, attacked alike. */
static bool is_of_one(const recovered *a, const recovered *b) {
    return same_attack(a->attack, b->attack) && is_text(a->row, "arm", gr__text_of(b->row, "arm")) &&
           gr__number_of(a->row, "knob") == gr__number_of(b->row, "knob") &&
           gr__number_of(a->row, "seed") == gr__number_of(b->row, "seed");
}

/* Whether an attack was measured at several numbers of documents, and of steps on the same documents: the best step
 * alone, which differs from model to model, is no curve. */
static void find_ladders(const recoveries *r, const char *attack, bool *documents, bool *steps) {
    *documents = *steps = false;
    for (int i = 0; i < r->count; i++)
        for (int k = 0; k < i; k++)
            if (same_attack(r->list[i].attack, attack) && is_of_one(&r->list[i], &r->list[k])) {
                *documents |= r->list[i].documents != r->list[k].documents;
                *steps |= r->list[i].documents == r->list[k].documents && r->list[i].step != r->list[k].step;
            }
}

/* Where each attacked model starts: its loss before. */
static void add_starts(gr__chart *chart, const gr__spot *spot, const recoveries *r, const char *attack) {
    size_t i;
    json_t *row;
    json_array_foreach(spot->run->rows, i, row) {
        double loss = forget_loss(spot, row);
        bool attacked = false, counted = false;
        for (int k = 0; k < r->count; k++) {
            const json_t *other = r->list[k].row;
            counted |= other == row;
            attacked |= same_attack(r->list[k].attack, attack) && is_text(other, "arm", gr__text_of(row, "arm")) &&
                        gr__number_of(other, "knob") == gr__number_of(row, "knob");
        }
        if (attacked && !counted && !json_object_get(row, "at") && gr__spot_has(spot, row))
            add(chart, spot, row, "", bare(0, loss));
    }
}

/* The best point of each model for each number of documents, or steps: what the attacker would keep. */
static bool is_best(const recoveries *r, int i, bool by_step) {
    const recovered *one = &r->list[i];
    for (int k = 0; k < r->count; k++) {
        const recovered *other = &r->list[k];
        if (is_of_one(other, one) && (by_step ? other->step == one->step : other->documents == one->documents) &&
            (other->loss < one->loss || (other->loss == one->loss && k < i)))
            return false;
    }
    return true;
}

/* One attack by documents or by steps. */
static bool put_attack(const gr__spot *spot, const recoveries *r, const char *attack, bool by_step) {
    char *title = gr_format("What comes back: loss on the topic after %s", attack ? attack : "an attack");
    char *x = gr_format("%s that the attack trained on", by_step ? "steps" : gr__counted(spot->point));
    const char *unit = gr__text_of(json_object_get(spot->point, "data"), "unit");
    gr__chart *chart = gr__chart_new(title, x, unit ? unit : "nats per token");
    add_starts(chart, spot, r, attack);
    for (int i = 0; i < r->count; i++)
        if (same_attack(r->list[i].attack, attack) && is_best(r, i, by_step))
            add(chart, spot, r->list[i].row, "",
                bare(by_step ? r->list[i].step : r->list[i].documents, r->list[i].loss));
    gr_free(title);
    gr_free(x);
    return gr__chart_show(chart, spot->page,
                          "How much of the topic each model has after the attack, from its loss before (at 0). What is "
                          "gone comes back no faster than in the dashed model, which never read of it; a line that "
                          "falls faster had only hidden it.");
}

void gr__put_relearning(const gr__spot *spot) {
    recoveries r = read_recoveries(spot);
    for (int i = 0; i < r.count; i++) {
        bool first = true;
        for (int k = 0; k < i; k++)
            first &= !same_attack(r.list[k].attack, r.list[i].attack);
        if (!first)
            continue;

        /* By documents unless steps alone differ; where both do, each in turn. */
        bool documents, steps;
        find_ladders(&r, r.list[i].attack, &documents, &steps);
        if (documents || !steps)
            put_attack(spot, &r, r.list[i].attack, false);
        if (steps)
            put_attack(spot, &r, r.list[i].attack, true);
    }
    if (r.count == 0)
        gr__spot_misses(spot, "Relearning curves: no model was attacked; `attacks: {relearn: {of: [..]}}` of an "
                              "experiment, with the model that never read of the topic among them, brings them.");
    gr_free(r.list);
}

/* ---- diagnostics ---- */

/* What switching each region off costs each group, in one line of metrics. */
static void add_probe(gr__chart *chart, const gr__spot *spot, const json_t *row, const json_t *line) {
    const json_t *probe = json_object_get(line, "probe"), *on = json_object_get(probe, "on");
    const char *region, *group;
    json_t *losses, *loss;
    json_object_foreach(json_object_get(probe, "off"), region, losses)
        json_object_foreach(losses, group, loss) {
            char *behind = gr_format(": %s without %s", group, region);
            add(chart, spot, row, behind,
                bare(number_or_nan(line, "step"), json_number_value(loss) - number_or_nan(on, group)));
            gr_free(behind);
        }
}

static void add_absorption(gr__chart *chart, const gr__spot *spot, const json_t *row, const json_t *line) {
    const char *label;
    json_t *share;
    json_object_foreach(json_object_get(line, "absorption"), label, share) {
        char *behind = gr_format(": %s", label);
        add(chart, spot, row, behind,
            bare(number_or_nan(line, "step"), json_is_number(share) ? json_number_value(share) : NAN));
        gr_free(behind);
    }
}

/* The last warning of each model, for they go on as long as their cause does. */
static void put_warnings(const gr__spot *spot) {
    size_t i, k;
    json_t *row, *line;
    json_array_foreach(spot->run->rows, i, row) {
        const json_t *last = NULL;
        json_array_foreach(metrics_of(spot, row), k, line)
            last = json_object_get(line, "warning") ? line : last;
        if (!last)
            continue;
        char *title = gr__arm_title(spot, gr__text_of(row, "arm"), knob_of(row));
        char *text = gr_format("%s, seed %.0f, step %.0f: %s.", title, gr__number_of(row, "seed"),
                               gr__number_of(last, "step"), gr__text_of(last, "warning"));
        gr__page_element(spot->page, "p", "class=\"warning\"", text);
        gr_free(title);
        gr_free(text);
    }
}

void gr__put_diagnostics(const gr__spot *spot) {
    gr__chart *absorption =
        gr__chart_new("Share of the gradient that goes into the region", "training step", "share of the squared norm");
    gr__chart *probe = gr__chart_new("What switching a region off costs", "training step", "nats per token");
    size_t i, k;
    json_t *row, *line;
    json_array_foreach(spot->run->rows, i, row)
        json_array_foreach(metrics_of(spot, row), k, line) {
            add_absorption(absorption, spot, row, line);
            add_probe(probe, spot, row, line);
        }

    bool shown = gr__chart_show(absorption, spot->page,
                                "1 for labelled rows says only what the routes do; that of hidden rows says how much "
                                "of what unlabelled text of the topic teaches the region draws in. A region as large "
                                "as the core takes half by its size alone.");
    shown |= gr__chart_show(probe, spot->page,
                            "Above 0 the region holds something of that text. Its control is other text (retain): what "
                            "that loses too is damage, not the topic.");
    if (shown)
        put_warnings(spot);
    else
        gr__spot_misses(spot, "Diagnostics: no model of the folder has any; an arm with `watch: true`, made here, "
                              "brings them.");
}

/* ---- figures ---- */

/* What a figure is at each value of a knob, or at one place. */
static int values_of(const gr__spot *spot, const char *key) {
    if (json_object_get(spot->point, key))
        return 1;
    return (int)json_array_size(json_object_get(json_object_get(spot->point, "knobs"), key));
}

static gr__chart_point value_of(const gr__spot *spot, const char *key, int knob) {
    const json_t *one = json_array_get(json_object_get(json_object_get(spot->point, "knobs"), key), (size_t)knob);
    const json_t *interval = json_object_get(one, "interval");
    double y = number_or_nan(one, "value");
    if (json_object_get(spot->point, key)) {
        interval = json_object_get(json_object_get(spot->point, "intervals"), key);
        y = number_or_nan(spot->point, key);
    }
    bool has = json_array_size(interval) == 2;
    return (gr__chart_point){.y = y,
                             .low = has ? json_number_value(json_array_get(interval, 0)) : NAN,
                             .high = has ? json_number_value(json_array_get(interval, 1)) : NAN,
                             .left = NAN,
                             .right = NAN};
}

/* A figure of this formula that is of an arm as it is, on the text that it is meant for. */
static bool is_plainly(const json_t *figure, const char *formula) {
    return is_text(figure, "figure", formula) && !json_object_get(figure, "minus") &&
           !json_object_get(figure, "group") && !json_object_get(figure, "measure");
}

/* The points of one arm: its removal across, its tax up; of each value of its knob one with a name of its own. */
static void add_arm(gr__chart *chart, const gr__spot *spot, const json_t *removal, const json_t *tax) {
    const char *x_key = gr__text_of(removal, "key"), *y_key = gr__text_of(tax, "key");
    const char *arm = gr__text_of(removal, "of"), *after = gr__text_of(removal, "after");
    int values = values_of(spot, x_key);
    for (int v = 0; v < values && values == values_of(spot, y_key); v++) {
        gr__chart_point x = value_of(spot, x_key, v), p = value_of(spot, y_key, v);
        p.x = x.y, p.left = x.low, p.right = x.high;
        char *title = gr__arm_title(spot, arm, values > 1 ? v : -1);
        char *name = gr_format("%s%s%s", title, after ? ", after " : "", after ? after : "");
        gr__chart_add(chart, name, gr__arm_is_reference(spot, arm), p);
        gr_free(title);
        gr_free(name);
    }
}

void gr__put_frontier(const gr__spot *spot) {
    gr__chart *chart = gr__chart_new("What removal costs", "specific removal (0: as plain, 1: as the filter)",
                                     "tax with the region off, nats per token");
    const json_t *figures = json_object_get(spot->table, "figures");
    size_t i, k;
    json_t *removal, *tax;
    gr__chart_scatter(chart);

    /* A point is an arm that has both figures, before any attack. */
    json_array_foreach(figures, i, removal)
        json_array_foreach(figures, k, tax)
            if (is_plainly(removal, "removal_specific") && is_plainly(tax, "tax_off") &&
                !json_object_get(tax, "after") && is_text(tax, "of", gr__text_of(removal, "of")))
                add_arm(chart, spot, removal, tax);

    /* Where the ratio is 1 and the tax 0 by definition. */
    const char *one = gr__scale_of(spot);
    char *title = gr__arm_title(spot, one, -1);
    if (one && !gr__chart_empty(chart))
        gr__chart_add(chart, title, true, bare(1, 0));
    gr_free(title);
    if (!gr__chart_show(chart, spot->page,
                        "To the right more of the topic is gone, below it costs other text less. Its control is the "
                        "model that never read of the topic, at 1 and 0 by definition: what is above and to the left "
                        "of it is worse than not training on "
                        "the topic at all."))
        gr__spot_misses(spot, "Trade-off: no arm has a number for both; the figures removal_specific and tax_off of "
                              "one arm, above what there is to remove, bring it.");
}

/* ---- sweeps over an axis ---- */

/* The place of a value on an axis: its number where all of them are numbers, else which one it is. */
static double place_on(const json_t *axis, const char *word) {
    const json_t *values = json_object_get(axis, "values");
    size_t i;
    json_t *value;
    json_array_foreach(values, i, value)
        if (is_text(value, "name", word))
            return json_object_get(axis, "key") ? number_or_nan(value, "value") : (double)i;
    return NAN;
}

/* The line of a figure at a point: its title, the value of the knob, and where the point is on the other axes. */
static char *line_of(const gr__spot *spot, const json_t *figure, int knob, const char *along) {
    const char *name, *title = gr__text_of(figure, "title"), *key = gr__text_of(figure, "key");
    const json_t *knobs = json_object_get(json_object_get(spot->point, "knobs"), key);
    const char *at = gr__text_of(json_array_get(knobs, (size_t)knob), "at");
    json_t *value;
    title = title ? title : key;

    char *text = gr_format("%s%s%s%s", title + strspn(title, " "), gr__text_of(figure, "after") ? " (attacked)" : "",
                           at ? ", " : "", at ? at : "");
    json_object_foreach(json_object_get(spot->point, "axes"), name, value)
        if (strcmp(name, along) != 0) {
            char *more = gr_format("%s, %s %s", text, name, json_string_value(value));
            gr_free(text);
            text = more;
        }
    return text;
}

/* A figure at a point, for each value of the knob of its arm. */
static void add_figure(gr__chart *chart, const gr__spot *spot, const json_t *figure, double x, const char *along) {
    const char *key = gr__text_of(figure, "key");
    for (int v = 0; v < values_of(spot, key); v++) {
        gr__chart_point p = value_of(spot, key, v);
        char *line = line_of(spot, figure, v, along);
        p.x = x;
        gr__chart_add(chart, line, false, p);
        gr_free(line);
    }
}

/* Figures of one unit along one axis. unit: "ratio" or "nats". */
static bool put_sweep(const gr__spot *spot, const json_t *axis, const char *unit) {
    const char *name = gr__text_of(axis, "name"), *key = gr__text_of(axis, "key");
    size_t key_length = key ? strlen(key) : 0;
    bool known = key_length > 6 && strcmp(key + key_length - 6, ".known") == 0;
    char *title = gr_format("%s: %s by %s", known ? "Label sweep" : "Sweep",
                            strcmp(unit, "ratio") == 0 ? "ratios" : "losses", name);
    gr__chart *chart = gr__chart_new(title, key ? key : name, strcmp(unit, "ratio") == 0 ? "share" : "nats per token");
    size_t i, k;
    json_t *value, *point, *figure;
    json_array_foreach(key ? NULL : json_object_get(axis, "values"), i, value)
        gr__chart_label(chart, gr__text_of(value, "name"));

    json_array_foreach(json_object_get(spot->run->result, "points"), i, point) {
        double x = place_on(axis, gr__text_of(json_object_get(point, "axes"), name));
        json_array_foreach(json_object_get(spot->table, "figures"), k, figure) {
            if (is_text(figure, "unit", unit) && !json_object_get(figure, "minus") && !json_object_get(figure, "group"))
                add_figure(chart, &(gr__spot){.point = point}, figure, x, name);
        }
    }
    gr_free(title);
    return gr__chart_show(chart, spot->page,
                          known ? "From few known labels to all of them. With every label known the model without its "
                                  "region is the filter by design, so what counts is how far to the left the figures "
                                  "hold; their control is the filter by known labels alone."
                                : "The same figures at each value of the axis: a line that stays where it is says that "
                                  "the result does not hang on it.");
}

void gr__put_sweeps(const gr__spot *spot) {
    const json_t *axes = json_object_get(spot->table, "axes");
    bool any = false;
    size_t i;
    json_t *axis;
    json_array_foreach(axes, i, axis)
        if (json_array_size(json_object_get(axis, "values")) > 1 && gr__text_of(axis, "name")) {
            any |= put_sweep(spot, axis, "ratio");
            any |= put_sweep(spot, axis, "nats");
        }
    if (!any)
        gr__spot_misses(spot, "Label sweep: the experiment has one point; an axis of known shares, as `axes: {known: "
                              "{half: {labels.NAME.known: 0.5}, all: {labels.NAME.known: 1}}}`, brings it.");
}

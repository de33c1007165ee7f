/* Tables of a result, put together from what it says: rows, columns and numbers, whatever shows them. */
#include "report/table.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"

double gr__number_of(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

const char *gr__text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* Pieces and samples have their own word; without a row of data, as a result of claims alone, it is documents. */
const char *gr__counted(const json_t *point) {
    const char *unit = gr__text_of(json_object_get(point, "data"), "counted");
    return unit && *unit ? unit : "documents";
}

/* ---- any table ---- */

gr__table *gr__table_new(const char *title, int digits) {
    gr__table *t = gr_alloc(sizeof *t);
    t->title = gr_strdup(title);
    t->digits = digits;
    return t;
}

void gr__table_column_add(gr__table *t, const char *above, const char *below, bool attacked) {
    GR_PUSH(t->column, t->columns, t->column_room) =
        (gr__table_column){gr_strdup(above ? above : ""), gr_strdup(below ? below : ""), attacked, false};
}

gr__table_cell *gr__table_row_add(gr__table *t, const char *title, const char *note, const json_t *about) {
    gr__table_cell *cell = gr_alloc((size_t)(t->columns + 1) * sizeof *cell);
    GR_PUSH(t->row, t->rows, t->row_room) = (gr__table_row){gr_strdup(title), note && *note ? note : NULL, about, cell};
    return cell;
}

/* null is a number that was refused, or a loss that is none. */
gr__table_cell gr__table_cell_of(const json_t *value, const json_t *interval) {
    bool has = json_array_size(interval) == 2;
    return (gr__table_cell){.value = json_is_number(value) ? json_number_value(value) : NAN,
                            .low = has ? json_number_value(json_array_get(interval, 0)) : NAN,
                            .high = has ? json_number_value(json_array_get(interval, 1)) : NAN};
}

void gr__table_free(gr__table *t) {
    if (!t)
        return;

    /* Heads of columns have two lines; a row owns its cells. */
    for (int c = 0; c < t->columns; c++) {
        gr_free(t->column[c].above);
        gr_free(t->column[c].below);
    }
    for (int r = 0; r < t->rows; r++) {
        gr_free(t->row[r].title);
        gr_free(t->row[r].cell);
    }
    gr_free(t->column);
    gr_free(t->row);
    gr_free(t->title);
    gr_free(t);
}

/* ---- losses ---- */

/* A column for each group, and for the first of them one after each attack. What is the key of each in a model: a list.
 */
static json_t *add_loss_columns(gr__table *t, const json_t *table) {
    json_t *keys = json_array(), *group, *attack;
    size_t i;
    json_array_foreach(json_object_get(table, "groups"), i, group) {
        gr__table_column_add(t, json_string_value(group), "", false);
        json_array_append(keys, group);
    }

    /* The first group is what was to be removed: what comes back of it is what an attack is for. Others after an attack
     * stay in result.json (`retain_relearned`): what fine-tuning costs them is no sign of what a model knew. */
    const char *first = json_string_value(json_array_get(json_object_get(table, "groups"), 0));
    json_array_foreach(json_object_get(table, "attacks"), i, attack) {
        const char *done = gr__text_of(attack, "done");
        char *key = gr_format("%s_%s", first ? first : "", done ? done : "");
        gr__table_column_add(t, first, done, true);
        json_array_append_new(keys, json_string(key));
        gr_free(key);
    }
    return keys;
}

/* A model that has one of these losses. One that was attacked alone, or only completes prompts, has no row. null
 * counts: the loss was to be measured and is no number, which a reader should see. A loss after an attack that it was
 * not given is blank: not every model is attacked, by the experiment's own words, while every model with a row is
 * measured on all groups. */
static void add_model(gr__table *t, const json_t *keys, const char *title, const char *note, const json_t *arm,
                      const json_t *model) {
    const json_t *intervals = json_object_get(model, "intervals");
    gr__table_cell *cell = NULL;
    size_t i;
    json_t *key;
    json_array_foreach(keys, i, key)
        if (!cell && json_object_get(model, json_string_value(key)))
            cell = gr__table_row_add(t, title, note, arm);
    if (!cell)
        return;

    json_array_foreach(keys, i, key) {
        const json_t *value = json_object_get(model, json_string_value(key));
        cell[i] = gr__table_cell_of(value, json_object_get(intervals, json_string_value(key)));
        cell[i].blank = !value && t->column[i].attacked;
    }
}

/* Models against groups, and against what an attack brought back. */
gr__table *gr__table_of_losses(const json_t *table, const json_t *point) {
    const char *unit = gr__text_of(json_object_get(point, "data"), "unit");
    char *heading = gr_format("Loss of the test, %s (lower = knows more)", unit ? unit : "nats per token");
    gr__table *t = gr__table_new(heading, 3);
    json_t *keys = add_loss_columns(t, table), *arm, *one;
    size_t i, k;

    json_array_foreach(json_object_get(table, "arms"), i, arm) {
        const char *name = gr__text_of(arm, "name"), *title = gr__text_of(arm, "title");
        const char *note = gr__text_of(arm, "note");
        const json_t *model = json_object_get(json_object_get(point, "models"), name ? name : "");
        const json_t *values = json_object_get(model, "values");

        /* With a knob a model for each value that was tried. The note once: it holds for the arm, whatever the value.
         */
        title = title ? title : name;
        if (model && !values)
            add_model(t, keys, title, note, arm, model);
        json_array_foreach(values, k, one) {
            char *at = gr_format("%s %s", title, gr__text_of(one, "at"));
            add_model(t, keys, at, k == 0 ? note : NULL, arm, one);
            gr_free(at);
        }
    }
    json_decref(keys);
    gr_free(heading);
    return t;
}

/* ---- right answers ---- */

/* Classes of samples against models: arms with a short title, which an experiment gives to those that it wants
 * compared, and classes, which samples alone have. */
gr__table *gr__table_of_classes(const json_t *table, const json_t *point) {
    gr__table *t = gr__table_new("Right answers, per cent of the samples of the test", 1);
    json_t *shown = json_array(), *arm, *value;
    const char *class;
    size_t i;
    json_array_foreach(json_object_get(table, "arms"), i, arm) {
        const json_t *model = json_object_get(json_object_get(point, "models"), gr__text_of(arm, "name"));
        json_t *classes = json_object_get(model, "classes");
        if (!gr__text_of(arm, "shown") || !classes)
            continue;
        gr__table_column_add(t, gr__text_of(arm, "shown"), "", false);
        json_array_append(shown, classes);
    }

    /* Classes as the first of all arms has them; the share of the class's own samples that get it right (its recall),
     * which the result has from 0 to 1. */
    json_object_foreach(json_array_get(shown, 0), class, value) {
        gr__table_cell *cell = gr__table_row_add(t, class, NULL, NULL);
        for (i = 0; i < json_array_size(shown); i++)
            cell[i] = (gr__table_cell){.value = 100 * gr__number_of(json_array_get(shown, i), class), .low = NAN};
    }
    json_decref(shown);
    return t;
}

/* ---- figures ---- */

/* What the brackets are. Over seeds: mean -+ t s / sqrt(n), t of n - 1 degrees of freedom (Student, "The probable error
 * of a mean", 1908). Of one seed: percentiles of 1,000 draws of documents (Efron, "Bootstrap methods", 1979), or, where
 * a cell keeps sums of buckets in place of documents, leaving out one bucket after the other (Tukey 1958): see
 * measure/interval.c. The kinds say different things, so the heading names its own. */
static char *figures_heading(const json_t *table, const json_t *point) {
    const char *intervals = gr__text_of(table, "intervals");
    if (intervals && !strcmp(intervals, "seeds"))
        return gr_format("Figures, means of %zu seeds with 95 %% intervals (Student's t over seeds)",
                         json_array_size(json_object_get(point, "seeds")));
    if (intervals && !strcmp(intervals, "buckets"))
        return gr_format("Figures, with 95 %% jackknife intervals over 64 buckets of %s", gr__counted(point));
    return gr_format("Figures, with 95 %% bootstrap intervals over %s of the test", gr__counted(point));
}

/* In the order of the experiment, which puts first what matters most. */
gr__table *gr__table_of_figures(const json_t *table, const json_t *point) {
    const json_t *intervals = json_object_get(point, "intervals"), *knobs = json_object_get(point, "knobs");
    char *heading = figures_heading(table, point);
    gr__table *t = gr__table_new(heading, 3);
    size_t i, k;
    json_t *figure, *one;
    gr__table_column_add(t, "", "", false);

    json_array_foreach(json_object_get(table, "figures"), i, figure) {
        const char *key = gr__text_of(figure, "key"), *title = gr__text_of(figure, "title");
        const char *note = gr__text_of(figure, "note");
        const json_t *value = json_object_get(point, key);
        if (value)
            *gr__table_row_add(t, title ? title : key, note, figure) =
                gr__table_cell_of(value, json_object_get(intervals, key));

        /* Of an arm with a knob every value that was tried, not the best alone: the best of many draws is better than
         * it will be next time. */
        json_array_foreach(value ? NULL : json_object_get(knobs, key), k, one) {
            char *at = gr_format("%s, %s", title ? title : key, gr__text_of(one, "at"));
            *gr__table_row_add(t, at, k == 0 ? note : NULL, figure) =
                gr__table_cell_of(json_object_get(one, "value"), json_object_get(one, "interval"));
            gr_free(at);
        }
    }
    gr_free(heading);
    return t;
}

/* Figures against seeds: whoever reads a mean should see what it is the mean of. One that no seed has, as those of arms
 * with knobs, has no row; null counts, since a seed whose figure was refused is what a mean of the others hides. */
gr__table *gr__table_of_seeds(const json_t *table, const json_t *point) {
    const json_t *seeds = json_object_get(point, "seeds");
    gr__table *t = gr__table_new("Figures by seed", 3);
    size_t i, s;
    json_t *figure, *seed;
    json_array_foreach(seeds, s, seed) {
        char *number = gr_format("%.0f", gr__number_of(seed, "seed"));
        gr__table_column_add(t, number, "", false);
        gr_free(number);
    }

    json_array_foreach(json_object_get(table, "figures"), i, figure) {
        const char *key = gr__text_of(figure, "key"), *title = gr__text_of(figure, "title");
        bool any = false;
        json_array_foreach(seeds, s, seed)
            any |= json_object_get(seed, key) != NULL;
        if (!any)
            continue;
        gr__table_cell *cell = gr__table_row_add(t, title ? title : key, NULL, figure);
        json_array_foreach(seeds, s, seed)
            cell[s] =
                gr__table_cell_of(json_object_get(seed, key), json_object_get(json_object_get(seed, "intervals"), key));
    }
    return t;
}

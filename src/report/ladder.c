/* What an attack brought back at each of its strengths, as tables: a row for each number of documents, and beside the
 * model the twin that had nothing to be brought back.
 *
 *     documents  tokens    step  forget  retain recovery  forget  retain recovery
 *                                                           twin    twin     twin
 *            64     640       5   4.000   3.250    0.500   4.500   3.250    0.400
 *
 * A topic that comes back in the model no faster than in its twin was gone from it; whatever training on a topic
 * teaches any network is in both. What the attack costs other text stands beside it: a rate that ruins the model brings
 * nothing back. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "report/table.h"

/* What a table is made of. */
typedef struct making {
    const json_t *table, *point, *attack;
    const char *forget;   /* the group that was to be removed */
    const json_t *ladder; /* of the model */
    const json_t *twin;   /* of the one that never read of it; NULL: there is none, or it is that */
} making;

const char *gr__never_of(const json_t *table, const json_t *point) {
    const char *never = gr__text_of(table, "never"), *scale = gr__text_of(point, "scale");
    return never ? never : scale ? scale : gr__text_of(table, "one");
}

/* The ladder of one model; NULL: it was not attacked so. */
static const json_t *ladder_of(const json_t *model, const json_t *attack) {
    const char *done = gr__text_of(attack, "done");
    char *key = gr_format("%s_ladder", done ? done : "");
    const json_t *ladder = json_object_get(model, key);
    gr_free(key);
    return json_array_size(ladder) > 0 ? ladder : NULL;
}

/* That of the twin: of an arm with a knob its first value stands for it. */
static const json_t *ladder_of_twin(const json_t *table, const json_t *point, const json_t *attack) {
    const char *never = gr__never_of(table, point);
    const json_t *model = never ? json_object_get(json_object_get(point, "models"), never) : NULL;
    const json_t *values = json_object_get(model, "values");
    return ladder_of(values ? json_array_get(values, 0) : model, attack);
}

/* The rung of the same strength; NULL: it has none. */
static const json_t *rung_like(const json_t *ladder, const json_t *rung) {
    size_t i;
    json_t *other;
    json_array_foreach(ladder, i, other)
        if (json_equal(json_object_get(other, "documents"), json_object_get(rung, "documents")) &&
            json_equal(json_object_get(other, "tokens"), json_object_get(rung, "tokens")))
            return other;
    return NULL;
}

/* Whether some rung has a member. */
static bool any_has(const json_t *ladder, const char *key) {
    size_t i;
    json_t *rung;
    json_array_foreach(ladder, i, rung)
        if (json_object_get(rung, key))
            return true;
    return false;
}

/* ---- one table ---- */

static void add_column(gr__table *t, json_t *keys, const char *key, const char *below, bool counts) {
    gr__table_column_add(t, key, below, false);
    t->column[t->columns - 1].counts = counts;
    json_array_append_new(keys, json_string(key));
}

/* Columns of losses and of what came back, as far as the ladder has them; below: whose. */
static void add_losses(gr__table *t, json_t *keys, const making *m, const json_t *ladder, const char *below) {
    const char *const members[] = {m->forget, "retain", "recovery"};
    for (int i = 0; i < 3; i++)
        if (members[i] && (i == 0 || !m->forget || strcmp(members[i], m->forget) != 0) && any_has(ladder, members[i]))
            add_column(t, keys, members[i], below, false);
}

/* A number of a rung; a dash where it was refused, nothing where the twin was not attacked so. */
static gr__table_cell cell_of(const json_t *rung, const char *key) {
    gr__table_cell cell = gr__table_cell_of(json_object_get(rung, key), NULL);
    cell.blank = !rung;
    return cell;
}

/* All rungs of one model. */
static gr__table *make(const making *m, const char *title) {
    gr__table *t = gr__table_new(title, 3);
    json_t *keys = json_array(), *rung;
    size_t i;

    /* How strong it was and where it served best; then the model, then its twin. */
    add_column(t, keys, "tokens", "", true);
    if (any_has(m->ladder, "step"))
        add_column(t, keys, "step", "", true);
    add_losses(t, keys, m, m->ladder, "");
    const int own = t->columns;
    if (m->twin)
        add_losses(t, keys, m, m->twin, "twin");

    json_array_foreach(m->ladder, i, rung) {
        char *documents = gr_format("%.0f", gr__number_of(rung, "documents"));
        gr__table_cell *cell = gr__table_row_add(t, documents, NULL, NULL);

        /* Attacks of other strengths compare with nothing. */
        const json_t *beside = rung_like(m->twin, rung);
        for (int c = 0; c < t->columns; c++)
            cell[c] = cell_of(c < own ? rung : beside, json_string_value(json_array_get(keys, (size_t)c)));
        gr_free(documents);
    }
    json_decref(keys);
    return t;
}

/* ---- savings ---- */

/* "savings 0.120 [0.050, 0.190]" */
static char *sentence(const json_t *value, const json_t *interval) {
    const gr__table_cell cell = gr__table_cell_of(value, interval);
    char number[64] = "-", brackets[160] = "";
    if (isfinite(cell.value))
        gr__print(number, sizeof number, "%.3f", cell.value);
    if (isfinite(cell.low) && isfinite(cell.high))
        gr__print(brackets, sizeof brackets, " [%.3f, %.3f]", cell.low, cell.high);
    return gr_format("savings %s%s", number, brackets);
}

/* The figure of an arm after the attack, at the value of its knob (-1: it has none); NULL: nobody asked for it. */
static char *savings_of(const making *m, const char *arm, int knob) {
    size_t i;
    json_t *figure;
    json_array_foreach(json_object_get(m->table, "figures"), i, figure) {
        const char *name = gr__text_of(figure, "figure"), *of = gr__text_of(figure, "of");
        const char *after = gr__text_of(figure, "after"), *key = gr__text_of(figure, "key");
        if (!name || !of || !after || !key || strcmp(name, "savings") != 0 || strcmp(of, arm) != 0 ||
            strcmp(after, gr__text_of(m->attack, "name")) != 0 || json_object_get(figure, "minus"))
            continue;

        /* Over the trials of a knob, or of the one model that there is. */
        const json_t *trials = json_object_get(json_object_get(m->point, "knobs"), key);
        const json_t *one = knob < 0 ? NULL : json_array_get(trials, (size_t)knob);
        if (one)
            return sentence(json_object_get(one, "value"), json_object_get(one, "interval"));
        if (json_object_get(m->point, key))
            return sentence(json_object_get(m->point, key),
                            json_object_get(json_object_get(m->point, "intervals"), key));
    }
    return NULL;
}

/* ---- all of them ---- */

typedef struct list {
    gr__ladder *ladder;
    int count;
    size_t room;
} list;

static const char *title_of_twin(const making *m) {
    const char *never = gr__never_of(m->table, m->point), *title = NULL;
    size_t i;
    json_t *arm;
    json_array_foreach(json_object_get(m->table, "arms"), i, arm)
        if (!strcmp(gr__text_of(arm, "name"), never))
            title = gr__text_of(arm, "title");
    return title ? title : never;
}

/* One model, or one value of its knob. The twin has a table of its own only where it is nobody's. */
static void add_model(list *l, making m, const json_t *arm, const json_t *model, const char *at, int knob) {
    const char *name = gr__text_of(arm, "name"), *title = gr__text_of(arm, "title");
    const char *attack = gr__text_of(m.attack, "name");
    m.ladder = ladder_of(model, m.attack);
    if (!m.ladder || m.ladder == m.twin)
        return;
    char *heading =
        gr_format("After %s: %s%s%s%s%s%s", attack, title ? title : name, at ? " " : "", at ? at : "",
                  m.twin ? ", beside " : "", m.twin ? title_of_twin(&m) : "", m.twin ? ", which never read of it" : "");
    GR_PUSH(l->ladder, l->count, l->room) = (gr__ladder){make(&m, heading), savings_of(&m, name, knob)};
    gr_free(heading);
}

gr__ladder *gr__ladders_of(int *count, const json_t *table, const json_t *point) {
    list l = {0};
    size_t a, i, k;
    json_t *attack, *arm, *one;
    json_array_foreach(json_object_get(table, "attacks"), a, attack) {
        const making m = {table,  point,
                          attack, json_string_value(json_array_get(json_object_get(table, "groups"), 0)),
                          NULL,   ladder_of_twin(table, point, attack)};
        json_array_foreach(json_object_get(table, "arms"), i, arm) {
            const char *name = gr__text_of(arm, "name");
            const json_t *model = json_object_get(json_object_get(point, "models"), name ? name : "");
            const json_t *values = json_object_get(model, "values");

            /* One table, or one for each value that was tried. */
            if (!values)
                add_model(&l, m, arm, model, NULL, -1);
            json_array_foreach(values, k, one)
                add_model(&l, m, arm, one, gr__text_of(one, "at"), (int)k);
        }
    }
    *count = l.count;
    return l.ladder;
}

void gr__ladders_free(gr__ladder *ladder, int count) {
    for (int i = 0; i < count; i++) {
        gr__table_free(ladder[i].table);
        gr_free(ladder[i].savings);
    }
    gr_free(ladder);
}

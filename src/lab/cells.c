/* What an experiment wants, as cells, and which of them is next. */
#include "lab/cells.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- uses ---- */

/* Uses while they are listed: models are found again by what they are of. */
typedef struct lister {
    const gr__cells_def *def;
    gr__cells *cells;
    int *model; /* [arms][points][seeds][knobs] use; -1: none */
    int points, knobs;
} lister;

/* Where the number of the use is that makes this model. */
static int *model_at(const lister *l, int arm, int point, int seed, int knob) {
    size_t at = (size_t)arm;
    at = at * (size_t)l->points + (size_t)point;
    at = at * (size_t)l->def->seeds + (size_t)seed;
    return &l->model[at * (size_t)l->knobs + (size_t)knob];
}

/* Adds a use to the list; its cell is found later, by its key. */
static int add_use(lister *l, gr__use use) {
    gr__cells *cells = l->cells;
    use.cell = -1;
    GR_PUSH(cells->use, cells->uses, cells->use_room) = use;
    return cells->uses - 1;
}

/* A cell of the data for each point and seed. */
static void list_data(lister *l) {
    for (int point = 0; point < l->points; point++)
        for (int seed = 0; seed < l->def->seeds; seed++)
            add_use(l, (gr__use){GR_CELL_DATA, .arm = -1, .point = point, .seed = seed, .reading = -1, .parent = -1});
}

/* The use of the model that an arm goes on from: with the same knob, where the knob is the parent's. */
static int parent_of(const lister *l, const gr_arm *arm, int point, int seed, int knob) {
    int parent = (int)(arm->from - l->def->experiment->arm);
    bool inherited = arm->knob.values == 0;
    return *model_at(l, parent, point, seed, inherited ? knob : 0);
}

/* The cells of an arm: a model for each point, seed and knob at which it and its parent are made. */
static void list_models(lister *l, int arm) {
    const gr_experiment *e = l->def->experiment;
    const gr_arm *a = &e->arm[arm];
    int knobs = gr_experiment_knobs(e, arm);

    /* Only where it runs: what was chosen for a point, or its own `at`, may leave it out. */
    for (int point = 0; point < l->points; point++) {
        if (!l->def->runs[point * e->arms + arm] || !gr_experiment_at(e, a->at, a->ats, point))
            continue;
        for (int seed = 0; seed < l->def->seeds; seed++)
            for (int knob = 0; knob < knobs; knob++) {
                int parent = a->from ? parent_of(l, a, point, seed, knob) : -1;
                if (a->from && parent < 0) /* it is not made at this point */
                    continue;
                *model_at(l, arm, point, seed, knob) =
                    add_use(l, (gr__use){GR_CELL_MODEL, arm, point, seed, knob, .reading = -1, .parent = parent});
            }
    }
}

/* Whether something is for a task; without a list it is for all. */
static bool knows_task(const char *const *tasks, const char *task) {
    for (; task && tasks && *tasks; tasks++)
        if (!strcmp(*tasks, task))
            return true;
    return !task || !tasks;
}

/* Whether a reading is made of an arm. */
static bool is_of(const gr_reading *r, int arm) {
    for (int i = 0; i < r->arms; i++)
        if (r->arm[i] == arm)
            return true;
    return false;
}

/* A reading of one model: once, or for each value of an option. */
static void list_reading(lister *l, int reading, int model) {
    const gr__cells_def *def = l->def;
    const gr__use of = l->cells->use[model];
    gr_cell_kind kind = def->experiment->use[reading].measure ? GR_CELL_MEASURE : GR_CELL_ATTACK;
    int each = def->each ? def->each(def->user, reading, of.point, of.seed) : 1;
    for (int i = 0; i < each; i++)
        add_use(l, (gr__use){kind, of.arm, of.point, of.seed, of.knob, reading, i, .parent = model});
}

/* All readings of one kind of an arm, model by model. */
static void list_readings(lister *l, gr_cell_kind kind, int arm) {
    const gr_experiment *e = l->def->experiment;
    for (int point = 0; point < l->points; point++)
        for (int seed = 0; seed < l->def->seeds; seed++)
            for (int knob = 0; knob < l->knobs; knob++)
                for (int r = 0, model = *model_at(l, arm, point, seed, knob); model >= 0 && r < e->uses; r++) {
                    const gr_reading *reading = &e->use[r];
                    const char *const *tasks = reading->measure ? reading->measure->tasks : reading->attack->tasks;
                    bool wanted = kind == (reading->measure ? GR_CELL_MEASURE : GR_CELL_ATTACK);
                    if (wanted && is_of(reading, arm) && knows_task(tasks, l->def->task))
                        list_reading(l, r, model);
                }
}

gr__cells *gr__cells_new(const gr__cells_def *def) {
    const gr_experiment *e = def->experiment;
    gr__cells *cells = gr_alloc(sizeof *cells);
    lister l = {.def = def, .cells = cells, .points = gr_experiment_points(e), .knobs = 1};
    for (int arm = 0; arm < e->arms; arm++)
        l.knobs = gr_experiment_knobs(e, arm) > l.knobs ? gr_experiment_knobs(e, arm) : l.knobs;

    /* No model is there until it was listed. */
    size_t models = (size_t)e->arms * (size_t)l.points * (size_t)def->seeds * (size_t)l.knobs;
    l.model = gr_alloc((models + 1) * sizeof *l.model);
    memset(l.model, 0xff, models * sizeof *l.model);

    /* Data, then all models in the order of arms (parents stand before their children), then what is read of them. */
    list_data(&l);
    for (gr_cell_kind kind = GR_CELL_MODEL; kind < GR_CELL_KINDS; kind++)
        for (int arm = 0; arm < e->arms; arm++) {
            if (kind == GR_CELL_MODEL)
                list_models(&l, arm);
            else
                list_readings(&l, kind, arm);
        }
    gr_free(l.model);
    return cells;
}

void gr__cells_free(gr__cells *cells) {
    if (!cells)
        return;
    gr_free(cells->use);
    gr_free(cells->cell);
    gr_free(cells);
}

/* ---- cells ---- */

void gr__cells_key(gr__cells *cells, int use, const char *key, bool view) {
    assert(use >= 0 && use < cells->uses && strlen(key) == GR_DIGEST_HEX - 1);
    strcpy(cells->use[use].key, key);
    cells->use[use].view = view;
}

/* By their keys, and of one key the first use first. */
static int by_key(const void *a, const void *b) {
    const gr__use *x = *(gr__use *const *)a, *y = *(gr__use *const *)b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x > y) - (x < y);
}

/* Says of each use which is the first of its key. */
static void find_first(const gr__cells *cells, int *first) {
    gr__use **sorted = gr_alloc(((size_t)cells->uses + 1) * sizeof *sorted);
    for (int u = 0; u < cells->uses; u++)
        sorted[u] = &cells->use[u];
    qsort(sorted, (size_t)cells->uses, sizeof *sorted, by_key);
    for (int i = 0, start = 0; i < cells->uses; i++) {
        if (strcmp(sorted[i]->key, sorted[start]->key) != 0)
            start = i;
        first[sorted[i] - cells->use] = (int)(sorted[start] - cells->use);
    }
    gr_free(sorted);
}

void gr__cells_join(gr__cells *cells) {
    int *first = gr_alloc(((size_t)cells->uses + 1) * sizeof *first);
    gr_free(cells->cell);
    cells->cell = gr_alloc(((size_t)cells->uses + 1) * sizeof *cells->cell);
    cells->cells = 0;
    find_first(cells, first);

    /* In the order of uses, so that parents have their cells by then. */
    for (int u = 0; u < cells->uses; u++) {
        gr__use *use = &cells->use[u];
        assert(use->key[0]);
        if (first[u] < u) {
            use->cell = cells->use[first[u]].cell;
            continue;
        }
        use->cell = cells->cells++;
        cells->cell[use->cell] = (gr__lab_cell){.key = use->key,
                                                .use = u,
                                                .view = use->view,
                                                .parent = use->parent < 0 ? -1 : cells->use[use->parent].cell};
    }
    gr_free(first);
}

int gr__cells_only(gr__cells *cells, const char *key) {
    int found = 0, only = -1;
    for (int c = 0; c < cells->cells; c++)
        if (!strncmp(cells->cell[c].key, key, strlen(key))) {
            only = c;
            found++;
        }
    if (found != 1)
        return found;

    /* From the one up to the model that was trained from the seed. */
    for (int c = 0; c < cells->cells; c++)
        cells->cell[c].left_out = true;
    for (; only >= 0; only = cells->cell[only].parent)
        cells->cell[only].left_out = false;
    return found;
}

void gr__cells_know(gr__cells *cells, int cell, gr__known known) {
    assert(cell >= 0 && cell < cells->cells);
    cells->cell[cell].known = known;
}

/* ---- what is next ---- */

static bool has_rows(const gr__lab_cell *c) {
    return c->known.state == GR_CELL_DONE || c->known.state == GR_CELL_COMMITTED || c->known.state == GR_CELL_DIVERGED;
}

/* Whether a model above it diverged: then there is nothing to begin with, and nobody wants it. */
static bool is_blocked(const gr__cells *cells, const gr__lab_cell *c) {
    for (int up = c->parent; up >= 0; up = cells->cell[up].parent)
        if (cells->cell[up].known.state == GR_CELL_DIVERGED)
            return true;
    return false;
}

/* Whether its weights are there: its own, or those it is a view of. */
static bool has_weights(const gr__cells *cells, const gr__lab_cell *c) {
    for (; c->view && has_rows(c) && c->parent >= 0; c = &cells->cell[c->parent])
        ;
    return has_rows(c) && c->known.model;
}

static bool is_ready(const gr__cells *cells, const gr__lab_cell *c) {
    return c->parent < 0 || has_weights(cells, &cells->cell[c->parent]);
}

/* Whether it is still to be made, for the first time or with more in its rows. */
static bool is_missing(const gr__cells *cells, const gr__lab_cell *c) {
    return !c->left_out && (!has_rows(c) || c->known.poor) && !is_blocked(cells, c);
}

/* Marks the models whose weights are wanted: those that missing cells begin with, and, where such weights are gone,
 * those that their making begins with. */
static void mark_needed(const gr__cells *cells, bool *needed) {
    for (int i = cells->cells - 1; i >= 0; i--) { /* children before parents */
        const gr__lab_cell *c = &cells->cell[i];
        bool made = is_missing(cells, c) || (needed[i] && (c->view || !c->known.model));
        if (made && c->parent >= 0)
            needed[c->parent] = true;
    }
}

/* Whether a model is to be made again: its rows are there, its weights are wanted and gone. */
static bool is_lost(const gr__lab_cell *c, bool needed) { return has_rows(c) && needed && !c->view && !c->known.model; }

int gr__cells_next(const gr__cells *cells, bool *again, bool *wait) {
    bool *needed = gr_alloc((size_t)cells->cells + 1);
    int next = -1;
    *again = *wait = false;
    mark_needed(cells, needed);

    /* The first that nobody is at work on and whose parent is there; where there is none, those at work are waited for.
     */
    for (int i = 0; i < cells->cells && next < 0; i++) {
        const gr__lab_cell *c = &cells->cell[i];
        bool missing = is_missing(cells, c), lost = is_lost(c, needed[i]);
        bool busy = c->known.state == GR_CELL_BUSY || c->known.busy;
        if ((missing || lost) && busy)
            *wait = true;
        else if ((missing || lost) && is_ready(cells, c))
            next = i, *again = lost;
    }
    if (next >= 0)
        *wait = false;
    gr_free(needed);
    return next;
}

bool gr__cells_needs(const gr__cells *cells, int cell) {
    bool *needed = gr_alloc((size_t)cells->cells + 1);
    mark_needed(cells, needed);
    bool needs = needed[cell];
    gr_free(needed);
    return needs;
}

void gr__cells_left(const gr__cells *cells, bool *left) {
    bool *needed = gr_alloc((size_t)cells->cells + 1);
    mark_needed(cells, needed);
    for (int i = 0; i < cells->cells; i++) {
        const gr__lab_cell *c = &cells->cell[i];
        left[i] = is_missing(cells, c) || is_lost(c, needed[i]);
    }
    gr_free(needed);
}

/* ---- options that ask for one measurement each ---- */

static int values_of(const gr_settings *settings, const gr_setting *option) {
    int count = option->each ? gr_settings_get(settings, option->key)->count : 1;
    return count > 0 ? count : 1;
}

int gr__settings_each(const gr_settings *settings, const gr_setting *table) {
    int count = 1;
    for (const gr_setting *option = table; option && option->kind; option++)
        count *= values_of(settings, option);
    return count;
}

/* Leaves one value of a list. */
static void narrow(gr_settings *settings, const char *key, int i) {
    gr_setting_value one = *gr_settings_get(settings, key);
    double number = one.numbers ? one.numbers[i] : 0;
    const char *text = one.texts ? one.texts[i] : NULL;
    one.numbers = &number, one.texts = &text, one.count = 1;
    gr_settings_put(settings, key, &one);
}

void gr__settings_narrow(gr_settings *settings, const gr_setting *table, int i) {
    /* As the digits of i, that of the first option lowest. */
    for (const gr_setting *option = table; option && option->kind; option++) {
        int values = values_of(settings, option);
        if (values > 1)
            narrow(settings, option->key, i % values);
        i /= values;
    }
}

/* Opening an experiment: which models run, what each place reads, and the key of every cell. Writes nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "lab/experiment_read.h"
#include "lab/given.h"
#include "lab/lab_forecast.h"
#include "lab/lab_state.h"
#include "lab/lab_words.h"
#include "lab/registry.h"
#include "task/output.h"
#include "task/precision.h"

/* ---- places ---- */

int gr__lab_places(const gr_lab *lab) { return gr_experiment_points(lab->experiment) * lab->seeds; }
int gr__lab_place_of(const gr_lab *lab, const gr__use *use) { return use->point * lab->seeds + use->seed; }

/* ---- arms ---- */

/* The arm whose recipe a model has: its own, or that of the parent that it goes on from. */
static int recipe_arm(const gr_lab *lab, int arm) {
    const gr_arm *a = &lab->experiment->arm[arm];
    while (a->from && !a->method->recipe)
        a = a->from;
    return (int)(a - lab->experiment->arm);
}

gr_status gr__lab_arm_open(gr__lab_arm *out, const gr_lab *lab, const gr__use *use, gr_error *err) {
    int arm = recipe_arm(lab, use->arm);
    const gr_method *method = lab->experiment->arm[arm].method;
    gr_settings *settings;

    /* Without a recipe of its own an arm has the project of its place. */
    *out = (gr__lab_arm){.project = *lab->project};
    if (!method->recipe)
        return GR_OK;

    GR_TRY(gr_experiment_settings(&settings, lab->experiment, arm, use->knob, lab->recipe, err));
    gr_status status = method->recipe(&out->recipe, lab->recipe, settings, err);
    gr_settings_free(settings);

    /* Data and vocabulary are those of the place; only what the arm sets is another. */
    if (status == GR_OK && out->recipe)
        status = gr_project_with(&out->project, lab->project, out->recipe, err);
    if (status != GR_OK) {
        gr_recipe_free(out->recipe);
        *out = (gr__lab_arm){0};
    }
    return status;
}

void gr__lab_arm_close(gr__lab_arm *arm) {
    if (arm->recipe)
        gr_project_with_close(&arm->project);
    gr_recipe_free(arm->recipe);
    *arm = (gr__lab_arm){0};
}

gr_status gr__lab_settings(gr_settings **settings, const gr_lab *lab, const gr__use *use, const gr_recipe *recipe,
                           gr_error *err) {
    const gr_experiment *e = lab->experiment;
    if (use->reading < 0)
        return gr_experiment_settings(settings, e, use->arm, use->knob, recipe, err);

    const gr_reading *reading = &e->use[use->reading];
    GR_TRY(gr_reading_settings(settings, reading, recipe, err));
    const gr_setting *table = reading->attack ? reading->attack->option : reading->measure->option;
    if (table)
        gr__settings_narrow(*settings, table, use->each);
    return GR_OK;
}

/* ---- what runs ---- */

/* A fact holds of the data or it does not: each that the experiment has a word for is asked. A plan takes what is
 * needed for granted. */
static void find_facts(const gr_lab *lab, const char **fact, int *count) {
    const gr_experiment *e = lab->experiment;
    const gr_task *task = lab->project->task;
    *count = 0;
    for (int i = 0; i < e->needs; i++)
        if (lab->def.planned || (task->fact && task->fact(lab->project, e->need[i])))
            fact[(*count)++] = e->need[i];
    for (int i = 0; i < e->arms; i++)
        if (e->arm[i].when && task->fact && task->fact(lab->project, e->arm[i].when))
            fact[(*count)++] = e->arm[i].when;
}

/* Whether the data have all that the experiment needs. */
static bool meets_needs(const gr_lab *lab) {
    const gr_experiment *e = lab->experiment;
    const gr_task *task = lab->project->task;
    for (int i = 0; i < e->needs; i++)
        if (!task->fact || !task->fact(lab->project, e->need[i]))
            return false;
    return true;
}

/* Which arms run at the point that is open: those that were named, or those whose facts hold. */
static gr_status select_arms(bool *runs, const gr_lab *lab, gr_error *err) {
    const gr_experiment *e = lab->experiment;
    const char **fact = gr_alloc((size_t)(e->needs + e->arms + 1) * sizeof *fact);
    const char **given = gr_alloc((size_t)(lab->def.givens + 1) * sizeof *given);
    int facts;
    find_facts(lab, fact, &facts);

    /* Whoever names arms decides: the caller before the recipe. */
    gr_selection how = {.fact = fact, .facts = facts};
    if (lab->def.planned && !meets_needs(lab)) {
        how.named = true; /* nobody: what is fixed alone */
    } else if (lab->def.givens > 0) {
        for (int i = 0; i < lab->def.givens; i++)
            given[i] = lab->def.given[i].arm;
        how.named = true;
        how.arm = given;
        how.arms = lab->def.givens;
        how.place = "--models";
    } else if (lab->def.arms > 0) {
        how.named = true;
        how.arm = lab->def.arm;
        how.arms = lab->def.arms;
        how.place = "--arms";
    } else if (lab->def.twins && lab->recipe->twins_said) {
        how.named = true;
        how.arm = lab->recipe->twin;
        how.arms = lab->recipe->twins;
        how.place = "twins";
    }
    gr_status status = gr_experiment_select(runs, e, &how, err);
    gr_free(fact);
    gr_free(given);
    if (status == GR_OK && lab->def.givens > 0)
        status = gr__experiment_all_given(e, runs, err);
    return status;
}

/* Whether the data decide what runs, so that it may differ from point to point. */
static bool facts_choose(const gr_lab *lab) {
    const gr_experiment *e = lab->experiment;
    bool any = e->needs > 0;
    if (lab->def.arms > 0 || lab->def.givens > 0 || e->only)
        return any;
    for (int i = 0; i < e->arms; i++)
        any = any || (e->arm[i].when && strcmp(e->arm[i].when, "asked") != 0);
    return any;
}

/* What runs at the points that read what the first one does, or at all others. */
static gr_status select_where(bool *runs, gr_lab *lab, const bool *like, bool wanted, const gr_control *control,
                              gr_error *err) {
    for (int point = 0; point < gr_experiment_points(lab->experiment); point++) {
        if (like[point] != wanted)
            continue;
        GR_TRY(gr__lab_open_place(lab, point * lab->seeds, control, err));
        GR_TRY(select_arms(&runs[point * lab->experiment->arms], lab, err));
    }
    return GR_OK;
}

/* Point by point. Whoever reads what the first one does comes last, and that one before them: so it is read once, its
 * network settles the precision of all of them, and it is still there when its keys are made. */
static gr_status select_by_data(bool *runs, gr_lab *lab, const gr_control *control, gr_error *err) {
    bool *like = gr_alloc((size_t)gr_experiment_points(lab->experiment) * sizeof *like);
    gr_status status = gr__lab_find_like_first(like, lab, err);
    if (status == GR_OK)
        status = select_where(runs, lab, like, false, control, err);
    if (status == GR_OK)
        status = select_where(runs, lab, like, true, control, err);
    gr_free(like);
    GR_TRY(status);
    return gr__lab_open_place(lab, 0, control, err);
}

/* What runs at every point, by its data at the first seed. Afterwards the first point is open. */
static gr_status select_at_points(bool *runs, gr_lab *lab, const gr_control *control, gr_error *err) {
    const int arms = lab->experiment->arms, points = gr_experiment_points(lab->experiment);
    if (points > 1 && facts_choose(lab))
        return select_by_data(runs, lab, control, err);

    /* Where the data have no say one answer is for all, and those of the first point alone need to be read for it. */
    GR_TRY(gr__lab_open_place(lab, 0, control, err));
    GR_TRY(select_arms(runs, lab, err));
    for (int point = 1; point < points; point++)
        memcpy(&runs[point * arms], runs, (size_t)arms * sizeof *runs);
    return GR_OK;
}

bool gr__lab_runs(const gr_lab *lab, int arm) {
    for (int point = 0; point < gr_experiment_points(lab->experiment); point++)
        if (lab->runs[point * lab->experiment->arms + arm])
            return true;
    return false;
}

/* Whether an arm could be made of these data: what its method would refuse is not suggested. */
static bool could_run(const gr_lab *lab, int arm) {
    const gr_arm *a = &lab->experiment->arm[arm];
    gr__use use = {.kind = GR_CELL_MODEL, .arm = arm, .reading = -1};
    gr_error no = {0};
    gr__lab_arm own;
    gr_settings *settings;
    if (gr__lab_arm_open(&own, lab, &use, &no) != GR_OK)
        return false;

    bool could = gr__lab_settings(&settings, lab, &use, own.project.recipe, &no) == GR_OK;
    if (could) {
        gr_making making = {.project = &own.project, .settings = settings, .name = a->name};
        could = gr_method_check(a->method, &making, &no) == GR_OK;
        gr_settings_free(settings);
    }
    gr__lab_arm_close(&own);
    return could;
}

/* Arms that could run here and do not. */
static void find_suggestions(gr_lab *lab) {
    const gr_experiment *e = lab->experiment;
    lab->suggested = gr_alloc((size_t)(e->suggests + 1) * sizeof *lab->suggested);
    for (int i = 0; i < e->suggests; i++)
        if (!gr__lab_runs(lab, e->suggest[i]) && could_run(lab, e->suggest[i]))
            lab->suggested[lab->suggestions++] = e->suggest[i];
}

/* ---- keys ---- */

/* What all cells of a place say. */
static gr__cell_id begin_id(const gr_lab *lab, const gr__use *use) {
    const gr_recipe *r = lab->recipe;
    const gr_task *task = lab->project->task;
    return (gr__cell_id){.kind = use->kind,
                         .task = task->name,
                         .task_revision = task->revision,
                         .data = lab->project->data_digest,
                         .precision = gr__precision_word(r->precision),
                         .seed = r->seed,
                         .split_seed = r->split_seed,
                         .order_seed = r->order_seed,
                         .parent = use->parent >= 0 ? lab->cells->use[use->parent].key : NULL};
}

/* A model: what its method is, and what it is shown. Whatever refuses to be made says so here. */
static gr_status key_model(gr_lab *lab, gr__cell_id *id, char key[GR_DIGEST_HEX], json_t **of, bool *view,
                           const gr__use *use, gr_error *err) {
    const gr_arm *arm = &lab->experiment->arm[use->arm];
    const gr_method *method = arm->method;
    gr__lab_arm own;
    gr_settings *settings = NULL;
    char shown[GR_DIGEST_HEX];
    GR_TRY(gr__lab_arm_open(&own, lab, use, err));
    gr_status status = gr__lab_settings(&settings, lab, use, own.project.recipe, err);

    gr_making making = {.project = &own.project, .settings = settings, .name = arm->name};
    if (status == GR_OK)
        status = gr_method_check(method, &making, err);
    gr_digest *digest = gr_digest_new();
    if (status == GR_OK)
        status = gr_method_digest(method, &making, digest, err);
    gr_digest_end(digest, shown);
    if (status == GR_OK && method->routed && method->routed(settings))
        status = gr__lab_note_routes(lab, use, own.project.recipe, err);

    if (status == GR_OK) {
        *view = method->view && method->view(settings);
        id->what = method->name;
        id->revision = method->revision;
        id->settings = settings;
        id->recipe = *view ? NULL : own.project.recipe;
        id->unread = method->unread ? method->unread(settings) : NULL;
        id->shown = shown;
        status = gr__cell_key(key, of, id, err);
    }
    gr_settings_free(settings);
    gr__lab_arm_close(&own);
    return status;
}

/* A measurement of a model that is not there yet. */
static gr_status key_reading(gr_lab *lab, gr__cell_id *id, char key[GR_DIGEST_HEX], json_t **of, const gr__use *use,
                             gr_error *err) {
    const gr_reading *reading = &lab->experiment->use[use->reading];
    const gr_attack *attack = reading->attack;
    gr__lab_arm own;
    gr_settings *settings = NULL;
    GR_TRY(gr__lab_arm_open(&own, lab, use, err));
    gr_status status = gr__lab_settings(&settings, lab, use, own.project.recipe, err);
    if (status == GR_OK && attack && attack->check && !lab->def.planned) {
        const gr_project *p = &own.project;
        gr_subject subject = {.name = lab->experiment->name,
                              .recipe = p->recipe,
                              .data = p->data,
                              .labels = p->labels,
                              .tokenizer = p->tokenizer,
                              .groups = &lab->groups,
                              .seed = p->recipe->split_seed};
        status = attack->check(&subject, settings, err);
    }

    /* Which documents are told apart decides it too. */
    if (status == GR_OK) {
        id->what = attack ? attack->name : reading->measure->name;
        id->revision = attack ? attack->revision : reading->measure->revision;
        id->settings = settings;
        id->groups = &lab->groups;
        status = gr__cell_key(key, of, id, err);
    }
    gr_settings_free(settings);
    gr__lab_arm_close(&own);
    return status;
}

/* The key of the cell that a use asks for. */
static gr_status key_use(gr_lab *lab, int u, json_t **of, gr_error *err) {
    const gr__use *use = &lab->cells->use[u];
    gr__cell_id id = begin_id(lab, use);
    char key[GR_DIGEST_HEX];
    bool view = false;

    /* By its kind; a parent has its key by now, which is a part of this one. */
    if (use->kind == GR_CELL_MODEL) {
        GR_TRY(key_model(lab, &id, key, of, &view, use, err));
    } else if (use->kind == GR_CELL_DATA) {
        id.groups = &lab->groups;
        GR_TRY(gr__cell_key(key, of, &id, err));
    } else {
        GR_TRY(key_reading(lab, &id, key, of, use, err));
    }
    gr__cells_key(lab->cells, u, key, view);
    return GR_OK;
}

/* Measurements that an option asks for, one for each of its values. They are the same at every place. */
static int count_each(void *user, int reading, int point, int seed) {
    const gr_lab *lab = user;
    const gr_reading *r = &lab->experiment->use[reading];
    const gr_setting *table = r->attack ? r->attack->option : r->measure->option;
    gr_settings *settings;
    gr_error no = {0};
    (void)point, (void)seed;
    if (!table || gr_reading_settings(&settings, r, lab->recipe, &no) != GR_OK)
        return 1;
    int count = gr__settings_each(settings, table);
    gr_settings_free(settings);
    return count;
}

/* What was set at the point that is open, where settings are to be chosen. */
static gr_status say_settings(gr_lab *lab, gr_error *err) {
    const gr_experiment *e = lab->experiment;
    if (e->choose.mosts == 0 || lab->open % lab->seeds != 0)
        return GR_OK;
    if (!lab->said)
        lab->said = gr_alloc((size_t)(gr_experiment_points(e) + 1) * sizeof *lab->said);
    return gr__experiment_said(&lab->said[lab->open / lab->seeds], e, lab->recipe, err);
}

/* Keys of all uses, place by place; parents stand before what begins with them. */
static gr_status make_keys(gr_lab *lab, const gr_control *control, gr_error *err) {
    int uses = lab->cells->uses;
    json_t **of = gr_alloc((size_t)(uses + 1) * sizeof(json_t *));
    gr_status status = GR_OK;
    for (int place = 0; place < gr__lab_places(lab) && status == GR_OK; place++) {
        status = gr__lab_open_place(lab, place, control, err);
        if (status == GR_OK)
            status = say_settings(lab, err);
        for (int u = 0; u < uses && status == GR_OK; u++)
            if (gr__lab_place_of(lab, &lab->cells->use[u]) == place)
                status = key_use(lab, u, &of[u], err);
    }

    /* Uses of one key are one cell, and what that is of is said by the first of them. */
    if (status == GR_OK) {
        gr__cells_join(lab->cells);
        lab->of = gr_alloc((size_t)(lab->cells->cells + 1) * sizeof *lab->of);
        for (int c = 0; c < lab->cells->cells; c++)
            lab->of[c] = json_incref(of[lab->cells->cell[c].use]);
    }
    for (int u = 0; u < uses; u++)
        json_decref(of[u]);
    gr_free(of);
    return status;
}

/* Where one cell is asked for, the others are not. */
static gr_status leave_out(gr_lab *lab, gr_error *err) {
    const char *key = lab->def.cell;
    const int found = key ? gr__cells_only(lab->cells, key) : 1;
    if (found > 1)
        return gr_error_set(err, GR_ERR_USAGE, key, "give more of it", "the keys of %d cells begin so", found);
    if (found == 0)
        return gr_error_set(err, GR_ERR_USAGE, key, "preset, seeds, recipe, data and precision decide keys",
                            "no cell of the experiment has a key that begins so");
    return GR_OK;
}

/* ---- what is there already ---- */

gr_status gr__lab_check_cell(gr_lab *lab, int c, gr_error *err) {
    gr__known known;
    GR_TRY(gr__cell_look(&known, lab->folder, lab->cells->cell[c].key, &lab->committed, lab->experiment->units, err));
    gr__cells_know(lab->cells, c, known);
    return GR_OK;
}

gr_status gr__lab_rows(const gr__kept_cell **cell, bool *owned, const gr_lab *lab, const char *key, gr_error *err) {
    gr__kept_cell *found;
    GR_TRY(gr__cell_find(&found, lab->folder, key, err));
    *owned = found != NULL;
    *cell = found ? found : gr__committed_find(&lab->committed, key);
    return GR_OK;
}

/* Committed rows lie beside the experiment, in rows/NAME.jsonl, or where the caller says. */
static gr_status read_committed(gr_lab *lab, gr_error *err) {
    const gr_experiment *e = lab->experiment;
    if (lab->def.fresh)
        return GR_OK;
    if (lab->def.rows)
        return gr__committed_read(&lab->committed, lab->def.rows, err);
    const char *slash = e->file ? strrchr(e->file, '/') : NULL;
    int length = slash ? (int)(slash - e->file) : 1;
    char *path = gr_format("%.*s/rows/%s.jsonl", length, slash ? e->file : ".", e->name);
    gr_status status = e->file && gr_file_exists(path) ? gr__committed_read(&lab->committed, path, err) : GR_OK;
    gr_free(path);
    return status;
}

gr_status gr_lab_look(gr_lab *lab, gr_error *err) {
    for (int c = 0; c < lab->cells->cells; c++)
        GR_TRY(gr__lab_check_cell(lab, c, err));
    return GR_OK;
}

void gr_lab_count(const gr_lab *lab, int *all, int *done) {
    *all = *done = 0;
    for (int c = 0; c < lab->cells->cells; c++) {
        const gr__known *known = &lab->cells->cell[c].known;
        if (!gr__lab_takes_time(lab, c))
            continue;
        ++*all;
        *done += known->state != GR_CELL_MISSING && known->state != GR_CELL_BUSY && !known->poor;
    }
}

bool gr_lab_done(const gr_lab *lab) {
    bool again, wait;
    return gr__cells_next(lab->cells, &again, &wait) < 0 && !wait && gr__lab_is_trim(lab);
}

/* ---- the whole ---- */

/* The experiment, its places, what of it runs, and the cells that it takes. */
static gr_status open_lab(gr_lab *lab, const gr_control *control, gr_error *err) {
    GR_TRY(gr_experiment_open(&lab->experiment, lab->def.experiment, lab->def.preset, lab->registry, err));
    if (lab->def.givens > 0)
        GR_TRY(gr__experiment_give(&lab->experiment, lab->def.given, lab->def.givens, lab->registry, err));
    const gr_experiment *e = lab->experiment;
    lab->seeds = lab->def.seeds ? lab->def.seeds : e->seeds;
    lab->place = gr_alloc((size_t)(gr__lab_places(lab) + 1) * sizeof *lab->place);
    GR_TRY(read_committed(lab, err));

    /* The data of each point say which facts hold, and so what runs there; groups are asked for from then on. */
    bool *runs = gr_alloc((size_t)(gr_experiment_points(e) * e->arms + 1) * sizeof *runs);
    gr_status status = select_at_points(runs, lab, control, err);
    lab->runs = runs;
    GR_TRY(status);
    GR_TRY(gr__lab_read_groups(lab, err));
    find_suggestions(lab);
    lab->first_seed = (int64_t)lab->recipe->seed;
    lab->least = lab->project->task->least_gap > 0 ? lab->project->task->least_gap : -INFINITY;
    lab->identity = gr_strdup(lab->project->digest);
    GR_TRY(gr_recipe_text(lab->recipe, &lab->recipe_text, err));

    /* What is wanted, and the key of each; links that would be in the way are told of before anything is made. */
    gr__cells_def def = {.experiment = e,
                         .runs = lab->runs,
                         .seeds = lab->seeds,
                         .task = lab->project->task->name,
                         .each = count_each,
                         .user = lab};
    lab->cells = gr__cells_new(&def);
    GR_TRY(make_keys(lab, control, err));
    GR_TRY(leave_out(lab, err));
    if (lab->def.folder)
        GR_TRY(gr__lab_link_check(lab, err));
    return gr_lab_look(lab, err);
}

gr_status gr_lab_open(gr_lab **out, const gr_lab_def *def, const gr_control *control, gr_error *err) {
    gr_lab *lab = gr_alloc(sizeof *lab);
    *lab = (gr_lab){.def = *def, .open = -1, .root = -1, .viewed = -1, .passed = -1};
    lab->own = def->registry ? NULL : gr_registry_new();
    lab->registry = def->registry ? def->registry : lab->own;
    lab->folder = gr_strdup(def->folder ? def->folder : "");
    gr_status status = open_lab(lab, control, err);
    if (status != GR_OK) {
        gr_lab_free(lab);
        lab = NULL;
    }
    *out = lab;
    return status;
}

void gr_lab_free(gr_lab *lab) {
    if (!lab)
        return;

    /* What is open first: it stands on what was read. */
    gr__lab_close_place(lab);
    gr__lab_forget_data(lab);

    /* What is counted by cells, places and points, before these are gone. */
    gr__time_left_free(lab->forecast);
    for (int c = 0; lab->of && c < lab->cells->cells; c++)
        json_decref(lab->of[c]);
    for (int i = 0; lab->place && i < gr__lab_places(lab); i++)
        gr_free(lab->place[i].data);
    for (int i = 0; lab->said && i < gr_experiment_points(lab->experiment); i++)
        json_decref(lab->said[i]);
    gr_free(lab->said);
    gr_free(lab->of);
    gr_free(lab->place);
    gr__cells_free(lab->cells);

    /* The rest; the others borrow from the experiment, and that from the registry. */
    gr__committed_free(&lab->committed);
    gr_free(lab->runs);
    gr_free(lab->suggested);
    gr_free(lab->recipe_text);
    json_decref(lab->routes);
    gr_free(lab->identity);
    gr_free(lab->folder);
    gr_experiment_free(lab->experiment);
    gr_registry_free(lab->own);
    gr_free(lab);
}

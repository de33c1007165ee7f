/* Making the cells of an experiment, one after the other, until nothing is left that is free. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cores.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/file.h"
#include "kernel/kernel.h"
#include "lab/follow.h"
#include "lab/lab_forecast.h"
#include "lab/lab_state.h"
#include "lab/lab_words.h"

static const gr_control nobody;

/* What is being made. */
typedef struct job {
    gr_lab *lab;
    int cell;
    gr__cell_want want;
    const gr__use *use;
    gr__cell_work *work;
    gr_ledger *rows; /* NULL once they are handed over */
    const gr_control *control;
    gr__cell_facts facts;
} job;

/* ---- models that are done ---- */

void gr__lab_forget(gr_lab *lab) {
    gr_pass_free(lab->pass);
    lab->pass = NULL;
    for (int i = lab->views - 1; i >= 0; i--)
        gr_made_free(&lab->view[i]);
    gr_made_free(&lab->made);
    lab->views = 0;
    lab->root = lab->viewed = lab->passed = -1;
}

/* Refuses a model that was put in the place of another one. A model names the cell in which it was made, or that
 * of the parent whose names it kept; one that names no cell passes. */
static gr_status check_model(const gr_lab *lab, int cell, const gr_made *made, gr_error *err) {
    const gr_bundle_info *info = &made->bundle->info;
    const char *made_in = NULL;

    /* One of the cells from here up to the first parent. */
    for (int i = 0; i < info->data_count; i++) {
        if (strcmp(info->data[i].name, "cell") != 0)
            continue;
        made_in = info->data[i].sha256;
        for (int c = cell; c >= 0; c = lab->cells->cell[c].parent)
            if (strcmp(made_in, lab->cells->cell[c].key) == 0)
                return GR_OK;
    }

    /* The name of another one, or none. */
    if (!made_in)
        return GR_OK;
    return gr_error_set(err, GR_ERR_FORMAT, made->path, "remove this folder: the model is made again",
                        "the model that lies there was made in another cell (%.16s..)", made_in);
}

/* Loads the model of a cell that has weights of its own, in place of the one that is loaded now. */
static gr_status load_root(gr_lab *lab, int root, gr_error *err) {
    gr__lab_forget(lab);
    gr_made *made = &lab->made;
    made->path = gr_format("%s/cells/%s/model", lab->folder, lab->cells->cell[root].key);
    gr_status status = gr_bundle_load(&made->bundle, made->path, NULL, 0, err);
    if (status == GR_OK) {
        made->owns = true;
        status = check_model(lab, root, made, err);
    }
    if (status != GR_OK) {
        gr_made_free(made);
        return status;
    }

    /* In the precision of the place that is open; views of it come later. */
    gr_model_set_precision(made->bundle->model, lab->recipe->precision);
    lab->root = lab->viewed = root;
    return GR_OK;
}

/* A view of what is at the end of the chain so far: the loaded model, or the last view of it. */
static gr_status add_view(gr_lab *lab, int c, gr_error *err) {
    const gr__use *use = &lab->cells->use[lab->cells->cell[c].use];
    const gr_arm *arm = &lab->experiment->arm[use->arm];
    gr__lab_arm own;
    gr_settings *settings = NULL;
    if (lab->views == GR__VIEWS_MOST)
        return gr_error_set(err, GR_ERR_USAGE, arm->name, "make one of them a model of its own", "more than %d views",
                            GR__VIEWS_MOST);

    /* Made as any model is, from what stands before it. */
    GR_TRY(gr__lab_arm_open(&own, lab, use, err));
    gr_status status = gr__lab_settings(&settings, lab, use, own.project.recipe, err);
    if (status == GR_OK) {
        gr_making making = {.project = &own.project,
                            .settings = settings,
                            .parent = lab->views ? &lab->view[lab->views - 1] : &lab->made,
                            .name = arm->name};
        status = gr_method_make(&lab->view[lab->views], arm->method, &making, err);
    }

    /* It is the end of the chain now. */
    if (status == GR_OK) {
        lab->views++;
        lab->viewed = c;
    }
    gr_settings_free(settings);
    gr__lab_arm_close(&own);
    return status;
}

/* The model of a cell that is done, which stays until another one is asked for. */
static gr_status use_model(gr_made **made, gr_lab *lab, int c, gr_error *err) {
    /* The cell that has the weights, and the views that lead from it to the one that is asked for. */
    int chain[GR__VIEWS_MOST + 1], length = 0, root = c;
    for (; lab->cells->cell[root].view && length <= GR__VIEWS_MOST; root = lab->cells->cell[root].parent)
        chain[length++] = root;

    /* What is loaded already is used again. */
    if (lab->root != root)
        GR_TRY(load_root(lab, root, err));
    if (lab->viewed != c) {
        while (lab->views > 0)
            gr_made_free(&lab->view[--lab->views]);
        lab->viewed = root;
        while (length > 0)
            GR_TRY(add_view(lab, chain[--length], err));
    }
    *made = lab->views ? &lab->view[lab->views - 1] : &lab->made;
    return GR_OK;
}

/* ---- making ---- */

/* Rows of the data alone. */
static gr_status make_data(job *j, gr_error *err) {
    const gr_project *p = j->lab->project;
    (void)err;
    if (p->task->rows)
        p->task->rows(j->rows, p, &j->lab->groups);
    return GR_OK;
}

/* Whether a training that failed did so by numbers that are not finite, in an experiment that takes this as a result:
 * then one row that says so takes the place of all others. */
static bool taken_as_diverged(job *j, gr_status status, const gr_error *why) {
    if (status != GR_ERR_NUMERIC || !j->lab->experiment->diverged_is_a_row)
        return false;
    gr_ledger_free(j->rows);
    j->rows = gr_ledger_new();
    gr_ledger_begin(j->rows, "diverged");
    gr_ledger_text(j->rows, "why", why->message);
    return true;
}

/* A model that is another one with regions off is rows alone. */
static void say_view(job *j, const gr_made *made) {
    gr_ledger_begin(j->rows, "view");
    for (int i = 0; i < made->off_count; i++) {
        gr_ledger_begin(j->rows, "off");
        gr_ledger_text(j->rows, "region", made->off[i]);
    }
}

/* Of a view nothing is kept but what is off. */
static gr_status make_view(job *j, gr_error *err) {
    gr_made *made;
    GR_TRY(use_model(&made, j->lab, j->cell, err));
    say_view(j, made);
    j->facts.model_of = j->lab->cells->cell[j->lab->root].key;
    j->facts.off = made->off;
    j->facts.off_count = made->off_count;
    return GR_OK;
}

/* The recipe that a model has, beside it: for people, and for who measures it later. */
static gr_status write_recipe(const job *j, const gr_project *project, gr_error *err) {
    char *path = gr_format("%s/recipe.yaml", j->work->folder);
    gr_status status = gr_recipe_write(project->recipe, path, err);
    gr_free(path);
    return status == GR_OK ? gr__lab_link(j->lab, err) : status;
}

/* Trains or changes a network, and keeps it beside its rows. */
static gr_status make_weights(job *j, const char *name, gr_error *err) {
    gr_lab *lab = j->lab;
    const gr__lab_cell *cell = &lab->cells->cell[j->cell];
    const gr_arm *arm = &lab->experiment->arm[j->use->arm];
    gr__lab_arm own;
    gr_settings *settings = NULL;
    gr_made *parent = NULL, made = {0};
    gr_error why = {0};

    /* What it goes on from, and the data under its own recipe. */
    if (cell->parent >= 0)
        GR_TRY(use_model(&parent, lab, cell->parent, err));
    GR_TRY(gr__lab_arm_open(&own, lab, j->use, err));

    /* The making itself, which goes on with what an earlier call left in the folder. */
    gr_status status = write_recipe(j, &own.project, err);
    if (status == GR_OK)
        status = gr__lab_settings(&settings, lab, j->use, own.project.recipe, err);
    if (status == GR_OK) {
        gr_making making = {.project = &own.project,
                            .settings = settings,
                            .parent = parent,
                            .name = name,
                            .folder = j->work->folder,
                            .lock = j->work->lock,
                            .resume = true,
                            .key = cell->key,
                            .control = j->control,
                            .rows = j->rows};
        status = gr_method_make(&made, arm->method, &making, &why);
        if (status == GR_OK) {
            j->facts.model = made.path != NULL;
            j->facts.seconds = made.seconds;
        } else if (taken_as_diverged(j, status, &why)) {
            status = GR_OK;
        } else {
            gr_error_set(err, status, why.place, why.hint, "%s", why.message);
        }
    }
    gr_made_free(&made);
    gr_settings_free(settings);
    gr__lab_arm_close(&own);
    return status;
}

/* The pass over the test, which all measures of a model share: the first that reads it makes it. */
static gr_pass *pass_of(gr_lab *lab, int model) {
    if (lab->passed != model) {
        gr_pass_free(lab->pass);
        lab->pass = gr_pass_new();
        lab->passed = model;
    }
    return lab->pass;
}

/* Measures or attacks, into the rows of the job. */
static gr_status read_subject(job *j, const gr_subject *subject, gr_error *err) {
    const gr_reading *reading = &j->lab->experiment->use[j->use->reading];
    gr_settings *settings;
    GR_TRY(gr__lab_settings(&settings, j->lab, j->use, subject->recipe, err));
    gr_status status = reading->attack ? reading->attack->run(j->rows, subject, settings, err)
                                       : reading->measure->run(j->rows, subject, settings, err);
    gr_settings_free(settings);
    return status;
}

/* A reading of a model, which is loaded for it. */
static gr_status make_reading(job *j, const char *name, gr_error *err) {
    gr_lab *lab = j->lab;
    int parent = lab->cells->cell[j->cell].parent;
    bool attack = j->use->kind == GR_CELL_ATTACK;
    gr__follow follow;
    gr__lab_arm own;
    gr_made *made;
    gr_tables *profile = NULL;
    GR_TRY(use_model(&made, lab, parent, err));
    GR_TRY(gr__lab_arm_open(&own, lab, j->use, err));

    /* With the regions off that are off in a view; losses of the test are shared by its measures. */
    gr_status status = GR_OK;
    if (made->off_count)
        status = gr_profile_new(&profile, made->bundle->model, made->off, made->off_count, err);
    if (status == GR_OK) {
        const gr_reading *reading = &lab->experiment->use[j->use->reading];
        gr__follow_begin(&follow, j->control, lab->folder, gr__reading_briefly(reading), name);
        const gr_project *p = &own.project;
        gr_subject subject = {.name = name,
                              .recipe = p->recipe,
                              .model = made->bundle->model,
                              .off = made->off,
                              .off_count = made->off_count,
                              .profile = profile,
                              .bundle = made->path,
                              .data = p->data,
                              .labels = p->labels,
                              .tokenizer = p->tokenizer,
                              .groups = &lab->groups,
                              .units = lab->experiment->units,
                              .pass = attack ? NULL : pass_of(lab, parent),
                              .seed = p->recipe->split_seed,
                              .after = gr__follow_told,
                              .user = &follow};
        status = read_subject(j, &subject, err);
    }
    gr_tables_free(profile);
    gr__lab_arm_close(&own);
    return status;
}

/* Says what begins, but of what takes no time. */
static void say_what(const job *j) {
    char *text = j->control->note ? gr__lab_begins(j->lab, j->cell) : NULL;
    if (text)
        j->control->note(j->control->user, text);
    gr_free(text);
}

/* The cell by its kind. */
static gr_status make_kind(job *j, gr_error *err) {
    if (j->use->kind == GR_CELL_DATA)
        return make_data(j, err);
    if (j->use->kind == GR_CELL_MODEL && j->lab->cells->cell[j->cell].view)
        return make_view(j, err);

    say_what(j);
    char *name = gr__lab_name(j->lab, j->use);
    gr_status status = j->use->kind == GR_CELL_MODEL ? make_weights(j, name, err) : make_reading(j, name, err);
    gr_free(name);
    return status;
}

/* ---- one cell ---- */

/* Moves what was made into cells/. Where its rows were there already, only weights were wanted. */
static gr_status publish(job *j, gr_error *err) {
    gr_lab *lab = j->lab;
    const char *key = lab->cells->cell[j->cell].key;

    /* New rows, or richer ones in place of those that are there. */
    if (j->want != GR__WANT_MODEL) {
        gr_ledger *rows = j->rows;
        j->rows = NULL;
        return j->want == GR__WANT_RICHER ? gr__cell_replace(j->work, lab->of[j->cell], rows, &j->facts, err)
                                          : gr__cell_publish(j->work, NULL, lab->of[j->cell], rows, &j->facts, err);
    }

    /* Weights alone: the known rows stay, whatever came out this time. */
    const gr__kept_cell *known;
    bool owned, other;
    GR_TRY(gr__lab_rows(&known, &owned, lab, key, err));
    gr_status status = gr__cell_restore(j->work, &other, known, j->rows, err);
    if (status == GR_OK && other)
        gr_log_line(1, "%s: made again with other bits (here by %s, its rows by %s); its rows stay", key,
                    gr_kernel_isa(), gr__cell_text(known, "isa"));
    if (owned)
        gr__cell_free((gr__kept_cell *)known);
    return status;
}

/* Makes the rows of a cell in its work folder, and publishes them. */
static gr_status make_in(job *j, gr_error *err) {
    gr_lab *lab = j->lab;
    double start = gr__now();
    int place = gr__lab_place_of(lab, j->use);
    GR_TRY(gr__lab_open_place(lab, place, j->control, err));
    GR_TRY(gr_project_keep(lab->project, err));

    j->rows = gr_ledger_new();
    j->facts = (gr__cell_facts){.data = lab->place[place].data,
                                .commit = lab->def.commit,
                                .threads = j->control->threads ? j->control->threads : gr_cores()};
    gr_status status = make_kind(j, err);
    if (status == GR_OK) {
        if (!j->facts.model)
            j->facts.seconds = gr__now() - start;
        status = publish(j, err);
    }
    gr_ledger_free(j->rows);
    return status;
}

/* Makes a cell, unless another process has taken it meanwhile, and looks up what is known of it then. again: its rows
 * are there, and its weights are wanted. */
static gr_status make_cell(gr_lab *lab, int c, bool again, const gr_control *control, gr_error *err) {
    const gr__lab_cell *cell = &lab->cells->cell[c];
    bool poor = cell->known.state == GR_CELL_DONE && cell->known.poor;
    job j = {.lab = lab,
             .cell = c,
             .want = again  ? GR__WANT_MODEL
                     : poor ? GR__WANT_RICHER
                            : GR__WANT_ROWS,
             .use = &lab->cells->use[cell->use],
             .control = control};

    /* Without work it is another's. */
    gr_cell_state state;
    bool ready = true;
    GR_TRY(gr__cell_begin(&j.work, &state, lab->folder, cell->key, j.want, err));

    /* With its lock: its model may have been removed by a process that did not know of this cell. */
    gr_status status = j.work ? gr__lab_has_weights(&ready, lab, c, err) : GR_OK;
    bool mine = status == GR_OK && j.work && ready;
    if (mine) {
        gr__time_left_begin(lab->forecast, c);
        status = make_in(&j, err);
        gr__time_left_end(lab->forecast);
    }
    gr__cell_end(j.work);

    /* Links lead to models; what nothing begins with any more need not stay. */
    if (status == GR_OK && mine && cell->parent < 0 && !cell->view)
        status = gr__lab_link(lab, err);
    if (status == GR_OK)
        status = gr__lab_check_cell(lab, c, err);
    return status == GR_OK && mine ? gr__lab_trim(lab, err) : status;
}

/* ---- all of them ---- */

static gr_status stopped(const gr_lab *lab, const gr_control *control, gr_error *err) {
    const gr__follow all = {.control = control, .folder = lab->def.folder, .name = lab->experiment->name};
    return gr__follow_stopped(&all, err);
}

/* Everything that is left is being made by other processes: waits a second, and looks again what they have done. */
static gr_status wait_for_others(gr_lab *lab, gr_error *err) {
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    for (int c = 0; c < lab->cells->cells; c++)
        if (lab->cells->cell[c].known.state != GR_CELL_DONE || lab->cells->cell[c].known.busy)
            GR_TRY(gr__lab_check_cell(lab, c, err));
    return GR_OK;
}

gr_status gr_lab_work(gr_lab *lab, const gr_control *control, gr_error *err) {
    control = control ? control : &nobody;
    if (lab->forecast)
        control = gr__time_left_follow(lab->forecast, control);

    /* Cell after cell; cells of other processes are waited for, since something may begin with them. */
    for (;;) {
        bool again, wait;
        int c = gr__cells_next(lab->cells, &again, &wait);
        if (c < 0 && !wait) {
            gr__cells_sweep(lab->folder);
            return gr__lab_trim(lab, err);
        }
        GR_TRY(stopped(lab, control, err));
        gr_error why = {0};
        gr_status status = c < 0 ? wait_for_others(lab, &why) : make_cell(lab, c, again, control, &why);
        if (status == GR_ERR_INTERRUPTED)
            return stopped(lab, control, err); /* which says what becomes of the folder */
        if (status != GR_OK)
            return gr_error_set(err, status, why.place, why.hint, "%s", why.message);
    }
}

/* lab_place.c - the place that is open: its recipe, what that reads, and what places share of it. */
#include <string.h>

#include "base/mem.h"
#include "io/digest.h"
#include "io/yaml.h"
#include "lab/lab_state.h"
#include "task/output.h"
#include "task/precision.h"
#include "task/task.h"

/* Places that read the same share what they keep: a name for what decides the reading. Data sections that differ, and
 * seeds by which documents are held out, never share. Nor does a place that asks for another precision than the first:
 * what was settled is kept beside the data. */
static gr_status name_data(char **name, const gr_lab *lab, const gr_task *task, gr_error *err) {
    char hex[GR_DIGEST_HEX], *text = NULL;
    const gr_recipe *recipe = lab->recipe;
    const gr_yaml *data = gr_yaml_find(recipe->root, "data");
    if (data)
        GR_TRY(gr_yaml_write(data, &text, err));

    /* Of the first place's precision the name is as it was before others had one. */
    const bool other = recipe->precision != lab->precision;
    char *all = gr_format("%s %d %llu\n%s%s", task->name, task->revision, (unsigned long long)recipe->split_seed,
                          text ? text : "", other ? gr__precision_word(recipe->precision) : "");
    gr_digest_data(hex, all, strlen(all));
    gr_free(text);
    gr_free(all);
    *name = gr_format("data/%.16s", hex);
    return GR_OK;
}

void gr__lab_close_place(gr_lab *lab) {
    gr__lab_forget(lab);
    gr_groups_free(&lab->groups);
    if (lab->project == &lab->shared) {
        lab->read->kept = lab->shared.kept; /* it need not be written once more for the next place */
        gr_project_with_close(&lab->shared);
    }
    if (lab->recipe != lab->read_recipe)
        gr_recipe_free(lab->recipe);
    lab->groups = (gr_groups){0};
    lab->project = NULL;
    lab->recipe = NULL;
    lab->open = -1;
}

void gr__lab_forget_data(gr_lab *lab) {
    gr_project_free(lab->read);
    gr_recipe_free(lab->read_recipe);
    lab->read = NULL;
    lab->read_recipe = NULL;
    lab->read_data = NULL;
}

/* Whether the recipe of the place that is being opened reads what was read last: then that is its project too. Tasks
 * that read something else than documents may go by any part of a recipe. The first place says what the folder is of,
 * which may hold an earlier version's digest: it reads for itself until that is known. */
static bool share_data(gr_lab *lab, int place, const gr_task *task) {
    const gr_project *read = lab->read;
    const char *data = lab->place[place].data;
    gr_error no = {0};
    if (place == 0 && !lab->identity)
        return false;
    if (!read || !read->data || read->own || read->task != task || strcmp(lab->read_data, data) != 0 ||
        strcmp(lab->recipe->from.sha256, lab->read_recipe->from.sha256) != 0 ||
        gr_project_with(&lab->shared, read, lab->recipe, &no) != GR_OK)
        return false;
    lab->project = &lab->shared;
    return true;
}

gr_status gr__lab_read_groups(gr_lab *lab, gr_error *err) {
    const gr_experiment *e = lab->experiment;
    gr_error refused = {0};
    if (!e->groups || !lab->runs)
        return GR_OK;
    gr_status status = lab->project->task->groups(&lab->groups, lab->project, e->group, e->groups, &refused);
    if (status == GR_OK || lab->def.planned)
        return GR_OK;
    return gr_error_set(err, status, refused.place, refused.hint, "%s", refused.message);
}

/* What the clock chose for these data before; NULL: it was not asked. */
static const gr_precision_choice *timed_before(const gr_lab *lab, const char *data) {
    for (int p = 0; p < gr__lab_places(lab); p++)
        if (lab->place[p].timed.taken && !strcmp(lab->place[p].data, data))
            return &lab->place[p].timed;
    return NULL;
}

/* The project of a place. Data are read again and again until their first model is made, and a clock never says the
 * same twice: what it said first stays, for keys of cells have it. */
static gr_status open_project(gr_lab *lab, int place, const gr_task *task, const gr_control *control, gr_error *err) {
    const char *data = lab->place[place].data;
    const gr_precision_choice *timed = lab->recipe->precision == GR_PRECISION_AUTO ? timed_before(lab, data) : NULL;
    if (timed)
        GR_TRY(gr__precision_pin(lab->recipe, timed->taken, true, err));

    /* In the folder of its data, which keeps what it was begun with; a plan has none. */
    gr_error why = {0};
    char *folder = lab->def.folder ? gr_format("%s/%s", lab->folder, data) : NULL;
    gr_status status = gr_project_open_as(&lab->read, task, lab->recipe, folder, control, &why);
    if (status == GR_OK && !folder)
        status = gr_project_choose_precision(lab->read, &why);
    gr_free(folder);
    if (status != GR_OK) {
        const bool begun = timed && strstr(why.place, "precision.json");
        const char *hint = begun ? "another call may have begun it meanwhile: give the same command again" : why.hint;
        gr__lab_forget_data(lab);
        return gr_error_set(err, status, why.place, hint, "%s", why.message);
    }

    /* What is kept says who chose. */
    const char *by = lab->read->precision.decided_by;
    if (timed)
        lab->read->precision = *timed;
    else if (by && !strcmp(by, "clock"))
        lab->place[place].timed = lab->read->precision;
    return GR_OK;
}

/* Reads documents and labels; those that were read last make room first. */
static gr_status read_data(gr_lab *lab, int place, const gr_task *task, const gr_control *control, gr_error *err) {
    gr__lab_forget_data(lab);
    GR_TRY(open_project(lab, place, task, control, err));

    /* From here on the recipe is what was read by, however long the place is open. */
    lab->project = lab->read;
    lab->read_recipe = lab->recipe;
    lab->read_data = lab->place[place].data;
    lab->read_place = place;
    return GR_OK;
}

/* Of which recipe a place is. */
static gr_experiment_base base_of(const gr_lab *lab, int place) {
    return (gr_experiment_base){.file = lab->def.base,
                                .text = lab->def.base_text,
                                .set = lab->def.set,
                                .sets = lab->def.sets,
                                .point = place / lab->seeds,
                                .seed = place % lab->seeds};
}

/* What is known by the recipe of the first place, whichever is opened first: the precision of its data, and whether the
 * folder may be ours, before anything is read. */
static gr_status look_at_first(gr_lab *lab, gr_error *err) {
    gr_recipe *first;
    if (lab->looked)
        return GR_OK;
    const gr_experiment_base base = base_of(lab, 0);
    GR_TRY(gr_experiment_recipe(&first, lab->experiment, &base, err));
    lab->precision = first->precision;
    gr_status status =
        lab->def.folder ? gr__output_look(lab->folder, &gr__folder_of_experiments, first, true, err) : GR_OK;
    gr_recipe_free(first);
    lab->looked = status == GR_OK;
    return status;
}

/* The recipe of one point and seed, and what it reads. */
static gr_status read_place(gr_lab *lab, int number, const gr_control *control, gr_error *err) {
    const gr_task *task;
    gr__data_place *place = &lab->place[number];
    const gr_experiment_base base = base_of(lab, number);

    /* What was read for it is still there. */
    if (lab->read && lab->read_place == number) {
        lab->recipe = lab->read_recipe;
        lab->project = lab->read;
        return gr__lab_read_groups(lab, err);
    }

    /* Its recipe, and what that reads. */
    GR_TRY(gr_experiment_recipe(&lab->recipe, lab->experiment, &base, err));
    GR_TRY(look_at_first(lab, err));
    GR_TRY(gr_registry_task_of(&task, lab->registry, lab->recipe, err));
    if (!place->data)
        GR_TRY(name_data(&place->data, lab, task, err));
    place->split_seed = lab->recipe->split_seed;
    if (!share_data(lab, number, task))
        GR_TRY(read_data(lab, number, task, control, err));
    return gr__lab_read_groups(lab, err);
}

/* Whether a point reads at its first seed what `first` does: what share_data asks, as far as recipes say it. */
static gr_status reads_like(bool *like, const gr_lab *lab, int point, const gr_recipe *first, const gr_task *task,
                            gr_error *err) {
    const gr_experiment_base base = base_of(lab, point * lab->seeds);
    gr_recipe *recipe;
    gr_error no = {0};
    GR_TRY(gr_experiment_recipe(&recipe, lab->experiment, &base, err));
    *like = recipe->precision == first->precision && strcmp(recipe->from.sha256, first->from.sha256) == 0 &&
            gr__task_same_data(task, first, recipe, &no) == GR_OK;
    gr_recipe_free(recipe);
    return GR_OK;
}

gr_status gr__lab_find_like_first(bool *like, const gr_lab *lab, gr_error *err) {
    const gr_experiment_base start = base_of(lab, 0);
    const gr_task *task;
    gr_recipe *first;
    GR_TRY(gr_experiment_recipe(&first, lab->experiment, &start, err));
    gr_status status = gr_registry_task_of(&task, lab->registry, first, err);
    like[0] = true;
    for (int point = 1; point < gr_experiment_points(lab->experiment) && status == GR_OK; point++)
        status = reads_like(&like[point], lab, point, first, task, err);
    gr_recipe_free(first);
    return status;
}

gr_status gr__lab_open_place(gr_lab *lab, int place, const gr_control *control, gr_error *err) {
    if (lab->open == place)
        return GR_OK;
    gr__lab_close_place(lab);
    gr_status status = read_place(lab, place, control, err);
    if (status == GR_OK)
        lab->open = place;
    else
        gr__lab_close_place(lab);
    return status;
}

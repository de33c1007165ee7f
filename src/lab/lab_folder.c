/* The folder of an experiment: claimed when everything that may refuse has spoken; links that lead people to cells. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/yaml.h"
#include "lab/lab_state.h"
#include "lab/lab_words.h"

/* ---- what is ours ---- */

/* Whether a lab writes files or folders of this name. */
static bool writes(const char *name) {
    static const char *const names[] = {"data",        "cells",         "work",        "arms",
                                        "subject",     "folder.json",   "recipe.yaml", "experiment.yaml",
                                        "result.json", "results.jsonl", "report.html", NULL};
    return gr__folder_matches(names, name);
}

/* Whether a folder holds a result or a cell. */
static bool has_work(const char *folder) {
    char *cells = gr_format("%s/cells", folder);
    bool found = gr__folder_holds(folder, "result.json");
    DIR *dir = opendir(cells);
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        found = e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    gr_free(cells);
    return found;
}

const gr__folder_kind gr__folder_of_experiments = {"experiment", "an experiment", writes, has_work, NULL, true};

/* Another experiment on the same data has the folder? */
static gr_status check_name(const gr_lab *lab, const char *path, gr_error *err) {
    gr_yaml *root;
    const char *name = NULL;
    if (!gr_file_exists(path))
        return GR_OK;
    GR_TRY(gr_yaml_open(&root, path, err));
    gr_yaml *node = gr_yaml_find(root, "experiment");
    gr_status status = node ? gr_yaml_as_text(node, &name, err) : GR_OK;
    if (status == GR_OK && name && strcmp(name, lab->experiment->name) != 0)
        status = gr_error_set(err, GR_ERR_USAGE, lab->folder, "choose another folder",
                              "the folder holds the experiment %.100s, not %s", name, lab->experiment->name);
    gr_yaml_free(root);
    return status;
}

/* What is worked on, as it is now: arms and claims may have been added since. */
static gr_status write_experiment(const gr_lab *lab, const char *path, gr_error *err) {
    char *text;
    GR_TRY(gr_experiment_text(lab->experiment, &text, err));
    gr_status status = gr_file_write(path, text, strlen(text), err);
    gr_free(text);
    return status;
}

gr_status gr_lab_claim(gr_lab *lab, gr_error *err) {
    gr__output out;
    if (lab->claimed)
        return GR_OK;
    char *path = gr_format("%s/experiment.yaml", lab->folder);
    gr_status status = gr__lab_open_place(lab, 0, NULL, err);
    if (status == GR_OK)
        status = check_name(lab, path, err);

    /* The lock is held for this alone: cells have locks of their own, so that several may work on one folder. */
    if (status == GR_OK)
        status = gr__output_claim(&out, lab->folder, &gr__folder_of_experiments, lab->project, true, err);
    if (status == GR_OK) {
        status = write_experiment(lab, path, err);
        if (status == GR_OK)
            status = gr_project_keep(lab->project, err);
        gr__output_release(&out);
    }
    lab->claimed = status == GR_OK;
    gr_free(path);
    return status;
}

/* ---- links ---- */

/* Calls for the name of each link to a model: of all uses, and "subject" for what the experiment is about. */
typedef gr_status (*for_link)(const gr_lab *lab, const char *name, int cell, gr_error *err);

/* The cell whose weights a use has. */
static int weights_of(const gr_lab *lab, int use) {
    int cell = lab->cells->use[use].cell;
    while (lab->cells->cell[cell].view)
        cell = lab->cells->cell[cell].parent;
    return cell;
}

static gr_status each_link(const gr_lab *lab, for_link call, gr_error *err) {
    const gr__cells *cells = lab->cells;
    bool subject = false;
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u];
        if (use->kind != GR_CELL_MODEL)
            continue;

        /* The first place of the subject has a link that does not depend on the names of arms. */
        if (!subject && use->arm == lab->experiment->subject)
            GR_TRY(call(lab, "subject", weights_of(lab, u), err));
        subject = subject || use->arm == lab->experiment->subject;
        if (cells->cell[use->cell].view)
            continue;
        char *name = gr__lab_link_name(lab, use);
        gr_status status = call(lab, name, use->cell, err);
        gr_free(name);
        GR_TRY(status);
    }
    return GR_OK;
}

static gr_status check_link(const gr_lab *lab, const char *name, int cell, gr_error *err) {
    (void)cell;
    return gr__cell_link_check(lab->folder, name, err);
}

/* To a model that is done, or to where it is made. */
static gr_status make_link(const gr_lab *lab, const char *name, int cell, gr_error *err) {
    const char *key = lab->cells->cell[cell].key;
    char *done = gr_format("%s/cells/%s", lab->folder, key), *work = gr_format("%s/work/%s", lab->folder, key);
    gr_status status = GR_OK;
    if (gr_file_exists(done) || gr_file_exists(work))
        status = gr__cell_link(lab->folder, name, key, gr_file_exists(done), err);
    gr_free(done);
    gr_free(work);
    return status;
}

gr_status gr__lab_link_check(const gr_lab *lab, gr_error *err) { return each_link(lab, check_link, err); }
gr_status gr__lab_link(const gr_lab *lab, gr_error *err) { return each_link(lab, make_link, err); }

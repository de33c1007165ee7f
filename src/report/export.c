/* The models of a comparison as one folder for others, who try to bring back what was taken out: model folders, what
 * was held out, what we measured, and a page that says so.
 *
 *     ARM/           a model folder for each model of the first seed that is measured, with weights of its own
 *     recipe.yaml    of all of them, as it was resolved
 *     result.json    what we measured, and what our attacks found
 *     README.txt     what the models are, how they are loaded, what was held out
 *     export.json    {"format": "gradroute-export-1", "experiment", "digest": of recipe and data, "data": of data and
 *                    labels, "split_seed", "models": [{"arm", "sha256": of its manifest, "parameters", "regions",
 *                    "told": by which labels documents were left out, where it is known,
 *                    "views": [{"arm", "off": [REGION, ..]}]}], "groups": {NAME: {"test": [NUMBER, ..],
 *                    "validation": [NUMBER, ..]}}}, written last
 *
 * Documents have numbers from 0, in the order in which the recipe reads the corpus, duplicates left out. */
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/bundle_place.h"
#include "gradroute/report.h"
#include "io/file.h"
#include "io/json.h"
#include "lab/lab_state.h"
#include "method/given.h"
#include "report/lines.h"

static const char format[] = "gradroute-export-1";

/* What is being written. */
typedef struct job {
    gr_lab *lab;
    const char *folder;
    json_t *models; /* of export.json */
    char *readme;
} job;

/* ---- the folder ---- */

/* Whether a folder has entries. */
static bool holds_anything(const char *folder) {
    DIR *dir = opendir(folder);
    bool found = false;
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        found = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (dir)
        closedir(dir);
    return found;
}

/* What an export in the folder says of itself; NULL: it is none. */
static json_t *read_list(const char *folder) {
    char *path = gr_format("%s/export.json", folder);
    json_t *file = NULL;
    const char *of, *kind;
    if (!gr_file_exists(path) || gr_json_read(&file, path, NULL) != GR_OK ||
        json_unpack(file, "{s:s, s:s}", "format", &kind, "digest", &of) != 0 || strcmp(kind, format) != 0) {
        json_decref(file);
        file = NULL;
    }
    gr_free(path);
    return file;
}

gr_status gr_lab_export_check(const gr_lab *lab, const char *folder, gr_error *err) {
    static const char another[] = "choose another folder, one that is empty or not there yet";
    if (gr_file_same(folder, lab->folder) || !strcmp(folder, lab->folder))
        return gr_error_set(err, GR_ERR_USAGE, folder, another, "the export would lie among the work itself");
    if (!gr_file_exists(folder))
        return GR_OK;
    DIR *dir = opendir(folder);
    if (!dir)
        return gr_error_set(err, GR_ERR_USAGE, folder, another, "it is no folder");
    closedir(dir);

    /* An export of the same data and recipe is written anew. */
    json_t *list = read_list(folder);
    const char *of = json_string_value(json_object_get(list, "digest"));
    const bool ours = of && !strcmp(of, lab->identity), free = ours || !holds_anything(folder);
    gr_status status = free ? GR_OK
                            : gr_error_set(err, GR_ERR_USAGE, folder, another, "%s",
                                           of ? "it holds the export of another audit" : "it holds something else");
    json_decref(list);
    return status;
}

/* ---- one model ---- */

/* Whether something is measured of the model of a use, or of a view of it. */
static bool is_measured(const gr__cells *cells, int use) {
    /* From each measurement up through views to the model that has the weights. */
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *at = &cells->use[u];
        while (at->parent >= 0 && at->cell != cells->use[use].cell && (at->reading >= 0 || at->view))
            at = &cells->use[at->parent];
        if (cells->use[u].reading >= 0 && at->cell == cells->use[use].cell)
            return true;
    }
    return false;
}

/* Regions that a view has off, as its cell says; a new reference, NULL: it is not known. */
static json_t *off_of(const gr_lab *lab, int cell) {
    const gr__kept_cell *kept = NULL;
    bool owned = false;
    if (gr__lab_rows(&kept, &owned, lab, lab->cells->cell[cell].key, NULL) != GR_OK || !kept)
        return NULL;

    /* The list is the cell's, which may be freed before it is written. */
    json_t *off = json_incref(json_object_get(json_object_get(kept->file, "model"), "off"));
    if (owned)
        gr__cell_free((gr__kept_cell *)kept);
    return off;
}

/* Other models of the comparison that are this one with regions off. */
static json_t *list_views(job *j, int use) {
    const gr__cells *cells = j->lab->cells;
    json_t *views = json_array();
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *view = &cells->use[u];
        if (view->kind != GR_CELL_MODEL || !view->view || view->parent != use)
            continue;

        /* A line of the page, and an entry of the list. */
        const gr_arm *arm = &j->lab->experiment->arm[view->arm];
        json_t *off = off_of(j->lab, view->cell);
        gr__append(&j->readme, "    %s (%s): the same weights with these regions off:", arm->name, arm->title);
        for (size_t i = 0; i < json_array_size(off); i++)
            gr__append(&j->readme, " %s", json_string_value(json_array_get(off, i)));
        gr__append(&j->readme, "\n");
        json_array_append_new(views, json_pack("{s:s, s:o*}", "arm", arm->name, "off", off));
    }
    return views;
}

/* By which labels documents were left out of a training, in the words of method given; NULL: its row does not say. */
static const char *told_of(const gr_lab *lab, int cell) {
    const gr__kept_cell *kept = NULL;
    bool owned = false;
    double by_truth = NAN;
    if (gr__lab_rows(&kept, &owned, lab, lab->cells->cell[cell].key, NULL) == GR_OK && kept) {
        const gr_entry *row = gr_ledger_find(kept->rows, "model", NULL);
        by_truth = row ? gr_entry_number(row, "by_truth") : NAN;
    }
    if (owned)
        gr__cell_free((gr__kept_cell *)kept);
    return isnan(by_truth) ? NULL : gr__given_words[by_truth > 0 ? GR__GIVEN_TRUE_LABELS : GR__GIVEN_REVEALED];
}

/* What the page and the list say of a model that is written. */
static void describe(job *j, int use, const gr_bundle *bundle, const char *sha256) {
    const gr_arm *arm = &j->lab->experiment->arm[j->lab->cells->use[use].arm];
    const gr_arch_def *def = bundle->def;
    const size_t numbers = gr_model_size(bundle->model);
    json_t *regions = json_array();
    gr__append(&j->readme, "%s/\n    %s%s%s; %zu parameters; sha256 of its manifest %s\n", arm->name, arm->title,
               *arm->note ? ": " : "", arm->note, numbers, sha256);

    /* A region is a file beside the core. */
    for (int i = 0; i < def->region_count; i++) {
        const char *name = def->regions[i].name;
        gr__append(&j->readme, "    region %s: %zu parameters in %s.safetensors\n", name,
                   gr_region_size(gr_model_region(bundle->model, gr_model_find_region(bundle->model, name))), name);
        json_array_append_new(regions, gr_json_text(name));
    }
    json_array_append_new(j->models,
                          json_pack("{s:s, s:s, s:I, s:o, s:s*, s:o}", "arm", arm->name, "sha256", sha256, "parameters",
                                    (json_int_t)numbers, "regions", regions, "told",
                                    told_of(j->lab, j->lab->cells->use[use].cell), "views", list_views(j, use)));
}

/* Copies a model with what its manifest says of it. */
static gr_status export_model(job *j, int use, gr_error *err) {
    const gr__use *of = &j->lab->cells->use[use];
    char *from = gr_format("%s/cells/%s/model", j->lab->folder, of->key), sha256[65];
    char *to = gr_format("%s/%s", j->folder, j->lab->experiment->arm[of->arm].name);
    gr_bundle *bundle = NULL;
    gr_arch_def *def = NULL;

    /* Loaded and saved rather than copied as files: so what is given away was verified. */
    gr_status status = gr_bundle_load(&bundle, from, NULL, 0, err);
    if (status == GR_OK)
        status = gr_bundle_save(to, bundle->def, bundle->model, &bundle->info, err);
    if (status == GR_OK)
        status = gr_bundle_describe(&def, sha256, to, err);

    /* The digest is of the manifest as it lies there now. */
    if (status == GR_OK)
        describe(j, use, bundle, sha256);
    gr_arch_free(def);
    gr_bundle_free(bundle);
    gr_free(from);
    gr_free(to);
    return status;
}

/* Models of the first point and seed that have weights of their own, and of which something is measured. */
static gr_status export_models(job *j, gr_error *err) {
    const gr__cells *cells = j->lab->cells;
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u];
        const bool first = use->point == 0 && use->seed == 0 && use->knob == 0;
        if (use->kind != GR_CELL_MODEL || use->view || !first || !is_measured(cells, u))
            continue;

        /* A model that diverged left a row and no weights. */
        if (cells->cell[use->cell].known.state == GR_CELL_DIVERGED)
            gr__append(&j->readme, "(%s diverged, and is not here)\n", j->lab->experiment->arm[use->arm].name);
        else
            GR_TRY(export_model(j, u, err));
    }
    return GR_OK;
}

/* ---- models of an earlier export ---- */

/* Whether a list of models names an arm. */
static bool has_arm(const json_t *models, const char *arm) {
    size_t i;
    json_t *model;
    json_array_foreach(models, i, model)
        if (!strcmp(json_string_value(json_object_get(model, "arm")), arm))
            return true;
    return false;
}

/* A word that an arm may be called by: it leads to no other folder. */
static bool is_arm(const char *word) {
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-", *c))
            return false;
    return *word != '\0';
}

/* Removes what an earlier export wrote and this one has not: its list says what that was, and a model that is another
 * one by now, or has files of somebody else beside it, stays. Before the new list is written, so that a kill in between
 * leaves one that knows of them. */
static void remove_stale(const job *j, const json_t *earlier) {
    const json_t *models = json_object_get(earlier, "models");
    size_t i;
    json_t *model;
    json_array_foreach(models, i, model) {
        const char *arm, *sha256;
        if (json_unpack(model, "{s:s, s:s}", "arm", &arm, "sha256", &sha256) || !is_arm(arm) || has_arm(j->models, arm))
            continue;
        gr_error why = {0};
        char *path = gr_format("%s/%s", j->folder, arm);
        if (gr__place_remove(path, sha256, &why) != GR_OK)
            gr_log_line(1, "%s of an earlier export stays: %s", arm, why.message);
        gr_free(path);
    }
}

/* ---- what is held out ---- */

static json_t *numbers(const uint32_t *list, size_t count) {
    json_t *to = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(to, json_integer(list[i]));
    return to;
}

/* Which documents of each group are in the test and in validation, by their numbers in the corpus. */
static json_t *splits(const gr_lab *lab) {
    json_t *groups = json_object();
    for (int i = 0; i < lab->groups.count; i++) {
        const gr_group *g = &lab->groups.group[i];
        json_object_set_new(groups, g->name,
                            json_pack("{s:o, s:o}", "test", numbers(g->test, g->tests), "validation",
                                      numbers(g->validation, g->validations)));
    }
    return groups;
}

/* ---- the page ---- */

/* How it begins: what this is, and what each folder holds. */
static void begin_page(job *j) {
    const gr_experiment *e = j->lab->experiment;
    gr__append(&j->readme,
               "Models of the comparison '%s' of gradroute %s, for whoever tries to bring back what was taken out.\n",
               e->name, GR_VERSION);
    if (e->question)
        gr__append(&j->readme, "%s\n", e->question);
    gr__append(&j->readme, "\nThe models\n\n");
}

/* How they are loaded, and what was held out. */
static void end_page(job *j) {
    const gr_lab *lab = j->lab;
    const char *arm = lab->experiment->arm[lab->experiment->subject >= 0 ? lab->experiment->subject : 0].name;
    const gr_recipe *r = lab->recipe;
    char *prompt = gr_json_quoted(r->prompts ? r->prompt[0] : "a prompt");
    gr__append(&j->readme,
               "\nLoading\n\n"
               "  gradroute inspect %s\n"
               "  gradroute generate %s --prompt %s [--off REGION]\n"
               "  gradroute eval %s --recipe recipe.yaml [--off REGION]\n\n"
               "Each folder has manifest.json (the network, the pieces of its parameters, digests), model.safetensors\n"
               "(what no region owns), a file for each region and tokenizer.json. Without a region's file it is the\n"
               "model without the region: gradroute ablate MODEL --remove REGION --how remove -o OUT.\n",
               arm, arm, prompt, arm);
    gr__append(
        &j->readme,
        "\nWhat was held out\n\n"
        "export.json lists for each group the documents of the test and of validation by their numbers: from 0,\n"
        "in the order in which recipe.yaml reads the corpus, duplicates left out. split_seed %llu; the digest of\n"
        "data and labels is %s.\n"
        "The attacker may use all but the test. result.json has what we measured and what our attacks found.\n",
        (unsigned long long)r->split_seed, lab->project->data_digest);
    gr_free(prompt);
}

/* ---- all of it ---- */

static gr_status write_text(const job *j, const char *name, const char *text, gr_error *err) {
    char *path = gr_format("%s/%s", j->folder, name);
    gr_status status = gr_file_write(path, text, strlen(text), err);
    gr_free(path);
    return status;
}

/* The list by which a later call knows the folder; last, since what it lists is there then. */
static gr_status write_list(const job *j, gr_error *err) {
    const gr_lab *lab = j->lab;
    json_t *file =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:O, s:o}", "format", format, "experiment", lab->experiment->name,
                  "digest", lab->identity, "data", lab->project->data_digest, "split_seed",
                  (json_int_t)lab->recipe->split_seed, "models", j->models, "groups", splits(lab));
    char *path = gr_format("%s/export.json", j->folder);
    gr_status status = gr_json_write(file, path, err);
    gr_free(path);
    json_decref(file);
    return status;
}

gr_status gr_lab_export(gr_lab *lab, const gr_result *result, const char *folder, gr_error *err) {
    job j = {.lab = lab, .folder = folder};
    GR_TRY(gr_lab_export_check(lab, folder, err));
    GR_TRY(gr__lab_open_place(lab, 0, NULL, err));
    GR_TRY(gr_directory_make(folder, err));
    json_t *earlier = read_list(folder);
    j.models = json_array();
    begin_page(&j);

    /* Models, and beside them the recipe, what was found, and the page. */
    gr_status status = export_models(&j, err);
    end_page(&j);
    char *text = gr_result_text(result);
    if (status == GR_OK)
        status = write_text(&j, "recipe.yaml", lab->recipe_text, err);
    if (status == GR_OK)
        status = write_text(&j, "result.json", text, err);
    if (status == GR_OK)
        status = write_text(&j, "README.txt", j.readme, err);
    if (status == GR_OK) {
        remove_stale(&j, earlier);
        status = write_list(&j, err);
    }
    json_decref(earlier);
    gr_free(text);
    gr_free(j.readme);
    json_decref(j.models);
    return status;
}

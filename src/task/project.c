/* A project: what a recipe reads before anything is trained, kept in a folder so that a second call does no set-up. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/classify.h"
#include "gradroute/setting.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "recipe/deciding.h"
#include "task/precision.h"
#include "task/task.h"
#include "task/token_scores.h"

/* ---- digests ---- */

/* The recipe as text without what does not decide a result: sorted where order says nothing, or as it is. */
static gr_status deciding_text(const gr_recipe *recipe, bool sorted, char **text, gr_error *err) {
    char *whole;
    gr_yaml *root;
    GR_TRY(gr_recipe_text(recipe, &whole, err));
    gr_status status = gr__recipe_deciding(&root, whole, err);
    gr_free(whole);
    GR_TRY(status);
    if (sorted)
        gr_yaml_sort(root, gr__recipe_is_ordered);
    status = gr_yaml_write(root, text, err);
    gr_yaml_free(root);
    return status;
}

/* Truth is not in it: it decides about the perfect twin alone. The lists stand one behind the other without lengths,
 * for keys of cells and folders that there are hold these very bytes. */
void gr__shown_digest(gr_digest *digest, const gr_project *p) {
    const gr_labels *l = p->labels;
    size_t tokens = p->data->offsets[l->docs] + l->docs;
    gr_digest_add(digest, l->revealed, l->docs * sizeof *l->revealed);
    if (l->score)
        gr_digest_add(digest, l->score, l->docs * sizeof *l->score);
    if (l->token_revealed)
        gr_digest_add(digest, l->token_revealed, tokens * sizeof *l->token_revealed);
    if (l->token_score)
        gr_digest_add(digest, l->token_score, tokens * sizeof *l->token_score);
}

/* What text and samples have always been known by: folders of earlier versions are gone on with. */
static void add_dataset(gr_digest *d, const gr_project *p) {
    const gr_dataset *data = p->data;
    if (p->shards)
        gr_digest_add(d, p->shards->digest, strlen(p->shards->digest));
    if (data->values) {
        gr_digest_add(d, data->values, data->topics.docs * (size_t)data->value_width);
        gr_digest_add(d, data->topics.of, data->topics.docs * sizeof *data->topics.of);
    }
    gr_digest_add(d, data->ids, data->offsets[data->topics.docs] * sizeof *data->ids);
    gr__shown_digest(d, p);
}

/* Whether the digest of the run says all of its data already. */
static bool is_of_library(const gr_task *task) {
    int i = 0;
    while (gr__task_list[i] && gr__task_list[i] != task)
        i++;
    return gr__task_list[i] != NULL;
}

/* What decides a run's numbers: settings, data and labels as they are shown, and the model it starts from. */
static gr_status digest_with(char digest[GR_DIGEST_HEX], const gr_project *p, bool sorted, gr_error *err) {
    char *text;
    GR_TRY(deciding_text(p->recipe, sorted, &text, err));

    /* In this order ever since: another one would be another run. */
    gr_digest *d = gr_digest_new();
    gr_digest_add(d, text, strlen(text));
    if (p->data)
        add_dataset(d, p);
    if (!is_of_library(p->task))
        gr_digest_add(d, p->data_digest, sizeof p->data_digest);
    if (p->recipe->from.path)
        gr_digest_add(d, p->recipe->from.sha256, sizeof p->recipe->from.sha256);
    if (p->frequency)
        gr__token_scores_digest(p, d);
    gr_digest_end(d, digest);
    gr_free(text);
    return GR_OK;
}

/* By this version's digest, or by that of the recipe with its keys as they stand. */
bool gr_project_made(const gr_project *p, const char *digest) {
    char older[GR_DIGEST_HEX];
    return !strcmp(p->digest, digest) || (digest_with(older, p, false, NULL) == GR_OK && !strcmp(older, digest));
}

/* A folder that an earlier version began keeps the digest that it has: of the recipe with its keys as they stood. */
static gr_status digest_project(gr_project *p, const char *folder, gr_error *err) {
    GR_TRY(digest_with(p->digest, p, true, err));
    if (!folder)
        return GR_OK;

    /* It stands beside the folder of the data, which may not be there yet. */
    json_t *mark = NULL;
    const char *slash = strrchr(folder, '/');
    char *path = gr_format("%.*sfolder.json", slash ? (int)(slash + 1 - folder) : 0, folder);
    const char *kept = NULL;
    if (gr_file_exists(path) && gr_json_read(&mark, path, NULL) == GR_OK)
        kept = json_string_value(json_object_get(mark, "digest"));
    if (kept && gr_project_made(p, kept))
        memcpy(p->digest, kept, sizeof p->digest);
    json_decref(mark);
    gr_free(path);
    return GR_OK;
}

/* ---- opening ---- */

/* How many sections of recipes are the task's own. */
static int sections_of(const gr_task *task) {
    int count = 0;
    while (task->section && task->section[count].name)
        count++;
    return count;
}

/* Sections of the task's own; what nobody has read of the recipe by then is a slip. */
static gr_status read_sections(gr_settings **settings, const gr_task *task, const gr_recipe *recipe, gr_error *err) {
    for (int i = 0; i < sections_of(task); i++) {
        gr_yaml *map = NULL;
        if (recipe->own)
            GR_TRY(gr_yaml_map(recipe->own, &map, task->section[i].name, err));
        GR_TRY(gr_settings_read(&settings[i], task->section[i].option, NULL, map, err));
    }
    return recipe->own ? gr_yaml_finish(recipe->own, err) : GR_OK;
}

static gr_settings **settings_new(const gr_task *task) {
    return gr_alloc(((size_t)sections_of(task) + 1) * sizeof(gr_settings *));
}

static void settings_free(gr_settings **settings, const gr_task *task) {
    for (int i = 0; settings && i < sections_of(task); i++)
        gr_settings_free(settings[i]);
    gr_free(settings);
}

/* What the recipe says, before anything is read that takes long. */
static gr_status check_recipe(gr_settings **settings, const gr_task *task, const gr_recipe *recipe, gr_error *err) {
    GR_TRY(read_sections(settings, task, recipe, err));
    return task->check ? task->check(recipe, err) : GR_OK;
}

/* Whether its network is one for the data that were read. */
static gr_status check_network(const gr_project *p, gr_error *err) {
    return p->task->suits ? p->task->suits(p, err) : GR_OK;
}

static char *precision_path(const char *folder) { return gr_format("%s/precision.json", folder); }

/* By the folder of the data, beside which an earlier version has left a recipe alone. */
static gr_status settle_precision(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    char *path = precision_path(folder), *begun = gr_format("%s/../recipe.yaml", folder);
    gr_status status = gr__precision_settle(p, path, begun, control, err);
    gr_free(path);
    gr_free(begun);
    return status;
}

/* From the recipe alone to all that training reads. */
static gr_status open_project(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    const gr_task *task = p->task;
    p->settings = settings_new(task);
    GR_TRY(check_recipe(p->settings, task, p->recipe, err));

    /* The data, and what they are known by wherever they lie. */
    p->folder = folder ? gr_strdup(folder) : NULL;
    GR_TRY(task->open(p, folder, control, err));
    GR_TRY(check_network(p, err));
    gr_digest *d = gr_digest_new();
    task->digest(p, d);
    gr_digest_end(d, p->data_digest);

    /* The precision before the digest: the choice is part of what decides a result. */
    if (folder)
        GR_TRY(settle_precision(p, folder, control, err));
    return digest_project(p, folder, err);
}

gr_status gr_project_open_as(gr_project **project, const gr_task *task, gr_recipe *recipe, const char *folder,
                             const gr_control *control, gr_error *err) {
    gr_project *p = *project = gr_alloc(sizeof *p);
    p->task = task;
    p->recipe = recipe;
    p->fits = gr_fits_new();
    gr_status status = open_project(p, folder, control, err);
    if (status != GR_OK) {
        gr_project_free(p);
        *project = NULL;
    }
    return status;
}

gr_status gr_project_open(gr_project **project, gr_recipe *recipe, const char *folder, const gr_control *control,
                          gr_error *err) {
    const gr_task *task;
    *project = NULL;
    GR_TRY(gr__task_choose(&task, gr__task_list, recipe, err));
    return gr_project_open_as(project, task, recipe, folder, control, err);
}

void gr_project_free(gr_project *p) {
    if (!p)
        return;
    p->task->close(p);
    settings_free(p->settings, p->task);
    gr_free(p->folder);
    gr_fits_free(p->fits);
    gr_free(p);
}

/* ---- keeping ---- */

gr_status gr_project_keep(gr_project *p, gr_error *err) {
    if (!p->folder)
        return GR_OK;
    GR_TRY(gr_directory_make(p->folder, err));
    char *path = precision_path(p->folder);
    gr_status status = gr__precision_keep(p, path, err);
    gr_free(path);
    GR_TRY(status);

    /* What came from there is there. */
    if (!p->kept && p->task->keep)
        GR_TRY(p->task->keep(p, err));
    p->kept = true;
    return GR_OK;
}

/* ---- another recipe on the same data ---- */

/* The resolved sections that the data and labels are made by. */
static gr_status data_part(gr_yaml **part, const gr_task *task, const gr_recipe *recipe, gr_error *err) {
    static const char *const kept[] = {"task", "data", "labels", "adjacent", "split_seed"};
    char *text;

    /* A copy of the tree, of which nodes may be taken. */
    GR_TRY(gr_recipe_text(recipe, &text, err));
    gr_status status = gr__recipe_deciding(part, text, err);
    gr_free(text);
    GR_TRY(status);

    /* Beside those of every recipe, the sections of the task. */
    for (gr_yaml *node = gr_yaml_first(*part), *next; node; node = next) {
        bool of_data = false;
        next = gr_yaml_next(node);
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            of_data |= !strcmp(node->key, kept[i]);
        for (int i = 0; i < sections_of(task); i++)
            of_data |= !strcmp(node->key, task->section[i].name);
        if (!of_data)
            gr_yaml_remove(node);
    }
    return GR_OK;
}

gr_status gr__task_same_data(const gr_task *task, const gr_recipe *one, const gr_recipe *other, gr_error *err) {
    gr_yaml *here = NULL, *there = NULL;
    char list[300];

    /* Both as they were resolved: a default that is spelt out is no difference. */
    gr_status status = data_part(&here, task, one, err);
    if (status == GR_OK)
        status = data_part(&there, task, other, err);
    if (status == GR_OK && gr__recipe_differences(list, sizeof list, here, there))
        status = gr_error_set(err, GR_ERR_USAGE, "recipe", "models that are compared read the same documents",
                              "the recipe has other data than the project: %s", list);
    gr_yaml_free(here);
    gr_yaml_free(there);
    return status;
}

/* Whether some route weighs rows by counts of tokens. */
static bool counts_tokens(const gr_recipe *recipe) {
    for (int r = 0; r < recipe->routes->count; r++)
        if (recipe->routes->route[r].mix && recipe->routes->route[r].frequency.on)
            return true;
    return false;
}

/* Scores are by the routes of a recipe, and labels hold them: where there are any, both are the project's own. */
static gr_status own_scores(gr_project *out, gr_error *err) {
    gr_labels *labels = gr_alloc(sizeof *labels);
    *labels = *out->labels;
    labels->target_score = NULL;
    out->labels = labels;
    out->own_scores = true;
    return gr__token_scores_open(out, err);
}

/* What opening would refuse of the recipe; the values of its sections are those of the project, as they decide data. */
static gr_status check_other(const gr_project *p, const gr_recipe *recipe, gr_error *err) {
    gr_settings **settings = settings_new(p->task);
    gr_status status = check_recipe(settings, p->task, recipe, err);
    settings_free(settings, p->task);
    return status;
}

gr_status gr_project_with(gr_project *out, const gr_project *p, gr_recipe *recipe, gr_error *err) {
    *out = (gr_project){0};
    GR_TRY(check_other(p, recipe, err));
    GR_TRY(gr__task_same_data(p->task, recipe, p->recipe, err));

    /* What the first recipe got from data and folder. */
    gr_project with = *p;
    with.recipe = recipe;
    GR_TRY(check_network(&with, err));
    recipe->model.vocab = p->recipe->model.vocab;
    GR_TRY(gr__precision_take(recipe, p, err));

    /* What depends on routes. */
    gr_status status = GR_OK;
    if (p->labels && (counts_tokens(recipe) || counts_tokens(p->recipe))) {
        with.frequency = NULL;
        status = own_scores(&with, err);
    }

    /* The run is another one: its recipe is. */
    *out = with;
    if (status == GR_OK)
        status = digest_with(out->digest, out, true, err);
    if (status != GR_OK)
        gr_project_with_close(out);
    return status;
}

void gr_project_with_close(gr_project *p) {
    if (p->own_scores) {
        gr__token_scores_close(p);
        gr_free(p->labels); /* what it points to is the first project's */
    }
    *p = (gr_project){0};
}

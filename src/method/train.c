/* Training as the recipe says, by its routes or without them, on labels and documents as a view shows them. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/digest.h"
#include "io/lock.h"
#include "io/yaml.h"
#include "method/training.h"
#include "recipe/graft.h"
#include "task/task.h"
#include "task/token_scores.h"

static const char *const routes[] = {"recipe", "none", NULL};
static const char *const regions[] = {"keep", "out", NULL};
static const char *const budgets[] = {"recipe", "routes", NULL};

static const gr_setting options[] = {
    {.key = "set", .help = "keys of the recipe that are others for this model", .kind = GR_SETTING_SETS},
    {.key = "routes", .help = "by those of the recipe, or by none", .kind = GR_SETTING_WORD, .word = routes},
    {.key = "labels", .help = "that routes and filters go by", .kind = GR_SETTING_CHOICE, .choice = gr__views_labels},
    {.key = "without", .help = "documents that are not read", .kind = GR_SETTING_CHOICE, .choice = gr__views_without},
    {.key = "fill",
     .help = "what is not read is replaced by text that is, so that a step reads as much as without leaving out",
     .kind = GR_SETTING_BOOL},
    {.key = "budget",
     .help = "steps: as the recipe says, or as many as take the operations of a training by the recipe's routes",
     .kind = GR_SETTING_WORD,
     .word = budgets},
    {.key = "regions",
     .help = "out: the network without the regions under study, where they can be taken out; a list: with these alone",
     .kind = GR_SETTING_WORD,
     .word = regions,
     .list = true},
    {.key = "watch", .help = "with the recipe's diagnostics", .kind = GR_SETTING_BOOL, .free = true},
    {0}};

bool gr__train_routed(const gr_settings *settings) { return gr_settings_get(settings, "routes")->number == 0; }
bool gr__train_watched(const gr_settings *settings) { return gr_settings_get(settings, "watch")->number != 0; }
bool gr__train_matched(const gr_settings *settings) { return gr_settings_get(settings, "budget")->number != 0; }

gr_status gr__train_settings(gr_settings **settings, const char *text, gr_error *err) {
    gr_yaml *root;
    GR_TRY(gr_yaml_parse(&root, text, strlen(text), "options", err));
    gr_status status = gr_settings_read(settings, options, NULL, root, err);
    gr_yaml_free(root);
    return status;
}

/* ---- what refuses it ---- */

/* A route whose labels are shown on no document changes nothing, however long the training. */
static gr_status check_reached(const gr_project *p, gr_error *err) {
    const gr_recipe *r = p->recipe;
    int route = gr_routes_unreached(r->routes, p->documents), k = 1;
    if (route < 0)
        return GR_OK;
    while (k < r->labels && !(r->routes->route[route].labels & gr_label_bit(k)))
        k++;

    /* The share that is known, where it is that which leaves nothing. */
    const gr_label_def *label = &r->label[k - 1];
    gr_yaml *labels = gr_yaml_find(r->root, "labels"), *node = labels ? gr_yaml_find(labels, label->name) : NULL;
    if (node && label->known < 1)
        node = gr_yaml_find(node, "known");
    return gr_yaml_fail(node ? node : r->root, err,
                        "raise known, or leave out the routes (and the preset) of the label: then it is only measured",
                        "label '%s' is shown on no document that is trained on (known: %g): route %d never acts",
                        label->name, label->known, route + 1);
}

/* Regions that are to stay must be there, and then routes do without the others. */
static gr_status check_regions(const gr_making *m, gr_error *err) {
    const gr_setting_value *asked = gr_settings_get(m->settings, "regions");
    const gr_arch_def *def = &m->project->recipe->model;
    if (asked->count && gr__train_routed(m->settings))
        return gr_error_set(err, GR_ERR_USAGE, "train", "add routes: none",
                            "routes of the recipe are for all of its regions, and some are left out");
    for (int i = 0; i < asked->count; i++) {
        int k = 0;
        while (k < def->region_count && strcmp(def->regions[k].name, asked->texts[i]) != 0)
            k++;
        if (k == def->region_count)
            return gr_error_set(err, GR_ERR_USAGE, "train", "regions: the recipe's that the network has",
                                "there is no region '%.100s' to keep", asked->texts[i]);
    }
    return GR_OK;
}

/* Refuses a training whose labels could not be shown, or whose routes nothing would reach. */
gr_status gr__train_check(const gr_making *m, bool routed, gr_error *err) {
    if (!m->project->data || !m->project->labels)
        return gr_error_set(err, GR_ERR_USAGE, m->name ? m->name : "train", "another method of the task",
                            "task %s has no documents to train on", m->project->task->name);
    if (routed)
        GR_TRY(check_reached(m->project, err));
    return gr__shown_check(m->project, m->settings, err);
}

static gr_status check(const gr_making *m, gr_error *err) {
    const bool matched = gr__train_matched(m->settings), fill = gr_settings_get(m->settings, "fill")->number != 0;
    GR_TRY(check_regions(m, err));
    GR_TRY(gr__train_check(m, matched || gr__train_routed(m->settings), err));
    if (matched && m->project->recipe->routes->count == 0)
        return gr_error_set(err, GR_ERR_USAGE, m->name ? m->name : "train", "budget: recipe",
                            "the recipe has no routes whose operations could be matched");
    if (fill && m->project->shards)
        return gr_error_set(err, GR_ERR_USAGE, m->name ? m->name : "train", "read the sources of the shards",
                            "rows of shards are packed already: what is left out of them cannot be replaced");
    return GR_OK;
}

/* ---- a recipe of its own ---- */

/* The recipe with what this arm changes in it; NULL: it changes nothing. */
gr_status gr__train_recipe(gr_recipe **recipe, const gr_recipe *base, const gr_settings *settings, gr_error *err) {
    const gr_yaml *sets = gr_settings_get(settings, "set")->node;
    *recipe = NULL;
    return sets ? gr__recipe_with(recipe, base, sets, err) : GR_OK;
}

/* Who does without routes reads nothing of them. Labels and regions count all the same: rows hold documents of one
 * label, and the network has the regions' units. */
static const char *const *unread(const gr_settings *settings) {
    static const char *const none[] = {NULL}, *const of_routes[] = {"preset", "routes", NULL};
    return gr__train_routed(settings) || gr__train_matched(settings) ? none : of_routes;
}

/* ---- what decides it beyond recipe and settings ---- */

/* All that training sees of the labels, so that a key tells two views of the same data apart. */
gr_status gr__train_digest(const gr_making *m, bool routed, gr_digest *d, gr_error *err) {
    gr__shown shown;
    GR_TRY(gr__shown_open_given(&shown, m->project, m->settings, err));
    const gr_project *p = &shown.project;

    /* Labels and scores as they are shown. Rows hold documents of one label, so they count without routes too; scores
     * that routes count do not. */
    gr__shown_digest(d, p);
    gr__shown_digest_derived(d, m->settings);
    if (routed)
        gr__token_scores_digest(p, d);

    /* What is left out. */
    const uint8_t left_out[] = {shown.filtered, shown.by_truth};
    gr_digest_add(d, left_out, sizeof left_out);
    if (shown.by_truth) {
        const gr_labels *l = p->labels;
        size_t tokens = p->data->offsets[l->docs] + l->docs;
        gr_digest_add(d, l->truth, l->docs * sizeof *l->truth);
        if (l->token_truth)
            gr_digest_add(d, l->token_truth, tokens * sizeof *l->token_truth);
    }
    if (shown.spared)
        gr_digest_add(d, shown.spared, p->data->topics.docs * sizeof *shown.spared);
    gr__shown_close(&shown);
    return GR_OK;
}

static gr_status digest(const gr_making *m, gr_digest *d, gr_error *err) {
    return gr__train_digest(m, gr__train_routed(m->settings), d, err);
}

/* ---- training ---- */

static const gr_control nobody;

/* What the training loop calls back with. */
typedef struct follower {
    const gr_control *control;
    const gr__lock *lock;
} follower;

/* A caller that does not follow is told of warnings alone. */
static void follow(void *user, const gr_progress *progress) {
    const gr_control *control = ((const follower *)user)->control;
    if (control->progress)
        control->progress(control->user, progress);
    else if (progress->warning)
        gr_log_line(1, "%s: step %lld: %s", progress->name, (long long)progress->step, progress->warning);
}

/* Nothing is written to a folder that another process has taken over. */
static gr_status may_save(void *user, gr_error *err) { return gr__lock_check(((const follower *)user)->lock, err); }

/* Trains under the lock of the folder, with the caller's progress and stop. */
static gr_status run_trainer(gr_made *made, const gr_making *m, gr_train_def *def, gr_error *err) {
    /* Who follows it, and where it is kept. */
    const gr_control *control = m->control ? m->control : &nobody;
    follower f = {control, m->lock};
    def->threads = control->threads ? control->threads : def->threads;
    def->folder = m->folder;
    def->digest = m->key ? m->key : def->digest;
    def->resume = m->resume;
    def->progress = follow;
    def->may_save = may_save;
    def->user = &f;
    def->stop = control->stop;

    /* To the end, or until it is stopped; counts are of all calls that it took. */
    gr_trainer *trainer;
    GR_TRY(gr_trainer_new(&trainer, def, err));
    gr_status status = gr_trainer_run(trainer, err);
    made->steps = def->steps;
    made->tokens = gr_trainer_tokens(trainer);
    made->seconds = gr_trainer_seconds(trainer);
    gr_trainer_free(trainer);
    return status;
}

/* The model on disk, and where it comes from. */
static gr_status save(const gr_making *m, const char *path, const gr_arch_def *def, gr_model *model, gr_error *err) {
    const gr_project *p = m->project;
    gr_bundle_data data[3] = {{"project", p->digest}};
    int count = 1;
    if (p->recipe->from.path)
        data[count++] = (gr_bundle_data){"from", p->recipe->from.sha256};
    if (m->key)
        data[count++] = (gr_bundle_data){"cell", m->key};

    char *recipe;
    GR_TRY(gr_recipe_text(p->recipe, &recipe, err));
    gr_bundle_info info = {recipe, GR_VERSION, p->tokenizer_path, p->recipe->seed, data, count};
    gr_status status = gr_bundle_save(path, def, model, &info, err);
    gr_free(recipe);
    return status;
}

/* A share, where there is one. */
static void add_share(gr_ledger *rows, const char *key, double share) {
    if (isfinite(share))
        gr_ledger_number(rows, key, share);
}

/* How well a classifier told the documents of each label from others, where the training saw labels by one. */
static void add_found(gr_ledger *rows, const gr__shown *shown) {
    const gr_labels *labels = shown->project.labels;
    for (int k = 0; shown->report && k < labels->label_count; k++) {
        const gr_spread_report *r = &shown->report[k];
        if (!r->known) /* the classifier is of other labels */
            continue;
        gr_ledger_begin(rows, "found");
        gr_ledger_text(rows, "name", labels->label_names[k]);

        /* By what is known, then by what is true. */
        gr_ledger_count(rows, "known", (int64_t)r->known);
        gr_ledger_count(rows, "found", (int64_t)r->found);
        add_share(rows, "threshold", r->threshold);
        add_share(rows, "auc", r->auc);
        add_share(rows, "recall", r->recall);
        add_share(rows, "lost", r->lost);
        add_share(rows, "hidden_auc", r->hidden_auc);
        add_share(rows, "hidden_recall", r->hidden_recall);
        add_share(rows, "core_lost", r->core_lost);
    }
}

/* Sizes of the model and what its training took, as rows. */
static gr_status add_rows(const gr_made *made, const gr_making *m, const gr__training *own, gr_error *err) {
    const gr_arch_def *def = made->bundle->def;
    gr_tally tally;
    GR_TRY(gr_train_tally(&tally, &own->def, err));
    size_t core, *region = gr_alloc(((size_t)def->region_count + 1) * sizeof *region);
    bool known = gr_arch_parameters(def, &core, region, NULL) == GR_OK;

    /* The whole. */
    gr_ledger_begin(m->rows, "model");
    gr_ledger_count(m->rows, "parameters", (int64_t)gr_model_size(made->bundle->model));
    if (known)
        gr_ledger_count(m->rows, "core", (int64_t)core);
    gr_ledger_count(m->rows, "tokens", made->tokens);
    gr_ledger_count(m->rows, "steps", made->steps);
    gr_ledger_number(m->rows, "flops", tally.all.flops);
    gr_ledger_count(m->rows, "by_truth", own->shown.by_truth);
    gr_ledger_count(m->rows, "regions_out", def->region_count < m->project->recipe->model.region_count);

    /* Each region. */
    for (int i = 0; known && i < def->region_count; i++) {
        gr_ledger_begin(m->rows, "region");
        gr_ledger_text(m->rows, "name", def->regions[i].name);
        gr_ledger_count(m->rows, "parameters", (int64_t)region[i]);
        const int r = gr_model_find_region(own->def.model, def->regions[i].name);
        gr_ledger_count(m->rows, "tokens", tally.region[r].tokens);
        gr_ledger_number(m->rows, "flops", tally.region[r].flops);
    }

    /* Text of each label, whether it was shown as that label or not. */
    for (int k = 0; k < tally.labels; k++) {
        gr_ledger_begin(m->rows, "read");
        gr_ledger_text(m->rows, "name", own->def.labels->label_names[k]);
        gr_ledger_count(m->rows, "tokens", tally.of_label[k]);
        gr_ledger_count(m->rows, "hidden", tally.hidden[k]);
    }
    gr_free(region);
    gr_tally_free(&tally);
    add_found(m->rows, &own->shown);
    return GR_OK;
}

gr_status gr__train_model(gr_made *made, const gr_making *m, const gr_arch_def *def, gr_model *model, gr__training *own,
                          gr_error *err) {
    gr_made trained = {0};
    *made = trained;
    if (own->watched)
        GR_TRY(gr__token_scores_write(&own->shown.project, m->folder, err));
    GR_TRY(run_trainer(&trained, m, &own->def, err));
    GR_TRY(gr__lock_check(m->lock, err));

    /* What is measured is what lies on the disk. */
    char *path = gr_format("%s/model", m->folder);
    gr_status status = save(m, path, def, model, err);
    if (status == GR_OK)
        status = gr_made_load(made, path, m->project->recipe->precision, err);
    gr_free(path);
    GR_TRY(status);
    made->seconds = trained.seconds;
    made->tokens = trained.tokens;
    made->steps = trained.steps;
    status = m->rows ? add_rows(made, m, own, err) : GR_OK;
    if (status != GR_OK)
        gr_made_free(made);
    return status;
}

/* A network trained as the settings say, with its rows. */
static gr_status make(gr_made *made, const gr_making *m, gr_error *err) {
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
    *made = (gr_made){0};
    GR_TRY(check(m, err));

    /* Network, batches and routes in memory, then the training. */
    GR_TRY(gr__train_network(&def, &model, m->project, m->settings, err));
    gr_model_set_precision(model, m->project->recipe->precision);
    gr_status status = gr__training_open(&own, model, m->project, m->settings, m->name, gr__making_stop(m), err);
    if (status == GR_OK) {
        status = gr__training_match(&own, m->settings, err);
        if (status == GR_OK)
            status = gr__train_model(made, m, def, model, &own, err);
        gr__training_close(&own);
    }
    gr_model_free(model);
    gr_arch_free(def);
    return status;
}

/* ---- before it is made ---- */

static gr_status draft(gr_made *made, const gr_making *m, gr_error *err) {
    gr_arch_def *def;
    gr_model *model;
    *made = (gr_made){0};
    GR_TRY(gr__train_draft(&def, &model, m->project, m->settings, err));
    gr_made_take(made, def, model, m->project->recipe->precision);
    return GR_OK;
}

const gr_method gr__method_train = {
    .name = "train",
    .help = "training as the recipe says, by its routes or without them",
    .doing = "training",
    .revision = 1,
    .sees = GR_SEES_ALL,
    .option = options,
    .recipe = gr__train_recipe,
    .routed = gr__train_routed,
    .unread = unread,
    .check = check,
    .digest = digest,
    .make = make,
    .draft = draft,
    .cost = gr__train_cost,
};

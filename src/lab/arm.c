/* Arms: the models of one comparison, from the same start and over the same documents in the same order, each with one
 * thing changed. */
#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "gradroute/lab.h"
#include "gradroute/surgery.h"
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "lab/arm.h"
#include "task/output.h"
#include "task/project_stream.h"
#include "task/token_scores.h"

const char *gr_arm_name(gr_arm_kind kind) {
    static const char *const names[GR_ARMS] = {"routed", "plain", "filtered", "perfect", "placebo"};
    return names[kind];
}

bool gr__arm_wanted(const gr_recipe *recipe, gr_arm_kind kind) {
    static const unsigned twin[GR_ARMS] = {[GR_ARM_PLAIN] = GR_TWIN_PLAIN,
                                           [GR_ARM_FILTERED] = GR_TWIN_FILTERED,
                                           [GR_ARM_PERFECT] = GR_TWIN_PERFECT,
                                           [GR_ARM_PLACEBO] = GR_TWIN_PLACEBO};
    return kind == GR_ARM_ROUTED || (recipe->twins & twin[kind]);
}

/* Whether the arm is trained by the recipe's routes. */
static bool is_routed(gr_arm_kind kind) { return kind == GR_ARM_ROUTED || kind == GR_ARM_PLACEBO; }

/* The network without its regions' units: the ablated width. Regions that cannot be taken out stay as they are, and so
 * do those that the model to go on from brings. */
static gr_status build_without_regions(gr_arch_def **def, gr_model **model, const gr_project *p, gr_error *err) {
    const gr_arch_def *full = &p->recipe->model;
    const char **names = gr_alloc(((size_t)full->region_count + 1) * sizeof *names);
    int first = gr_recipe_first_region(p->recipe), count = full->region_count - first;
    for (int i = 0; i < count; i++)
        names[i] = full->regions[first + i].name;
    gr_arch_def *same;
    gr_model *whole;
    gr_status status = p->task->network(&same, &whole, p, err);
    if (status == GR_OK) {
        gr_surgery_result out;
        gr_error refused = {0};
        if (gr_surgery_remove(&out, full, whole, names, count, &refused) == GR_OK) {
            *def = out.def;
            *model = out.model;
            gr_model_free(whole);
        } else if (refused.status != GR_ERR_USAGE) { /* not a region that has to stay: say so, train no other network */
            gr_model_free(whole);
            status = refused.status;
            if (err)
                *err = refused;
        } else {
            gr_log_line(1, "the filtered twin keeps the full width: %s", refused.message);
            *def = gr_arch_copy(full);
            *model = whole;
        }
        gr_arch_free(same);
    }
    gr_free(names);
    return status;
}

gr_status gr_arm_build(gr_arch_def **def, gr_model **model, const gr_project *p, gr_arm_kind kind, gr_error *err) {
    bool filtered = kind == GR_ARM_FILTERED || kind == GR_ARM_PERFECT;
    if (filtered && p->recipe->model.region_count > 0)
        return build_without_regions(def, model, p, err);
    return p->task->network(def, model, p, err);
}

/* Rows as an arm sees them: filtered twins drop documents of every label, as revealed or (perfect) as is true. */
gr_status gr__arm_stream(gr_stream **stream, const gr_project *p, gr_arm_kind kind, gr_error *err) {
    bool filtered = kind == GR_ARM_FILTERED || kind == GR_ARM_PERFECT;
    return gr__project_stream(stream, p, filtered, kind == GR_ARM_PERFECT, err);
}

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

static gr_status read_done(gr_arm *arm, bool *done, const char *folder, const gr_project *p, gr_error *err) {
    char *path = gr_format("%s/done.json", folder), *model = gr_format("%s/model", folder);
    json_t *object = NULL;
    *done = false;
    gr_status status = GR_OK;
    if (gr_file_exists(path)) {
        const char *digest = NULL;
        double seconds;
        json_int_t tokens, steps;
        status = gr_json_read(&object, path, err);
        if (status == GR_OK && json_unpack(object, "{s:s, s:F, s:I, s:I}", "digest", &digest, "seconds", &seconds,
                                           "tokens", &tokens, "steps", &steps) != 0)
            status = gr_error_set(err, GR_ERR_FORMAT, path, "remove the file to train again", "it lacks a member");
        else if (status == GR_OK && strcmp(digest, p->digest) != 0)
            status = gr_error_set(err, GR_ERR_USAGE, path, "choose another output folder, or remove this one",
                                  "the run in this folder was made by another recipe or other data");
        if (status == GR_OK) {
            status = gr_bundle_load(&arm->folder, model, NULL, 0, err);
            arm->seconds = seconds;
            arm->tokens = (int64_t)tokens;
            arm->steps = (int64_t)steps;
            *done = status == GR_OK;
        }
        json_decref(object);
    }
    gr_free(path);
    gr_free(model);
    return status;
}

static gr_status save_arm(gr_arm *arm, gr_model *model, const gr_arch_def *def, const gr_project *p, const char *folder,
                          gr_error *err) {
    char *path = gr_format("%s/model", folder), *done = gr_format("%s/done.json", folder), *recipe;
    gr_status status = gr_recipe_text(p->recipe, &recipe, err);
    if (status == GR_OK) {
        gr_bundle_data data[] = {{"project", p->digest}, {"from", p->recipe->from.sha256}};
        gr_bundle_info info = {recipe,          GR_VERSION, p->tokenizer_path,
                               p->recipe->seed, data,       p->recipe->from.path ? 2 : 1};
        status = gr_bundle_save(path, def, model, &info, err);
        gr_free(recipe);
    }
    if (status == GR_OK) {
        json_t *object = json_pack("{s:s, s:f, s:I, s:I}", "digest", p->digest, "seconds", arm->seconds, "tokens",
                                   (json_int_t)arm->tokens, "steps", (json_int_t)arm->steps);
        status = gr_json_write(object, done, err);
        json_decref(object);
    }
    if (status == GR_OK)
        status = gr_bundle_load(&arm->folder, path, NULL, 0, err);
    if (status == GR_OK)
        gr_model_set_precision(arm->folder->model, p->recipe->precision);
    gr_free(path);
    gr_free(done);
    return status;
}

static bool owned_by_region(const gr_model *model, int p) {
    const gr_param_def *def = gr_model_param(model, p);
    for (int r = 0; r < gr_model_regions(model); r++)
        for (int i = 0; i < gr_model_region(model, r)->parts; i++) {
            gr_part part = gr_model_region(model, r)->part[i];
            if (part.param == p && part.lo0 == 0 && part.lo1 == 0 && part.hi0 == def->rows && part.hi1 == def->cols)
                return true;
        }
    return false;
}

/* Optimiser groups that hold for this arm. A group of nothing but regions' own parameters is a setting of the routing:
 * the twins train without it, the plain one too, which would otherwise be handicapped by a rate chosen for routing. */
static int groups_of_arm(gr_optim_group *out, const gr_optim_def *def, const gr_model *model, gr_arm_kind kind) {
    int count = 0;
    for (int i = 0; i < def->groups; i++) {
        bool holds = is_routed(kind);
        for (int p = 0; p < gr_model_params(model) && !holds; p++)
            holds =
                !owned_by_region(model, p) && fnmatch(def->group[i].pattern, gr_model_param(model, p)->name, 0) == 0;
        if (holds)
            out[count++] = def->group[i];
    }
    return count;
}

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

gr_status gr__arm_check(const gr_project *p, gr_arm_kind kind, gr_error *err) {
    gr_labels *labels;
    if (kind == GR_ARM_ROUTED)
        return check_reached(p, err);
    if (kind != GR_ARM_PLACEBO)
        return GR_OK;
    if (p->shards)
        return gr_error_set(err, GR_ERR_USAGE, "twins", "leave placebo out, or read the sources of the shards",
                            "a placebo permutes labels, and shards hold theirs in their rows");
    GR_TRY(gr_labels_placebo(&labels, p->data, p->labels, p->recipe->split_seed, err));
    gr_labels_free(labels);
    return GR_OK;
}

/* The project as an arm sees it: a placebo's labels are permuted, and what is counted by labels is counted anew. */
static gr_status show(gr__arm_parts *out, const gr_project *p, gr_arm_kind kind, gr_error *err) {
    out->shown = *p;
    if (kind != GR_ARM_PLACEBO)
        return GR_OK;
    GR_TRY(gr__arm_check(p, kind, err));
    GR_TRY(gr_labels_placebo(&out->shown.labels, p->data, p->labels, p->recipe->split_seed, err));
    out->owns = true;
    return gr__token_scores_open(&out->shown, err);
}

void gr__arm_parts_close(gr__arm_parts *p) {
    gr_free(p->group);
    gr_router_free(p->router);
    gr_stream_free(p->stream);
    if (p->owns) {
        gr__token_scores_close(&p->shown);
        gr_labels_free(p->shown.labels);
    }
}

gr_status gr__arm_parts_open(gr__arm_parts *out, gr_model *model, const gr_project *p, gr_arm_kind kind,
                             gr_error *err) {
    const gr_recipe *r = p->recipe;
    *out = (gr__arm_parts){.group = gr_alloc(((size_t)r->train.optim.groups + 1) * sizeof *out->group)};

    /* What this arm reads and which routes it has. */
    gr_status status = show(out, p, kind, err);
    if (status == GR_OK)
        status = gr__arm_stream(&out->stream, &out->shown, kind, err);
    if (status == GR_OK && is_routed(kind) && r->routes->count > 0)
        status = gr_router_new(&out->router, model, r->routes, r->seed, err);
    if (status != GR_OK) {
        gr__arm_parts_close(out);
        return status;
    }

    /* Training as the recipe says, for every arm alike; diagnostics are of the routed one. */
    gr_train_def *def = &out->def;
    *def = gr_train_default();
    def->model = model;
    def->stream = out->stream;
    def->router = out->router;
    def->labels = out->shown.labels;
    def->optim = r->train.optim;
    def->optim.group = out->group;
    def->optim.groups = groups_of_arm(out->group, &r->train.optim, model, kind);
    def->rows = r->train.batch;
    def->width = r->data.context;
    def->micro = r->train.micro;
    def->recompute = r->train.recompute;
    def->steps = r->train.steps;
    def->seed = r->seed;
    def->threads = r->threads;
    def->name = gr_arm_name(kind);
    def->checkpoint_every = r->train.checkpoint;
    def->checkpoint_share = r->train.checkpoint_share;
    def->digest = p->digest;
    def->heldout = (gr_heldout_def){r->diagnostics.heldout, p->data, r->split_seed};
    if (kind == GR_ARM_ROUTED)
        def->diagnostics = (gr_diagnostics_def){r->diagnostics.every, r->diagnostics.probe, p->data, r->split_seed};
    return GR_OK;
}

static gr_status train_model(gr_arm *arm, gr__arm_parts *own, const gr__output *out, const gr_control *control,
                             gr_error *err) {
    follower f = {control, out->lock};
    gr_train_def *def = &own->def;
    arm->steps = def->steps;
    def->threads = control->threads ? control->threads : def->threads;
    def->folder = out->folder;
    def->resume = control->resume;
    def->progress = follow;
    def->may_save = may_save;
    def->user = &f;
    def->stop = control->stop;

    gr_trainer *trainer;
    GR_TRY(gr_trainer_new(&trainer, def, err));
    gr_status status = gr_trainer_run(trainer, err);
    arm->tokens = gr_trainer_tokens(trainer);
    arm->seconds = gr_trainer_seconds(trainer);
    gr_trainer_free(trainer);
    return status;
}

/* In a folder that is claimed. */
static gr_status train_in(gr_arm *arm, const gr_arch_def *def, gr_model *model, gr__arm_parts *own, gr_project *p,
                          gr_arm_kind kind, const gr__output *out, const gr_control *control, gr_error *err) {
    GR_TRY(gr_project_keep(p, err));
    if (kind == GR_ARM_ROUTED)
        GR_TRY(gr__token_scores_write(p, out->folder, err));
    GR_TRY(train_model(arm, own, out, control, err));
    GR_TRY(gr__lock_check(out->lock, err));
    return save_arm(arm, model, def, p, out->folder, err);
}

gr_status gr_arm_train(gr_arm *arm, gr_project *p, gr_arm_kind kind, const char *folder, const gr_control *control,
                       gr_error *err) {
    static const gr_control none;
    control = control ? control : &none;
    *arm = (gr_arm){0};

    /* What is finished is only loaded. */
    bool done = false;
    if (control->resume)
        GR_TRY(read_done(arm, &done, folder, p, err));
    if (done) {
        gr_model_set_precision(arm->folder->model, p->recipe->precision);
        gr__output_sweep(folder);
        return GR_OK;
    }

    /* Model, batches and routes, in memory alone. */
    GR_TRY(gr__arm_check(p, kind, err));
    gr_arch_def *def;
    gr_model *model;
    gr__arm_parts own;
    GR_TRY(gr_arm_build(&def, &model, p, kind, err));
    gr_model_set_precision(model, p->recipe->precision);
    gr_status status = gr__arm_parts_open(&own, model, p, kind, err);

    /* From the claim on the folder changes: whatever may refuse has spoken before. */
    gr__output out;
    if (status == GR_OK) {
        status = gr__output_claim(&out, folder, &gr__folder_of_runs, p, control->resume, err);
        if (status == GR_OK) {
            status = train_in(arm, def, model, &own, p, kind, &out, control, err);
            gr__output_release(&out);
        }
        gr__arm_parts_close(&own);
    }
    gr_model_free(model);
    gr_arch_free(def);
    return status;
}

void gr_arm_free(gr_arm *arm) {
    gr_bundle_free(arm->folder);
    arm->folder = NULL;
}

/* A training in a folder of its own, which is finished once it holds done.json. */
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"
#include "method/training.h"
#include "task/output.h"

/* Loads the model of a finished run, with what its done.json says of the training. */
static gr_status take_done(gr_made *made, const json_t *object, const char *path, const char *folder,
                           const gr_project *p, gr_error *err) {
    const char *digest = NULL;
    double seconds;
    json_int_t tokens, steps;
    if (json_unpack((json_t *)object, "{s:s, s:F, s:I, s:I}", "digest", &digest, "seconds", &seconds, "tokens", &tokens,
                    "steps", &steps) != 0)
        return gr_error_set(err, GR_ERR_FORMAT, path, "remove the file to train again", "it lacks a member");
    if (strcmp(digest, p->digest) != 0)
        return gr_error_set(err, GR_ERR_USAGE, path, "choose another output folder, or remove this one",
                            "the run in this folder was made by another recipe or other data");

    /* The run is of this recipe and data. */
    char *model = gr_format("%s/model", folder);
    gr_status status = gr_made_load(made, model, p->recipe->precision, err);
    gr_free(model);
    made->seconds = seconds;
    made->tokens = (int64_t)tokens;
    made->steps = (int64_t)steps;
    return status;
}

/* *done: the folder holds a finished run, which is loaded. */
static gr_status read_done(gr_made *made, bool *done, const char *folder, const gr_project *p, gr_error *err) {
    char *path = gr_format("%s/done.json", folder);
    json_t *object = NULL;
    gr_status status = GR_OK;
    *done = gr_file_exists(path);
    if (*done)
        status = gr_json_read(&object, path, err);
    if (*done && status == GR_OK)
        status = take_done(made, object, path, folder, p, err);
    json_decref(object);
    gr_free(path);
    return status;
}

/* The last file of a run: from now on it is finished. */
static gr_status write_done(const gr_made *made, const char *folder, const gr_project *p, gr_error *err) {
    char *path = gr_format("%s/done.json", folder);
    json_t *object = json_pack("{s:s, s:f, s:I, s:I}", "digest", p->digest, "seconds", made->seconds, "tokens",
                               (json_int_t)made->tokens, "steps", (json_int_t)made->steps);
    gr_status status = gr_json_write(object, path, err);
    json_decref(object);
    gr_free(path);
    return status;
}

/* Keeps the data and trains, in a folder that is claimed. */
static gr_status train_in(gr_made *made, const gr_making *m, const gr_arch_def *def, gr_model *model, gr__training *own,
                          gr_error *err) {
    GR_TRY(gr_project_keep(m->project, err));
    GR_TRY(gr__train_model(made, m, def, model, own, err));
    return write_done(made, m->folder, m->project, err);
}

/* A training from the start or from a checkpoint. All that may refuse it is done in memory first; nothing in the folder
 * changes before it is claimed. */
static gr_status train_anew(gr_made *made, gr_making *m, gr_error *err) {
    gr_arch_def *def;
    gr_model *model;
    gr__training own;
    GR_TRY(gr__method_train.check(m, err));

    /* Network, batches and routes, of which each may refuse. */
    GR_TRY(gr__train_network(&def, &model, m->project, m->settings, err));
    gr_model_set_precision(model, m->project->recipe->precision);
    gr_status status = gr__training_open(&own, model, m->project, m->settings, m->name, gr__making_stop(m), err);
    if (status == GR_OK && (status = gr__training_match(&own, m->settings, err)) != GR_OK)
        gr__training_close(&own);

    /* Nothing refuses: the folder is claimed, and trained in under its lock. */
    if (status == GR_OK) {
        gr__output out;
        status = gr__output_claim(&out, m->folder, &gr__folder_of_runs, m->project, m->resume, err);
        if (status == GR_OK) {
            m->lock = out.lock;
            status = train_in(made, m, def, model, &own, err);
            gr__output_release(&out);
        }
        gr__training_close(&own);
    }
    gr_model_free(model);
    gr_arch_free(def);
    return status;
}

gr_status gr__train_run(gr_made *made, gr_project *p, const gr_settings *settings, const char *name, const char *folder,
                        const gr_control *control, gr_error *err) {
    gr_making making = {.project = p,
                        .settings = settings,
                        .name = name,
                        .folder = folder,
                        .resume = control && control->resume,
                        .control = control};
    *made = (gr_made){0};

    /* What is finished is only loaded. */
    bool done = false;
    gr_status status = making.resume ? read_done(made, &done, folder, p, err) : GR_OK;
    if (status == GR_OK && !done)
        status = train_anew(made, &making, err);
    if (status != GR_OK) {
        gr_made_free(made);
        return status;
    }
    if (done)
        gr__output_sweep(folder);
    return GR_OK;
}

gr_status gr_project_train(gr_made *made, gr_project *project, const char *folder, const gr_control *control,
                           gr_error *err) {
    gr_settings *settings;
    GR_TRY(gr__train_settings(&settings, "{watch: true}", err));
    gr_status status = gr__train_run(made, project, settings, "routed", folder, control, err);
    gr_settings_free(settings);
    return status;
}

/* The folder of one training: what is written there, and when it is gone on with. */
#include "base/mem.h"
#include "gradroute/bundle.h"
#include "io/checkpoint.h"
#include "task/output.h"

/* Names and patterns of what a training writes. */
static bool writes(const char *name) {
    static const char *const names[] = {"data",  "metrics.jsonl", "checkpoints", "recipe.yaml", "tokens-*.tsv",
                                        "model", "done.json",     "folder.json", NULL};
    return gr__folder_matches(names, name);
}

/* Of the newest checkpoint; -1: there is none. */
static int64_t last_step(const char *run) {
    char *folder = gr_format("%s/checkpoints", run);
    int64_t step = gr_checkpoint_newest(folder);
    gr_free(folder);
    return step;
}

static bool has_work(const char *folder) {
    return gr__folder_holds(folder, "done.json") || gr__folder_holds(folder, "model") || last_step(folder) >= 0;
}

/* A model that is made again will be replaced: said now if it cannot be, and not after the training. */
static gr_status check_model(const char *folder, gr_error *err) {
    char *path = gr_format("%s/model", folder);
    gr_status status = gr_bundle_check(path, err);
    gr_free(path);
    return status;
}

/* What is done is not done again unasked. */
static gr_status check(const char *folder, bool resume, gr_error *err) {
    int64_t step = last_step(folder);

    /* Finished, begun, or neither and yet with a model that would be lost. */
    if (gr__folder_holds(folder, "done.json"))
        return resume ? GR_OK
                      : gr_error_set(err, GR_ERR_USAGE, folder,
                                     "--resume reports it; to train anew choose another folder or remove this one",
                                     "the folder holds a finished run");
    if (step >= 0)
        return resume ? check_model(folder, err)
                      : gr_error_set(err, GR_ERR_USAGE, folder, "go on with --resume, or choose another folder",
                                     "the folder holds a run at step %lld", (long long)step);
    if (gr__folder_holds(folder, "model"))
        return gr_error_set(err, GR_ERR_USAGE, folder, "choose another folder; to train anew remove the model yourself",
                            "%s/model is there, but neither done.json nor a checkpoint to go on from", folder);
    return GR_OK;
}

/* What the folder of one training is known by. */
const gr__folder_kind gr__folder_of_runs = {"run", "a run", writes, has_work, check, false};

gr_status gr_output_check(const char *folder, const gr_recipe *recipe, bool resume, gr_error *err) {
    return gr__output_look(folder, &gr__folder_of_runs, recipe, resume, err);
}

/* Samples: rows of numbers with a class each (images), and a network that says the class. */
#include "arch/kind.h"
#include "base/number.h"
#include "gradroute/samples.h"
#include "recipe/read.h"
#include "task/task.h"

/* By the one key that no recipe of text has. */
static bool fits(const gr_recipe *r) { return r->data.samples.images != NULL; }

/* A network of rows that says one of several classes; a sample is no beginning of a text. */
static gr_status check(const gr_recipe *r, gr_error *err) {
    if (!r->data.samples.images) /* of a recipe that names the task */
        return gr_error_set(err, GR_ERR_USAGE, "data", "data: {images: FILE, classes: FILE}",
                            "the task is samples, and data names no images");
    if (!gr__arch_of(&r->model)->sized || r->model.loss != GR_LOSS_CROSS_ENTROPY)
        return gr_error_set(err, GR_ERR_USAGE, "model.arch", "use mlp with loss: cross_entropy",
                            "the data are samples of numbers with a class each");
    if (r->prompts)
        return gr_error_set(err, GR_ERR_USAGE, "prompts", "leave prompts out", "there is no text to continue");
    return gr__task_check_scores(r, err);
}

/* The network's ends against what it is to read and to say. */
static gr_status suits(const gr_project *p, gr_error *err) {
    const gr_arch_def *m = &p->recipe->model;
    const int inputs = m->sizes[0], outputs = m->sizes[m->size_count - 1];
    const int width = p->data->value_width, classes = p->data->topics.count;
    if (inputs != width)
        return gr_error_set(err, GR_ERR_USAGE, "model.sizes", "the first size is the number of values of a sample",
                            "%d %s for samples of %d %s", inputs, gr__plural(inputs, "input", "inputs"), width,
                            gr__plural(width, "value", "values"));
    if (outputs < classes)
        return gr_error_set(err, GR_ERR_USAGE, "model.sizes", "the last size is the number of classes",
                            "%d %s for %d classes", outputs, gr__plural(outputs, "output", "outputs"), classes);
    return GR_OK;
}

/* Read anew each time: unpacking takes no longer than checking what was kept. */
static gr_status open_samples(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    const gr_recipe *r = p->recipe;
    gr_samples *samples;
    (void)folder;
    gr__task_note(control, "reading the samples");
    GR_TRY(gr_idx_open(&samples, &r->data.samples, err));

    /* One document a sample, whose topic is its class; where there are files of the test, these are held out. */
    gr_dataset_def def = {gr__recipe_held(r), r->split_seed, NULL, NULL};
    gr_status status = gr_dataset_samples(&p->data, samples, &def, err);
    gr_samples_free(samples);
    GR_TRY(status);
    return gr_task_dataset_ready(p, control, err);
}

/* A sample is one target, which its topic decides alone: that a gap is above 0 is the only condition of a ratio
 * (docs/measures.md, "What there is to remove"). */
const gr_task gr__task_samples = {
    .name = "samples",
    .help = "samples of numbers with a class each, and a network that tells the classes",
    .unit = "nats per sample",
    .revision = 1,
    .fits = fits,
    .check = check,
    .suits = suits,
    .open = open_samples,
    .close = gr_task_dataset_close,
    .digest = gr_task_dataset_digest,
    .groups = gr_task_dataset_groups,
    .fact = gr_task_dataset_fact,
    .rows = gr_task_dataset_rows,
    .network = gr_task_network,
};

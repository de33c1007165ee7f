/* fashion.c - Fashion-MNIST with one class, bags, routed into hidden units of its own; how much is right without them.
 *
 *     cc -O2 fashion.c $(pkg-config --cflags --libs gradroute) -o fashion
 *     ./fashion /usr/share/datasets/fashion-mnist 3000       FOLDER STEPS; Debian's package is dataset-fashion-mnist */
#include <gradroute/lab.h>
#include <gradroute/samples.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIXELS = 784, CLASSES = 10, BAG = 8, BATCH = 100 };

static gr_error err;
static void check(gr_status status) {
    char line[1200];
    if (status == GR_OK)
        return;
    fprintf(stderr, "fashion: %s\n", gr_error_text(&err, line, sizeof line));
    exit(1);
}

/* All pictures of a set, PIXELS numbers from 0 to 1 each, with their classes. */
static gr_batch read_set(const char *folder, const char *name) {
    char images[1024], classes[1024];
    gr_samples *s;
    snprintf(images, sizeof images, "%s/%s-images-idx3-ubyte.gz", folder, name);
    snprintf(classes, sizeof classes, "%s/%s-labels-idx1-ubyte.gz", folder, name);
    check(gr_idx_open(&s, &(gr_idx_def){.images = images, .classes = classes, .std = 1}, &err));
    float *x = malloc(s->count * PIXELS * sizeof *x);
    if (!x || s->count < BATCH || s->width != PIXELS || s->classes > CLASSES)
        exit((fprintf(stderr, "fashion: too few pictures, or others than expected, in %s\n", images), 1));
    for (size_t i = 0; i < s->count * PIXELS; i++)
        x[i] = (float)s->values[i] / 255;
    return (gr_batch){.positions = (int)s->count, .x = {x}, .targets = s->cls, .denominator = (double)s->count};
}

static void evaluate(gr_model *model, const gr_batch *set, int off) {
    int right[2] = {0}, all[2] = {0}, stride;
    gr_run *run;
    gr_tables *profile;
    check(gr_profile_new(&profile, model, (const char *[]){"bag"}, off, &err));
    check(gr_run_new(&run, model, profile, &(gr_run_def){.positions = set->positions}, &err));
    gr_run_forward(run, set);
    const gr_real *logits = gr_run_value(run, gr_model_output(model, "logits"), &stride);
    for (int i = 0, best; i < set->positions; i++, logits += stride) {
        for (int k = best = 0; k < CLASSES; k++)
            best = logits[k] > logits[best] ? k : best;
        all[set->targets[i] == BAG]++, right[set->targets[i] == BAG] += best == set->targets[i];
    }
    printf("region %s: %d of %d bags right, %d of %d others\n", off ? "off" : "on", right[1], all[1], right[0], all[0]);
    gr_run_free(run), gr_tables_free(profile);
}

int main(int argc, char **argv) {
    static int32_t cls[BATCH], id[BATCH];
    static int16_t label[BATCH];
    const char *folder = argc > 1 ? argv[1] : "/usr/share/datasets/fashion-mnist", *bag = "bag";
    const gr_batch train = read_set(folder, "train"), test = read_set(folder, "t10k");
    gr_arch_def def = gr_arch_default();
    def.kind = GR_ARCH_MLP, def.activation = GR_ACTIVATION_RELU, def.bias = true;
    def.sizes = (int[]){PIXELS, 256, CLASSES}, def.size_count = 3;
    def.regions = &(gr_arch_region){.name = bag, .mlp.add = 64}, def.region_count = 1;
    gr_model *model;
    check(gr_arch_build(&model, &def, 1, &err));

    /* Bags (label 1) train the region alone. Of all else 70 % train the core with the region off, and the rest train
     * the region alone too, which so learns to leave them be. The core never learns from a bag. */
    gr_routes *routes = gr_routes_new(1, &bag);
    for (int label = 0; label < 2; label++) {
        gr_routes_add(routes, gr_label_bit(label), GR_DRAW_SEQUENCE);
        gr_routes_option(routes, label ? 0 : 0.7), gr_routes_without(routes, 1, &bag);
        gr_routes_option(routes, label ? 1 : 0.3), gr_routes_open(routes, 1, &bag);
        gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0);
    }
    gr_router *router;
    gr_run *run;
    gr_optim *optim;
    gr_optim_def adamw = gr_optim_default();
    check(gr_router_new(&router, model, routes, 1, &err));
    check(gr_run_new(&run, model, gr_router_tables(router), &(gr_run_def){.positions = BATCH, .train = true}, &err));
    check(gr_optim_new(&optim, model, gr_router_tables(router), &adamw, &err));
    for (int step = 0; step < (argc > 2 ? atoi(argv[2]) : 3000); step++) {
        const size_t at = (size_t)step * BATCH % (size_t)(train.positions - BATCH + 1);
        for (int i = 0; i < BATCH; i++)
            id[i] = i, label[i] = train.targets[at + (size_t)i] == BAG;
        gr_router_classify(router, cls, &(gr_router_rows){BATCH, 1, label, id, NULL, NULL}, step);
        gr_batch in = {BATCH, .x = {train.x[0] + at * PIXELS}, .targets = train.targets + at, .cls = cls};
        in.denominator = BATCH;
        gr_run_zero(run), gr_run_forward(run, &in), gr_run_backward(run), gr_run_reduce(run);
        check(gr_optim_step(optim, run, NULL, &err));
    }
    evaluate(model, &test, 0), evaluate(model, &test, 1);
    gr_optim_free(optim), gr_run_free(run), gr_router_free(router), gr_routes_free(routes), gr_model_free(model);
}

/* fashion.c - Fashion-MNIST with one class, bags, routed into hidden units of its own; how much is right without them.
 *
 *     cc -O2 fashion.c $(pkg-config --cflags --libs gradroute) -lz -o fashion
 *     ./fashion /usr/share/datasets/fashion-mnist 3000       FOLDER STEPS; Debian's package is dataset-fashion-mnist
 */
#include <gradroute/lab.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { PIXELS = 784, CLASSES = 10, BAG = 8, BATCH = 100 };

static gr_error err;
static void check(gr_status status) {
    char line[1200];
    if (status != GR_OK)
        exit((fprintf(stderr, "fashion: %s\n", gr_error_text(&err, line, sizeof line)), 1));
}

typedef struct set {
    int n;
    float *x;        /* [n x PIXELS] from 0 to 1 */
    int32_t *y, *id; /* [n] kinds of cloth; numbers of the samples, which key the draws */
    int16_t *label;  /* [n] 1: a bag, 0: anything else */
} set;

static set read_set(const char *folder, const char *name) {
    char paths[2][1024];
    unsigned char head[16] = {0}; /* of IDX files: magic number, number of items, rows, columns */
    snprintf(paths[0], 1024, "%s/%s-images-idx3-ubyte.gz", folder, name);
    snprintf(paths[1], 1024, "%s/%s-labels-idx1-ubyte.gz", folder, name);
    gzFile images = gzopen(paths[0], "rb"), labels = gzopen(paths[1], "rb");
    bool good = images && labels && gzread(images, head, 16) == 16 && gzread(labels, head, 8) == 8 && !head[4];
    const size_t n = head[5] << 16 | head[6] << 8 | head[7];
    set s = {(int)n, malloc(n * PIXELS * 4), malloc(n * 4), malloc(n * 4), malloc(n * 2)};
    good = good && n >= BATCH && s.x && s.y && s.id && s.label;
    for (size_t i = 0, at = 0; good && i < n; i++) {
        s.y[i] = gzgetc(labels);
        s.id[i] = (int32_t)i, s.label[i] = s.y[i] == BAG;
        good = s.y[i] >= 0 && s.y[i] < CLASSES;
        for (int k = 0, byte = 0; good && k < PIXELS; k++, good = byte >= 0)
            s.x[at++] = (float)(byte = gzgetc(images)) / 255;
    }
    if (!good || gzclose(images) || gzclose(labels))
        exit((fprintf(stderr, "fashion: cannot read %s and %s\n", paths[0], paths[1]), 1));
    return s;
}

static void evaluate(gr_model *model, const set *s, int off) {
    int right[2] = {0}, all[2] = {0}, stride;
    gr_run *run;
    gr_tables *profile;
    check(gr_profile_new(&profile, model, (const char *[]){"bag"}, off, &err));
    check(gr_run_new(&run, model, profile, &(gr_run_def){.rows = s->n}, &err));
    gr_run_forward(run, &(gr_batch){.rows = s->n, .x = {s->x}, .targets = s->y, .denominator = s->n});
    const gr_real *logits = gr_run_value(run, gr_model_output(model, "logits"), &stride);
    for (int i = 0, best; i < s->n; i++, logits += stride) {
        for (int k = best = 0; k < CLASSES; k++)
            best = logits[k] > logits[best] ? k : best;
        all[s->label[i]]++, right[s->label[i]] += best == s->y[i];
    }
    printf("region %s: %d of %d bags right, %d of %d others\n", off ? "off" : "on", right[1], all[1], right[0], all[0]);
    gr_run_free(run), gr_tables_free(profile);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return fprintf(stderr, "usage: fashion FOLDER STEPS\n"), 2;
    const set train = read_set(argv[1], "train"), test = read_set(argv[1], "t10k");
    gr_arch_def def = gr_arch_default();
    def.kind = GR_ARCH_MLP, def.activation = GR_ACTIVATION_RELU, def.bias = true;
    def.sizes = (int[]){PIXELS, 256, CLASSES}, def.size_count = 3;
    def.regions = &(gr_arch_region){.name = "bag", .mlp.add = 64}, def.region_count = 1;
    gr_model *model;
    check(gr_arch_build(&model, &def, 1, &err));
    gr_routes *routes = gr_routes_new(1, (const char *[]){"bag"}); /* of label 1: it trains its region alone */
    gr_preset_def sgtm = gr_preset_default(gr_preset_find("sgtm"));
    check(gr_preset_expand(routes, gr_preset_find("sgtm"), &sgtm, &err));
    gr_router *router;
    gr_run *run;
    gr_optim *optim;
    gr_optim_def adamw = gr_optim_default();
    check(gr_router_new(&router, model, routes, 1, &err));
    check(gr_run_new(&run, model, gr_router_tables(router), &(gr_run_def){.rows = BATCH, .train = true}, &err));
    check(gr_optim_new(&optim, model, gr_router_tables(router), &adamw, &err));
    for (int step = 0; step < atoi(argv[2]); step++) {
        const int64_t at = (int64_t)step * BATCH % (train.n - BATCH + 1);
        int32_t cls[BATCH];
        gr_router_classify(router, cls, &(gr_router_rows){BATCH, 1, train.label + at, train.id + at, NULL}, step);
        gr_batch in = {BATCH, .x = {train.x + at * PIXELS}, .targets = train.y + at, .cls = cls, .denominator = BATCH};
        gr_run_zero(run), gr_run_forward(run, &in), gr_run_backward(run), gr_run_reduce(run);
        check(gr_optim_step(optim, run, NULL, &err));
    }
    evaluate(model, &test, 0);
    evaluate(model, &test, 1);
    gr_optim_free(optim), gr_run_free(run), gr_router_free(router), gr_routes_free(routes), gr_model_free(model);
    return 0;
}

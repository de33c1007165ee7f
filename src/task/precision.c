/* What `precision: auto` takes: a few of the network's own products are timed in both precisions. A processor may
 * multiply bfloat16 and still be faster in float32, which only a clock tells. Times decide once, before the first model
 * of a folder; from then on the choice is a setting like any other. */
#include "task/precision.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sort.h"
#include "io/file.h"
#include "io/json.h"
#include "io/yaml.h"
#include "kernel/kernel.h"
#include "op/op.h"

gr_precision gr__precision_faster(double float32, double bf16) {
    return bf16 > 0 && 100 * float32 >= GR__PRECISION_GAIN_PERCENT * bf16 ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32;
}

static const char *const words[] = {
    [GR_PRECISION_FLOAT32] = "float32", [GR_PRECISION_BF16] = "bf16", [GR_PRECISION_AUTO] = "auto"};
const char *gr__precision_word(gr_precision precision) { return words[precision]; }

/* ---- timing ---- */

/* Matrices that are timed: the heaviest of the network, at most so many, of at most so many rows and columns (a larger
 * one is no faster for a number than that). Runs of each precision, processor time of a run at least. */
enum { SHAPES = 4, MOST = 1024, PIECE = 256, RUNS = 5 };
static const double LEAST = 4e-3;

typedef struct shape {
    int rows, cols;
    double weight; /* numbers in all matrices of this shape */
} shape;

/* The three products of one matrix in one precision, and their operands. */
typedef struct products {
    gr_gemm *gemm[3];
    void *a, *b, *c;
} products;

static int heavier(const void *a, const void *b) {
    double x = ((const shape *)a)->weight, y = ((const shape *)b)->weight;
    return (x < y) - (x > y);
}

/* The heaviest shapes among the matrices that rows are multiplied by; tables are only looked up. */
static int find_shapes(shape *out, const gr_model *model) {
    int count = 0;
    shape *all = gr_alloc(((size_t)gr_model_params(model) + 1) * sizeof *all);

    /* Each shape once, with the weight of all matrices that have it. */
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *d = gr_model_param(model, p);
        shape s = {d->rows < MOST ? d->rows : MOST, d->cols < MOST ? d->cols : MOST, (double)d->rows * d->cols};
        if (d->kind != GR_KIND_WEIGHT)
            continue;

        /* Beside the one of its shape, if there is one. */
        int same = 0;
        while (same < count && (all[same].rows != s.rows || all[same].cols != s.cols))
            same++;
        if (same == count)
            all[count++] = (shape){s.rows, s.cols, 0};
        all[same].weight += s.weight;
    }

    /* The heaviest first, and no more than are timed. */
    qsort(all, (size_t)count, sizeof *all, heavier);
    count = count < SHAPES ? count : SHAPES;
    memcpy(out, all, (size_t)count * sizeof *all);
    gr_free(all);
    return count;
}

/* As the linear map makes them: half a block of rows forward and for the gradient of the input, a piece of the
 * parameter over a block of rows for its own gradient; each by one thread. */
static products products_new(const shape *s, int block, bool half) {
    const int half_block = gr__half_block(block), piece = s->rows < PIECE ? s->rows : PIECE,
              widest = s->rows > s->cols ? s->rows : s->cols;
    const gr_gemm_def def[3] = {
        {half_block, s->rows, s->cols, false, true, s->cols, s->cols, s->rows, false, false, half, half, true},
        {half_block, s->cols, s->rows, false, false, s->rows, s->cols, s->cols, false, false, half, half, true},
        {piece, s->cols, block, true, false, s->rows, s->cols, s->cols, true, false, half, false, true}};

    /* Operands large enough for each of them; zeros, which take as long as other numbers. */
    size_t side = (size_t)(widest > block ? widest : block), size = side * side * sizeof(gr_real);
    products p = {.a = gr_alloc(size), .b = gr_alloc(size), .c = gr_alloc(size)};
    for (int i = 0; i < 3; i++)
        p.gemm[i] = gr_gemm_new(&def[i], NULL);
    return p;
}

/* Forward, and both gradients, as one step makes them. */
static void products_run(products *p) {
    for (int i = 0; i < 3; i++)
        gr_gemm_run(p->gemm[i], p->c, p->a, p->b, NULL);
}

/* The three products that were timed, and their operands. */
static void products_free(products *p) {
    for (int i = 0; i < 3; i++)
        gr_gemm_free(p->gemm[i]);
    gr_free(p->a);
    gr_free(p->b);
    gr_free(p->c);
}

/* Of this thread, which makes all the products: other work on the machine does not count. */
static double processor_time(void) { return gr__clock(CLOCK_THREAD_CPUTIME_ID); }

/* Seconds of running them `times` times, for one run. */
static double spent(products *p, int times) {
    double from = processor_time();
    for (int i = 0; i < times; i++)
        products_run(p);
    return (processor_time() - from) / times;
}

/* Adds the medians of a shape, as often as the network has it. The precisions take turns. */
static void time_shape(double median[2], const shape *s, int block) {
    products p[2] = {products_new(s, block, false), products_new(s, block, true)};
    double sample[2][RUNS];

    /* Once for caches and the first use of wide registers, then once to know how often a sample needs it. */
    for (int half = 0; half < 2; half++)
        spent(&p[half], 1);
    double once = spent(&p[0], 1);
    int times = once < LEAST ? 1 + (int)(LEAST / (once > 1e-7 ? once : 1e-7)) : 1;

    for (int run = 0; run < RUNS; run++)
        for (int half = 0; half < 2; half++)
            sample[half][run] = spent(&p[half], times);

    for (int half = 0; half < 2; half++) {
        median[half] += gr__median(sample[half], RUNS) * s->weight / ((double)s->rows * s->cols);
        products_free(&p[half]);
    }
}

/* Products of the network in both precisions: median[0] float32, median[1] bfloat16, seconds of processor time. */
static gr_status time_products(double median[2], const gr_project *p, gr_error *err) {
    const gr_recipe *r = p->recipe;
    int rows = (r->train.micro ? r->train.micro : r->train.batch) * r->data.context;
    gr_arch_def *def;
    gr_model *model;
    shape shapes[SHAPES];
    GR_TRY(p->task->network(&def, &model, p, err));

    /* In blocks of rows, as a pass makes them. */
    int count = find_shapes(shapes, model);
    median[0] = median[1] = 0;
    for (int i = 0; i < count; i++)
        time_shape(median, &shapes[i], rows < GR_BLOCK ? rows : GR_BLOCK);
    gr_model_free(model);
    gr_arch_free(def);
    return GR_OK;
}

/* ---- choosing ---- */

/* Says why, for people. */
static void explain(gr_precision_choice *c) {
    const char *taken = gr__precision_word(c->taken);
    if (c->bf16 > 0)
        snprintf(c->why, sizeof c->why,
                 "%s: products of this network take %.3g ms in bfloat16, %.3g in float32 (%.2f times as fast; bf16 is "
                 "taken from %.2f)",
                 taken, 1e3 * c->bf16, 1e3 * c->float32, c->float32 / c->bf16, GR__PRECISION_GAIN_PERCENT / 100.0);
    else
        snprintf(c->why, sizeof c->why, "%s: this processor has no products in bfloat16", taken);
}

/* The precision of that name; MODEL for another word. */
static gr_precision named(const char *word) {
    for (gr_precision p = GR_PRECISION_FLOAT32; p <= GR_PRECISION_AUTO; p++)
        if (strcmp(word, words[p]) == 0)
            return p;
    return GR_PRECISION_MODEL;
}

gr_status gr__precision_pin(gr_recipe *recipe, gr_precision taken, bool in_text, gr_error *err) {
    char set[32];
    recipe->precision = taken;
    snprintf(set, sizeof set, "precision=%s", gr__precision_word(taken));
    return in_text ? gr_yaml_set(recipe->root, set, err) : GR_OK;
}

/* What a text of YAML says; MODEL if it says nothing. */
static gr_precision stated(gr_yaml *root) {
    const gr_yaml *node = gr_yaml_find(root, "precision");
    return node && node->kind == GR_YAML_SCALAR ? named(node->text) : GR_PRECISION_MODEL;
}

/* What a model was trained in is read out of its own recipe; one that says auto still, or nothing, leaves it open. */
gr_status gr__precision_of_model(gr_recipe *recipe, const char *resolved, gr_error *err) {
    gr_yaml *root = NULL;
    if (recipe->precision != GR_PRECISION_AUTO || !resolved ||
        gr_yaml_parse(&root, resolved, strlen(resolved), "recipe", NULL) != GR_OK)
        return GR_OK;
    gr_precision kept = stated(root);
    gr_yaml_free(root);
    bool settled = kept == GR_PRECISION_FLOAT32 || kept == GR_PRECISION_BF16;
    return settled ? gr__precision_pin(recipe, kept, true, err) : GR_OK;
}

gr_status gr__precision_take(gr_recipe *recipe, const gr_project *p, gr_error *err) {
    gr_precision settled = p->recipe->precision;
    if (recipe->precision != GR_PRECISION_AUTO || settled == GR_PRECISION_AUTO)
        return GR_OK;

    /* Without a folder nothing was chosen, and the recipe says it. */
    bool in_text = p->precision.taken == GR_PRECISION_MODEL || p->precision.in_recipe;
    return gr__precision_pin(recipe, settled, in_text, err);
}

/* By the clock, where there is anything to choose. */
static gr_status choose(gr_project *p, gr_error *err) {
    double median[2] = {0};
    if (gr_gemm_has_half())
        GR_TRY(time_products(median, p, err));
    p->precision = (gr_precision_choice){
        .taken = gr__precision_faster(median[0], median[1]), .float32 = median[0], .bf16 = median[1]};
    p->precision.decided_by = p->precision.bf16 > 0 ? "clock" : "processor";
    explain(&p->precision);
    return GR_OK;
}

gr_status gr_project_choose_precision(gr_project *p, gr_error *err) {
    if (p->recipe->precision != GR_PRECISION_AUTO)
        return GR_OK;
    GR_TRY(choose(p, err));
    return gr__precision_pin(p->recipe, p->precision.taken, true, err);
}

/* ---- a folder ---- */

/* Folders of earlier versions keep no choice: `auto` was bfloat16 wherever the processor has it, and is written in the
 * recipe beside the folder, whose text made the digest of what was trained. Both stay. */
static bool begun_without_choice(const char *recipe) {
    gr_yaml *root = NULL;
    bool without = recipe && gr_file_exists(recipe) && gr_yaml_open(&root, recipe, NULL) == GR_OK &&
                   stated(root) == GR_PRECISION_AUTO;
    if (root)
        gr_yaml_free(root);
    return without;
}

/* Without the times that decided: they are never the same twice, and folders of one recipe are to be compared. */
static gr_status write_choice(const gr_project *p, const char *path, gr_error *err) {
    const gr_precision_choice *c = &p->precision;
    json_t *object = json_pack("{s:s, s:s, s:s, s:b}", "precision", gr__precision_word(c->taken), "decided_by",
                               c->decided_by, "isa", gr_kernel_isa(), "in_recipe", c->in_recipe);
    gr_status status = gr_json_write(object, path, err);
    json_decref(object);
    return status;
}

/* Takes what the folder was begun with. Who decided, and the times that earlier versions kept, change nothing. */
static gr_status read_choice(gr_project *p, const char *path, const char *isa, gr_error *err) {
    json_t *object;
    const char *word = NULL, *begun = NULL;
    int text = 1;
    GR_TRY(gr_json_read(&object, path, err));

    /* It must say one of the two, and the recipe nothing else. */
    gr_status status = GR_OK;
    gr_precision taken = GR_PRECISION_MODEL;
    if (json_unpack(object, "{s:s, s:s, s:b}", "precision", &word, "isa", &begun, "in_recipe", &text) == 0)
        taken = named(word);
    if (taken != GR_PRECISION_FLOAT32 && taken != GR_PRECISION_BF16)
        status =
            gr_error_set(err, GR_ERR_FORMAT, path, "set the recipe's precision to that of the folder's recipe.yaml",
                         "it does not say float32 or bf16");
    else if (p->recipe->precision != GR_PRECISION_AUTO && p->recipe->precision != taken)
        status = gr_error_set(err, GR_ERR_USAGE, path, "leave precision out, or choose another output folder",
                              "the folder was begun in %s, the recipe asks for %s", word,
                              gr__precision_word(p->recipe->precision));

    /* What is said about it: of a choice of the folder always, of another instruction set in any case. */
    p->precision = (gr_precision_choice){.taken = taken, .decided_by = "folder", .in_recipe = text != 0};
    if (status == GR_OK && strcmp(begun, isa) != 0)
        snprintf(p->precision.why, sizeof p->precision.why,
                 "%s, as this folder was begun; that was with kernels for %.20s, these are for %s: bits may differ",
                 word, begun, isa);
    else if (status == GR_OK && p->recipe->precision == GR_PRECISION_AUTO)
        snprintf(p->precision.why, sizeof p->precision.why, "%s, as this folder was begun", word);
    json_decref(object);
    return status;
}

gr_status gr__precision_settle(gr_project *p, const char *path, const char *begun, const gr_control *control,
                               gr_error *err) {
    const bool asked = p->recipe->precision != GR_PRECISION_AUTO;
    gr_status status = GR_OK;

    /* A folder that was begun keeps to its choice; else the recipe, then an earlier version, then the clock decides. */
    if (gr_file_exists(path)) {
        status = read_choice(p, path, gr_kernel_isa(), err);
    } else {
        bool in_recipe = true;
        if (asked) {
            p->precision.taken = p->recipe->precision;
            p->precision.decided_by = "recipe";
        } else if (begun_without_choice(begun)) {
            in_recipe = false;
            p->precision.decided_by = "earlier version";
            p->precision.taken = gr_gemm_has_half() ? GR_PRECISION_BF16 : GR_PRECISION_FLOAT32;
            snprintf(p->precision.why, sizeof p->precision.why,
                     "%s, as an earlier version began this folder (bf16 where the processor has it)",
                     gr__precision_word(p->precision.taken));
        } else {
            status = choose(p, err);
        }
        p->precision.in_recipe = in_recipe;
    }

    /* From here on the recipe has it, and the caller hears why. */
    if (status == GR_OK && !asked)
        status = gr__precision_pin(p->recipe, p->precision.taken, p->precision.in_recipe, err);
    if (status == GR_OK && p->precision.why[0] && control && control->note) {
        char *text = gr_format("precision %s", p->precision.why);
        control->note(control->user, text);
        gr_free(text);
    }
    return status;
}

gr_status gr__precision_keep(const gr_project *p, const char *path, gr_error *err) {
    return gr_file_exists(path) ? GR_OK : write_choice(p, path, err);
}

/* Small transformers, plain and with each mode of routing, against the stored figures of tools/reference.py, which says
 * what they are: gradients of the first step, and the loss of ten steps of AdamW in which some classes are absent. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/arch.h"
#include "gradroute/optim.h"
#include "support.h"

enum { VOCAB = 31, CONTEXT = 16, DOCUMENTS = 7, ROWS = 48, WORDS = 12, CLASSES = 3 };
static const int lengths[DOCUMENTS] = {5, 8, 3, 16, 2, 9, 4}; /* and one row that is absent */
static const double tolerance = 1e-4;

/* ---- the file: lines of words ---- */

typedef struct line {
    int words;
    char *word[WORDS];
} line;

typedef struct reference {
    const char *name;
    line *line;
    size_t count, room;
    int classes, mix;
} reference;

static FILE *file_open(const char *name) {
    static const char *const folders[] = {"tests/reference", "../tests/reference"};
    FILE *file = NULL;
    for (int i = 0; i < 2 && !file; i++) {
        char *path = gr_format("%s/%s.txt", folders[i], name);
        file = fopen(path, "r");
        gr_free(path);
    }
    if (!file)
        fail_msg("%s.txt is neither in tests/reference nor in ../tests/reference: %s", name, strerror(errno));
    return file;
}

static int setting(const reference *r, const char *key) {
    for (size_t i = 0; i < r->count; i++)
        if (!strcmp(r->line[i].word[0], key)) {
            int value = gr_arch_value(key, r->line[i].word[1]);
            return value >= 0 ? value : atoi(r->line[i].word[1]);
        }
    fail_msg("%s.txt does not say %s", r->name, key);
    return 0;
}

static reference reference_read(const char *name) {
    reference r = {.name = name};
    FILE *file = file_open(name);
    char text[512], *rest;
    while (fgets(text, sizeof text, file)) {
        if (text[0] == '#')
            continue;
        line *l = &GR_PUSH(r.line, r.count, r.room);
        *l = (line){0};
        for (char *w = strtok_r(text, " \n", &rest); w && l->words < WORDS; w = strtok_r(NULL, " \n", &rest))
            l->word[l->words++] = gr_format("%s", w);
        assert_true(l->words >= 2);
    }
    fclose(file);
    r.classes = setting(&r, "classes");
    r.mix = setting(&r, "mix");
    assert_in_range(r.classes, 1, CLASSES);
    return r;
}

static void reference_free(reference *r) {
    for (size_t i = 0; i < r->count; i++)
        for (int k = 0; k < r->line[i].words; k++)
            gr_free(r->line[i].word[k]);
    gr_free(r->line);
}

/* The next line with this key and at least `words` words, from *at on; NULL at the end. */
static const line *next(const reference *r, size_t *at, const char *key, int words) {
    while (*at < r->count) {
        const line *l = &r->line[(*at)++];
        if (!strcmp(l->word[0], key)) {
            assert_true(l->words >= words);
            return l;
        }
    }
    return NULL;
}

static int integer(const line *l, int word) { return atoi(l->word[word]); }
static double number(const line *l, int word) { return strtod(l->word[word], NULL); }

/* ---- network, rules and batch ---- */

static double wave(size_t i, double phase) { return sin(0.137 * (double)((i + 1) * (i + 1)) + phase); }

/* Parameters in the order of the file. */
static void fill(gr_model *m, const reference *r) {
    const line *l;
    int count = 0;
    for (size_t at = 0; (l = next(r, &at, "gradient", WORDS)); count++) {
        gr_param p = gr_model_find(m, l->word[1]);
        if (p == GR_NONE)
            fail_msg("there is no parameter %s", l->word[1]);
        const gr_param_def *def = gr_model_param(m, p);
        assert_int_equal(def->rows, integer(l, 2));
        assert_int_equal(def->cols, integer(l, 3));
        size_t n = strlen(def->name);
        bool gain = n >= 4 && !strcmp(def->name + n - 4, "norm");
        for (size_t i = 0; i < (size_t)def->rows * (size_t)def->cols; i++)
            gr_model_data(m, p)[i] = (gr_real)(gain ? 1 + 0.3 * wave(i, count + 1) : 0.4 * wave(i, count + 1));
    }
    assert_int_equal(gr_model_params(m), count);
}

/* What only some files say. */
static void variant(gr_arch_def *def, int *windows, const reference *r) {
    size_t at = 0;
    const line *l = next(r, &at, "heads", 4);
    if (!l)
        return;
    def->heads = integer(l, 1), def->kv_heads = integer(l, 2), def->head_size = integer(l, 3);
    if ((l = next(r, &(size_t){0}, "style", 2))) { /* says the rest */
        assert_true(gr_arch_style(def, l->word[1]));
        return;
    }
    def->qkv_bias = (gr_qkv_bias)setting(r, "qkv_bias");
    def->logit_bias = setting(r, "logit_bias");
    def->no_gain = setting(r, "no_gain");
    def->attention_scale = number(next(r, &(size_t){0}, "scale", 2), 1);
    l = next(r, &(size_t){0}, "rotary", 3);
    def->rotary_size = integer(l, 1), def->rotary_halves = integer(l, 2);
    l = next(r, &(size_t){0}, "windows", 2);
    for (int i = 1; i < l->words; i++)
        windows[i - 1] = integer(l, i);
    def->windows = windows;
    def->window_count = l->words - 1;
}

static gr_model *build(const reference *r) {
    gr_arch_def def = gr_arch_default();
    def.vocab = VOCAB, def.context = CONTEXT;
    def.layers = 2, def.width = 16, def.heads = 2, def.mlp = 24;
    def.norm = (gr_norm)setting(r, "norm");
    def.position = (gr_positions)setting(r, "position");
    def.activation = (gr_activation)setting(r, "activation");
    def.bias = setting(r, "bias");
    def.tied = setting(r, "tied");
    int windows[WORDS];
    variant(&def, windows, r);
    size_t at = 0;
    const line *l = next(r, &at, "experts", 4);
    if (l)
        def.experts = integer(l, 1), def.top = integer(l, 2), def.mlp = integer(l, 3), def.balance = 0;
    gr_arch_region region[1];
    at = 0;
    l = next(r, &at, "group", 5);
    if (l) {
        region[0] = (gr_arch_region){
            .name = l->word[1], .residual.add = integer(l, 2), .heads.add = integer(l, 3), .mlp.add = integer(l, 4)};
        def.regions = region, def.region_count = 1;
    }
    at = 0;
    if ((l = next(r, &at, "claim", 6))) {
        region[0] = (gr_arch_region){.name = l->word[1],
                                     .mlp = {.lo = integer(l, 2), .hi = integer(l, 3)},
                                     .heads = {.lo = integer(l, 4), .hi = integer(l, 5)}};
        def.regions = region, def.region_count = 1;
    }
    gr_model *m;
    gr_error err = {0};
    gr_test_ok(gr_arch_build(&m, &def, 1, &err), &err);
    fill(m, r);
    return m;
}

static const double *weights(const line *l, int from, int classes, double *w) {
    for (int c = 0; c < classes; c++)
        w[c] = number(l, from + c);
    return w;
}

/* NULL where there is only one class. */
static gr_tables *tables(const gr_model *m, const reference *r) {
    if (r->classes == 1)
        return NULL;
    gr_tables *t = gr_tables_new(m, r->classes);
    const line *l;
    double w[CLASSES];
    for (size_t at = 0; (l = next(r, &at, "gate", 2 + r->classes));) {
        int region = gr_model_find_region(m, l->word[1]);
        assert_true(region != GR_NONE);
        gr_tables_gate(t, region, weights(l, 2, r->classes, w));
    }
    for (size_t at = 0; (l = next(r, &at, "tap", 4 + r->classes));) {
        gr_tap tap = gr_model_find_tap(m, l->word[1]);
        assert_true(tap != GR_NONE);
        gr_tables_activation(t, tap, integer(l, 2), integer(l, 3), weights(l, 4, r->classes, w));
    }
    for (size_t at = 0; (l = next(r, &at, "part", 6 + r->classes));) {
        gr_param p = gr_model_find(m, l->word[1]);
        assert_true(p != GR_NONE);
        gr_rect rect = {p, integer(l, 2), integer(l, 3), integer(l, 4), integer(l, 5)};
        gr_tables_param(t, rect, weights(l, 6, r->classes, w));
    }
    gr_tables_finish(t);
    return t;
}

static int class_of(int d, int step, int classes) {
    switch (step % 5) {
    case 1:
        return 0;
    case 2:
        return 1 % classes;
    case 4:
        return classes - 1;
    default:
        return (d + step) % classes;
    }
}

static int token(int d, int j, int step) { return ((d + 2) * (j + 1) + d * d + 5 * step) % VOCAB; }

/* The documents of a step one after the other; the last token of each has no target. */
static void fill_batch(gr_test_batch *b, const reference *r, int step) {
    int n = 0;
    for (int d = 0; d < DOCUMENTS; d++)
        for (int j = 0, start = n; j < lengths[d]; j++, n++) {
            b->ids[n] = token(d, j, step);
            b->targets[n] = j + 1 < lengths[d] ? token(d, j + 1, step) : -1;
            b->start[n] = start;
            b->cls[n] = class_of(d, step, r->classes);
            b->mix[n] = (gr_real)(0.25 * (d % 5));
        }
    b->start[n] = n;
    b->ids[n] = 0;
    b->targets[n] = b->cls[n] = -1;
    assert_int_equal(n + 1, ROWS);
    b->batch.cls = b->cls;
    b->batch.mix = r->mix ? b->mix : NULL;
    b->batch.denominator = ROWS - 1 - DOCUMENTS;
    b->batch.step = step;
}

/* ---- comparison ---- */

static int compare(const char *name, const char *what, double have, double want, double scale) {
    if (fabs(have - want) <= tolerance * scale)
        return 0;
    print_error("%s: %s is %.8g, expected %.8g\n", name, what, have, want);
    return 1;
}

/* Norm, projection and single entries of every parameter's gradient; returns how many differ. */
static int compare_gradients(gr_run *run, const gr_model *m, const reference *r) {
    int wrong = 0;
    const line *l;
    for (size_t at = 0; (l = next(r, &at, "gradient", WORDS));) {
        gr_param p = gr_model_find(m, l->word[1]);
        size_t n = (size_t)integer(l, 2) * (size_t)integer(l, 3);
        const gr_real *g = gr_run_gradient(run, p);
        double squares = 0, projection = 0, norm = number(l, 4), usual = norm / sqrt((double)n);
        for (size_t i = 0; i < n; i++) {
            squares += (double)g[i] * (double)g[i];
            projection += (double)g[i] * wave(i, 0.5);
        }
        wrong += compare(l->word[1], "the norm", sqrt(squares), norm, norm);
        wrong += compare(l->word[1], "the projection", projection, number(l, 5), norm);
        for (int k = 6; k < WORDS; k += 2) {
            double want = number(l, k + 1);
            wrong += compare(l->word[1], l->word[k], (double)g[integer(l, k)], want, fmax(fabs(want), usual));
        }
    }
    return wrong;
}

static void figures(void **state) {
    reference r = reference_read(*state);
    gr_model *m = build(&r);
    gr_tables *t = tables(m, &r);
    gr_test_batch b = gr_test_batch_new(ROWS, VOCAB, 1);
    gr_error err = {0};
    gr_run *run;
    gr_optim *optim;
    gr_optim_def def = gr_optim_default();
    def.lr = 0.01;
    gr_test_ok(gr_run_new(&run, m, t, &(gr_run_def){.positions = ROWS, .train = true, .seed = 1}, &err), &err);
    gr_test_ok(gr_optim_new(&optim, m, t, &def, &err), &err);

    int wrong = 0, steps = 0;
    const line *l;
    for (size_t at = 0; (l = next(&r, &at, "step", 4)); steps++) {
        double norm, want = number(l, 2);
        fill_batch(&b, &r, integer(l, 1));
        gr_run_zero(run);
        double loss = gr_run_forward(run, &b.batch);
        gr_run_backward(run);
        gr_run_reduce(run);
        if (steps == 0)
            wrong += compare_gradients(run, m, &r);
        gr_test_ok(gr_optim_step(optim, run, &norm, &err), &err);
        char step[32];
        snprintf(step, sizeof step, "step %d", steps);
        wrong += compare(step, "the loss", loss, want, want);
        wrong += compare(step, "the gradient norm", norm, number(l, 3), number(l, 3));
    }
    assert_int_equal(steps, 10);
    gr_optim_free(optim);
    gr_run_free(run);
    gr_test_batch_free(&b);
    gr_tables_free(t);
    gr_model_free(m);
    reference_free(&r);
    assert_int_equal(wrong, 0);
}

#define CASE(file) \
    { .name = (file), .test_func = figures, .initial_state = (file) }

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE("llama-plain"),    CASE("llama-untied"),        CASE("llama-activation"), CASE("llama-parameter"),
        CASE("llama-forward"),  CASE("llama-mix"),           CASE("gpt2-plain"),       CASE("gpt2-activation"),
        CASE("gpt2-parameter"), CASE("gpt2-forward"),        CASE("group-plain"),      CASE("group-plain-untied"),
        CASE("group-routed"),   CASE("group-routed-untied"), CASE("gptneo-plain"),     CASE("nanogpt-plain"),
        CASE("halves-plain"),   CASE("gqa-plain"),           CASE("gqa-parameter"),    CASE("gqa-forward"),
        CASE("qwen2-plain"),    CASE("experts-plain"),       CASE("experts-routed"),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}

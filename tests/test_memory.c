/* test_memory.c - memory that is refused: each allocation of each call, one at a time, in a child of its own. A small
 * one ends in the handler, which is told the size; a planned one is GR_ERR_MEMORY, after which nothing is left over and
 * the same call succeeds. No call goes on without what it asked for. */
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "gradroute/import.h"
#include "gradroute/infer.h"
#include "gradroute/lab.h"
#include "gradroute/samples.h"
#include "gradroute/surgery.h"
#include "io/json.h"
#include "lab_helpers.h"
#include "method/training.h"
#include "refusal_helpers.h"
#include "support.h"
#include "text/tokenizer.h"

static const char recipe_text[] =
    "seed: 1\n"
    "data: {jsonl: corpus.jsonl, label: topic, context: 16, validation: 0.2, tokenizer: {train: 270}}\n"
    "labels: {a: {pattern: 'bird'}}\n"
    "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"
    "regions: {a: {residual: {add: 4}, mlp: {add: 8}}}\n"
    "preset: {name: residual, p_cr: 0.1}\n"
    "train: {steps: 2, batch: 2, lr: 0.003, checkpoint: 1}\n"
    "twins: [plain]\n"
    "relearn: {documents: 2, steps: 1, batch: 2, every: 1, lr: [0.001]}\n";

/* What calls need that are not themselves tried. */
struct world {
    gr_recipe *recipe;
    gr_project *project;
    gr_bundle *bundle;
    gr_surgery_result adapted; /* the folder's network and an adapter */
    char path[64];             /* of the recipe */
    char images[256], classes[256], weights[256], words[256];
};

static gr_arch_def with_adapter(const world *w, gr_arch_region regions[2]);

/* Three samples of four values, and their classes, as IDX files. */
static void write_samples(world *w) {
    static const unsigned char images[16 + 12] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 9, 8, 7, 6},
                                           classes[8 + 3] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 0};
    snprintf(w->images, sizeof w->images, "%s", gr_test_write("images", images, sizeof images));
    snprintf(w->classes, sizeof w->classes, "%s", gr_test_write("classes", classes, sizeof classes));
}

/* A checkpoint of llama2.c (one layer of 8 in two heads, 264 tokens) and its vocabulary. */
static void write_foreign(world *w) {
    enum { DIM = 8, HIDDEN = 12, VOCAB = 264, POSITIONS = 4, PIECES = 4 };
    static const int sizes[7] = {DIM, HIDDEN, 1, 2, 2, VOCAB, POSITIONS};
    static float file[7 + VOCAB * DIM + 2 * DIM + 4 * DIM * DIM + 3 * DIM * HIDDEN + DIM + POSITIONS * DIM / 2];
    memcpy(file, sizes, sizeof sizes);
    for (size_t i = 7; i < sizeof file / sizeof *file; i++)
        file[i] = 0.01f * (float)(i % 13);
    snprintf(w->weights, sizeof w->weights, "%s", gr_test_write("weights.bin", file, sizeof file));

    /* A score, a length and the bytes of each piece. */
    static const char *const first[PIECES] = {"<unk>", "\n<s>\n", "\n</s>\n", " "};
    char words[8192], piece[16];
    size_t used = sizeof(int);
    memcpy(words, &(int){8}, sizeof(int));
    for (int i = 0; i < VOCAB; i++) {
        if (i < PIECES)
            snprintf(piece, sizeof piece, "%s", first[i]);
        else if (i < PIECES + 256)
            snprintf(piece, sizeof piece, "<0x%02X>", i - PIECES);
        else
            snprintf(piece, sizeof piece, "%c", 'a' + i - PIECES - 256);
        int length = (int)strlen(piece);
        memset(words + used, 0, 4);
        memcpy(words + used + 4, &length, 4);
        memcpy(words + used + 8, piece, (size_t)length);
        used += 8 + (size_t)length;
    }
    snprintf(w->words, sizeof w->words, "%s", gr_test_write("words.bin", words, used));
}

static void write_corpus(void) {
    char text[8192];
    int n = 0;
    for (int i = 0; i < 60; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "{\"text\": \"a %s of number %d\", \"topic\": \"%s\"}\n",
                      i % 3 ? "tool" : "bird", i, i % 3 ? "tool" : "bird");
    gr_test_write("corpus.jsonl", text, (size_t)n);
}

static int setup(void **state) {
    static world w;
    gr_error err = {0};
    gr_made made;
    omp_set_num_threads(1); /* children of a fork have no other threads */
    gr_test_files_setup(state);
    write_corpus();
    snprintf(w.path, sizeof w.path, "%s", gr_test_write("r.yaml", recipe_text, strlen(recipe_text)));
    gr_test_ok(gr_recipe_open(&w.recipe, w.path, NULL, 0, &err), &err);
    gr_test_ok(gr_project_open(&w.project, w.recipe, gr_test_path("data"), NULL, &err), &err);
    gr_test_ok(gr_project_train(&made, w.project, gr_test_path("run"), NULL, &err), &err);
    w.bundle = made.bundle;
    made.owns = false;
    gr_made_free(&made);

    /* What other calls begin from. */
    gr_arch_region regions[2];
    gr_arch_def wider = with_adapter(&w, regions);
    gr_surgery_expand_def how = {0};
    gr_test_ok(gr_surgery_expand(&w.adapted, w.bundle->def, w.bundle->model, &wider, &how, &err), &err);
    write_samples(&w);
    write_foreign(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state) {
    world *w = *state;
    gr_surgery_free(&w->adapted);
    gr_bundle_free(w->bundle);
    gr_project_free(w->project);
    gr_recipe_free(w->recipe);
    return gr_test_files_teardown(state);
}

/* ---- what is tried: each makes its objects and frees them ---- */

static gr_status try_recipe(world *w, gr_error *err) {
    gr_recipe *recipe;
    char *text;
    GR_TRY(gr_recipe_open(&recipe, w->path, (const char *[]){"train.lr=0.01"}, 1, err));
    gr_status status = gr_recipe_text(recipe, &text, err);
    if (status == GR_OK)
        gr_free(text);
    gr_recipe_free(recipe);
    return status;
}

/* The corpus, a tokenizer trained on it, tokens, labels. */
static gr_status try_project(world *w, gr_error *err) {
    gr_project *project;
    GR_TRY(gr_project_open(&project, w->recipe, gr_test_path("fresh"), NULL, err));
    gr_project_free(project);
    unlink(gr_test_path("fresh/dataset.bin"));
    return GR_OK;
}

static gr_status try_kept_project(world *w, gr_error *err) {
    gr_project *project;
    GR_TRY(gr_project_open(&project, w->recipe, gr_test_path("data"), NULL, err));
    gr_project_free(project);
    return GR_OK;
}

static gr_status try_build(world *w, gr_error *err) {
    gr_settings *settings;
    gr_arch_def *def;
    gr_model *model;
    GR_TRY(gr__train_settings(&settings, "{routes: none, without: revealed, regions: out}", err));
    gr_status status = gr__train_network(&def, &model, w->project, settings, err);
    gr_settings_free(settings);
    GR_TRY(status);
    gr_arch_free(def);
    gr_model_free(model);
    return GR_OK;
}

/* A folder of this process alone: the second call of a child goes on where the first one failed. */
static const char *own_folder(const char *name) {
    char text[64];
    snprintf(text, sizeof text, "%s-%d", name, (int)getpid());
    return gr_test_path(text);
}

static gr_status try_train(world *w, gr_error *err) {
    gr_made made;
    gr_control control = {.resume = true};
    GR_TRY(gr_project_train(&made, w->project, own_folder("train"), &control, err));
    gr_made_free(&made);
    return GR_OK;
}

static gr_status try_load(world *w, gr_error *err) {
    gr_bundle *bundle;
    (void)w;
    GR_TRY(gr_bundle_load(&bundle, gr_test_path("run/model"), NULL, 0, err));
    gr_bundle_free(bundle);
    return GR_OK;
}

static gr_status try_save(world *w, gr_error *err) {
    return gr_bundle_save(own_folder("saved"), w->bundle->def, w->bundle->model, &w->bundle->info, err);
}

static gr_status try_evaluate(world *w, gr_error *err) {
    const gr_dataset *d = w->project->data;
    gr_tables *off;
    gr_evaluator *evaluator = NULL;
    gr_scan *scan = NULL;
    GR_TRY(gr_profile_new(&off, w->bundle->model, (const char *[]){"a"}, 1, err));
    gr_status status = gr_evaluator_new(&evaluator, w->bundle->model, off, 2, 16, err);
    if (status == GR_OK)
        status = gr_scan_new(&scan, d, w->project->labels, d->validation, d->validation_count, 2, 16, err);
    gr_scan_free(scan);
    gr_evaluator_free(evaluator);
    gr_tables_free(off);
    return status;
}

static gr_status try_complete(world *w, gr_error *err) {
    gr_decoder *decoder;
    gr_completion done;
    gr_complete_def def = gr_complete_default();
    def.generate.tokens = 3;
    def.stop = (const char *[]){"zz"};
    def.stops = 1;
    GR_TRY(gr_decoder_new(&decoder, w->bundle->model, NULL, &(gr_decoder_def){.context = 16}, err));
    gr_status status = gr_complete(&done, decoder, w->project->tokenizer, "a b", 3, &def, err);
    if (status == GR_OK)
        gr_completion_free(&done);
    gr_decoder_free(decoder);
    return status;
}

static gr_status try_remove(world *w, gr_error *err) {
    gr_surgery_result out;
    GR_TRY(gr_surgery_remove(&out, w->bundle->def, w->bundle->model, (const char *[]){"a"}, 1, err));
    gr_surgery_free(&out);
    return GR_OK;
}

static gr_status try_off(world *w, gr_error *err) {
    gr_surgery_result out;
    gr_surgery_off_def how = {.how = GR_OFF_ZERO, .positions = 16};
    GR_TRY(gr_surgery_off(&out, w->bundle->def, w->bundle->model, "a", &how, err));
    gr_surgery_free(&out);
    return GR_OK;
}

static gr_status try_pack(world *w, gr_error *err) {
    gr_recipe *recipe;
    gr_shards *shards;
    GR_TRY(gr_recipe_open(&recipe, w->path, (const char *[]){"labels={a: {is: [bird]}}"}, 1, err));
    const char *folder = own_folder("shards");
    gr_status status = gr_project_pack(recipe, folder, 0, NULL, err);
    if (status == GR_OK)
        status = gr_shards_open(&shards, folder, NULL, err);
    if (status == GR_OK)
        gr_shards_free(shards);
    gr_recipe_free(recipe);
    return status;
}

static gr_status try_audit(world *w, gr_error *err) {
    char *result;
    GR_TRY(lab_audit(&result, own_folder("audit"), w->path, NULL, 0, NULL, err));
    gr_free(result);
    return GR_OK;
}

/* With an adapter more. */
static gr_arch_def with_adapter(const world *w, gr_arch_region regions[2]) {
    gr_arch_def wider = *w->bundle->def;
    regions[0] = wider.regions[0];
    regions[1] = (gr_arch_region){.name = "b", .adapter = {.rank = 2}};
    wider.regions = regions, wider.region_count = 2;
    return wider;
}

static gr_status try_expand(world *w, gr_error *err) {
    gr_surgery_result out;
    gr_arch_region regions[2];
    gr_arch_def wider = with_adapter(w, regions);
    GR_TRY(gr_surgery_expand(&out, w->bundle->def, w->bundle->model, &wider, &(gr_surgery_expand_def){0}, err));
    gr_surgery_free(&out);
    return GR_OK;
}

static gr_status try_resize(world *w, gr_error *err) {
    gr_surgery_result out;
    gr_surgery_resize_def how = gr_surgery_resize_default();
    how.layers = 2;
    how.mlp = 40;
    GR_TRY(gr_surgery_resize(&out, w->bundle->def, w->bundle->model, &how, err));
    gr_surgery_free(&out);
    return GR_OK;
}

static gr_status try_merge(world *w, gr_error *err) {
    gr_surgery_result out;
    GR_TRY(gr_surgery_merge(&out, w->adapted.def, w->adapted.model, (const char *[]){"b"}, 1, err));
    gr_surgery_free(&out);
    return GR_OK;
}

static bool one_batch(void *context, gr_batch *batch) {
    static const int32_t ids[4] = {1, 2, 3, 4}, targets[4] = {2, 3, 4, 5}, start[4] = {0}, cls[4] = {0};
    bool *given = context, first = !*given;
    *batch = (gr_batch){.positions = 4, .ids = ids, .targets = targets, .start = start, .cls = cls, .denominator = 4};
    *given = true;
    return first;
}

static gr_status try_compare(world *w, gr_error *err) {
    double apart;
    bool given = false;
    gr_surgery_side side[2] = {{w->bundle->model, NULL}, {w->bundle->model, NULL}};
    return gr_surgery_compare(&apart, side, 4, one_batch, &given, err);
}

/* Two files of three samples of four values. */
static gr_status try_samples(world *w, gr_error *err) {
    gr_samples *samples;
    gr_dataset *data;
    gr_idx_def def = {.images = w->images, .classes = w->classes, .std = 1};
    GR_TRY(gr_idx_open(&samples, &def, err));
    gr_status status = gr_dataset_samples(&data, samples, &(gr_dataset_def){.validation = 0.3, .seed = 1}, err);
    if (status == GR_OK)
        gr_dataset_free(data);
    gr_samples_free(samples);
    return status;
}

static gr_status try_near(world *w, gr_error *err) {
    const gr_dataset *data = w->project->data;
    uint8_t *kind = calloc(data->topics.docs, 1);
    gr_near near;
    gr_near_def def = gr_near_default();
    for (size_t d = 0; d < data->topics.docs; d++)
        kind[d] = 1 + d % 2;
    def.words = 2;
    def.least = 0.3;
    def.kind = kind;
    def.compare[1] = def.compare[2] = 1 << 1 | 1 << 2;
    gr_status status = gr_near_find(&near, data, w->project->tokenizer, &def, err);
    if (status == GR_OK)
        gr_near_free(&near);
    free(kind);
    return status;
}

static gr_status try_import(world *w, gr_error *err) {
    gr_import *in;
    GR_TRY(gr_import_open(&in, (const char *const[]){w->weights, w->words}, 2, err));
    gr_status status = gr_import_save(in, own_folder("imported"), err);
    gr_import_free(in);
    return status;
}

SWEEP(recipe, 0)
SWEEP(project, 0)
SWEEP(kept_project, 0)
SWEEP(build, 1)
SWEEP(train, 0)
SWEEP(load, 1)
SWEEP(save, 0)
SWEEP(evaluate, 1)
SWEEP(complete, 1)
SWEEP(remove, 0)
SWEEP(off, 0)
SWEEP(expand, 0)
SWEEP(resize, 0)
SWEEP(merge, 0)
SWEEP(compare, 0)
SWEEP(samples, 0)
SWEEP(near, 0)
SWEEP(import, 0)
SWEEP(pack, 0)
SWEEP(audit, 0)

/* jansson drops what it has no memory for; under the gate it does not come that far. */
static void build_json(void) {
    json_t *list = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(list, json_pack("{s:i, s:s}", "number", i, "text", "some"));
    char *text = json_dumps(list, 0);
    _exit(text && strstr(text, "99") ? NOT_REACHED : WENT_ON);
}

static void json_asks_the_gate(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth < 300; nth += 13) {
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            gr_memory_handler(small);
            gr__refuse_at(nth);
            build_json();
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, SMALL);
    }
}

/* Without a handler the process says what was refused and aborts. */
static void aborts_by_default(void **state) {
    (void)state;
    char said[128] = "";
    int pipes[2], status = 0;
    assert_int_equal(pipe(pipes), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(pipes[1], STDERR_FILENO);
        gr__refuse_at(1);
        gr_alloc(12345);
        _exit(0);
    }
    close(pipes[1]); /* else there is no end to read where nothing was said */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(read(pipes[0], said, sizeof said - 1) > 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "12345 bytes"));
    close(pipes[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_in_recipe),       cmocka_unit_test(refusals_in_project),
        cmocka_unit_test(refusals_in_kept_project), cmocka_unit_test(refusals_in_build),
        cmocka_unit_test(refusals_in_train),        cmocka_unit_test(refusals_in_load),
        cmocka_unit_test(refusals_in_save),         cmocka_unit_test(refusals_in_evaluate),
        cmocka_unit_test(refusals_in_complete),     cmocka_unit_test(refusals_in_remove),
        cmocka_unit_test(refusals_in_off),          cmocka_unit_test(refusals_in_pack),
        cmocka_unit_test(refusals_in_expand),       cmocka_unit_test(refusals_in_resize),
        cmocka_unit_test(refusals_in_merge),        cmocka_unit_test(refusals_in_compare),
        cmocka_unit_test(refusals_in_samples),      cmocka_unit_test(refusals_in_near),
        cmocka_unit_test(refusals_in_import),       cmocka_unit_test(refusals_in_audit),
        cmocka_unit_test(json_asks_the_gate),       cmocka_unit_test(aborts_by_default),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

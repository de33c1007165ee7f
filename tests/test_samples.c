/* test_samples.c - IDX files, datasets of samples, their rows, right answers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/arch.h"
#include "gradroute/samples.h"
#include "gradroute/train.h"
#include "support.h"

enum { COUNT = 90, SIDE = 5, WIDTH = SIDE * SIDE, CLASSES = 3, HEAD = 16 };

static uint64_t bits(uint64_t i, uint32_t j) { return gr_random_bits((gr_key){4, GR_STREAM_TEST, 1}, i, j); }

static int class_of(size_t i) { return (int)(bits(i, 0) % CLASSES); }

/* A picture whose bright row is its class. */
static uint8_t value_of(size_t i, int v) {
    return (uint8_t)(bits(i, 1 + (uint32_t)v) % 100 + (v / SIDE == class_of(i) ? 150 : 0));
}

static size_t make_images(unsigned char *out, size_t count) {
    const unsigned char head[HEAD] = {0, 0, 8, 3, 0, 0, 0, (unsigned char)count, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    memcpy(out, head, HEAD);
    for (size_t i = 0; i < count; i++)
        for (int v = 0; v < WIDTH; v++)
            out[HEAD + i * WIDTH + (size_t)v] = value_of(i, v);
    return HEAD + count * WIDTH;
}

static size_t make_classes(unsigned char *out, size_t count) {
    const unsigned char head[8] = {0, 0, 8, 1, 0, 0, 0, (unsigned char)count};
    memcpy(out, head, 8);
    for (size_t i = 0; i < count; i++)
        out[8 + i] = (unsigned char)class_of(i);
    return 8 + count;
}

typedef struct files {
    char images[256], classes[256];
} files;

static void write_files(files *f, const char *name, bool packed) {
    unsigned char bytes[HEAD + COUNT * WIDTH];
    for (int which = 0; which < 2; which++) {
        size_t n = which ? make_classes(bytes, COUNT) : make_images(bytes, COUNT);
        snprintf(which ? f->classes : f->images, 256, "%s/%s-%s", gr_test_path("."), name,
                 which ? "classes" : "images");
        const char *path = which ? f->classes : f->images;
        gzFile gz = gzopen(path, packed ? "wb" : "wbT"); /* T: plain */
        assert_int_equal(gzwrite(gz, bytes, (unsigned)n), (int)n);
        gzclose(gz);
    }
}

static gr_idx_def def_of(const files *f) { return (gr_idx_def){.images = f->images, .classes = f->classes, .std = 1}; }

static gr_samples *open_good(const gr_idx_def *def) {
    gr_samples *samples = NULL;
    gr_error err = {0};
    gr_test_ok(gr_idx_open(&samples, def, &err), &err);
    return samples;
}

/* ---- files ---- */

static void reads_plain_and_gzip(void **state) {
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        files f;
        write_files(&f, "good", packed);
        gr_idx_def def = def_of(&f);
        gr_samples *s = open_good(&def);
        assert_int_equal(s->count, COUNT);
        assert_int_equal(s->width, WIDTH);
        assert_int_equal(s->classes, CLASSES);
        assert_int_equal(s->held, 0);
        assert_string_equal(s->names[2], "2");
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(s->cls[i], class_of(i));
            for (int v = 0; v < WIDTH; v++)
                assert_int_equal(s->values[i * WIDTH + (size_t)v], value_of(i, v));
        }
        gr_samples_free(s);
    }
}

static void expect(const gr_idx_def *def, gr_status status, const char *message) {
    gr_samples *s = (gr_samples *)1;
    gr_error err = {0};
    assert_int_equal(gr_idx_open(&s, def, &err), status);
    assert_null(s);
    if (!strstr(err.message, message))
        fail_msg("expected \"%s\", got \"%s: %s\"", message, err.place, err.message);
    assert_true(err.place[0]);
}

static void refuses_what_does_not_fit(void **state) {
    (void)state;
    files f;
    unsigned char bytes[HEAD + COUNT * WIDTH];
    write_files(&f, "bad", false);
    gr_idx_def def = def_of(&f), swapped = def;
    swapped.images = f.classes;
    expect(&swapped, GR_ERR_FORMAT, "dimension");
    swapped = (gr_idx_def){.images = f.images, .classes = f.images, .std = 1};
    expect(&swapped, GR_ERR_FORMAT, "dimension");
    def.std = 0;
    expect(&def, GR_ERR_USAGE, "std");
    const char *two[] = {"a", "b"}, *same[] = {"a", "b", "a"}, *three[] = {"a", "b", "c"};
    def = def_of(&f);
    def.names = two, def.name_count = 2;
    expect(&def, GR_ERR_USAGE, "2 names");
    def.names = same, def.name_count = 3;
    expect(&def, GR_ERR_USAGE, "named");
    def.names = three;
    gr_samples *s = open_good(&def);
    assert_string_equal(s->names[1], "b");
    gr_samples_free(s);
    def = def_of(&f);
    def.images = gr_test_path("nowhere");
    expect(&def, GR_ERR_INPUT, "cannot open");
    def = def_of(&f);
    size_t n = make_classes(bytes, COUNT - 1);
    def.classes = gr_test_write("fewer", bytes, n);
    expect(&def, GR_ERR_FORMAT, "89 classes for 90");
    def = def_of(&f);
    n = make_images(bytes, COUNT);
    def.images = gr_test_write("longer", bytes, n);
    FILE *file = fopen(def.images, "ab");
    fputc(0, file);
    fclose(file);
    expect(&def, GR_ERR_FORMAT, "behind");
    def.images = gr_test_write("shorter", bytes, n - 1);
    expect(&def, GR_ERR_FORMAT, "2249 of 2250");
    bytes[4] = 0x7f; /* two thousand million images: not asked for */
    def.images = gr_test_write("claims", bytes, n);
    expect(&def, GR_ERR_FORMAT, "claims");
    make_images(bytes, COUNT);
    bytes[2] = 13;
    def.images = gr_test_write("floats", bytes, n);
    expect(&def, GR_ERR_FORMAT, "type 13");
}

/* A few thousand files with some bytes changed or cut: read in full or refused with the file's name. */
static void mutated_files(void **state) {
    (void)state;
    enum { TRIES = 4000 };
    files f;
    write_files(&f, "mutate", false);
    unsigned char bytes[HEAD + COUNT * WIDTH];
    int refused = 0;
    for (uint64_t k = 0; k < TRIES; k++) {
        bool images = k % 2;
        gr_idx_def def = def_of(&f);
        size_t n = images ? make_images(bytes, COUNT) : make_classes(bytes, COUNT);
        for (uint32_t edit = 0; edit < 1 + bits(k, 200) % 4; edit++)
            bytes[bits(k, 201 + 2 * edit) % (edit % 2 ? n : HEAD)] = (unsigned char)bits(k, 202 + 2 * edit);
        n -= k % 7 == 0 ? bits(k, 220) % n : 0;
        const char *path = gr_test_write("mutated", bytes, n);
        *(images ? &def.images : &def.classes) = path;
        gr_samples *s;
        gr_error err = {0};
        gr_status status = gr_idx_open(&s, &def, &err);
        refused += status != GR_OK;
        if (status != GR_OK)
            assert_true(status == GR_ERR_FORMAT && strstr(err.place, "mutate"));
        for (size_t i = 0; status == GR_OK && i < s->count; i++)
            assert_true(s->cls[i] >= 0 && s->cls[i] < s->classes && s->values[i * (size_t)s->width] <= 255);
        gr_samples_free(s);
    }
    assert_true(refused > TRIES / 2);
}

/* ---- datasets ---- */

static gr_dataset *dataset_of(const gr_samples *samples, double validation) {
    gr_dataset *data = NULL;
    gr_error err = {0};
    gr_test_ok(gr_dataset_samples(&data, samples, &(gr_dataset_def){validation, 3, NULL, NULL}, &err), &err);
    return data;
}

/* Files of their own for validation; else a share is drawn. */
static void splits(void **state) {
    (void)state;
    files f, test;
    write_files(&f, "train", true);
    write_files(&test, "test", false);
    gr_idx_def def = def_of(&f);
    def.test_images = test.images, def.test_classes = test.classes;
    gr_samples *s = open_good(&def);
    gr_dataset *data = dataset_of(s, 0);
    assert_int_equal(data->train_count, COUNT);
    assert_int_equal(data->validation_count, COUNT);
    assert_int_equal(data->validation[0], COUNT);
    gr_dataset_free(data);
    s->held = 0;
    data = dataset_of(s, 0.1);
    assert_int_equal(data->validation_count, 2 * COUNT / 10);
    gr_dataset_free(data);
    gr_samples_free(s);
}

/* Each sample once in an epoch, its values scaled, its class as topic and target; width is 1. */
static void rows_of_samples(void **state) {
    (void)state;
    enum { B = 10 };
    files f;
    write_files(&f, "rows", false);
    gr_idx_def def = def_of(&f);
    def.mean = 0.25, def.std = 0.5;
    gr_samples *s = open_good(&def);
    gr_dataset *data = dataset_of(s, 0);
    gr_samples_free(s);
    gr_labels *labels;
    const char *is[] = {"1"};
    gr_label_def label = {
        .name = "one", .from = {{"is", .texts = is, .count = 1}}, .known = 1, .hidden_as = GR_HIDDEN_CORE};
    gr_test_ok(gr_labels_new(&labels, &data->topics, &label, 1, NULL, 0, 1, NULL), NULL);
    gr_stream_def order = {.rows = B, .width = 2, .seed = 1, .docs = data->train, .doc_count = data->train_count};
    gr_stream *stream;
    gr_error err = {0};
    assert_int_equal(gr_stream_new(&stream, data, labels, &order, &err), GR_ERR_USAGE);
    order.width = 1;
    gr_test_ok(gr_stream_new(&stream, data, labels, &order, &err), &err);
    int met[COUNT] = {0};
    for (int step = 0; step < COUNT / B; step++) {
        gr_rows rows;
        gr_stream_next(stream, step, &rows);
        assert_int_equal(rows.sequences, B);
        assert_int_equal(rows.x_width, WIDTH);
        for (int r = 0; r < B; r++) {
            size_t d = (size_t)rows.doc[r];
            met[d]++;
            assert_int_equal(rows.targets[r], class_of(d));
            assert_int_equal(rows.label[r], class_of(d) == 1);
            for (int v = 0; v < WIDTH; v++) {
                double want = (value_of(d, v) / 255.0 - 0.25) / 0.5;
                assert_true(fabs((double)rows.x[r * WIDTH + v] - want) < 1e-6);
            }
        }
    }
    for (int d = 0; d < COUNT; d++)
        assert_int_equal(met[d], 1);
    gr_stream_free(stream);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

/* A network learns the bright row; what it answers rightly is counted as its losses say. */
static void learns_and_is_counted(void **state) {
    (void)state;
    enum { B = 30 };
    files f;
    write_files(&f, "learn", true);
    gr_idx_def idx = def_of(&f);
    gr_samples *s = open_good(&idx);
    gr_dataset *data = dataset_of(s, 0);
    gr_samples_free(s);
    gr_labels *labels;
    gr_test_ok(gr_labels_new(&labels, &data->topics, NULL, 0, NULL, 0, 1, NULL), NULL);
    gr_arch_def arch = gr_arch_default();
    int sizes[] = {WIDTH, 16, CLASSES};
    arch.kind = GR_ARCH_MLP, arch.sizes = sizes, arch.size_count = 3, arch.bias = true;
    arch.activation = GR_ACTIVATION_RELU;
    gr_model *model;
    gr_error err = {0};
    gr_test_ok(gr_arch_build(&model, &arch, 1, &err), &err);
    gr_stream_def order = {.rows = B, .width = 1, .seed = 1, .docs = data->train, .doc_count = data->train_count};
    gr_train_def train = gr_train_default();
    gr_test_ok(gr_stream_new(&train.stream, data, labels, &order, &err), &err);
    train.model = model, train.labels = labels;
    train.rows = B, train.width = 1, train.micro = 7, train.steps = 150;
    train.optim.lr = 0.01, train.optim.warmup = 0;
    gr_test_ok(gr_train(&train, &err), &err);
    gr_evaluator *evaluator;
    gr_scan *scan;
    gr_test_ok(gr_evaluator_new(&evaluator, model, NULL, 8, 1, &err), &err);
    gr_test_ok(gr_scan_new(&scan, data, labels, data->train, 40, 8, 1, &err), &err);
    double nll[COUNT];
    int32_t tokens[COUNT], right[COUNT];
    gr_evaluate_right(evaluator, scan, nll, tokens, right, COUNT);
    int good = 0;
    for (int d = 0; d < COUNT; d++) {
        bool read = d < 40; /* train holds all documents in order */
        assert_int_equal(tokens[d], read);
        assert_true(right[d] <= tokens[d]);
        assert_true(!right[d] || nll[d] < log(CLASSES)); /* the largest of three is above a third */
        assert_true(right[d] || !read || nll[d] > log(2) - 1e-6);
        good += right[d];
    }
    assert_true(good >= 38);
    gr_scan_free(scan);
    gr_evaluator_free(evaluator);
    gr_stream_free(train.stream);
    gr_model_free(model);
    gr_labels_free(labels);
    gr_dataset_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_plain_and_gzip), cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(mutated_files),        cmocka_unit_test(splits),
        cmocka_unit_test(rows_of_samples),      cmocka_unit_test(learns_and_is_counted),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

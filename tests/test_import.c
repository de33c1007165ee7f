/* Networks of others: what is imported computes what a plain reading of the format computes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "format/llama2c.h"
#include "gradroute/bundle.h"
#include "gradroute/import.h"
#include "gradroute/infer.h"
#include "gradroute/surgery.h"
#include "gradroute/train.h"

static double draw(uint64_t i, uint32_t j) {
    return (double)(gr_random_bits((gr_key){13, GR_STREAM_TEST, 0}, i, j) >> 11) * 0x1p-53 * 2 - 1;
}

/* ---- files ---- */

typedef struct sizes {
    int dim, hidden, layers, heads, kv_heads, vocab, positions;
} sizes;

enum { VOCAB = 264, T = 12 };

typedef struct blob {
    unsigned char *bytes;
    size_t count, capacity;
} blob;

static void put(blob *b, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        GR_PUSH(b->bytes, b->count, b->capacity) = ((const unsigned char *)bytes)[i];
}

static void put_random(blob *b, size_t n, double scale, double middle) {
    for (size_t i = 0; i < n; i++)
        put(b, &(float){(float)(middle + scale * draw(b->count, 1))}, 4);
}

/* A checkpoint with random parameters, in the format's order. */
static blob checkpoint(sizes s) {
    blob b = {0};
    size_t d = (size_t)s.dim, m = (size_t)s.hidden, l = (size_t)s.layers, v = (size_t)abs(s.vocab);
    size_t size = d / (size_t)s.heads, kv = size * (size_t)s.kv_heads;
    put(&b, &s, sizeof s);
    put_random(&b, v * d, 1, 0);
    put_random(&b, l * d, 0.3, 1);
    put_random(&b, l * d * d, 0.6, 0);
    put_random(&b, l * kv * d, 0.6, 0);
    put_random(&b, l * kv * d, 0.6, 0);
    put_random(&b, l * d * d, 0.6, 0);
    put_random(&b, l * d, 0.3, 1);
    put_random(&b, l * m * d, 0.6, 0);
    put_random(&b, l * d * m, 0.6, 0);
    put_random(&b, l * m * d, 0.6, 0);
    put_random(&b, d, 0.3, 1);
    put_random(&b, (size_t)s.positions * size, 1e30, 0); /* not used */
    put_random(&b, s.vocab < 0 ? v * d : 0, 1, 0);
    return b;
}

static void put_piece(blob *b, const char *text) {
    int32_t n = (int32_t)strlen(text);
    put(b, &(float){0}, 4);
    put(b, &n, 4);
    put(b, text, (size_t)n);
}

static blob vocabulary(int tokens) {
    blob b = {0};
    put(&b, &(int32_t){8}, 4);
    put_piece(&b, "<unk>");
    put_piece(&b, "\n<s>\n");
    put_piece(&b, "\n</s>\n");
    put_piece(&b, " ");
    for (int i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", i);
        put_piece(&b, name);
    }
    for (int i = 260; i < tokens; i++)
        put_piece(&b, (char[2]){(char)('a' + i - 260), 0});
    return b;
}

static const char *write_blob(const char *name, blob b) {
    const char *path = gr_test_write(name, b.bytes, b.count);
    gr_free(b.bytes);
    return path;
}

/* ---- a plain forward pass over the file's own numbers ---- */

typedef struct plain {
    sizes s;
    const float *embed, *rms_att, *wq, *wk, *wv, *wo, *rms_ffn, *w1, *w2, *w3, *rms_final, *out;
} plain;

static plain plain_of(const blob *b) {
    plain p;
    memcpy(&p.s, b->bytes, sizeof p.s);
    size_t d = (size_t)p.s.dim, m = (size_t)p.s.hidden, l = (size_t)p.s.layers, v = (size_t)abs(p.s.vocab);
    size_t size = d / (size_t)p.s.heads, kv = size * (size_t)p.s.kv_heads;
    const float *at = (const float *)(b->bytes + sizeof p.s);
    p.embed = at;
    p.rms_att = p.embed + v * d;
    p.wq = p.rms_att + l * d;
    p.wk = p.wq + l * d * d;
    p.wv = p.wk + l * kv * d;
    p.wo = p.wv + l * kv * d;
    p.rms_ffn = p.wo + l * d * d;
    p.w1 = p.rms_ffn + l * d;
    p.w2 = p.w1 + l * m * d;
    p.w3 = p.w2 + l * d * m;
    p.rms_final = p.w3 + l * m * d;
    p.out = p.s.vocab < 0 ? p.rms_final + d + (size_t)p.s.positions * size : p.embed;
    return p;
}

static void product(double *y, const float *w, const double *x, int rows, int cols) {
    for (int i = 0; i < rows; i++) {
        y[i] = 0;
        for (int k = 0; k < cols; k++)
            y[i] += w[(size_t)i * (size_t)cols + (size_t)k] * x[k];
    }
}

static void rms_norm(double *y, const double *x, const float *gain, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * x[i];
    for (int i = 0; i < n; i++)
        y[i] = gain[i] * x[i] / sqrt(sum / n + 1e-5);
}

static void turn(double *x, int n, int size, int position) {
    for (int i = 0; i < n; i += 2) {
        double angle = position / pow(10000, (double)(i % size) / size), c = cos(angle), s = sin(angle), a = x[i];
        x[i] = a * c - x[i + 1] * s;
        x[i + 1] = a * s + x[i + 1] * c;
    }
}

enum { DIM = 32, HIDDEN = 64, LAYERS = 3 };
typedef struct cache {
    double k[LAYERS][T][DIM], v[LAYERS][T][DIM];
} cache;

static void attend(const plain *p, cache *c, double *out, const double *n, int l, int t) {
    const sizes s = p->s;
    const int size = s.dim / s.heads, kv = size * s.kv_heads, share = s.heads / s.kv_heads;
    double q[DIM];
    product(q, p->wq + l * s.dim * s.dim, n, s.dim, s.dim);
    product(c->k[l][t], p->wk + l * kv * s.dim, n, kv, s.dim);
    product(c->v[l][t], p->wv + l * kv * s.dim, n, kv, s.dim);
    turn(q, s.dim, size, t);
    turn(c->k[l][t], kv, size, t);
    for (int h = 0; h < s.heads; h++) {
        double weight[T], sum = 0;
        const int at = h / share * size;
        for (int u = 0; u <= t; u++) {
            double dot = 0;
            for (int i = 0; i < size; i++)
                dot += q[h * size + i] * c->k[l][u][at + i];
            sum += weight[u] = exp(dot / sqrt(size));
        }
        for (int i = 0; i < size; i++) {
            out[h * size + i] = 0;
            for (int u = 0; u <= t; u++)
                out[h * size + i] += weight[u] / sum * c->v[l][u][at + i];
        }
    }
}

static void think(const plain *p, double *x, const double *n, int l) {
    const sizes s = p->s;
    double gate[HIDDEN], up[HIDDEN], down[DIM];
    product(gate, p->w1 + l * s.hidden * s.dim, n, s.hidden, s.dim);
    product(up, p->w3 + l * s.hidden * s.dim, n, s.hidden, s.dim);
    for (int i = 0; i < s.hidden; i++)
        up[i] *= gate[i] / (1 + exp(-gate[i]));
    product(down, p->w2 + l * s.dim * s.hidden, up, s.dim, s.hidden);
    for (int i = 0; i < s.dim; i++)
        x[i] += down[i];
}

static void plain_logits(const plain *p, cache *c, double *logits, int token, int t) {
    const sizes s = p->s;
    double x[DIM], n[DIM], heads[DIM], out[DIM];
    for (int i = 0; i < s.dim; i++)
        x[i] = p->embed[token * s.dim + i];
    for (int l = 0; l < s.layers; l++) {
        rms_norm(n, x, p->rms_att + l * s.dim, s.dim);
        attend(p, c, heads, n, l, t);
        product(out, p->wo + l * s.dim * s.dim, heads, s.dim, s.dim);
        for (int i = 0; i < s.dim; i++)
            x[i] += out[i];
        rms_norm(n, x, p->rms_ffn + l * s.dim, s.dim);
        think(p, x, n, l);
    }
    rms_norm(n, x, p->rms_final, s.dim);
    product(logits, p->out, n, abs(s.vocab), s.dim);
}

/* Token by token our logits are those of the plain pass. */
static void check_logits(gr_model *model, const plain *p) {
    gr_error err = {0};
    gr_decoder *decoder;
    cache *c = gr_alloc(sizeof *c);
    gr_test_ok(gr_decoder_new(&decoder, model, NULL, &(gr_decoder_def){.context = T}, &err), &err);
    for (int t = 0; t < T; t++) {
        const gr_real *have;
        double want[VOCAB], largest = 0;
        int32_t token = (t * 37 + 5) % VOCAB;
        gr_test_ok(gr_decoder_read(decoder, &have, &token, 1, &err), &err);
        plain_logits(p, c, want, token, t);
        for (int i = 0; i < VOCAB; i++)
            largest = fmax(largest, fabs(want[i]));
        for (int i = 0; i < VOCAB; i++)
            if (!(fabs(have[i] - want[i]) <= 2e-5 * largest))
                fail_msg("position %d, token %d: %g instead of %g", t, i, (double)have[i], want[i]);
    }
    gr_decoder_free(decoder);
    gr_free(c);
}

/* ---- tests ---- */

static const sizes shapes[] = {
    {16, 24, 2, 4, 4, VOCAB, T},  {16, 24, 2, 4, 4, -VOCAB, T}, /* another output matrix */
    {32, 44, 3, 8, 4, VOCAB, T},                                /* shared keys */
    {32, 20, 2, 4, 1, -VOCAB, T}, {8, 24, 1, 1, 1, VOCAB, T},
};

static void test_logits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        blob b = checkpoint(shapes[i]);
        const char *file = gr_test_write("model.bin", b.bytes, b.count), *out = gr_test_path("imported");
        const char *words = write_blob("words.bin", vocabulary(VOCAB));
        plain p = plain_of(&b);
        gr_error err = {0};
        gr_import *in;
        gr_bundle *bundle;
        gr_test_ok(gr_import_open(&in, (const char *const[]){words, file}, 2, &err), &err);
        assert_string_equal(in->format, "llama2.c");
        assert_int_equal(in->def->context, T);
        check_logits(in->model, &p);
        gr_test_ok(gr_import_save(in, out, &err), &err);
        gr_test_ok(gr_bundle_load(&bundle, out, NULL, 0, &err), &err);
        check_logits(bundle->model, &p);
        assert_int_equal(bundle->info.data_count, 2);
        assert_string_equal(bundle->info.data[1].name, "model.bin");
        gr_tokenizer *tokenizer;
        gr_test_ok(gr_tokenizer_open(&tokenizer, bundle->info.tokenizer, &err), &err);
        assert_true(gr_tokenizer_equal(tokenizer, in->tokenizer));
        gr_tokenizer_free(tokenizer);
        gr_bundle_free(bundle);
        gr_import_free(in);
        gr_free(b.bytes);
    }
}

/* A region that is added leaves the function as it was. */
static void test_expand(void **state) {
    (void)state;
    blob b = checkpoint(shapes[2]);
    const char *file = gr_test_write("model.bin", b.bytes, b.count);
    const char *words = write_blob("words.bin", vocabulary(VOCAB));
    plain p = plain_of(&b);
    gr_error err = {0};
    gr_import *in;
    gr_surgery_result wider;
    gr_test_ok(gr_import_open(&in, (const char *const[]){file, words}, 2, &err), &err);
    gr_arch_def def = *in->def;
    gr_arch_region region = {.name = "more", .mlp.add = 8, .heads.add = 1};
    def.regions = &region;
    def.region_count = 1;
    gr_test_ok(gr_surgery_expand(&wider, in->def, in->model, &def, &(gr_surgery_expand_def){0}, &err), &err);
    check_logits(wider.model, &p);
    gr_surgery_free(&wider);
    gr_import_free(in);
    gr_free(b.bytes);
}

static void check_refused(const char *const *paths, int count, gr_status want, const char *place, const char *message) {
    gr_error err = {0};
    gr_import *in = (gr_import *)&err;
    assert_int_equal(gr_import_open(&in, paths, count, &err), want);
    assert_null(in);
    if (!strstr(err.place, place) || !strstr(err.message, message))
        fail_msg("'%s: %s' does not say '%s', '%s'", err.place, err.message, place, message);
    assert_true(err.hint[0]);
}
#define REFUSED(want, place, message, ...)                                                                          \
    check_refused((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), want, \
                  place, message)

static void test_refusals(void **state) {
    (void)state;
    const char *file = write_blob("model.bin", checkpoint(shapes[0])),
               *words = write_blob("words.bin", vocabulary(VOCAB));
    const char *few = write_blob("few.bin", vocabulary(VOCAB - 1)), *none = gr_test_path("none.bin");
    const char *text = gr_test_write("notes.txt", "hello", 5);
    REFUSED(GR_ERR_USAGE, "model.bin", "no vocabulary", file);
    REFUSED(GR_ERR_USAGE, "words.bin", "no file holds a network", words);
    REFUSED(GR_ERR_USAGE, "notes.txt", "no file holds a network", text, words);
    REFUSED(GR_ERR_USAGE, "model.bin", "both hold a network", file, file);
    REFUSED(GR_ERR_USAGE, "few.bin", "263 tokens, the network 264", few, file);
    REFUSED(GR_ERR_INPUT, "none.bin", "no such file", file, none);
    REFUSED(GR_ERR_USAGE, "import", "3 files", file, words, few);
    REFUSED(GR_ERR_FORMAT, "notes.txt", "near 'hello'", file, text);
}

static void check_parse(const blob *b, size_t size, const char *place, const char *message) {
    gr_llama2c f;
    gr_error err = {0};
    unsigned char *copy = gr_alloc_try(size ? size : 1); /* so that reading past the end is seen */
    memcpy(copy, b->bytes, size);
    assert_int_equal(gr_llama2c_parse(&f, copy, size, "m.bin", &err), GR_ERR_FORMAT);
    assert_string_equal(err.place, place);
    if (!strstr(err.message, message))
        fail_msg("'%s' does not say '%s'", err.message, message);
    gr_free(copy);
}

static void test_damage(void **state) {
    (void)state;
    const struct {
        int word, value;
        const char *message;
    } cases[] = {{0, 0, "0 for dim"}, {0, 17, "n_heads"},    {1, -1, "-1 for hidden_dim"}, {2, 2000, "n_layers"},
                 {3, 0, "n_heads"},   {4, 3, "must divide"}, {4, 5, "n_kv_heads"},         {5, INT32_MIN, "vocab_size"},
                 {6, 0, "seq_len"},   {6, 13, "describes"},  {0, 0x616b3432, "version"}};
    blob b = checkpoint(shapes[0]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t old;
        memcpy(&old, b.bytes + 4 * cases[i].word, 4);
        memcpy(b.bytes + 4 * cases[i].word, &cases[i].value, 4);
        check_parse(&b, b.count, "m.bin", cases[i].message);
        memcpy(b.bytes + 4 * cases[i].word, &old, 4);
    }
    for (size_t n = 0; n < b.count; n += n < 40 ? 1 : 997)
        check_parse(&b, n, "m.bin", n < 28 ? "no header" : "describes");
    memcpy(b.bytes + 28 + 4 * 1000, &(float){INFINITY}, 4);
    check_parse(&b, b.count, "m.bin: byte 4028", "not finite");
    gr_free(b.bytes);
}

/* ---- a network in use ---- */

static void test_stories(void **state) {
    (void)state;
    static const char story[] =
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the "
        "park. One day, she saw a big, red ball.";
    const char *data = getenv("GRADROUTE_DATA");
    if (!data)
        skip();
    char *file = gr_format("%s/llama2c/stories260K.bin", data), *words = gr_format("%s/llama2c/tok512.bin", data);
    gr_error err = {0};
    gr_import *in;
    gr_test_ok(gr_import_open(&in, (const char *const[]){file, words}, 2, &err), &err);
    gr_generate_def def = gr_generate_default();
    int32_t out[120], start = gr_tokenizer_start(in->tokenizer);
    int n;
    assert_int_equal(start, 1);
    def.tokens = 120;
    def.context = in->def->context;
    def.stop = gr_tokenizer_end(in->tokenizer);
    gr_test_ok(gr_generate(in->model, NULL, out, &n, &start, 1, &def, &err), &err);
    char *text = NULL;
    size_t count = 0, capacity = 0;
    gr_tokenizer_decode(in->tokenizer, &text, &count, &capacity, out, (size_t)n);
    assert_true(count > strlen(story));
    assert_memory_equal(text, story, strlen(story));
    gr_free(text);
    gr_import_free(in);
    gr_free(file);
    gr_free(words);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_logits), cmocka_unit_test(test_expand),
                                       cmocka_unit_test(test_refusals), cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_stories)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

#include "support.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

/* GRADROUTE_SKIP='*_large' leaves out tests of such names: an emulator takes minutes for them, sanitizers long. */
__attribute__((constructor)) static void skip_by_name(void) {
    const char *pattern = getenv("GRADROUTE_SKIP");
    if (pattern)
        cmocka_set_skip_filter(pattern);
}

char *gr_test_folder(void) {
    const char *base = getenv("TMPDIR");
    char *folder = gr_format("%s/gradroute-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}

void gr_test_folder_remove(char *folder) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    gr_free(folder);
}

static char *files; /* the folder of this process's tests */

int gr_test_files_setup(void **state) {
    (void)state;
    files = gr_test_folder();
    return 0;
}

int gr_test_files_teardown(void **state) {
    (void)state;
    gr_test_folder_remove(files);
    files = NULL;
    return 0;
}

const char *gr_test_path(const char *name) {
    static char path[16][512];
    static int turn;
    turn = (turn + 1) % 16;
    snprintf(path[turn], sizeof path[turn], "%s/%s", files, name);
    return path[turn];
}

const char *gr_test_write(const char *name, const void *bytes, size_t length) {
    const char *path = gr_test_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    return path;
}

char *gr_test_read(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    fclose(file);
    bytes[*length] = '\0';
    return bytes;
}

void gr_test_ok(gr_status status, const gr_error *err) {
    char text[1400];
    if (status != GR_OK)
        fail_msg("%s", gr_error_text(err, text, sizeof text));
}

gr_test_batch gr_test_batch_new(int rows, int vocab, uint64_t seed) {
    gr_test_batch b = {.ids = gr_alloc((size_t)rows * 4),
                       .targets = gr_alloc((size_t)rows * 4),
                       .start = gr_alloc((size_t)rows * 4),
                       .cls = gr_alloc((size_t)rows * 4),
                       .mix = gr_alloc((size_t)rows * sizeof(gr_real)),
                       .weight = gr_alloc((size_t)rows * sizeof(gr_real))};
    gr_key key = {seed, GR_STREAM_TEST, 0};
    int start = 0;
    for (int n = 0; n < rows; n++) {
        if (n == 0 || gr_random_uniform(key, (uint64_t)n, 0) < 0.15)
            start = n;
        b.start[n] = start;
        b.ids[n] = (int32_t)(gr_random_bits(key, (uint64_t)n, 1) % (uint64_t)vocab);
        b.targets[n] = n % 7 == 3 ? -1 : (int32_t)(gr_random_bits(key, (uint64_t)n, 2) % (uint64_t)vocab);
        b.mix[n] = (gr_real)gr_random_uniform(key, (uint64_t)n, 3);
        b.weight[n] = (gr_real)(0.5 + gr_random_uniform(key, (uint64_t)n, 4));
    }
    b.batch = (gr_batch){.positions = rows, .ids = b.ids, .targets = b.targets, .start = b.start, .denominator = rows};
    return b;
}

void gr_test_batch_free(gr_test_batch *b) {
    gr_free(b->ids);
    gr_free(b->targets);
    gr_free(b->start);
    gr_free(b->cls);
    gr_free(b->mix);
    gr_free(b->weight);
}

double gr_test_distance(const gr_real *a, const gr_real *b, size_t n) {
    double d = 0, x = 0, y = 0;
    for (size_t i = 0; i < n; i++) {
        d += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        x += (double)a[i] * (double)a[i];
        y += (double)b[i] * (double)b[i];
    }
    double m = sqrt(x > y ? x : y);
    return m == 0 ? 0 : sqrt(d) / m; /* NaN stays NaN, and fails what compares it */
}

static gr_param weight(gr_graph *g, const char *name, int rows, int cols) {
    return gr_graph_param(g, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.15, false});
}

static gr_param gain(gr_graph *g, const char *name, int cols) {
    return gr_graph_param(g, &(gr_param_def){name, 1, cols, GR_KIND_NORM, GR_INIT_ONE, 0, true});
}

/* Core width 8 with 2 heads of 6 and 10 neurons; group of 4 with 1 head of 6 and 5 neurons; neurons 7..9 are "claimed".
 */
gr_model *gr_test_transformer(uint64_t seed) {
    enum { D = 8, G = 4, V = GR_TEST_VOCAB };
    gr_graph *g = gr_graph_new();
    int group = gr_graph_region(g, "group"), claimed = gr_graph_region(g, "claimed");
    gr_param e = weight(g, "embed", V, D), eg = weight(g, "group.embed", V, G), gg = gain(g, "group.norm", G);
    gr_param up = weight(g, "up", 10, D), gate = weight(g, "gate", 10, D), down = weight(g, "down", 10, D);
    gr_param qkv = weight(g, "qkv", 36, D), out = weight(g, "out", 12, D);
    gr_param gqkv = weight(g, "group.qkv", 18, D + G), gout = weight(g, "group.out", 6, D + G);
    gr_param gup = weight(g, "group.up", 5, D + G), gdown = weight(g, "group.down", 5, D + G);

    gr_value te = gr_tap_point(g, gr_embedding(g, eg), "group.embed");
    gr_value x = gr_concat(g, 2, (gr_value[]){gr_embedding(g, e), te});
    gr_norm_group norm[2] = {{gain(g, "norm", D), D, GR_NONE}, {gg, G, gr_graph_tap(g, te)}};
    gr_value n = gr_rms_norm(g, x, 2, norm, 1e-5);
    gr_value core = gr_slice(g, n, 0, D);
    gr_value a = gr_attention(g, gr_linear(g, 1, &(gr_term){.x = core, .w = qkv}, GR_NONE, GR_NONE),
                              &(gr_attention_def){.heads = 2, .size = 6, .scale = 0.4, .rotary_base = 100});
    gr_value ga = gr_attention(g, gr_linear(g, 1, &(gr_term){.x = n, .w = gqkv}, GR_NONE, GR_NONE),
                               &(gr_attention_def){.heads = 1, .size = 6, .scale = 0.4, .rotary_base = 100});
    gr_value ta = gr_tap_point(g, ga, "group.heads");
    x = gr_linear(g, 2, (gr_term[]){{.x = a, .w = out, .transposed = true}, {.x = ta, .w = gout, .transposed = true}},
                  GR_NONE, x);
    gr_norm_group norm2[2] = {{gain(g, "norm2", D), D, GR_NONE}, {gain(g, "group.norm2", G), G, gr_graph_tap(g, te)}};
    n = gr_rms_norm(g, x, 2, norm2, 1e-5);
    core = gr_slice(g, n, 0, D);
    gr_value h = gr_swiglu(g, gr_linear(g, 1, &(gr_term){.x = core, .w = gate}, GR_NONE, GR_NONE),
                           gr_linear(g, 1, &(gr_term){.x = core, .w = up}, GR_NONE, GR_NONE));
    gr_value th = gr_tap_point(g, h, "hidden");
    gr_value gh =
        gr_tap_point(g, gr_gelu(g, gr_linear(g, 1, &(gr_term){.x = n, .w = gup}, GR_NONE, GR_NONE)), "group.hidden");
    x = gr_linear(g, 2,
                  (gr_term[]){{.x = th, .w = down, .transposed = true}, {.x = gh, .w = gdown, .transposed = true}},
                  GR_NONE, x);
    gr_norm_group norm3[2] = {{gain(g, "norm3", D), D, GR_NONE}, {gain(g, "group.norm3", G), G, gr_graph_tap(g, te)}};
    n = gr_rms_norm(g, x, 2, norm3, 1e-5);
    gr_value last = gr_tap_point(g, gr_slice(g, n, D, D + G), "group.last");
    gr_value logits =
        gr_linear(g, 2, (gr_term[]){{.x = gr_slice(g, n, 0, D), .w = e}, {.x = last, .w = eg}}, GR_NONE, GR_NONE);
    gr_value loss = gr_cross_entropy(g, logits);
    gr_graph_loss(g, gr_mean(g, loss), 1);
    gr_graph_loss(g, gr_mean(g, gr_l1(g, h)), 0.01); /* a second consumer of h, before its tap */
    gr_graph_output(g, "logits", logits);
    gr_graph_output(g, "row_loss", loss);

    gr_model *model;
    gr_tap taps[] = {gr_graph_tap(g, te), gr_graph_tap(g, ta), gr_graph_tap(g, gh), gr_graph_tap(g, last)};
    int widths[] = {G, 6, 5, G};
    for (int i = 0; i < 4; i++)
        gr_graph_region_gate(g, group, taps[i], 0, widths[i]);
    gr_param rows[] = {eg, gg, gqkv, gout, norm2[1].gain, gup, gdown, norm3[1].gain};
    int sizes[][2] = {{V, G}, {1, G}, {18, D + G}, {6, D + G}, {1, G}, {5, D + G}, {5, D + G}, {1, G}};
    for (int i = 0; i < 8; i++)
        gr_graph_region_rect(g, group, (gr_rect){rows[i], 0, sizes[i][0], 0, sizes[i][1]});
    gr_graph_region_gate(g, claimed, gr_graph_tap(g, th), 7, 10);
    gr_param three[] = {up, gate, down};
    for (int i = 0; i < 3; i++)
        gr_graph_region_rect(g, claimed, (gr_rect){three[i], 7, 10, 0, D});
    gr_error err = {0};
    gr_test_ok(gr_model_new(&model, g, seed, &err), &err);
    return model;
}

void gr_test_error(const gr_error *err, const char *place, const char *words) {
    char line[1400];
    gr_error_text(err, line, sizeof line);
    if (err->status == GR_OK || strcmp(err->place, place) || !strstr(line, words))
        fail_msg("expected '%s' at '%s', got %d: '%s'", words, place, err->status, line);
}

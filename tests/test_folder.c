/* Model folders: what is saved is loaded, and nothing that was damaged is. */
#include "arch_helpers.h"
#include "format/arch_json.h"
#include "format/manifest.h"
#include "gradroute/bundle.h"
#include "gradroute/verify.h"
#include "io/file.h"

static const gr_arch_region regions[] = {
    {.name = "claimed", .residual = {.lo = 4, .hi = 7}, .mlp = {.lo = 2, .hi = 9}},
    {.name = "group", .residual.add = 6, .mlp.add = 5, .heads.add = 1},
    {.name = "tail", .mlp = {.lo = 6, .hi = 24}, .heads.last = 1, .layers = (const int[]){1}, .layer_count = 1},
    {.name = "added", .mlp.add = 3, .stop = true},
};

static const int second_layer[] = {1};

static gr_arch_def full_def(void) {
    gr_arch_def def = small_def();
    def.regions = regions;
    def.region_count = 4;
    def.l1 = 0.001;
    def.l1_layers = second_layer;
    def.l1_count = 1;
    return def;
}

/* A folder at PATH/model with everything in it. */
static char *saved(const char *root, gr_model **model) {
    gr_error err = {0};
    gr_arch_def def = full_def();
    *model = build(&def, 3);
    disturb(*model);
    char *tokenizer = gr_format("%s/words.json", root), *path = gr_format("%s/model", root);
    gr_test_ok(gr_file_write(tokenizer, "{\"a\": 1}\n", 9, &err), &err);
    gr_bundle_info info = {.recipe = "seed: 3\n",
                           .build = "0.1.0",
                           .tokenizer = tokenizer,
                           .seed = 3,
                           .data = (gr_bundle_data[]){{"corpus.jsonl", "ab12"}},
                           .data_count = 1};
    gr_test_ok(gr_bundle_save(path, &def, *model, &info, &err), &err);
    gr_free(tokenizer);
    return path;
}

static void assert_equal_models(gr_model *a, gr_model *b) {
    assert_int_equal(gr_model_params(a), gr_model_params(b));
    for (int p = 0; p < gr_model_params(a); p++) {
        const gr_param_def *d = gr_model_param(a, p);
        gr_param q = gr_model_find(b, d->name);
        assert_int_not_equal(q, GR_NONE);
        assert_memory_equal(gr_model_data(a, p), gr_model_data(b, q), (size_t)(d->rows * d->cols) * sizeof(gr_real));
    }
}

static void test_round_trip(void **state) {
    (void)state;
    char *root = gr_test_folder();
    gr_error err = {0};
    gr_model *m;
    char *path = saved(root, &m);
    for (int again = 0; again < 2; again++) { /* the second time from what the first one saved in its own place */
        gr_bundle *f;
        gr_test_ok(gr_bundle_load(&f, path, NULL, 0, &err), &err);
        assert_equal_models(m, f->model);
        gr_real *a = logits_of(m), *b = logits_of(f->model);
        assert_same_bits(a, b);
        gr_free(a);
        gr_free(b);
        assert_true(f->def->regions[3].stop && !f->def->regions[1].stop);
        assert_string_equal(f->info.recipe, "seed: 3\n");
        assert_string_equal(f->info.build, "0.1.0");
        assert_int_equal(f->info.seed, 3);
        assert_int_equal(f->info.data_count, 1);
        assert_string_equal(f->info.data[0].sha256, "ab12");
        assert_non_null(f->info.tokenizer);
        gr_test_ok(gr_bundle_save(path, f->def, f->model, &f->info, &err), &err);
        gr_bundle_free(f);
    }
    char *left = gr_format("%s.tmp", path);
    assert_false(gr_file_exists(left));
    gr_free(left);
    gr_free(path);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

/* Without a region: its file need not be there, and the network is the one that surgery leaves. */
/* What it holds, and where, without a number being read. */
static void test_describe(void **state) {
    (void)state;
    char *root = gr_test_folder(), *found, sha[65], file[256];
    gr_error err = {0};
    gr_model *m;
    gr_arch_def *def;
    char *path = saved(root, &m);
    gr_model_free(m);
    gr_test_ok(gr_bundle_find(&found, root, &err), &err);
    assert_string_equal(found, path);
    snprintf(file, sizeof file, "%s/model.safetensors", path);
    assert_int_equal(remove(file), 0);
    gr_test_ok(gr_bundle_describe(&def, sha, found, &err), &err);
    assert_int_equal(def->region_count, 4);
    assert_int_equal(def->width, 16);
    assert_int_equal(strlen(sha), 64);
    gr_arch_free(def);
    gr_free(found);
    assert_int_equal(gr_bundle_find(&found, "/nowhere/at/all", NULL), GR_ERR_INPUT);
    assert_null(found);
    snprintf(file, sizeof file, "%s/manifest.json", path);
    gr_test_ok(gr_file_write(file, "{\"format_version\": 1, \"sha256\": \"00\"}", 38, &err), &err);
    assert_int_equal(gr_bundle_describe(&def, sha, path, NULL), GR_ERR_FORMAT);
    assert_null(def);
    assert_int_equal(remove(file), 0);
    assert_int_equal(gr_bundle_find(&found, root, NULL), GR_ERR_USAGE);
    gr_free(path);
    gr_test_folder_remove(root);
}

static void test_without(void **state) {
    (void)state;
    char *root = gr_test_folder();
    gr_model *m;
    char *path = saved(root, &m);
    gr_arch_def def = full_def();
    const char *names[] = {"group", "tail", "added"};
    for (int i = 0; i < 3; i++) {
        char *file = gr_format("%s/%s.safetensors", path, names[i]);
        assert_int_equal(remove(file), 0);
        gr_free(file);
        gr_bundle *f;
        gr_error err = {0};
        assert_int_equal(gr_bundle_load(&f, path, NULL, 0, &err), GR_ERR_INPUT);
        assert_null(f);
        err = (gr_error){0};
        gr_test_ok(gr_bundle_load(&f, path, names, i + 1, &err), &err);
        gr_surgery_result out;
        gr_test_ok(gr_surgery_remove(&out, &def, m, names, i + 1, &err), &err);
        assert_equal_models(out.model, f->model);
        assert_int_equal(f->def->region_count, 3 - i);
        gr_surgery_free(&out);
        gr_bundle_free(f);
    }
    gr_bundle *f;
    gr_error err = {0};
    assert_int_equal(gr_bundle_load(&f, path, (const char *[]){"claimed"}, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "share a norm"));
    gr_free(path);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

/* ---- damage ---- */

static void refuse(const char *path, const char *file, size_t at) {
    gr_bundle *f;
    gr_error err = {0};
    gr_status status = gr_bundle_load(&f, path, NULL, 0, &err);
    if (status != GR_ERR_FORMAT && status != GR_ERR_INPUT)
        fail_msg("%s damaged at %zu: status %d", file, at, status);
    assert_null(f);
    assert_int_equal(err.status, status);
    assert_true(err.message[0] != 0);
}

static void overwrite(const char *path, const void *data, size_t size) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

/* White space of the manifest carries no meaning and may change; everything else may not. */
static bool matters(const char *file, unsigned char byte, unsigned char other) {
    return strcmp(file, "manifest.json") != 0 || (byte != ' ' && byte != '\n') || (other != ' ' && other != '\n');
}

static void test_damage(void **state) {
    (void)state;
    char *root = gr_test_folder();
    gr_model *m;
    char *path = saved(root, &m);
    const char *files[] = {"manifest.json",     "model.safetensors", "claimed.safetensors", "group.safetensors",
                           "added.safetensors", "tokenizer.json",    "tail.safetensors"};
    for (int i = 0; i < 7; i++) {
        gr_error err = {0};
        unsigned char *data;
        size_t size;
        char *file = gr_format("%s/%s", path, files[i]);
        gr_test_ok(gr_file_read(file, &data, &size, &err), &err);
        for (size_t k = 0; k < 40; k++) {
            size_t at = k * (size - 1) / 39;
            data[at] ^= 1 << (k % 8);
            overwrite(file, data, size);
            if (matters(files[i], data[at], data[at] ^ (unsigned char)(1 << (k % 8))))
                refuse(path, files[i], at);
            data[at] ^= 1 << (k % 8);
            overwrite(file, data, at);
            if (at + 1 < size || matters(files[i], data[at], ' '))
                refuse(path, files[i], at);
        }
        remove(file);
        refuse(path, files[i], 0);
        overwrite(file, data, size);
        gr_free(data);
        gr_free(file);
    }
    gr_bundle *f;
    gr_error err = {0};
    gr_test_ok(gr_bundle_load(&f, path, NULL, 0, &err), &err);
    gr_bundle_free(f);
    gr_free(path);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

/* Changes a manifest and signs it again, as an attacker would. */
static void forge(const char *path, void (*change)(json_t *manifest), const char *says) {
    gr_error err = {0};
    char *file = gr_format("%s/manifest.json", path);
    json_t *manifest, *original;
    gr_test_ok(gr_json_read(&manifest, file, &err), &err);
    original = json_deep_copy(manifest);
    change(manifest);
    char hex[65];
    gr_json_seal(hex, manifest);
    json_object_set_new(manifest, "sha256", json_string(hex));
    gr_test_ok(gr_json_write(manifest, file, &err), &err);
    gr_bundle *f;
    assert_int_equal(gr_bundle_load(&f, path, NULL, 0, &err), GR_ERR_FORMAT);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
    err = (gr_error){0};
    gr_test_ok(gr_json_write(original, file, &err), &err);
    json_decref(original);
    json_decref(manifest);
    gr_free(file);
}

static json_t *piece(json_t *manifest, size_t i) { return json_array_get(json_object_get(manifest, "pieces"), i); }

static void lose_piece(json_t *m) { json_array_remove(json_object_get(m, "pieces"), 3); }
static void no_pieces(json_t *m) { json_array_clear(json_object_get(m, "pieces")); }
static void repeat_piece(json_t *m) { json_array_append(json_object_get(m, "pieces"), piece(m, 0)); }
static void wide_piece(json_t *m) { json_object_set_new(piece(m, 0), "hi0", json_integer(1000)); }
static void huge_piece(json_t *m) { json_object_set_new(piece(m, 0), "hi0", json_integer(1LL << 40)); }
static void odd_piece(json_t *m) { json_array_append_new(json_object_get(m, "pieces"), json_integer(1)); }
static void other_file(json_t *m) { json_object_set_new(piece(m, 0), "file", json_string("../x.safetensors")); }
static void other_tensor(json_t *m) { json_object_set_new(piece(m, 0), "tensor", json_string("nobody")); }
static void other_param(json_t *m) { json_object_set_new(piece(m, 0), "param", json_string("nobody")); }
static void wide_model(json_t *m) { json_object_set_new(json_object_get(m, "arch"), "vocab", json_integer(9999999)); }
static void no_layers(json_t *m) { json_object_set_new(json_object_get(m, "arch"), "layers", json_integer(0)); }
static void odd_word(json_t *m) { json_object_set_new(json_object_get(m, "arch"), "norm", json_string("batch")); }
static void odd_member(json_t *m) { json_object_set_new(json_object_get(m, "arch"), "speed", json_integer(1)); }
static void few_layers(json_t *m) { json_object_set_new(json_object_get(m, "arch"), "layer_mlp", json_pack("[i]", 3)); }
static void new_version(json_t *m) { json_object_set_new(m, "format_version", json_integer(2)); }
static void no_regions(json_t *m) { json_array_clear(json_object_get(m, "regions")); }
static void no_files(json_t *m) { json_array_clear(json_object_get(m, "files")); }
static void odd_data(json_t *m) { json_array_append_new(json_object_get(m, "data"), json_integer(1)); }

static void test_forged(void **state) {
    (void)state;
    char *root = gr_test_folder();
    gr_model *m;
    char *path = saved(root, &m);
    forge(path, lose_piece, "hold");
    forge(path, no_pieces, "'pieces' is empty");
    forge(path, repeat_piece, "overlap");
    forge(path, wide_piece, "do not fit");
    forge(path, huge_piece, "'hi0' of a piece");
    forge(path, odd_piece, "not an object");
    forge(path, other_file, "belongs to no region");
    forge(path, other_tensor, "nobody");
    forge(path, other_param, "does not have");
    forge(path, wide_model, "parts of the regions");
    forge(path, no_layers, "layers is 0");
    forge(path, odd_word, "'norm' is not one of its words");
    forge(path, odd_member, "unknown member 'speed'");
    forge(path, few_layers, "1 entries for 2 layers");
    forge(path, new_version, "format version 2");
    forge(path, no_regions, "parts of the regions");
    forge(path, no_files, "not listed");
    forge(path, odd_data, "'data'");
    gr_free(path);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

static void test_foreign_folder(void **state) {
    (void)state;
    char *root = gr_test_folder();
    gr_error err = {0};
    gr_arch_def def = small_def();
    gr_model *m = build(&def, 1);
    char *file = gr_format("%s/thesis.txt", root);
    gr_test_ok(gr_file_write(file, "x", 1, &err), &err);
    assert_int_equal(gr_bundle_save(root, &def, m, &(gr_bundle_info){0}, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "thesis.txt"));
    assert_true(gr_file_exists(file));
    gr_free(file);
    gr_model_free(m);
    gr_test_folder_remove(root);
}

/* What surgery leaves (lists by layer, spans) survives JSON too. */
static void test_arch_json(void **state) {
    (void)state;
    gr_error err = {0};
    static const int windows[] = {0, 7, 3};
    gr_arch_def def = full_def(), *back;
    def.kv_heads = 2;
    def.rotary_size = 2;
    def.rotary_halves = true;
    def.attention_scale = 0.7;
    def.windows = windows;
    def.window_count = 3;
    def.qkv_bias = GR_QKV_WITH_BIAS;
    def.init = GR_ARCH_INIT_FLAT;
    def.no_gain = true;
    gr_model *m = build(&def, 3);
    gr_surgery_result out;
    gr_test_ok(gr_surgery_remove(&out, &def, m, (const char *[]){"tail"}, 1, &err), &err);
    assert_non_null(out.def->layer_mlp);
    json_t *value = gr__arch_to_json(out.def);
    gr_test_ok(gr__arch_from_json(&back, value, "test", &err), &err);
    assert_int_equal(back->kv_heads * 2, back->heads);
    assert_int_equal(back->rotary_size, 2);
    assert_true(back->rotary_halves && back->attention_scale == 0.7);
    assert_true(back->qkv_bias == GR_QKV_WITH_BIAS && back->init == GR_ARCH_INIT_FLAT && back->no_gain);
    assert_int_equal(back->window_count, 3);
    assert_memory_equal(back->windows, windows, sizeof windows);
    json_t *again = gr__arch_to_json(back);
    assert_true(json_equal(value, again));
    gr_model *twin = build(back, 3);
    assert_int_equal(gr_model_size(twin), gr_model_size(out.model));
    json_decref(value);
    json_decref(again);
    gr_arch_free(back);
    gr_model_free(twin);
    gr_model_free(m);
    gr_surgery_free(&out);
}

/* A model without its region is written where it computes what the old one did with the region off, else not. */
static void test_only_what_agrees_is_saved(void **state) {
    (void)state;
    static const char *const off[] = {"group"};
    char *root = gr_test_folder(), *out = gr_format("%s/new/model", root);
    gr_error err = {0};
    gr_model *model;
    gr_bundle *bundle, *again;
    char *path = saved(root, &model);
    gr_model_free(model);
    gr_test_ok(gr_bundle_load(&bundle, path, NULL, 0, &err), &err);
    gr_probe *probe;
    gr_test_ok(gr_probe_open(&probe, NULL, bundle, &err), &err);
    gr_surgery_result result;
    gr_test_ok(gr_surgery_remove(&result, bundle->def, bundle->model, off, 1, &err), &err);
    gr_verify_side before = {bundle->model, off, 1}, after = {.model = result.model};
    gr_real *number = gr_model_data(result.model, 0), kept[VOCAB];
    int cols = gr_model_param(result.model, 0)->cols;

    /* Not with a column of the embedding changed, nor with a number that is none. */
    gr_verdict verdict = {.exact = true, .hint = "look again"};
    for (int k = 0; k < VOCAB; k++) {
        kept[k] = number[k * cols];
        number[k * cols] += 1;
    }
    assert_int_equal(gr_verify_save(&verdict, out, &result, bundle, probe, &before, &after, &err), GR_ERR_USAGE);
    assert_string_equal(err.hint, "look again");
    assert_true(verdict.difference > 1e-3);
    assert_false(gr_file_exists(out));
    *number = (gr_real)NAN;
    assert_int_equal(gr_verify_save(&verdict, out, &result, bundle, probe, &before, &after, &err), GR_ERR_NUMERIC);
    assert_false(gr_file_exists(out));

    /* The region's absence, not that of another, is what the logits agree with; then all is kept but the region. */
    for (int k = 0; k < VOCAB; k++)
        number[k * cols] = kept[k];
    before.count = 0;
    assert_int_equal(gr_verify_save(&verdict, out, &result, bundle, probe, &before, &after, &err), GR_ERR_USAGE);
    before.count = 1;
    gr_test_ok(gr_verify_save(&verdict, out, &result, bundle, probe, &before, &after, &err), &err);
    assert_true(verdict.difference <= 1e-4);
    gr_test_ok(gr_bundle_load(&again, out, NULL, 0, &err), &err);
    assert_int_equal(again->info.seed, 3);
    assert_string_equal(again->info.recipe, "seed: 3\n");
    assert_int_equal(gr_model_find_region(again->model, "group"), GR_NONE);

    /* By force whatever it computes. */
    verdict.force = true;
    before.count = 0;
    gr_test_ok(gr_verify_save(&verdict, out, &result, bundle, probe, &before, &after, &err), &err);
    gr_bundle_free(again);
    gr_surgery_free(&result);
    gr_probe_free(probe);
    gr_bundle_free(bundle);
    gr_free(path);
    gr_free(out);
    gr_test_folder_remove(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_without),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_forged),
        cmocka_unit_test(test_foreign_folder), cmocka_unit_test(test_arch_json),
        cmocka_unit_test(test_describe),       cmocka_unit_test(test_only_what_agrees_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

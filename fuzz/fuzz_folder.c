/* A model folder whose manifest was forged and signed again: it is refused with a reason, or every number is there. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "format/manifest.h"
#include "gradroute/bundle.h"
#include "io/file.h"

typedef struct seed {
    gr_arch_region region[3];
    int regions;
    int experts;
    char *model, *manifest_path;
    json_t *manifest;
} seed;

/* Small networks that together have every kind of region. */
static const int first[] = {0}, second[] = {1};
static const char *const patterns[] = {"layers.0.mlp.up"};
static seed seeds[] = {
    {.region = {{.name = "group", .residual.add = 4, .mlp.add = 5, .heads.add = 1},
                {.name = "claimed", .mlp = {.lo = 2, .hi = 9}},
                {.name = "added", .mlp.add = 3}},
     .regions = 3},
    {.region = {{.name = "whole", .whole = second, .whole_count = 1},
                {.name = "adapter",
                 .layers = first,
                 .layer_count = 1,
                 .adapter = {.rank = 2, .scale = 2, .dropout = 0.1},
                 .strength = GR_STRENGTH_LEARNED},
                {.name = "pattern", .patterns = patterns, .pattern_count = 1}},
     .regions = 3},
    {.region =
         {{.name = "apart", .residual.add = 3, .mlp.add = 2, .group = {GR_GROUP_NORM_APART, GR_GROUP_WRITES_OWN}}},
     .regions = 1},
    {.region = {{.name = "expert", .experts.add = 1}, {.name = "last", .experts.last = 1}}, .regions = 2, .experts = 3},
};
enum { SEEDS = sizeof seeds / sizeof *seeds };

static char folder[] = "/tmp/fuzz-folder.XXXXXX";

static void remove_all(void) {
    for (int k = 0; k < SEEDS; k++) {
        remove(seeds[k].manifest_path);
        for (int i = -1; i < seeds[k].regions; i++) {
            char *path = gr_format("%s/%s.safetensors", seeds[k].model, i < 0 ? "model" : seeds[k].region[i].name);
            remove(path);
            gr_free(path);
        }
        rmdir(seeds[k].model);
        json_decref(seeds[k].manifest);
        gr_free(seeds[k].model);
        gr_free(seeds[k].manifest_path);
    }
    rmdir(folder);
}

static void save(seed *s, int which) {
    gr_arch_def def = gr_arch_default();
    gr_model *m;
    def.vocab = 11;
    def.context = 8;
    def.layers = 2;
    def.width = 8;
    def.heads = 2;
    def.mlp = 12;
    def.experts = s->experts;
    def.top = s->experts ? 2 : 0;
    def.regions = s->region;
    def.region_count = s->regions;
    s->model = gr_format("%s/model-%d", folder, which);
    s->manifest_path = gr_format("%s/manifest.json", s->model);
    check(gr_arch_build(&m, &def, 1, NULL) == GR_OK);
    check(gr_bundle_save(s->model, &def, m, &(gr_bundle_info){.recipe = "seed: 1\n", .seed = 1}, NULL) == GR_OK);
    check(gr_json_read(&s->manifest, s->manifest_path, NULL) == GR_OK);
    gr_model_free(m);
}

static void save_all(void) {
    check(mkdtemp(folder) != NULL);
    for (int k = 0; k < SEEDS; k++)
        save(&seeds[k], k);
    atexit(remove_all);
}

static void write_manifest(const seed *s, const void *bytes, size_t size) {
    FILE *f = fopen(s->manifest_path, "wb");
    check(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static void forge(const seed *s, gr_forge *in) {
    json_t *forged = json_deep_copy(s->manifest);
    char hex[GR_DIGEST_HEX];
    gr_forge_json(forged, in);
    gr_json_seal(hex, forged);
    json_object_set_new(forged, "sha256", json_string(hex));
    char *text = json_dumps(forged, JSON_COMPACT);
    write_manifest(s, text ? text : "", text ? strlen(text) : 0);
    free(text);
    json_decref(forged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!seeds[0].model)
        save_all();
    gr_forge in = {data, size};
    const unsigned how = gr_forge_byte(&in) % (8 * SEEDS);
    const seed *s = &seeds[how / 8];
    if (how % 8 == 7)
        write_manifest(s, in.data, in.size);
    else
        forge(s, &in);
    const char *const without[] = {s->region[how % (unsigned)s->regions].name};
    gr_error err = {0};
    gr_bundle *found;
    if (gr_bundle_load(&found, s->model, without, how % 8 > 3, &err) != GR_OK) {
        check(!found && err.status != GR_OK && err.status != GR_ERR_IO && err.message[0]);
        return 0;
    }
    for (int p = 0; p < gr_model_params(found->model); p++) {
        const gr_param_def *def = gr_model_param(found->model, p);
        for (int i = 0; i < def->rows * def->cols; i++)
            check(isfinite(gr_model_data(found->model, p)[i]));
    }
    gr_bundle_free(found);
    return 0;
}

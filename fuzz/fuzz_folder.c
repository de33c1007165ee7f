/* A model folder whose manifest was forged and signed again: it is refused with a reason, or every number is there. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "gradroute/folder.h"
#include "io/file.h"
#include "lab/manifest.h"

static const char *const names[] = {"group", "claimed", "added"};

static char folder[] = "/tmp/fuzz-folder.XXXXXX";
static char *model, *manifest_path;
static json_t *manifest;

static void remove_all(void) {
    const char *const files[] = {"manifest.json", "model.safetensors", "group.safetensors", "claimed.safetensors",
                                 "added.safetensors"};
    for (int i = 0; i < 5; i++) {
        char *path = gr_format("%s/%s", model, files[i]);
        remove(path);
        gr_free(path);
    }
    rmdir(model);
    rmdir(folder);
    json_decref(manifest);
    gr_free(model);
    gr_free(manifest_path);
}

/* One small network with a group, claimed and added units. */
static void save(void) {
    const gr_arch_region regions[] = {{.name = "group", .residual.add = 4, .mlp.add = 5, .heads.add = 1},
                                      {.name = "claimed", .mlp = {.lo = 2, .hi = 9}},
                                      {.name = "added", .mlp.add = 3}};
    gr_arch_def def = gr_arch_default();
    gr_model *m;
    def.vocab = 11;
    def.context = 8;
    def.layers = 2;
    def.width = 8;
    def.heads = 2;
    def.mlp = 12;
    def.regions = regions;
    def.region_count = 3;
    check(mkdtemp(folder) != NULL);
    model = gr_format("%s/model", folder);
    manifest_path = gr_format("%s/manifest.json", model);
    check(gr_arch_build(&m, &def, 1, NULL) == GR_OK);
    check(gr_folder_save(model, &def, m, &(gr_folder_info){.recipe = "seed: 1\n", .seed = 1}, NULL) == GR_OK);
    check(gr_json_read(&manifest, manifest_path, NULL) == GR_OK);
    gr_model_free(m);
    atexit(remove_all);
}

static void write_manifest(const void *bytes, size_t size) {
    FILE *f = fopen(manifest_path, "wb");
    check(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static void forge(gr_forge *in) {
    json_t *forged = json_deep_copy(manifest);
    char hex[GR_DIGEST_HEX];
    gr_forge_json(forged, in);
    gr__manifest_digest(hex, forged);
    json_object_set_new(forged, "sha256", json_string(hex));
    char *text = json_dumps(forged, JSON_COMPACT);
    write_manifest(text ? text : "", text ? strlen(text) : 0);
    free(text);
    json_decref(forged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!model)
        save();
    gr_forge in = {data, size};
    unsigned how = gr_forge_byte(&in) % 8;
    if (how == 7)
        write_manifest(in.data, in.size);
    else
        forge(&in);
    const char *const without[] = {names[how % 3]};
    gr_error err = {0};
    gr_folder *found;
    if (gr_folder_load(&found, model, without, how > 3, &err) != GR_OK) {
        check(!found && err.status != GR_OK && err.status != GR_ERR_IO && err.message[0]);
        return 0;
    }
    for (int p = 0; p < gr_model_params(found->model); p++) {
        const gr_param_def *def = gr_model_param(found->model, p);
        for (int i = 0; i < def->rows * def->cols; i++)
            check(isfinite(gr_model_data(found->model, p)[i]));
    }
    gr_folder_free(found);
    return 0;
}

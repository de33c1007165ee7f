/* Writing a model folder. Reading it is bundle_load.c. */
#include "gradroute/bundle.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "format/arch_json.h"
#include "format/bundle_place.h"
#include "format/manifest.h"
#include "format/tensor_cut.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/safetensors.h"

/* ---- files ---- */

/* A rectangle as one block of memory. */
static gr_real *gather(gr_model *model, gr_param p, gr_rect rect) {
    size_t cols = (size_t)gr_model_param(model, p)->cols, width = (size_t)(rect.hi1 - rect.lo1);
    gr_real *data = gr_alloc((size_t)(rect.hi0 - rect.lo0) * width * sizeof *data);
    const gr_real *from = gr_model_data(model, p);
    for (int i = rect.lo0; i < rect.hi0; i++)
        memcpy(data + (size_t)(i - rect.lo0) * width, from + (size_t)i * cols + (size_t)rect.lo1, width * sizeof *data);
    return data;
}

/* The tensors of one file; a file without any is not written. */
static gr_status write_tensors(const char *folder, const gr__blueprint *blueprint, gr_model *model,
                               const gr__tensor_cut *cut, int file, gr_error *err) {
    gr_array *arrays = gr_alloc((size_t)cut->count * sizeof *arrays);
    int n = 0;

    /* The rectangles of this file, each as a block of its own. */
    for (int i = 0; i < cut->count; i++) {
        const gr__tensor *t = &cut->tensor[i];
        if (t->file == file)
            arrays[n++] =
                (gr_array){t->name,
                           GR_DTYPE_REAL,
                           2,
                           {t->rect.hi0 - t->rect.lo0, t->rect.hi1 - t->rect.lo1},
                           gather(model, gr_model_find(model, blueprint->param[t->rect.param].def.name), t->rect)};
    }

    /* "pt" is what readers of safetensors files expect there; the numbers are plain. */
    char *name = gr__tensor_cut_file(blueprint, file), *path = gr_format("%s/%s", folder, name);
    gr_pair meta = {"format", "pt"};
    gr_status status = n ? gr_safetensors_write(path, arrays, n, &meta, 1, err) : GR_OK;
    for (int i = 0; i < n; i++)
        gr_free((void *)arrays[i].data);
    gr_free(arrays);
    gr_free(name);
    gr_free(path);
    return status;
}

/* The vocabulary, so that the model can be used where its run is gone. */
static gr_status copy_tokenizer(const char *folder, const char *from, gr_error *err) {
    unsigned char *data;
    size_t size;
    GR_TRY(gr_file_read(from, &data, &size, err));
    char *path = gr_format("%s/tokenizer.json", folder);
    gr_status status = gr_file_write(path, data, size, err);
    gr_free(path);
    gr_free(data);
    return status;
}

/* ---- manifest ---- */

/* Lists a file of the folder if it is there. */
static gr_status list_file(json_t *files, const char *folder, const char *name, gr_error *err) {
    char *path = gr_format("%s/%s", folder, name), hex[GR_DIGEST_HEX];
    struct stat info;
    gr_status status = GR_OK;

    if (!stat(path, &info)) {
        status = gr_digest_file(hex, path, err);
        if (!status) {
            json_t *value = json_object();
            json_object_set_new(value, "name", json_string(name));
            json_object_set_new(value, "size", json_integer((json_int_t)info.st_size));
            json_object_set_new(value, "sha256", json_string(hex));
            json_array_append_new(files, value);
        }
    }
    gr_free(path);
    return status;
}

/* Every file that a model may have, the core's first, as far as it was written. */
static gr_status list_files(json_t *files, const char *folder, const gr__blueprint *blueprint, gr_error *err) {
    for (int f = GR_NONE; f < blueprint->def->region_count; f++) {
        char *name = gr__tensor_cut_file(blueprint, f);
        gr_status status = list_file(files, folder, name, err);
        gr_free(name);
        GR_TRY(status);
    }
    return list_file(files, folder, "tokenizer.json", err);
}

/* Where the model comes from, as far as the caller says so. */
static void set_info(json_t *manifest, const gr_bundle_info *info) {
    json_t *data = json_array();
    for (int i = 0; i < info->data_count; i++) {
        json_t *value = json_object();
        json_object_set_new(value, "name", json_string(info->data[i].name));
        json_object_set_new(value, "sha256", json_string(info->data[i].sha256));
        json_array_append_new(data, value);
    }
    json_object_set_new(manifest, "recipe", json_string(info->recipe ? info->recipe : ""));
    json_object_set_new(manifest, "seed", json_integer((json_int_t)info->seed));
    json_object_set_new(manifest, "build", json_string(info->build ? info->build : ""));
    json_object_set_new(manifest, "data", data);
}

/* The manifest is written last: a folder that has one is whole. */
static gr_status write_manifest(const char *folder, const gr__blueprint *blueprint, const gr__tensor_cut *cut,
                                const gr_bundle_info *info, gr_error *err) {
    json_t *manifest = json_object(), *files = json_array();
    gr_status status = list_files(files, folder, blueprint, err);

    /* What the network is, how it was cut into files, and where it comes from. */
    json_object_set_new(manifest, "format_version", json_integer(GR__FOLDER_VERSION));
    json_object_set_new(manifest, "arch", gr__arch_to_json(blueprint->def));
    json_object_set_new(manifest, "regions", gr__regions_json(blueprint));
    json_object_set_new(manifest, "pieces", gr__tensor_cut_json(cut, blueprint));
    set_info(manifest, info);
    json_object_set_new(manifest, "files", files);

    /* The digest over all of that is a member itself, which is left out when it is checked. */
    char hex[GR_DIGEST_HEX], *path = gr_format("%s/manifest.json", folder);
    gr_json_seal(hex, manifest);
    json_object_set_new(manifest, "sha256", json_string(hex));
    if (!status)
        status = gr_json_write(manifest, path, err);
    gr_free(path);
    json_decref(manifest);
    return status;
}

/* ---- save ---- */

/* Everything that a model folder has; the manifest, which lists it with its digests, last. */
static gr_status write_all(const char *folder, const gr__blueprint *blueprint, gr_model *model,
                           const gr_bundle_info *info, gr_error *err) {
    /* The parameters by region, each region's in a file of its own. */
    gr__tensor_cut cut;
    gr_status status = GR_OK;
    gr__tensor_cut_make(&cut, blueprint);
    for (int f = GR_NONE; !status && f < blueprint->def->region_count; f++)
        status = write_tensors(folder, blueprint, model, &cut, f, err);

    if (!status && info->tokenizer)
        status = copy_tokenizer(folder, info->tokenizer, err);
    if (!status)
        status = write_manifest(folder, blueprint, &cut, info, err);
    gr__tensor_cut_free(&cut);
    return status;
}

/* A recipe is text of others; JSON holds valid UTF-8 alone. */
static gr_status check_texts(const gr_bundle_info *info, gr_error *err) {
    json_t *recipe = json_string(info->recipe ? info->recipe : "");
    if (!recipe)
        return gr_error_set(err, GR_ERR_USAGE, "recipe", NULL, "the text is not UTF-8");
    json_decref(recipe);
    return GR_OK;
}

/* Writes the folder under a name beside its own and then moves it there, so that a reader finds the old model or the
 * new. */
static gr_status save(const char *path, const gr__blueprint *blueprint, gr_model *model, const gr_bundle_info *info,
                      gr_error *err) {
    gr__place place;
    GR_TRY(gr__place_open(&place, path, err));
    gr_status status = write_all(place.fresh, blueprint, model, info, err);
    if (status == GR_OK)
        status = gr__place_commit(&place, err);
    gr__place_close(&place);
    return status;
}

gr_status gr_bundle_save(const char *path, const gr_arch_def *def, gr_model *model, const gr_bundle_info *info,
                         gr_error *err) {
    gr__blueprint *blueprint;
    GR_TRY(check_texts(info, err));
    GR_TRY(gr__blueprint_new(&blueprint, def, err));
    gr_status status = gr__blueprint_match(blueprint, model, err);
    if (status == GR_OK)
        status = save(path, blueprint, model, info, err);
    gr__blueprint_free(blueprint);
    return status;
}

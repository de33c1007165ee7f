/* Reading a model folder: everything is verified before a number is used. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/names.h"
#include "format/arch_json.h"
#include "format/bundle_place.h"
#include "format/manifest.h"
#include "format/tensor_cut.h"
#include "gradroute/bundle.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "surgery/remap.h"

#define FORMAT(l, hint, ...) gr_error_set((l)->err, GR_ERR_FORMAT, (l)->place, (hint), __VA_ARGS__)
#define DAMAGED "the folder is damaged or was changed: take it from its source again"

typedef struct loader {
    const char *path, *place; /* the folder; its manifest, for errors */
    gr_error *err;
    json_t *manifest;
    gr_arch_def *def;      /* as saved */
    gr__remap *map;        /* to what is loaded */
    bool *left;            /* [regions] left out */
    gr__tensor_cut cut;    /* of map->from */
    gr_safetensors **file; /* [regions + 1], the core's first; NULL: not needed */
    gr_model *model;
} loader;

/* ---- manifest ---- */

/* Reads a manifest and verifies it: its version, then its own digest. The caller frees *manifest, after an error too.
 */
gr_status gr__manifest_read(json_t **manifest, const char *place, gr_error *err) {
    json_t *version, *sum;
    char hex[GR_DIGEST_HEX];
    GR_TRY(gr_json_read(manifest, place, err));
    if (!json_is_object(*manifest))
        return gr_error_set(err, GR_ERR_FORMAT, place, DAMAGED, "the manifest is not an object");

    /* The version first: another one may have its digest elsewhere. */
    GR_TRY(gr_json_member(*manifest, &version, "format_version", JSON_INTEGER, place, err));
    if (json_integer_value(version) != GR__FOLDER_VERSION)
        return gr_error_set(err, GR_ERR_FORMAT, place, "use a version of gradroute that writes this format",
                            "the folder has format version %lld, this program reads %d",
                            (long long)json_integer_value(version), GR__FOLDER_VERSION);

    GR_TRY(gr_json_member(*manifest, &sum, "sha256", JSON_STRING, place, err));
    gr_json_seal(hex, *manifest);
    if (strcmp(hex, json_string_value(sum)))
        return gr_error_set(err, GR_ERR_FORMAT, place, DAMAGED, "the manifest's SHA-256 is %.16s.., it says %.16s..",
                            hex, json_string_value(sum));
    return GR_OK;
}

static gr_status read_manifest(loader *l) { return gr__manifest_read(&l->manifest, l->place, l->err); }

/* Which regions are left out, and how units map from the saved network to the loaded one. */
static gr_status read_arch(loader *l, const char *const *without, int count) {
    json_t *arch, *regions;

    /* The saved description, and the map from its units to those of the network that is loaded. */
    GR_TRY(gr_json_member(l->manifest, &arch, "arch", JSON_OBJECT, l->place, l->err));
    GR_TRY(gr_json_member(l->manifest, &regions, "regions", JSON_ARRAY, l->place, l->err));
    gr_status status = gr__arch_from_json(&l->def, arch, l->place, l->err);
    if (status && l->err)
        l->err->status = GR_ERR_FORMAT; /* a description that cannot be built is the file's fault here */
    if (status)
        return GR_ERR_FORMAT;
    GR_TRY(count ? gr__remap_remove(&l->map, l->def, without, count, l->err)
                 : gr__remap_expand(&l->map, l->def, l->def, l->err));

    /* Whose files will not be asked for. */
    l->left = gr_alloc((size_t)l->def->region_count);
    for (int r = 0; r < l->def->region_count; r++)
        l->left[r] = gr__has_text(without, count, l->def->regions[r].name);

    /* The regions say the same as the description; a reader in another language needs no more than them. */
    json_t *expected = gr__regions_json(l->map->from);
    bool equal = json_equal(expected, regions);
    json_decref(expected);
    return equal ? GR_OK : FORMAT(l, DAMAGED, "the parts of the regions are not those of the architecture");
}

/* How the parameters were cut into files. */
static gr_status read_pieces(loader *l) {
    json_t *pieces;
    GR_TRY(gr_json_member(l->manifest, &pieces, "pieces", JSON_ARRAY, l->place, l->err));
    return gr__tensor_cut_read(&l->cut, l->map->from, pieces, l->place, l->err);
}

/* ---- files ---- */

/* The file's entry in the manifest; NULL if there is none. */
static const json_t *find_file(const loader *l, const char *name) {
    const json_t *files = json_object_get(l->manifest, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *value = json_array_get(files, i);
        const char *text = json_string_value(json_object_get(value, "name"));
        if (text && !strcmp(text, name))
            return value;
    }
    return NULL;
}

/* Size and digest of a file against its entry. */
static gr_status check_file(const loader *l, const char *name, const char *path) {
    const json_t *entry = find_file(l, name);
    json_t *size, *sum;
    struct stat info;
    char hex[GR_DIGEST_HEX];

    /* The manifest lists it. */
    if (!entry)
        return FORMAT(l, DAMAGED, "'%s' is not listed in 'files'", name);
    GR_TRY(gr_json_member(entry, &size, "size", JSON_INTEGER, l->place, l->err));
    GR_TRY(gr_json_member(entry, &sum, "sha256", JSON_STRING, l->place, l->err));

    /* It is there and as long as listed, which is cheap to see; then its bytes are those that were written. */
    if (stat(path, &info))
        return gr_error_set(l->err, GR_ERR_INPUT, path, "fetch the file, or load the model without this region",
                            "the file is missing");
    if ((json_int_t)info.st_size != json_integer_value(size))
        return gr_error_set(l->err, GR_ERR_FORMAT, path, DAMAGED, "the file has %lld bytes, the manifest says %lld",
                            (long long)info.st_size, (long long)json_integer_value(size));
    GR_TRY(gr_digest_file(hex, path, l->err));
    if (strcmp(hex, json_string_value(sum)))
        return gr_error_set(l->err, GR_ERR_FORMAT, path, DAMAGED,
                            "the file's SHA-256 is %.16s.., the manifest says %.16s..", hex, json_string_value(sum));
    return GR_OK;
}

static bool left_out(const loader *l, int file) { return file != GR_NONE && l->left[file]; }

/* Opens the file of a region and checks that it holds exactly its pieces. */
static gr_status open_file(loader *l, int file, const char *name, const char *path) {
    gr_safetensors **open = &l->file[file + 1];
    int count = 0;

    GR_TRY(check_file(l, name, path));
    GR_TRY(gr_safetensors_open(open, path, l->err));

    /* Each piece of the region is there with its sizes. */
    for (int i = 0; i < l->cut.count; i++) {
        const gr__tensor *t = &l->cut.tensor[i];
        const gr_array *array;
        if (t->file != file)
            continue;
        int64_t dims[2] = {t->rect.hi0 - t->rect.lo0, t->rect.hi1 - t->rect.lo1};
        GR_TRY(gr_safetensors_expect(*open, &array, t->name, GR_DTYPE_REAL, 2, dims, l->err));
        count++;
    }

    /* And nothing else is. */
    int held;
    gr_safetensors_arrays(*open, &held);
    if (count != held)
        return gr_error_set(l->err, GR_ERR_FORMAT, path, DAMAGED, "the file holds %d tensors, the manifest lists %d",
                            held, count);
    return GR_OK;
}

/* Whether a region has any numbers of its own: without any it has no file. */
static bool has_pieces(const loader *l, int file) {
    for (int i = 0; i < l->cut.count; i++)
        if (l->cut.tensor[i].file == file)
            return true;
    return false;
}

/* Opens the files of the core and of each region that is not left out and has any pieces. */
static gr_status open_files(loader *l) {
    l->file = gr_alloc((size_t)(l->def->region_count + 1) * sizeof *l->file);
    for (int f = GR_NONE; f < l->def->region_count; f++) {
        if (left_out(l, f) || !has_pieces(l, f))
            continue;
        char *name = gr__tensor_cut_file(l->map->from, f), *path = gr_format("%s/%s", l->path, name);
        gr_status status = open_file(l, f, name, path);
        gr_free(name);
        gr_free(path);
        GR_TRY(status);
    }
    return GR_OK;
}

/* ---- numbers ---- */

/* For each old line of an axis its new one, or -1; count: old lines. */
static int *inverse(const loader *l, int param, int axis, int count) {
    const gr_param_def *def = &l->map->to->param[param].def;
    int *from = gr__remap_lines(l->map, param, axis), *to = gr_alloc((size_t)count * sizeof *to);
    for (int i = 0; i < count; i++)
        to[i] = -1;
    for (int i = 0; i < (axis ? def->cols : def->rows); i++)
        to[from[i]] = i;
    gr_free(from);
    return to;
}

/* Lines [lo, hi) that stay. */
static int64_t staying(const int *to, int lo, int hi) {
    int64_t n = 0;
    for (int i = lo; i < hi; i++)
        n += to[i] >= 0;
    return n;
}

/* Copies a piece to where it is now, through the buffer. */
static gr_status place_piece(const loader *l, const gr__tensor *t, gr_real *data, int cols, const int *row,
                             const int *col) {
    int64_t dims[2] = {t->rect.hi0 - t->rect.lo0, t->rect.hi1 - t->rect.lo1};
    gr_real *buffer = gr_alloc_try((size_t)dims[0] * (size_t)dims[1] * sizeof *buffer);
    if (!buffer)
        return gr_error_set(l->err, GR_ERR_MEMORY, l->path, NULL, "no memory for '%s'", t->name);

    /* The whole piece is read, and the lines of it that stay are written where they are now. */
    gr_status status = gr_safetensors_get(l->file[t->file + 1], buffer, t->name, GR_DTYPE_REAL, 2, dims, l->err);
    for (int64_t i = 0; !status && i < dims[0]; i++)
        for (int64_t j = 0; j < dims[1]; j++) {
            int r = row[t->rect.lo0 + i], c = col[t->rect.lo1 + j];
            if (r >= 0 && c >= 0)
                data[(size_t)r * (size_t)cols + (size_t)c] = buffer[i * dims[1] + j];
        }
    gr_free(buffer);
    return status;
}

/* One parameter of the loaded model, or with data NULL only whether the opened files hold all of it. */
static gr_status read_param(const loader *l, int param, gr_real *data) {
    const gr_param_def *def = &l->map->to->param[param].def;

    /* Where the lines of the saved parameter are now. */
    int old = gr__remap_origin(l->map, param);
    const gr_param_def *saved = &l->map->from->param[old].def;
    int *row = inverse(l, param, 0, saved->rows), *col = inverse(l, param, 1, saved->cols);
    int64_t have = 0;
    gr_status status = GR_OK;

    /* Its pieces in the files that were opened: how many of their numbers stay, and where they go. */
    for (int i = 0; !status && i < l->cut.count; i++) {
        const gr__tensor *t = &l->cut.tensor[i];
        if (t->rect.param != old || left_out(l, t->file))
            continue;
        have += staying(row, t->rect.lo0, t->rect.hi0) * staying(col, t->rect.lo1, t->rect.hi1);
        if (data)
            status = place_piece(l, t, data, def->cols, row, col);
    }

    /* A number that stays may lie in the file of a region that was left out: the model cannot be had without it. */
    if (!status && have != (int64_t)def->rows * def->cols)
        status = FORMAT(l, "load the model with all of its regions", "a part of '%s' is in a file that is left out",
                        def->name);
    gr_free(row);
    gr_free(col);
    return status;
}

/* The model is made only when the files are known to be as large as it. */
static gr_status read_model(loader *l) {
    const gr__blueprint *blueprint = l->map->to;
    json_t *seed;

    GR_TRY(gr_json_member(l->manifest, &seed, "seed", JSON_INTEGER, l->place, l->err));
    for (int p = 0; p < blueprint->params; p++)
        GR_TRY(read_param(l, p, NULL));

    GR_TRY(gr__arch_model(&l->model, blueprint, (uint64_t)json_integer_value(seed), false, l->err));
    for (int p = 0; p < blueprint->params; p++)
        GR_TRY(read_param(l, p, gr_model_data(l->model, gr_model_find(l->model, blueprint->param[p].def.name))));
    return GR_OK;
}

/* ---- the result ---- */

/* A text of the manifest, copied to memory that outlives it. */
static gr_status read_text(const loader *l, gr_arena *arena, const char **to, const json_t *from, const char *key) {
    json_t *value;
    GR_TRY(gr_json_member(from, &value, key, JSON_STRING, l->place, l->err));
    *to = gr_arena_strdup(arena, json_string_value(value));
    return GR_OK;
}

/* The digests of the data that the model was trained on, by name. */
static gr_status read_data(const loader *l, gr_bundle *bundle) {
    json_t *list;
    GR_TRY(gr_json_member(l->manifest, &list, "data", JSON_ARRAY, l->place, l->err));
    size_t n = json_array_size(list);
    gr_bundle_data *data = gr_arena_alloc(bundle->arena, n * sizeof *data);

    for (size_t i = 0; i < n; i++) {
        if (!json_is_object(json_array_get(list, i)))
            return FORMAT(l, DAMAGED, "an entry of 'data' is not an object");
        GR_TRY(read_text(l, bundle->arena, &data[i].name, json_array_get(list, i), "name"));
        GR_TRY(read_text(l, bundle->arena, &data[i].sha256, json_array_get(list, i), "sha256"));
    }
    bundle->info.data = data;
    bundle->info.data_count = (int)n;
    return GR_OK;
}

/* What was left out when the folder was saved stands there as "", and is NULL again. */
static gr_status read_given(const loader *l, gr_arena *arena, const char **to, const char *key) {
    GR_TRY(read_text(l, arena, to, l->manifest, key));
    if (!**to)
        *to = NULL;
    return GR_OK;
}

/* Where the model comes from; its vocabulary is a file that is verified like the others. */
static gr_status read_info(const loader *l, gr_bundle *bundle) {
    bundle->info.seed = (uint64_t)json_integer_value(json_object_get(l->manifest, "seed"));
    GR_TRY(read_given(l, bundle->arena, &bundle->info.recipe, "recipe"));
    GR_TRY(read_given(l, bundle->arena, &bundle->info.build, "build"));
    GR_TRY(read_data(l, bundle));

    if (!find_file(l, "tokenizer.json"))
        return GR_OK;
    char *path = gr_format("%s/tokenizer.json", l->path);
    gr_status status = check_file(l, "tokenizer.json", path);
    bundle->info.tokenizer = gr_arena_strdup(bundle->arena, path);
    gr_free(path);
    return status;
}

/* In this order: nothing is used before what guards it was verified. */
static gr_status load(loader *l, gr_bundle *bundle, const char *const *without, int count) {
    GR_TRY(read_manifest(l));
    GR_TRY(read_arch(l, without, count));
    GR_TRY(read_pieces(l));
    GR_TRY(read_info(l, bundle));
    GR_TRY(open_files(l));
    GR_TRY(read_model(l));

    /* The result takes the model over. */
    bundle->def = gr_arch_copy(l->map->def);
    bundle->model = l->model;
    l->model = NULL;
    return GR_OK;
}

gr_status gr_bundle_load(gr_bundle **out, const char *path, const char *const *without, int count, gr_error *err) {
    char *place = gr_format("%s/manifest.json", path);
    loader l = {.path = path, .place = place, .err = err};
    gr_bundle *bundle = gr_alloc(sizeof *bundle);
    bundle->arena = gr_arena_new();

    /* A killed process may have left the model under another name. */
    gr__place_mend(path);
    gr_status status = load(&l, bundle, without, count);

    /* What loading needed goes, whether it went well or not. */
    for (int f = 0; l.file && f <= l.def->region_count; f++)
        gr_safetensors_close(l.file[f]);
    gr_free(l.file);
    gr_free(l.left);
    gr__tensor_cut_free(&l.cut);
    gr__remap_free(l.map);
    gr_arch_free(l.def);
    gr_model_free(l.model);
    json_decref(l.manifest);
    gr_free(place);

    if (status) {
        gr_bundle_free(bundle);
        bundle = NULL;
    }
    *out = bundle;
    return status;
}

void gr_bundle_free(gr_bundle *bundle) {
    if (!bundle)
        return;
    gr_arch_free(bundle->def);
    gr_model_free(bundle->model);
    gr_arena_free(bundle->arena);
    gr_free(bundle);
}

gr_status gr_bundle_tokenizer(gr_tokenizer **tokenizer, const gr_bundle *bundle, gr_error *err) {
    *tokenizer = NULL;
    if (!bundle->info.tokenizer)
        return gr_error_set(err, GR_ERR_USAGE, "model", "models that train and audit write have one",
                            "the model folder has no tokenizer.json, and text cannot be read without");
    return gr_tokenizer_open(tokenizer, bundle->info.tokenizer, err);
}

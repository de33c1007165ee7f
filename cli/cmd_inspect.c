/* gradroute inspect: what a model folder, or a file of arrays, holds. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "inspect_dimension.h"
#include "io/digest.h"
#include "io/safetensors.h"
#include "screen.h"

static const char doc[] =
    "What MODEL is: its architecture, its regions with the rows and columns they own, where it comes from, and its "
    "files with sizes and digests, which are verified. MODEL is a model folder, the folder of a finished run, or a "
    ".safetensors file such as a checkpoint, of which the arrays are listed."
    "\v"
    "Examples:\n"
    "  gradroute inspect runs/demo/routed\n"
    "  gradroute inspect runs/demo/routed --json\n"
    "  gradroute inspect runs/steering --dimension 0 --top 40\n"
    "  gradroute inspect runs/demo/routed/checkpoints/step-000000977.safetensors\n" GR__EXIT_STATUS;

enum { KEY_DIMENSION = GR__KEY_OWN, KEY_TOP };

static const struct argp_option options[] = {
    {"dimension", KEY_DIMENSION, "N", 0,
     "List the tokens whose rows of the output matrix point most along residual dimension N", 0},
    {"top", KEY_TOP, "N", 0, "How many of them (default: 20)", 0},
    GR__OPTION_JSON,
    {0}};

typedef struct inspect_options {
    gr__common common; /* first: parsing hands it on */
    int dimension;     /* a residual dimension; -1: the model as a whole */
    int top;           /* tokens to list for it */
} inspect_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
    inspect_options *own = state->input;
    switch (key) {
    case KEY_DIMENSION:
        own->dimension = (int)gr__option_int(state, "dimension", arg, 0, INT32_MAX);
        return 0;
    case KEY_TOP:
        own->top = (int)gr__option_int(state, "top", arg, 1, INT32_MAX);
        return 0;
    default:
        return gr__common_parse(key, arg, state, &own->common);
    }
}

/* ---- a model folder ---- */

/* Numbers in parameters: of the core, of each region, and of all regions together. */
typedef struct sizes {
    size_t core, regions;
    size_t *each; /* [regions of the network] */
} sizes;

static gr_status count_numbers(sizes *size, const gr_bundle *bundle, gr_error *err) {
    GR_TRY(gr_arch_parameters(bundle->def, &size->core, size->each, err));
    for (int i = 0; i < bundle->def->region_count; i++)
        size->regions += size->each[i];
    return GR_OK;
}

/* A rectangle of a parameter that a region owns. */
static json_t *rect_json(const gr_model *model, gr_rect rect) {
    return json_pack("{s:s, s:[i, i], s:[i, i]}", "parameter", gr_model_param(model, rect.param)->name, "rows",
                     rect.lo0, rect.hi0, "columns", rect.lo1, rect.hi1);
}

/* A region with all that it owns. */
static json_t *region_json(const gr_model *model, const gr_arch_region *def, size_t size) {
    json_t *parts = json_array();
    int r = gr_model_find_region(model, def->name), count = r == GR_NONE ? 0 : gr_model_region(model, r)->rects;
    for (int p = 0; p < count; p++)
        json_array_append_new(parts, rect_json(model, gr_model_region(model, r)->rect[p]));
    return json_pack("{s:s, s:I, s:o}", "name", def->name, "parameters", (json_int_t)size, "parts", parts);
}

/* What the manifest says (verified by loading), with sizes and ranges from the model itself. */
static void print_folder_json(const char *path, const gr_bundle *bundle, json_t *manifest, const sizes *size) {
    static const char *const copied[] = {"format_version", "arch",  "files", "sha256",
                                         "seed",           "build", "data",  "recipe"};
    json_t *regions = json_array();
    for (int i = 0; i < bundle->def->region_count; i++)
        json_array_append_new(regions, region_json(bundle->model, &bundle->def->regions[i], size->each[i]));
    json_t *object = json_pack("{s:o, s:{s:I, s:I, s:I}, s:o}", "model", gr_json_text(path), "parameters", "total",
                               (json_int_t)gr_model_size(bundle->model), "core", (json_int_t)size->core, "regions",
                               (json_int_t)size->regions, "regions", regions);
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
        if (json_object_get(manifest, copied[i]))
            json_object_set(object, copied[i], json_object_get(manifest, copied[i]));
    gr__print_json(object);
}

/* The members of the architecture that are single values, in lines of at most COLUMNS characters. */
static void print_arch(const json_t *arch) {
    enum { INDENT = 14, COLUMNS = 80 };
    const char *key;
    json_t *value;
    int column = INDENT - 1;
    printf("architecture ");
    json_object_foreach((json_t *)arch, key, value) {
        if (json_is_object(value) || json_is_array(value))
            continue;
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        const int width = (int)(strlen(key) + strlen(text)) + 2;

        /* a key stays with its value */
        if (column + width > COLUMNS) {
            printf("\n%*s", INDENT - 1, "");
            column = INDENT - 1;
        }
        printf(" %s %s", key, text);
        column += width;
        free(text);
    }
    putchar('\n');
}

/* A region's parameters, by the rows and columns that it owns of each. */
static void print_region(const gr_model *model, const gr_arch_region *def, size_t size) {
    printf("region %s: %s parameters\n", def->name, gr__text_count((char[32]){0}, (int64_t)size));
    int r = gr_model_find_region(model, def->name), count = r == GR_NONE ? 0 : gr_model_region(model, r)->rects;
    for (int p = 0; p < count; p++) {
        gr_rect rect = gr_model_region(model, r)->rect[p];
        const gr_param_def *param = gr_model_param(model, rect.param);
        printf("  %-36s rows %d to %d of %d", param->name, rect.lo0, rect.hi0 - 1, param->rows);
        if (rect.lo1 > 0 || rect.hi1 < param->cols)
            printf(", columns %d to %d of %d", rect.lo1, rect.hi1 - 1, param->cols);
        putchar('\n');
    }
}

/* The same for people. */
static void print_folder(const char *path, const gr_bundle *bundle, const json_t *manifest, const sizes *size) {
    /* The network. */
    printf("model %s\n", path);
    print_arch(json_object_get(manifest, "arch"));
    printf("parameters    %s: %s in the core, %s in regions\n",
           gr__text_count((char[32]){0}, (int64_t)gr_model_size(bundle->model)),
           gr__text_count((char[32]){0}, (int64_t)size->core), gr__text_count((char[32]){0}, (int64_t)size->regions));
    for (int r = 0; r < bundle->def->region_count; r++)
        print_region(bundle->model, &bundle->def->regions[r], size->each[r]);

    /* Where it comes from. */
    printf("made by       %s, seed %llu, %s\n", bundle->info.build ? bundle->info.build : "an unknown program",
           (unsigned long long)bundle->info.seed, bundle->info.recipe ? "recipe kept (--json)" : "no recipe kept");
    for (int d = 0; d < bundle->info.data_count; d++)
        printf("data          %s\n              %s\n", bundle->info.data[d].name, bundle->info.data[d].sha256);

    /* Its files, which loading has verified. */
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(manifest, "files"), i, file) {
        printf("file          %-24s %10s\n              %s\n", json_string_value(json_object_get(file, "name")),
               gr__text_bytes((char[32]){0}, (double)json_integer_value(json_object_get(file, "size"))),
               json_string_value(json_object_get(file, "sha256")));
    }
    printf("digest        of the manifest, verified with all files\n              %s\n",
           json_string_value(json_object_get(manifest, "sha256")));
}

/* A model folder: its network, its regions, its files. */
static gr_status show_folder(const gr__common *common, const char *path, gr_error *err) {
    gr_bundle *bundle;
    json_t *manifest = NULL;
    GR_TRY(gr_bundle_load(&bundle, path, NULL, 0, err));

    /* Loading has verified all files; the manifest is read again for what the loaded model does not keep. */
    sizes size = {.each = gr_alloc(sizeof *size.each * (size_t)(bundle->def->region_count + 1))};
    char *name = gr_format("%s/manifest.json", path);
    gr_status status = count_numbers(&size, bundle, err);
    if (status == GR_OK)
        status = gr_json_read(&manifest, name, err);
    if (status == GR_OK && common->json)
        print_folder_json(path, bundle, manifest, &size);
    else if (status == GR_OK)
        print_folder(path, bundle, manifest, &size);

    json_decref(manifest);
    gr_free(name);
    gr_free(size.each);
    gr_bundle_free(bundle);
    return status;
}

/* ---- a file of arrays ---- */

/* An array's name, type and shape. */
static json_t *array_json(const gr_array *array) {
    json_t *shape = json_array();
    for (int d = 0; d < array->ndim; d++)
        json_array_append_new(shape, json_integer((json_int_t)array->dims[d]));
    return json_pack("{s:s, s:s, s:o}", "name", array->name, "dtype", gr_dtype_name(array->dtype), "shape", shape);
}

/* data_digest: of the arrays alone, alike for two checkpoints that differ in wall times only. */
static void print_file(const gr__common *common, const gr_safetensors *file, const char *digest,
                       const char *data_digest, int64_t size) {
    int n;
    const gr_array *arrays = gr_safetensors_arrays(file, &n);
    const char *format = gr_safetensors_meta(file, "format"), *state = gr_safetensors_meta(file, "options");

    /* For programs; the options of a checkpoint are JSON already. */
    if (common->json) {
        json_t *list = json_array();
        for (int i = 0; i < n; i++)
            json_array_append_new(list, array_json(&arrays[i]));
        json_t *values = state ? json_loads(state, 0, NULL) : NULL;
        gr__print_json(json_pack("{s:o, s:I, s:s, s:s, s:s?, s:o, s:o}", "file", gr_json_text(common->input), "size",
                                 (json_int_t)size, "sha256", digest, "data_sha256", data_digest, "format", format,
                                 "options", values ? values : json_null(), "arrays", list));
        return;
    }

    /* For people. */
    printf("file    %s\nsize    %s\ndigest  %s\n", common->input, gr__text_bytes((char[32]){0}, (double)size), digest);
    if (format)
        printf("format  %s\n", format);
    if (state)
        printf("state   %s\n", state);
    for (int i = 0; i < n; i++)
        printf("  %-44s %s\n", gr__screen_name((char[512]){0}, 512, arrays[i].name),
               gr_array_text(&arrays[i], (char[96]){0}, 96));
}

/* A file of arrays: which, of what shape, and the digests of the file and of its data. */
static gr_status show_file(const gr__common *common, int64_t size, gr_error *err) {
    char digest[GR_DIGEST_HEX], data_digest[GR_DIGEST_HEX];
    gr_safetensors *file;
    GR_TRY(gr_safetensors_open(&file, common->input, err));
    gr_status status = gr_digest_file(digest, common->input, err);
    size_t bytes;
    const void *data = gr_safetensors_data(file, &bytes);
    gr_digest_data(data_digest, data, bytes);
    if (status == GR_OK)
        print_file(common, file, digest, data_digest, size);
    gr_safetensors_close(file);
    return status;
}

/* A file is one of arrays, a folder holds a model. */
static gr_status show(const gr__common *common, gr_error *err) {
    struct stat info;
    char *path;
    if (stat(common->input, &info) == 0 && S_ISREG(info.st_mode))
        return show_file(common, (int64_t)info.st_size, err);
    GR_TRY(gr__model_path(&path, common->input, err));
    gr_status status = show_folder(common, path, err);
    gr_free(path);
    return status;
}

int gr__cmd_inspect(int argc, char **argv) {
    inspect_options own = {.common.what = "MODEL", .dimension = -1, .top = 20};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "MODEL", doc, NULL, NULL, NULL}, argc, argv, &own);
    gr_status status =
        own.dimension < 0 ? show(&own.common, &err) : gr__inspect_dimension(&own.common, own.dimension, own.top, &err);
    return gr__end_command(&own.common, status, &err);
}

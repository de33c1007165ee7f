/* Checkpoints: registered arrays and options as one safetensors file, with digests over both, and folders of them.
 *
 * Loading is all or nothing: the digests, then every array and option are compared with what is registered, and only
 * then is anything written to the owners' memory (take_all, which cannot fail). */
#include "io/checkpoint.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"

#define FORMAT "gradroute-checkpoint-1"

/* An option is a number or a text of its owner. */
typedef enum kind { INT, REAL, TEXT } kind;

typedef struct option {
    kind kind;
    char *name;
    void *value; /* int64_t *, double * or char ** */
} option;

struct gr_checkpoint {
    gr_array *arrays; /* names are ours, data the owner's */
    int n;
    size_t n_room;
    option *options;
    int n_options;
    size_t options_room;
};

gr_checkpoint *gr_checkpoint_new(void) { return gr_alloc(sizeof(gr_checkpoint)); }

void gr_checkpoint_free(gr_checkpoint *cp) {
    if (!cp)
        return;
    for (int i = 0; i < cp->n; i++)
        gr_free((char *)cp->arrays[i].name);
    for (int i = 0; i < cp->n_options; i++)
        gr_free(cp->options[i].name);
    gr_free(cp->arrays);
    gr_free(cp->options);
    gr_free(cp);
}

/* The array of this name, NULL where the owner registered none. */
static const gr_array *array_of(const gr_checkpoint *cp, const char *name) {
    for (int i = 0; i < cp->n; i++)
        if (!strcmp(cp->arrays[i].name, name))
            return cp->arrays + i;
    return NULL;
}

/* The option of this name, NULL where the owner registered none. */
static const option *option_of(const gr_checkpoint *cp, const char *name) {
    for (int i = 0; i < cp->n_options; i++)
        if (!strcmp(cp->options[i].name, name))
            return cp->options + i;
    return NULL;
}

void gr_checkpoint_add(gr_checkpoint *cp, const char *name, gr_dtype dtype, int ndim, const int64_t *dims, void *data) {
    assert(!array_of(cp, name) && ndim >= 0 && ndim <= GR_ARRAY_DIMS);
    gr_array array = {gr_strdup(name), dtype, ndim, {0}, data};
    if (ndim)
        memcpy(array.dims, dims, sizeof *dims * (size_t)ndim);
    GR_PUSH(cp->arrays, cp->n, cp->n_room) = array;
}

static void option_add(gr_checkpoint *cp, kind which, const char *name, void *value) {
    assert(!option_of(cp, name));
    GR_PUSH(cp->options, cp->n_options, cp->options_room) = (option){which, gr_strdup(name), value};
}

void gr_checkpoint_option_int(gr_checkpoint *cp, const char *name, int64_t *value) { option_add(cp, INT, name, value); }

void gr_checkpoint_option_real(gr_checkpoint *cp, const char *name, double *value) {
    option_add(cp, REAL, name, value);
}

void gr_checkpoint_option_text(gr_checkpoint *cp, const char *name, char **value) { option_add(cp, TEXT, name, value); }

/* ---- digests ---- */

/* Of what the data part is about: type, shape and name of each array in the order of writing, then the options. */
static void header_digest(char hex[GR_DIGEST_HEX], const gr_array *arrays, int n, const char *options) {
    int *order = gr_alloc(sizeof *order * (size_t)n);
    gr_safetensors_order(order, arrays, n);

    /* The zeros behind the texts keep one array from passing for another. */
    gr_digest *digest = gr_digest_new();
    for (int i = 0; i < n; i++) {
        const gr_array *array = arrays + order[i];
        char text[128];
        gr_array_text(array, text, sizeof text);
        gr_digest_add(digest, array->name, strlen(array->name) + 1);
        gr_digest_add(digest, text, strlen(text) + 1);
    }
    gr_digest_add(digest, options, strlen(options));
    gr_digest_end(digest, hex);
    gr_free(order);
}

/* Of the data part: the bytes of each array in the order of writing, which is how the file holds them. */
static void data_digest(char hex[GR_DIGEST_HEX], const gr_array *arrays, int n) {
    int *order = gr_alloc(sizeof *order * (size_t)n);
    gr_safetensors_order(order, arrays, n);
    gr_digest *digest = gr_digest_new();
    for (int i = 0; i < n; i++) {
        size_t bytes = 0;
        gr_array_bytes(arrays + order[i], &bytes);
        gr_digest_add(digest, arrays[order[i]].data, bytes);
    }
    gr_digest_end(digest, hex);
    gr_free(order);
}

/* ---- options as JSON ---- */

/* JSON has no number that is not finite: those are texts. */
static json_t *real_json(double value) {
    return isfinite(value) ? json_real(value) : json_string(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

/* A real from its JSON, or from the text that stands for one that is not finite; false for anything else. */
static bool real_of(double *value, const json_t *json) {
    const char *text = json_string_value(json);
    if (json_is_real(json))
        *value = json_real_value(json);
    else if (text && !strcmp(text, "nan"))
        *value = NAN;
    else if (text && (!strcmp(text, "inf") || !strcmp(text, "-inf")))
        *value = text[0] == '-' ? -INFINITY : INFINITY;
    else
        return false;
    return true;
}

/* An option's value as JSON, whether a JSON value fits it, and its value from one that does. */
static json_t *option_json(const option *o) {
    const char *text = o->kind == TEXT ? *(char **)o->value : NULL;
    switch (o->kind) {
    case INT:
        return json_integer(*(int64_t *)o->value);
    case REAL:
        return real_json(*(double *)o->value);
    default:
        return text ? json_string(text) : json_null();
    }
}

/* Whether a value of the file is of the option's kind: it is not taken otherwise. */
static bool option_fits(const option *o, const json_t *json) {
    double real;
    switch (o->kind) {
    case INT:
        return json_is_integer(json);
    case REAL:
        return real_of(&real, json);
    default:
        return json_is_string(json) || json_is_null(json);
    }
}

/* The value of the file into the owner's variable; option_fits has said that it can. */
static void option_take(const option *o, const json_t *json) {
    switch (o->kind) {
    case INT:
        *(int64_t *)o->value = json_integer_value(json);
        break;
    case REAL:
        real_of(o->value, json);
        break;
    case TEXT:
        gr_free(*(char **)o->value);
        *(char **)o->value = gr_strdup(json_string_value(json));
        break;
    }
}

/* All options as members of an object, by their names. */
static gr_status options_fill(json_t *all, const gr_checkpoint *cp, const char *path, gr_error *err) {
    for (int i = 0; i < cp->n_options; i++)
        if (json_object_set_new(all, cp->options[i].name, option_json(cp->options + i)))
            return gr_error_set(err, GR_ERR_USAGE, path, "names and texts are UTF-8", "option '%s' cannot be written",
                                cp->options[i].name);
    return GR_OK;
}

/* All options as one JSON text; 17 digits hold every bit of a double. */
static gr_status options_text(const gr_checkpoint *cp, char **text, const char *path, gr_error *err) {
    json_t *all = json_object();
    gr_status status = options_fill(all, cp, path, err);
    *text = status == GR_OK ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(all);
    return status;
}

/* ---- save and load ---- */

gr_status gr_checkpoint_save(const gr_checkpoint *cp, const char *path, gr_error *err) {
    char *options, data[GR_DIGEST_HEX], header[GR_DIGEST_HEX];
    GR_TRY(options_text(cp, &options, path, err));
    data_digest(data, cp->arrays, cp->n);
    header_digest(header, cp->arrays, cp->n, options);
    gr_pair meta[] = {{"format", FORMAT}, {"options", options}, {"sha256", data}, {"sha256_header", header}};
    gr_status status = gr_safetensors_write(path, cp->arrays, cp->n, meta, 4, err);
    gr_free(options);
    return status;
}

/* Checks that an open file is what some save wrote; *options is its JSON text. */
static gr_status verify(const gr_safetensors *file, const char **options, const char *path, gr_error *err) {
    const char *format = gr_safetensors_meta(file, "format"), *data = gr_safetensors_meta(file, "sha256"),
               *header = gr_safetensors_meta(file, "sha256_header");
    *options = gr_safetensors_meta(file, "options");
    if (!format || strcmp(format, FORMAT) || !data || !header || !*options)
        return gr_error_set(err, GR_ERR_FORMAT, path, "give a file from a checkpoints folder of this version",
                            "not a checkpoint of the format " FORMAT);

    /* The digests of what is there against those that it was written with. */
    char of_data[GR_DIGEST_HEX], of_header[GR_DIGEST_HEX];
    size_t size;
    const void *bytes = gr_safetensors_data(file, &size);
    int n;
    const gr_array *arrays = gr_safetensors_arrays(file, &n);
    gr_digest_data(of_data, bytes, size);
    header_digest(of_header, arrays, n, *options);
    if (strcmp(data, of_data) || strcmp(header, of_header))
        return gr_error_set(err, GR_ERR_FORMAT, path, "the file is damaged; use an older checkpoint",
                            "the SHA-256 digest of the %s does not match", strcmp(data, of_data) ? "data" : "header");
    return GR_OK;
}

/* Opens a file that verify() accepts. */
static gr_status open_verified(gr_safetensors **file, const char **options, const char *path, gr_error *err) {
    GR_TRY(gr_safetensors_open(file, path, err));
    gr_status status = verify(*file, options, path, err);
    if (status != GR_OK) {
        gr_safetensors_close(*file);
        *file = NULL;
    }
    return status;
}

/* Every array that is registered is in the file, with its type and shape, and the file has no other. */
static gr_status arrays_match(const gr_checkpoint *cp, const gr_safetensors *file, const char *path, gr_error *err) {
    const gr_array *found;
    for (int i = 0; i < cp->n; i++) {
        const gr_array *a = cp->arrays + i;
        GR_TRY(gr_safetensors_expect(file, &found, a->name, a->dtype, a->ndim, a->dims, err));
    }

    /* Names are unique on both sides: with equal numbers nothing is left over. Else the first that is names the error.
     */
    int n, i = 0;
    const gr_array *held = gr_safetensors_arrays(file, &n);
    if (n == cp->n)
        return GR_OK;
    while (array_of(cp, held[i].name))
        i++;
    return gr_error_set(err, GR_ERR_FORMAT, path, "the file was made for another recipe",
                        "array '%.80s' is not part of this run", held[i].name);
}

/* The same for options. */
static gr_status options_match(const gr_checkpoint *cp, json_t *all, const char *path, gr_error *err) {
    if (!json_is_object(all))
        return gr_error_set(err, GR_ERR_FORMAT, path, NULL, "its options are not a map");

    /* Each one that is registered, with a value that it can take. */
    for (int i = 0; i < cp->n_options; i++) {
        const option *o = cp->options + i;
        const json_t *value = json_object_get(all, o->name);
        if (!value || !option_fits(o, value))
            return gr_error_set(err, GR_ERR_FORMAT, path, "the file was made by another version or recipe",
                                "option '%.80s' is %s", o->name, value ? "of another type" : "missing");
    }

    /* And no other. */
    const char *key;
    json_t *value;
    json_object_foreach(all, key, value) {
        if (!option_of(cp, key))
            return gr_error_set(err, GR_ERR_FORMAT, path, "the file was made by another version or recipe",
                                "option '%.80s' is not part of this run", key);
    }
    return GR_OK;
}

/* Nothing here can fail: everything was matched before. */
static void take_all(const gr_checkpoint *cp, const gr_safetensors *file, const json_t *all) {
    for (int i = 0; i < cp->n; i++) {
        const gr_array *from = gr_safetensors_find(file, cp->arrays[i].name);
        size_t bytes = 0;
        gr_array_bytes(from, &bytes);
        if (bytes)
            memcpy((void *)cp->arrays[i].data, from->data, bytes);
    }
    for (int i = 0; i < cp->n_options; i++)
        option_take(cp->options + i, json_object_get(all, cp->options[i].name));
}

/* Compares all of a verified file with what is registered, then takes it over. */
static gr_status load_from(const gr_checkpoint *cp, const gr_safetensors *file, const char *options, const char *path,
                           gr_error *err) {
    json_t *all;
    GR_TRY(arrays_match(cp, file, path, err));
    GR_TRY(gr_json_parse(&all, options, strlen(options), path, err));
    gr_status status = options_match(cp, all, path, err);
    if (status == GR_OK)
        take_all(cp, file, all);
    json_decref(all);
    return status;
}

gr_status gr_checkpoint_load(const gr_checkpoint *cp, const char *path, gr_error *err) {
    gr_safetensors *file;
    const char *options;
    GR_TRY(open_verified(&file, &options, path, err));
    gr_status status = load_from(cp, file, options, path, err);
    gr_safetensors_close(file);
    return status;
}

gr_status gr_checkpoint_verify(const char *path, gr_error *err) {
    gr_safetensors *file;
    const char *options;
    GR_TRY(open_verified(&file, &options, path, err));
    gr_safetensors_close(file);
    return GR_OK;
}

/* ---- folders of checkpoints ---- */

char *gr_checkpoint_path(const char *folder, int64_t step) {
    return gr_format("%s/step-%09lld.safetensors", folder, (long long)step);
}

/* The step in a name of ours; -1 for other names. *half: one that was not finished. */
static int64_t step_of(const char *name, bool *half) {
    long long step;
    char whole[64];
    if (sscanf(name, "step-%18lld", &step) != 1 || step < 0)
        return -1;
    int n = snprintf(whole, sizeof whole, "step-%09lld.safetensors", step);
    *half = !strncmp(name, whole, (size_t)n) && gr__is_temporary(name);
    return *half || !strcmp(name, whole) ? step : -1;
}

static int newest_first(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Steps in a folder, newest first; removes half-written files when told to. A missing folder has none. */
static gr_status steps_list(const char *folder, int64_t **steps, int *n, bool clean, gr_error *err) {
    size_t room = 0;
    *steps = NULL;
    *n = 0;

    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? GR_OK : gr__file_error(err, folder, "list the folder", errno);

    /* Other files may lie there: they are left alone. */
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        bool half = false;
        int64_t step = step_of(entry->d_name, &half);
        if (half && clean)
            unlinkat(dirfd(dir), entry->d_name, 0);
        if (step >= 0 && !half)
            GR_PUSH(*steps, *n, room) = step;
    }

    closedir(dir);
    if (*n)
        qsort(*steps, (size_t)*n, sizeof **steps, newest_first);
    return GR_OK;
}

gr_status gr_checkpoint_latest(const char *folder, char **path, int64_t *step, int *damaged, gr_error *err) {
    /* No checkpoint is no error. */
    *path = NULL;
    if (step)
        *step = -1;
    if (damaged)
        *damaged = 0;

    /* From the newest back to the first that is whole; i ends as the number of damaged ones before it. */
    int64_t *steps;
    int n, i = 0;
    GR_TRY(steps_list(folder, &steps, &n, false, err));
    for (; i < n; i++) {
        char *name = gr_checkpoint_path(folder, steps[i]);
        gr_error why = {0};
        if (gr_checkpoint_verify(name, &why) == GR_OK) {
            *path = name;
            if (step)
                *step = steps[i];
            break;
        }
        gr_log_line(1, "checkpoint %s is damaged (%s), trying the one before", name, why.message);
        gr_free(name);
    }

    if (damaged)
        *damaged = i;
    gr_free(steps);
    if (n && !*path)
        return gr_error_set(err, GR_ERR_FORMAT, folder, "start the run anew, or restore the folder from a copy",
                            "%d %s damaged, and there is no other", n,
                            gr__plural(n, "checkpoint is", "checkpoints are"));
    return GR_OK;
}

int64_t gr_checkpoint_newest(const char *folder) {
    int64_t *steps;
    int n;
    if (steps_list(folder, &steps, &n, false, NULL) != GR_OK)
        return -1;
    int64_t step = n ? steps[0] : -1;
    gr_free(steps);
    return step;
}

gr_status gr_checkpoint_prune(const char *folder, int keep, gr_error *err) {
    int64_t *steps;
    int n, kept = 0;
    assert(keep >= 1);
    GR_TRY(steps_list(folder, &steps, &n, true, err));

    /* The newest `keep` that are whole stay, and the damaged ones between them; what is older goes. */
    gr_status status = GR_OK;
    for (int i = 0; i < n && status == GR_OK; i++) {
        char *name = gr_checkpoint_path(folder, steps[i]);
        if (kept < keep)
            kept += gr_checkpoint_verify(name, NULL) == GR_OK;
        else if (unlink(name))
            status = gr__file_error(err, name, "remove", errno);
        gr_free(name);
    }
    gr_free(steps);
    return status;
}

static bool is_checkpoint(const void *user, const char *name, bool folder) {
    bool half;
    (void)user;
    return !folder && step_of(name, &half) >= 0;
}

gr_status gr_checkpoint_remove(const char *folder, gr_error *err) {
    return gr__folder_remove(folder, &(gr__ours){.is = is_checkpoint}, err);
}

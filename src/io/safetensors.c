/* The safetensors format: 8 bytes that hold the length of the header, the header (JSON: type, shape and place of each
 * array, and a map of texts), then the data of all arrays without gaps. A file is mapped, and arrays point into it. */
#include "io/safetensors.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"
#include "io/file.h"
#include "io/json.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's numbers are little endian, as in memory");

#define METADATA "__metadata__"
enum {
    HEADER_MAX = 100 * 1000 * 1000, /* bytes; other readers take no more */
    ALIGN = 8                       /* the data begins at a multiple of this many bytes */
};

static const struct {
    const char *name;
    size_t size;
} types[GR_DTYPE_COUNT] = {
    [GR_DTYPE_F32] = {"F32", 4}, [GR_DTYPE_F64] = {"F64", 8}, [GR_DTYPE_I32] = {"I32", 4},
    [GR_DTYPE_I64] = {"I64", 8}, [GR_DTYPE_U8] = {"U8", 1},
};

size_t gr_dtype_size(gr_dtype dtype) { return types[dtype].size; }

const char *gr_dtype_name(gr_dtype dtype) { return types[dtype].name; }

bool gr_array_bytes(const gr_array *array, size_t *bytes) {
    size_t n = gr_dtype_size(array->dtype);
    for (int i = 0; i < array->ndim; i++)
        if (array->dims[i] < 0 || __builtin_mul_overflow(n, (size_t)array->dims[i], &n))
            return false;
    *bytes = n;
    return true;
}

const char *gr_array_text(const gr_array *array, char *text, size_t size) {
    int n = snprintf(text, size, "%s [", gr_dtype_name(array->dtype));
    for (int i = 0; i < array->ndim && n < (int)size; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%lld", i ? ", " : "", (long long)array->dims[i]);
    if (n < (int)size)
        snprintf(text + n, size - (size_t)n, "]");
    return text;
}

/* ---- writing ---- */

/* The order of writing: larger numbers first, so that all lie aligned; then by name. */
static int before(const void *a, const void *b, void *arrays) {
    const gr_array *x = (const gr_array *)arrays + *(const int *)a, *y = (const gr_array *)arrays + *(const int *)b;
    size_t i = gr_dtype_size(x->dtype), j = gr_dtype_size(y->dtype);
    return i != j ? (i < j ? 1 : -1) : strcmp(x->name, y->name);
}

void gr_safetensors_order(int *order, const gr_array *arrays, int n) {
    for (int i = 0; i < n; i++)
        order[i] = i;
    if (n)
        qsort_r(order, (size_t)n, sizeof *order, before, (void *)arrays);
}

/* One entry of the header; moves *offset to the end of its data. */
static json_t *entry_new(const gr_array *array, size_t *offset) {
    size_t bytes;
    bool fits = gr_array_bytes(array, &bytes);
    assert(fits && array->ndim >= 0 && array->ndim <= GR_ARRAY_DIMS);
    (void)fits;
    json_t *shape = json_array(), *entry = json_object();
    for (int i = 0; i < array->ndim; i++)
        json_array_append_new(shape, json_integer(array->dims[i]));
    json_object_set_new(entry, "dtype", json_string(gr_dtype_name(array->dtype)));
    json_object_set_new(entry, "shape", shape);
    json_object_set_new(entry, "data_offsets", json_pack("[I, I]", (json_int_t)*offset, (json_int_t)(*offset + bytes)));
    *offset += bytes;
    return entry;
}

/* The metadata, then an entry for each array in the order of writing. */
static gr_status header_fill(json_t *header, const char *path, const gr_array *arrays, const int *order, int n,
                             const gr_pair *meta, int n_meta, gr_error *err) {
    /* The header owns the map of texts. */
    json_t *texts = n_meta ? json_object() : NULL;
    if (texts)
        json_object_set_new(header, METADATA, texts);
    for (int i = 0; i < n_meta; i++)
        if (json_object_set_new(texts, meta[i].key, json_string(meta[i].value)))
            return gr_error_set(err, GR_ERR_USAGE, path, "keys and values are UTF-8 text",
                                "metadata '%s' cannot be written", meta[i].key);

    size_t offset = 0;
    for (int i = 0; i < n; i++) {
        const gr_array *array = arrays + order[i];
        if (!array->name[0] || !strcmp(array->name, METADATA) || json_object_get(header, array->name))
            return gr_error_set(err, GR_ERR_USAGE, path, "every array needs a name of its own",
                                "an array is named '%s'%s", array->name, array->name[0] ? ", which is taken" : "");
        if (json_object_set_new(header, array->name, entry_new(array, &offset)))
            return gr_error_set(err, GR_ERR_USAGE, path, "names are UTF-8 text", "'%s' is no name for an array",
                                array->name);
    }
    return GR_OK;
}

/* The file's beginning, length and padding included, as one block. */
static gr_status header_new(char **block, size_t *size, const char *path, const gr_array *arrays, const int *order,
                            int n, const gr_pair *meta, int n_meta, gr_error *err) {
    *block = NULL;

    /* The header as JSON. */
    json_t *header = json_object();
    gr_status status = header_fill(header, path, arrays, order, n, meta, n_meta, err);
    char *text = status == GR_OK ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (!text)
        return status != GR_OK ? status : gr_error_set(err, GR_ERR_MEMORY, path, NULL, "no memory for the header");

    /* The length of the header, the header, and spaces up to where the data begins. */
    size_t length = strlen(text);
    uint64_t padded = (length + ALIGN - 1) / ALIGN * ALIGN;
    *size = 8 + padded;
    *block = gr_alloc(*size);
    memcpy(*block, &padded, 8);
    memset(*block + 8, ' ', padded);
    memcpy(*block + 8, text, length);

    gr_free(text);

    if (padded > HEADER_MAX)
        return gr_error_set(err, GR_ERR_USAGE, path, NULL, "the header has %llu bytes, more than the %d that fit",
                            (unsigned long long)padded, HEADER_MAX);
    return GR_OK;
}

/* Writes the header and the data of each array. */
static gr_status stream(const char *path, const gr_array *arrays, const int *order, int n, const char *header,
                        size_t size, gr_error *err) {
    gr_file_out *out;
    GR_TRY(gr_file_out_open(&out, path, err));
    gr_status status = gr_file_out_write(out, header, size, err);
    for (int i = 0; i < n && status == GR_OK; i++) {
        size_t bytes = 0;
        gr_array_bytes(arrays + order[i], &bytes);
        status = gr_file_out_write(out, arrays[order[i]].data, bytes, err);
    }

    /* Only a file that is whole gets its name. */
    if (status == GR_OK)
        return gr_file_out_commit(out, err);
    gr_file_out_abort(out);
    return status;
}

gr_status gr_safetensors_write(const char *path, const gr_array *arrays, int n, const gr_pair *meta, int n_meta,
                               gr_error *err) {
    char *header;
    size_t size = 0;
    int *order = gr_alloc(sizeof *order * (size_t)n);
    gr_safetensors_order(order, arrays, n);
    gr_status status = header_new(&header, &size, path, arrays, order, n, meta, n_meta, err);
    if (status == GR_OK)
        status = stream(path, arrays, order, n, header, size, err);
    gr_free(header);
    gr_free(order);
    return status;
}

/* ---- reading ---- */

struct gr_safetensors {
    gr_arena *arena;
    char *place;
    void *map;                  /* NULL when the memory is the caller's */
    const unsigned char *bytes; /* [size] the whole file */
    size_t size;
    const unsigned char *data; /* [data_size] what lies behind the header */
    size_t data_size;
    gr_array *arrays; /* by the place of their data */
    int *names;       /* numbers of arrays by name */
    int n;
    gr_pair *meta;
    int n_meta;
};

/* The error for a file that is not what the format says. */
static gr_status bad(const gr_safetensors *file, gr_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static gr_status bad(const gr_safetensors *file, gr_error *err, const char *format, ...) {
    char text[400];
    va_list list;
    va_start(list, format);
    gr__vprint(text, sizeof text, format, list);
    va_end(list);
    return gr_error_set(err, GR_ERR_FORMAT, file->place,
                        "the file is damaged, incomplete or not a safetensors file; fetch or write it again", "%s",
                        text);
}

/* The map of texts. */
static gr_status meta_read(gr_safetensors *file, json_t *texts, gr_error *err) {
    if (!json_is_object(texts))
        return bad(file, err, METADATA " is not a map of texts");
    file->meta = gr_arena_alloc(file->arena, sizeof *file->meta * json_object_size(texts));
    const char *key;
    json_t *value;
    json_object_foreach(texts, key, value) {
        if (!json_is_string(value))
            return bad(file, err, METADATA " '%.80s' is not a text", key);
        file->meta[file->n_meta++] =
            (gr_pair){gr_arena_strdup(file->arena, key), gr_arena_strdup(file->arena, json_string_value(value))};
    }
    return GR_OK;
}

/* An array's dimensions. */
static gr_status shape_read(const gr_safetensors *file, gr_array *array, const json_t *shape, gr_error *err) {
    size_t n = json_array_size(shape);
    if (!json_is_array(shape) || n > GR_ARRAY_DIMS)
        return bad(file, err, "array '%.80s' has no shape of at most %d dimensions", array->name, GR_ARRAY_DIMS);
    for (size_t i = 0; i < n; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return bad(file, err, "array '%.80s' has a dimension that is no count", array->name);
        array->dims[i] = json_integer_value(dim);
    }
    array->ndim = (int)n;
    return GR_OK;
}

/* An array's type, shape and place, which must fit each other and the file. */
static gr_status entry_read(const gr_safetensors *file, gr_array *array, const json_t *entry, gr_error *err) {
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (json_object_size(entry) != 3 || !dtype)
        return bad(file, err, "array '%.80s' needs dtype, shape and data_offsets, and nothing else", array->name);

    /* A type that we know. */
    int type = 0;
    while (type < GR_DTYPE_COUNT && strcmp(types[type].name, dtype))
        type++;
    if (type == GR_DTYPE_COUNT)
        return gr_error_set(err, GR_ERR_FORMAT, file->place, "convert the file; F32, F64, I32, I64 and U8 are read",
                            "array '%.80s' has the type '%.20s', which is not supported", array->name, dtype);
    array->dtype = (gr_dtype)type;
    GR_TRY(shape_read(file, array, json_object_get(entry, "shape"), err));

    /* From where to where its data goes: inside the file, and as many bytes as the shape needs. */
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return bad(file, err, "array '%.80s' needs two data_offsets", array->name);
    json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < begin || (uint64_t)end > file->data_size)
        return bad(file, err, "array '%.80s' lies at %lld to %lld, outside of the %zu bytes of data", array->name,
                   (long long)begin, (long long)end, file->data_size);

    size_t bytes;
    char text[128];
    if (!gr_array_bytes(array, &bytes) || bytes != (size_t)(end - begin))
        return bad(file, err, "array '%.80s' is %s but has %lld bytes", array->name,
                   gr_array_text(array, text, sizeof text), (long long)(end - begin));
    array->data = file->data + begin;
    return GR_OK;
}

/* By where the numbers begin in the file, then by how many bytes they are, then by name. */
static int by_place(const void *a, const void *b) {
    const gr_array *x = a, *y = b;
    size_t i = 0, j = 0;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    gr_array_bytes(x, &i); /* empty arrays share their place with the next one and come first */
    gr_array_bytes(y, &j);
    return i != j ? (i < j ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b, void *arrays) {
    const gr_array *list = arrays;
    return strcmp(list[*(const int *)a].name, list[*(const int *)b].name);
}

/* All entries of the header. */
static gr_status arrays_read(gr_safetensors *file, json_t *header, gr_error *err) {
    size_t n = json_object_size(header);
    file->arrays = gr_arena_alloc(file->arena, sizeof *file->arrays * n);
    file->names = gr_arena_alloc(file->arena, sizeof *file->names * n);
    const char *key;
    json_t *value;
    json_object_foreach(header, key, value) {
        if (!strcmp(key, METADATA)) {
            GR_TRY(meta_read(file, value, err));
            continue;
        }
        gr_array *array = file->arrays + file->n;
        array->name = gr_arena_strdup(file->arena, key);
        GR_TRY(entry_read(file, array, value, err));
        file->names[file->n] = file->n;
        file->n++;
    }

    /* By place, and by name for searching. */
    if (file->n) {
        qsort(file->arrays, (size_t)file->n, sizeof *file->arrays, by_place);
        qsort_r(file->names, (size_t)file->n, sizeof *file->names, by_name, file->arrays);
    }

    /* Data without gap or overlap, so that every byte of the file belongs to exactly one thing. */
    const unsigned char *at = file->data;
    for (int i = 0; i < file->n; i++) {
        size_t bytes = 0;
        gr_array_bytes(file->arrays + i, &bytes);
        if (file->arrays[i].data != at)
            return bad(file, err, "array '%.80s' %s", file->arrays[i].name,
                       (const unsigned char *)file->arrays[i].data < at ? "overlaps another one"
                                                                        : "begins after a gap in the data");
        at += bytes;
    }
    if (at != file->data + file->data_size)
        return bad(file, err, "%zu bytes of data belong to no array", (size_t)(file->data + file->data_size - at));
    return GR_OK;
}

/* Reads the header of a file that lies in memory. */
static gr_status file_read(gr_safetensors *file, gr_error *err) {
    /* Its length, and whether there is that much and it begins as JSON does. */
    uint64_t length;
    if (file->size < 8)
        return bad(file, err, "the file has %zu bytes, too few for a header", file->size);
    memcpy(&length, file->bytes, 8);
    if (length > HEADER_MAX || length > file->size - 8)
        return bad(file, err, "the header should have %llu bytes, the file has %zu", (unsigned long long)length,
                   file->size);

    if (!length || file->bytes[8] != '{')
        return bad(file, err, "the header does not begin with '{'");

    /* What lies behind it is data, which the header divides among the arrays. */
    file->data = file->bytes + 8 + length;
    file->data_size = file->size - 8 - length;
    json_t *header;
    GR_TRY(gr_json_parse(&header, file->bytes + 8, length, file->place, err));
    gr_status status = arrays_read(file, header, err);
    json_decref(header);
    return status;
}

/* An open file over bytes in memory; map is what closing unmaps. */
static gr_status file_new(gr_safetensors **file, void *map, const void *bytes, size_t size, const char *place,
                          gr_error *err) {
    gr_safetensors *made = gr_alloc(sizeof *made);
    *made =
        (gr_safetensors){.arena = gr_arena_new(), .place = gr_strdup(place), .map = map, .bytes = bytes, .size = size};
    gr_status status = file_read(made, err);
    if (status != GR_OK) {
        gr_safetensors_close(made);
        made = NULL;
    }
    *file = made;
    return status;
}

gr_status gr_safetensors_parse(gr_safetensors **file, const void *bytes, size_t size, const char *place,
                               gr_error *err) {
    return file_new(file, NULL, bytes, size, place, err);
}

gr_status gr_safetensors_open(gr_safetensors **file, const char *path, gr_error *err) {
    *file = NULL;
    int fd, code = 0;
    size_t size;
    GR_TRY(gr__input_open(&fd, &size, path, err));
    void *map = NULL;
    if (size > 0 && (map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        code = errno;
    close(fd);
    if (code)
        return gr__file_error(err, path, "read", code);
    return file_new(file, map, map, size, path, err);
}

void gr_safetensors_close(gr_safetensors *file) {
    if (!file)
        return;
    if (file->map)
        munmap(file->map, file->size);
    gr_arena_free(file->arena);
    gr_free(file->place);
    gr_free(file);
}

const gr_array *gr_safetensors_arrays(const gr_safetensors *file, int *n) {
    *n = file->n;
    return file->arrays;
}

const gr_array *gr_safetensors_find(const gr_safetensors *file, const char *name) {
    for (int from = 0, to = file->n; from < to;) {
        int middle = from + (to - from) / 2;
        const gr_array *array = file->arrays + file->names[middle];
        int side = strcmp(name, array->name);
        if (!side)
            return array;
        if (side < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const char *gr_safetensors_meta(const gr_safetensors *file, const char *key) {
    for (int i = 0; i < file->n_meta; i++)
        if (!strcmp(file->meta[i].key, key))
            return file->meta[i].value;
    return NULL;
}

const void *gr_safetensors_data(const gr_safetensors *file, size_t *size) {
    *size = file->data_size;
    return file->data;
}

gr_status gr_safetensors_expect(const gr_safetensors *file, const gr_array **array, const char *name, gr_dtype dtype,
                                int ndim, const int64_t *dims, gr_error *err) {
    /* The array as it is wanted, and in words. */
    gr_array want = {name, dtype, ndim, {0}, NULL};
    assert(ndim >= 0 && ndim <= GR_ARRAY_DIMS);
    if (ndim)
        memcpy(want.dims, dims, sizeof *dims * (size_t)ndim);

    char expected[128], found[128];
    gr_array_text(&want, expected, sizeof expected);

    const gr_array *got = gr_safetensors_find(file, name);
    if (!got)
        return gr_error_set(err, GR_ERR_FORMAT, file->place, "the file was made for another network",
                            "array '%.80s' is missing, expected %s", name, expected);
    if (got->dtype != dtype || got->ndim != ndim || memcmp(got->dims, want.dims, sizeof want.dims))
        return gr_error_set(err, GR_ERR_FORMAT, file->place, "the file was made for another network",
                            "array '%.80s' is %s, expected %s", name, gr_array_text(got, found, sizeof found),
                            expected);
    *array = got;
    return GR_OK;
}

gr_status gr_safetensors_get(const gr_safetensors *file, void *to, const char *name, gr_dtype dtype, int ndim,
                             const int64_t *dims, gr_error *err) {
    const gr_array *array;
    GR_TRY(gr_safetensors_expect(file, &array, name, dtype, ndim, dims, err));
    size_t bytes = 0;
    gr_array_bytes(array, &bytes);
    if (bytes)
        memcpy(to, array->data, bytes);
    return GR_OK;
}

/* safetensors.h - named arrays in one file that other programs read (the safetensors format).
 *
 *     gr_array arrays[] = {{"w", GR_DTYPE_F32, 2, {3, 4}, w}, {"step", GR_DTYPE_I64, 0, {0}, &step}};
 *     gr_pair meta[] = {{"format", "pt"}};
 *     GR_TRY(gr_safetensors_write("a.safetensors", arrays, 2, meta, 1, err));
 *
 *     gr_safetensors *file;
 *     GR_TRY(gr_safetensors_open(&file, "a.safetensors", err));
 *     gr_status status = gr_safetensors_get(file, w, "w", GR_DTYPE_F32, 2, (int64_t[]){3, 4}, err);
 *     gr_safetensors_close(file);
 *
 * The file: 8 bytes length N (little endian), N bytes of JSON ({"name": {"dtype", "shape", "data_offsets"}, ...,
 * "__metadata__": {text: text}}), padded with spaces so that the data begin at a multiple of 8, then the data without
 * gaps. We write the wider types first and names in order within a type, so every array is aligned to its elements.
 *
 * Reading maps the file and checks everything before an array can be seen: the header's length against the file and
 * 100 MB, known types, at most 4 dimensions, sizes equal to the product of the dimensions, offsets inside the data
 * with neither gap nor overlap, names given once. A file that fails is GR_ERR_FORMAT. The file must not be cut short by
 * another program while it is open (ours replace files, they never cut them).
 */
#ifndef GR_IO_SAFETENSORS_H
#define GR_IO_SAFETENSORS_H

#include "gradroute/base.h"

typedef enum gr_dtype { GR_DTYPE_F32, GR_DTYPE_F64, GR_DTYPE_I32, GR_DTYPE_I64, GR_DTYPE_U8, GR_DTYPE_COUNT } gr_dtype;

#ifdef GR_DOUBLE
#define GR_DTYPE_REAL GR_DTYPE_F64
#else
#define GR_DTYPE_REAL GR_DTYPE_F32
#endif

enum { GR_ARRAY_DIMS = 4 };

size_t gr_dtype_size(gr_dtype dtype);      /* bytes of one element */
const char *gr_dtype_name(gr_dtype dtype); /* "F32" */

/* An array that somebody else owns; row-major, ndim 0 is a single number. */
typedef struct gr_array {
    const char *name;
    gr_dtype dtype;
    int ndim;
    int64_t dims[GR_ARRAY_DIMS];
    const void *data;
} gr_array;

typedef struct gr_pair {
    const char *key, *value;
} gr_pair;

/* Bytes of the array's data; false when they cannot be counted in a size_t. */
bool gr_array_bytes(const gr_array *array, size_t *bytes);

/* "F32 [3, 4]" into text; returns text. */
const char *gr_array_text(const gr_array *array, char *text, size_t size);

/* Writes the file atomically. GR_ERR_USAGE for a name that is empty, used twice or not UTF-8. */
gr_status gr_safetensors_write(const char *path, const gr_array *arrays, int n, const gr_pair *meta, int n_meta,
                               gr_error *err);

/* order[0..n): the order in which write lays the data down. */
void gr_safetensors_order(int *order, const gr_array *arrays, int n);

typedef struct gr_safetensors gr_safetensors;
gr_status gr_safetensors_open(gr_safetensors **file, const char *path, gr_error *err);

/* From memory, which must outlive the result; place names it in errors. */
gr_status gr_safetensors_parse(gr_safetensors **file, const void *bytes, size_t size, const char *place, gr_error *err);
void gr_safetensors_close(gr_safetensors *file);

/* All *n arrays in the order of their data. Their data may be unaligned in files of other programs: copy them, do not
 * cast. */
const gr_array *gr_safetensors_arrays(const gr_safetensors *file, int *n);

const gr_array *gr_safetensors_find(const gr_safetensors *file, const char *name); /* NULL when absent */
const char *gr_safetensors_meta(const gr_safetensors *file, const char *key);      /* NULL when absent */
const void *gr_safetensors_data(const gr_safetensors *file, size_t *size);         /* all data together */

/* The named array when it has this type and shape; else GR_ERR_FORMAT with what was found and what was expected. */
gr_status gr_safetensors_expect(const gr_safetensors *file, const gr_array **array, const char *name, gr_dtype dtype,
                                int ndim, const int64_t *dims, gr_error *err);

/* The same, copied to `to`, which is written only on success. */
gr_status gr_safetensors_get(const gr_safetensors *file, void *to, const char *name, gr_dtype dtype, int ndim,
                             const int64_t *dims, gr_error *err);

#endif

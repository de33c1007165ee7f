/* safetensors files: the bytes we write, and that nothing damaged or hostile is taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "support.h"

/* A file made by hand: length, header, `data` bytes of data. */
static unsigned char *handmade(const char *header, size_t data, size_t *size) {
    uint64_t length = strlen(header);
    *size = 8 + length + data;
    unsigned char *bytes = malloc(*size); /* malloc's exact size lets the sanitizer see a read behind the end */
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data; i++)
        bytes[8 + length + i] = (unsigned char)i;
    return bytes;
}

static void writes_golden_bytes(void **state) {
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                                 "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                 "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
                                 "\"u\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]}}";
    static const unsigned char data[] = {7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 1, 2, 3};
    gr_error err = {0};
    float a[] = {1, -2};
    int64_t n = 7;
    uint8_t u[] = {1, 2, 3};
    gr_array arrays[] = {
        {"u", GR_DTYPE_U8, 1, {3}, u}, {"a", GR_DTYPE_F32, 2, {1, 2}, a}, {"n", GR_DTYPE_I64, 0, {0}, &n}};
    gr_pair meta[] = {{"format", "pt"}};
    char *folder = gr_test_folder(), *path = gr_format("%s/t.safetensors", folder);
    assert_int_equal(gr_safetensors_write(path, arrays, 3, meta, 1, &err), GR_OK);
    unsigned char *bytes;
    size_t size, padded = (strlen(header) + 7) / 8 * 8;
    assert_int_equal(gr_file_read(path, &bytes, &size, &err), GR_OK);
    assert_int_equal(size, 8 + padded + sizeof data);
    uint64_t length;
    memcpy(&length, bytes, 8);
    assert_int_equal(length, padded);
    assert_memory_equal(bytes + 8, header, strlen(header));
    for (size_t i = strlen(header); i < padded; i++)
        assert_int_equal(bytes[8 + i], ' ');
    assert_memory_equal(bytes + 8 + padded, data, sizeof data);
    gr_free(bytes);

    /* And back. */
    gr_safetensors *file;
    float b[2] = {0};
    int count;
    assert_int_equal(gr_safetensors_open(&file, path, &err), GR_OK);
    assert_string_equal(gr_safetensors_meta(file, "format"), "pt");
    assert_null(gr_safetensors_meta(file, "Format"));
    assert_string_equal(gr_safetensors_arrays(file, &count)[0].name, "n");
    assert_int_equal(count, 3);
    assert_int_equal(gr_safetensors_get(file, b, "a", GR_DTYPE_F32, 2, (int64_t[]){1, 2}, &err), GR_OK);
    assert_true(b[0] == 1 && b[1] == -2);

    /* What does not fit leaves the memory alone and says what was found. */
    b[0] = 5;
    assert_int_equal(gr_safetensors_get(file, b, "a", GR_DTYPE_F32, 2, (int64_t[]){2, 1}, &err), GR_ERR_FORMAT);
    assert_string_equal(err.message, "array 'a' is F32 [1, 2], expected F32 [2, 1]");
    assert_string_equal(err.place, path);
    err = (gr_error){0};
    assert_int_equal(gr_safetensors_get(file, b, "a", GR_DTYPE_I32, 2, (int64_t[]){1, 2}, &err), GR_ERR_FORMAT);
    err = (gr_error){0};
    assert_int_equal(gr_safetensors_get(file, b, "a", GR_DTYPE_F32, 1, (int64_t[]){2}, &err), GR_ERR_FORMAT);
    err = (gr_error){0};
    assert_int_equal(gr_safetensors_get(file, b, "w", GR_DTYPE_F32, 1, (int64_t[]){2}, &err), GR_ERR_FORMAT);
    assert_string_equal(err.message, "array 'w' is missing, expected F32 [2]");
    assert_true(b[0] == 5);
    gr_safetensors_close(file);
    gr_free(path);
    gr_test_folder_remove(folder);
}

static void many_arrays_come_back(void **state) {
    (void)state;
    enum { N = 60 };
    gr_error err = {0};
    gr_array arrays[N];
    char names[N][16];
    uint8_t bytes[N][96];
    gr_key key = {1, GR_STREAM_TEST, 2};
    for (int i = 0; i < N; i++) {
        uint64_t bits = gr_random_bits(key, (uint64_t)i, 0);
        snprintf(names[i], sizeof names[i], "x/%d\xc3\xa9\"\\", (i * 37) % N);
        arrays[i] = (gr_array){names[i], (gr_dtype)(bits % GR_DTYPE_COUNT), (int)(bits >> 8) & 3, {0}, bytes[i]};
        for (int d = 0; d < arrays[i].ndim; d++)
            arrays[i].dims[d] = (int64_t)(bits >> (16 + 8 * d)) % 3; /* empty ones too */
        for (size_t j = 0; j < sizeof bytes[i]; j++)
            bytes[i][j] = (uint8_t)gr_random_bits(key, (uint64_t)i, 1 + (uint32_t)j);
    }
    char *folder = gr_test_folder(), *path = gr_format("%s/t.safetensors", folder);
    assert_int_equal(gr_safetensors_write(path, arrays, N, NULL, 0, &err), GR_OK);
    gr_safetensors *file;
    assert_int_equal(gr_safetensors_open(&file, path, &err), GR_OK);
    size_t total, sum = 0;
    const unsigned char *data = gr_safetensors_data(file, &total);
    for (int i = 0; i < N; i++) {
        const gr_array *array = gr_safetensors_find(file, names[i]);
        size_t size = 0;
        gr_array_bytes(arrays + i, &size);
        assert_non_null(array);
        assert_int_equal(((const unsigned char *)array->data - data) % (ptrdiff_t)gr_dtype_size(array->dtype), 0);
        assert_memory_equal(array->data, bytes[i], size);
        sum += size;
    }
    assert_int_equal(sum, total);
    assert_int_equal((uintptr_t)data % 8, 0);
    gr_safetensors_close(file);

    /* Names that no file can hold. */
    static const char *const wrong[] = {"", "__metadata__", "\xff", "x/1\xc3\xa9\"\\"};
    for (int i = 0; i < 4; i++) {
        err = (gr_error){0};
        arrays[0].name = wrong[i];
        assert_int_equal(gr_safetensors_write(path, arrays, N, NULL, 0, &err), GR_ERR_USAGE);
    }
    gr_free(path);
    gr_test_folder_remove(folder);
}

static void refuses_hostile_headers(void **state) {
    (void)state;
#define ENTRY(dtype, shape, from, to) \
    "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" from "," to "]}"
    static const struct {
        const char *header;
        size_t data;
        const char *words; /* NULL: accepted */
    } cases[] = {
        {"{}", 0, NULL},
        {"{\"a\":" ENTRY("F32", "2", "0", "8") "}  \n ", 8, NULL},
        {"{\"a\":" ENTRY("F32", "0", "0", "0") ",\"b\":" ENTRY("U8", "1", "0", "1") "}", 1, NULL},
        {"", 8, "does not begin"},
        {" {}", 0, "does not begin"},
        {"[]", 0, "does not begin"},
        {"{", 0, "not valid JSON"},
        {"{}", 1, "belong to no array"},
        {"{\"a\":" ENTRY("F32", "2", "0", "8") "}", 7, "outside"},
        {"{\"a\":" ENTRY("F32", "2", "0", "8") "}", 9, "belong to no array"},
        {"{\"a\":" ENTRY("F32", "2", "4", "12") "}", 12, "gap"},
        {"{\"a\":" ENTRY("F32", "2", "0", "4") "}", 4, "F32 [2] but has 4 bytes"},
        {"{\"a\":" ENTRY("F32", "2", "8", "0") "}", 8, "outside"},
        {"{\"a\":" ENTRY("F32", "2", "-8", "0") "}", 8, "outside"},
        {"{\"a\":" ENTRY("F32", "2", "0", "8.0") "}", 8, "two data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, "two data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":8}}", 8, "two data_offsets"},
        {"{\"a\":" ENTRY("F32", "-2", "0", "8") "}", 8, "no count"},
        {"{\"a\":" ENTRY("F32", "2.0", "0", "8") "}", 8, "no count"},
        {"{\"a\":" ENTRY("F32", "1,1,1,1,2", "0", "8") "}", 8, "no shape"},
        {"{\"a\":" ENTRY("F32", "4611686018427387904,4", "0", "0") "}", 0, "but has 0 bytes"}, /* product wraps to 0 */
        {"{\"a\":" ENTRY("U8", "9223372036854775807,3", "0", "1") "}", 1, "but has 1 bytes"},
        {"{\"a\":" ENTRY("F32", "99999999999999999999", "0", "8") "}", 8, "not valid JSON"},
        {"{\"a\":" ENTRY("F99", "2", "0", "8") "}", 8, "not supported"},
        {"{\"a\":" ENTRY("F32", "1", "0", "4") ",\"a\":" ENTRY("F32", "1", "4", "8") "}", 8, "duplicate"},
        {"{\"a\":" ENTRY("F32", "1", "0", "4") ",\"b\":" ENTRY("F32", "1", "0", "4") "}", 4, "overlaps"},
        {"{\"a\":" ENTRY("U8", "3", "0", "3") ",\"b\":" ENTRY("U8", "3", "2", "5") "}", 5, "overlaps"},
        {"{\"a\":" ENTRY("U8", "3", "0", "3") ",\"b\":" ENTRY("U8", "2", "4", "6") "}", 6, "gap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "nothing else"},
        {"{\"a\":7}", 0, "needs dtype"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "not a text"},
        {"{\"__metadata__\":[]}", 0, "not a map"},
        {"{\"a\\u0000b\":" ENTRY("U8", "0", "0", "0") "}", 0, "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err = {0};
        gr_safetensors *file;
        size_t size;
        unsigned char *bytes = handmade(cases[i].header, cases[i].data, &size);
        gr_status status = gr_safetensors_parse(&file, bytes, size, "file", &err);
        if (!cases[i].words ? status != GR_OK : status != GR_ERR_FORMAT || !strstr(err.message, cases[i].words))
            fail_msg("%s: expected '%s', got %d '%s'", cases[i].header, cases[i].words, status, err.message);
        gr_safetensors_close(file);
        free(bytes);
    }
    /* Lengths that the file does not have. */
    static const uint64_t lengths[] = {3, 100000001, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char bytes[10] = "01234567{}";
        gr_safetensors *file;
        memcpy(bytes, lengths + i, 8);
        assert_int_equal(gr_safetensors_parse(&file, bytes, sizeof bytes, "file", NULL), GR_ERR_FORMAT);
    }
}

/* Reads every byte that the file offers. */
static unsigned touch(const gr_safetensors *file) {
    int n;
    unsigned sum = 0;
    const gr_array *arrays = gr_safetensors_arrays(file, &n);
    for (int i = 0; i < n; i++) {
        size_t size = 0;
        assert_true(gr_array_bytes(arrays + i, &size));
        for (size_t j = 0; j < size; j++)
            sum += ((const unsigned char *)arrays[i].data)[j];
        assert_ptr_equal(gr_safetensors_find(file, arrays[i].name), arrays + i);
    }
    return sum;
}

static void survives_damage(void **state) {
    (void)state;
    size_t size;
    unsigned char *whole =
        handmade("{\"__metadata__\":{\"k\":\"v\"},\"a\":" ENTRY("F32", "2,3", "0", "24") ",\"b\":" ENTRY(
                     "U8", "5", "24", "29") ",\"cc\":" ENTRY("I32", "", "29", "33") "}  ",
                 33, &size);
    unsigned sum = 0;
    gr_safetensors *file;
    for (size_t n = 0; n < size; n++) { /* every shorter file is refused */
        unsigned char *part = malloc(n ? n : 1);
        memcpy(part, whole, n);
        assert_int_equal(gr_safetensors_parse(&file, part, n, "file", NULL), GR_ERR_FORMAT);
        free(part);
    }
    gr_key key = {2, GR_STREAM_TEST, 3};
    int accepted = 0;
    for (uint32_t i = 0; i < 6000; i++) {
        unsigned char *copy = malloc(size);
        memcpy(copy, whole, size);
        for (uint32_t j = 0; j <= i % 3; j++) {
            uint64_t bits = gr_random_bits(key, i, j);
            copy[bits % size] =
                i % 2 ? (unsigned char)(bits >> 32) : (unsigned char)"0123456789-[]{},:\"e. "[(bits >> 32) % 21];
        }
        gr_error err = {0};
        if (gr_safetensors_parse(&file, copy, size, "file", &err) == GR_OK) {
            accepted++;
            sum += touch(file);
        }
        gr_safetensors_close(file);
        free(copy);
    }
    assert_true(accepted > 100 && accepted < 5000 && sum); /* data may change, structure may not */
    free(whole);
}

static void files_that_are_none(void **state) {
    (void)state;
    char *folder = gr_test_folder(), *path = gr_format("%s/t.safetensors", folder);
    gr_error err = {0};
    gr_safetensors *file;
    assert_int_equal(gr_safetensors_open(&file, path, &err), GR_ERR_INPUT);
    assert_null(file);
    assert_int_equal(gr_file_write(path, "", 0, NULL), GR_OK);
    assert_int_equal(gr_safetensors_open(&file, path, NULL), GR_ERR_FORMAT);
    assert_int_equal(gr_safetensors_open(&file, folder, NULL), GR_ERR_INPUT);
    assert_int_equal(gr_safetensors_open(&file, "/dev/zero", NULL), GR_ERR_INPUT);
    char *under = gr_format("%s/x", path); /* a folder that cannot be written to */
    err = (gr_error){0};
    assert_int_equal(gr_safetensors_write(under, NULL, 0, NULL, 0, &err), GR_ERR_IO);
    assert_string_equal(err.place, under);
    gr_free(under);
    gr_free(path);
    gr_test_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_golden_bytes),     cmocka_unit_test(many_arrays_come_back),
        cmocka_unit_test(refuses_hostile_headers), cmocka_unit_test(survives_damage),
        cmocka_unit_test(files_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* forge.h - damage that gets past digests: edits of a valid file, spelled by the fuzzer's bytes, to be signed again.
 *
 *     gr_forge in = {data, size};
 *     gr_forge_json(root, &in);                     up to 8 edits of a JSON tree
 *     int fd = gr_forge_file(path, bytes, length);  a file in memory and its name; close(fd) when done
 */
#ifndef GR_FUZZ_FORGE_H
#define GR_FUZZ_FORGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FORGE_PATH = 32, FORGE_PLACES = 4096, FORGE_EDITS = 8 };

static inline void check(bool good) {
    if (!good)
        abort();
}

typedef struct gr_forge {
    const uint8_t *data;
    size_t size; /* what is left; behind the end there are zeros */
} gr_forge;

static inline unsigned gr_forge_byte(gr_forge *in) {
    if (!in->size)
        return 0;
    in->size--;
    return *in->data++;
}

static inline uint64_t gr_forge_number(gr_forge *in, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | gr_forge_byte(in);
    return value;
}

/* A value's place in its object or array. */
typedef struct gr_place {
    json_t *in, *value;
    const char *key; /* NULL in an array */
    size_t index;
} gr_place;

static inline void gr_forge_gather(gr_place *places, size_t *n, json_t *in) {
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(in, key, value) {
        if (*n < FORGE_PLACES)
            places[(*n)++] = (gr_place){in, value, key, 0};
        gr_forge_gather(places, n, value);
    }
    json_array_foreach(in, i, value) {
        if (*n < FORGE_PLACES)
            places[(*n)++] = (gr_place){in, value, NULL, i};
        gr_forge_gather(places, n, value);
    }
}

static inline json_t *gr_forge_text(gr_forge *in) {
    char text[16];
    size_t n = gr_forge_byte(in) % sizeof text;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(gr_forge_byte(in) & 0x7f);
    return json_stringn_nocheck(text, n);
}

static inline json_t *gr_forge_value(gr_forge *in, const gr_place *places, size_t n) {
    switch (gr_forge_byte(in) % 8) {
    case 0:
    case 1:
        return json_integer((int8_t)gr_forge_byte(in));
    case 2:
        return json_integer((json_int_t)gr_forge_number(in, 8));
    case 3:
        return json_integer((json_int_t)gr_forge_number(in, 3));
    case 4:
        return gr_forge_text(in);
    case 5:
        return json_real((double)(int32_t)gr_forge_number(in, 4) / 65536);
    case 6:
        return json_null();
    default:
        return json_deep_copy(places[gr_forge_number(in, 2) % n].value);
    }
}

static inline void gr_forge_edit(const gr_place *at, json_t *value, unsigned how) {
    if (how == 0 && at->key)
        json_object_del(at->in, at->key);
    else if (how == 0)
        json_array_remove(at->in, at->index);
    else if (how == 1 && at->key)
        json_object_set_nocheck(at->in, json_is_string(value) ? json_string_value(value) : "more", value);
    else if (how == 1)
        json_array_insert(at->in, at->index, value);
    else if (at->key)
        json_object_set_nocheck(at->in, at->key, value);
    else
        json_array_set(at->in, at->index, value);
    json_decref(value);
}

static inline void gr_forge_json(json_t *root, gr_forge *in) {
    gr_place *places = malloc(FORGE_PLACES * sizeof *places);
    check(places != NULL);
    for (unsigned edits = gr_forge_byte(in) % FORGE_EDITS + 1; edits > 0; edits--) {
        size_t n = 0;
        gr_forge_gather(places, &n, root);
        if (!n)
            break;
        const gr_place *at = &places[gr_forge_number(in, 2) % n];
        unsigned how = gr_forge_byte(in) % 8;
        gr_forge_edit(at, gr_forge_value(in, places, n), how);
    }
    free(places);
}

static inline int gr_forge_file(char path[FORGE_PATH], const void *bytes, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    check(fd >= 0 && (!size || write(fd, bytes, size) == (ssize_t)size));
    snprintf(path, FORGE_PATH, "/proc/self/fd/%d", fd);
    return fd;
}

#endif

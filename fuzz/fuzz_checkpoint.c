/* A checkpoint from anywhere, signed or not: all of it is taken, or nothing with a reason. */
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "io/checkpoint.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"

enum { ROOM = 1 << 14 };

enum { W = 6, STEPS = 4 };

/* What a run registers: two arrays, on the heap so that a byte too much is seen, and three options. */
typedef struct owner {
    float *w;
    int64_t *steps;
    int64_t step;
    double rate;
    char *text;
    gr_checkpoint *cp;
} owner;

static void owner_new(owner *o) {
    *o = (owner){malloc(W * sizeof *o->w), malloc(STEPS * sizeof *o->steps), 11, 0.5, gr_strdup("text"), NULL};
    check(o->w && o->steps);
    for (int i = 0; i < W; i++)
        o->w[i] = (float)i;
    for (int i = 0; i < STEPS; i++)
        o->steps[i] = 7 + i;
    o->cp = gr_checkpoint_new();
    gr_checkpoint_add(o->cp, "w", GR_DTYPE_F32, 2, (int64_t[]){2, 3}, o->w);
    gr_checkpoint_add(o->cp, "steps", GR_DTYPE_I64, 1, (int64_t[]){STEPS}, o->steps);
    gr_checkpoint_option_int(o->cp, "step", &o->step);
    gr_checkpoint_option_real(o->cp, "rate", &o->rate);
    gr_checkpoint_option_text(o->cp, "text", &o->text);
}

static bool untouched(const owner *o) {
    bool same = o->step == 11 && o->rate == 0.5 && o->text && !strcmp(o->text, "text");
    for (int i = 0; i < W; i++)
        same = same && o->w[i] == (float)i;
    for (int i = 0; i < STEPS; i++)
        same = same && o->steps[i] == 7 + i;
    return same;
}

static void owner_free(owner *o) {
    gr_checkpoint_free(o->cp);
    gr_free(o->text);
    free(o->w);
    free(o->steps);
}

typedef struct file {
    json_t *header;
    unsigned char data[1024];
    size_t size; /* of data */
} file;

/* The file of an owner as it is saved. */
static const file *whole(void) {
    static file f;
    if (f.header)
        return &f;
    char folder[] = "/tmp/fuzz-checkpoint.XXXXXX";
    check(mkdtemp(folder) != NULL);
    char *path = gr_format("%s/whole.safetensors", folder);
    unsigned char *bytes;
    size_t size, length;
    owner o;
    owner_new(&o);
    check(gr_checkpoint_save(o.cp, path, NULL) == GR_OK);
    check(gr_file_read(path, &bytes, &size, NULL) == GR_OK);
    memcpy(&length, bytes, 8);
    f.size = size - 8 - length;
    check(f.size <= sizeof f.data && gr_json_parse(&f.header, (char *)bytes + 8, length, path, NULL) == GR_OK);
    memcpy(f.data, bytes + 8 + length, f.size);
    remove(path);
    rmdir(folder);
    owner_free(&o);
    gr_free(bytes);
    gr_free(path);
    return &f;
}

/* Bytes of what an entry of the header says; more than there is room for when it says nothing sensible. */
static size_t bytes_of(const json_t *entry) {
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    size_t i, bytes = !type ? 0 : strstr(type, "64") ? 8 : strstr(type, "32") ? 4 : strstr(type, "16") ? 2 : 1;
    json_t *dim;
    json_array_foreach(json_object_get(entry, "shape"), i, dim) {
        json_int_t n = json_integer_value(dim);
        bytes = n >= 0 && n < 1024 && bytes < 1024 ? bytes * (size_t)n : 2048;
    }
    return bytes;
}

/* Gives every array the place that its new shape needs, one after the other. */
static void lay_out(file *f) {
    const char *key;
    json_t *entry;
    size_t at = 0;
    json_object_foreach(f->header, key, entry) {
        size_t bytes = bytes_of(entry);
        if (strcmp(key, "__metadata__") && at + bytes <= sizeof f->data) {
            json_object_set_new(entry, "data_offsets", json_pack("[I, I]", (json_int_t)at, (json_int_t)(at + bytes)));
            at += bytes;
        }
    }
    f->size = at;
}

/* Length, header, data; 0 if they do not fit. */
static size_t spell(unsigned char out[ROOM], const file *f) {
    char *text = json_dumps(f->header, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    uint64_t length = (n + 7) / 8 * 8;
    size_t size = 8 + length + f->size;
    if (!text || size > ROOM)
        size = 0;
    if (size) {
        memcpy(out, &length, 8);
        memset(out + 8, ' ', length);
        memcpy(out + 8, text, n);
        memcpy(out + 8 + length, f->data, f->size);
    }
    free(text);
    return size;
}

/* The two digests of what the header says now, if it can be read at all. */
static void sign(const file *f, const unsigned char *bytes, size_t size) {
    gr_safetensors *st;
    json_t *meta = json_object_get(f->header, "__metadata__");
    const char *options = json_string_value(json_object_get(meta, "options"));
    if (!options || gr_safetensors_parse(&st, bytes, size, "fuzz", NULL) != GR_OK)
        return;
    int n;
    size_t all;
    char hex[GR_DIGEST_HEX];
    const gr_array *arrays = gr_safetensors_arrays(st, &n);
    const void *data = gr_safetensors_data(st, &all);
    gr_digest_data(hex, data, all);
    json_object_set_new(meta, "sha256", json_string(hex));
    int *order = gr_alloc(sizeof *order * ((size_t)n + 1));
    gr_safetensors_order(order, arrays, n);
    gr_digest *digest = gr_digest_new();
    for (int i = 0; i < n; i++) {
        char text[128];
        gr_array_text(arrays + order[i], text, sizeof text);
        gr_digest_add(digest, arrays[order[i]].name, strlen(arrays[order[i]].name) + 1);
        gr_digest_add(digest, text, strlen(text) + 1);
    }
    gr_digest_add(digest, options, strlen(options));
    gr_digest_end(digest, hex);
    json_object_set_new(meta, "sha256_header", json_string(hex));
    gr_free(order);
    gr_safetensors_close(st);
}

static void forge_options(json_t *header, gr_forge *in) {
    json_t *meta = json_object_get(header, "__metadata__");
    const char *text = json_string_value(json_object_get(meta, "options"));
    json_t *options = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    if (!options)
        return;
    gr_forge_json(options, in);
    char *changed = json_dumps(options, JSON_COMPACT);
    if (changed)
        json_object_set_new(meta, "options", json_string(changed));
    free(changed);
    json_decref(options);
}

static size_t forged(unsigned char out[ROOM], gr_forge *in, unsigned how) {
    file f = *whole();
    f.header = json_deep_copy(f.header);
    f.size = (size_t)((int64_t)f.size + (int8_t)gr_forge_byte(in) / 4);
    if (how & 1)
        forge_options(f.header, in);
    if (how & 2)
        gr_forge_json(f.header, in);
    if (how & 8)
        lay_out(&f);
    size_t size = spell(out, &f);
    if (how & 4) {
        sign(&f, out, size);
        size = spell(out, &f);
    }
    json_decref(f.header);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static unsigned char bytes[ROOM];
    gr_forge in = {data, size};
    unsigned how = gr_forge_byte(&in) % 16;
    if (how)
        size = forged(bytes, &in, how);
    else
        memcpy(bytes, in.data, size = in.size < ROOM ? in.size : ROOM);
    char path[FORGE_PATH];
    int fd = gr_forge_file(path, bytes, size);
    gr_error err = {0};
    owner o;
    owner_new(&o);
    if (gr_checkpoint_load(o.cp, path, &err) != GR_OK)
        check(err.status == GR_ERR_FORMAT && err.message[0] && untouched(&o));
    else
        check(gr_checkpoint_verify(path, NULL) == GR_OK && (!o.text || strlen(o.text) < ROOM));
    owner_free(&o);
    close(fd);
    return 0;
}

/* llama2c.c - checkpoints of llama2.c, version 0: a header of seven sizes, then all numbers in float32. The file has no
 * mark of its own; that it is exactly as long as its sizes say is what tells it from others. */
#include "format/llama2c.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_DIM = 1 << 16, MOST_HIDDEN = 1 << 20, MOST_LAYERS = 1024, MOST_TOKENS = 1 << 24, NEW_MAGIC = 0x616b3432 };

/* Little-endian, as the file. */
static uint32_t word(const unsigned char *b) {
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* A float of four bytes, little-endian. */
static float number(const unsigned char *b) {
    uint32_t bits = word(b);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Seven numbers; a vocabulary below 0 says that the output matrix is one of its own. */
static void read_header(gr_llama2c *f, const unsigned char *bytes) {
    int *to[] = {&f->dim, &f->hidden, &f->layers, &f->heads, &f->kv_heads, &f->vocab, &f->positions};
    for (int i = 0; i < 7; i++)
        *to[i] = (int)(int32_t)word(bytes + 4 * i);
    f->tied = f->vocab > 0;
    if (f->vocab < 0 && f->vocab >= -MOST_TOKENS)
        f->vocab = -f->vocab;
}

/* The first size that cannot be, with what it should be; NULL if all can. */
static const char *wrong_size(const gr_llama2c *f, int *value) {
    /* Each size by itself, with the most that is believed: later sums stay in range. */
    const struct {
        int value, most;
        const char *what;
    } sizes[] = {{f->dim, MOST_DIM, "dim, expected 1 to 65536"},
                 {f->hidden, MOST_HIDDEN, "hidden_dim, expected 1 to 1048576"},
                 {f->layers, MOST_LAYERS, "n_layers, expected 1 to 1024"},
                 {f->heads, f->dim, "n_heads, expected 1 to dim"},
                 {f->kv_heads, f->heads, "n_kv_heads, expected 1 to n_heads"},
                 {f->vocab, MOST_TOKENS, "vocab_size, expected 1 to 16777216, or that below 0"},
                 {f->positions, MOST_TOKENS, "seq_len, expected 1 to 16777216"}};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        *value = sizes[i].value;
        if (sizes[i].value < 1 || sizes[i].value > sizes[i].most)
            return sizes[i].what;
    }

    /* Then those that must divide each other. */
    *value = f->heads;
    if (f->dim % f->heads || f->dim / f->heads % 2)
        return "n_heads, which must cut dim into heads of an even size";
    *value = f->kv_heads;
    return f->heads % f->kv_heads ? "n_kv_heads, which must divide n_heads" : NULL;
}

/* Where every part begins; returns the size of the file. No sum overflows: each part has at most 2^51 numbers. */
static uint64_t lay_out(gr_llama2c *f) {
    /* Numbers of a layer of each part, in the order of the file. */
    const uint64_t d = (uint64_t)f->dim, m = (uint64_t)f->hidden, v = (uint64_t)f->vocab, l = (uint64_t)f->layers;
    const uint64_t kv = d / (uint64_t)f->heads * (uint64_t)f->kv_heads,
                   turns = (uint64_t)f->positions * (d / (uint64_t)f->heads);
    const uint64_t numbers[GR_LLAMA2C_PARTS] = {
        v * d, d, d * d, kv * d, kv * d, d * d, d, m * d, m * d, m * d, d, turns, f->tied ? 0 : v * d};

    /* Parts with layers hold them one behind the other. */
    uint64_t at = GR_LLAMA2C_HEADER;
    for (int i = 0; i < GR_LLAMA2C_PARTS; i++) {
        bool layered = i >= GR_LLAMA2C_RMS_ATT && i <= GR_LLAMA2C_W3;
        f->at[i] = (size_t)at;
        f->layer_numbers[i] = (size_t)numbers[i];
        at += 4 * numbers[i] * (layered ? l : 1);
    }
    return at;
}

bool gr_llama2c_fits(const unsigned char header[GR_LLAMA2C_HEADER], uint64_t size) {
    gr_llama2c f;
    int value;
    read_header(&f, header);
    return !wrong_size(&f, &value) && lay_out(&f) == size;
}

/* No parameter may be infinite or no number; the tables of rotation, which nobody reads, may. */
static gr_status check_numbers(const gr_llama2c *f, size_t size, const char *place, gr_error *err) {
    for (size_t at = GR_LLAMA2C_HEADER; at < size; at += 4) {
        bool of_use = at < f->at[GR_LLAMA2C_TURNS] || at >= f->at[GR_LLAMA2C_WCLS];
        if (of_use && !isfinite(number(f->bytes + at))) {
            char where[256];
            snprintf(where, sizeof where, "%.200s: byte %zu", place, at);
            return gr_error_set(err, GR_ERR_FORMAT, where, "the file is damaged, or its training diverged",
                                "a parameter is not finite");
        }
    }
    return GR_OK;
}

gr_status gr_llama2c_parse(gr_llama2c *file, const void *bytes, size_t size, const char *place, gr_error *err) {
    int value;
    *file = (gr_llama2c){.bytes = bytes};

    /* Too short for a header, or a later version, which says so where version 0 has its first size. */
    if (size < GR_LLAMA2C_HEADER)
        return gr_error_set(err, GR_ERR_FORMAT, place, "the file is cut off", "%zu bytes are no header", size);
    if (word(bytes) == NEW_MAGIC)
        return gr_error_set(err, GR_ERR_FORMAT, place, "export it with --version 0",
                            "a checkpoint of version %u, only the first is read", word(file->bytes + 4));

    /* The sizes must be possible, and the file exactly as long as they say. */
    read_header(file, bytes);
    const char *wrong = wrong_size(file, &value);
    if (wrong)
        return gr_error_set(err, GR_ERR_FORMAT, place, "the file is damaged or no checkpoint of llama2.c",
                            "the header has %d for %s", value, wrong);
    uint64_t need = lay_out(file);
    if (need != size)
        return gr_error_set(err, GR_ERR_FORMAT, place, "the file is cut off or damaged",
                            "the header describes %llu bytes, the file has %zu", (unsigned long long)need, size);
    return check_numbers(file, size, place, err);
}

void gr_llama2c_copy(const gr_llama2c *file, gr_real *to, gr_llama2c_part part, int layer, size_t first, size_t n) {
    const size_t numbers = file->layer_numbers[part];
    assert(first <= numbers && n <= numbers - first);
    const unsigned char *from = file->bytes + file->at[part] + 4 * ((size_t)layer * numbers + first);
    for (size_t i = 0; i < n; i++)
        to[i] = (gr_real)number(from + 4 * i);
}

/* A checkpoint of llama2.c from anywhere, or a valid one that was edited: it is refused with a reason, or every number
 * of every part can be read and is finite. */
#include "format/llama2c.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "forge.h"

/* All parts, through a buffer of a few numbers. */
static void read_all(const gr_llama2c *f) {
    for (int part = 0; part < GR_LLAMA2C_PARTS; part++) {
        bool layered = part >= GR_LLAMA2C_RMS_ATT && part <= GR_LLAMA2C_W3;
        for (int layer = 0; layer < (layered ? f->layers : 1); layer++)
            for (size_t at = 0, n; at < f->layer_numbers[part]; at += n) {
                gr_real numbers[16];
                n = f->layer_numbers[part] - at < 16 ? f->layer_numbers[part] - at : 16;
                gr_llama2c_copy(f, numbers, (gr_llama2c_part)part, layer, at, n);
                for (size_t i = 0; i < n && part != GR_LLAMA2C_TURNS; i++)
                    check(isfinite(numbers[i]));
            }
    }
}

static void parse(const unsigned char *bytes, size_t size) {
    unsigned char *copy = gr_alloc_try(size ? size : 1);
    gr_llama2c f;
    gr_error err = {0};
    if (size)
        memcpy(copy, bytes, size);
    if (gr_llama2c_parse(&f, copy, size, "fuzz", &err) == GR_OK) {
        check(gr_llama2c_fits(copy, size));
        read_all(&f);
    } else {
        check(err.status == GR_ERR_FORMAT && err.place[0] && err.message[0] && err.hint[0]);
    }
    gr_free(copy);
}

/* dim 4, hidden 6, 2 layers, 2 heads that share one of keys, 5 tokens, 3 positions. */
static void parse_edited(gr_forge *in) {
    static const int32_t header[7] = {4, 6, 2, 2, 1, 5, 3};
    enum { NUMBERS = 20 + 2 * (4 + 16 + 8 + 8 + 16 + 4 + 24 + 24 + 24) + 4 + 6, SIZE = 28 + 4 * NUMBERS };
    unsigned char bytes[SIZE + 256] = {0};
    memcpy(bytes, header, sizeof header);
    for (unsigned edits = gr_forge_byte(in) % FORGE_EDITS; edits > 0; edits--) {
        size_t at = gr_forge_byte(in) % 2 ? gr_forge_number(in, 2) % SIZE : gr_forge_byte(in) % 28;
        bytes[at] = (unsigned char)gr_forge_byte(in);
    }
    parse(bytes, gr_forge_byte(in) % 4 ? SIZE : SIZE - 128 + gr_forge_byte(in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_forge in = {data, size};
    if (gr_forge_byte(&in) % 2)
        parse(in.data, in.size);
    else
        parse_edited(&in);
    return 0;
}

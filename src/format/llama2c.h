/* llama2c.h - checkpoints of llama2.c (github.com/karpathy/llama2.c, export.py, its first version): seven i32, then
 * float32 matrices one after the other, all of one kind for all layers together. Each matrix has a row for each output.
 *
 *     gr_llama2c file;
 *     GR_TRY(gr_llama2c_parse(&file, bytes, size, "stories260K.bin", err));
 *     gr_llama2c_copy(&file, row, GR_LLAMA2C_WQ, layer, first, n);
 *
 * dim D, hidden M, layers L, heads H of size S = D / H, kv heads K, vocabulary V, positions T:
 *     embed [V x D]  rms_att [L x D]  wq [L x D x D]  wk, wv [L x K*S x D]  wo [L x D x D]  rms_ffn [L x D]
 *     w1 [L x M x D]  w2 [L x D x M]  w3 [L x M x D]  rms_final [D]  2 x [T x S/2] of no use  wcls [V x D]
 * The last is there only where the header's V is negative; else the embedding is the output matrix.
 */
#ifndef GR_FORMAT_LLAMA2C_H
#define GR_FORMAT_LLAMA2C_H

#include "gradroute/base.h"

typedef enum gr_llama2c_part {
    GR_LLAMA2C_EMBED,
    GR_LLAMA2C_RMS_ATT,
    GR_LLAMA2C_WQ,
    GR_LLAMA2C_WK,
    GR_LLAMA2C_WV,
    GR_LLAMA2C_WO,
    GR_LLAMA2C_RMS_FFN,
    GR_LLAMA2C_W1,
    GR_LLAMA2C_W2,
    GR_LLAMA2C_W3,
    GR_LLAMA2C_RMS_FINAL,
    GR_LLAMA2C_TURNS,
    GR_LLAMA2C_WCLS,
    GR_LLAMA2C_PARTS
} gr_llama2c_part;

typedef struct gr_llama2c {
    int dim, hidden, layers, heads, kv_heads, vocab, positions;
    bool tied;
    const unsigned char *bytes;             /* borrowed */
    size_t at[GR_LLAMA2C_PARTS];            /* byte where a part begins */
    size_t layer_numbers[GR_LLAMA2C_PARTS]; /* numbers of one layer, or of the part where it has none */
} gr_llama2c;

enum { GR_LLAMA2C_HEADER = 28 };

/* Whether these can be the first bytes of such a file of `size` bytes: the header describes exactly that many. */
bool gr_llama2c_fits(const unsigned char header[GR_LLAMA2C_HEADER], uint64_t size);

/* GR_ERR_FORMAT with the byte for sizes that make no network, files of another length, numbers that are not finite. */
gr_status gr_llama2c_parse(gr_llama2c *file, const void *bytes, size_t size, const char *place, gr_error *err);

/* n numbers of a part from `first` on, within `layer` (0 for parts without layers). */
void gr_llama2c_copy(const gr_llama2c *file, gr_real *to, gr_llama2c_part part, int layer, size_t first, size_t n);

#endif

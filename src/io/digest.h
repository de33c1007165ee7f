/* digest.h - SHA-256, through libcrypto.
 *
 *     char hex[GR_DIGEST_HEX];
 *     gr_digest_data(hex, "abc", 3);                            "ba7816bf...", 64 lower-case digits and a 0
 *     GR_TRY(gr_digest_file(hex, "model.safetensors", err));
 *
 * Piece by piece: gr_digest *d = gr_digest_new(); gr_digest_add(d, ...)*; gr_digest_end(d, hex), which frees d. */
#ifndef GR_IO_DIGEST_H
#define GR_IO_DIGEST_H

#include "gradroute/base.h"

enum { GR_DIGEST_BYTES = 32, GR_DIGEST_HEX = 65 };

void gr_digest_data(char hex[GR_DIGEST_HEX], const void *data, size_t size);
gr_status gr_digest_file(char hex[GR_DIGEST_HEX], const char *path, gr_error *err);

typedef struct gr_digest gr_digest;
gr_digest *gr_digest_new(void);
void gr_digest_add(gr_digest *digest, const void *data, size_t size);
void gr_digest_end(gr_digest *digest, char hex[GR_DIGEST_HEX]);

/* Of a block without its bytes [hole, hole + 32), where the digest itself stands; a hole at or behind the end leaves
 * nothing out. */
void gr_digest_around(unsigned char out[GR_DIGEST_BYTES], const void *block, size_t size, size_t hole);

/* 64 hexadecimal digits and a 0; and back: false when text is anything else. */
void gr_digest_hex(char text[GR_DIGEST_HEX], const unsigned char digest[GR_DIGEST_BYTES]);
bool gr_digest_unhex(unsigned char digest[GR_DIGEST_BYTES], const char *text);

#endif

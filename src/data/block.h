/* block.h - files that are one block of memory: mapped as they are, written beside their name and renamed. */
#ifndef GR_DATA_BLOCK_H
#define GR_DATA_BLOCK_H

#include "gradroute/base.h"

enum { GR__SHA256 = 32 };

/* SHA-256 of a block without its bytes [hole, hole + 32), where the digest itself stands; a hole at or behind the end
 * leaves nothing out. false when libcrypto has no SHA-256. */
bool gr__block_digest(unsigned char out[GR__SHA256], const void *block, size_t size, size_t hole);

/* 64 hexadecimal digits and a 0; and back: false when text is anything else. */
void gr__block_hex(char text[2 * GR__SHA256 + 1], const unsigned char digest[GR__SHA256]);
bool gr__block_unhex(unsigned char digest[GR__SHA256], const char *text);

/* PATH.tmp, flushed, renamed, the folder flushed. */
gr_status gr__block_write(const char *path, const void *block, size_t size, gr_error *err);

/* Maps a regular file for reading; release with munmap. An empty file is GR_ERR_FORMAT, with `remedy` as hint. */
gr_status gr__block_map(void **block, size_t *size, const char *path, const char *remedy, gr_error *err);

#endif

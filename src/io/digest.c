/* SHA-256 by libcrypto, which may fail for want of memory alone: then the process ends, as for any small allocation. */
#include "io/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

struct gr_digest {
    EVP_MD_CTX *context;
};

/* libcrypto refuses a call of these for want of memory alone. */
static void must(bool done) {
    if (!done)
        gr__refused(0);
}

gr_digest *gr_digest_new(void) {
    gr_digest *digest = gr_alloc(sizeof *digest);
    digest->context = EVP_MD_CTX_new();
    must(digest->context && EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL));
    return digest;
}

void gr_digest_add(gr_digest *digest, const void *data, size_t size) {
    if (size)
        must(EVP_DigestUpdate(digest->context, data, size));
}

/* The 32 bytes; frees the digest. */
static void end_bytes(gr_digest *digest, unsigned char out[GR_DIGEST_BYTES]) {
    unsigned char bytes[EVP_MAX_MD_SIZE] = {0};
    unsigned length = 0;
    must(EVP_DigestFinal_ex(digest->context, bytes, &length) && length == GR_DIGEST_BYTES);
    memcpy(out, bytes, GR_DIGEST_BYTES);
    EVP_MD_CTX_free(digest->context);
    gr_free(digest);
}

void gr_digest_end(gr_digest *digest, char hex[GR_DIGEST_HEX]) {
    unsigned char bytes[GR_DIGEST_BYTES];
    end_bytes(digest, bytes);
    gr_digest_hex(hex, bytes);
}

void gr_digest_around(unsigned char out[GR_DIGEST_BYTES], const void *block, size_t size, size_t hole) {
    /* The bytes in front of the hole and those behind it. */
    size_t before = hole < size ? hole : size,
           after = hole < size && size - hole > GR_DIGEST_BYTES ? hole + GR_DIGEST_BYTES : size;
    gr_digest *digest = gr_digest_new();
    gr_digest_add(digest, block, before);
    gr_digest_add(digest, (const char *)block + after, size - after);
    end_bytes(digest, out);
}

void gr_digest_hex(char text[GR_DIGEST_HEX], const unsigned char digest[GR_DIGEST_BYTES]) {
    for (int i = 0; i < GR_DIGEST_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

bool gr_digest_unhex(unsigned char digest[GR_DIGEST_BYTES], const char *text) {
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * GR_DIGEST_BYTES || strspn(text, digits) != 2 * GR_DIGEST_BYTES)
        return false;
    for (int i = 0; i < GR_DIGEST_BYTES; i++)
        digest[i] =
            (unsigned char)((strchr(digits, text[2 * i]) - digits) << 4 | (strchr(digits, text[2 * i + 1]) - digits));
    return true;
}

void gr_digest_data(char hex[GR_DIGEST_HEX], const void *data, size_t size) {
    gr_digest *digest = gr_digest_new();
    gr_digest_add(digest, data, size);
    gr_digest_end(digest, hex);
}

gr_status gr_digest_file(char hex[GR_DIGEST_HEX], const char *path, gr_error *err) {
    enum { BLOCK = 1 << 18 };
    hex[0] = 0;

    int fd, code = 0;
    size_t size;
    GR_TRY(gr__input_open(&fd, &size, path, err));

    /* Block by block; a signal may interrupt a read. */
    gr_digest *digest = gr_digest_new();
    void *block = gr_alloc(BLOCK);
    for (;;) {
        ssize_t n = read(fd, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = errno;
        if (n <= 0)
            break;
        gr_digest_add(digest, block, (size_t)n);
    }

    /* The digest is ended, which frees it, whether all was read or not. */
    gr_free(block);
    close(fd);
    gr_digest_end(digest, hex);
    return code ? gr__file_error(err, path, "read", code) : GR_OK;
}

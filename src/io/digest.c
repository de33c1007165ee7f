#include "io/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

struct gr_digest {
    EVP_MD_CTX *context;
    bool broken; /* libcrypto refused a call: the digest then matches nothing */
};

gr_digest *gr_digest_new(void) {
    gr_digest *digest = gr_alloc(sizeof *digest);
    digest->context = EVP_MD_CTX_new();
    digest->broken = !digest->context || !EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL);
    return digest;
}

void gr_digest_add(gr_digest *digest, const void *data, size_t size) {
    if (size && !digest->broken)
        digest->broken = !EVP_DigestUpdate(digest->context, data, size);
}

void gr_digest_end(gr_digest *digest, char hex[GR_DIGEST_HEX]) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!digest->broken)
        digest->broken = !EVP_DigestFinal_ex(digest->context, bytes, &length) || length != 32;
    for (unsigned i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, digest->broken ? "--" : "%02x", bytes[i]);
    EVP_MD_CTX_free(digest->context);
    gr_free(digest);
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
    gr_free(block);
    close(fd);
    gr_digest_end(digest, hex);
    return code ? gr__file_error(err, path, "read", code) : GR_OK;
}

#include "data/block.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

bool gr__block_digest(unsigned char out[GR__SHA256], const void *block, size_t size, size_t hole) {
    size_t before = hole < size ? hole : size,
           after = hole < size && size - hole > GR__SHA256 ? hole + GR__SHA256 : size;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) && EVP_DigestUpdate(context, block, before) &&
                EVP_DigestUpdate(context, (const char *)block + after, size - after) &&
                EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return done;
}

void gr__block_hex(char text[2 * GR__SHA256 + 1], const unsigned char digest[GR__SHA256]) {
    for (int i = 0; i < GR__SHA256; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

bool gr__block_unhex(unsigned char digest[GR__SHA256], const char *text) {
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * GR__SHA256 || strspn(text, digits) != 2 * GR__SHA256)
        return false;
    for (int i = 0; i < GR__SHA256; i++)
        digest[i] =
            (unsigned char)((strchr(digits, text[2 * i]) - digits) << 4 | (strchr(digits, text[2 * i + 1]) - digits));
    return true;
}

static bool write_all(int fd, const char *bytes, size_t size) {
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

/* The folder holds the name: without this a power cut may undo the rename. Some file systems refuse, which is no loss.
 */
static void sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? gr_format("%.*s", (int)(slash - path + 1), path) : gr_strdup(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    gr_free(folder);
}

gr_status gr__block_write(const char *path, const void *block, size_t size, gr_error *err) {
    char *beside = gr_format("%s.tmp", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool done = fd >= 0 && write_all(fd, block, size) && !fsync(fd);
    int saved = errno;
    if (fd >= 0 && close(fd) && done) {
        saved = errno;
        done = false;
    }
    if (done && rename(beside, path)) {
        saved = errno;
        done = false;
    }
    if (done)
        sync_folder(path);
    else if (fd >= 0)
        unlink(beside);
    gr_free(beside);
    if (!done)
        return gr_error_set(err, GR_ERR_IO, path, "is the folder there, writable, and the disk not full?",
                            "cannot write: %s", strerror(saved));
    return GR_OK;
}

static gr_status map(void **block, size_t *size, int fd, const char *path, const char *remedy, gr_error *err) {
    struct stat info;
    if (fstat(fd, &info) || !S_ISREG(info.st_mode))
        return gr_error_set(err, GR_ERR_INPUT, path, "name a file", "not a regular file");
    if (!info.st_size)
        return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "the file is empty");
    void *found = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (found == MAP_FAILED)
        return gr_error_set(err, GR_ERR_IO, path, NULL, "cannot map: %s", strerror(errno));
    *block = found;
    *size = (size_t)info.st_size;
    return GR_OK;
}

gr_status gr__block_map(void **block, size_t *size, const char *path, const char *remedy, gr_error *err) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return gr_error_set(err, GR_ERR_INPUT, path, "make it first", "cannot open: %s", strerror(errno));
    gr_status status = map(block, size, fd, path, remedy, err);
    close(fd);
    return status;
}

/* Files as a whole. What is written goes to a file of another name beside the final one, is flushed, renamed, and the
 * folder is flushed: whoever looks finds the old file or the new one (gr_file_out_*). */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* What to do about an errno; NULL: its text says all. */
static const char *hint_of(int code) {
    switch (code) {
    case ENOENT:
        return "check the spelling of the path; relative paths start at the current folder";
    case EACCES:
    case EPERM:
    case EROFS:
        return "choose a folder that you may write to, or change its permissions";
    case ENOSPC:
    case EDQUOT:
        return "free some space on this disk or choose another one; the previous file is untouched";
    case EFBIG:
        return "the file is larger than this disk or a limit (ulimit -f) allows; the previous file is untouched";
    case ENOTDIR:
        return "a part of this path is a file, not a folder";
    case EISDIR:
        return "this path is a folder, and a file is needed";
    case EEXIST:
        return "a file of this name is in the way";
    case EMFILE:
    case ENFILE:
        return "too many files are open (ulimit -n)";
    default:
        return NULL;
    }
}

gr_status gr__file_error(gr_error *err, const char *path, const char *doing, int code) {
    return gr_error_set(err, code == ENOMEM ? GR_ERR_MEMORY : GR_ERR_IO, path, hint_of(code), "cannot %s: %s", doing,
                        strerror(code));
}

gr_status gr__input_error(gr_error *err, const char *path, int code) {
    if (code == ENOMEM)
        return gr_error_set(err, GR_ERR_MEMORY, path, NULL, "no memory to open it");
    const char *hint = code == EACCES || code == EPERM ? "you may not read it: check its permissions" : hint_of(code);
    return gr_error_set(err, GR_ERR_INPUT, path, hint, "cannot open: %s", strerror(code));
}

gr_status gr__input_open(int *fd, size_t *size, const char *path, gr_error *err) {
    /* A named pipe must not make us wait: O_NONBLOCK. */
    struct stat info;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return gr__input_error(err, path, errno);

    /* Pipes, devices and folders are no files to read. */
    gr_status status = GR_OK;
    if (fstat(*fd, &info))
        status = gr__file_error(err, path, "read", errno);
    else if (S_ISDIR(info.st_mode))
        status = gr__input_error(err, path, EISDIR);
    else if (!S_ISREG(info.st_mode))
        status = gr_error_set(err, GR_ERR_INPUT, path, "save the stream into a file first", "not a regular file");

    if (status == GR_OK)
        *size = (size_t)info.st_size;
    else
        close(*fd);
    return status;
}

/* The bytes of an open file of this size into a new block, a 0 behind them. */
static gr_status read_whole(const char *path, int fd, size_t room, unsigned char **data, size_t *size, gr_error *err) {
    size_t got = 0;
    unsigned char *block = gr_alloc_try(room + 1);
    if (!block)
        return gr_error_set(err, GR_ERR_MEMORY, path, NULL, "no memory for a file of %zu bytes", room);

    /* The system may give less than was asked for. */
    while (got < room) {
        ssize_t n = read(fd, block + got, room - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int code = errno;
            gr_free(block);
            return gr__file_error(err, path, "read", code);
        }
        if (n == 0) /* it shrank meanwhile */
            break;
        got += (size_t)n;
    }

    block[got] = 0;
    *data = block;
    *size = got;
    return GR_OK;
}

gr_status gr_file_read(const char *path, unsigned char **data, size_t *size, gr_error *err) {
    *data = NULL;
    *size = 0;
    int fd;
    size_t room;
    GR_TRY(gr__input_open(&fd, &room, path, err));
    gr_status status = read_whole(path, fd, room, data, size, err);
    close(fd);
    return status;
}

/* Maps an open file. */
static gr_status map_open(void **block, size_t size, int fd, const char *path, const char *remedy, gr_error *err) {
    if (!size)
        return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "the file is empty");
    *block = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (*block != MAP_FAILED)
        return GR_OK;
    *block = NULL;
    return gr__file_error(err, path, "map", errno);
}

gr_status gr_file_map(void **block, size_t *size, const char *path, const char *remedy, gr_error *err) {
    int fd;
    *block = NULL;
    GR_TRY(gr__input_open(&fd, size, path, err));
    gr_status status = map_open(block, *size, fd, path, remedy, err);
    close(fd);
    return status;
}

bool gr_file_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

bool gr_file_same(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* One folder, whose parent exists. Another process may make it at the same time. */
static gr_status folder_one(const char *path, gr_error *err) {
    if (mkdir(path, 0777) == 0)
        return GR_OK;
    int code = errno;
    struct stat info;
    if (stat(path, &info) == 0)
        return S_ISDIR(info.st_mode) ? GR_OK : gr__file_error(err, path, "make the folder", EEXIST);
    return gr__file_error(err, path, "make the folder", code);
}

gr_status gr_directory_make(const char *path, gr_error *err) {
    /* The path is cut off at each slash in turn. */
    char *part = gr_strdup(path);
    gr_status status = GR_OK;
    for (char *at = part; *at && status == GR_OK; at++)
        if (*at == '/' && at > part && at[-1] != '/') {
            *at = 0;
            status = folder_one(part, err);
            *at = '/';
        }
    if (status == GR_OK)
        status = folder_one(part, err);
    gr_free(part);
    return status;
}

char *gr__folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return !slash ? gr_strdup(".") : gr_format("%.*s", slash == path ? 1 : (int)(slash - path), path);
}

gr_status gr__parent_make(const char *path, gr_error *err) {
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return GR_OK;
    char *parent = gr_format("%.*s", (int)(slash - path), path);
    gr_status status = gr_directory_make(parent, err);
    gr_free(parent);
    return status;
}

gr_status gr__file_replaceable(const char *path, gr_error *err) {
    struct stat info;
    if (stat(path, &info)) {
        bool link = errno == ENOENT && lstat(path, &info) == 0;
        return link ? gr_error_set(err, GR_ERR_USAGE, path, "make what it points to, or choose another name",
                                   "a symbolic link that points to nothing")
                    : GR_OK;
    }
    if (S_ISDIR(info.st_mode))
        return gr__file_error(err, path, "write", EISDIR);
    return S_ISREG(info.st_mode)
               ? GR_OK
               : gr_error_set(err, GR_ERR_USAGE, path, "name a file", "not a regular file: it would be lost");
}

/* ---- writing ---- */

struct gr_file_out {
    FILE *stream;
    char *path, *target, *tmp; /* as given, with links followed, beside that */
};

gr_status gr_file_out_open(gr_file_out **out, const char *path, gr_error *err) {
    *out = NULL;

    /* What cannot be replaced is refused before the work, not at its end. A link stays one: its target is replaced. */
    GR_TRY(gr__file_replaceable(path, err));
    char *real = realpath(path, NULL), *target = gr_strdup(real ? real : path);
    free(real);

    /* What a call that was killed has left for the same output goes first. */
    gr__leftovers_remove(target);

    /* The name is new, so that two writers do not meet. */
    char *tmp;
    int fd = gr__temporary_open(&tmp, target);
    FILE *stream = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!stream) {
        int code = errno;
        if (fd >= 0) {
            unlink(tmp);
            close(fd);
        }
        gr_free(tmp);
        gr_free(target);
        return gr__file_error(err, path, "write", code);
    }

    *out = gr_alloc(sizeof **out);
    **out = (gr_file_out){.stream = stream, .path = gr_strdup(path), .target = target, .tmp = tmp};
    return GR_OK;
}

gr_status gr_file_out_write(gr_file_out *out, const void *data, size_t size, gr_error *err) {
    if (size && fwrite(data, 1, size, out->stream) != size)
        return gr__file_error(err, out->path, "write", errno);
    return GR_OK;
}

/* The names and the handle itself; what becomes of the file was decided before. */
static void out_free(gr_file_out *out) {
    gr_free(out->path);
    gr_free(out->target);
    gr_free(out->tmp);
    gr_free(out);
}

gr_status gr__flush_folder(const char *path, gr_error *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 || fsync(fd) ? errno : 0;
    if (fd >= 0)
        close(fd);
    bool cannot = code == EINVAL || code == EACCES; /* some file systems flush no folders; it may not be readable */
    return code && !cannot ? gr__file_error(err, path, "flush the folder", code) : GR_OK;
}

gr_status gr__flush_parent(const char *path, gr_error *err) {
    char *folder = gr__folder_of(path);
    gr_status status = gr__flush_folder(folder, err);
    gr_free(folder);
    return status;
}

gr_status gr_file_out_commit(gr_file_out *out, gr_error *err) {
    int code = 0;

    /* Each step after the one before: a rename must not come before the bytes are on the disk. */
    if (fflush(out->stream) || fsync(fileno(out->stream)))
        code = errno;
    if (!code && rename(out->tmp, out->target))
        code = errno;
    if (code)
        unlink(out->tmp);

    /* Last, for with it the lock goes that keeps others from taking the file for a leftover. */
    fclose(out->stream);
    gr_status status = code ? gr__file_error(err, out->path, "write", code) : gr__flush_parent(out->target, err);
    out_free(out);
    return status;
}

void gr_file_out_abort(gr_file_out *out) {
    if (!out)
        return;
    unlink(out->tmp);
    fclose(out->stream);
    out_free(out);
}

gr_status gr_file_write(const char *path, const void *data, size_t size, gr_error *err) {
    gr_file_out *out;
    GR_TRY(gr_file_out_open(&out, path, err));
    gr_status status = gr_file_out_write(out, data, size, err);
    if (status != GR_OK) {
        gr_file_out_abort(out);
        return status;
    }
    return gr_file_out_commit(out, err);
}

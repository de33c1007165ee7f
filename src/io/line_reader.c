/* Files read in order, in bounded memory.
 *
 * Bytes go through two buffers: raw holds what was read of the file, text what was unpacked (or copied) and not handed
 * out yet. A part lies in text as a whole, so that the caller gets one pointer. */
#include "io/line_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/sort.h"

enum {
    RAW = 1 << 16, /* bytes read of the file at a time */
    STEP = 1 << 18 /* bytes unpacked at a time */
};

struct gr__line_reader {
    int fd;
    bool gzip, between, ended; /* between: two members; ended: the file has no more bytes */
    bool outside, returned;    /* text from outside; returned: a \r was read whose next byte is not known */
    bool whole;                /* no separator is expected */
    z_stream z;                /* next_in and avail_in serve plain files too */
    unsigned char raw[RAW];
    int64_t before; /* bytes of the file in front of raw */
    char *text;     /* what parts are cut from: [start, end) is not handed out, [start, seen) has no separator */
    size_t start, seen, end, room, parts;
    char place[GR__PLACE_SIZE];
};

/* zlib's memory comes from the library's gate. */
static void *z_take(void *user, unsigned count, unsigned size) {
    (void)user;
    return gr_alloc((size_t)count * size);
}

static void z_give(void *user, void *block) {
    (void)user;
    gr_free(block);
}

/* ---- bytes ---- */

/* More raw bytes where there are none left. */
static gr_status refill(gr__line_reader *f, gr_error *err) {
    if (f->z.avail_in || f->ended)
        return GR_OK;

    f->before += f->z.next_in ? f->z.next_in - f->raw : 0;
    ssize_t n;
    do
        n = read(f->fd, f->raw, RAW);
    while (n < 0 && errno == EINTR);

    /* 0 bytes are the end of the file. */
    f->z.next_in = f->raw;
    if (n < 0)
        return gr_error_set(err, GR_ERR_IO, f->place, NULL, "cannot read: %s", strerror(errno));
    f->z.avail_in = (unsigned)n;
    f->ended = n == 0;
    return GR_OK;
}

/* The error of a stream that zlib cannot go on with, and where in the file that is. */
static gr_status damaged(const gr__line_reader *f, const char *what, gr_error *err) {
    return gr_error_set(err, GR_ERR_FORMAT, f->place, "the file is cut or damaged: gzip -t tells; fetch it again",
                        "the gzip stream fails at byte %lld of the file: %s",
                        (long long)(f->before + (f->z.next_in - f->raw)), what);
}

/* Up to size bytes as they are; *got grows. */
static gr_status read_plain(gr__line_reader *f, unsigned char *to, size_t size, size_t *got, gr_error *err) {
    while (*got < size) {
        GR_TRY(refill(f, err));
        if (f->ended)
            return GR_OK;
        size_t n = size - *got < f->z.avail_in ? size - *got : f->z.avail_in;
        memcpy(to + *got, f->z.next_in, n);
        f->z.next_in += n;
        f->z.avail_in -= (unsigned)n;
        *got += n;
    }
    return GR_OK;
}

/* zlib's own file functions pass over what follows a member and is no member; here that is an error. */
static gr_status read_gzip(gr__line_reader *f, unsigned char *to, size_t size, size_t *got, gr_error *err) {
    while (*got < size) {
        GR_TRY(refill(f, err));
        if (f->ended)
            return f->between ? GR_OK : damaged(f, "it ends before its end", err);

        /* More bytes behind a member begin the next one. */
        if (f->between)
            inflateReset(&f->z);
        f->between = false;

        size_t most = size - *got < STEP ? size - *got : STEP;
        f->z.next_out = to + *got;
        f->z.avail_out = (unsigned)most;

        int code = inflate(&f->z, Z_NO_FLUSH);
        *got += most - f->z.avail_out;
        f->between = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return damaged(f, f->z.msg ? f->z.msg : "it cannot be unpacked", err);
    }
    return GR_OK;
}

gr_status gr__line_reader_read(gr__line_reader *f, void *to, size_t size, size_t *got, gr_error *err) {
    *got = 0;
    return f->gzip ? read_gzip(f, to, size, got, err) : read_plain(f, to, size, got, err);
}

/* ---- parts ---- */

/* Room for a step behind `end`: what was handed out makes way first. */
static gr_status make_room(gr__line_reader *f, gr_error *err) {
    if (f->room - f->end >= STEP)
        return GR_OK;

    /* What is not handed out moves to the front; only then more memory is taken. */
    if (f->start) {
        memmove(f->text, f->text + f->start, f->end - f->start);
        f->seen -= f->start;
        f->end -= f->start;
        f->start = 0;
    }
    if (f->end > INT32_MAX && !f->whole)
        return gr_error_set(err, GR_ERR_FORMAT, f->place, "is the separator, or the line break, right?",
                            "more than 2^31 - 1 bytes without a separator");
    f->text = gr__grow(f->text, &f->room, f->end + STEP, 1);
    return GR_OK;
}

/* Up to STEP bytes more at `end`. Of text a \r at the end waits for the byte behind it. */
static gr_status fill(gr__line_reader *f, size_t *got, gr_error *err) {
    GR_TRY(make_room(f, err));
    if (!f->outside)
        return gr__line_reader_read(f, f->text + f->end, STEP, got, err);

    /* The return that waited comes first. */
    char *to = f->text + f->end;
    size_t n = 0;
    if (f->returned)
        to[n++] = '\r';
    GR_TRY(gr__line_reader_read(f, to + n, STEP - n, got, err));
    n += *got;

    f->returned = *got && to[n - 1] == '\r';
    *got = gr__text_unix(to, n - f->returned);
    return GR_OK;
}

gr_status gr__line_reader_next(gr__line_reader *f, gr__passage *part, const char *separator, size_t gap,
                               gr_error *err) {
    part->text = NULL;
    f->seen = f->start;
    bool more = true;
    while (more) {
        /* A separator in what is there ends the part. */
        size_t left = f->end - f->seen, got;
        const char *stop = left ? memmem(f->text + f->seen, left, separator, gap) : NULL;
        if (stop) {
            *part = (gr__passage){f->text + f->start, (size_t)(stop - f->text) - f->start, ++f->parts};
            f->start = (size_t)(stop - f->text) + gap;
            return GR_OK;
        }

        /* Else more is needed; what was searched is not searched again, but for a separator that lies across the
         * border. */
        if (left >= gap)
            f->seen = f->end - (gap - 1);
        GR_TRY(fill(f, &got, err));
        f->end += got;
        more = got > 0 || f->returned;
    }

    /* The file has ended: what is left is the last part. */
    if (f->end > f->start)
        *part = (gr__passage){f->text + f->start, f->end - f->start, ++f->parts};
    f->start = f->end;
    return GR_OK;
}

gr_status gr__line_reader_all(gr__line_reader *f, char **text, size_t *length, gr_error *err) {
    /* To the end of the file. A return that waits for its next byte may come without any. */
    size_t got;
    f->whole = true;
    do {
        GR_TRY(fill(f, &got, err));
        f->end += got;
    } while (got || f->returned);

    *length = f->end - f->start;
    *text = gr_alloc_try(*length + 1);
    if (!*text)
        return gr_error_set(err, GR_ERR_MEMORY, f->place, "split the file into parts", "no memory for its %zu bytes",
                            *length);
    if (*length)
        memcpy(*text, f->text + f->start, *length);
    f->start = f->end;
    return GR_OK;
}

/* ---- opening ---- */

/* The first bytes decide whether the file is gzip, whatever its name. */
static gr_status start(gr__line_reader *f, gr_error *err) {
    GR_TRY(refill(f, err));
    f->gzip = f->z.avail_in >= 2 && f->raw[0] == 0x1f && f->raw[1] == 0x8b;
    f->z.zalloc = z_take;
    f->z.zfree = z_give;
    if (f->gzip && inflateInit2(&f->z, 16 + MAX_WBITS) != Z_OK) {
        f->gzip = false;
        return gr_error_set(err, GR_ERR_IO, f->place, NULL, "zlib cannot start");
    }
    return GR_OK;
}

gr_status gr__line_reader_open(gr__line_reader **out, const char *path, const char *hint, gr_error *err) {
    char place[GR__PLACE_SIZE];
    struct stat info;
    *out = NULL;
    gr__place_text(place, path, 0, 0);

    /* The kind is checked before opening, which would wait for the other end of a pipe. */
    if (stat(path, &info))
        return gr_error_set(err, GR_ERR_INPUT, place, hint, "cannot open: %s", strerror(errno));
    if (!S_ISREG(info.st_mode))
        return gr_error_set(err, GR_ERR_INPUT, place, "name a file", "not a regular file");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return gr_error_set(err, GR_ERR_INPUT, place, "check its permissions", "cannot open: %s", strerror(errno));

    /* The first bytes tell whether it is gzip. */
    gr__line_reader *f = gr_alloc(sizeof *f);
    f->fd = fd;
    memcpy(f->place, place, sizeof place);
    gr_status status = start(f, err);
    if (status == GR_OK)
        *out = f;
    else
        gr__line_reader_close(f);
    return status;
}

gr_status gr__line_reader_open_text(gr__line_reader **out, const char *path, const char *hint, gr_error *err) {
    gr__line_reader *f;
    size_t skip = 0, got = 0;
    *out = NULL;
    GR_TRY(gr__line_reader_open(&f, path, hint, err));

    /* The first bytes tell whether it is text, and how many of them are a mark. */
    f->outside = true;
    gr_status status = fill(f, &got, err);
    f->end = got;
    if (status == GR_OK)
        status = gr__text_begin(&skip, f->text, f->end, path, err);
    f->start = skip;
    if (status == GR_OK)
        *out = f;
    else
        gr__line_reader_close(f);
    return status;
}

void gr__line_reader_close(gr__line_reader *f) {
    if (!f)
        return;
    if (f->gzip)
        inflateEnd(&f->z);
    close(f->fd);
    gr_free(f->text);
    gr_free(f);
}

/* ---- whole files, and their lines ---- */

/* All that a reader has left, and then the reader is closed. */
static gr_status read_whole(gr__line_reader *reader, char **bytes, size_t *length, gr_error *err) {
    gr_status status = gr__line_reader_all(reader, bytes, length, err);
    gr__line_reader_close(reader);
    return status;
}

gr_status gr__file_decompress(char **bytes, size_t *length, const char *path, const char *hint, gr_error *err) {
    gr__line_reader *reader;
    GR_TRY(gr__line_reader_open(&reader, path, hint, err));
    return read_whole(reader, bytes, length, err);
}

gr_status gr__file_read_text(char **text, size_t *length, const char *path, const char *hint, gr_error *err) {
    gr__line_reader *reader;
    GR_TRY(gr__line_reader_open_text(&reader, path, hint, err));
    return read_whole(reader, text, length, err);
}

bool gr__lines_next(gr__lines *lines) {
    if (lines->next == lines->end)
        return false;
    size_t left = (size_t)(lines->end - lines->next);
    const char *stop = memchr(lines->next, '\n', left);

    lines->text = lines->next;
    lines->closed = stop != NULL;
    lines->length = stop ? (size_t)(stop - lines->next) : left;
    lines->next = stop ? stop + 1 : lines->end;
    lines->number++;
    return true;
}

/* ---- patterns ---- */

gr_status gr__files_find(gr__files *files, const char *path, gr_error *err) {
    *files = (gr__files){0};

    /* A name, also one that looks like a pattern. */
    if (!strpbrk(path, "*?[") || access(path, F_OK) == 0) {
        GR_PUSH(files->path, files->count, files->capacity) = gr_strdup(path);
        return GR_OK;
    }

    /* Else a pattern. Without memory glob may have found a part of the files. */
    glob_t found = {0};
    int code = glob(path, GLOB_NOSORT, NULL, &found);
    if (code == GLOB_NOSPACE)
        gr__refused(0);
    size_t count = code == 0 ? found.gl_pathc : 0;
    for (size_t i = 0; i < count; i++)
        GR_PUSH(files->path, files->count, files->capacity) = gr_strdup(found.gl_pathv[i]);
    globfree(&found);

    if (!files->count) {
        char place[GR__PLACE_SIZE];
        return gr_error_set(err, GR_ERR_INPUT, gr__place_text(place, path, 0, 0),
                            "* and ? stand for any characters, but for a leading dot and /", "%s",
                            code == 0 || code == GLOB_NOMATCH ? "no file matches the pattern" : "cannot search");
    }

    qsort(files->path, files->count, sizeof *files->path, gr__ascending_name);
    return GR_OK;
}

void gr__files_free(gr__files *files) {
    for (size_t i = 0; i < files->count; i++)
        gr_free(files->path[i]);
    gr_free(files->path);
    *files = (gr__files){0};
}

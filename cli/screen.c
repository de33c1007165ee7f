/* Standard output and error as streams that make what passes them harmless to a terminal (screen.h). */
#include "screen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/visible.h"

/* A stream of the process and what of it may be half a character. */
typedef struct screen {
    int fd;
    bool raw;     /* bytes pass as they are */
    size_t held;  /* bytes of half */
    char half[4]; /* what came last, and may be half a character */
} screen;

/* The streams belong to the process, as stdout and stderr do. */
static screen output = {.fd = STDOUT_FILENO}, errors = {.fd = STDERR_FILENO};

/* All bytes, however often the system takes only a part. */
static bool write_all(int fd, const char *text, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t wrote = write(fd, text + done, n - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        done += (size_t)wrote;
    }
    return true;
}

/* A piece at a time through a small buffer: this may run where memory is short. */
static ssize_t write_visible(void *cookie, const char *text, size_t size) {
    enum { PIECE = 1024 };
    screen *s = cookie;
    if (s->raw)
        return write_all(s->fd, text, size) ? (ssize_t)size : 0;

    char from[PIECE + sizeof s->half], to[GR__VISIBLE_MOST * sizeof from];
    size_t at = 0;
    while (at < size) {
        /* What was held back, and the next piece behind it. */
        size_t n = size - at < PIECE ? size - at : PIECE, left;
        memcpy(from, s->half, s->held);
        memcpy(from + s->held, text + at, n);

        /* Their end may have to be held back again. */
        size_t shown = gr__visible(to, from, s->held + n, true, &left);
        memcpy(s->half, from + s->held + n - left, left);
        s->held = left;
        at += n;
        if (!write_all(s->fd, to, shown))
            return 0;
    }
    return (ssize_t)size;
}

/* What is held back at the end is half a character for good. */
static int close_screen(void *cookie) {
    screen *s = cookie;
    char to[GR__VISIBLE_MOST * sizeof s->half];
    size_t shown = gr__visible(to, s->half, s->held, true, NULL);
    s->held = 0;
    return write_all(s->fd, to, shown) ? 0 : EOF;
}

/* The stream before a file descriptor; `instead` where there is no memory for it. */
static FILE *open_screen(screen *s, int buffering, FILE *instead) {
    FILE *stream = fopencookie(s, "w", (cookie_io_functions_t){.write = write_visible, .close = close_screen});
    if (!stream)
        return instead;
    setvbuf(stream, NULL, buffering, BUFSIZ);
    return stream;
}

void gr__screen_begin(void) {
    stdout = open_screen(&output, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, stdout);
    stderr = open_screen(&errors, _IOLBF, stderr);
}

/* Text that a program reads passes as it is; only a terminal has to be protected. */
void gr__screen_text(const char *text, size_t length) {
    fflush(stdout);
    output.raw = !isatty(STDOUT_FILENO);
    fwrite(text, 1, length, stdout);
    fflush(stdout);
    output.raw = false;
}

void gr__screen_control(FILE *stream, const char *sequence) {
    fflush(stream);
    write_all(stream == stdout ? STDOUT_FILENO : STDERR_FILENO, sequence, strlen(sequence));
}

bool gr__screen_is_terminal(void) { return isatty(STDERR_FILENO); }

const char *gr__screen_name(char *text, size_t size, const char *name) {
    size_t n = strlen(name);
    n = n < (size - 1) / GR__VISIBLE_MOST ? n : (size - 1) / GR__VISIBLE_MOST;
    text[gr__visible(text, name, n, false, NULL)] = 0;
    return text;
}

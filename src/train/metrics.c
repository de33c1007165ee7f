/* The lines of metrics.jsonl. A line is put together in a buffer that was taken when the file was opened, and written
 * at once, so that a step neither allocates nor leaves half a line behind. */
#include "train/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/file.h"
#include "io/json.h"

struct gr__metrics {
    int fd, labels;
    int64_t bytes;          /* of the file */
    char *path, **key;      /* [labels] keys of their losses as JSON texts */
    char *text;             /* a line; text_size is enough for every line */
    size_t text_size, used; /* used: bytes of the line at hand */
};

/* The key of a label's loss as JSON, escaped. */
static char *key_of(const char *label) {
    char *name = gr_format("loss_%s", label), *key = gr_json_quoted(name);
    gr_free(name);
    return key;
}

/* The end of the last whole line within the first `bytes`. */
static int64_t whole_lines(const gr__metrics *m, int64_t bytes) {
    char last;
    while (bytes > 0 && pread(m->fd, &last, 1, bytes - 1) == 1 && last != '\n')
        bytes--;
    return bytes;
}

/* The file as the checkpoint knew it. Nothing of a run depends on its lines: where some were lost it goes on without.
 */
static gr_status cut_to(gr__metrics *m, gr_error *err) {
    struct stat info;
    if (fstat(m->fd, &info))
        return gr__file_error(err, m->path, "read", errno);

    if (info.st_size < m->bytes) {
        gr_log_line(
            1,
            "%s: has %lld bytes of the %lld that the checkpoint knows of; lines of earlier steps are lost, the run "
            "goes on",
            m->path, (long long)info.st_size, (long long)m->bytes);
        m->bytes = whole_lines(m, info.st_size);
    }

    /* Lines of steps after the checkpoint go: they will be written again. */
    if (ftruncate(m->fd, m->bytes) || lseek(m->fd, m->bytes, SEEK_SET) < 0)
        return gr__file_error(err, m->path, "cut", errno);
    return GR_OK;
}

gr_status gr__metrics_open(gr__metrics **metrics, const char *path, int64_t bytes, int labels, const char *const *label,
                           size_t more, gr_error *err) {
    *metrics = NULL;

    /* The keys of the labels' losses, and a buffer that holds the longest line. */
    gr__metrics *m = gr_alloc(sizeof *m);
    m->path = gr_strdup(path);
    m->bytes = bytes;
    m->labels = labels;
    m->key = gr_alloc((size_t)labels * sizeof *m->key);
    m->text_size = 800 + more; /* 800: the members that every line has, and room for `also` and `last` */
    for (int i = 0; i < labels; i++) {
        m->key[i] = key_of(label[i]);
        m->text_size += strlen(m->key[i]) + 64;
    }
    m->text = gr_alloc(m->text_size);

    /* The file, cut back to what is known of it. */
    m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    gr_status status = m->fd < 0 ? gr__file_error(err, path, "write", errno) : cut_to(m, err);
    if (status != GR_OK) {
        gr__metrics_close(m);
        return status;
    }

    *metrics = m;
    return GR_OK;
}

void gr__metrics_close(gr__metrics *m) {
    if (!m)
        return;
    if (m->fd >= 0)
        close(m->fd);
    for (int i = 0; i < m->labels; i++)
        gr_free(m->key[i]);
    gr_free(m->key);
    gr_free(m->path);
    gr_free(m->text);
    gr_free(m);
}

/* Appends to the line. */
static void add(gr__metrics *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends to the line; what has no room is left out whole. */
static void add(gr__metrics *m, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = gr__vprint(m->text + m->used, m->text_size - m->used, format, list);
    va_end(list);
    m->used += n > 0 && (size_t)n < m->text_size - m->used ? (size_t)n : 0;
}

/* JSON has no NaN: a loss without targets is null. */
static void add_number(gr__metrics *m, const char *key, double value) {
    if (isfinite(value))
        add(m, ", %s: %.9g", key, value);
    else
        add(m, ", %s: null", key);
}

/* The whole line, however often the system takes only a part. */
static gr_status write_all(gr__metrics *m, gr_error *err) {
    for (size_t done = 0; done < m->used;) {
        ssize_t n = write(m->fd, m->text + done, m->used - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return gr__file_error(err, m->path, "write", n < 0 ? errno : ENOSPC);
        done += (size_t)n;
        m->bytes += n;
    }
    return GR_OK;
}

gr_status gr__metrics_add(gr__metrics *m, const gr__metrics_line *line, gr_error *err) {
    m->used = 0;
    add(m, "{\"step\": %lld", (long long)line->step);
    add_number(m, "\"loss\"", line->loss);
    for (int i = 0; i < m->labels; i++)
        add_number(m, m->key[i], line->label_loss[i]);
    add_number(m, "\"lr\"", line->lr);
    add_number(m, "\"grad_norm\"", line->grad_norm);
    add(m, ", \"tokens\": %lld%s%s%s, \"seconds\": %.3f, \"tokens_per_s\": %.0f}\n", (long long)line->tokens,
        line->more, line->also, line->last, line->seconds, line->tokens_per_s);
    return write_all(m, err);
}

gr_status gr__metrics_flush(gr__metrics *m, gr_error *err) {
    return fsync(m->fd) ? gr__file_error(err, m->path, "flush", errno) : GR_OK;
}

int64_t gr__metrics_bytes(const gr__metrics *m) { return m->bytes; }

/* line_reader.h - a file read in order, in bounded memory, plain or gzip: its first two bytes decide.
 *
 *     gr__line_reader *reader;
 *     GR_TRY(gr__line_reader_open(&reader, path, hint, err));
 *     gr__passage line = {0};
 *     while ((status = gr__line_reader_next(reader, &line, "\n", 1, err)) == GR_OK && line.text)
 *         ...                                       line.text[0 .. line.length)
 *     gr__line_reader_close(reader);
 *
 * gzip is RFC 1952: any number of members one after the other. A stream that is cut, damaged or followed by something
 * else is GR_ERR_FORMAT, and so are more than 2^31 - 1 bytes between separators.
 */
#ifndef GR_IO_LINE_READER_H
#define GR_IO_LINE_READER_H

#include "gradroute/base.h"

typedef struct gr__line_reader gr__line_reader;

/* A regular file; hint is for one that is missing. */
gr_status gr__line_reader_open(gr__line_reader **reader, const char *path, const char *hint, gr_error *err);

/* The same for text from outside (base/foreign.h): parts are without a byte order mark and have line ends of \n. */
gr_status gr__line_reader_open_text(gr__line_reader **reader, const char *path, const char *hint, gr_error *err);
void gr__line_reader_close(gr__line_reader *reader); /* NULL is fine */

/* Up to size bytes; *got is smaller only at the end. */
gr_status gr__line_reader_read(gr__line_reader *reader, void *to, size_t size, size_t *got, gr_error *err);

/* What lies before the next separator, or before the end; it holds until the next call. */
typedef struct gr__passage {
    const char *text; /* NULL: there is nothing more */
    size_t length;
    size_t number; /* from 1 */
} gr__passage;
gr_status gr__line_reader_next(gr__line_reader *reader, gr__passage *part, const char *separator, size_t gap,
                               gr_error *err);

/* All that is left, a new block with a 0 behind its end. */
gr_status gr__line_reader_all(gr__line_reader *reader, char **text, size_t *length, gr_error *err);

/* The whole of a regular file, plain or gzip; free *bytes with gr_free. hint is for a file that is missing. */
gr_status gr__file_decompress(char **bytes, size_t *length, const char *path, const char *hint, gr_error *err);

/* The same for text from outside: without a byte order mark, line ends are \n. */
gr_status gr__file_read_text(char **text, size_t *length, const char *path, const char *hint, gr_error *err);

/* Walks over the lines of a block. */
typedef struct gr__lines {
    const char *next, *end; /* what is left */
    const char *text;       /* the current line, without its newline */
    size_t length;
    size_t number; /* from 1 */
    bool closed;   /* the line ends in a newline */
} gr__lines;
bool gr__lines_next(gr__lines *lines);

/* The files a path stands for, in the order of their names: itself where it exists or has none of * ? [, else what
 * matches it as a pattern of glob(7). GR_ERR_INPUT when nothing does. Free with gr__files_free. */
typedef struct gr__files {
    char **path;
    size_t count, capacity;
} gr__files;
gr_status gr__files_find(gr__files *files, const char *path, gr_error *err);
void gr__files_free(gr__files *files);

#endif

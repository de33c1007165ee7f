/* file.h - whole files in, whole files out: a file under its final name is always complete.
 *
 *     unsigned char *data;
 *     size_t size;
 *     GR_TRY(gr_file_read("corpus.txt", &data, &size, err));    data[size] is 0; gr_free(data)
 *     GR_TRY(gr_file_write("runs/a/result.json", text, strlen(text), err));
 *
 * What is written goes to PATH.tmp beside it, is flushed to the disk, renamed, and the folder is flushed: a
 * kill at any moment leaves the old file or the new one, at worst with a PATH.tmp that the next write reuses.
 * Two writers of one path at the same time are not supported.
 * A file to read that is missing, a folder, a pipe or not ours to read is GR_ERR_INPUT, one too large GR_ERR_MEMORY;
 * every other failure is GR_ERR_IO. The place is the path.
 */
#ifndef GR_IO_FILE_H
#define GR_IO_FILE_H

#include "gradroute/base.h"

/* A regular file as a new block, with one 0 byte after its end. */
gr_status gr_file_read(const char *path, unsigned char **data, size_t *size, gr_error *err);

gr_status gr_file_write(const char *path, const void *data, size_t size, gr_error *err);

/* The folder and the missing ones above it; one that exists is fine. */
gr_status gr_folder_make(const char *path, gr_error *err);

bool gr_file_exists(const char *path);

/* The same for files that are produced piece by piece.
 * open .. write* .. commit, or abort at any point before. commit and abort free out (abort takes NULL);
 * after a failed write only abort is left to call, after a failed commit nothing is. */
typedef struct gr_file_out gr_file_out;
gr_status gr_file_out_open(gr_file_out **out, const char *path, gr_error *err);
gr_status gr_file_out_write(gr_file_out *out, const void *data, size_t size, gr_error *err);
gr_status gr_file_out_commit(gr_file_out *out, gr_error *err);
void gr_file_out_abort(gr_file_out *out);

/* A regular file opened for reading, and its size; *fd is closed again when this fails. */
gr_status gr__input_open(int *fd, size_t *size, const char *path, gr_error *err);

/* Flushes the folder of a file that was renamed. */
gr_status gr__folder_flush(const char *path, gr_error *err);

/* GR_ERR_INPUT for errno `code`: "cannot open: reason", with a hint that fits the code. */
gr_status gr__input_error(gr_error *err, const char *path, int code);

/* GR_ERR_IO for errno `code`: "cannot DOING: reason", with a hint that fits the code. */
gr_status gr__file_error(gr_error *err, const char *path, const char *doing, int code);

#endif

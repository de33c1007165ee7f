/* file.h - whole files in, whole files out: a file under its final name is always complete.
 *
 *     unsigned char *data;
 *     size_t size;
 *     GR_TRY(gr_file_read("corpus.txt", &data, &size, err));    data[size] is 0; gr_free(data)
 *     GR_TRY(gr_file_write("runs/a/result.json", text, strlen(text), err));
 *
 * What is written goes to PATH.XXXXXX.tmp beside it (six letters drawn anew each time), is flushed to the disk,
 * renamed, and the folder is flushed: a kill at any moment leaves the old file or the new one, at worst with a .tmp
 * beside it. Two writers of one path do not meet: the last to finish wins. What the killed have left goes with the next
 * writer of the path (gr__leftovers_remove), or with whoever holds the lock of the folder (gr__temporaries_remove).
 * Where PATH is a symbolic link, the file that it points to is replaced. A file to read that is missing, a folder, a
 * pipe or not ours to read is GR_ERR_INPUT, one too large GR_ERR_MEMORY; every other failure is GR_ERR_IO. The place is
 * the path.
 */
#ifndef GR_IO_FILE_H
#define GR_IO_FILE_H

#include "gradroute/base.h"

/* A regular file as a new block, with one 0 byte after its end. */
gr_status gr_file_read(const char *path, unsigned char **data, size_t *size, gr_error *err);

/* The same mapped, for reading alone: what is behind it may be larger than memory. Release with munmap. An empty file
 * is GR_ERR_FORMAT, with `remedy` as hint. */
gr_status gr_file_map(void **block, size_t *size, const char *path, const char *remedy, gr_error *err);

gr_status gr_file_write(const char *path, const void *data, size_t size, gr_error *err);

/* The folder and the missing ones above it; one that exists is fine. */
gr_status gr_directory_make(const char *path, gr_error *err);

/* The same for the folder that path is to stand in. */
gr_status gr__parent_make(const char *path, gr_error *err);

/* The folder that a file is in, "." where its path names none; a new string. */
char *gr__folder_of(const char *path);

bool gr_file_exists(const char *path);

/* Whether two paths lead to one file or folder, through whatever links; false when one of them leads to none. */
bool gr_file_same(const char *a, const char *b);

/* The same for files that are produced piece by piece.
 * open .. write* .. commit, or abort at any point before. commit and abort free out (abort takes NULL);
 * after a failed write only abort is left to call, after a failed commit nothing is. */
typedef struct gr_file_out gr_file_out;
gr_status gr_file_out_open(gr_file_out **out, const char *path, gr_error *err);
gr_status gr_file_out_write(gr_file_out *out, const void *data, size_t size, gr_error *err);
gr_status gr_file_out_commit(gr_file_out *out, gr_error *err);
void gr_file_out_abort(gr_file_out *out);

/* A name beside path for what will be renamed to it, a new string; whether a name is one. */
char *gr__temporary(const char *path);
bool gr__is_temporary(const char *name);

/* Makes a file of such a name and locks it as long as it is open; -1 and errno. *temporary is a new string, or NULL. */
int gr__temporary_open(char **temporary, const char *path);

/* Removes what killed writers of path have left beside it; never what a living one writes. */
void gr__leftovers_remove(const char *path);

/* Removes the half-written files of a folder; for whoever holds its lock. */
void gr__temporaries_remove(const char *folder);

/* The same where others may be writing to the folder: what they write stays. */
void gr__temporaries_remove_idle(const char *folder);

/* What of a folder is ours. All zero: everything in it, for nobody else writes there. */
typedef struct gr__ours {
    /* Of the entry of this name, a path below the folder; a link to a folder is none. NULL: all is ours. */
    bool (*is)(const void *user, const char *name, bool folder);
    const void *user;
    const char
        *last; /* stays until all else is gone: as long as it is there the rest can be told. NULL: nothing does */
} gr__ours;

/* Removes a folder of ours with all that is in it; of links themselves, not what they lead to. Where anything in it is
 * not ours nothing is removed: GR_ERR_USAGE, the place is its path; also where the path leads to no folder. Killed on
 * the way it is called again. That nothing is there is fine. */
gr_status gr__folder_remove(const char *path, const gr__ours *ours, gr_error *err);

/* Whether a file may be written there: GR_ERR_USAGE where something else than a regular file has the name, or a
 * symbolic link points to nothing. */
gr_status gr__file_replaceable(const char *path, gr_error *err);

/* A regular file opened for reading, and its size; *fd is closed again when this fails. */
gr_status gr__input_open(int *fd, size_t *size, const char *path, gr_error *err);

/* A rename is on the disk only once the folder is: flushes a folder, or that which holds path. */
gr_status gr__flush_folder(const char *path, gr_error *err);
gr_status gr__flush_parent(const char *path, gr_error *err);

/* GR_ERR_INPUT for errno `code`: "cannot open: reason", with a hint that fits the code. */
gr_status gr__input_error(gr_error *err, const char *path, int code);

/* GR_ERR_IO (GR_ERR_MEMORY for ENOMEM) for errno `code`: "cannot DOING: reason", with a hint that fits the code. */
gr_status gr__file_error(gr_error *err, const char *path, const char *doing, int code);

#endif

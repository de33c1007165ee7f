/* file_stamp.c - sizes and times of the files that a corpus is read from, as one text: equal texts mean that nothing
 * need be read again. */
#include "corpus/file_stamp.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/line_reader.h"

char *gr__add_times(char *text, const char *path) {
    struct stat info;
    struct dirent **entry = NULL;

    /* A folder is listed in order of names; anything else is taken for a file. */
    int entries = path ? scandir(path, &entry, NULL, alphasort) : -1;
    if (path && entries < 0 && errno == ENOMEM) /* a folder must not pass for one that cannot be read */
        gr__refused(0);

    /* A file: its size and time. */
    if (path && entries < 0 && stat(path, &info) == 0) {
        char *longer = gr_format("%s %lld@%lld", text, (long long)info.st_size, (long long)info.st_mtime);
        gr_free(text);
        text = longer;
    }

    /* A folder: all files directly in it. */
    for (int i = 0; i < entries; i++) {
        char *file = gr_format("%s/%s", path, entry[i]->d_name);
        if (stat(file, &info) == 0 && S_ISREG(info.st_mode))
            text = gr__add_times(text, file);
        gr_free(file);
        free(entry[i]);
    }
    free(entry);
    return text;
}

/* So that the text does not depend on the file system. */
static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

/* The times of every file in a folder: its own time tells only of names. */
static char *add_folder_times(char *text, const char *path) {
    FTS *walk = fts_open((char *const[]){(char *)path, NULL}, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (!walk && errno == ENOMEM)
        gr__refused(0);
    if (!walk)
        return text;

    /* Files at any depth, by name; hidden ones are no documents and do not count. */
    FTSENT *e;
    while ((e = fts_read(walk))) {
        if (e->fts_level > 0 && e->fts_name[0] == '.')
            fts_set(walk, e, FTS_SKIP);
        else if (e->fts_info == FTS_F) {
            char *longer = gr_format("%s %s", text, e->fts_path);
            gr_free(text);
            text = gr__add_times(longer, e->fts_path);
        }
    }
    fts_close(walk);
    return text;
}

char *gr__add_source_times(char *text, const gr_source *source) {
    gr__files files;

    /* What is made is told by what it is made of. */
    if (!source->path) {
        char *longer = gr_format("%s %d facts of %llu", text, source->facts, (unsigned long long)source->seed);
        gr_free(text);
        return longer;
    }

    /* A single path, or the fallback that is read in its place. */
    bool there = access(source->path, F_OK) == 0, folder = strcmp(source->reader, "folder") == 0;
    if (there && folder)
        return add_folder_times(text, source->path);
    if (there || source->fallback || gr__files_find(&files, source->path, NULL) != GR_OK)
        return gr__add_times(text, there ? source->path : source->fallback);

    /* A pattern: each file or folder that it fits, so that a new one is noticed too. */
    for (size_t i = 0; i < files.count; i++) {
        char *longer = gr_format("%s %s", text, files.path[i]);
        gr_free(text);
        text = folder ? add_folder_times(longer, files.path[i]) : gr__add_times(longer, files.path[i]);
    }
    gr__files_free(&files);
    return text;
}

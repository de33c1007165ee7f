#include "lab/times.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/feed.h"

char *gr__add_times(char *text, const char *path) {
    struct stat info;
    struct dirent **entry = NULL;
    int entries = path ? scandir(path, &entry, NULL, alphasort) : -1;
    if (path && entries < 0 && stat(path, &info) == 0) {
        char *longer = gr_format("%s %lld@%lld", text, (long long)info.st_size, (long long)info.st_mtime);
        gr_free(text);
        text = longer;
    }
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

char *gr__add_source_times(char *text, const gr_source *source) {
    gr__files files;
    bool there = access(source->path, F_OK) == 0;
    if (there || source->fallback || gr__files_find(&files, source->path, NULL) != GR_OK)
        return gr__add_times(text, there ? source->path : source->fallback);
    for (size_t i = 0; i < files.count; i++) {
        char *longer = gr_format("%s %s", text, files.path[i]);
        gr_free(text);
        text = gr__add_times(longer, files.path[i]);
    }
    gr__files_free(&files);
    return text;
}

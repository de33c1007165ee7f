/* read_folder.c - a folder of text files, a document each. Its topic is the folder directly under the one named that it
 * lies in, at any depth; files beside those have the topic of the folder named.
 *
 * Files are read in the order of their paths. What begins with a dot is passed over; a link is followed, but not to a
 * folder that it lies in itself.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/foreign.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sort.h"
#include "base/utf8.h"
#include "corpus/reader.h"
#include "io/line_reader.h"

enum { DEPTH_MOST = 64 };

typedef struct walk {
    gr__sink *sink;    /* takes the documents */
    const char *topic; /* of files at this place */
    struct {
        dev_t device;
        ino_t node;
    } above[DEPTH_MOST]; /* the folders that this one lies in */
    int depth;
} walk;

typedef struct entries {
    char **name;
    size_t count, capacity;
} entries;

/* Frees the names and their list. */
static void entries_free(entries *list) {
    for (size_t i = 0; i < list->count; i++)
        gr_free(list->name[i]);
    gr_free(list->name);
}

/* What a folder holds, by name, so that the order does not depend on the file system. */
static gr_status list_entries(entries *list, const char *path, gr_error *err) {
    DIR *folder = opendir(path);
    char place[GR__PLACE_SIZE];
    if (!folder)
        return gr_error_set(err, GR_ERR_INPUT, gr__place_text(place, path, 0, 0),
                            "folder: names a folder of text files", "cannot open the folder: %s", strerror(errno));
    for (struct dirent *e; (e = readdir(folder));)
        if (e->d_name[0] != '.')
            GR_PUSH(list->name, list->count, list->capacity) = gr_strdup(e->d_name);
    closedir(folder);
    if (list->count)
        qsort(list->name, list->count, sizeof *list->name, gr__ascending_name);
    return GR_OK;
}

/* Adds a file as one document. What is no text is refused: a folder may hold images or archives by mistake. */
static gr_status add_document(walk *w, const char *path, const char *text, size_t length, gr_error *err) {
    char place[GR__PLACE_SIZE];
    int32_t topic;
    if (!gr__text_is_name(text, length))
        return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, path, 0, 0),
                            "take the file out of the folder, or convert it: iconv -f ENCODING -t UTF-8 FILE >NEW",
                            "the file is not text in UTF-8");
    GR_TRY(gr__sink_topic(w->sink, &topic, w->topic, strlen(w->topic), path, err));
    gr__sink_file(w->sink, path);
    return gr__sink_add(w->sink, text, length, topic, path, err);
}

/* A file of the folder. */
static gr_status read_document(walk *w, const char *path, gr_error *err) {
    char *text;
    size_t length;
    GR_TRY(gr__file_read_text(&text, &length, path, "was it removed meanwhile?", err));
    gr_status status = add_document(w, path, text, length, err);
    gr_free(text);
    return status;
}

static gr_status read_entries(walk *w, const char *path, gr_error *err);

/* A folder that it lies in itself, by a link, would have no end. */
static gr_status read_below(walk *w, const char *path, const struct stat *info, gr_error *err) {
    char place[GR__PLACE_SIZE];
    for (int i = 0; i < w->depth; i++)
        if (w->above[i].device == info->st_dev && w->above[i].node == info->st_ino) {
            gr_log_line(1, "note: %s is passed over: it is a link to a folder that it lies in", path);
            return GR_OK;
        }

    /* No folder of texts is so deep. */
    if (w->depth == DEPTH_MOST)
        return gr_error_set(err, GR_ERR_INPUT, gr__place_text(place, path, 0, 0), "name a folder further down",
                            "folders more than %d deep", DEPTH_MOST);

    /* While it is read, the folder is one of those that lie above. */
    w->above[w->depth].device = info->st_dev;
    w->above[w->depth++].node = info->st_ino;
    gr_status status = read_entries(w, path, err);
    w->depth--;
    return status;
}

/* A file is a document; a folder is read in turn. Directly under the one named, its name is the topic of all in it. */
static gr_status read_entry(walk *w, const char *path, const char *name, gr_error *err) {
    const char *topic = w->topic;
    struct stat info;
    char place[GR__PLACE_SIZE];
    if (stat(path, &info))
        return gr_error_set(err, GR_ERR_INPUT, gr__place_text(place, path, 0, 0),
                            "is it a link to something that is gone?", "cannot open: %s", strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return read_document(w, path, err);

    /* The topic holds as long as the folder is being read. */
    w->topic = w->depth == 1 ? name : topic;
    gr_status status = read_below(w, path, &info, err);
    w->topic = topic;
    return status;
}

/* Everything in a folder, in the order of names. */
static gr_status read_entries(walk *w, const char *path, gr_error *err) {
    entries list = {0};
    gr_status status = list_entries(&list, path, err);
    for (size_t i = 0; status == GR_OK && i < list.count; i++) {
        char *below = gr_format("%s/%s", path, list.name[i]);
        status = read_entry(w, below, list.name[i], err);
        gr_free(below);
    }
    entries_free(&list);
    return status;
}

/* The last part of the path as it is written on the disk: "." has a name too. */
static char *name_of(const char *path) {
    char *real = realpath(path, NULL), *slash = real ? strrchr(real, '/') : NULL;
    char *name = gr_strdup(slash && slash[1] ? slash + 1 : "text");
    free(real);
    return name;
}

/* The folder that the recipe names. */
static gr_status read_folder(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    char *name = name_of(path);
    walk w = {.sink = sink, .topic = source->topic ? source->topic : name};
    struct stat info = {0};
    char place[GR__PLACE_SIZE];
    gr_status status = GR_OK;
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        status = gr_error_set(err, GR_ERR_INPUT, gr__place_text(place, path, 0, 0),
                              "folder: names a folder of text files", "not a folder");
    else
        status = read_below(&w, path, &info, err);
    gr_free(name);
    return status;
}

const gr__reader gr__reader_folder = {"folder", NULL, read_folder};

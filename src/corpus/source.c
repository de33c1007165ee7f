/* source.c - how to read documents: by default, and by the name of a file. */
#include <string.h>
#include <sys/stat.h>

#include "base/foreign.h"
#include "gradroute/corpus.h"
#include "io/line_reader.h"

gr_source gr_source_default(void) {
    return (gr_source){.reader = "wordnet",
                       .path = "/usr/share/wordnet",
                       .text_field = "text",
                       .label_field = "label",
                       .separator = "<|endoftext|>"};
}

/* Whether the name ends so, or so with .gz behind it. */
static bool ends_in(const char *path, const char *end) {
    size_t n = strlen(path), k = strlen(end);
    n -= n > 3 && strcmp(path + n - 3, ".gz") == 0 ? 3 : 0; /* an ending before .gz */
    return n > k && !strncmp(path + n - k, end, k);
}

/* Whether the first character of the file, plain or gzip, opens a list. */
static bool holds_list(const char *path) {
    enum { LOOKED_AT = 4096 };
    char text[LOOKED_AT];
    size_t n = 0, at = 0;
    gr__line_reader *reader;
    if (gr__line_reader_open(&reader, path, NULL, NULL) != GR_OK)
        return false;
    if (gr__line_reader_read(reader, text, sizeof text, &n, NULL) != GR_OK ||
        gr__text_begin(&at, text, n, path, NULL) != GR_OK)
        n = 0;
    gr__line_reader_close(reader);
    while (at < n && memchr(" \t\r\n", text[at], 4))
        at++;
    return at < n && text[at] == '[';
}

/* By the ending alone, but for folders and lists. */
gr_source gr_source_of(const char *path) {
    gr_source source = gr_source_default();
    struct stat info;
    bool json = ends_in(path, ".json");
    source.reader = stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? "folder"
                    : json && holds_list(path)                      ? "json"
                    : json || ends_in(path, ".jsonl")               ? "jsonl"
                    : ends_in(path, ".csv")                         ? "csv"
                    : ends_in(path, ".tsv")                         ? "tsv"
                                                                    : "text";
    source.path = path;
    source.topic = strcmp(source.reader, "folder") == 0 ? NULL : "text";
    return source;
}

/* read_text.c - plain text: documents between occurrences of a separator, all of one topic. */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "corpus/reader.h"
#include "io/line_reader.h"

/* Whether a part has no text. */
static bool is_blank(const gr__passage *part) {
    for (size_t i = 0; i < part->length; i++)
        if (!gr_is_space(part->text[i]))
            return false;
    return true;
}

/* Adds a part as a document. Parts without text are records too, since scores go by the number of the record; but those
 * at the end of the file are none. */
static gr_status add_part(gr__sink *sink, size_t *blanks, const gr__passage *part, int32_t topic, const char *path,
                          gr_error *err) {
    if (is_blank(part)) {
        ++*blanks;
        return GR_OK;
    }
    for (; *blanks; --*blanks)
        GR_TRY(gr__sink_add(sink, "", 0, topic, path, err));
    return gr__sink_add(sink, part->text, part->length, topic, path, err);
}

/* All parts of a file, whose number *parts becomes. Blank ones wait until a part with text follows. */
static gr_status add_parts(gr__sink *sink, gr__line_reader *reader, size_t *parts, const char *topic_name,
                           const char *separator, const char *path, gr_error *err) {
    gr__passage part = {0};
    size_t blanks = 0;
    int32_t topic;
    *parts = 0;
    GR_TRY(gr__sink_topic(sink, &topic, topic_name, strlen(topic_name), path, err));
    for (;;) {
        GR_TRY(gr__line_reader_next(reader, &part, separator, strlen(separator), err));
        if (!part.text)
            return GR_OK;
        GR_TRY(add_part(sink, &blanks, &part, topic, path, err));
        *parts = part.number;
    }
}

/* The documents of one file; all have the same topic. */
static gr_status read_parts(gr__sink *sink, const char *topic_name, const char *separator, const char *path,
                            gr_error *err) {
    gr__line_reader *reader;
    size_t parts;
    if (!*separator)
        return gr_error_set(err, GR_ERR_USAGE, path, "for example \"<|endoftext|>\", or \"\\n\\n\" for blank lines",
                            "the separator between documents is empty");
    GR_TRY(gr__line_reader_open_text(&reader, path, "check the path; a recipe's paths start at its folder", err));
    gr_status status = add_parts(sink, reader, &parts, topic_name, separator, path, err);
    gr__line_reader_close(reader);
    GR_TRY(status);

    /* The separator does not occur: most likely it is not the right one. */
    if (parts == 1)
        gr__sink_whole(sink, path);
    return GR_OK;
}

/* Text has line ends of \n, and so has the separator. */
static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    char *separator = gr_strdup(source->separator ? source->separator : "");
    separator[gr__text_unix(separator, strlen(separator))] = 0;
    gr_status status = read_parts(sink, source->topic ? source->topic : "text", separator, path, err);
    gr_free(separator);
    return status;
}

const gr__reader gr__reader_text = {"text", NULL, read_file};

/* read_text.c - plain text: documents between occurrences of a separator, all of one topic. */
#include <string.h>

#include "base/mem.h"
#include "data/reader.h"

static gr_status add_parts(gr__sink *sink, const char *text, size_t length, const char *separator, int32_t topic,
                           const char *path, gr_error *err) {
    const char *end = text + length;
    size_t gap = strlen(separator);
    for (const char *stop; (stop = memmem(text, (size_t)(end - text), separator, gap)); text = stop + gap)
        GR_TRY(gr__sink_add(sink, text, (size_t)(stop - text), topic, path, err));
    /* what follows the last separator is a record only if there is something */
    while (text < end && (*text == ' ' || (*text >= '\t' && *text <= '\r')))
        text++;
    return text == end ? GR_OK : gr__sink_add(sink, text, (size_t)(end - text), topic, path, err);
}

static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    const char *name = source->topic ? source->topic : "text";
    if (!source->separator || !*source->separator)
        return gr_error_set(err, GR_ERR_USAGE, path, "for example \"<|endoftext|>\", or \"\\n\\n\" for blank lines",
                            "the separator between documents is empty");
    char *bytes;
    size_t length;
    GR_TRY(gr__file_read(&bytes, &length, path, "check the path in the recipe's data", err));
    int32_t topic;
    gr_status status = gr__sink_topic(sink, &topic, name, strlen(name), path, err);
    if (status == GR_OK)
        status = add_parts(sink, bytes, length, source->separator, topic, path, err);
    gr_free(bytes);
    return status;
}

const gr__reader gr__reader_text = {"text", NULL, read_file};

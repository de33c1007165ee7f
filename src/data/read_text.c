/* read_text.c - plain text: documents between occurrences of a separator, all of one topic. */
#include <string.h>

#include "data/feed.h"
#include "data/reader.h"

static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    const char *name = source->topic ? source->topic : "text", *separator = source->separator;
    if (!separator || !*separator)
        return gr_error_set(err, GR_ERR_USAGE, path, "for example \"<|endoftext|>\", or \"\\n\\n\" for blank lines",
                            "the separator between documents is empty");
    gr__feed *feed;
    gr__part part = {0};
    int32_t topic;
    GR_TRY(gr__feed_open(&feed, path, "check the path in the recipe's data", err));
    gr_status status = gr__sink_topic(sink, &topic, name, strlen(name), path, err);
    while (status == GR_OK && (status = gr__feed_next(feed, &part, separator, strlen(separator), err)) == GR_OK &&
           part.text)
        status = gr__sink_add(sink, part.text, part.length, topic, path, err);
    gr__feed_close(feed);
    return status;
}

const gr__reader gr__reader_text = {"text", NULL, read_file};

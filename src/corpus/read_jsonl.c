/* read_jsonl.c - JSON Lines: one object per line, its text in one member and its topic in another. */
#include "base/foreign.h"
#include "corpus/record.h"
#include "io/feed.h"

static gr_status read_line(const gr__record *r, const gr__part *line, gr_error *err) {
    json_t *object;
    GR_TRY(gr__json_foreign(&object, line->text, line->length,
                            &(gr__json_from){r->path, r->line, "each line holds one complete JSON object", false},
                            err));
    gr_status status = gr__record_add(r, object, err);
    json_decref(object);
    return status;
}

static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    gr__feed *feed;
    gr__part line = {0};
    gr_status status = GR_OK;
    GR_TRY(gr__feed_open_text(&feed, path, "check the path; a recipe's paths start at its folder", err));
    while (status == GR_OK && (status = gr__feed_next(feed, &line, "\n", 1, err)) == GR_OK && line.text)
        if (!gr__record_is_blank(line.text, line.length))
            status = read_line(&(gr__record){sink, source, path, line.number, line.number == 1}, &line, err);
    gr__feed_close(feed);
    return status;
}

const gr__reader gr__reader_jsonl = {"jsonl", NULL, read_file};

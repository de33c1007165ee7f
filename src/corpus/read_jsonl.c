/* read_jsonl.c - JSON Lines: one object per line, its text in one member and its topic in another. */
#include "base/foreign.h"
#include "corpus/record.h"
#include "io/line_reader.h"

/* A line as a record. */
static gr_status read_line(const gr__record *r, const gr__passage *line, gr_error *err) {
    json_t *object;
    GR_TRY(gr__json_foreign(&object, line->text, line->length,
                            &(gr__json_from){r->path, r->line, "each line holds one complete JSON object", false},
                            err));
    gr_status status = gr__record_add(r, object, err);
    json_decref(object);
    return status;
}

/* All lines of a file; blank ones are no records. */
static gr_status read_lines(gr__sink *sink, const gr_source *source, gr__line_reader *reader, const char *path,
                            gr_error *err) {
    gr__passage line = {0};
    for (;;) {
        GR_TRY(gr__line_reader_next(reader, &line, "\n", 1, err));
        if (!line.text)
            return GR_OK;
        if (gr__record_is_blank(line.text, line.length))
            continue;
        gr__record record = {sink, source, path, line.number, line.number == 1};
        GR_TRY(read_line(&record, &line, err));
    }
}

/* The records of one file, of which each is a line. */
static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    gr__line_reader *reader;
    GR_TRY(gr__line_reader_open_text(&reader, path, "check the path; a recipe's paths start at its folder", err));
    gr_status status = read_lines(sink, source, reader, path, err);
    gr__line_reader_close(reader);
    return status;
}

const gr__reader gr__reader_jsonl = {"jsonl", NULL, read_file};

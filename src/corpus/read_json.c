/* read_json.c - JSON: one list of objects. Each is parsed by itself, so that only the text of the file is in memory,
 * not a tree of all of it. */
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "corpus/record.h"
#include "io/line_reader.h"

/* Where reading stands. */
typedef struct scan {
    const char *at, *end;
    size_t line; /* from 1 */
} scan;

/* Passes over white space, counting lines for messages. */
static void skip_blank(scan *s) {
    for (; s->at < s->end && memchr(" \t\r\n", *s->at, 4); s->at++)
        s->line += *s->at == '\n';
}

/* Passes over one value; what is wrong inside is the parser's to say. */
static void skip_value(scan *s) {
    size_t depth = 0;
    bool quoted = false;
    for (; s->at < s->end; s->at++) {
        char c = *s->at;
        s->line += c == '\n';

        /* Brackets and commas inside of strings mean nothing; a backslash hides the character behind it. */
        if (quoted) {
            quoted = c != '"';
            s->at += c == '\\' && s->at + 1 < s->end;
            continue;
        }

        /* Outside of all brackets a comma or a closing bracket ends the value. */
        quoted = c == '"';
        if (!depth && (c == ',' || c == ']' || c == '}'))
            return;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
    }
}

/* An error at the line that was reached. */
static gr_status wrong(const scan *s, const char *path, const char *hint, const char *what, gr_error *err) {
    char place[GR__PLACE_SIZE];
    return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, path, s->line, 0), hint, "%s", what);
}

/* Finds the end of an element, then parses just that. */
static gr_status read_element(gr__sink *sink, const gr_source *source, const char *path, scan *s, bool first,
                              gr_error *err) {
    const char *begin = s->at;
    size_t line = s->line;
    json_t *object;
    skip_value(s);
    GR_TRY(gr__json_foreign(&object, begin, (size_t)(s->at - begin),
                            &(gr__json_from){path, line, "the list holds objects, with commas between", false}, err));
    gr_status status = gr__record_add(&(gr__record){sink, source, path, line, first}, object, err);
    json_decref(object);
    return status;
}

/* The whole file: one list, and in it the records. */
static gr_status read_list(gr__sink *sink, const gr_source *source, const char *path, scan *s, gr_error *err) {
    skip_blank(s);
    /* The bracket that opens the list. */
    if (s->at == s->end || *s->at != '[')
        return wrong(s, path, "an object a line is read by jsonl: FILE", "the file does not hold a list of objects",
                     err);
    s->at++;
    skip_blank(s);

    /* Elements one after the other: the list need not fit into memory as JSON. */
    for (bool first = true; s->at < s->end && (!first || *s->at != ']'); first = false) {
        GR_TRY(read_element(sink, source, path, s, first, err));
        skip_blank(s);
        if (s->at == s->end || *s->at != ',')
            break;
        s->at++;
        skip_blank(s);
    }

    /* The bracket that closes it, and nothing behind. */
    if (s->at == s->end || *s->at != ']')
        return wrong(s, path, "the file is cut or damaged", "the list has no end", err);
    s->at++;
    skip_blank(s);
    return s->at == s->end ? GR_OK
                           : wrong(s, path, "the file holds one list", "there is something behind the list", err);
}

/* The text of the whole file is in memory while its list is read. */
static gr_status read_file(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    char *text;
    size_t length;
    GR_TRY(gr__file_read_text(&text, &length, path, "check the path; a recipe's paths start at its folder", err));
    scan s = {text, text + length, 1};
    gr_status status = read_list(sink, source, path, &s, err);
    gr_free(text);
    return status;
}

const gr__reader gr__reader_json = {"json", NULL, read_file};

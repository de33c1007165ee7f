/* scores.c - labels by scores of documents and of spans, from a file of JSON Lines.
 *
 * A line holds the scores of one record of the corpus: a number for the whole record, spans [start, end, score] in
 * characters, or both. Records are matched by order, or by an id. The whole file is read and checked when the label is
 * opened; a document is then scored from memory. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/foreign.h"
#include "base/mem.h"
#include "base/number.h"
#include "corpus/record.h"
#include "io/line_reader.h"
#include "label/labelling.h"

/* Arguments: the file, the members of its records, and what of a score makes a label. */
enum { FILE_OF, SCORE, SPANS, ID, THRESHOLD, SOFT };

enum { UNKNOWN = -1, NONE = -2 };

/* Sums of probabilities in single precision miss 1 by about this much: such a score is 1, or 0. */
#define ROUNDING 1e-5

/* By record of the corpus. */
typedef struct scores {
    size_t records;
    bool *given;     /* [records] */
    gr_real *score;  /* [records] UNKNOWN: null, NONE: the record has spans alone */
    uint64_t *first; /* [records] its spans are spans.at[first] .. [first + count - 1], in characters */
    uint32_t *count;
    gr__spans spans;
    size_t *line; /* [records] for messages */
} scores;

/* A record's key and its number, in the order of keys. */
typedef struct keyed {
    uint64_t key;
    uint32_t record;
} keyed;

typedef struct reading {
    scores *scores;
    const gr_label_arg *arg;
    const gr_dataset *data;
    gr__lines lines;
    size_t seen; /* records of the file so far */
    keyed *keys; /* [records], sorted; NULL: by order */
} reading;

static gr_status wrong(const reading *r, const char *hint, gr_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* An error about the line at hand, with its file and number. */
static gr_status wrong(const reading *r, const char *hint, gr_error *err, const char *format, ...) {
    char place[GR__PLACE_SIZE], text[320];
    va_list args;
    va_start(args, format);
    gr__vprint(text, sizeof text, format, args);
    va_end(args);
    return gr_error_set(err, GR_ERR_FORMAT, gr__place_text(place, r->arg[FILE_OF].text, r->lines.number, 0), hint, "%s",
                        text);
}

/* By key; among equal keys by record, so that the order does not depend on the sort. */
static int compare_keys(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->record > y->record) - (x->record < y->record);
}

/* Keys of the corpus in order, for bisection. */
static void sort_keys(reading *r) {
    size_t n = r->scores->records;
    r->keys = gr_alloc(n * sizeof *r->keys);
    for (size_t i = 0; i < n; i++)
        r->keys[i] = (keyed){r->data->keys[i], (uint32_t)i};
    qsort(r->keys, n, sizeof *r->keys, compare_keys);
}

/* ---- A record ---- */

/* Which record of the corpus the object is about. */
static gr_status find_by_id(const reading *r, size_t *record, const json_t *object, gr_error *err) {
    /* An id is a string or an integer, as it is in the corpus. Integers beyond 64 bits were kept as text. */
    const json_t *value = gr__json_member_named(object, r->arg[ID].text);
    char number[32];
    const char *id = gr__json_long(value);
    size_t length = id ? strlen(id) : 0;
    if (json_is_string(value)) {
        id = json_string_value(value);
        length = json_string_length(value);
    } else if (json_is_integer(value)) {
        length = (size_t)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        id = number;
    }
    if (!id)
        return wrong(r, "an id is a string or an integer, as in the corpus", err, "the record has no id \"%.60s\"",
                     r->arg[ID].text);

    /* The first key that is not below the one sought, by bisection. */
    keyed sought = {gr_record_key(id, length), 0};
    size_t lo = 0, hi = r->scores->records;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (r->keys[middle].key < sought.key)
            lo = middle + 1;
        else
            hi = middle;
    }
    if (lo == r->scores->records || r->keys[lo].key != sought.key)
        return wrong(r, "is it the score file of this corpus?", err, "no record of the corpus has the id \"%.60s\"",
                     id);
    *record = r->keys[lo].record;
    return GR_OK;
}

/* The record of the corpus that a line is about: by id, or the next one. */
static gr_status find_record(const reading *r, size_t *record, const json_t *object, gr_error *err) {
    *record = r->seen;
    if (r->keys)
        return find_by_id(r, record, object, err);
    if (r->seen >= r->scores->records)
        return wrong(r, "a score record for each record of the corpus, in its order, duplicates included; or use ids",
                     err, "more score records than the %zu records of the corpus", r->scores->records);
    return GR_OK;
}

/* A score in [0, 1], with a little room for rounding, which is cut off. */
static gr_status number(const reading *r, gr_real *score, const json_t *value, const char *member, gr_error *err) {
    if (gr__json_long(value))
        return wrong(r, "turn logits into probabilities first", err,
                     "\"%.60s\" holds the score %.40s, not one in [0, 1]", member, gr__json_long(value));
    if (!json_is_number(value))
        return wrong(r, "a number in [0, 1], or null where nothing is known", err, "\"%.60s\" is no number", member);
    double x = json_number_value(value);
    if (!(x >= -ROUNDING && x <= 1 + ROUNDING))
        return wrong(r, "turn logits into probabilities first", err,
                     "\"%.60s\" holds the score %.17g, not one in [0, 1]", member, x);
    *score = (gr_real)(x < 0 ? 0 : x > 1 ? 1 : x);
    return GR_OK;
}

/* Adds one span to the list of all. */
static gr_status read_span(reading *r, const json_t *value, gr_error *err) {
    gr__spans *spans = &r->scores->spans;
    const json_t *from = json_array_get(value, 0), *to = json_array_get(value, 1);
    const char *hint = "a span is [start, end, score]: characters from 0, the end not included";
    if (json_array_size(value) != 3 || !json_is_integer(from) || !json_is_integer(to))
        return wrong(r, hint, err, "\"%.60s\" holds something that is no span", r->arg[SPANS].text);

    /* Ends must be in order; the score is checked as any other. */
    json_int_t a = json_integer_value(from), b = json_integer_value(to);
    gr__text_span span = {0};
    if (a < 0 || b <= a || b > INT32_MAX)
        return wrong(r, hint, err, "a span from %lld to %lld", (long long)a, (long long)b);
    GR_TRY(number(r, &span.score, json_array_get(value, 2), r->arg[SPANS].text, err));
    span.from = (uint32_t)a;
    span.to = (uint32_t)b;
    GR_PUSH(spans->at, spans->count, spans->capacity) = span;
    return GR_OK;
}

/* By place, so that one walk over the text serves them all (gr__doc_text_bytes). */
static int compare_spans(const void *a, const void *b) {
    const gr__text_span *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from) : (x->to > y->to) - (x->to < y->to);
}

/* The spans of a record, [start, end, score] each. */
static gr_status read_spans(reading *r, size_t record, const json_t *list, gr_error *err) {
    scores *s = r->scores;
    if (!json_is_array(list) || json_array_size(list) > INT32_MAX)
        return wrong(r, "a list of [start, end, score]", err, "\"%.60s\" is no list of spans", r->arg[SPANS].text);

    /* All spans of the file are in one list; a record knows where its own are. */
    s->first[record] = s->spans.count;
    for (size_t i = 0; i < json_array_size(list); i++)
        GR_TRY(read_span(r, json_array_get(list, i), err));
    s->count[record] = (uint32_t)(s->spans.count - s->first[record]);

    /* In order, for the walk over the text. */
    if (s->count[record])
        qsort(s->spans.at + s->first[record], s->count[record], sizeof(gr__text_span), compare_spans);
    return GR_OK;
}

/* The scores of one line, which go to the record that it is about. */
static gr_status read_record(reading *r, const json_t *object, gr_error *err) {
    scores *s = r->scores;
    size_t record = 0;
    if (!json_is_object(object))
        return wrong(r, "each line holds one {...}", err, "the line is not a JSON object");

    /* Each record has one line. */
    GR_TRY(find_record(r, &record, object, err));
    if (s->given[record])
        return wrong(r, "a record has one line of scores", err, "scores of this record stand in line %zu already",
                     s->line[record]);

    /* A line without either member says nothing, most likely because the members have other names. */
    const json_t *score = gr__json_member_named(object, r->arg[SCORE].text),
                 *spans = gr__json_member_named(object, r->arg[SPANS].text);
    if (!score && !spans)
        return wrong(r, "name the members by scores: {file: FILE, score: MEMBER, spans: MEMBER}", err,
                     "the record has neither \"%.60s\" nor \"%.60s\"", r->arg[SCORE].text, r->arg[SPANS].text);

    /* null means that nothing is known, which differs from a record that has spans alone. */
    s->given[record] = true;
    s->line[record] = r->lines.number;
    s->score[record] = json_is_null(score) ? UNKNOWN : NONE;
    if (score && !json_is_null(score))
        GR_TRY(number(r, &s->score[record], score, r->arg[SCORE].text, err));
    if (spans && !json_is_null(spans))
        GR_TRY(read_spans(r, record, spans, err));
    r->seen++;
    return GR_OK;
}

/* ---- The file ---- */

/* A line of the file as JSON. */
static gr_status read_line(reading *r, gr_error *err) {
    json_t *object;
    GR_TRY(gr__json_foreign(
        &object, r->lines.text, r->lines.length,
        &(gr__json_from){r->arg[FILE_OF].text, r->lines.number, "each line holds one complete JSON object", false},
        err));
    gr_status status = read_record(r, object, err);
    json_decref(object);
    return status;
}

/* Every document has scores, or a line that says that nothing is known. */
static gr_status check_all_given(const reading *r, gr_error *err) {
    const scores *s = r->scores;
    if (!r->keys && r->seen < s->records)
        return wrong(r, "a score record for each record of the corpus, in its order, duplicates included; or use ids",
                     err, "%zu score %s for the %zu %s of the corpus", r->seen,
                     gr__plural((int64_t)r->seen, "record", "records"), s->records,
                     gr__plural((int64_t)s->records, "record", "records"));

    /* Count from behind, so that `first` ends up as the first one that lacks scores. */
    size_t missing = 0, first = 0;
    for (size_t d = r->data->topics.docs; d-- > 0;)
        if (!s->given[r->data->record[d]]) {
            missing++;
            first = r->data->record[d];
        }
    if (missing)
        return wrong(r, "where nothing is known, say so: \"score\": null", err,
                     "%zu %s no scores; the first is record %zu of the corpus", missing,
                     gr__plural((int64_t)missing, "document has", "documents have"), first + 1);
    return GR_OK;
}

/* Every line of the file that holds something; then all documents must have had theirs. */
static gr_status read_all(reading *r, gr_error *err) {
    while (gr__lines_next(&r->lines))
        if (!gr__record_is_blank(r->lines.text, r->lines.length))
            GR_TRY(read_line(r, err));
    return check_all_given(r, err);
}

/* Reads all scores; the tables are the label's, also after an error. */
static gr_status read_file(scores *s, const gr_label_arg *arg, const gr_dataset *data, gr_error *err) {
    char *bytes;
    size_t length, n = s->records = (size_t)data->records;
    if (arg[ID].text && !data->keys)
        return gr_error_set(err, GR_ERR_USAGE, arg[FILE_OF].text, "name the member of the corpus by data: {id: MEMBER}",
                            "scores go by id, and no ids of the corpus are kept");

    /* The whole file at once, and a table by record of the corpus. */
    GR_TRY(gr__file_read_text(&bytes, &length, arg[FILE_OF].text, "check the path of the scores", err));
    s->given = gr_alloc(n * sizeof *s->given);
    s->score = gr_alloc(n * sizeof *s->score);
    s->first = gr_alloc(n * sizeof *s->first);
    s->count = gr_alloc(n * sizeof *s->count);
    s->line = gr_alloc(n * sizeof *s->line);

    /* With ids, records are looked up in a sorted list; without, lines are in the order of records. */
    reading r = {.scores = s, .arg = arg, .data = data, .lines = {.next = bytes, .end = bytes + length}};
    if (arg[ID].text)
        sort_keys(&r);
    gr_status status = read_all(&r, err);
    gr_free(r.keys);
    gr_free(bytes);
    return status;
}

/* A label of whole documents needs the score of each: spans do not give one. */
static gr_status check_whole(const gr__label_draft *label, const gr__labelling *m, gr_error *err) {
    const scores *s = label->state;
    for (size_t d = 0; d < m->topics->docs; d++) {
        uint32_t record = m->data->record[d];
        if (s->score[record] == NONE)
            return gr_error_set(err, GR_ERR_USAGE, label->def->name, "per: token, or a score in each record",
                                "a label of whole documents, and %s:%zu has spans alone", label->arg[FILE_OF].text,
                                s->line[record]);
    }
    return GR_OK;
}

/* Reads the file when the label is defined, so that a wrong one is known before any document is labelled. */
static gr_status open_scores(gr__label_draft *label, gr__labelling *m, gr_error *err) {
    const gr_label_arg *arg = label->arg;
    bool whole = label->per == GR_PER_DOCUMENT;

    /* Spans lie in the text, so labels by token need it; scores of whole documents need the dataset alone. */
    if (!m->data || !whole)
        GR_TRY(gr__label_need_text(m, label, err));
    m->texts |= !whole;

    label->least = (gr_real)arg[THRESHOLD].number;
    label->soft = arg[SOFT].on;
    scores *s = label->state = gr_alloc(sizeof *s);
    GR_TRY(read_file(s, arg, m->data, err));
    return whole ? check_whole(label, m, err) : GR_OK;
}

/* Frees tables and spans. */
static void close_scores(void *state) {
    scores *s = state;
    if (!s)
        return;
    void *owned[] = {s->given, s->score, s->first, s->count, s->line, s->spans.at, s};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
}

/* ---- A document ---- */

/* The record's spans as m->spans, in bytes of the document's text. Its places count characters of the record, before
 * white space at its ends was cut (lead, tail). */
static gr_status spans_of_record(const gr__label_draft *label, gr__labelling *m, size_t d, size_t record,
                                 gr_error *err) {
    const scores *s = label->state;
    size_t most = 0, characters = (size_t)m->data->lead[d] + m->data->tail[d];
    m->spans.count = 0;

    /* A copy, since places change. */
    for (uint32_t i = 0; i < s->count[record]; i++) {
        gr__text_span span = s->spans.at[s->first[record] + i];
        most = span.to > most ? span.to : most;
        GR_PUSH(m->spans.at, m->spans.count, m->spans.capacity) = span;
    }

    /* Places can be found only if the tokens spell the text character by character, and must lie in it. */
    if (!m->text.exact)
        return gr_error_set(
            err, GR_ERR_USAGE, label->def->name, "use a byte-level tokenizer, or scores of whole documents",
            "the tokens of record %zu do not spell all of its text, so places in it are not known", record + 1);
    characters += gr__doc_text_characters(&m->text);
    if (most > characters) {
        char place[320];
        snprintf(place, sizeof place, "%.200s:%zu", label->arg[FILE_OF].text, s->line[record]);
        return gr_error_set(err, GR_ERR_FORMAT, place, "is it the score file of this corpus?",
                            "a span ends at character %zu of a document of %zu", most, characters);
    }

    /* Places in characters become places in bytes, without the white space in front. */
    gr__doc_text_bytes(&m->text, &m->spans, m->data->lead[d]);
    return GR_OK;
}

/* The document's score where no span says otherwise; spans replace it where they lie. */
static gr_status score(gr__label_draft *label, gr__labelling *m, size_t d, size_t positions, gr_error *err) {
    const scores *s = label->state;
    size_t record = m->data->record[d];
    gr_real whole = s->score[record];

    /* Everywhere the record's own score, first. */
    for (size_t i = 0; i < positions; i++)
        label->score[i] = whole > 0 ? whole : 0;
    if (label->per == GR_PER_DOCUMENT || !s->count[record]) {
        for (size_t i = 0; i < positions; i++)
            m->unknown[i] |= whole == UNKNOWN;
        return GR_OK;
    }

    /* Then spans: -1 marks the positions that no span touches, which keep the record's score. */
    GR_TRY(spans_of_record(label, m, d, record, err));
    gr_real *marked = gr_alloc(positions * sizeof *marked);
    for (size_t i = 0; i < positions; i++)
        marked[i] = -1;
    gr__doc_text_mark(&m->text, marked, &m->spans);
    for (size_t i = 0; i < positions; i++) {
        label->score[i] = marked[i] >= 0 ? marked[i] : label->score[i];
        m->unknown[i] |= marked[i] < 0 && whole == UNKNOWN;
    }
    gr_free(marked);
    return GR_OK;
}

/* The error of a label whose threshold no score reaches. */
static gr_status error_if_empty(const gr__label_draft *label, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, label->def->name, "lower the threshold",
                        "no score of %s reaches the threshold of %g", label->arg[FILE_OF].text,
                        label->arg[THRESHOLD].number);
}

const gr__label_source gr__label_by_scores = {
    .arg = {[FILE_OF] = {.key = "scores", .kind = GR__ARG_FILE},
            [SCORE] = {.key = "score", .kind = GR__ARG_TEXT, .within = true, .text = "score"},
            [SPANS] = {.key = "spans", .kind = GR__ARG_TEXT, .within = true, .text = "spans"},
            [ID] = {.key = "id", .kind = GR__ARG_ID, .within = true},
            [THRESHOLD] = {.key = "threshold", .kind = GR__ARG_NUMBER, .number = 0.5, .min = 0, .max = 1},
            [SOFT] = {.key = "soft", .kind = GR__ARG_SWITCH}},
    .form = "scores: FILE",
    .example = "scores: {file: scores.jsonl}",
    .unit = GR__UNIT_ANY,
    .rule = true,
    .open = open_scores,
    .close = close_scores,
    .score = score,
    .error_if_empty = error_if_empty,
};

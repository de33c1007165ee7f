/* corpus.c - runs the readers over the sources, gathers documents and topics, drops duplicates.
 *
 * A reader calls the sink for each record: topic and kept members first, then the text, which ends the record. What
 * must stay for good (texts, names) is in the corpus's arena; tables by document grow in the sink and become the
 * corpus's at the end. Shards read in chunks instead: after so many bytes of text the documents are handed out, and
 * their memory is used again. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "corpus/reader.h"
#include "io/line_reader.h"

static const gr__reader *const readers[] = {
    &gr__reader_wordnet, &gr__reader_jsonl, &gr__reader_json,   &gr__reader_csv,
    &gr__reader_tsv,     &gr__reader_text,  &gr__reader_folder, &gr__reader_planted,
};
enum { READERS = sizeof readers / sizeof *readers, TOPICS_MOST = 4096, VALUES_MOST = 1 << 20, MEMBERS_MOST = 64 };

/* A kept member of all records. */
typedef struct kept_field {
    gr__names values; /* all that occur, numbered */
    int32_t pending;  /* of the record that is being read */
    int32_t *of;      /* becomes fields[].values.of */
    size_t count, capacity;
} kept_field;

struct gr__sink {
    gr_corpus *corpus; /* what is being filled */
    const gr_corpus_def *def;
    int32_t *of; /* becomes corpus->topics.of */
    size_t texts_capacity, of_capacity, of_count, names_capacity;
    int32_t last;          /* topic of the previous look-up: neighbours mostly share it */
    kept_field *columns;   /* [def->field_count] */
    uint64_t key;          /* of the record that is being read */
    bool keyed, keep_cuts; /* of the record that is being read: it has an id; white space that was cut from it counts */
    size_t record_count, record_capacity, lead_count, lead_capacity, tail_count, tail_capacity;
    size_t keys_count, keys_capacity, files_capacity;
    gr__names members; /* of some records */
    size_t whole;      /* files of the source at hand without a separator, and the first of them */
    char *whole_first;
    gr_arena *texts;    /* of a chunk; else the corpus's arena */
    size_t bytes, most; /* text gathered, and when it is handed out; most 0: never */
    gr__take *take;
    void *user;
};

/* The name as it is kept: composed, so that names which look alike are one. *owned is the caller's to free. */
static gr_status take_name(const char **name, size_t *length, char **owned, const char *what, const char *place,
                           gr_error *err) {
    /* Names stand in recipes, files and messages, so they must be texts. */
    if (!gr__text_is_name(*name, *length))
        return gr_error_set(err, GR_ERR_FORMAT, place, "names are UTF-8 without the character U+0000",
                            "%s is no text that can be a name", what);
    *owned = gr__text_compose(*name, *length);
    if (*owned) {
        *name = *owned;
        *length = strlen(*owned);
    }
    return GR_OK;
}

/* Finds the topic by its name, or adds it. The search begins at the topic of the record before. */
static gr_status add_topic(gr__sink *sink, int32_t *topic, const char *name, size_t length, const char *place,
                           gr_error *err) {
    gr_topics *topics = &sink->corpus->topics;
    for (int32_t k = 0; k < topics->count; k++) {
        int32_t at = (sink->last + k) % topics->count;
        const char *have = topics->names[at];
        if (strlen(have) == length && !memcmp(have, name, length)) {
            *topic = sink->last = at;
            return GR_OK;
        }
    }

    /* New. So many different ones mean that the member is no topic but, say, a title. */
    if (topics->count == TOPICS_MOST)
        return gr_error_set(err, GR_ERR_FORMAT, place, "is the label field one with few different values?",
                            "more than %d different topics", TOPICS_MOST);
    *topic = sink->last = topics->count;
    GR_PUSH(topics->names, topics->count, sink->names_capacity) = gr_arena_strndup(sink->corpus->arena, name, length);
    return GR_OK;
}

/* A reader's topic as its number; see reader.h. */
gr_status gr__sink_topic(gr__sink *sink, int32_t *topic, const char *name, size_t length, const char *place,
                         gr_error *err) {
    char *owned = NULL;
    GR_TRY(take_name(&name, &length, &owned, "the topic", place, err));
    gr_status status = add_topic(sink, topic, name, length, place, err);
    gr_free(owned);
    return status;
}

int gr__sink_fields(const gr__sink *sink) { return sink->def->field_count; }
const char *gr__sink_field_name(const gr__sink *sink, int which) { return sink->def->fields[which]; }
const char *gr__sink_id_name(const gr__sink *sink) { return sink->def->id; }
void gr__sink_keep_cuts(gr__sink *sink) { sink->keep_cuts = true; }

gr_status gr__sink_field(gr__sink *sink, int which, const char *value, size_t length, const char *place,
                         gr_error *err) {
    gr__names *values = &sink->columns[which].values;

    /* The value waits until the record is known to be a document (end_record). */
    char *owned = NULL;
    GR_TRY(take_name(&value, &length, &owned, "the value of a kept member", place, err));
    sink->columns[which].pending = (int32_t)gr__names_add(values, value, length);
    gr_free(owned);
    if (values->count > VALUES_MOST)
        return gr_error_set(err, GR_ERR_FORMAT, place, "is it a field with few different values?",
                            "more than %d different values of \"%s\"", VALUES_MOST, sink->def->fields[which]);
    return GR_OK;
}

/* A hash of the id as it is kept: composed, so that two spellings of one text are one id. */
uint64_t gr_record_key(const char *id, size_t length) {
    char *owned = gr__text_compose(id, length);
    uint64_t key = owned ? gr__hash(owned, strlen(owned)) : gr__hash(id, length);
    gr_free(owned);
    return key;
}

void gr__sink_id(gr__sink *sink, const char *id, size_t length) {
    sink->key = gr_record_key(id, length);
    sink->keyed = true;
}

void gr__sink_member(gr__sink *sink, const char *name) {
    if (sink->members.count < MEMBERS_MOST)
        gr__names_add(&sink->members, name, strlen(name));
}

void gr__sink_whole(gr__sink *sink, const char *path) {
    if (!sink->whole++)
        sink->whole_first = gr_arena_strdup(sink->corpus->arena, path);
}

/* One document for each file may be meant, or the separator is wrong: say which it is. */
static void note_whole(gr__sink *sink, const gr_source *source, size_t files) {
    /* The separator as JSON writes it, since it may hold line breaks. */
    json_t *separator = json_string(source->separator);
    char *text = json_dumps(separator, JSON_ENCODE_ANY);

    /* One file, or some of several. */
    if (sink->whole == 1)
        gr_log_line(1, "note: %s is one document: the separator %s does not occur in it", sink->whole_first,
                    text ? text : "");
    else if (sink->whole)
        gr_log_line(
            1,
            "note: %zu of %zu files, the first is %s, are one document each: the separator %s does not occur in them",
            sink->whole, files, sink->whole_first, text ? text : "");
    free(text);
    json_decref(separator);
    sink->whole = 0;
}

/* The record's number, key and members; document says whether it becomes one. */
static void end_record(gr__sink *sink, bool document, size_t lead, size_t tail) {
    gr_corpus *corpus = sink->corpus;

    /* Tables by document, then tables by record. */
    if (document)
        GR_PUSH(corpus->record, sink->record_count, sink->record_capacity) = (uint32_t)corpus->records;
    if (document && !sink->most) { /* nobody needs those of chunks */
        GR_PUSH(corpus->lead, sink->lead_count, sink->lead_capacity) = sink->keep_cuts ? (uint32_t)lead : 0;
        GR_PUSH(corpus->tail, sink->tail_count, sink->tail_capacity) = sink->keep_cuts ? (uint32_t)tail : 0;
    }

    /* Kept members; -1 where the record has none. */
    for (int f = 0; f < sink->def->field_count; f++) {
        kept_field *c = &sink->columns[f];
        if (document)
            GR_PUSH(c->of, c->count, c->capacity) = c->pending;
        c->pending = -1;
    }

    /* A key for each record, document or not. */
    if (sink->def->id) /* 0 where it has no id, as records of other readers: no id has this key to itself */
        GR_PUSH(corpus->keys, sink->keys_count, sink->keys_capacity) = sink->keyed ? sink->key : 0;
    sink->keyed = sink->keep_cuts = false;
    corpus->records++;
}

/* Hands a chunk to the taker. Documents go, topics stay. */
static gr_status hand_out(gr__sink *sink, gr_error *err) {
    gr_corpus *corpus = sink->corpus;
    corpus->topics.of = sink->of;
    GR_TRY(sink->take(sink->user, corpus, sink->of, err));

    /* The texts' memory is used again for the next chunk. */
    gr_arena_free(sink->texts);
    sink->texts = gr_arena_new();
    corpus->topics.docs = sink->of_count = sink->record_count = sink->bytes = 0;
    return GR_OK;
}

gr_status gr__sink_add(gr__sink *sink, const char *text, size_t length, int32_t topic, const char *place,
                       gr_error *err) {
    gr_corpus *corpus = sink->corpus;
    size_t lead = 0, tail = 0;

    /* White space at both ends is no text. */
    GR_TRY(gr__go_on(sink->def->stop, "reading the corpus", err));
    while (tail < length && gr_is_space(text[length - tail - 1]))
        tail++;
    length -= tail;
    while (lead < length && gr_is_space(text[lead]))
        lead++;
    text += lead;
    length -= lead;

    /* Numbers of documents and places in them are kept in 32 bits. */
    if (length > INT32_MAX || lead > INT32_MAX || tail > INT32_MAX || corpus->records >= INT32_MAX)
        return gr_error_set(err, GR_ERR_FORMAT, place, "split it", "more than 2^31 - 1 %s",
                            corpus->records >= INT32_MAX ? "documents" : "bytes in one document");

    /* The record counts also when it has no text: scores go by the number of the record. */
    end_record(sink, length > 0, lead, tail);
    if (!length) {
        corpus->skipped++;
        return GR_OK;
    }

    /* The document; a chunk that is full goes out. */
    GR_PUSH(corpus->texts, corpus->topics.docs, sink->texts_capacity) =
        (gr_text){gr_arena_strndup(sink->texts, text, length), length};
    GR_PUSH(sink->of, sink->of_count, sink->of_capacity) = topic;
    sink->bytes += length;
    return sink->most && sink->bytes >= sink->most ? hand_out(sink, err) : GR_OK;
}

/* By length, then bytes, then order of reading: sorting has no bad inputs, unlike a hash table. */
static int compare_texts(const void *a, const void *b, void *context) {
    const gr_text *texts = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (texts[i].length != texts[j].length)
        return texts[i].length < texts[j].length ? -1 : 1;
    int order = memcmp(texts[i].data, texts[j].data, texts[i].length);
    return order ? order : (i > j) - (i < j);
}

/* Drops documents whose text was read before. */
static void drop_duplicates(gr_corpus *corpus, gr__sink *sink) {
    size_t n = corpus->topics.docs, kept = 0;
    const gr_text *texts = corpus->texts;
    uint32_t *order = gr_alloc(n * sizeof *order);
    bool *duplicate = gr_alloc(n);

    /* In the order of texts those that are alike are neighbours; the first one read stays. */
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, n, sizeof *order, compare_texts, corpus->texts);
    for (size_t i = 1; i < n; i++) {
        const gr_text *a = &texts[order[i - 1]], *b = &texts[order[i]];
        duplicate[order[i]] = a->length == b->length && !memcmp(a->data, b->data, a->length);
    }

    /* All columns close up. */
    for (size_t i = 0; i < n; i++)
        if (!duplicate[i]) {
            corpus->texts[kept] = texts[i];
            corpus->record[kept] = corpus->record[i];
            corpus->lead[kept] = corpus->lead[i];
            corpus->tail[kept] = corpus->tail[i];
            for (int f = 0; f < sink->def->field_count; f++)
                sink->columns[f].of[kept] = sink->columns[f].of[i];
            sink->of[kept++] = sink->of[i];
        }
    corpus->topics.docs = kept;
    corpus->duplicates = n - kept;
    gr_free(order);
    gr_free(duplicate);
}

/* The reader of this name, NULL where there is none. */
static const gr__reader *find_reader(const char *name) {
    if (!name)
        return NULL;
    for (int i = 0; i < READERS; i++)
        if (!strcmp(readers[i]->name, name))
            return readers[i];
    return NULL;
}

/* The hint lists the readers that there are. */
static gr_status unknown_reader(const char *name, gr_error *err) {
    char hint[128] = "readers are";
    for (int i = 0; i < READERS; i++) {
        size_t at = strlen(hint);
        snprintf(hint + at, sizeof hint - at, "%s %s", i ? "," : "", readers[i]->name);
    }
    return gr_error_set(err, GR_ERR_USAGE, "data", hint, "unknown reader \"%s\"", name ? name : "");
}

/* Whether a source is not there at all, so that its fallback is read. A file that is there but cannot be opened is an
 * error of its own. */
static bool is_missing(const gr__reader *reader, const char *path) {
    char *probe = reader->probe ? gr_format("%s/%s", path, reader->probe) : gr_strdup(path);
    bool missing = access(probe, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
    gr_free(probe);
    return missing;
}

const char *gr__corpus_place(char place[GR__PLACE_SIZE], const gr_corpus *corpus, size_t doc) {
    char path[GR__PLACE_SIZE];
    if (!corpus->file_count || !corpus->record)
        return NULL;

    /* Files are few: from the last one back to the one that the record is in. */
    size_t record = corpus->record[doc], f = corpus->file_count - 1;
    while (f && corpus->files[f].first > record)
        f--;
    snprintf(place, GR__PLACE_SIZE, "%.200s: record %zu", gr__place_text(path, corpus->files[f].path, 0, 0),
             record - corpus->files[f].first + 1);
    return place;
}

void gr__sink_file(gr__sink *sink, const char *path) {
    gr_corpus *corpus = sink->corpus;
    GR_PUSH(corpus->files, corpus->file_count, sink->files_capacity) =
        (gr_corpus_file){gr_arena_strdup(corpus->arena, path), corpus->records};
}

/* Records from here on are of this file. */
static gr_status read_path(gr__sink *sink, const gr__reader *reader, const gr_source *source, const char *path,
                           gr_error *err) {
    gr__sink_file(sink, path);
    return reader->read(sink, source, path, err);
}

/* All documents of one source. */
static gr_status read_source(gr__sink *sink, const gr_source *source, gr_error *err) {
    const gr__reader *reader = find_reader(source->reader);
    if (!reader)
        return unknown_reader(source->reader, err);
    if (source->facts) /* they are made: no file is read */
        return read_path(sink, reader, source, reader->name, err);
    if (!source->path)
        return gr_error_set(err, GR_ERR_USAGE, "data", "name the file or folder to read", "the source has no path");

    /* The fallback, where the source is not there. */
    const char *path = source->path;
    if (source->fallback && is_missing(reader, path)) {
        path = source->fallback;
        sink->corpus->used_fallback = true;
    }
    if (reader->probe) /* a folder */
        return read_path(sink, reader, source, path, err);

    /* A path may be a pattern: every file that matches, in order. */
    gr__files files;
    GR_TRY(gr__files_find(&files, path, err));
    gr_status status = GR_OK;
    for (size_t i = 0; i < files.count && status == GR_OK; i++)
        status = read_path(sink, reader, source, files.path[i], err);
    if (status == GR_OK)
        note_whole(sink, source, files.count);
    gr__files_free(&files);
    return status;
}

/* All sources, in the order of the recipe. */
static gr_status read_sources(gr__sink *sink, const gr_corpus_def *def, gr_error *err) {
    for (int i = 0; i < def->source_count; i++)
        GR_TRY(read_source(sink, &def->sources[i], err));
    return GR_OK;
}

/* Empty tables; no kept member has a value yet. */
static void open_sink(gr__sink *sink, gr_corpus *corpus, const gr_corpus_def *def) {
    *sink = (gr__sink){.corpus = corpus, .def = def, .texts = corpus->arena};
    sink->members.arena = corpus->arena;
    sink->columns = gr_alloc((size_t)def->field_count * sizeof *sink->columns);
    for (int f = 0; f < def->field_count; f++) {
        sink->columns[f].values.arena = corpus->arena;
        sink->columns[f].pending = -1;
    }
}

/* Hands what was gathered to the corpus, which owns it from here on. */
static void close_sink(gr__sink *sink) {
    gr_corpus *corpus = sink->corpus;
    corpus->topics.of = sink->of;
    corpus->field_count = sink->def->field_count;
    corpus->fields = gr_alloc((size_t)corpus->field_count * sizeof *corpus->fields);

    /* Values of kept members become names with a number for each document, as topics are. */
    for (int f = 0; f < corpus->field_count; f++) {
        kept_field *c = &sink->columns[f];
        size_t n = c->values.count;
        char **names = gr_arena_alloc(corpus->arena, (n + 1) * sizeof *names);
        if (n)
            memcpy(names, c->values.at, n * sizeof *names);
        corpus->fields[f] = (gr_field){gr_arena_strdup(corpus->arena, sink->def->fields[f]),
                                       {names, (int32_t)n, c->of, corpus->topics.docs}};
        gr__names_clear(&c->values);
    }
    gr_free(sink->columns);
    gr__names_clear(&sink->members);
}

/* A kept member that no record has is a mistake in the recipe, and the nearest member is named. */
static gr_status check_fields(const gr__sink *sink, gr_error *err) {
    for (int f = 0; f < sink->def->field_count; f++)
        if (!sink->columns[f].values.count) {
            const char *near =
                gr_nearest(sink->def->fields[f], (const char *const *)sink->members.at, sink->members.count, NULL);
            char hint[256];
            snprintf(hint, sizeof hint, near ? "did you mean \"%.100s\"?" : "fields are members of JSON Lines records",
                     near);
            return gr_error_set(err, GR_ERR_USAGE, "data", hint, "no record has a member \"%.100s\"",
                                sink->def->fields[f]);
        }
    return GR_OK;
}

/* Records by key, then by number: the first one of a key comes first. */
static int compare_keys(const void *a, const void *b, void *context) {
    const uint64_t *keys = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    return keys[i] != keys[j] ? (keys[i] > keys[j]) - (keys[i] < keys[j]) : (i > j) - (i < j);
}

/* The first record whose id an earlier one has, and that one; false when there is none. */
static bool find_twice(uint32_t twice[2], const gr_corpus *corpus) {
    uint32_t n = (uint32_t)corpus->records, *order = gr_alloc(n * sizeof *order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, compare_keys, corpus->keys);

    /* Equal keys are neighbours in that order. Of all that occur twice, report the one that was read first. */
    twice[1] = UINT32_MAX;
    for (uint32_t i = 1; i < n; i++)
        if (corpus->keys[order[i]] && corpus->keys[order[i]] == corpus->keys[order[i - 1]] && order[i] < twice[1]) {
            twice[0] = order[i - 1];
            twice[1] = order[i];
        }
    gr_free(order);
    return twice[1] != UINT32_MAX;
}

/* An id that two records have would give one the scores of the other. */
static gr_status check_ids(const gr_corpus *corpus, const gr_corpus_def *def, gr_error *err) {
    uint32_t twice[2];
    if (!def->id || !find_twice(twice, corpus))
        return GR_OK;
    return gr_error_set(err, GR_ERR_FORMAT, def->sources[0].path, "an id belongs to one record",
                        "records %u and %u have the same \"%s\"", twice[0] + 1, twice[1] + 1, def->id);
}

gr_status gr__corpus_empty(const gr_corpus_def *def, size_t skipped, gr_error *err) {
    return gr_error_set(err, GR_ERR_FORMAT, def->source_count ? def->sources[0].path : "data",
                        "check the path, the text field and the separator",
                        "the corpus is empty: no document in %d %s, %zu %s without text", def->source_count,
                        gr__plural(def->source_count, "source", "sources"), skipped,
                        gr__plural((int64_t)skipped, "record", "records"));
}

/* Reads all sources, and checks what only the whole corpus can tell. */
static gr_status fill(gr_corpus *corpus, gr__sink *sink, const gr_corpus_def *def, gr_error *err) {
    GR_TRY(read_sources(sink, def, err));
    if (!corpus->topics.docs)
        return gr__corpus_empty(def, corpus->skipped, err);
    corpus->read = corpus->topics.docs;
    GR_TRY(check_fields(sink, err));
    GR_TRY(check_ids(corpus, def, err));
    if (def->dedupe)
        drop_duplicates(corpus, sink);
    return GR_OK;
}

gr_status gr_corpus_open(gr_corpus **out, const gr_corpus_def *def, gr_error *err) {
    *out = NULL;
    gr_corpus *corpus = gr_alloc(sizeof *corpus);
    corpus->arena = gr_arena_new();

    /* Tables grow in the sink; the corpus takes them over either way. */
    gr__sink sink;
    open_sink(&sink, corpus, def);
    gr_status status = fill(corpus, &sink, def, err);
    close_sink(&sink);
    if (status == GR_OK)
        *out = corpus;
    else
        gr_corpus_free(corpus);
    return status;
}

gr_status gr__corpus_chunks(const gr_corpus_def *def, size_t bytes, gr__take *take, void *user, gr_error *err) {
    gr_corpus *corpus = gr_alloc(sizeof *corpus);
    corpus->arena = gr_arena_new();
    gr_corpus_def plain = *def; /* members of records are not kept */
    plain.field_count = 0;
    plain.id = NULL;

    /* Texts are in an arena of their own, which goes with each chunk. */
    gr__sink sink;
    open_sink(&sink, corpus, &plain);
    sink.texts = gr_arena_new();
    sink.most = bytes;
    sink.take = take;
    sink.user = user;

    /* What is left at the end is the last chunk. */
    gr_status status = read_sources(&sink, def, err);
    if (status == GR_OK)
        status = hand_out(&sink, err);
    close_sink(&sink);
    gr_arena_free(sink.texts);
    gr_corpus_free(corpus);
    return status;
}

void gr_corpus_free(gr_corpus *corpus) {
    if (!corpus)
        return;

    /* Tables by document and by record, which grew one by one. */
    gr_free((void *)corpus->topics.of);
    for (int f = 0; f < corpus->field_count; f++)
        gr_free((void *)corpus->fields[f].values.of);
    gr_free(corpus->fields);
    gr_free(corpus->record);
    gr_free(corpus->files);
    gr_free(corpus->lead);
    gr_free(corpus->tail);
    gr_free(corpus->keys);
    gr_free(corpus->topics.names);
    gr_free(corpus->texts);

    /* All texts and names. */
    gr_arena_free(corpus->arena);
    gr_free(corpus);
}

/* test_corpus.c - readers of documents, their errors, duplicates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "gradroute/data.h"
#include "support.h"

static const char *write_text(const char *name, const char *text) { return gr_test_write(name, text, strlen(text)); }

/* ---- Shorthand --------------------------------------------------------------------------------------------------- */

static gr_status open_one(gr_corpus **corpus, const gr_source *source, bool dedupe, gr_error *err) {
    return gr_corpus_open(corpus, &(gr_corpus_def){.sources = source, .source_count = 1, .dedupe = dedupe}, err);
}

static gr_corpus *open_good(const gr_source *source, bool dedupe) {
    gr_corpus *corpus = NULL;
    gr_error err = {0};
    if (open_one(&corpus, source, dedupe, &err))
        fail_msg("%s: %s", err.place, err.message);
    return corpus;
}

static void expect_error(const gr_source *source, gr_status status, const char *place, const char *message) {
    gr_corpus *corpus = (gr_corpus *)1;
    gr_error err = {0};
    assert_int_equal(open_one(&corpus, source, true, &err), status);
    assert_null(corpus);
    if (!strstr(err.place, place) || !strstr(err.message, message))
        fail_msg("expected \"%s\" and \"%s\", got \"%s: %s\"", place, message, err.place, err.message);
    assert_true(err.hint[0] != '\0');
}

static void assert_doc(const gr_corpus *corpus, size_t d, const char *text, const char *topic) {
    assert_true(d < corpus->topics.docs);
    assert_int_equal(corpus->texts[d].length, strlen(text));
    assert_memory_equal(corpus->texts[d].data, text, strlen(text));
    assert_string_equal(corpus->topics.names[corpus->topics.of[d]], topic);
}

static gr_source jsonl(const char *path) {
    gr_source source = gr_source_default();
    source.reader = "jsonl";
    source.path = path;
    return source;
}

/* ---- WordNet ----------------------------------------------------------------------------------------------------- */

static const char noun_line[] = "01503061 05 n 01 bird 0 002 @ 01471682 n 0000 ~ 01503061 n 0000 | warm-blooded "
                                "egg-laying vertebrates  \n";
static const char adj_line[] = "00001740 00 s 02 galore(ip) 0 a_la_carte b 000 | existing in abundance; \"whiskey "
                               "galore\"  \n";
static const char verb_line[] = "00211852 30 v 01 freeze-dry 0 001 * 00211108 v 0000 02 + 08 00 + 11 01 | preserve by "
                                "rapid freezing  \n";
static const char adv_line[] = "00003483 02 r 01 barely 0 000 | by a small margin  \n";

static void write_wordnet(const char *noun) {
    mkdir(gr_test_path("wn"), 0777);
    write_text("wn/data.noun", noun);
    write_text("wn/data.verb", verb_line);
    write_text("wn/data.adj", adj_line);
    write_text("wn/data.adv", adv_line);
}

static gr_source wordnet(const char *path) {
    gr_source source = gr_source_default();
    source.path = path;
    return source;
}

static void wordnet_lines(void **state) {
    (void)state;
    char noun[1024];
    snprintf(noun, sizeof noun, "  1 This software is provided  \n%s%s", noun_line, noun_line);
    write_wordnet(noun);
    gr_source source = wordnet(gr_test_path("wn"));
    gr_corpus *corpus = open_good(&source, true);
    assert_int_equal(corpus->topics.docs, 4);
    assert_int_equal(corpus->read, 5);
    assert_int_equal(corpus->duplicates, 1);
    assert_false(corpus->used_fallback);
    assert_int_equal(corpus->topics.count, 45);
    assert_string_equal(corpus->topics.names[5], "noun.animal");
    assert_string_equal(corpus->topics.names[44], "adj.ppl");
    assert_doc(corpus, 0, "bird: warm-blooded egg-laying vertebrates", "noun.animal");
    assert_doc(corpus, 1, "freeze-dry: preserve by rapid freezing", "verb.change");
    assert_doc(corpus, 2, "galore, a la carte: existing in abundance; \"whiskey galore\"", "adj.all");
    assert_doc(corpus, 3, "barely: by a small margin", "adv.all");
    gr_corpus_free(corpus);
}

static void wordnet_fallback(void **state) {
    (void)state;
    write_wordnet(noun_line);
    char *missing = strdup(gr_test_path("nowhere"));
    gr_source source = wordnet(missing);
    expect_error(&source, GR_ERR_INPUT, "nowhere/data.noun", "cannot open");
    source.fallback = gr_test_path("wn");
    gr_corpus *corpus = open_good(&source, true);
    assert_true(corpus->used_fallback);
    assert_int_equal(corpus->topics.docs, 4);
    gr_corpus_free(corpus);
    source.fallback = gr_test_path("nowhere-either");
    expect_error(&source, GR_ERR_INPUT, "nowhere-either/data.noun", "cannot open");
    free(missing);
}

/* Each line is damaged in one field; the message names the line, and the column of the field. */
static void wordnet_damage(void **state) {
    (void)state;
    static const struct {
        const char *line, *place, *message;
    } cases[] = {
        {"0150306 05 n 01 bird 0 000 | gloss  \n", ":2:1", "offset"},
        {"01503061 45 n 01 bird 0 000 | gloss  \n", ":2:10", "lexicographer"},
        {"01503061 05 x 01 bird 0 000 | gloss  \n", ":2:13", "part of speech"},
        {"01503061 05 n 00 bird 0 000 | gloss  \n", ":2:15", "number of words"},
        {"01503061 05 n 02 bird 0 000 | gloss  \n", ":2:29", "sense"},
        {"01503061 05 n 01 bird g 000 | gloss  \n", ":2:23", "sense"},
        {"01503061 05 n 01 bird 0 0x0 | gloss  \n", ":2:25", "pointers"},
        {"01503061 05 n 01 bird 0 002 @ 01471682 n 0000 | gloss  \n", ":2:47", "symbol"},
        {"01503061 05 n 01 bird 0 001 @ 01471682 n 00 | gloss  \n", ":2:42", "pointer"},
        {"01503061 30 v 01 bird 0 000 01 + 08 | gloss  \n", ":2:37", "frame"},
        {"01503061 05 n 01 bird 0 000 gloss  \n", ":2:29", "gloss"},
        {"01503061 05 n 01 bird 0 000 |  \n", ":2:", "empty"},
        {"\n", ":2:1", "offset"},
        {"01503061 05 n 01 bird 0 000 | glo", ":2:", "no end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char noun[1024];
        snprintf(noun, sizeof noun, "%s%s", noun_line, cases[i].line);
        write_wordnet(noun);
        gr_source source = wordnet(gr_test_path("wn"));
        expect_error(&source, GR_ERR_FORMAT, cases[i].place, cases[i].message);
    }
}

/* A file cut anywhere inside a line is noticed. */
static void wordnet_cut(void **state) {
    (void)state;
    gr_source source = wordnet(gr_test_path("wn"));
    char *path = strdup(source.path);
    source.path = path;
    for (size_t n = 1; n < strlen(noun_line); n++) {
        char noun[1024];
        snprintf(noun, sizeof noun, "%.*s", (int)n, noun_line);
        write_wordnet(noun);
        expect_error(&source, GR_ERR_FORMAT, "data.noun:1:", "");
    }
    free(path);
}

static size_t count_topic(const gr_topics *topics, const char *name) {
    size_t n = 0;
    for (size_t d = 0; d < topics->docs; d++)
        n += !strcmp(topics->names[topics->of[d]], name);
    return n;
}

static void wordnet_installed(void **state) {
    (void)state;
    if (access("/usr/share/wordnet/data.noun", R_OK))
        skip();
    gr_source source = gr_source_default();
    gr_corpus *corpus = open_good(&source, false);
    assert_int_equal(corpus->topics.docs, 117659);
    assert_int_equal(corpus->duplicates, 0);
    assert_int_equal(count_topic(&corpus->topics, "noun.animal"), 7509);
    assert_int_equal(count_topic(&corpus->topics, "noun.plant"), 8030);
    assert_int_equal(count_topic(&corpus->topics, "noun.food"), 2573);
    assert_int_equal(count_topic(&corpus->topics, "noun.body"), 2016);
    gr_corpus_free(corpus);
    corpus = open_good(&source, true);
    assert_int_equal(corpus->read, 117659);
    assert_int_equal(corpus->topics.docs + corpus->duplicates, 117659);
    assert_int_equal(corpus->duplicates, 0);
    gr_corpus_free(corpus);
}

/* The folder that ships with the project, found from the source tree or the build folder in it. */
static const char *subset_path(void) {
    static const char *const places[] = {"recipes/wordnet-subset", "../recipes/wordnet-subset"};
    for (int i = 0; i < 2; i++)
        if (!access(places[i], R_OK))
            return places[i];
    return NULL;
}

static void wordnet_subset(void **state) {
    (void)state;
    gr_source source = wordnet(subset_path());
    if (!source.path)
        skip();
    gr_corpus *corpus = open_good(&source, true);
    assert_in_range(corpus->read, 3000, 4000);
    for (int i = 0; i < corpus->topics.count; i++)
        assert_true(count_topic(&corpus->topics, corpus->topics.names[i]) >= 10);
    assert_true(count_topic(&corpus->topics, "noun.animal") > 500);
    assert_true(count_topic(&corpus->topics, "noun.plant") > 500);
    gr_corpus_free(corpus);
}

/* ---- JSON Lines and text ----------------------------------------------------------------------------------------- */

static void jsonl_records(void **state) {
    (void)state;
    gr_source source = jsonl(write_text("good.jsonl", "{\"text\": \"one\", \"label\": \"a\"}\n"
                                                      "\r\n"
                                                      "{\"label\": 7, \"text\": \" two\\n\"}\n"
                                                      "{\"label\": true, \"text\": \"caf\\u00e9\"}\n"
                                                      "{\"label\": \"a\", \"text\": \" \"}\n"
                                                      "{\"label\": \"b\", \"text\": \"one\"}"));
    gr_corpus *corpus = open_good(&source, false);
    assert_int_equal(corpus->topics.docs, 4);
    assert_int_equal(corpus->skipped, 1);
    assert_doc(corpus, 0, "one", "a");
    assert_doc(corpus, 1, "two", "7");
    assert_doc(corpus, 2, "caf\xc3\xa9", "true");
    assert_doc(corpus, 3, "one", "b");
    gr_corpus_free(corpus);
    corpus = open_good(&source, true); /* equal text under another label is a duplicate too: the first one stays */
    assert_int_equal(corpus->topics.docs, 3);
    assert_int_equal(corpus->duplicates, 1);
    assert_doc(corpus, 0, "one", "a");
    gr_corpus_free(corpus);
}

static void jsonl_fields(void **state) {
    (void)state;
    gr_source source = jsonl(write_text("fields.jsonl", "{\"body\": \"one\", \"kind\": \"a\"}\n{\"body\": \"two\"}\n"));
    source.text_field = "body";
    source.label_field = "kind";
    expect_error(&source, GR_ERR_FORMAT, "fields.jsonl:2", "no member \"kind\"");
    source.topic = "rest";
    gr_corpus *corpus = open_good(&source, true);
    assert_doc(corpus, 0, "one", "a");
    assert_doc(corpus, 1, "two", "rest");
    gr_corpus_free(corpus);
    source.label_field = NULL;
    corpus = open_good(&source, true);
    assert_doc(corpus, 0, "one", "rest");
    gr_corpus_free(corpus);
}

static void jsonl_damage(void **state) {
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"{\"text\": \"one\", \"label\": \"a\"", ""},
        {"{\"text\": \"one\", \"label\": \"a\"} x", ""},
        {"[1, 2]", "not a JSON object"},
        {"{\"label\": \"a\"}", "no string member \"text\""},
        {"{\"text\": 3, \"label\": \"a\"}", "no string member \"text\""},
        {"{\"text\": \"one\"}", "no member \"label\""},
        {"{\"text\": \"one\", \"label\": [1]}", "cannot use the member \"label\""},
        {"{\"text\": \"\xff\", \"label\": \"a\"}", "0xff"},
        {"{\"text\": \"a\", \"text\": \"b\", \"label\": \"a\"}", "duplicate"},
        {"{\"text\": \"a\", \"label\": \"a\\u0000b\"}", "no text that can be a name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"text\": \"zero\", \"label\": \"a\"}\n\n%s\n", cases[i].line);
        gr_source source = jsonl(write_text("bad.jsonl", text));
        expect_error(&source, GR_ERR_FORMAT, "bad.jsonl:3:", cases[i].message);
    }
    char *deep = malloc(100001);
    memset(deep, '[', 100000);
    gr_source source = jsonl(gr_test_write("deep.jsonl", deep, 100000));
    expect_error(&source, GR_ERR_FORMAT, "deep.jsonl:1:", "");
    free(deep);
}

static void many_topics(void **state) {
    (void)state;
    FILE *file = fopen(gr_test_path("topics.jsonl"), "wb");
    for (int i = 0; i < 5000; i++)
        fprintf(file, "{\"text\": \"one\", \"label\": %d}\n", i);
    fclose(file);
    gr_source source = jsonl(gr_test_path("topics.jsonl"));
    expect_error(&source, GR_ERR_FORMAT, "topics.jsonl:4097", "topics");
}

static void text_separators(void **state) {
    (void)state;
    gr_source source = gr_source_default();
    source.reader = "text";
    source.path = write_text("stories.txt", "one\nmore\n<|endoftext|>\ntwo\n<|endoftext|>  <|endoftext|>three");
    gr_corpus *corpus = open_good(&source, true);
    assert_int_equal(corpus->topics.docs, 3);
    assert_int_equal(corpus->skipped, 1);
    assert_doc(corpus, 0, "one\nmore", "text");
    assert_doc(corpus, 1, "two", "text");
    assert_doc(corpus, 2, "three", "text");
    gr_corpus_free(corpus);
    source.path = write_text("ends.txt", "one<|endoftext|> <|endoftext|>two<|endoftext|>\n<|endoftext|>\n");
    corpus = open_good(&source, true); /* records are parts up to the last with text */
    assert_int_equal(corpus->topics.docs, 2);
    assert_int_equal(corpus->records, 3);
    assert_int_equal(corpus->skipped, 1);
    assert_int_equal(corpus->record[1], 2);
    gr_corpus_free(corpus);
    source.separator = "";
    expect_error(&source, GR_ERR_USAGE, "ends.txt", "separator");
}

static void several_sources(void **state) {
    (void)state;
    gr_source sources[3] = {gr_source_default(), gr_source_default(), gr_source_default()};
    sources[0].reader = sources[1].reader = "text";
    sources[0].separator = sources[1].separator = "\n\n";
    sources[0].topic = "en", sources[1].topic = "es";
    sources[0].path = write_text("en.txt", "one\n\ntwo");
    sources[1].path = write_text("es.txt", "uno\n\ntwo");
    write_wordnet(noun_line);
    sources[2].path = gr_test_path("wn");
    gr_corpus *corpus = NULL;
    gr_error err = {0};
    assert_int_equal(
        gr_corpus_open(&corpus, &(gr_corpus_def){.sources = sources, .source_count = 3, .dedupe = true}, &err), GR_OK);
    assert_int_equal(corpus->topics.docs, 7);
    assert_doc(corpus, 2, "uno", "es");
    assert_doc(corpus, 3, "bird: warm-blooded egg-laying vertebrates", "noun.animal");
    gr_corpus_free(corpus);
}

/* ---- Many files, plain and gzip ---------------------------------------------------------------------------------- */

/* A gzip member of the text behind whatever out holds; returns its size. */
static size_t pack(unsigned char *out, size_t room, const char *text, size_t length) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)text, z.avail_in = (unsigned)length;
    z.next_out = out, z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static void patterns(void **state) {
    (void)state;
    unsigned char gz[4096];
    mkdir(gr_test_path("many"), 0777);
    write_text("many/b-2.jsonl", "{\"text\": \"four\", \"label\": \"b\"}");
    const char first[] = "{\"text\": \"one\", \"label\": \"a\"}\n{\"text\": \"tw",
               second[] = "o\", \"label\": \"a\"}\n";
    size_t n = pack(gz, sizeof gz, first, strlen(first));
    n += pack(gz + n, sizeof gz - n, second, strlen(second)); /* members may end anywhere */
    gr_test_write("many/b-1.jsonl", gz, n);
    write_text("many/b-10.jsonl", "{\"text\": \"three\", \"label\": \"b\"}");
    write_text("many/b-*.jsonl", "{\"text\": \"star\", \"label\": \"b\"}");
    gr_source source = jsonl(gr_test_path("many/b-[0-9]*.jsonl"));
    gr_corpus *corpus = open_good(&source, true);
    assert_int_equal(corpus->topics.docs, 4); /* by name: b-1, b-10, b-2 */
    assert_doc(corpus, 0, "one", "a");
    assert_doc(corpus, 1, "two", "a");
    assert_doc(corpus, 2, "three", "b");
    assert_doc(corpus, 3, "four", "b");
    gr_corpus_free(corpus);
    source.path = gr_test_path("many/b-*.jsonl"); /* a file of that very name */
    corpus = open_good(&source, true);
    assert_int_equal(corpus->topics.docs, 1);
    gr_corpus_free(corpus);
    source.path = gr_test_path("many/c*");
    expect_error(&source, GR_ERR_INPUT, "many/c*", "no file matches");
}

/* Parts longer than any buffer, separators across its borders. */
static void long_parts(void **state) {
    (void)state;
    enum { SIZE = 3 << 20, GAP = 7 };
    char *text = malloc(SIZE);
    unsigned char *gz = malloc(SIZE);
    static const size_t steps[] = {1000, 7013, 262137, 262138, 262139, 262140, 262141, 262142, 262143, 262144, 2000000};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        size_t step = steps[k], parts = 0, next = 0;
        for (size_t i = 0; i < SIZE; i++)
            text[i] = (char)('a' + i % 23);
        for (next = step; next + GAP < SIZE; next += step + GAP, parts++)
            memcpy(text + next, "<<--->>", GAP);
        gr_source source = gr_source_default();
        source.reader = "text";
        source.separator = "<<--->>";
        for (int packed = 0; packed < 2; packed++) {
            source.path = packed ? gr_test_write("long.gz", gz, pack(gz, SIZE, text, SIZE))
                                 : gr_test_write("long.txt", text, SIZE);
            gr_corpus *corpus = open_good(&source, false);
            assert_int_equal(corpus->topics.docs, parts + 1);
            for (size_t d = 0; d < parts; d++) {
                assert_int_equal(corpus->texts[d].length, step);
                assert_memory_equal(corpus->texts[d].data, text + d * (step + GAP), step);
            }
            gr_corpus_free(corpus);
        }
    }
    free(text);
    free(gz);
}

/* Every cut and every flipped bit of a gzip file is refused with its place; so is anything behind it. */
static void damaged_gzip(void **state) {
    (void)state;
    const char *text = "{\"text\": \"one two three four five six\", \"label\": \"a\"}\n";
    unsigned char gz[512], bad[512];
    size_t n = pack(gz, sizeof gz, text, strlen(text));
    gr_source source = jsonl(gr_test_write("cut.gz", gz, n));
    gr_corpus_free(open_good(&source, true));
    for (size_t cut = 2; cut < n; cut++) {
        source.path = gr_test_write("cut.gz", gz, cut);
        expect_error(&source, GR_ERR_FORMAT, "cut.gz", "gzip");
    }
    int padding = 0;
    for (size_t i = 10; i < n; i++) { /* the header before says nothing of the content */
        memcpy(bad, gz, n);
        bad[i] ^= 0x10;
        gr_corpus *corpus;
        gr_error err = {0};
        source.path = gr_test_write("cut.gz", bad, n);
        gr_status status =
            gr_corpus_open(&corpus, &(gr_corpus_def){.sources = &source, .source_count = 1, .dedupe = true}, &err);
        padding += status == GR_OK; /* bits between the last code and the checksum, if any */
        if (status == GR_OK)
            assert_doc(corpus, 0, "one two three four five six", "a");
        else
            assert_int_equal(status, GR_ERR_FORMAT);
        assert_true(status == GR_OK || strstr(err.place, "cut.gz"));
        gr_corpus_free(corpus);
    }
    assert_true(padding <= 1);
    memcpy(bad, gz, n);
    memcpy(bad + n, "\0\0more", 6);
    source.path = gr_test_write("cut.gz", bad, n + 6);
    expect_error(&source, GR_ERR_FORMAT, "cut.gz", "header");
}

static void sources_that_fail(void **state) {
    (void)state;
    gr_source source = jsonl(gr_test_path("missing.jsonl"));
    expect_error(&source, GR_ERR_INPUT, "missing.jsonl", "No such file");
    source.path = gr_test_path("");
    expect_error(&source, GR_ERR_INPUT, gr_test_path(""), "not a regular file");
    source.path = write_text("empty.jsonl", "");
    expect_error(&source, GR_ERR_FORMAT, "empty.jsonl", "empty");
    source.reader = "xml";
    expect_error(&source, GR_ERR_USAGE, "data", "xml");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wordnet_lines),     cmocka_unit_test(wordnet_fallback),  cmocka_unit_test(wordnet_damage),
        cmocka_unit_test(wordnet_cut),       cmocka_unit_test(wordnet_installed), cmocka_unit_test(wordnet_subset),
        cmocka_unit_test(jsonl_records),     cmocka_unit_test(jsonl_fields),      cmocka_unit_test(jsonl_damage),
        cmocka_unit_test(many_topics),       cmocka_unit_test(text_separators),   cmocka_unit_test(several_sources),
        cmocka_unit_test(sources_that_fail), cmocka_unit_test(patterns),          cmocka_unit_test(long_parts),
        cmocka_unit_test(damaged_gzip),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

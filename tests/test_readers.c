/* Readers of tables, of JSON lists and of folders; chats. What odd text does to them is in test_foreign.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "gradroute/data.h"
#include "support.h"

/* ---- shorthand --------------------------------------------------------------------------------------------------- */

static gr_status open_corpus(gr_corpus **corpus, const char *reader, const char *path, gr_error *err) {
    static const char *const fields[] = {"kind"};
    bool kept = strcmp(reader, "folder") != 0;
    gr_source source = gr_source_default();
    source.reader = reader;
    source.path = path;
    return gr_corpus_open(corpus, &(gr_corpus_def){&source, 1, false, fields, kept, kept ? "id" : NULL, NULL}, err);
}

/* "topic:text:kind|" of each document. */
static void expect(const char *reader, const char *path, const char *want) {
    gr_corpus *corpus = NULL;
    gr_error err = {0};
    gr_test_ok(open_corpus(&corpus, reader, path, &err), &err);
    char *have = gr_strdup("");
    for (size_t d = 0; d < corpus->topics.docs; d++) {
        const gr_topics *kind = corpus->field_count ? &corpus->fields[0].values : NULL;
        char *more =
            gr_format("%s%s:%.*s:%s|", have, corpus->topics.names[corpus->topics.of[d]], (int)corpus->texts[d].length,
                      corpus->texts[d].data, kind && kind->of[d] >= 0 ? kind->names[kind->of[d]] : "");
        gr_free(have);
        have = more;
    }
    assert_string_equal(have, want);
    gr_free(have);
    gr_corpus_free(corpus);
}

static void expect_file(const char *reader, const char *text, const char *want) {
    expect(reader, gr_test_write("good", text, strlen(text)), want);
}

static void refuse(const char *reader, const char *path, const char *place, const char *message) {
    gr_corpus *corpus = (gr_corpus *)1;
    gr_error err = {0};
    assert_int_not_equal(open_corpus(&corpus, reader, path, &err), GR_OK);
    assert_null(corpus);
    if (!strstr(err.place, place) || !strstr(err.message, message) || !err.hint[0])
        fail_msg("wanted \"%s\" at \"%s\", have %s: %s (%s)", message, place, err.place, err.message, err.hint);
}

static void refuse_file(const char *reader, const char *text, const char *place, const char *message) {
    refuse(reader, gr_test_write("bad", text, strlen(text)), place, message);
}

static void refuse_hint(const char *reader, const char *text, const char *hint) {
    gr_corpus *corpus = NULL;
    gr_error err = {0};
    assert_int_not_equal(open_corpus(&corpus, reader, gr_test_write("bad", text, strlen(text)), &err), GR_OK);
    if (!strstr(err.hint, hint))
        fail_msg("wanted the hint \"%s\", have \"%s\"", hint, err.hint);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void tables(void **state) {
    (void)state;
    expect_file("csv", "id,text,label,kind\n1,one,a,k\n2,two,b,\n", "a:one:k|b:two:|");
    expect_file("tsv", "id\ttext\tlabel\tkind\n1\tone, two\ta\tk\n", "a:one, two:k|");

    /* Quotes: the delimiter, line breaks, quotes; inside of a field they are characters; blanks are kept with quotes.
     */
    expect_file("csv",
                "kind,label,\"text\",id\n"
                "k,\"a, b\",\"He said \"\"no\"\".\n\nThen, \"\"yes\"\".\",1\n"
                "\"\"\"k\"\"\",a,6\" nails,2\n"
                ",a,\"\",3\n"
                "\n"
                ",a,last,4",
                "a, b:He said \"no\".\n\nThen, \"yes\".:k|a:6\" nails:\"k\"|a:last:|");
    expect_file("tsv", "id\tlabel\tkind\ttext\n1\ta\tk\t\"a\ttab\"\n", "a:a\ttab:k|");

    refuse_file("csv", "", "bad", "empty");
    refuse_file("csv", "\"\"\n", "bad", "empty"); /* names without a character, and no room for them */
    refuse_file("csv", "id,text,label\n1,one\n", "bad:2", "a row of 2 fields under 3 names");
    refuse_file("csv", "id,text,label\n1,\"two\nlines\",a\n2,\"b\"c,a\n", "bad:4", "closing quote");
    refuse_file("csv", "id,text,label\n1,\"b,a\n\n\n", "bad:2", "no end");
    refuse_file("csv", "id,text,id\n", "bad:1", "same name");
    refuse_file("csv", "id,text,label\n1,one,\n", "bad:2", "no member \"label\"");
    refuse_file("csv", "id,body,label,kind\n1,one,a,k\n", "bad:2", "no string member \"text\"");
    refuse_file("csv", "id,text,label,kind\n1,one,a,k\n1,two,a,k\n", "bad", "the same \"id\"");
    refuse_file("csv", "id\ttext\tlabel\tkind\n1\tone\ta\tk\n", "bad:2", "no string member \"text\"");
    refuse_hint("csv", "id;body;label\n1;one;a\n", "it has \"id;body;label\"");
    refuse_hint("csv", "id,body,topic\n1,one,a\n",
                "name the right one by text: FIELD; it has \"id\", \"body\", \"topic\"");
    refuse_hint("csv", "id,text,topic\n1,one,a\n", "by label: FIELD, or a topic: NAME for all; it has \"id\"");
}

/* A field longer than any buffer, and a quote that lies across their border. */
static void long_fields(void **state) {
    (void)state;
    enum { LONG = (1 << 18) + 40 };
    for (int shift = 0; shift < 60; shift += 7) {
        char *text = gr_alloc(LONG + 200), *want = gr_alloc(LONG + 200);
        int at = sprintf(text, "text,label,id,kind\n\"");
        memset(text + at, 'x', (size_t)(LONG - shift));
        sprintf(text + at + LONG - shift, "\"\"\n\",a,1,k\n");
        int n = sprintf(want, "a:");
        memset(want + n, 'x', (size_t)(LONG - shift));
        sprintf(want + n + LONG - shift, "\":k|");
        expect_file("csv", text, want);
        gr_free(text);
        gr_free(want);
    }
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static void lists(void **state) {
    (void)state;
    expect_file("json",
                " [\n{\"text\": \"one ] \\\" }\", \"label\": \"a\", \"id\": 1, \"kind\": \"k\"},\n"
                "  {\"id\": 2, \"text\": \"two\", \"label\": true, \"more\": [{\"x\": [1, {}]}]}\n]\n",
                "a:one ] \" }:k|true:two:|");
    refuse_file("json", "", "bad:1", "does not hold a list");
    refuse_file("json", "{\"text\": \"a\"}\n", "bad:1", "does not hold a list");
    refuse_file("json", "[\n{\"text\": \"a\", \"label\": \"b\", \"id\": 1, \"kind\": 1}", "bad:2", "no end");
    refuse_file("json", "[\n{\"text\": \"a\", \"label\": \"b\", \"id\": 1, \"kind\": 1},\n]", "bad:3:1", "");
    refuse_file("json", "[\n{\"text\": \"a\", \"label\": \"b\", \"id\": 1, \"kind\": 1}]\n[]", "bad:3",
                "behind the list");
    refuse_file("json", "[\n\n3]", "bad:3", "not a JSON object");
    refuse_file("json", "[\n\n{\"text\": \"a\", \"label\": }]", "bad:3", "");
    refuse_file("json", "[]", "bad", "the corpus is empty");
    refuse_file("jsonl", "[{\"text\": \"a\"}]", "bad:1", "not a JSON object");
}

static void chats(void **state) {
    (void)state;
    refuse_file("jsonl", "{\"id\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}", "bad:1",
                "\"messages\"");
    refuse_file("jsonl", "{\"id\": 1, \"conversations\": [{\"from\": \"human\", \"value\": \"hi\"}]}", "bad:1",
                "\"conversations\"");
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static char *path_in(const char *folder, const char *name) { return gr_format("%s/%s", folder, name); }

static void put(const char *folder, const char *name, const char *text, size_t length) {
    char *path = path_in(folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, length, out), length);
    fclose(out);
    gr_free(path);
}

static void make(const char *folder, const char *name) {
    char *path = path_in(folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
    gr_free(path);
}

static void link_to(const char *folder, const char *name, const char *target) {
    char *path = path_in(folder, name);
    assert_int_equal(symlink(target, path), 0);
    gr_free(path);
}

static void folders(void **state) {
    (void)state;
    char *root = gr_test_folder();
    make(root, "books");
    char *books = path_in(root, "books");
    put(books, "b.txt", "second", 6);
    put(books, "a.txt", "first\n", 6);
    put(books, ".hidden", "\0", 1);
    put(books, "empty.txt", "", 0);
    make(books, "sea");
    make(books, "land");
    make(books, "sea/deep");
    make(books, ".git");
    put(books, ".git/x", "x", 1);
    put(books, "sea/z", "wave", 4);
    put(books, "sea/deep/y", "trench", 6);
    put(books, "land/w", "hill", 4);
    link_to(books, "land/v", "../a.txt");
    expect("folder", books, "books:first:|books:second:|land:first:|land:hill:|sea:trench:|sea:wave:|");

    /* Links: to a folder above, which would have no end, and to nothing. */
    link_to(books, "sea/again", "..");
    gr_log_level(0);
    expect("folder", books, "books:first:|books:second:|land:first:|land:hill:|sea:trench:|sea:wave:|");
    gr_log_level(1);
    link_to(books, "land/gone", "nowhere");
    refuse("folder", books, "land/gone", "cannot open");
    char *gone = path_in(books, "land/gone");
    assert_int_equal(unlink(gone), 0);
    gr_free(gone);

    /* What is no text is named. */
    put(books, "land/picture.png", "\x89PNG\r\n\x1a\n\0\0", 10);
    refuse("folder", books, "land/picture.png", "not text");
    put(books, "land/picture.png", "caf\xe9", 4);
    refuse("folder", books, "land/picture.png", "not text");
    refuse("folder", gr_test_write("file", "x", 1), "file", "not a folder");
    refuse("folder", gr_test_path("missing"), "missing", "not a folder");
    gr_free(books);
    gr_test_folder_remove(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables), cmocka_unit_test(long_fields), cmocka_unit_test(lists),
        cmocka_unit_test(chats),  cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

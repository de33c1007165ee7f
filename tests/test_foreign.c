/* Every reader of text from outside, with everything odd that such text comes with: one policy (docs/files.md). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "gradroute/data.h"
#include "gradroute/recipe.h"
#include "infer/prompts.h"
#include "support.h"
#include "text/tokenizer.h"

/* ---- readers: a file becomes a line that shows what was read ----------------------------------------------------- */

typedef struct shown {
    char text[512];
    size_t length;
} shown;

static void show(shown *s, const char *bytes, size_t n) {
    for (size_t i = 0; i < n && s->length + 5 < sizeof s->text; i++) {
        unsigned char c = (unsigned char)bytes[i];
        s->length += (size_t)sprintf(s->text + s->length, c < 0x20 || c >= 0x7f ? "<%02x>" : "%c", c);
    }
}

static void show_text(shown *s, const char *text) { show(s, text, strlen(text)); }

static gr_status read_corpus(shown *s, const char *reader, const char *path, gr_error *err) {
    gr_source source = gr_source_default();
    const char *fields[] = {"kept"};
    bool records = strcmp(reader, "text") != 0 && strcmp(reader, "folder") != 0;
    gr_corpus *corpus;
    source.reader = reader;
    source.path = path;
    source.separator = "\n\n";
    GR_TRY(gr_corpus_open(&corpus, &(gr_corpus_def){&source, 1, false, fields, records, records ? "id" : NULL, NULL},
                          err));
    for (size_t d = 0; d < corpus->topics.docs; d++) {
        show_text(s, corpus->topics.names[corpus->topics.of[d]]);
        show_text(s, ":");
        show(s, corpus->texts[d].data, corpus->texts[d].length);
        show_text(s, "|");
    }
    gr_corpus_free(corpus);
    return GR_OK;
}

static gr_status read_text(shown *s, const char *path, gr_error *err) { return read_corpus(s, "text", path, err); }
static gr_status read_jsonl(shown *s, const char *path, gr_error *err) { return read_corpus(s, "jsonl", path, err); }

static gr_status read_json(shown *s, const char *path, gr_error *err) { return read_corpus(s, "json", path, err); }
static gr_status read_csv(shown *s, const char *path, gr_error *err) { return read_corpus(s, "csv", path, err); }
static gr_status read_tsv(shown *s, const char *path, gr_error *err) { return read_corpus(s, "tsv", path, err); }

/* The file in a folder of its own. */
static gr_status read_folder(shown *s, const char *path, gr_error *err) {
    char *folder = gr_format("%s.d", path), *inside = gr_format("%s/%s", folder, strrchr(path, '/') + 1);
    mkdir(folder, 0700);
    assert_int_equal(rename(path, inside), 0);
    gr_status status = read_corpus(s, "folder", folder, err);
    gr_free(folder);
    gr_free(inside);
    return status;
}

/* A label over two documents of ids 1 and 18446744073709551616. */
static gr_status read_label(shown *s, const gr_label_arg *arg, int args, gr_error *err) {
    static const char records[] = "{\"text\": \"the oak\", \"label\": \"x\", \"id\": 1}\n"
                                  "{\"text\": \"a caf\xc3\xa9\", \"label\": \"x\", \"id\": 18446744073709551616}\n";
    gr_source source = gr_source_default();
    gr_corpus *corpus = NULL;
    gr_tokenizer *tokenizer = NULL;
    gr_dataset *data = NULL;
    gr_labels *labels = NULL;
    source.reader = "jsonl";
    source.path = gr_test_write("labelled.jsonl", records, strlen(records));
    gr_test_ok(gr_corpus_open(&corpus, &(gr_corpus_def){.sources = &source, .source_count = 1, .id = "id"}, err), err);
    gr_test_ok(gr_tokenizer_train(&tokenizer, corpus->texts, 2, 300, NULL, err), err);
    gr_test_ok(gr_dataset_new(&data, corpus, tokenizer, &(gr_dataset_def){.seed = 1}, err), err);

    gr_label_def def = {.name = "l", .known = 1};
    for (int i = 0; i < args; i++)
        def.from[i] = arg[i];
    gr_status status = gr_labels_make(&labels, data, tokenizer, &def, 1, NULL, 0, 1, NULL, err);
    for (size_t d = 0; status == GR_OK && d < 2; d++)
        show_text(s, labels->truth[d] > 0 ? "1" : "0");
    gr_labels_free(labels);
    gr_dataset_free(data);
    gr_tokenizer_free(tokenizer);
    gr_corpus_free(corpus);
    return status;
}

static gr_status read_words(shown *s, const char *path, gr_error *err) {
    return read_label(s, (gr_label_arg[]){{.key = "words", .text = path}}, 1, err);
}

static gr_status read_scores(shown *s, const char *path, gr_error *err) {
    return read_label(s, (gr_label_arg[]){{.key = "scores", .text = path}, {.key = "id", .text = "id"}}, 2, err);
}

static gr_status read_prompts(shown *s, const char *path, gr_error *err) {
    gr__prompts list = {0};
    gr_status status = gr__prompts_read(&list, path, err);
    for (size_t i = 0; status == GR_OK && i < list.count; i++) {
        show(s, list.at[i].text, list.at[i].length);
        show_text(s, "|");
    }
    gr__prompts_free(&list);
    return status;
}

static gr_status read_recipe(shown *s, const char *path, gr_error *err) {
    gr_recipe *recipe;
    GR_TRY(gr_recipe_open(&recipe, path, NULL, 0, err));
    show_text(s, recipe->label[0].name);
    gr_recipe_free(recipe);
    return GR_OK;
}

static gr_status read_vocabulary(shown *s, const char *path, gr_error *err) {
    gr_tokenizer *tok;
    int32_t *ids = NULL;
    size_t count = 0, capacity = 0;
    GR_TRY(gr_tokenizer_open(&tok, path, err));
    gr_test_ok(gr_tokenizer_encode(tok, &ids, &count, &capacity, "ba", 2, err), err);
    for (size_t i = 0; i < count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d ", ids[i]);
        show_text(s, number);
    }
    gr_free(ids);
    gr_tokenizer_free(tok);
    return GR_OK;
}

/* The list of merges, with a vocabulary of bytes and one merge beside it. */
static gr_status read_merges(shown *s, const char *path, gr_error *err) {
    char vocab[8192], *to = vocab + sprintf(vocab, "{\"ba\":256");
    uint8_t order[256];
    gr__byte_order(order);
    for (int i = 0; i < 256; i++)
        to += sprintf(to, ",\"\\u%04x\":%d", i < GR__BYTES_PRINTABLE ? order[i] : 256 + i - GR__BYTES_PRINTABLE, i);
    *to++ = '}';
    gr_test_write("vocab.json", vocab, (size_t)(to - vocab));
    return read_vocabulary(s, path, err);
}

/* ---- the matrix -------------------------------------------------------------------------------------------------- */

/* Content with an oddity and what is read, or "! part of the error"; a NULL content: it cannot be written there. */
typedef struct cell {
    const char *content, *want;
    size_t length; /* 0: up to the first zero */
} cell;

enum { BAD_UTF8, NUL_USED, NUL_UNUSED, LONG_USED, LONG_UNUSED, TWICE, DECOMPOSED, ODDITIES };
static const char *const oddity_name[] = {"bytes that are no UTF-8",
                                          "NUL where it is used",
                                          "NUL in an unused member",
                                          "a used number beyond 64 bits",
                                          "an unused number beyond 64 bits",
                                          "a member twice",
                                          "a decomposed name"};

#define ID2 "18446744073709551616"
#define RECIPE(label, more)                                                                                       \
    "data: {jsonl: x.jsonl}\nlabels: {" label ": {is: x}}\nmodel: {arch: llama, layers: 1, width: 16, heads: 2, " \
    "mlp: 32}\nregions: {" label ": {mlp: {add: 8}}}\npreset: sgtm\ntrain: {steps: 1}\n" more
#define VOCABULARY(more)                                                                                               \
    "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1,\"b\":2,\"ba\":3,\"\xe2\x96\x81\":4}" \
    ",\n"                                                                                                              \
    "\"merges\":[\"b a\"]},\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":"           \
    "\"\xe2\x96\x81\"},\"decoder\":{\"type\":\"Fuse\"}" more "}\n"

static const struct row {
    const char *name, *file;
    gr_status (*read)(shown *s, const char *path, gr_error *err);
    const char *content, *want;
    bool raw; /* a reader of plain files alone: gzip is refused */
    cell odd[ODDITIES];
} rows[] = {
    {"text",
     "t.txt",
     read_text,
     "one\nline\n\ntwo\n",
     "text:one<0a>line|text:two|",
     false,
     {[BAD_UTF8] = {"a\xff"
                    "b",
                    "text:a<ff>b|"},
      [NUL_USED] = {"a\0b", "text:a<00>b|", 3}}},
    {"JSON Lines",
     "t.jsonl",
     read_jsonl,
     "{\"text\": \"one\", \"label\": \"x\", \"id\": 1, \"kept\": 1}\n",
     "x:one|",
     false,
     {[BAD_UTF8] = {"{\"text\": \"\xff\", \"label\": \"x\", \"id\": 1, \"kept\": 1}", "! 0xff"},
      [NUL_USED] = {"{\"text\": \"a\\u0000b\", \"label\": \"x\", \"id\": 1, \"kept\": 1}", "x:a<00>b|"},
      [NUL_UNUSED] = {"{\"text\": \"a\", \"label\": \"x\", \"id\": 1, \"kept\": 1, \"k\\u0000\": \"\\u0000\"}", "x:a|"},
      [LONG_USED] = {"{\"text\": \"a\", \"label\": " ID2 ", \"id\": " ID2 ", \"kept\": -" ID2 "}", ID2 ":a|"},
      [LONG_UNUSED] = {"{\"text\": \"a\", \"label\": \"x\", \"id\": 1, \"kept\": 1, \"m\": [" ID2 ", 1e999]}", "x:a|"},
      [TWICE] = {"{\"text\": \"a\", \"label\": \"x\", \"label\": \"y\", \"id\": 1, \"kept\": 1}", "! duplicate"},
      [DECOMPOSED] =
          {"{\"text\": \"a\", \"label\": \"e\xcc\x81\", \"id\": 1, \"kept\": 1}\n{\"text\": \"b\", \"label\": "
           "\"\xc3\xa9\", \"id\": 2, \"kept\": 1}",
           "<c3><a9>:a|<c3><a9>:b|"}}},
    {"JSON",
     "t.json",
     read_json,
     "[{\"text\": \"one\", \"label\": \"x\", \"id\": 1, \"kept\": 1}\n]\n",
     "x:one|",
     false,
     {[BAD_UTF8] = {"[{\"text\": \"\xff\", \"label\": \"x\", \"id\": 1, \"kept\": 1}]", "! 0xff"},
      [NUL_USED] = {"[{\"text\": \"a\\u0000b\", \"label\": \"x\", \"id\": 1, \"kept\": 1}]", "x:a<00>b|"},
      [NUL_UNUSED] = {"[{\"text\": \"a\", \"label\": \"x\", \"id\": 1, \"kept\": 1, \"k\\u0000\": \"\\u0000\"}]",
                      "x:a|"},
      [LONG_USED] = {"[{\"text\": \"a\", \"label\": " ID2 ", \"id\": " ID2 ", \"kept\": -" ID2 "}]", ID2 ":a|"},
      [LONG_UNUSED] = {"[{\"text\": \"a\", \"label\": \"x\", \"id\": 1, \"kept\": 1, \"m\": [" ID2 ", 1e999]}]",
                       "x:a|"},
      [TWICE] = {"[{\"text\": \"a\", \"label\": \"x\", \"label\": \"y\", \"id\": 1, \"kept\": 1}]", "! duplicate"},
      [DECOMPOSED] = {"[{\"text\": \"a\", \"label\": \"e\xcc\x81\", \"id\": 1, \"kept\": 1}]", "<c3><a9>:a|"}}},
    {"CSV",
     "t.csv",
     read_csv,
     "text,label,id,kept\n\"one\nline\",x,1,1\n",
     "x:one<0a>line|",
     false,
     {[BAD_UTF8] = {"text,label,id,kept\n\xff,x,1,1\n", "! not UTF-8"},
      [NUL_USED] = {"text,label,id,kept\na\0b,x,1,1\n", "x:a<00>b|", 29},
      [LONG_USED] = {"text,label,id,kept\na," ID2 "," ID2 ",1\n", ID2 ":a|"},
      [TWICE] = {"text,label,id,kept,id\na,x,1,1,2\n", "! same name"},
      [DECOMPOSED] = {"text,label,id,kept\na,e\xcc\x81,1,1\n", "<c3><a9>:a|"}}},
    {"TSV",
     "t.tsv",
     read_tsv,
     "text\tlabel\tid\tkept\none\tx\t1\t1\n",
     "x:one|",
     false,
     {[BAD_UTF8] = {"text\tlabel\tid\tkept\n\xff\tx\t1\t1\n", "! not UTF-8"}}},
    {"folder",
     "f",
     read_folder,
     "one\nline\n",
     "f.d:one<0a>line|",
     false,
     {[BAD_UTF8] = {"a\xff", "! not text in UTF-8"}, [NUL_USED] = {"a\0b", "! not text in UTF-8", 3}}},
    {"scores",
     "s.jsonl",
     read_scores,
     "{\"id\": 1, \"score\": 1.0000001}\n{\"id\": " ID2 ", \"score\": -1e-9}\n",
     "10",
     false,
     {[BAD_UTF8] = {"{\"id\": \"\xff\"}", "! 0xff"},
      [NUL_USED] = {"{\"id\": \"1\\u0000\", \"score\": 0}", "! no record of the corpus"},
      [NUL_UNUSED] = {"{\"id\": 1, \"score\": 1, \"k\\u0000\": \"\\u0000\"}\n{\"id\": " ID2 ", \"score\": 1}", "11"},
      [LONG_USED] = {"{\"id\": 1, \"score\": 1e999}", "! 1e999"},
      [LONG_UNUSED] = {"{\"id\": 1, \"score\": 1, \"m\": 1e999}\n{\"id\": " ID2 ", \"score\": 0}", "10"},
      [TWICE] = {"{\"id\": 1, \"score\": 1, \"score\": 0}", "! duplicate"}}},
    {"words",
     "w.txt",
     read_words,
     "# trees\noak\n",
     "10",
     false,
     {[BAD_UTF8] = {"caf\xe9", "! not UTF-8"},
      [NUL_USED] = {"o\0ak", "! U+0000", 4},
      [DECOMPOSED] = {"cafe\xcc\x81", "01"}}},
    {"prompts",
     "p.txt",
     read_prompts,
     "one\ntwo\n",
     "one|two|",
     false,
     {[BAD_UTF8] = {"a\xff", "a<ff>|"}, [NUL_USED] = {"a\0b", "a<00>b|", 3}}},
    {"prompts as JSON Lines",
     "p.jsonl",
     read_prompts,
     "{\"prompt\": \"one\"}\n",
     "one|",
     false,
     {[BAD_UTF8] = {"{\"prompt\": \"\xff\"}", "! 0xff"},
      [NUL_USED] = {"{\"prompt\": \"a\\u0000b\"}", "a<00>b|"},
      [LONG_USED] = {"{\"prompt\": \"a\", \"seed\": " ID2 "}", "! 'seed'"},
      [TWICE] = {"{\"prompt\": \"a\", \"prompt\": \"b\"}", "! duplicate"}}},
    {"merges",
     "merges.txt",
     read_merges,
     "#version: 0.2\nb a\n",
     "256 ",
     false,
     {[BAD_UTF8] = {"#version: 0.2\nb \xff\n", "! not UTF-8"},
      [NUL_USED] = {"#version: 0.2\nb \0a\n", "! not UTF-8", 19}}},
    {"recipe",
     "r.yaml",
     read_recipe,
     RECIPE("x", ""),
     "x",
     true,
     {[BAD_UTF8] = {RECIPE("\"\xff\"", ""), "! UTF-8"},
      [NUL_USED] = {RECIPE("\"x\\0\"", ""), "! U+0000"},
      [LONG_USED] = {RECIPE("x", "seed: " ID2 "\n"), "! seed is '" ID2 "'"},
      [TWICE] = {RECIPE("x", "seed: 1\nseed: 2\n"), "! twice"}}},
    {"vocabulary",
     "tokenizer.json",
     read_vocabulary,
     VOCABULARY(""),
     "3 ",
     false,
     {[BAD_UTF8] = {VOCABULARY(",\"x\":\"\xff\""), "! 0xff"},
      [NUL_USED] = {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"\\u0000\":0}}}", "! U+0000"},
      [LONG_UNUSED] = {VOCABULARY(",\"x\":1e999"), "! beyond 64 bits"},
      [TWICE] = {VOCABULARY(",\"x\":1,\"x\":2"), "! duplicate"}}},
};

static int different;

static void differs(const struct row *r, const char *what, const char *want, const char *have) {
    print_error("%s, %s: wanted %s, have %s\n", r->name, what, want, have);
    different++;
}

static void check(const struct row *r, const char *what, const char *bytes, size_t n, const char *want) {
    shown s = {.text = ""};
    gr_error err = {0};
    gr_status status = r->read(&s, gr_test_write(r->file, bytes, n), &err);
    char have[2048];
    snprintf(have, sizeof have, "%s: %s: %s", err.place, err.message, err.hint);
    if (want[0] == '!') {
        if (status == GR_OK || !strstr(have, want + 2) || !strstr(err.place, r->file) || !err.hint[0])
            differs(r, what, want, status ? have : s.text);
    } else if (status != GR_OK || strcmp(s.text, want) != 0) {
        differs(r, what, want, status ? have : s.text);
    }
}

/* ASCII in two bytes a character. */
static void check_wide(const struct row *r, bool big, bool mark) {
    char bytes[2048], *to = bytes;
    if (mark)
        to += sprintf(to, "%s", big ? "\xfe\xff" : "\xff\xfe");
    for (const char *c = r->content; *c; c++) {
        *to++ = big ? 0 : *c;
        *to++ = big ? *c : 0;
    }
    check(r, mark ? "UTF-16 with a mark" : "UTF-16 without a mark", bytes, (size_t)(to - bytes), "! iconv");
}

static void check_windows(const struct row *r) {
    char bytes[2048], *to = bytes;
    for (const char *c = r->content; *c; c++) {
        if (*c == '\n')
            *to++ = '\r';
        *to++ = *c;
    }
    check(r, "Windows line ends", bytes, (size_t)(to - bytes), r->want);
    char marked[2100];
    check(r, "a byte order mark", marked, (size_t)snprintf(marked, sizeof marked, "\xef\xbb\xbf%s", r->content),
          r->want);
    check(r, "both", marked, (size_t)snprintf(marked, sizeof marked, "\xef\xbb\xbf%.*s", (int)(to - bytes), bytes),
          r->want);
}

static void check_packed(const struct row *r) {
    gzFile out = gzopen(gr_test_path(r->file), "wb");
    size_t n;
    gzwrite(out, r->content, (unsigned)strlen(r->content));
    gzclose(out);
    char *bytes = gr_test_read(gr_test_path(r->file), &n);
    check(r, "gzip", bytes, n, r->raw ? "! gzip" : r->want);
    free(bytes);
    check(r, "zstd", "\x28\xb5\x2f\xfd\x04\x00", 6, "! zstd -dc");
    check(r, "xz",
          "\xfd"
          "7zXZ\0\0\0",
          8, "! xz -dc");
    check(r, "bzip2", "BZh91AY&SY", 10, "! bzip2 -dc");
    check(r, "Parquet", "PAR1\x15\x04\x15", 7, "! read_parquet");
}

static void matrix(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        check(r, "as it should be", r->content, strlen(r->content), r->want);
        check_windows(r);
        for (int k = 0; k < 4; k++)
            check_wide(r, k & 1, k & 2);
        check_packed(r);
        for (int o = 0; o < ODDITIES; o++)
            if (r->odd[o].content)
                check(r, oddity_name[o], r->odd[o].content,
                      r->odd[o].length ? r->odd[o].length : strlen(r->odd[o].content), r->odd[o].want);
    }
    assert_int_equal(different, 0);
}

/* Texts that begin as other kinds of files do. */
static void looks_alike(void **state) {
    (void)state;
    static const char *const texts[] = {"BZh is no word", "BZh9 is none", "PAR1S is a typing error", "PK is a name",
                                        "a"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char want[64];
        snprintf(want, sizeof want, "text:%s|", texts[i]);
        check(&rows[0], "a beginning", texts[i], strlen(texts[i]), want);
    }
    assert_int_equal(different, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(matrix), cmocka_unit_test(looks_alike)};
    gr_log_level(0); /* files of one document are meant here */
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

/* test_label_words.c - words and phrases in texts: the matcher against a slow twin, lists that are wrong, tokens that
 * spell a match. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "label/word_list.h"
#include "support.h"

static gr__words *words_of(const char *const *list, int count) {
    gr__words *words = NULL;
    gr_error err = {0};
    gr_test_ok(gr__words_new(&words, &(gr_label_arg){.texts = list, .count = count}, "x", &err), &err);
    return words;
}

/* "from-to from-to ..." of the matches in a text. */
static const char *found(const char *const *list, int count, const char *text) {
    static char line[512];
    gr__words *words = words_of(list, count);
    gr__spans spans = {0};
    size_t at = 0;
    gr__words_find(words, &spans, text, strlen(text));
    line[0] = '\0';
    for (size_t i = 0; i < spans.count; i++)
        at += (size_t)snprintf(line + at, sizeof line - at, "%s%u-%u", i ? " " : "", spans.at[i].from, spans.at[i].to);
    gr_free(spans.at);
    gr__words_free(words);
    return line;
}

#define FOUND(text, ...) \
    found((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), text)

static void whole_words(void **state) {
    (void)state;
    assert_string_equal(FOUND("A tree, two trees; TREE-top Tree's xtree tree_1", "tree"), "2-6 19-23 28-32");
    assert_string_equal(FOUND("oak \n\t tree, oak, tree; oak tree", "oak tree"), "0-11 24-32");
    assert_string_equal(FOUND("don't do not DON'T don`t", "don't"), "0-5 13-18");
    assert_string_equal(FOUND("an oak tree", "oak tree", "tree", "OAK  tree", " tree"), "3-11 7-11");
    assert_string_equal(FOUND("Stra\xc3\x9f"
                              "e STRASSE stra\xc3\x9f"
                              "en",
                              "strasse"),
                        "0-7 8-15");
    assert_string_equal(FOUND("caf\xc3\xa9 CAFE\xcc\x81 cafe", "caf\xc3\xa9"), "0-5 6-12");
    assert_string_equal(
        FOUND("\xce\x94\xce\xad\xce\xbd\xcf\x84\xcf\x81\xce\xbf \xce\x94\xce\x88\xce\x9d\xce\xa4\xce\xa1\xce\x9f",
              "\xce\xb4\xce\xad\xce\xbd\xcf\x84\xcf\x81\xce\xbf"),
        "0-12 13-25");
    assert_string_equal(FOUND("oak\xc2\xa0tree oak\xe2\x80\x89\xe2\x80\x89tree", "oak tree"), "0-9 10-23");
    assert_string_equal(FOUND("tree\xff tree\xc3 \xe2tree", "tree"), "0-4 6-10 13-17");
    assert_string_equal(FOUND("oak tree oak - tree", "oak - tree"), "9-19");
    assert_string_equal(FOUND("nothing", "tree"), "");
    assert_string_equal(FOUND("", "tree"), "");
}

/* Zeros and words longer than a list can hold end nothing early. */
static void odd_texts(void **state) {
    (void)state;
    const char *list[] = {"oak-tree", "tree"};
    gr__words *words = words_of(list, 2);
    gr__spans spans = {0};
    char text[3000];
    memset(text, 'a', sizeof text);
    memcpy(text, "oak-\0tree oak-tree ", 19);
    memcpy(text + 2000, " tree ", 6);
    gr__words_find(words, &spans, text, sizeof text);
    assert_int_equal(spans.count, 4);
    assert_int_equal(spans.at[0].from, 5);
    assert_int_equal(spans.at[1].from, 10);
    assert_int_equal(spans.at[2].from, 14);
    assert_int_equal(spans.at[3].from, 2001);
    assert_int_equal(gr__words_count(words), 2);
    assert_int_equal(gr__words_match(words, 0).count, 1);
    assert_int_equal(gr__words_match(words, 1).count, 3);
    gr_free(spans.at);
    gr__words_free(words);
}

/* How many stories of a sample of TinyStories hold a word of the forest; counted by a regular expression elsewhere. */
static void stories_with_trees(void **state) {
    (void)state;
    const char *folder = getenv("GRADROUTE_DATA");
    if (!folder)
        skip();
    static const char *const list[] = {"forest", "forests", "tree", "trees", "wood", "woods", "woodland", "woodlands"};
    char path[4096];
    gr_source source = gr_source_default();
    gr_corpus *corpus;
    gr_error err = {0};
    snprintf(path, sizeof path, "%s/tinystories/tinystories_en_train.txt", folder);
    source.reader = "text", source.path = path;
    gr_test_ok(gr_corpus_open(&corpus, &(gr_corpus_def){.sources = &source, .source_count = 1}, &err), &err);
    gr__words *words = words_of(list, 8);
    gr__spans spans = {0};
    size_t stories = 0;
    for (size_t d = 0; d < corpus->topics.docs; d++) {
        spans.count = 0;
        gr__words_find(words, &spans, corpus->texts[d].data, corpus->texts[d].length);
        stories += spans.count > 0;
    }
    assert_int_equal(corpus->topics.docs, 3814);
    assert_int_equal(stories, 806);
    gr_free(spans.at);
    gr__words_free(words);
    gr_corpus_free(corpus);
}

/* ---- The slow twin ---- */

/* What random texts are made of: how it is spelt, whether it is of a word, what it is folded to ("" is white space). */
static const struct piece {
    const char *text;
    bool letter;
    const char *folded;
} pieces[] = {
    {"a", true, "a"},         {"A", true, "a"},          {"b", true, "b"},         {"s", true, "s"},
    {"S", true, "s"},         {"1", true, "1"},          {"\xc3\x9f", true, "ss"}, {"\xc3\xa9", true, "e'"},
    {"\xc3\x89", true, "e'"}, {"e\xcc\x81", true, "e'"}, {"e", true, "e"},         {" ", false, ""},
    {" ", false, ""},         {"\n", false, ""},         {"\xc2\xa0", false, ""},  {"-", false, "-"},
    {"'", false, "`"},        {"\xff", false, "?"},
};
enum { PIECES = sizeof pieces / sizeof *pieces, INVALID = PIECES - 1, LONGEST = 60, ENTRIES = 4 };

typedef struct string {
    int piece[LONGEST], count;
    char text[LONGEST * 4];
    size_t from[LONGEST + 1]; /* bytes */
} string;

static uint64_t draw(uint64_t i, uint32_t j) { return gr_random_bits((gr_key){11, GR_STREAM_TEST, 4}, i, j); }

static void spell(string *s) {
    size_t at = 0;
    for (int i = 0; i < s->count; i++) {
        s->from[i] = at;
        at += strlen(strcpy(s->text + at, pieces[s->piece[i]].text));
    }
    s->from[s->count] = at;
    s->text[at] = '\0';
}

static bool letter(const string *s, int i) { return i >= 0 && i < s->count && pieces[s->piece[i]].letter; }

/* Pieces i.. of the text spell the whole entry; *end is behind them. */
static bool spells(const string *text, int i, const string *entry, int *end) {
    const char *a = "", *b = "";
    int k = 0;
    for (;;) {
        if (!*b && k == entry->count) {
            *end = i;
            return !*a;
        }
        if (!*b && !*pieces[entry->piece[k]].folded) { /* white space for white space, as long as it goes */
            if (*a || i >= text->count || *pieces[text->piece[i]].folded)
                return false;
            while (k < entry->count && !*pieces[entry->piece[k]].folded)
                k++;
            while (i < text->count && !*pieces[text->piece[i]].folded)
                i++;
            continue;
        }
        if (!*b)
            b = pieces[entry->piece[k++]].folded;
        if (!*a) {
            if (i >= text->count || !*pieces[text->piece[i]].folded)
                return false;
            a = pieces[text->piece[i++]].folded;
        }
        if (*a++ != *b++)
            return false;
    }
}

static bool twin_finds(const string *text, int i, const string *entry, int *end) {
    return letter(text, i) && !letter(text, i - 1) && spells(text, i, entry, end) && !letter(text, *end);
}

/* Random entries begin and end in letters. */
static void draw_entry(string *e, uint64_t seed, uint32_t which) {
    do {
        e->count = 1 + (int)(draw(seed, 100 * which) % 3);
        for (int i = 0; i < e->count; i++)
            e->piece[i] = (int)(draw(seed, 100 * which + 1 + (uint32_t)i) % INVALID);
        which += 50;
    } while (!letter(e, 0) || !letter(e, e->count - 1));
    spell(e);
}

static void matcher_against_twin(void **state) {
    (void)state;
    size_t all = 0, phrases = 0;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        string text = {.count = (int)(draw(seed, 1) % LONGEST)}, entries[ENTRIES];
        const char *list[ENTRIES];
        for (int i = 0; i < text.count; i++)
            text.piece[i] = (int)(draw(seed, 10 + (uint32_t)i) % PIECES);
        spell(&text);
        for (uint32_t e = 0; e < ENTRIES; e++) {
            draw_entry(&entries[e], seed, e + 1);
            list[e] = entries[e].text;
        }
        static bool want[LONGEST * 4][LONGEST * 4];
        size_t wanted = 0, length = text.from[text.count];
        memset(want, 0, sizeof want);
        for (int e = 0, end; e < ENTRIES; e++)
            for (int i = 0; i < text.count; i++)
                if (twin_finds(&text, i, &entries[e], &end) && !want[text.from[i]][text.from[end]]) {
                    want[text.from[i]][text.from[end]] = true;
                    wanted++;
                    phrases += entries[e].count > 2;
                }
        gr__words *words = words_of(list, ENTRIES);
        gr__spans spans = {0};
        gr__words_find(words, &spans, text.text, length);
        for (size_t i = 0; i < spans.count; i++) {
            if (!want[spans.at[i].from][spans.at[i].to])
                fail_msg("seed %d: \"%s\" at %u-%u is no match", (int)seed, text.text, spans.at[i].from,
                         spans.at[i].to);
        }
        if (spans.count != wanted)
            fail_msg("seed %d: \"%s\": %zu matches, the twin has %zu", (int)seed, text.text, spans.count, wanted);
        all += wanted;
        gr_free(spans.at);
        gr__words_free(words);
    }
    if (all < 10000 || phrases < 100)
        fail_msg("only %zu matches, %zu of them of three pieces", all, phrases);
}

/* ---- Lists that are wrong, and files ---- */

static void expect_error(const gr_label_arg *def, gr_status status, const char *place, const char *message) {
    gr__words *words = (gr__words *)1;
    gr_error err = {0};
    assert_int_equal(gr__words_new(&words, def, "forest", &err), status);
    assert_null(words);
    if (!strstr(err.place, place) || !strstr(err.message, message) || !err.hint[0])
        fail_msg("expected \"%s\" and \"%s\", got \"%s: %s\" (%s)", place, message, err.place, err.message, err.hint);
}

static void lists_that_fail(void **state) {
    (void)state;
    static const struct {
        const char *entry, *message;
    } cases[] = {{"", "no word"},
                 {"  ", "no word"},
                 {"...", "no word"},
                 {"#tag", "begins"},
                 {"c++", "ends"},
                 {"tr\xff"
                  "ee",
                  "UTF-8"},
                 {"tree\xe2\x80\xa6", "ends"},
                 {"\xc3", "UTF-8"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(&(gr_label_arg){.texts = (const char *const[]){"oak", cases[i].entry}, .count = 2}, GR_ERR_USAGE,
                     "forest", cases[i].message);
    expect_error(&(gr_label_arg){0}, GR_ERR_USAGE, "forest", "empty");
    char many[400], *at = many;
    for (int i = 0; i < 65; i++)
        at += sprintf(at, "a ");
    expect_error(&(gr_label_arg){.texts = (const char *const[]){many}, .count = 1}, GR_ERR_USAGE, "forest", "64 words");
    memset(many, 'a', 300);
    many[300] = '\0';
    expect_error(&(gr_label_arg){.texts = (const char *const[]){many}, .count = 1}, GR_ERR_USAGE, "forest",
                 "256 bytes");
}

static void files_of_words(void **state) {
    (void)state;
    const char *text = "\xef\xbb\xbf# trees\r\noak\r\n\r\n  Oak Tree  \noak\nelm";
    gr_label_arg def = {.text = gr_test_write("words.txt", text, strlen(text))};
    gr__words *words = NULL;
    gr_error err = {0};
    gr_test_ok(gr__words_new(&words, &def, "forest", &err), &err);
    assert_int_equal(gr__words_count(words), 3);
    assert_string_equal(gr__words_match(words, 1).text, "Oak Tree");
    assert_string_equal(gr__words_match(words, 2).text, "elm");
    gr__words_free(words);
    def.text = gr_test_write("bad.txt", "oak\n\n--\n", 8);
    expect_error(&def, GR_ERR_FORMAT, "bad.txt:3", "\"--\" has no word");
    def.text = gr_test_write("empty.txt", "# nothing\n", 10);
    expect_error(&def, GR_ERR_FORMAT, "empty.txt", "empty");
    def.text = gr_test_path("missing.txt");
    expect_error(&def, GR_ERR_INPUT, "missing.txt", "cannot open");
}

/* ---- Tokens and sentences ---- */

static void tokens_that_touch(void **state) {
    (void)state;
    /* "The oak tree. Good!" in tokens "The" " oak" " tr" "ee" "." " " "Good" "!" */
    uint32_t begin[] = {0, 4, 8, 10, 12, 13, 14, 18}, end[] = {3, 7, 10, 12, 13, 14, 18, 19}, sentence[8] = {0};
    gr__doc_text t = {.text = (char *)"The oak tree. Good!",
                      .length = 19,
                      .begin = begin,
                      .end = end,
                      .sentence = sentence,
                      .tokens = 8};
    gr_real score[9] = {0};
    gr__text_span list[] = {{4, 12, (gr_real)0.5}, {11, 12, 1}, {3, 4, 1}, {18, 40, (gr_real)0.25}};
    gr__doc_text_mark(&t, score, &(gr__spans){list, 4, 4});
    const gr_real want[] = {0, (gr_real)0.5, (gr_real)0.5, 1, 0, 0, 0, (gr_real)0.25};
    for (int i = 0; i < 8; i++)
        assert_true(score[i] == want[i]);
    for (int i = 5; i < 8; i++)
        sentence[i] = 1;
    gr__doc_text_spread(&t, score);
    for (int i = 0; i < 9; i++)
        assert_true(score[i] == (i < 5 ? 1 : (gr_real)0.25));
}

static void characters_to_bytes(void **state) {
    (void)state;
    gr__doc_text t = {.text = (char *)"a\xc3\xa9\xff\xf0\x9f\x8c\xb2z", .length = 9}; /* 5 characters */
    assert_int_equal(gr__doc_text_characters(&t), 5);
    gr__text_span list[] = {{2, 4, 1}, {3, 5, 1}, {0, 2, 1}, {0, 3, 1}, {5, 6, 1}, {6, 7, 1}, {7, 9, 1}};
    gr__spans spans = {list, 7, 7};
    gr__doc_text_bytes(&t, &spans, 2); /* two characters in front were cut */
    /* {0, 2} holds nothing of the text, {7, 9} lies behind it */
    assert_int_equal(spans.count, 5);
    const uint32_t places[5][2] = {{0, 3}, {1, 4}, {0, 1}, {4, 8}, {8, 9}};
    for (int i = 0; i < 5; i++)
        if (list[i].from != places[i][0] || list[i].to != places[i][1])
            fail_msg("span %d is %u-%u", i, list[i].from, list[i].to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_words),        cmocka_unit_test(odd_texts),
        cmocka_unit_test(stories_with_trees), cmocka_unit_test(matcher_against_twin),
        cmocka_unit_test(lists_that_fail),    cmocka_unit_test(files_of_words),
        cmocka_unit_test(tokens_that_touch),  cmocka_unit_test(characters_to_bytes),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

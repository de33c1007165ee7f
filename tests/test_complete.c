/* Continuing text in characters: a model that says a given text token by token is cut at stop strings wherever the
 * tokens' borders lie, only whole characters are shown, and prompts do not depend on each other. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "gradroute/infer.h"
#include "infer/stops.h"
#include "support.h"

/* ---- a model with a text to say ---- */

enum { ROOM = 64 };

typedef struct speaker {
    gr_tokenizer *tokenizer;
    gr_model *model;
    gr_decoder *decoder;
    gr_error err;
} speaker;

/* Says the pieces behind a prompt that is empty, each as the tokens it has alone, then the end token. The logits of a
 * position are a row of a table: the token to come has the only one above 0. */
static speaker speaker_new(int count, const char *const *piece) {
    static const gr_text docs[] = {{"the cat the cat", 15}, {"caf\xc3\xa9 caf\xc3\xa9", 11}, {"abc abc abcd abcd", 17}};
    speaker s = {0};
    gr_test_ok(gr_tokenizer_train(&s.tokenizer, docs, 3, 275, NULL, &s.err), &s.err);
    const int vocab = gr_tokenizer_size(s.tokenizer);
    int32_t *ids = NULL;
    size_t n = 0, capacity = 0;
    for (int i = 0; i < count; i++)
        gr_test_ok(gr_tokenizer_encode(s.tokenizer, &ids, &n, &capacity, piece[i], strlen(piece[i]), &s.err), &s.err);
    assert_true(n < ROOM);
    gr_graph *g = gr_graph_new();
    gr_param embed = gr_graph_param(g, &(gr_param_def){.name = "embed", .rows = vocab, .cols = vocab});
    gr_param position = gr_graph_param(g, &(gr_param_def){.name = "position", .rows = ROOM, .cols = vocab});
    gr_graph_output(g, "logits", gr_position(g, gr_embedding(g, embed), position));
    gr_test_ok(gr_model_new(&s.model, g, 1, &s.err), &s.err);
    for (size_t i = 0; i < ROOM; i++)
        gr_model_data(s.model, position)[i * (size_t)vocab + (size_t)(i < n ? ids[i] : gr_tokenizer_end(s.tokenizer))] =
            1;
    gr_test_ok(gr_decoder_new(&s.decoder, s.model, NULL, &(gr_decoder_def){.context = ROOM}, &s.err), &s.err);
    gr_free(ids);
    return s;
}

static void speaker_free(speaker *s) {
    gr_decoder_free(s->decoder);
    gr_model_free(s->model);
    gr_tokenizer_free(s->tokenizer);
}

typedef struct shown {
    char text[256];
    size_t length;
    int pieces, most; /* most > 0: wants no more after this many */
    bool broken;      /* a piece had half a character */
} shown;

static bool show(void *user, const char *text, size_t length) {
    shown *to = user;
    assert_true(length > 0 && to->length + length <= sizeof to->text);
    memcpy(to->text + to->length, text, length);
    to->length += length;
    for (size_t i = 0; i < length;) {
        int n = gr_utf8_next(text + i, length - i);
        to->broken |= n < 0;
        i += n > 0 ? (size_t)n : 1;
    }
    return ++to->pieces != to->most;
}

static gr_completion say(speaker *s, shown *to, int stops, const char *const *stop) {
    gr_complete_def def = gr_complete_default();
    gr_completion done;
    def.stop = stop;
    def.stops = stops;
    def.show = to ? show : NULL;
    def.user = to;
    def.generate.tokens = ROOM - 1;
    gr_test_ok(gr_complete(&done, s->decoder, s->tokenizer, "", 0, &def, &s->err), &s->err);
    return done;
}

/* Says the pieces with the stop strings, and checks text, reason and what was shown. */
static void says(int count, const char *const *piece, int stops, const char *const *stop, const char *want,
                 gr_finish finish, int which) {
    speaker s = speaker_new(count, piece);
    shown to = {0};
    gr_completion done = say(&s, &to, stops, stop);
    assert_string_equal(done.text, want);
    assert_int_equal(done.length, strlen(want));
    assert_int_equal(done.finish, finish);
    assert_int_equal(done.stop, which);
    assert_int_equal(to.length, done.length);
    assert_memory_equal(to.text, done.text, done.length);
    assert_int_equal(done.prompt_tokens, 1);
    gr_completion_free(&done);
    assert_null(done.text);
    speaker_free(&s);
}
#define SAYS(pieces, stops, ...) \
    says((int)(sizeof(pieces) / sizeof *(pieces)), pieces, (int)(sizeof(stops) / sizeof *(stops)), stops, __VA_ARGS__)
#define TEXTS(...) ((const char *const[]){__VA_ARGS__})

/* ---- tests ---- */

static void to_the_end(void **state) {
    (void)state;
    says(2, TEXTS("the cat", " sat"), 0, NULL, "the cat sat", GR_FINISH_END, -1);
    says(1, TEXTS(""), 0, NULL, "", GR_FINISH_END, -1);
    SAYS(TEXTS("the cat"), TEXTS("dog", "cats"), "the cat", GR_FINISH_END, -1); /* a beginning that does not go on */
}

static void stops_cut_exactly(void **state) {
    (void)state;
    SAYS(TEXTS("the cat", " sat"), TEXTS(" sat"), "the cat", GR_FINISH_STOP, 0);
    SAYS(TEXTS("the cat", " sat"), TEXTS("t s"), "the ca", GR_FINISH_STOP, 0); /* over a border */
    SAYS(TEXTS("the cat"), TEXTS("he"), "t", GR_FINISH_STOP, 0);               /* within a token */
    SAYS(TEXTS("t", "h", "e"), TEXTS("the"), "", GR_FINISH_STOP, 0);           /* all of it */
    SAYS(TEXTS("abc", "abd"), TEXTS("abd"), "abc", GR_FINISH_STOP, 0);         /* a beginning that starts again */
    SAYS(TEXTS("aa", "ab"), TEXTS("aab"), "a", GR_FINISH_STOP, 0);
    SAYS(TEXTS("the cat"), TEXTS("x", "at", "cat"), "the ", GR_FINISH_STOP, 2); /* complete together: the longest */
    SAYS(TEXTS("the cat"), TEXTS("e cat", "c"), "the ", GR_FINISH_STOP, 1);     /* the first to be complete */
}

static void stops_of_several_bytes(void **state) {
    (void)state;
    SAYS(TEXTS("caf", "\xc3", "\xa9", " x"), TEXTS("\xc3\xa9"), "caf", GR_FINISH_STOP, 0);
    SAYS(TEXTS("caf", "\xc3", "\xa9", " x"), TEXTS("\xa9"), "caf\xc3", GR_FINISH_STOP, 0); /* half a character */
    SAYS(TEXTS("\xe2\x82", "\xac ", "\xe2\x82\xac"), TEXTS(" \xe2\x82\xac"), "\xe2\x82\xac", GR_FINISH_STOP, 0);
    SAYS(TEXTS("\xf0\x9f", "\x98\x80", "!"), TEXTS("\xf0\x9f\x98\x81"), "\xf0\x9f\x98\x80!", GR_FINISH_END, -1);
}

static void only_whole_characters_are_shown(void **state) {
    (void)state;
    speaker s = speaker_new(6, TEXTS("a", "\xc3", "\xa9", "\xf0\x9f", "\x98", "\x80"));
    shown to = {0};
    gr_completion done = say(&s, &to, 0, NULL);
    assert_int_equal(done.length, 7);
    assert_false(to.broken);
    assert_int_equal(to.pieces, 3);
    gr_completion_free(&done);
    speaker_free(&s);

    s = speaker_new(4, TEXTS("\xff", "b\xc3", "c", "\xe2\x82")); /* never become characters */
    to = (shown){0};
    done = say(&s, &to, 0, NULL);
    assert_string_equal(done.text, "\xff"
                                   "b\xc3"
                                   "c\xe2\x82");
    assert_memory_equal(to.text, done.text, done.length);
    assert_int_equal(to.length, done.length);
    gr_completion_free(&done);
    speaker_free(&s);
}

/* What might be a stop string waits until it is none. */
static void beginnings_wait(void **state) {
    (void)state;
    speaker s = speaker_new(4, TEXTS("a", "b", "b", "c"));
    shown to = {0};
    gr_completion done = say(&s, &to, 1, TEXTS("abbd"));
    assert_string_equal(done.text, "abbc");
    assert_int_equal(to.pieces, 1);
    gr_completion_free(&done);
    speaker_free(&s);
}

static void a_caller_may_end_it(void **state) {
    (void)state;
    speaker s = speaker_new(3, TEXTS("x", "y", "z"));
    shown to = {.most = 2};
    gr_completion done = say(&s, &to, 0, NULL);
    assert_string_equal(done.text, "xy");
    assert_int_equal(done.finish, GR_FINISH_CALLER);
    assert_int_equal(done.tokens, 2);
    gr_completion_free(&done);
    gr_complete_def def = gr_complete_default();
    def.generate.tokens = 1;
    gr_test_ok(gr_complete(&done, s.decoder, s.tokenizer, "", 0, &def, &s.err), &s.err);
    assert_string_equal(done.text, "x");
    assert_int_equal(done.finish, GR_FINISH_LENGTH);
    assert_true(isnan(done.tokens_per_s));
    gr_completion_free(&done);
    def.generate.tokens = 0;
    gr_test_ok(gr_complete(&done, s.decoder, s.tokenizer, "", 0, &def, &s.err), &s.err);
    assert_string_equal(done.text, "");
    gr_completion_free(&done);
    speaker_free(&s);
}

/* ---- stop strings against the slow way ---- */

static bool ends_in(const char *text, size_t n, const char *end, size_t k) {
    return k <= n && memcmp(text + n - k, end, k) == 0;
}

static void stops_equal_the_slow_way(void **state) {
    (void)state;
    enum { N = 60 };
    for (uint64_t seed = 0; seed < 3000; seed++) {
        const gr_key key = {seed, GR_STREAM_TEST, 7};
        char text[N], strings[3][8] = {{0}};
        const char *list[3];
        const int count = (int)(gr_random_bits(key, 0, 0) % 4);
        for (int k = 0; k < count; k++) {
            int length = 1 + (int)(gr_random_bits(key, (uint64_t)k, 1) % 6);
            for (int i = 0; i < length; i++)
                strings[k][i] = (char)('a' + gr_random_bits(key, (uint64_t)(8 * k + i), 2) % 2);
            list[k] = strings[k];
        }
        gr__stops *stops = gr__stops_new(list, count);
        for (size_t n = 0; n < N; n++) {
            text[n] = (char)('a' + gr_random_bits(key, n, 3) % (n % 7 == 6 ? 3 : 2));
            int which = -1;
            size_t held = 0;
            for (int k = 0; k < count; k++) {
                size_t length = strlen(list[k]);
                if (ends_in(text, n + 1, list[k], length) && (which < 0 || length > strlen(list[which])))
                    which = k;
                for (size_t part = held + 1; part < length; part++)
                    held = ends_in(text, n + 1, list[k], part) ? part : held;
            }
            assert_int_equal(gr__stops_next(stops, text[n]), which);
            assert_int_equal(gr__stops_held(stops), held);
        }
        gr__stops_free(stops);
    }
    gr__stops_free(NULL);
}

/* ---- characters ---- */

/* Every code point, and every sequence of up to 3 bytes against what code points spell. */
static void characters(void **state) {
    (void)state;
    static unsigned char valid[1 << 24]; /* of 3 bytes: length of the character that they begin with, 0 none, 9 half */
    memset(valid, 0, sizeof valid);
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        unsigned char b[4];
        int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (int i = n - 1, rest = (int)c; i >= 0; i--, rest >>= 6)
            b[i] = (unsigned char)(i ? 0x80 | (rest & 0x3f) : n == 1 ? rest : (0xf00 >> n & 0xff) | rest);
        assert_int_equal(gr_utf8_next((char *)b, 4), n);
        if (n == 4)
            valid[b[0] << 16 | b[1] << 8 | b[2]] = 9;
        if (n == 3)
            valid[b[0] << 16 | b[1] << 8 | b[2]] = 3;
        for (int low = 0; n < 3 && low < 1 << 8 * (3 - n); low++)
            valid[(n == 1 ? b[0] << 16 : b[0] << 16 | b[1] << 8) | low] = (unsigned char)n;
    }
    for (uint32_t i = 0; i < 1 << 24; i++) {
        const char b[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        int n = gr_utf8_next(b, 3);
        if (n != (valid[i] == 9 ? -1 : valid[i]))
            fail_msg("%06x: %d", i, n);
    }
    assert_int_equal(gr_utf8_next("\xe2\x82", 2), -1);
    assert_int_equal(gr_utf8_next("\xe2", 1), -1);
    assert_int_equal(gr_utf8_next("\xed", 1), -1);
    assert_int_equal(gr_utf8_next("\xed\xa0", 2), 0);
    char clean[24];
    assert_int_equal(gr_utf8_clean(clean, "a\xff\xe2\x82", 4), 10);
    assert_memory_equal(clean, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 10);
}

/* ---- prompts do not depend on each other ---- */

/* The engine's own test network behind a tokenizer of more tokens than it has would be refused: one with room. */
static gr_model *writer_model(int vocab) {
    gr_graph *g = gr_graph_new();
    gr_param_def normal = {"embed", vocab, 24, GR_KIND_EMBEDDING, GR_INIT_NORMAL, 1, false};
    gr_param embed = gr_graph_param(g, &normal);
    gr_value x = gr_embedding(g, embed);
    normal.name = "qkv", normal.rows = 72;
    gr_param qkv = gr_graph_param(g, &normal);
    x = gr_attention(g, gr_linear(g, 1, &(gr_term){.x = x, .w = qkv}, GR_NONE, GR_NONE),
                     &(gr_attention_def){.heads = 3, .size = 8, .scale = 0.3, .rotary_base = 10000});
    gr_graph_output(g, "logits", gr_linear(g, 1, &(gr_term){.x = x, .w = embed}, GR_NONE, GR_NONE));
    gr_model *m;
    gr_error err = {0};
    gr_test_ok(gr_model_new(&m, g, 5, &err), &err);
    return m;
}

static void whatever_the_batch(void **state) {
    (void)state;
    static const char *const prompts[] = {"the cat", "", "caf\xc3\xa9", "abcd abcd abcd abcd abcd abcd", "\xff\xfe"};
    speaker s = speaker_new(0, NULL);
    gr_model *m = writer_model(gr_tokenizer_size(s.tokenizer));
    gr_decoder *alone, *shared;
    gr_complete_def def = gr_complete_default();
    def.generate.temperature = 0.7;
    def.generate.top_p = 0.9;
    gr_decoder_def room = {.context = 32}; /* less than prompt and text */
    gr_test_ok(gr_decoder_new(&shared, m, NULL, &room, &s.err), &s.err);
    for (int i = 0; i < 20; i++) {
        const char *prompt = prompts[i * 3 % 5];
        gr_completion a, b;
        gr_test_ok(gr_decoder_new(&alone, m, NULL, &room, &s.err), &s.err);
        gr_test_ok(gr_complete(&a, alone, s.tokenizer, prompt, strlen(prompt), &def, &s.err), &s.err);
        gr_test_ok(gr_complete(&b, shared, s.tokenizer, prompt, strlen(prompt), &def, &s.err), &s.err);
        assert_int_equal(a.tokens, b.tokens);
        assert_memory_equal(a.ids, b.ids, (size_t)a.tokens * sizeof *a.ids);
        assert_string_equal(a.text, b.text);
        assert_true(a.tokens == 1 || a.tokens_per_s > 0);
        gr_completion_free(&a);
        gr_completion_free(&b);
        gr_decoder_free(alone);
    }
    gr_decoder_free(shared);
    gr_model_free(m);
    speaker_free(&s);
}

/* ---- mistakes ---- */

static void refuses(void **state) {
    (void)state;
    speaker s = speaker_new(1, TEXTS("x"));
    struct {
        double temperature, top_p, min_p;
        int top_k, tokens;
        const char *word;
    } wrong[] = {{-0.1, 1, 0, 0, 4, "temperature -0.1"},
                 {NAN, 1, 0, 0, 4, "temperature"},
                 {1, 0, 0, 0, 4, "top_p 0"},
                 {1, 1.01, 0, 0, 4, "top_p 1.01"},
                 {1, NAN, 0, 0, 4, "top_p"},
                 {1, 1, -1, 0, 4, "min_p -1"},
                 {1, 1, 2, 0, 4, "min_p 2"},
                 {1, 1, 0, -1, 4, "top_k -1"},
                 {1, 1, 0, 0, -1, "tokens -1"}};
    gr_completion done;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gr_complete_def def = gr_complete_default();
        def.generate.temperature = wrong[i].temperature;
        def.generate.top_p = wrong[i].top_p;
        def.generate.min_p = wrong[i].min_p;
        def.generate.top_k = wrong[i].top_k;
        def.generate.tokens = wrong[i].tokens;
        gr_error err = {0};
        assert_int_equal(gr_complete(&done, s.decoder, s.tokenizer, "a", 1, &def, &err), GR_ERR_USAGE);
        assert_non_null(strstr(err.message, wrong[i].word));
        assert_null(done.text);
    }
    gr_complete_def def = gr_complete_default();
    def.stop = TEXTS("a", "");
    def.stops = 2;
    gr_error err = {0};
    assert_int_equal(gr_complete(&done, s.decoder, s.tokenizer, "a", 1, &def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "stop string 2 is empty"));
    def.stops = 0;
    gr_model_data(s.model, gr_model_find(s.model, "position"))[0] = (gr_real)NAN;
    err = (gr_error){0};
    assert_int_equal(gr_complete(&done, s.decoder, s.tokenizer, "", 0, &def, &err), GR_ERR_NUMERIC);
    assert_null(done.ids);
    speaker_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_the_end),
        cmocka_unit_test(stops_cut_exactly),
        cmocka_unit_test(stops_of_several_bytes),
        cmocka_unit_test(only_whole_characters_are_shown),
        cmocka_unit_test(beginnings_wait),
        cmocka_unit_test(a_caller_may_end_it),
        cmocka_unit_test(stops_equal_the_slow_way),
        cmocka_unit_test(characters),
        cmocka_unit_test(whatever_the_batch),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests_name("complete", tests, NULL, NULL);
}

/* test_visible.c - text from outside as a person is shown it. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "base/visible.h"
#include "support.h"

static const char *shown(const char *text, size_t n, bool lines) {
    static char to[4096];
    assert_true(n * GR__VISIBLE_MOST < sizeof to);
    to[gr__visible(to, text, n, lines, NULL)] = 0;
    return to;
}

static void controls_are_spelt_out(void **state) {
    (void)state;
    static const struct {
        const char *text, *name, *lines;
    } cases[] = {
        {"plain text, \xc3\xa9\xe4\xb8\xad\xf0\x9f\x90\xa6", "plain text, \xc3\xa9\xe4\xb8\xad\xf0\x9f\x90\xa6", NULL},
        {"\x1b]0;title\x07\x1b[31m", "\\x1b]0;title\\x07\\x1b[31m", NULL},
        {"\x7f\x08", "\\u007f\\x08", NULL},
        {"C1 \xc2\x9b"
         "31m \xc2\x90",
         "C1 \\u009b31m \\u0090", NULL},
        {"\xc2\xa0 stays", "\xc2\xa0 stays", NULL},
        {"\xe2\x80\xaertl\xe2\x80\xac \xe2\x81\xa6iso\xe2\x81\xa9", "\\u202ertl\\u202c \\u2066iso\\u2069", NULL},
        {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", "\\u061c\\u200e\\u200f", NULL},
        {"\xe2\x80\xa8line \xe2\x80\xa9paragraph", "\\u2028line \\u2029paragraph", NULL},
        {"\xe2\x80\x8d \xe2\x80\xa7 stay", "\xe2\x80\x8d \xe2\x80\xa7 stay", NULL},
        {"cut \xe4\xb8 \xff", "cut \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd", NULL},
        {"a\nb\tc", "a\\x0ab\\x09c", "a\nb\tc"},
        {"a\r\nb\rc\r", "a\\x0d\\x0ab\\x0dc\\x0d", "a\r\nb\\x0dc\\x0d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);
        assert_string_equal(shown(cases[i].text, n, false), cases[i].name);
        assert_string_equal(shown(cases[i].text, n, true), cases[i].lines ? cases[i].lines : cases[i].name);
    }
    assert_string_equal(shown("a\0b", 3, true), "a\\x00b");
}

/* Cut anywhere, the pieces show what the whole does. */
static void pieces_show_the_whole(void **state) {
    (void)state;
    static const char text[] = "x\r\n\xc3\xa9\xe2\x80\xae\xf0\x9f\x90\xa6\xc2\x9b\r\xff\xe4\xb8";
    const size_t n = sizeof text - 1;
    char whole[256], to[256], from[64];
    whole[gr__visible(whole, text, n, true, NULL)] = 0;
    for (size_t cut = 0; cut <= n; cut++) {
        size_t left, used = gr__visible(to, text, cut, true, &left);
        memcpy(from, text + cut - left, left);
        memcpy(from + left, text + cut, n - cut);
        used += gr__visible(to + used, from, left + n - cut, true, NULL);
        to[used] = 0;
        assert_string_equal(to, whole);
    }
}

/* Whatever the bytes are: UTF-8 without a character that steers, and never more room than promised. */
static void any_bytes_become_harmless(void **state) {
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        char text[24], to[GR__VISIBLE_MOST * sizeof text];
        size_t n = 1 + (size_t)round % sizeof text;
        for (size_t i = 0; i < n; i++) {
            static const unsigned char likely[] = {0x1b, 0xc2, 0x9b, 0xe2, 0x80, 0xae, 0x81, 0xa6, '\r', '\n', 0xf0};
            seed = seed * 1664525u + 1013904223u;
            text[i] = (char)(seed >> 31 ? likely[seed >> 8 & 0xff % sizeof likely] : seed >> 16 & 0xff);
        }
        size_t used = gr__visible(to, text, n, false, NULL);
        assert_true(used <= GR__VISIBLE_MOST * n);
        for (size_t i = 0; i < used;) {
            size_t length = gr_utf8_length(to + i, used - i);
            assert_true(length > 0 && (unsigned char)to[i] >= 0x20 && to[i] != 0x7f);
            assert_false(length == 2 && (unsigned char)to[i] == 0xc2 && (unsigned char)to[i + 1] < 0xa0);
            i += length;
        }
    }
}

static void errors_are_shown_so(void **state) {
    (void)state;
    gr_error err = {0};
    char text[512];
    gr_error_set(&err, GR_ERR_USAGE, "file\x1b[2J\nname", "did you mean \"\xc2\x9b\"?", "topic \"%s\"", "\x1b]0;x\x07");
    assert_string_equal(gr_error_text(&err, text, sizeof text),
                        "file\\x1b[2J\\x0aname: topic \"\\x1b]0;x\\x07\"\n  hint: did you mean \"\\u009b\"?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controls_are_spelt_out),
        cmocka_unit_test(pieces_show_the_whole),
        cmocka_unit_test(any_bytes_become_harmless),
        cmocka_unit_test(errors_are_shown_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

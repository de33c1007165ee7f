/* Files of prompts: lines, JSON Lines with settings of their own, and what is refused. */
#include "infer/prompts.h"

#include <string.h>

#include "support.h"

static gr_status read_text(gr__prompts *list, const char *name, const char *text, gr_error *err) {
    *err = (gr_error){0};
    return gr__prompts_read(list, gr_test_write(name, text, strlen(text)), err);
}

static void lines(void **state) {
    (void)state;
    gr__prompts list = {0};
    gr_error err;
    gr_test_ok(read_text(&list, "prompts.txt", "a bird\n\n  two words \r\n{\"prompt\": 1}\n\xff\r\nlast", &err), &err);
    assert_int_equal(list.count, 5);
    static const char *const want[] = {"a bird", "  two words ", "{\"prompt\": 1}", "\xff", "last"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(list.at[i].text, want[i]);
        assert_int_equal(list.at[i].length, strlen(want[i]));
        assert_int_equal(list.at[i].offs, 0);
        assert_false(list.at[i].seeded);
    }
    gr_test_ok(read_text(&list, "more.txt", "again", &err), &err);
    assert_int_equal(list.count, 6);
    assert_string_equal(list.at[0].text, "a bird");
    gr__prompts_free(&list);
    assert_int_equal(list.count, 0);
    gr__prompts_free(&list);
}

static void records(void **state) {
    (void)state;
    gr__prompts list = {0};
    gr_error err;
    gr_test_ok(
        read_text(&list, "p.jsonl",
                  "{\"prompt\": \"a\\nb\"}\n \t\r\n"
                  "{\"seed\": 7, \"off\": [\"x\", \"y\"], \"prompt\": \"\"}\r\n{\"prompt\": \"\xc3\xa9\", \"off\": []}",
                  &err),
        &err);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.at[0].text, "a\nb");
    assert_int_equal(list.at[1].length, 0);
    assert_int_equal(list.at[1].offs, 2);
    assert_string_equal(list.at[1].off[1], "y");
    assert_true(list.at[1].seeded);
    assert_int_equal(list.at[1].seed, 7);
    assert_string_equal(list.at[2].text, "\xc3\xa9");
    assert_int_equal(list.at[2].offs, 0);
    assert_false(list.at[2].seeded);
    gr__prompts_free(&list);
}

static void refuses(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *place, *message;
    } wrong[] = {
        {"a.txt", "", "a.txt", "no prompt"},
        {"b.txt", "\n\r\n\n", "b.txt", "no prompt"},
        {"c.jsonl", "\n  \n", "c.jsonl", "no prompt"},
        {"d.jsonl", "{\"prompt\": \"x\"}\n{\"prompt\": \"x\"", "d.jsonl:2", "expected"},
        {"e.jsonl", "[]", "e.jsonl:1", "not a JSON object"},
        {"f.jsonl", "{}", "f.jsonl:1", "no text 'prompt'"},
        {"g.jsonl", "{\"prompt\": 3}", "g.jsonl:1", "no text 'prompt'"},
        {"h.jsonl", "\n{\"prompt\": \"x\", \"of\": []}", "h.jsonl:2", "unknown member 'of'"},
        {"i.json", "{\"prompt\": \"x\", \"off\": \"y\"}", "i.json:1", "not a list"},
        {"j.jsonl", "{\"prompt\": \"x\", \"off\": [1]}", "j.jsonl:1", "not a text"},
        {"k.jsonl", "{\"prompt\": \"x\", \"seed\": -1}", "k.jsonl:1", "'seed'"},
        {"l.jsonl", "{\"prompt\": \"x\", \"seed\": 1.5}", "l.jsonl:1", "'seed'"},
        {"m.jsonl", "{\"prompt\": \"x\", \"prompt\": \"y\"}", "m.jsonl:1", "duplicate"},
        {"n.jsonl", "{\"prompt\": \"\xff\"}", "n.jsonl:1", "unable to decode byte"},
        {"o.jsonl", "{\"prompt\": \"x\", \"off\": [\"a\\u0000\"]}", "o.jsonl:1", "not a name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gr__prompts list = {0};
        gr_error err;
        assert_int_equal(read_text(&list, wrong[i].name, wrong[i].text, &err), GR_ERR_FORMAT);
        if (!strstr(err.place, wrong[i].place) || !strstr(err.message, wrong[i].message))
            fail_msg("%s: %s: %s", wrong[i].name, err.place, err.message);
        gr__prompts_free(&list);
    }
    gr__prompts list = {0};
    gr_error err = {0};
    assert_int_equal(gr__prompts_read(&list, gr_test_path("none.txt"), &err), GR_ERR_INPUT);
    err = (gr_error){0};
    assert_int_equal(gr__prompts_read(&list, "/", &err), GR_ERR_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(records),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests_name("prompts", tests, gr_test_files_setup, gr_test_files_teardown);
}

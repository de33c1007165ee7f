/* Cells as text: what is damaged, edited or moved is refused, and committed rows come back as they went. */
#include "cell_helpers.h"

/* ---- damage ---- */

static void expect_damaged(const char *root, const char *words) {
    gr_error err = {0};
    gr__kept_cell *cell;
    gr_cell_state found;
    gr__known known;
    assert_int_equal(gr__cell_find(&cell, root, key_of(0), &err), GR_ERR_FORMAT);
    assert_null(cell);
    if (!strstr(err.message, words) || !strstr(err.hint, "remove it to make it again"))
        fail_msg("'%s' (%s) lacks '%s'", err.message, err.hint, words);
    assert_int_equal(gr__cell_look(&known, root, key_of(0), NULL, GR_UNITS_BUCKETS, NULL), GR_ERR_FORMAT);

    /* And it is not silently made again. */
    gr__cell_work *work;
    gr_error none = {0};
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_ROWS, &none), &none);
    assert_null(work);
}

/* Changes a member of cell.json; signed: so that its own digest is right. */
static void edit(const char *root, const char *member, json_t *value, bool sign_it) {
    gr_error err = {0};
    json_t *file;
    char hex[GR_DIGEST_HEX], *path = path_in(root, "cells/%s/cell.json", key_of(0));
    gr_test_ok(gr_json_read(&file, path, &err), &err);
    if (value)
        json_object_set_new(file, member, value);
    else
        json_object_del(file, member);
    gr_json_seal(hex, file);
    if (sign_it)
        json_object_set_new(file, "sha256", json_string(hex));
    gr_test_ok(gr_json_write(file, path, &err), &err);
    json_decref(file);
    gr_free(path);
}

static void damaged_cells_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *member, *value, *words; /* value: as JSON; NULL: the member goes */
        bool sign_it;
    } cases[] = {
        {"seconds", "3", "its digest is not that of its content", false},
        {"sha256", NULL, "its digest is not that of its content", false},
        {"format", "\"gradroute-cell-2\"", "no cell of this version", true},
        {"of", "{\"kind\": \"model\"}", "its key is not the digest of what it is of", true},
        {"of", "{\"kind\": \"mode\"}", "'of' names no kind of cell", true},
        {"of", NULL, "'of' names no kind of cell", true},
        {"key", "\"00\"", "its key is not the digest", true},
        {"rows_sha256", "1", "'rows_sha256' is no digest", true},
        {"model", "{\"folder\": \"../model\", \"off\": []}", "'model' is no place", true},
        {"model", "{\"folder\": \"model\"}", "'model' is no place", true},
        {"model", "{\"of\": \"x\", \"off\": []}", "'model' is no place", true},
        {"model", "{\"folder\": \"model\", \"off\": [1]}", "'model' is no place", true},
        {"data", "\"data/../../../etc\"", "'data' is no folder", true},
        {"data", "\"data/0123456789abcdef/\"", "'data' is no folder", true},
        {"seconds", "-1", "when and by what", true},
        {"threads", "0", "when and by what", true},
        {"isa", NULL, "when and by what", true},
        {"host", "7", "when and by what", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *root = fresh();
        make(root, 0);
        json_t *value = cases[i].value ? json_loads(cases[i].value, JSON_DECODE_ANY, NULL) : NULL;
        edit(root, cases[i].member, value, cases[i].sign_it);
        expect_damaged(root, cases[i].words);
    }
}

static void rows_that_changed_are_refused(void **state) {
    (void)state;
    const char *root = fresh();
    make(root, 0);
    size_t length;
    char *path = path_in(root, "cells/%s/rows.jsonl", key_of(0)), *bytes = gr_test_read(path, &length);
    gr_error err = {0};

    /* One digit, a space, a row too much, none at all. */
    char *digit = strchr(bytes, '0');
    *digit = '1';
    gr_test_ok(gr_file_write(path, bytes, length, &err), &err);
    expect_damaged(root, "its rows are not those");
    *digit = '0';
    *strchr(bytes, '\n') = ' ';
    gr_test_ok(gr_file_write(path, bytes, length, &err), &err);
    expect_damaged(root, "its rows are not those");
    unlink(path);
    expect_damaged(root, "rows.jsonl is missing");
    free(bytes);
    gr_free(path);
    path = path_in(root, "cells/%s/cell.json", key_of(0));
    unlink(path);
    expect_damaged(root, "cell.json is missing");
    gr_free(path);
}

static void a_cell_under_another_name_is_refused(void **state) {
    (void)state;
    const char *root = fresh();
    make(root, 1);
    char *from = path_in(root, "cells/%s", key_of(1)), *to = path_in(root, "cells/%s", key_of(0));
    assert_int_equal(rename(from, to), 0);
    expect_damaged(root, "it is another cell than its name says");
    gr_free(from), gr_free(to);
}

/* ---- committed rows ---- */

static gr__kept_cell *cell_of(int i) {
    gr__kept_cell *cell;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(i, key);
    cell = gr__cell_new(of, rows_of(i), &with_model);
    json_decref(of);
    return cell;
}

static void committed_rows_are_sorted_and_read_back(void **state) {
    (void)state;
    gr__kept_cell *cell[CELLS];
    gr_error err = {0};
    gr__committed list;
    const char *path = gr_test_path("NAME.jsonl");
    size_t length;
    for (int i = 0; i < CELLS; i++)
        cell[i] = cell_of(i);
    gr__commit_line line[CELLS];
    json_t *about = json_pack("{s:s}", "preset", "quick");
    for (int i = 0; i < CELLS; i++)
        line[i] = (gr__commit_line){cell[i], i == 1 ? about : NULL};
    gr_test_ok(gr__committed_write(line, CELLS, path, &err), &err);
    char *text = gr_test_read(path, &length);
    assert_null(strstr(text, "\"host\""));

    /* What is said about one stands in its line alone. */
    const char *said = strstr(text, ",\"about\":{\"preset\":\"quick\"},\"rows\":[");
    assert_non_null(said);
    assert_null(strstr(said + 2, "\"about\""));
    const char *begin = said;
    while (begin > text && begin[-1] != '\n')
        begin--;
    const char *key = strstr(begin, cell[1]->key);
    assert_true(key && key < said);
    gr_test_ok(gr__committed_read(&list, path, &err), &err);
    assert_int_equal(list.count, CELLS);
    for (size_t i = 1; i < list.count; i++)
        assert_true(strcmp(list.cell[i - 1]->key, list.cell[i]->key) < 0);

    /* The same bytes from what was read, in whatever order it is given. */
    gr__commit_line turned[CELLS];
    for (int i = 0; i < CELLS; i++) {
        const gr__kept_cell *found = gr__committed_find(&list, cell[i]->key);
        char *a = gr_ledger_lines(found->rows), *b = gr_ledger_lines(cell[i]->rows);
        assert_string_equal(a, b);
        gr_free(a), gr_free(b);
        turned[CELLS - 1 - i] = (gr__commit_line){found, i == 1 ? about : NULL};
    }
    char *again = gr__committed_lines(turned, CELLS);
    assert_string_equal(again, text);
    assert_null(gr__committed_find(&list, "00"));
    assert_null(gr__committed_find(&(gr__committed){0}, cell[0]->key));
    gr_free(again);
    free(text);
    json_decref(about);
    gr__committed_free(&list);
    for (int i = 0; i < CELLS; i++)
        gr__cell_free(cell[i]);
}

static void damaged_lines_are_refused(void **state) {
    (void)state;
    gr__kept_cell *cell = cell_of(0);
    char *line = gr__committed_lines(&(gr__commit_line){cell, NULL}, 1), *twice = gr_format("%s%s", line, line);
    char *edited = gr_strdup(line), *cut = gr_format("%.*s", (int)strlen(line) - 1, line);
    *strstr(edited, "forget") = 'F';
    const struct {
        const char *text, *place, *words;
    } cases[] = {{twice, "N", "is there twice"},
                 {edited, "N:1", "its rows are not those"},
                 {cut, "N:1", "does not end"},
                 {"{}\n", "N:1", "no cell and its rows"},
                 {"{\"cell\": {}, \"rows\": []}\n", "N:1", "no cell of this version"},
                 {"[\n", "N:1", "expected near end"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err = {0};
        gr__committed list;
        assert_int_equal(gr__committed_parse(&list, cases[i].text, strlen(cases[i].text), "N", &err), GR_ERR_FORMAT);
        assert_int_equal(list.count, 0);
        if (strncmp(err.place, cases[i].place, strlen(cases[i].place)) || !strstr(err.message, cases[i].words))
            fail_msg("%s: %s lacks %s: %s", err.place, err.message, cases[i].place, cases[i].words);
    }
    gr_error err = {0};
    gr__committed list;
    gr_test_ok(gr__committed_parse(&list, "", 0, "N", &err), &err);
    assert_int_equal(gr__committed_read(&list, gr_test_path("none.jsonl"), &err), GR_ERR_INPUT);
    gr_free(line), gr_free(twice), gr_free(edited), gr_free(cut);
    gr__cell_free(cell);
}

static void a_diverged_cell_says_so(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_begin(rows, "diverged");
    gr_ledger_text(rows, "why", "the loss is not finite after 40 steps");
    gr_test_ok(gr__cell_begin(&work, &found, root, key, GR__WANT_ROWS, &err), &err);
    gr_test_ok(gr__cell_publish(work, NULL, of, rows, &(gr__cell_facts){.threads = 1}, &err), &err);
    gr__cell_end(work);
    assert_int_equal(state_of(root, 0), GR_CELL_DIVERGED);
    json_decref(of);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_cells_are_refused),
        cmocka_unit_test(rows_that_changed_are_refused),
        cmocka_unit_test(a_cell_under_another_name_is_refused),
        cmocka_unit_test(committed_rows_are_sorted_and_read_back),
        cmocka_unit_test(damaged_lines_are_refused),
        cmocka_unit_test(a_diverged_cell_says_so),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

/* Cells that are made once more: for their model, which was removed, or for richer rows. */
#include "cell_helpers.h"
#include "kill_calls.c"

/* ---- models that are made again ---- */

static gr__cell_work *begin_again(const char *root) {
    gr_error err = {0};
    gr_cell_state found;
    gr__cell_work *work = begin(&found, root, 0, GR__WANT_MODEL);
    assert_non_null(work);
    char *model = gr_format("%s/model", work->folder);
    gr_test_ok(gr_directory_make(model, &err), &err);
    write_in(model, "manifest.json", "{\"again\": true}");
    gr_free(model);
    return work;
}

static void a_removed_model_is_put_back(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__kept_cell *known;
    bool other = true;

    /* The cell is there, its model is not. */
    make(root, 0);
    gr_test_folder_remove(path_in(root, "cells/%s/model", key_of(0)));
    gr_test_ok(gr__cell_find(&known, root, key_of(0), &err), &err);

    /* The same rows: nothing to tell. */
    gr_ledger *rows = rows_of(0);
    gr__cell_work *work = begin_again(root);
    gr_test_ok(gr__cell_restore(work, &other, known, rows, &err), &err);
    gr__cell_end(work);
    assert_false(other);
    assert_true(is_there(root, "cells/%s/model/manifest.json", key_of(0)));
    assert_false(is_there(root, "cells/%s/remade.json", key_of(0)));
    assert_done(root, 0);
    assert_tidy(root, 0);
    gr_ledger_free(rows);

    /* Other rows: said beside those that stay. */
    gr_test_folder_remove(path_in(root, "cells/%s/model", key_of(0)));
    rows = rows_of(3);
    work = begin_again(root);
    gr_test_ok(gr__cell_restore(work, &other, known, rows, &err), &err);
    gr__cell_end(work);
    assert_true(other);
    assert_true(is_there(root, "cells/%s/remade.json", key_of(0)));
    assert_true(is_there(root, "cells/%s/model/manifest.json", key_of(0)));
    assert_done(root, 0);
    gr_ledger_free(rows);
    gr__cell_free(known);
}

static void a_committed_cell_keeps_its_rows(void **state) {
    (void)state;
    const char *root = fresh(), *there = fresh();
    gr_error err = {0};
    gr__kept_cell *cell;
    gr__committed list;
    bool other = false;

    /* A cell that only the committed list has: its rows are known, its folder is not here. */
    make(there, 0);
    gr_test_ok(gr__cell_find(&cell, there, key_of(0), &err), &err);
    char *lines = gr__committed_lines(&(gr__commit_line){cell, NULL}, 1);
    gr_test_ok(gr__committed_parse(&list, lines, strlen(lines), "NAME.jsonl", &err), &err);
    gr_free(lines);
    gr__cell_free(cell);
    assert_int_equal(look(root, 0, &list, GR_UNITS_BUCKETS).state, GR_CELL_COMMITTED);

    /* Its model for a new child, with rows of another machine. */
    gr_ledger *rows = rows_of(4);
    gr__cell_work *work = begin_again(root);
    gr_test_ok(gr__cell_restore(work, &other, gr__committed_find(&list, key_of(0)), rows, &err), &err);
    gr__cell_end(work);
    assert_true(other);
    assert_done(root, 0);
    assert_tidy(root, 0);
    assert_true(is_there(root, "cells/%s/remade.json", key_of(0)));
    assert_true(is_there(root, "cells/%s/model/manifest.json", key_of(0)));
    assert_int_equal(look(root, 0, &list, GR_UNITS_BUCKETS).state, GR_CELL_DONE);
    gr_ledger_free(rows);
    gr__committed_free(&list);
}

/* ---- richer rows ---- */

/* Buckets are as good as documents where nobody asks for those. */
static void rows_in_buckets_are_poor_where_documents_are_asked_for(void **state) {
    (void)state;
    const char *root = fresh();
    gr_ledger *rows = rows_of(0);
    gr_ledger_begin(rows, "loss");
    gr_ledger_text(rows, "unit", "bucket");
    measure_rows(root, rows);
    assert_false(look(root, 0, NULL, GR_UNITS_BUCKETS).poor);
    assert_true(look(root, 0, NULL, GR_UNITS_DOCUMENTS).poor);
    assert_false(look(root, 0, NULL, GR_UNITS_DOCUMENTS).model);
    replace(root);
    assert_false(look(root, 0, NULL, GR_UNITS_DOCUMENTS).poor);
}

static void richer_rows_take_the_place_of_others(void **state) {
    (void)state;
    for (no_exchange = 0; no_exchange < 2; no_exchange++) {
        const char *root = fresh();
        measure(root);
        replace(root);
        assert_int_equal(rows_there(root), 2);
        assert_tidy(root, 0);
        replace(root); /* and again: who asks decides */
        assert_int_equal(rows_there(root), 2);
    }
    no_exchange = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_removed_model_is_put_back),
        cmocka_unit_test(a_committed_cell_keeps_its_rows),
        cmocka_unit_test(rows_in_buckets_are_poor_where_documents_are_asked_for),
        cmocka_unit_test(richer_rows_take_the_place_of_others),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

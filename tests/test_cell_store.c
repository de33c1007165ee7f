/* Cells on disk, one process: each is made once, published whole, and found; links lead to it. */
#include "cell_helpers.h"

/* ---- one process ---- */

static void a_cell_is_made_and_found(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__kept_cell *cell;
    gr_test_ok(gr__cell_find(&cell, root, key_of(0), &err), &err);
    assert_null(cell);
    assert_int_equal(state_of(root, 0), GR_CELL_MISSING);
    assert_false(is_there(root, "%s", "")); /* looking makes nothing */

    /* Made, it is there as a whole. */
    make(root, 0);
    assert_done(root, 0);
    assert_tidy(root, 0);
    gr__known known = look(root, 0, NULL, GR_UNITS_DOCUMENTS);
    assert_true(known.state == GR_CELL_DONE && known.model && !known.busy && !known.poor);
    assert_true(is_there(root, "cells/%s/model/manifest.json", key_of(0))); /* all that was in the work folder */
    assert_true(is_there(root, "cells/%s/checkpoint", key_of(0)));

    /* What it says of itself. */
    gr_test_ok(gr__cell_find(&cell, root, key_of(0), &err), &err);
    assert_string_equal(gr__cell_text(cell, "of.what"), "train");
    assert_string_equal(gr__cell_text(cell, "data"), "data/0123456789abcdef");
    assert_string_equal(gr__cell_text(cell, "model.folder"), "model");
    assert_null(gr__cell_text(cell, "model.of"));
    gr__cell_free(cell);
}

static void what_is_done_is_not_made_again(void **state) {
    (void)state;
    const char *root = fresh();
    gr_cell_state found;
    make(root, 0);
    assert_null(begin(&found, root, 0, GR__WANT_ROWS));
    assert_int_equal(found, GR_CELL_DONE);
    assert_null(begin(&found, root, 0, GR__WANT_MODEL)); /* it has its model */
    assert_tidy(root, 0);
}

static void a_cell_that_is_being_made_is_busy(void **state) {
    (void)state;
    const char *root = fresh();
    gr_cell_state found;
    gr__cell_work *work = begin(&found, root, 0, GR__WANT_ROWS);
    gr__known known = look(root, 0, NULL, GR_UNITS_BUCKETS);
    assert_true(known.state == GR_CELL_BUSY && known.busy && !known.model);
    assert_null(begin(&found, root, 0, GR__WANT_ROWS));
    assert_int_equal(found, GR_CELL_BUSY);
    gr__cell_work *second = begin(&found, root, 1, GR__WANT_ROWS); /* another one is free */
    assert_non_null(second);

    /* Given back with nothing in it, nothing stays. */
    gr__cell_end(second);
    gr__cell_end(work);
    assert_tidy(root, 0);
    assert_tidy(root, 1);
}

static void what_was_begun_is_gone_on_with(void **state) {
    (void)state;
    const char *root = fresh();
    gr_cell_state found;
    gr__cell_work *work = begin(&found, root, 0, GR__WANT_ROWS);
    write_in(work->folder, "checkpoint", "half");
    char *left = gr__temporary("rows.jsonl");
    write_in(work->folder, left, "a file that was never finished");
    gr__cell_end(work);

    /* Whole files stay, what a writer left unfinished goes. */
    work = begin(&found, root, 0, GR__WANT_ROWS);
    assert_true(is_there(root, "work/%s/checkpoint", key_of(0)));
    assert_false(is_there(work->folder, "%s", left));
    gr__cell_end(work);
    gr_free(left);
}

static void the_first_to_finish_counts(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr_cell_state found;
    bool mine = true;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);

    /* Where locks do not reach (the file is gone, yet this process is not told) two may make one cell. */
    gr__cell_work *work = begin(&found, root, 0, GR__WANT_ROWS);
    gr__lock *lock = work->lock;
    work->lock = NULL;
    char *elsewhere = gr_format("%s.other", root), *from = path_in(elsewhere, "cells/%s", key);
    char *cells = path_in(root, "cells%s", ""), *to = path_in(root, "cells/%s", key);
    make(elsewhere, 0);
    gr_test_ok(gr_directory_make(cells, &err), &err);
    assert_int_equal(rename(from, to), 0);

    /* The second is told, and leaves the rows of the first alone. */
    gr_ledger *rows = rows_of(5);
    gr_test_ok(gr__cell_publish(work, &mine, of, rows, &with_model, &err), &err);
    assert_false(mine);
    assert_done(root, 0); /* the rows of the other */
    work->lock = lock;
    gr__cell_end(work);
    assert_tidy(root, 0);
    gr_free(elsewhere), gr_free(from), gr_free(cells), gr_free(to);
    json_decref(of);
}

/* A process that stood still and was taken for dead writes nothing any more. */
static void a_lost_lock_publishes_nothing(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr__cell_work *work = begin(&found, root, 0, GR__WANT_ROWS);

    /* Somebody else has removed its lock. */
    char *lock = path_in(root, "work/.%s.gradroute.lock", key);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(gr__cell_publish(work, NULL, of, rows_of(0), &with_model, &err), GR_ERR_IO);
    assert_non_null(strstr(err.message, "taken over"));
    assert_false(is_there(root, "cells/%s", key));
    assert_false(is_there(root, "work/%s/rows.jsonl", key));
    gr__cell_end(work);
    gr_free(lock);
    json_decref(of);
}

/* ---- links ---- */

static void assert_link(const char *root, const char *name, const char *expected) {
    char target[200] = {0}, *path = path_in(root, "%s", name);
    assert_true(readlink(path, target, sizeof target - 1) > 0);
    assert_string_equal(target, expected);
    gr_free(path);
}

static void links_lead_to_cells(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    char *done = gr_format("cells/%s", key_of(0)), *work = gr_format("work/%s", key_of(1));
    char *deeper = gr_format("../cells/%s", key_of(0));

    /* Beside what is being made, then what is done. */
    gr_test_ok(gr__cell_link(root, "routed", key_of(1), false, &err), &err);
    assert_link(root, "routed", work);
    gr_test_ok(gr__cell_link(root, "routed", key_of(0), true, &err), &err); /* in the place of the other */
    assert_link(root, "routed", done);
    gr_test_ok(gr__cell_link(root, "arms/routed@seed=2", key_of(0), true, &err), &err);
    assert_link(root, "arms/routed@seed=2", deeper);

    /* They lead somewhere as soon as the cell is there. */
    make(root, 0);
    assert_true(is_there(root, "%s", "routed/rows.jsonl"));
    assert_true(is_there(root, "%s", "arms/routed@seed=2/rows.jsonl"));
    gr_free(done), gr_free(work), gr_free(deeper);
}

/* What somebody else has put there stays, and is told of. */
static void foreign_names_are_left_alone(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr_test_ok(gr_directory_make(root, &err), &err);
    char *target = path_in(root, "%s", "mine"), *link = path_in(root, "%s", "plain"),
         *file = path_in(root, "%s", "file");
    write_in(root, "file", "text");
    gr_test_ok(gr_directory_make(target, &err), &err);
    assert_int_equal(symlink("cells/../mine", link), 0);

    static const char *const names[] = {"mine", "plain", "file"};
    for (int i = 0; i < 3; i++) {
        gr_error why = {0};
        assert_int_equal(gr__cell_link(root, names[i], key_of(0), true, &why), GR_ERR_USAGE);
        assert_true(is_there(root, "%s", names[i]));
    }
    gr_free(target), gr_free(link), gr_free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_made_and_found),
        cmocka_unit_test(what_is_done_is_not_made_again),
        cmocka_unit_test(a_cell_that_is_being_made_is_busy),
        cmocka_unit_test(what_was_begun_is_gone_on_with),
        cmocka_unit_test(the_first_to_finish_counts),
        cmocka_unit_test(a_lost_lock_publishes_nothing),
        cmocka_unit_test(links_lead_to_cells),
        cmocka_unit_test(foreign_names_are_left_alone),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

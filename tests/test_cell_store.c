/* Cells on disk: each is made once however many processes work, and a kill at any step leaves one that is gone on with
 * or one that is done. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cell_helpers.h"
#include "kill_calls.c"

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
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    make(root, 0);
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_ROWS, &err), &err);
    assert_null(work);
    assert_int_equal(found, GR_CELL_DONE);
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_MODEL, &err), &err); /* it has its model */
    assert_null(work);
    assert_tidy(root, 0);
}

static void a_cell_that_is_being_made_is_busy(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__cell_work *work, *second;
    gr_cell_state found;
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_ROWS, &err), &err);
    gr__known known = look(root, 0, NULL, GR_UNITS_BUCKETS);
    assert_true(known.state == GR_CELL_BUSY && known.busy && !known.model);
    gr_test_ok(gr__cell_begin(&second, &found, root, key_of(0), GR__WANT_ROWS, &err), &err);
    assert_null(second);
    assert_int_equal(found, GR_CELL_BUSY);
    gr_test_ok(gr__cell_begin(&second, &found, root, key_of(1), GR__WANT_ROWS, &err), &err); /* another one is free */
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
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_ROWS, &err), &err);
    write_in(work->folder, "checkpoint", "half");
    char *left = gr__temporary("rows.jsonl");
    write_in(work->folder, left, "a file that was never finished");
    gr__cell_end(work);
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_ROWS, &err), &err);
    assert_true(is_there(root, "work/%s/checkpoint", key_of(0)));
    assert_false(is_there(work->folder, "%s", left));
    gr__cell_end(work);
    gr_free(left);
}

static void the_first_to_finish_counts(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    bool mine = true;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);

    /* Where locks do not reach (the file is gone, yet this process is not told) two may make one cell. */
    gr_test_ok(gr__cell_begin(&work, &found, root, key, GR__WANT_ROWS, &err), &err);
    gr__lock *lock = work->lock;
    work->lock = NULL;
    char *elsewhere = gr_format("%s.other", root), *from = path_in(elsewhere, "cells/%s", key);
    char *cells = path_in(root, "cells%s", ""), *to = path_in(root, "cells/%s", key);
    make(elsewhere, 0);
    gr_test_ok(gr_directory_make(cells, &err), &err);
    assert_int_equal(rename(from, to), 0);

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
    gr__cell_work *work;
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr_test_ok(gr__cell_begin(&work, &found, root, key, GR__WANT_ROWS, &err), &err);
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

/* ---- kills ---- */

/* Runs the maker in a process that dies at its nth call; false: it came through. */
static bool killed_at(const char *root, int n) {
    int status;
    pid_t child = fork();
    if (!child) {
        kill_at = n;
        make(root, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* What a kill may leave, told by what is there. */
enum { NOTHING, BEGUN, ROWS, WHOLE, MOVED, LINKED, STAGES };

static int stage_of(const char *root) {
    const char *key = key_of(0);
    if (is_there(root, "cells/%s", key))
        return is_there(root, "%s", "routed") ? LINKED : MOVED;
    if (is_there(root, "work/%s/cell.json", key))
        return WHOLE;
    if (is_there(root, "work/%s/rows.jsonl", key))
        return ROWS;
    return is_there(root, "work/%s", key) ? BEGUN : NOTHING;
}

/* Before each step of 3.4: rows, cell.json, flush, rename, flush of cells, link. And before all between. */
static void a_kill_at_any_step_is_gone_on_with(void **state) {
    (void)state;
    int seen[STAGES] = {0}, n = 1;
    for (;; n++) {
        const char *root = fresh();
        if (!killed_at(root, n)) {
            assert_done(root, 0);
            assert_tidy(root, 0);
            break;
        }
        seen[stage_of(root)]++;

        /* What is there is whole or not there; going on ends in the bytes of a maker that nobody disturbed. */
        gr_error err = {0};
        gr__kept_cell *cell;
        gr_test_ok(gr__cell_find(&cell, root, key_of(0), &err), &err);
        gr__cell_free(cell);
        make(root, 0);
        assert_done(root, 0);
        assert_tidy(root, 0);
        assert_true(is_there(root, "%s", "routed"));
        assert_true(is_there(root, "cells/%s/checkpoint", key_of(0)));
    }
    for (int i = 0; i < STAGES; i++)
        if (!seen[i])
            fail_msg("no kill of %d left stage %d", n - 1, i);
}

/* Of what is done nobody asks again: what is left of its maker goes by a look at the folder. What was begun stays. */
static void what_the_dead_left_is_swept(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    int n = 1;
    do {
        gr_test_folder_remove(gr_strdup(root));
        killed_at(root, n++);
    } while (stage_of(root) != LINKED); /* the lock alone is left */
    assert_true(is_there(root, "work/.%s.gradroute.lock", key_of(0)));

    /* Cells that were begun, that are at work, or whose model is being made again. */
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(1), GR__WANT_ROWS, &err), &err);
    write_in(work->folder, "checkpoint", "half");
    gr__cell_end(work);
    make(root, 2);
    gr_test_folder_remove(path_in(root, "cells/%s/model", key_of(2)));
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(2), GR__WANT_MODEL, &err), &err);
    write_in(work->folder, "checkpoint", "half");
    gr__cell_end(work);
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(3), GR__WANT_ROWS, &err), &err);

    gr__cells_sweep(root);
    assert_tidy(root, 0);
    assert_done(root, 0);
    assert_true(is_there(root, "work/%s/checkpoint", key_of(1)));
    assert_true(is_there(root, "work/%s/checkpoint", key_of(2)));
    assert_int_equal(gr__lock_check(work->lock, &err), GR_OK);
    assert_true(is_there(root, "work/%s", key_of(3)));
    gr__cell_end(work);
    gr__cells_sweep(gr_test_path("nowhere"));
}

/* A cell that was whole before the kill is not made again: it only has to be moved. */
static void a_whole_cell_is_moved_not_made(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    int n = 1;
    do {
        gr_test_folder_remove(gr_strdup(root));
        killed_at(root, n++);
    } while (stage_of(root) != WHOLE);
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_ROWS, &err), &err);
    assert_null(work);
    assert_int_equal(found, GR_CELL_DONE);
    assert_done(root, 0);
    assert_tidy(root, 0);

    /* Unless what it says is not true: then it is made. */
    const char *other = fresh();
    char *from = path_in(root, "cells/%s", key_of(0)), *to = path_in(other, "work/%s", key_of(0));
    char *parent = path_in(other, "work%s", ""), *rows = gr_format("%s/rows.jsonl", to);
    gr_test_ok(gr_directory_make(parent, &err), &err);
    assert_int_equal(rename(from, to), 0);
    gr_test_ok(gr_file_write(rows, "{\"row\":\"x\"}\n", 12, &err), &err);
    gr_test_ok(gr__cell_begin(&work, &found, other, key_of(0), GR__WANT_ROWS, &err), &err);
    assert_non_null(work);
    assert_false(is_there(other, "cells/%s", key_of(0)));
    assert_false(is_there(other, "work/%s/cell.json", key_of(0)));
    gr__cell_end(work);
    gr_free(from), gr_free(to), gr_free(parent), gr_free(rows);
}

/* ---- several processes ---- */

/* Notes in one file who makes what: lines of one write each. */
static void note(const char *root, int i) {
    char line[8], *path = gr_format("%s/made.log", root);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0 && write(fd, line, (size_t)snprintf(line, sizeof line, "%d\n", i)) > 0);
    close(fd);
    gr_free(path);
}

/* A process of its own: takes what is free until all is done. Beginning with another cell than its siblings. */
static int work_as_process(const char *root, int first) {
    for (int done = 0; done < CELLS;) {
        done = 0;
        for (int k = 0; k < CELLS; k++) {
            gr_error err = {0};
            gr__cell_work *work;
            gr_cell_state found;
            char key[GR_DIGEST_HEX];
            int i = (first + k) % CELLS;
            json_t *of = of_cell(i, key);
            if (gr__cell_begin(&work, &found, root, key, GR__WANT_ROWS, &err) != GR_OK)
                return 1;
            if (work) {
                note(root, i);
                usleep(20000);
                if (gr__cell_publish(work, NULL, of, rows_of(i), &with_model, &err) != GR_OK)
                    return 1;
                gr__cell_end(work);
            }
            done += work || found == GR_CELL_DONE;
            json_decref(of);
        }
        usleep(2000);
    }
    return 0;
}

/* This program once more, as such a process; kill: at its nth call, 0 never. */
static pid_t start(const char *root, int first, int kill) {
    char at[12], which[12];
    pid_t child = fork();
    if (child)
        return child;
    snprintf(at, sizeof at, "%d", kill);
    snprintf(which, sizeof which, "%d", first);
    setenv("KILL_AT", at, 1);
    execl("/proc/self/exe", "test_cell_store", "work", root, which, (char *)NULL);
    _exit(127);
}

static int ended(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void count_made(int made[CELLS], const char *root) {
    char *path = gr_format("%s/made.log", root);
    size_t length;
    char *text = gr_test_read(path, &length);
    memset(made, 0, CELLS * sizeof *made);
    for (char *at = text; *at; at = strchr(at, '\n') + 1)
        made[atoi(at)]++;
    free(text);
    gr_free(path);
}

static void each_cell_is_made_once(void **state) {
    (void)state;
    enum { PROCESSES = 3 };
    const char *root = fresh();
    gr_error err = {0};
    pid_t child[PROCESSES];
    int made[CELLS];
    gr_test_ok(gr_directory_make(root, &err), &err);
    for (int p = 0; p < PROCESSES; p++)
        child[p] = start(root, p % 2, 0);
    for (int p = 0; p < PROCESSES; p++)
        assert_int_equal(ended(child[p]), 0);

    count_made(made, root);
    for (int i = 0; i < CELLS; i++) {
        assert_int_equal(made[i], 1);
        assert_done(root, i);
        assert_tidy(root, i);
    }
}

static void what_a_killed_process_had_is_taken_over(void **state) {
    (void)state;
    for (int n = 4; n < 40; n += 5) {
        const char *root = fresh();
        gr_error err = {0};
        int made[CELLS], twice = 0;
        gr_test_ok(gr_directory_make(root, &err), &err);
        pid_t dies = start(root, 0, n), lives = start(root, 0, 0);
        assert_int_equal(ended(dies), -SIGKILL);
        assert_int_equal(ended(lives), 0);

        /* At most the one that it had begun. */
        count_made(made, root);
        for (int i = 0; i < CELLS; i++) {
            assert_in_range(made[i], 1, 2);
            twice += made[i] == 2;
            assert_true(make(root, i)); /* whoever looks next removes a lock that the dead have left */
            assert_done(root, i);
            assert_tidy(root, i);
        }
        assert_in_range(twice, 0, 1);
    }
}

/* ---- models that are made again ---- */

static gr__cell_work *begin_again(const char *root) {
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(0), GR__WANT_MODEL, &err), &err);
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
    make(there, 0);
    gr_test_ok(gr__cell_find(&cell, there, key_of(0), &err), &err);
    char *lines = gr__committed_lines((const gr__kept_cell *const[]){cell}, 1);
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

/* Cell 0 as a measurement, which has no weights. */
static void measure(const char *root) {
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr_test_ok(gr__cell_begin(&work, &found, root, key, GR__WANT_ROWS, &err), &err);
    gr_test_ok(gr__cell_publish(work, NULL, of, rows_of(0), &(gr__cell_facts){.threads = 1}, &err), &err);
    gr__cell_end(work);
    json_decref(of);
}

/* Makes cell 0 once more, with the rows of cell 2. */
static void replace(const char *root) {
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr_test_ok(gr__cell_begin(&work, &found, root, key, GR__WANT_RICHER, &err), &err);
    assert_non_null(work);
    gr_test_ok(gr__cell_replace(work, of, rows_of(2), &(gr__cell_facts){.threads = 1}, &err), &err);
    gr__cell_end(work);
    json_decref(of);
}

/* Which rows cell 0 has: of 0, of 2, or -1: it is not there. */
static int rows_there(const char *root) {
    gr_error err = {0};
    gr__kept_cell *cell;
    gr_test_ok(gr__cell_find(&cell, root, key_of(0), &err), &err);
    int steps = cell ? (int)gr_entry_number(gr_ledger_find(cell->rows, "model", NULL), "steps") : -1;
    gr__cell_free(cell);
    return steps;
}

/* Buckets are as good as documents where nobody asks for those. */
static void rows_in_buckets_are_poor_where_documents_are_asked_for(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0};
    gr__cell_work *work;
    gr_cell_state found;
    char key[GR_DIGEST_HEX];
    json_t *of = of_cell(0, key);
    gr_ledger *rows = rows_of(0);
    gr_ledger_begin(rows, "loss");
    gr_ledger_text(rows, "unit", "bucket");
    gr_test_ok(gr__cell_begin(&work, &found, root, key, GR__WANT_ROWS, &err), &err);
    gr_test_ok(gr__cell_publish(work, NULL, of, rows, &(gr__cell_facts){.threads = 1}, &err), &err);
    gr__cell_end(work);
    assert_false(look(root, 0, NULL, GR_UNITS_BUCKETS).poor);
    assert_true(look(root, 0, NULL, GR_UNITS_DOCUMENTS).poor);
    assert_false(look(root, 0, NULL, GR_UNITS_DOCUMENTS).model);
    replace(root);
    assert_false(look(root, 0, NULL, GR_UNITS_DOCUMENTS).poor);
    json_decref(of);
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

/* The old rows or the new ones; where the file system cannot exchange them, the new ones come with the next look. */
static void a_kill_leaves_the_old_rows_or_the_richer(void **state) {
    (void)state;
    for (no_exchange = 0; no_exchange < 2; no_exchange++) {
        int seen[2] = {0}, absent = 0, status = 1;
        for (int n = 1; status; n++) {
            const char *root = fresh();
            measure(root);
            pid_t child = fork();
            if (!child) {
                kill_at = n;
                replace(root);
                _exit(0);
            }
            waitpid(child, &status, 0);
            assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
            int rows = rows_there(root);
            assert_true(rows >= 0 || no_exchange);
            absent += rows < 0;

            /* Whoever wants it next finds it, and nothing is left over. */
            assert_true(make(root, 0));
            rows = rows_there(root);
            assert_true(rows == 0 || rows == 2);
            seen[rows / 2]++;
            assert_tidy(root, 0);
            assert_false(is_there(root, "work/.%s.old", key_of(0)));
        }
        assert_true(seen[0] && seen[1] && (absent > 0) == no_exchange);
    }
    no_exchange = 0;
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
    gr_test_ok(gr__cell_link(root, "routed", key_of(1), false, &err), &err);
    assert_link(root, "routed", work);
    gr_test_ok(gr__cell_link(root, "routed", key_of(0), true, &err), &err); /* in the place of the other */
    assert_link(root, "routed", done);
    gr_test_ok(gr__cell_link(root, "arms/routed@seed=2", key_of(0), true, &err), &err);
    assert_link(root, "arms/routed@seed=2", deeper);
    make(root, 0);
    assert_true(is_there(root, "%s", "routed/rows.jsonl"));
    assert_true(is_there(root, "%s", "arms/routed@seed=2/rows.jsonl"));
    gr__cell_unlink(root, "routed");
    assert_false(is_there(root, "%s", "routed"));
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
        gr__cell_unlink(root, names[i]);
        assert_true(is_there(root, "%s", names[i]));
    }
    gr_free(target), gr_free(link), gr_free(file);
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "work"))
        return work_as_process(argv[2], atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_made_and_found),
        cmocka_unit_test(what_is_done_is_not_made_again),
        cmocka_unit_test(a_cell_that_is_being_made_is_busy),
        cmocka_unit_test(what_was_begun_is_gone_on_with),
        cmocka_unit_test(the_first_to_finish_counts),
        cmocka_unit_test(a_lost_lock_publishes_nothing),
        cmocka_unit_test(a_kill_at_any_step_is_gone_on_with),
        cmocka_unit_test(what_the_dead_left_is_swept),
        cmocka_unit_test(a_whole_cell_is_moved_not_made),
        cmocka_unit_test(each_cell_is_made_once),
        cmocka_unit_test(what_a_killed_process_had_is_taken_over),
        cmocka_unit_test(a_removed_model_is_put_back),
        cmocka_unit_test(a_committed_cell_keeps_its_rows),
        cmocka_unit_test(rows_in_buckets_are_poor_where_documents_are_asked_for),
        cmocka_unit_test(richer_rows_take_the_place_of_others),
        cmocka_unit_test(a_kill_leaves_the_old_rows_or_the_richer),
        cmocka_unit_test(links_lead_to_cells),
        cmocka_unit_test(foreign_names_are_left_alone),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

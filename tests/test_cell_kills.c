/* Cells on disk, killed processes and several: each is made once however many work, and a kill at any step leaves one
 * that is gone on with or one that is done. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cell_helpers.h"
#include "kill_calls.c"

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

/* Leaves the folder as a maker does that is killed first at this stage. */
static void kill_in_stage(const char *root, int stage) {
    int n = 1;
    do {
        gr_test_folder_remove(gr_strdup(root));
        killed_at(root, n++);
    } while (stage_of(root) != stage);
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
    gr_cell_state found;
    kill_in_stage(root, LINKED); /* the lock alone is left */
    assert_true(is_there(root, "work/.%s.gradroute.lock", key_of(0)));

    /* Cells that were begun, that are at work, or whose model is being made again. */
    gr__cell_work *work = begin(&found, root, 1, GR__WANT_ROWS);
    write_in(work->folder, "checkpoint", "half");
    gr__cell_end(work);
    make(root, 2);
    gr_test_folder_remove(path_in(root, "cells/%s/model", key_of(2)));
    work = begin(&found, root, 2, GR__WANT_MODEL);
    write_in(work->folder, "checkpoint", "half");
    gr__cell_end(work);
    work = begin(&found, root, 3, GR__WANT_ROWS);

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
    gr_cell_state found;
    kill_in_stage(root, WHOLE);
    assert_null(begin(&found, root, 0, GR__WANT_ROWS));
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
    gr__cell_work *work = begin(&found, other, 0, GR__WANT_ROWS);
    assert_non_null(work);
    assert_false(is_there(other, "cells/%s", key_of(0)));
    assert_false(is_there(other, "work/%s/cell.json", key_of(0)));
    gr__cell_end(work);
    gr_free(from), gr_free(to), gr_free(parent), gr_free(rows);
}

/* ---- kills while richer rows take the place of others ---- */

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
    execl("/proc/self/exe", "test_cell_kills", "work", root, which, (char *)NULL);
    _exit(127);
}

static int ended(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Under an emulator the system may not know how to start this program, which then has no such processes. */
static void skip_unless_it_starts_itself(void) {
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_cell_kills", "ready", (char *)NULL);
        _exit(127);
    }
    if (ended(child) == 127)
        skip();
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
    skip_unless_it_starts_itself();
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
    skip_unless_it_starts_itself();
    int killed = 0;
    for (int n = 4; n < 40; n += 5) {
        const char *root = fresh();
        gr_error err = {0};
        int made[CELLS], twice = 0;
        gr_test_ok(gr_directory_make(root, &err), &err);

        /* Where the other does all the work meanwhile, the one that is to die may not come to that call. */
        pid_t dies = start(root, 0, n), lives = start(root, 0, 0);
        int how = ended(dies);
        assert_true(how == -SIGKILL || how == 0);
        killed += how != 0;
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
        assert_in_range(twice, 0, how != 0);
    }
    assert_true(killed > 0);
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "ready"))
        return 0;
    if (argc == 4 && !strcmp(argv[1], "work"))
        return work_as_process(argv[2], atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_step_is_gone_on_with),
        cmocka_unit_test(what_the_dead_left_is_swept),
        cmocka_unit_test(a_whole_cell_is_moved_not_made),
        cmocka_unit_test(a_kill_leaves_the_old_rows_or_the_richer),
        cmocka_unit_test(each_cell_is_made_once),
        cmocka_unit_test(what_a_killed_process_had_is_taken_over),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

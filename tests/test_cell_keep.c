/* What of a cell is not kept: models and checkpoints go whole or not at all, and never from under somebody. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "cell_helpers.h"
#include "format/manifest.h"
#include "kill_calls.c"

/* The files of a model beside its manifest. */
static const char *const files[] = {"core.safetensors", "biology.safetensors", "tokenizer.json"};

/* A cell whose model has a manifest that lists its files, so that it may be removed. */
static char *with_model_folder(const char *root) {
    char hex[GR_DIGEST_HEX];
    make(root, 0);
    char *model = path_in(root, "cells/%s/model", key_of(0));
    json_t *manifest = json_pack("{s:i, s:[{s:s}, {s:s}, {s:s}]}", "format_version", GR__FOLDER_VERSION, "files",
                                 "name", files[0], "name", files[1], "name", files[2]);
    gr_json_seal(hex, manifest);
    json_object_set_new(manifest, "sha256", json_string(hex));
    char *text = json_dumps(manifest, 0);
    write_in(model, "manifest.json", text);
    for (int i = 0; i < 3; i++)
        write_in(model, files[i], "numbers");
    free(text);
    json_decref(manifest);
    return model;
}

/* Of a model that is there every file is. */
static void assert_whole_or_gone(const char *root) {
    for (int i = 0; gr__cell_holds(root, key_of(0), "model") && i < 3; i++) {
        char *file = gr_format("cells/%s/model/%s", key_of(0), files[i]);
        assert_true(is_there(root, "%s", file));
        gr_free(file);
    }
}

static const char *asked; /* the last key that somebody was asked about */

static bool yes(const void *user, const char *key) {
    assert_ptr_equal(user, &asked);
    asked = key_of(!strcmp(key, key_of(1)) ? 1 : 2);
    return true;
}

static bool no(const void *user, const char *key) { return !yes(user, key); }

static void models_go_where_nobody_needs_them(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0}, why = {0};
    gr__cell_work *work;
    gr_cell_state found;
    char *model = with_model_folder(root);

    /* Nobody is removed from under one that is at work on it, or on something that needs it. */
    gr_test_ok(gr__cell_begin(&work, &found, root, key_of(1), GR__WANT_ROWS, &err), &err);
    asked = NULL;
    gr_test_ok(gr__cell_drop_model(root, key_of(0), yes, &asked, &err), &err);
    assert_string_equal(asked, key_of(1));
    assert_true(gr__cell_holds(root, key_of(0), "model"));
    gr__lock *lock;
    char *path = path_in(root, "work/.%s.gradroute.lock", key_of(0));
    gr_test_ok(gr__lock_take(&lock, path, root, &err), &err);
    gr_test_ok(gr__cell_drop_model(root, key_of(0), no, &asked, &err), &err);
    assert_true(gr__cell_holds(root, key_of(0), "model"));
    gr__lock_release(lock);

    /* What is not ours stays, and keeps the rest. */
    write_in(model, "notes", "a user's");
    assert_int_equal(gr__cell_drop_model(root, key_of(0), no, &asked, &why), GR_ERR_USAGE);
    assert_true(is_there(root, "cells/%s/model/notes", key_of(0)));
    char *notes = gr_format("%s/notes", model);
    assert_int_equal(unlink(notes), 0);

    gr_test_ok(gr__cell_drop_model(root, key_of(0), no, &asked, &err), &err);
    assert_false(gr__cell_holds(root, key_of(0), "model"));
    assert_done(root, 0);
    assert_tidy(root, 0);
    assert_false(is_there(root, "work/.%s.old", key_of(0)));
    gr__cell_end(work);

    /* Who works on nothing needs nothing. */
    asked = NULL;
    gr_test_ok(gr__cell_drop_model(root, key_of(0), yes, &asked, &err), &err);
    assert_null(asked);
    gr_free(model), gr_free(path), gr_free(notes);
}

/* At each step the model is there, or it is not: never half of one. */
static void a_kill_leaves_the_model_or_none(void **state) {
    (void)state;
    int seen[2] = {0};
    for (int n = 1, lives = 0; !lives; n++) {
        const char *root = fresh();
        gr_error err = {0};
        int status;
        gr_free(with_model_folder(root));
        pid_t child = fork();
        if (!child) {
            kill_at = n;
            gr__cell_drop_model(root, key_of(0), no, &asked, &err);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        lives = !WIFSIGNALED(status);
        seen[gr__cell_holds(root, key_of(0), "model")]++;
        assert_whole_or_gone(root);

        /* The next one ends it; what stepped aside goes. */
        gr_test_ok(gr__cell_drop_model(root, key_of(0), no, &asked, &err), &err);
        gr__cells_sweep(root);
        assert_false(gr__cell_holds(root, key_of(0), "model"));
        assert_false(is_there(root, "work/.%s.old", key_of(0)));
        assert_done(root, 0);
        assert_tidy(root, 0);
    }
    assert_true(seen[0] > 1 && seen[1] > 0);
}

/* Checkpoints have names of their own: with anything else beside them all stay. */
static void checkpoints_go_by_their_names(void **state) {
    (void)state;
    const char *root = fresh();
    gr_error err = {0}, why = {0};
    make(root, 0);
    char *folder = path_in(root, "cells/%s/checkpoints", key_of(0)), *notes = gr_format("%s/step-1.txt", folder);
    gr_test_ok(gr_directory_make(folder, &err), &err);
    write_in(folder, "step-000000012.safetensors", "state");
    write_in(folder, "step-1.txt", "a user's");
    assert_int_equal(gr__cell_drop_checkpoints(root, key_of(0), &why), GR_ERR_USAGE);
    assert_string_equal(why.place, notes);
    assert_true(is_there(root, "cells/%s/checkpoints/step-000000012.safetensors", key_of(0)));
    assert_int_equal(unlink(notes), 0);
    gr_test_ok(gr__cell_drop_checkpoints(root, key_of(0), &err), &err);
    assert_false(gr__cell_holds(root, key_of(0), "checkpoints"));
    gr_test_ok(gr__cell_drop_checkpoints(root, key_of(0), &err), &err);
    assert_done(root, 0);
    gr_free(folder), gr_free(notes);
}

/* A folder whose removal is cut short can be told as long as anything is in it. */
static void a_killed_removal_leaves_the_mark(void **state) {
    (void)state;
    static const gr__ours ours = {.last = "cell.json"};
    int left = 0;
    for (int n = 1, lives = 0; !lives; n++) {
        const char *root = fresh();
        int status;
        make(root, 0);
        char *folder = path_in(root, "cells/%s", key_of(0));
        pid_t child = fork();
        if (!child) {
            kill_at = n;
            gr__folder_remove(folder, &ours, NULL);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        lives = !WIFSIGNALED(status);
        bool more = is_there(folder, "%s", "rows.jsonl") || is_there(folder, "%s", "checkpoint") ||
                    is_there(folder, "%s", "model");
        assert_true(!more || is_there(folder, "%s", "cell.json"));
        left += more;
        gr_test_ok(gr__folder_remove(folder, &ours, NULL), &(gr_error){0});
        assert_false(gr_file_exists(folder));
        gr_free(folder);
    }
    assert_true(left > 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_go_where_nobody_needs_them),
        cmocka_unit_test(a_kill_leaves_the_model_or_none),
        cmocka_unit_test(checkpoints_go_by_their_names),
        cmocka_unit_test(a_killed_removal_leaves_the_mark),
    };
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

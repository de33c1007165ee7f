/* What a killed writer leaves beside its output goes with the next one; nobody else's file does. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "support.h"

static int entries(const char *folder) {
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* A writer that is killed between its first byte and its last. */
static void killed_writer(const char *path) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        gr_file_out *out;
        if (gr_file_out_open(&out, path, NULL) == GR_OK && gr_file_out_write(out, "half", 4, NULL) == GR_OK)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static const char *folder_of(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s", gr_test_path(name));
    mkdir(path, 0777);
    return path;
}

static void leftovers_go_with_the_next_writer(void **state) {
    (void)state;
    gr_error err = {0};
    const char *folder = folder_of("left");
    char *path = gr_format("%s/result.csv", folder), *other = gr_format("%s/other.csv", folder);
    killed_writer(path);
    killed_writer(other);
    assert_int_equal(entries(folder), 2);
    killed_writer(path); /* removes that of the first before it dies */
    assert_int_equal(entries(folder), 2);

    /* Of this output alone. */
    gr_test_ok(gr_file_write(path, "whole", 5, &err), &err);
    assert_int_equal(entries(folder), 2);
    gr_test_ok(gr_file_write(other, "whole", 5, &err), &err);
    assert_int_equal(entries(folder), 2);
    gr_free(path);
    gr_free(other);
}

/* In the folder that one is in, by a name without a folder. */
static void leftovers_of_a_bare_name(void **state) {
    (void)state;
    gr_error err = {0};
    char before[4096];
    const char *folder = folder_of("bare");
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    killed_writer("x");
    gr_test_ok(gr_file_write("x", "whole", 5, &err), &err);
    assert_int_equal(entries("."), 1);
    assert_int_equal(chdir(before), 0);
}

/* Two writers at once, of one process or of two: the later one leaves the earlier one's file alone. */
static void living_writers_are_left_alone(void **state) {
    (void)state;
    gr_error err = {0};
    const char *folder = folder_of("live");
    char *path = gr_format("%s/result.csv", folder);
    int ready[2], go[2], status;
    char c = 0;
    assert_true(pipe(ready) == 0 && pipe(go) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        gr_file_out *out;
        bool good = gr_file_out_open(&out, path, NULL) == GR_OK && gr_file_out_write(out, "child", 5, NULL) == GR_OK &&
                    write(ready[1], "r", 1) == 1 && read(go[0], &c, 1) == 1;
        _exit(good && gr_file_out_commit(out, NULL) == GR_OK ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);

    gr_file_out *ours;
    gr_test_ok(gr_file_out_open(&ours, path, &err), &err);
    gr_test_ok(gr_file_write(path, "between", 7, &err), &err);
    assert_int_equal(entries(folder), 3);
    gr_test_ok(gr_file_out_write(ours, "ours", 4, &err), &err);
    gr_test_ok(gr_file_out_commit(ours, &err), &err);

    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    size_t size;
    char *text = gr_test_read(path, &size);
    assert_true(size == 5 && memcmp(text, "child", 5) == 0); /* the last to finish wins */
    assert_int_equal(entries(folder), 1);
    free(text);
    gr_free(path);
}

/* Names that only look like ours. */
static void files_of_others_stay(void **state) {
    (void)state;
    static const char *const names[] = {"out.json.backup.tmp", "out.json.tmp",         "out.json.abcde.tmp",
                                        "out.json.a-cdef.tmp", "out.jsonx.abcdef.tmp", "out.json.abcdef.tmp.tmp"};
    enum { COUNT = sizeof names / sizeof *names };
    gr_error err = {0};
    const char *folder = folder_of("others");
    for (int i = 0; i < COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "others/%s", names[i]);
        gr_test_write(name, "a user's", 8);
    }
    char *path = gr_format("%s/out.json", folder);
    gr_test_ok(gr_file_write(path, "whole", 5, &err), &err);
    assert_int_equal(entries(folder), COUNT + 1);
    gr_free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leftovers_go_with_the_next_writer), cmocka_unit_test(leftovers_of_a_bare_name),
        cmocka_unit_test(living_writers_are_left_alone), cmocka_unit_test(files_of_others_stay)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

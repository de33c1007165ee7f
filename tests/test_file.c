/* Files are written whole or not at all, whoever is killed or in the way; digests and JSON files. What a killed writer
 * leaves beside its output goes with the next one; nobody else's file does. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"
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

/* ---- one file ---- */

/* A folder of this test, one deep within it, and files there. */
typedef struct paths {
    char *folder, *deep, *path, *tmp, *theirs, *under;
} paths;

static paths paths_new(void) {
    paths p = {.folder = gr_test_folder()};
    p.deep = gr_format("%s/a/b//c/", p.folder);
    p.path = gr_format("%sx", p.deep);
    p.tmp = gr__temporary(p.path);
    p.theirs = gr_format("%s.tmp", p.path);
    p.under = gr_format("%s/y", p.path);
    gr_error err = {0};
    gr_test_ok(gr_directory_make(p.deep, &err), &err);
    gr_test_ok(gr_file_write(p.path, "hello", 5, &err), &err);
    return p;
}

static void paths_free(paths *p) {
    gr_test_folder_remove(p->folder);
    gr_free(p->deep);
    gr_free(p->path);
    gr_free(p->tmp);
    gr_free(p->theirs);
    gr_free(p->under);
}

static void temporaries_are_told_from_files_of_others(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    unsigned char *data;
    size_t size;
    assert_int_equal(gr_directory_make(p.deep, &err), GR_OK);
    assert_int_equal(gr_directory_make(p.deep, &err), GR_OK);
    assert_int_equal(gr_file_write(p.tmp, "left over", 9, &err), GR_OK); /* of a write that was killed */
    assert_int_equal(gr_file_write(p.theirs, "a user's", 8, &err), GR_OK);
    assert_int_equal(gr_file_write(p.path, "hello", 5, &err), GR_OK);
    assert_true(gr__is_temporary(p.tmp) && !gr__is_temporary(p.theirs) && !gr__is_temporary(".abcdef.tmp"));
    gr__temporaries_remove(p.deep);
    assert_false(gr_file_exists(p.tmp));
    assert_true(gr_file_exists(p.theirs));
    assert_int_equal(entries(p.deep), 2);
    assert_int_equal(gr_file_read(p.path, &data, &size, &err), GR_OK);
    assert_int_equal(size, 5);
    assert_string_equal((char *)data, "hello");
    gr_free(data);
    paths_free(&p);
}

/* ---- removing a folder ---- */

/* A folder with a file, a folder with two, and a link to a folder of somebody else. */
static char *grown(const paths *p) {
    gr_error err = {0};
    char *folder = gr_format("%s/grown", p->folder), *deep = gr_format("%s/deep", folder),
         *link = gr_format("%s/link", folder);
    static const char *const names[] = {"mark", "deep/one", "deep/two"};
    gr_test_ok(gr_directory_make(deep, &err), &err);
    for (int i = 0; i < 3; i++) {
        char *file = gr_format("%s/%s", folder, names[i]);
        gr_test_ok(gr_file_write(file, "text", 4, &err), &err);
        gr_free(file);
    }
    assert_int_equal(symlink(p->deep, link), 0);
    gr_free(deep), gr_free(link);
    return folder;
}

static void a_folder_of_ours_goes_with_all_in_it(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    char *folder = grown(&p);
    gr_test_ok(gr__folder_remove(folder, NULL, &err), &err);
    assert_false(gr_file_exists(folder));
    assert_true(gr_file_exists(p.path)); /* which the link led to */
    gr_test_ok(gr__folder_remove(folder, NULL, &err), &err);

    /* The link alone is none of ours to follow, nor is a file. */
    assert_int_equal(symlink(p.deep, folder), 0);
    assert_int_equal(gr__folder_remove(folder, NULL, &err), GR_ERR_USAGE);
    assert_int_equal(gr__folder_remove(p.path, NULL, &err), GR_ERR_USAGE);
    assert_true(gr_file_exists(folder) && gr_file_exists(p.path));
    gr_free(folder);
    paths_free(&p);
}

/* All but the entry of this name. */
static bool is_not(const void *user, const char *name, bool folder) {
    assert_int_equal(folder, !strcmp(name, "deep"));
    return strcmp(name, user) != 0;
}

static void what_is_not_ours_keeps_its_folder_whole(void **state) {
    (void)state;
    paths p = paths_new();
    char *folder = grown(&p);
    static const char *const theirs[] = {"mark", "deep", "deep/two", "link"};
    for (int i = 0; i < 4; i++) {
        gr_error err = {0};
        char *place = gr_format("%s/%s", folder, theirs[i]), *deep = gr_format("%s/deep", folder);
        assert_int_equal(gr__folder_remove(folder, &(gr__ours){is_not, theirs[i], NULL}, &err), GR_ERR_USAGE);
        assert_string_equal(err.place, place);
        assert_int_equal(entries(folder), 3);
        assert_int_equal(entries(deep), 2);
        gr_free(place), gr_free(deep);
    }
    gr_error err = {0};
    gr_test_ok(gr__folder_remove(folder, &(gr__ours){is_not, "none", "mark"}, &err), &err);
    assert_false(gr_file_exists(folder));
    gr_free(folder);
    paths_free(&p);
}

/* ---- streams ---- */

static void an_aborted_stream_leaves_the_old_file(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    /* An aborted stream leaves the old file and nothing else. */
    gr_file_out *out;
    assert_int_equal(gr_file_out_open(&out, p.path, &err), GR_OK);
    assert_int_equal(gr_file_out_write(out, "other", 5, &err), GR_OK);
    assert_int_equal(entries(p.deep), 2);
    gr_file_out_abort(out);
    assert_int_equal(entries(p.deep), 1);
    paths_free(&p);
}

static void two_writers_of_a_file_do_not_meet(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    /* Two writers of one file do not meet, and links stay links. */
    gr_file_out *first, *second;
    char *link = gr_format("%s/link", p.folder);
    assert_int_equal(symlink(p.path, link), 0);
    assert_int_equal(gr_file_out_open(&first, link, &err), GR_OK);
    assert_int_equal(gr_file_out_open(&second, p.path, &err), GR_OK);
    assert_int_equal(gr_file_out_write(first, "hell", 4, &err), GR_OK);
    assert_int_equal(gr_file_out_write(second, "help", 4, &err), GR_OK);
    assert_int_equal(gr_file_out_commit(second, &err), GR_OK);
    assert_int_equal(gr_file_out_write(first, "o", 1, &err), GR_OK);
    assert_int_equal(gr_file_out_commit(first, &err), GR_OK);
    struct stat info;
    assert_true(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    assert_int_equal(entries(p.deep), 1);
    gr_free(link);
    paths_free(&p);
}

static void a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    unsigned char *data;
    size_t size;
    /* A full disk (here a limit) leaves the old file and nothing else. */
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    char *block = gr_alloc(100000);
    gr_status large = gr_file_write(p.path, block, 100000, &err);
    gr_error late = {0};
    gr_status buffered = gr_file_write(p.path, block, 2000, &late); /* fails only when the buffer is flushed */
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    gr_free(block);
    assert_int_equal(large, GR_ERR_IO);
    assert_int_equal(buffered, GR_ERR_IO);
    gr_test_error(&err, p.path, "the previous file is untouched");
    gr_test_error(&late, p.path, strerror(EFBIG));
    assert_int_equal(entries(p.deep), 1);
    assert_int_equal(gr_file_read(p.path, &data, &size, NULL), GR_OK);
    assert_string_equal((char *)data, "hello");
    gr_free(data);
    paths_free(&p);
}

static void what_is_in_the_way_is_named(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    unsigned char *data;
    size_t size;
    /* Folders that are files, missing files, folders in the place of files. */
    err = (gr_error){0};
    assert_int_equal(gr_file_write(p.under, "x", 1, &err), GR_ERR_IO);
    gr_test_error(&err, p.under, "is a file, not a folder");
    err = (gr_error){0};
    assert_int_equal(gr_directory_make(p.under, &err), GR_ERR_IO);
    err = (gr_error){0};
    assert_int_equal(gr_file_read(p.under, &data, &size, &err), GR_ERR_INPUT);
    assert_null(data);
    err = (gr_error){0};
    assert_int_equal(gr_file_read(p.tmp, &data, &size, &err), GR_ERR_INPUT);
    gr_test_error(&err, p.tmp, "check the spelling");
    err = (gr_error){0};
    assert_int_equal(gr_file_read(p.folder, &data, &size, &err), GR_ERR_INPUT);
    gr_test_error(&err, p.folder, "this path is a folder");
    err = (gr_error){0};
    assert_int_equal(gr_file_write(p.folder, "x", 1, &err), GR_ERR_IO);
    err = (gr_error){0};
    assert_int_equal(gr_file_read("/dev/null", &data, &size, &err), GR_ERR_INPUT);
    gr_test_error(&err, "/dev/null", "not a regular file");
    paths_free(&p);
}

static void what_may_not_be_touched_is_named(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    unsigned char *data;
    size_t size;
    chmod(p.deep, 0500);
    if (geteuid() != 0) { /* root may write anywhere */
        err = (gr_error){0};
        assert_int_equal(gr_file_write(p.path, "x", 1, &err), GR_ERR_IO);
        gr_test_error(&err, p.path, "permissions");
        chmod(p.path, 0);
        err = (gr_error){0};
        assert_int_equal(gr_file_read(p.path, &data, &size, &err), GR_ERR_INPUT);
        gr_test_error(&err, p.path, "you may not read it");
        chmod(p.path, 0600);
    }
    chmod(p.deep, 0700);
    paths_free(&p);
}

static void digests_are_known_ones(void **state) {
    (void)state;
    paths p = paths_new();
    /* Of the standard (FIPS 180-4), and of a file. */
    char hex[GR_DIGEST_HEX], of_file[GR_DIGEST_HEX];
    gr_digest_data(hex, "abc", 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    gr_digest_data(hex, "hello", 5);
    assert_int_equal(gr_digest_file(of_file, p.path, NULL), GR_OK);
    assert_string_equal(hex, of_file);
    assert_int_equal(gr_digest_file(of_file, p.tmp, NULL), GR_ERR_INPUT);

    /* Around 32 bytes within the text, at its end (which cuts them), and behind it. */
    static const char long_text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const struct {
        size_t hole;
        const char *rest;
    } around[] = {{2, "ab89"}, {20, "abcdefghijklmnopqrst"}, {99, long_text}};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        unsigned char bytes[GR_DIGEST_BYTES];
        gr_digest_around(bytes, long_text, strlen(long_text), around[i].hole);
        gr_digest_hex(of_file, bytes);
        gr_digest_data(hex, around[i].rest, strlen(around[i].rest));
        assert_string_equal(hex, of_file);
    }
    paths_free(&p);
}

/* Digests are of these bytes, which versions of jansson spell alike or not. */
static void json_on_a_line_is_always_spelled_alike(void **state) {
    (void)state;
    static const struct {
        const char *json, *sorted;
    } cases[] = {
        {"{\"b\": 1, \"a\": [true, false, null]}", "{\"a\":[true,false,null],\"b\":1}"},
        {"[0.1, 1.0, -0.0, 0.30000000000000004]", "[0.10000000000000001,1.0,-0.0,0.30000000000000004]"},
        {"[1e22, 1e-5, 1e300, -2.5e-7, 1e16, 1e17]",
         "[1e22,1.0000000000000001e-5,1.0000000000000001e300,-2.4999999999999999e-7,10000000000000000.0,1e17]"},
        {"[5e-324, 1.7976931348623157e308]", "[4.9406564584124654e-324,1.7976931348623157e308]"},
        {"[9223372036854775807, -1, 0]", "[9223372036854775807,-1,0]"},
        {"[\"a\\\"b\\\\\\n\\u0001/\u00e9\"]", "[\"a\\\"b\\\\\\n\\u0001/\u00e9\"]"},
        {"{\"\u00e9\": {}, \"z\": [], \"A\": \"\"}", "{\"A\":\"\",\"z\":[],\"\u00e9\":{}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gr_error err = {0};
        json_t *json, *back;
        gr_test_ok(gr_json_parse(&json, cases[i].json, strlen(cases[i].json), "j", &err), &err);
        char *line = gr_json_line(json, true), *again;
        assert_string_equal(line, cases[i].sorted);
        gr_test_ok(gr_json_parse(&back, line, strlen(line), "j", &err), &err);
        again = gr_json_line(back, true);
        assert_string_equal(line, again);
        gr_free(line), gr_free(again);
        line = gr_json_line(json, false);
        assert_true((strstr(line, "{\"b\":1") != NULL) == (i == 0)); /* as they stand */
        gr_free(line);
        json_decref(json), json_decref(back);
    }
}

static void json_is_written_and_read(void **state) {
    (void)state;
    gr_error err = {0};
    paths p = paths_new();
    json_t *json = json_pack("{s:i, s:s}", "n", 3, "t", "x"), *value;
    err = (gr_error){0};
    assert_int_equal(gr_json_write(json, p.path, &err), GR_OK);
    json_decref(json);
    assert_int_equal(gr_json_read(&json, p.path, &err), GR_OK);
    assert_int_equal(gr_json_member(json, &value, "n", JSON_REAL, p.path, &err), GR_OK);
    assert_int_equal(gr_json_member(json, &value, "t", JSON_INTEGER, p.path, &err), GR_ERR_FORMAT);
    gr_test_error(&err, p.path, "'t' is a text, expected an integer");
    json_decref(json);
    err = (gr_error){0};
    assert_int_equal(gr_json_parse(&json, "{\"a\": 1,\n \"a\": 2}", 17, "j", &err), GR_ERR_FORMAT);
    gr_test_error(&err, "j:2:4", "duplicate");
    paths_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(leftovers_go_with_the_next_writer),
                                       cmocka_unit_test(leftovers_of_a_bare_name),
                                       cmocka_unit_test(living_writers_are_left_alone),
                                       cmocka_unit_test(files_of_others_stay),
                                       cmocka_unit_test(temporaries_are_told_from_files_of_others),
                                       cmocka_unit_test(a_folder_of_ours_goes_with_all_in_it),
                                       cmocka_unit_test(what_is_not_ours_keeps_its_folder_whole),
                                       cmocka_unit_test(an_aborted_stream_leaves_the_old_file),
                                       cmocka_unit_test(two_writers_of_a_file_do_not_meet),
                                       cmocka_unit_test(a_full_disk_leaves_the_old_file),
                                       cmocka_unit_test(what_is_in_the_way_is_named),
                                       cmocka_unit_test(what_may_not_be_touched_is_named),
                                       cmocka_unit_test(digests_are_known_ones),
                                       cmocka_unit_test(json_on_a_line_is_always_spelled_alike),
                                       cmocka_unit_test(json_is_written_and_read)};
    return cmocka_run_group_tests(tests, gr_test_files_setup, gr_test_files_teardown);
}

/* Locks of folders: one holder, released by its death, kept by its heartbeat where the system cannot. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/file.h"
#include "io/lock.h"
#include "support.h"

static const char *path_of(void) { return gr_test_path("here/.gradroute.lock"); }

static gr_status take(gr__lock **lock, gr_error *err) { return gr__lock_take(lock, path_of(), "here", err); }

static bool meddle; /* between the making of the file and the lock on it another takes it, and is done with it */

/* As the library's; it looks at the mounts after it has made the file, and before it locks it. */
FILE *fopen(const char *path, const char *mode) {
    if (meddle && strcmp(path, "/proc/self/mountinfo") == 0) {
        meddle = false;
        int other = open(path_of(), O_RDWR | O_CLOEXEC);
        assert_int_equal(gr__lock_open_file(other), 0);
        assert_int_equal(unlink(path_of()), 0);
        close(other);
    }
    int fd = open(path, (mode[0] == 'r' ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC) | O_CLOEXEC, 0666);
    return fd < 0 ? NULL : fdopen(fd, mode);
}

static gr__lock *take_good(void) {
    gr__lock *lock = NULL;
    gr_error err = {0};
    gr_test_ok(take(&lock, &err), &err);
    assert_non_null(lock);
    return lock;
}

static void expect_busy(const char *words) {
    gr__lock *lock;
    gr_error err = {0};
    assert_int_equal(take(&lock, &err), GR_ERR_USAGE);
    assert_null(lock);
    if (!strstr(err.message, words))
        fail_msg("'%s' lacks '%s'", err.message, words);
}

static void write_file(const char *text, int minutes_old) {
    gr_error err = {0};
    struct timespec now, times[2];
    gr_test_ok(gr_file_write(path_of(), text, strlen(text), &err), &err);
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec -= 60 * minutes_old;
    times[0] = times[1] = now;
    assert_int_equal(utimensat(AT_FDCWD, path_of(), times, 0), 0);
}

static int make_place(void **state) {
    gr_test_files_setup(state);
    return gr_directory_make(gr_test_path("here"), NULL) == GR_OK ? 0 : -1;
}

static void one_holder_at_a_time(void **state) {
    (void)state;
    char self[40];
    snprintf(self, sizeof self, "process %ld on ", (long)getpid());
    gr__lock *lock = take_good();
    expect_busy(self);
    expect_busy("since 20");
    assert_int_equal(gr__lock_peek(path_of(), "here", NULL), GR_ERR_USAGE);
    assert_int_equal(gr__lock_check(lock, NULL), GR_OK);
    gr__lock_release(lock);
    assert_false(gr_file_exists(path_of()));
    assert_int_equal(gr__lock_peek(path_of(), "here", NULL), GR_OK);
    gr__lock_release(take_good());
    gr__lock_release(NULL);
}

/* The system releases it, whatever its holder died of; the file that stays does no harm. */
static void death_releases(void **state) {
    (void)state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (!child) {
        gr__lock *lock;
        char good = take(&lock, NULL) == GR_OK;
        (void)!write(told[1], &good, 1);
        pause();
        _exit(0);
    }
    char good = 0, words[40];
    assert_int_equal(read(told[0], &good, 1), 1);
    assert_true(good);
    snprintf(words, sizeof words, "process %ld on ", (long)child);
    expect_busy(words);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(gr_file_exists(path_of()));
    assert_int_equal(gr__lock_peek(path_of(), "here", NULL), GR_OK);
    gr__lock_release(take_good());
    assert_false(gr_file_exists(path_of()));
    close(told[0]);
    close(told[1]);
}

/* A lock on a file that another has removed keeps nobody out. */
static void a_removed_file_is_no_lock(void **state) {
    (void)state;
    gr_error err = {0};
    meddle = true;
    gr__lock *lock = take_good();
    assert_false(meddle);
    gr_test_ok(gr__lock_check(lock, &err), &err);
    expect_busy("process");
    gr__lock_release(lock);
}

/* Many processes at once: never two inside. */
static void never_two(void **state) {
    (void)state;
    enum { CHILDREN = 6, ROUNDS = 40, TRIES = 200000 /* a minute at least: others may be slow */ };
    char inside[300];
    snprintf(inside, sizeof inside, "%s", gr_test_path("inside"));
    pid_t child[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        child[i] = fork();
        if (child[i])
            continue;
        int got = 0;
        for (int k = 0; k < TRIES && got < ROUNDS; k++) {
            gr__lock *lock;
            if (take(&lock, NULL) != GR_OK) {
                usleep(300);
                continue;
            }
            got++;
            int fd = open(inside, O_CREAT | O_EXCL | O_WRONLY, 0600);
            if (fd < 0)
                _exit(1); /* another is in here too */
            usleep(200);
            close(fd);
            unlink(inside);
            gr__lock_release(lock);
        }
        _exit(got ? 0 : 2);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        waitpid(child[i], &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_false(gr_file_exists(path_of()));
}

/* One who could not lock, as on another machine, holds the file by its heartbeat. */
static void heartbeats_count(void **state) {
    (void)state;
    static const char theirs[] = "host far\nprocess 77\nsince 2026-01-02T03:04:05Z\nkept by heartbeat\n";
    static const char died[] = "host far\nprocess 77\nsince 2026-01-02T03:04:05Z\nkept by lock\n";
    gr_error err = {0};
    gr__lock *lock;
    write_file(theirs, 0);
    expect_busy("process 77 on far works in this folder, since 2026-01-02T03:04:05Z");
    write_file(theirs, 4);
    expect_busy("process 77");
    assert_int_equal(take(&lock, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.hint, "5 minutes"));
    write_file(theirs, 6);
    gr__lock_release(take_good());
    write_file(died, 0); /* it had a lock, and we could take it */
    gr__lock_release(take_good());
    write_file("", 0); /* died before it said who it is */
    gr__lock_release(take_good());

    write_file("a user's file\n", 60);
    err = (gr_error){0};
    assert_int_not_equal(take(&lock, &err), GR_OK);
    assert_non_null(strstr(err.hint, "in the way"));
    unlink(path_of());
}

static void a_lost_lock_is_known(void **state) {
    (void)state;
    gr_error err = {0};
    gr__lock *lock = take_good();
    unlink(path_of());
    assert_int_equal(gr__lock_check(lock, &err), GR_ERR_IO);
    assert_non_null(strstr(err.message, "taken over"));
    gr__lock *other = take_good();
    gr__lock_release(lock); /* does not remove what is another's now */
    assert_true(gr_file_exists(path_of()));
    expect_busy("process");
    gr__lock_release(other);
    assert_int_equal(gr__lock_check(NULL, NULL), GR_OK);
}

static void local_locks_are_known(void **state) {
    (void)state;
    static const struct {
        const char *type, *options;
        bool local;
    } known[] = {{"ext4", "rw,relatime", false},
                 {"nfs4", "rw,vers=4.2,local_lock=none,addr=1.2.3.4", false},
                 {"nfs", "rw,nolock,vers=3", true},
                 {"nfs", "rw,vers=3,local_lock=all", true},
                 {"nfs", "rw,vers=3,local_lock=posix,addr=1", true},
                 {"nfs", "rw,vers=3,local_lock=flock", false},
                 {"fuse.sshfs", "rw,user_id=0", true},
                 {"fuseblk", "rw", false},
                 {"cifs", "rw,nobrl", true},
                 {"cifs", "rw,nobrlx", false},
                 {"9p", "rw,trans=virtio", true},
                 {"lustre", "rw,localflock", true},
                 {"lustre", "rw,flock", false},
                 {"tmpfs", "rw", false}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gr__mount_locks_locally(known[i].type, known[i].options) != known[i].local)
            fail_msg("%s %s", known[i].type, known[i].options);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holder_at_a_time),      cmocka_unit_test(death_releases),
        cmocka_unit_test(a_removed_file_is_no_lock), cmocka_unit_test(never_two),
        cmocka_unit_test(heartbeats_count),          cmocka_unit_test(a_lost_lock_is_known),
        cmocka_unit_test(local_locks_are_known)};
    return cmocka_run_group_tests(tests, make_place, gr_test_files_teardown);
}

/* kill_calls.c - for LD_PRELOAD, or included by a test: the process dies (SIGKILL) right before the KILL_AT-th call
 * that changes a folder or flushes something to the disk. So one test stops a program at each step between what a kill
 * leaves, one after the other, without a line in the program. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int kill_at;     /* calls left until it dies; 0: it lives */
static int no_exchange; /* as on file systems that cannot exchange two folders in one step */

__attribute__((constructor)) static void kill_by_environment(void) {
    const char *at = getenv("KILL_AT");
    kill_at = at ? atoi(at) : 0;
}

static void call(void) {
    if (kill_at > 0 && --kill_at == 0)
        raise(SIGKILL);
}

int rename(const char *from, const char *to) {
    call();
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    call();
    if (no_exchange && flags) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}

int fsync(int fd) {
    call();
    return (int)syscall(SYS_fsync, fd);
}

int mkdir(const char *path, mode_t mode) {
    call();
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlink(const char *path) {
    call();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path) {
    call();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int symlink(const char *target, const char *path) {
    call();
    return (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
}

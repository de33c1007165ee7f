/* refuse_locks.c - for LD_PRELOAD: a file system on which every lock of a file is refused for want of locks; that one
 * was is written to REFUSE_SEEN. Built and used by cmd_lock.sh. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static int is_lock(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_GETLK || command == F_OFD_SETLK ||
           command == F_OFD_SETLKW || command == F_OFD_GETLK;
}

/* Refuses a lock; everything else goes to the C library. */
static int pass(const char *name, int fd, int command, void *argument) {
    if (!is_lock(command)) {
        int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
        return real(fd, command, argument);
    }
    const char *seen = getenv("REFUSE_SEEN");
    int mark = seen ? open(seen, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (mark >= 0)
        close(mark);
    errno = ENOLCK;
    return -1;
}

int fcntl(int fd, int command, ...) {
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    return pass("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    return pass("fcntl64", fd, command, argument);
}

/* delay_listing.c - for LD_PRELOAD: whoever lists the folder DELAY_FOLDER makes the file DELAY_SEEN and then waits
 * until there is the file DELAY_UNTIL. So another process does its work between two looks of this one, each time. Built
 * and used by cmd_reproduce.sh. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 120 }; /* seconds */

DIR *opendir(const char *path) {
    DIR *(*real)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    const char *folder = getenv("DELAY_FOLDER"), *seen = getenv("DELAY_SEEN"), *until = getenv("DELAY_UNTIL");
    if (!folder || !seen || !until || strcmp(path, folder) != 0)
        return real(path);

    int mark = open(seen, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (mark >= 0)
        close(mark);
    for (int tick = 0; tick < 100 * PATIENCE && access(until, F_OK) != 0; tick++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return real(path);
}

/* Files that are not whole yet: their names, who still writes them, and what killed calls have left of them. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/lock.h"

/* Letters in a name, of which the last follow from the others and the path: a user's file hardly has them. */
enum { DRAWN = 6, CHECKED = 2 };
#define TEMPORARY_END ".tmp"

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
enum { LETTERS = sizeof letters - 1 };

/* ---- names ---- */

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The last letters of a name: FNV-1a (Fowler, Noll, Vo) over the file's name and the letters before them. */
static void add_check(char drawn[DRAWN + 1], const char *name) {
    uint32_t sum = 2166136261u;
    for (const char *at = name; *at; at++)
        sum = (sum ^ (unsigned char)*at) * 16777619u;
    for (int i = 0; i < DRAWN - CHECKED; i++)
        sum = (sum ^ (unsigned char)drawn[i]) * 16777619u;
    for (int i = DRAWN - CHECKED; i < DRAWN; i++, sum /= LETTERS)
        drawn[i] = letters[sum % LETTERS];
}

char *gr__temporary(const char *path) {
    unsigned char bytes[DRAWN] = {0};
    char drawn[DRAWN + 1] = {0};
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) /* an early kernel: still unlike that of another process */
        memcpy(bytes, &(pid_t){getpid()}, sizeof(pid_t));
    for (int i = 0; i < DRAWN; i++)
        drawn[i] = letters[bytes[i] % LETTERS];
    add_check(drawn, name_of(path));
    return gr_format("%s.%s" TEMPORARY_END, path, drawn);
}

bool gr__is_temporary(const char *name) {
    size_t length = strlen(name), end = 1 + DRAWN + strlen(TEMPORARY_END);
    if (length <= end || name[length - end] != '.' || strcmp(name + length - strlen(TEMPORARY_END), TEMPORARY_END) != 0)
        return false;
    for (const char *at = name + length - end + 1; at < name + length - strlen(TEMPORARY_END); at++)
        if (!isalnum((unsigned char)*at))
            return false;
    return true;
}

void gr__temporaries_remove(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    struct dirent *e;
    while ((e = readdir(dir)))
        if (gr__is_temporary(e->d_name))
            unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
}

/* Whether a name is one that gr__temporary makes for the file `name`. */
static bool is_temporary_of(const char *entry, const char *name) {
    size_t length = strlen(name);
    if (strncmp(entry, name, length) != 0 || !gr__is_temporary(entry) ||
        strlen(entry) != length + 1 + DRAWN + strlen(TEMPORARY_END))
        return false;
    char drawn[DRAWN + 1] = {0};
    memcpy(drawn, entry + length + 1, DRAWN);
    add_check(drawn, name);
    return memcmp(drawn, entry + length + 1, DRAWN) == 0;
}

/* ---- writers ---- */

/* Locked as long as it is open, so that it is seen to be somebody's. Between making and locking another may take it for
 * a leftover: then it is gone, or being looked at, and a new one is made. */
int gr__temporary_open(char **temporary, const char *path) {
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES; i++) {
        struct stat info;
        *temporary = gr__temporary(path);
        int fd = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            return -1;
        bool ours = fd >= 0 && gr__lock_open_file(fd) != EAGAIN && fstat(fd, &info) == 0 && info.st_nlink > 0;
        if (ours)
            return fd;

        /* Taken by another name of six letters, or by one who clears up. */
        if (fd >= 0) {
            unlink(*temporary);
            close(fd);
        }
        gr_free(*temporary);
        *temporary = NULL;
    }
    errno = EEXIST;
    return -1;
}

/* One of a killed writer has no lock. Where locks do not reach the other machines nobody can tell: it stays. */
static void remove_leftover(int folder, const char *name) {
    struct stat info;
    int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && gr__lock_reaches(fd) && gr__lock_open_file(fd) == 0)
        unlinkat(folder, name, 0);
    close(fd);
}

void gr__temporaries_remove_idle(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir)
        return;

    /* A link is there for a moment, and whoever makes one tries again. */
    struct dirent *e;
    struct stat info;
    while ((e = readdir(dir))) {
        if (!gr__is_temporary(e->d_name))
            continue;
        if (fstatat(dirfd(dir), e->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode))
            unlinkat(dirfd(dir), e->d_name, 0);
        else
            remove_leftover(dirfd(dir), e->d_name);
    }
    closedir(dir);
}

void gr__leftovers_remove(const char *path) {
    const char *name = name_of(path);
    char *folder = name == path ? gr_strdup(".") : gr_format("%.*s", (int)(name - path), path);
    DIR *dir = opendir(folder);
    gr_free(folder);
    if (!dir)
        return;
    struct dirent *e;
    while ((e = readdir(dir)))
        if (is_temporary_of(e->d_name, name))
            remove_leftover(dirfd(dir), e->d_name);
    closedir(dir);
}

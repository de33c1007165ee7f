/* Locks on folders, between processes and between machines.
 *
 * The lock is a file that names its holder. Where the file system carries locks to everyone who uses it, the system's
 * lock on that file decides. Where it does not (some network and user-space file systems), having made the file
 * decides. Either way a thread touches the file every so often (the heartbeat), so that a file whose holder died
 * without removing it is known by its age, and taken over. */
#include "io/lock.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/file.h"

struct gr__lock {
    int fd;
    char *path, *folder;
    bool locked;           /* by the system; else by having made the file */
    pthread_t beat;        /* the heartbeat */
    pthread_mutex_t mutex; /* of ending */
    pthread_cond_t end;    /* wakes the heartbeat when */
    bool ending;           /* it is to end */
    atomic_bool lost;      /* the name leads to another file by now */
};

/* What the file says of its holder. */
typedef struct holder {
    char host[80], since[40], kept[16];
    long process;
} holder;

/* ---- file systems ---- */

/* Whether the comma-separated list holds this option. */
static bool has_option(const char *options, const char *option) {
    size_t n = strlen(option);
    for (const char *at = options; (at = strstr(at, option)); at += n)
        if ((at == options || at[-1] == ',') && (at[n] == 0 || at[n] == ',' || at[n] == '\n'))
            return true;
    return false;
}

/* Whether locks on such a file system are kept on this machine, unseen by others that use it. */
bool gr__mount_locks_locally(const char *type, const char *options) {
    if (strncmp(type, "fuse", 4) == 0 || strcmp(type, "9p") == 0) /* the kernel may keep the lock to itself */
        return strcmp(type, "fuseblk") != 0;
    if (strncmp(type, "nfs", 3) == 0)
        return has_option(options, "nolock") || has_option(options, "local_lock=all") ||
               has_option(options, "local_lock=posix");
    if (strcmp(type, "cifs") == 0 || strcmp(type, "smb3") == 0)
        return has_option(options, "nobrl");
    return strcmp(type, "lustre") == 0 && has_option(options, "localflock");
}

/* The same of the file system that a file is on. Its line of mountinfo has "MAJOR:MINOR" third and "- TYPE SOURCE
 * OPTIONS" at the end. */
static bool locks_stay_here(int fd) {
    struct stat info;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    bool local = false;
    char *line = NULL, type[64], options[1024];
    size_t room = 0;

    /* Several mounts may have the same device: one that keeps locks to itself is enough to doubt them. */
    bool known = fstat(fd, &info) == 0;
    while (known && mounts && getline(&line, &room, mounts) > 0) {
        unsigned major, minor;
        const char *end = strstr(line, " - ");
        if (end && sscanf(line, "%*u %*u %u:%u", &major, &minor) == 2 && makedev(major, minor) == info.st_dev &&
            sscanf(end, " - %63s %*s %1023s", type, options) == 2)
            local = local || gr__mount_locks_locally(type, options);
    }

    gr_free(line);
    if (mounts)
        fclose(mounts);
    return local;
}

/* ---- the holder as text ---- */

/* Writes who holds the lock; returns 0 or an errno. */
static int write_holder(int fd, bool locked) {
    char text[256], host[80] = "unknown", since[40];
    gethostname(host, sizeof host - 1);
    gr__text_date(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ");
    int n = snprintf(text, sizeof text, "host %s\nprocess %ld\nsince %s\nkept by %s\n", host, (long)getpid(), since,
                     locked ? "lock" : "heartbeat");
    bool good = ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
    return good ? 0 : errno ? errno : ENOSPC;
}

/* Reads who holds the lock, fit to be shown; false: the file says nothing yet. */
static bool read_holder(int fd, holder *h) {
    char text[256];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    *h = (holder){.host = "?", .since = "?"};
    if (n <= 0)
        return false;
    text[n] = 0;
    sscanf(text, "host %79s process %ld since %39s kept by %15s", h->host, &h->process, h->since, h->kept);
    for (char *at = h->host; *at; at++)
        *at = (char)(isgraph((unsigned char)*at) ? *at : '?');
    for (char *at = h->since; *at; at++)
        *at = (char)(isgraph((unsigned char)*at) ? *at : '?');
    return true;
}

/* The error for a folder that somebody works in. foreign: only its heartbeat tells that he lives. */
static gr_status busy(const char *folder, const holder *h, bool foreign, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, folder,
                        foreign
                            ? "wait until it has finished, or choose another folder; if it has died, wait for 5 minutes"
                            : "wait until it has finished, or choose another folder",
                        "process %ld on %s works in this folder, since %s", h->process, h->host, h->since);
}

/* ---- time ---- */

/* Whether a file was renewed lately. A new file tells the time of its file system, whose clock may not be ours. Where
 * that fails it is taken for fresh. */
static bool is_fresh(const char *path, const struct stat *info) {
    struct stat now;
    char *probe = gr__temporary(path);
    int fd = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool known = fd >= 0 && fstat(fd, &now) == 0;
    if (fd >= 0) {
        close(fd);
        unlink(probe);
    }
    gr_free(probe);
    return !known || now.st_mtim.tv_sec - info->st_mtim.tv_sec < GR__LOCK_STALE;
}

/* Whether the name still leads to the file that was opened. */
static bool is_current(int fd, const char *path) {
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* ---- the heartbeat ---- */

/* The thread: renews the file every GR__LOCK_BEAT seconds, and notes when the name leads elsewhere, until it is to
 * end. */
static void *beat(void *user) {
    gr__lock *lock = user;
    pthread_mutex_lock(&lock->mutex);
    while (!lock->ending) {
        struct timespec next;
        clock_gettime(CLOCK_MONOTONIC, &next);
        next.tv_sec += GR__LOCK_BEAT;
        if (pthread_cond_timedwait(&lock->end, &lock->mutex, &next) != ETIMEDOUT)
            continue;

        /* The time has passed, and nobody has told it to end. */
        futimens(lock->fd, NULL);
        if (!is_current(lock->fd, lock->path))
            atomic_store(&lock->lost, true);
    }
    pthread_mutex_unlock(&lock->mutex);
    return NULL;
}

enum { STACK = 1 << 18 };

/* Signals are for the threads that were there before. */
static int begin_beat(gr__lock *lock) {
    sigset_t all, before;
    pthread_condattr_t attr;

    /* The condition waits by a clock that nobody sets. */
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->end, &attr);
    pthread_condattr_destroy(&attr);

    /* It only touches a file: a stack of megabytes would be what a limit of memory refuses. */
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);

    /* A thread inherits the mask it is made under: all signals blocked. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&lock->beat, &small, beat, lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&small);
    return code;
}

/* Wakes the thread that keeps the lock fresh, and waits for its end. */
static void end_beat(gr__lock *lock) {
    pthread_mutex_lock(&lock->mutex);
    lock->ending = true;
    pthread_cond_signal(&lock->end);
    pthread_mutex_unlock(&lock->mutex);
    pthread_join(lock->beat, NULL);
}

/* ---- taking ---- */

enum { TRIES = 50, PAUSE = 20000 /* microseconds */ };

typedef enum outcome { TAKEN, BUSY, AGAIN, FAILED } outcome;

/* One attempt at a lock. */
typedef struct attempt {
    const char *path;
    int tries;
    int fd, code; /* code: of what FAILED */
    bool locked;  /* by the system */
    bool foreign; /* the file is kept by its heartbeat alone, or we cannot tell */
    holder holder;
} attempt;

/* A lock that belongs to the open file, not to the process (Linux: open file description lock). 0 or an errno. */
int gr__lock_open_file(int fd) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return 0;
    return errno == EACCES ? EAGAIN : errno;
}

bool gr__lock_reaches(int fd) { return !locks_stay_here(fd); }

static bool is_unsupported(int code) {
    return code == ENOLCK || code == EINVAL || code == ENOTSUP || code == EOPNOTSUPP || code == ENOSYS;
}

/* The file is somebody's who makes no locks, or who has died. Moves it aside if it is old; only one can. */
static outcome take_over(attempt *a) {
    struct stat info;
    a->foreign = true;
    if (fstat(a->fd, &info))
        return AGAIN;
    if (is_fresh(a->path, &info))
        return BUSY;

    char *aside = gr__temporary(a->path);
    outcome out = AGAIN;
    struct stat moved;
    if (rename(a->path, aside) == 0) {
        /* Between the look and the move another may have taken it: then it goes back. */
        bool ours = stat(aside, &moved) == 0 && moved.st_ino == info.st_ino;
        if (!ours && link(aside, a->path) == 0)
            out = BUSY;
        unlink(aside);
    }
    gr_free(aside);
    return out;
}

/* The file was there: its holder works, has just finished, or has died. */
static outcome take_existing(attempt *a) {
    int code = locks_stay_here(a->fd) ? ENOLCK : gr__lock_open_file(a->fd);
    bool told = read_holder(a->fd, &a->holder);
    if (code == EAGAIN || code == EACCES)
        return BUSY;
    if (code && !is_unsupported(code)) {
        a->code = code;
        return FAILED;
    }

    /* What we opened may be gone, somebody else's, or too young to say anything. */
    if (!is_current(a->fd, a->path)) /* its holder has just finished */
        return AGAIN;
    if (told && !a->holder.kept[0]) { /* a file of somebody else's */
        a->code = EEXIST;
        return FAILED;
    }
    if (!told && a->tries < TRIES / 2) /* its holder has just begun, or died at once */
        return AGAIN;
    if (code)
        return take_over(a);

    /* The lock is ours, but one who makes no locks may hold the file by its heartbeat. */
    struct stat info;
    a->foreign = strcmp(a->holder.kept, "heartbeat") == 0;
    if (a->foreign && fstat(a->fd, &info) == 0 && is_fresh(a->path, &info))
        return BUSY;
    a->locked = true;
    return TAKEN;
}

/* One attempt: makes the file, or opens the one that is there, and decides whose it is. Only TAKEN leaves it open. */
static outcome take_once(attempt *a) {
    a->fd = open(a->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool made = a->fd >= 0;
    if (!made && errno != EEXIST) {
        a->code = errno;
        return FAILED;
    }

    if (!made)
        a->fd = open(a->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (a->fd < 0) {
        a->code = errno;
        return errno == ENOENT ? AGAIN : FAILED; /* gone again */
    }

    /* One who made the file has it, unless somebody locked it in between, who may have removed it since. */
    outcome out;
    if (made) {
        int code = locks_stay_here(a->fd) ? ENOLCK : gr__lock_open_file(a->fd);
        a->locked = code == 0;
        out = (a->locked && is_current(a->fd, a->path)) || is_unsupported(code) ? TAKEN : AGAIN;
    } else {
        out = take_existing(a);
    }

    /* Whoever has it says so in it. */
    if (out == TAKEN && (a->code = write_holder(a->fd, a->locked)))
        out = FAILED;
    if (out == FAILED && made)
        unlink(a->path);
    if (out != TAKEN)
        close(a->fd);
    return out;
}

/* The lock of a successful attempt, with its heartbeat. */
static gr_status start(gr__lock **lock, const attempt *a, const char *folder, gr_error *err) {
    gr__lock *l = gr_alloc(sizeof *l);
    l->fd = a->fd;
    l->path = gr_strdup(a->path);
    l->folder = gr_strdup(folder);
    l->locked = a->locked;

    /* Without its heartbeat the lock would seem abandoned: it is given back. */
    int code = begin_beat(l);
    if (code) {
        unlink(l->path);
        close(l->fd);
        gr_free(l->path);
        gr_free(l->folder);
        gr_free(l);
        return gr_error_set(err, GR_ERR_MEMORY, folder,
                            "raise the limit of memory (ulimit -v) or of processes (ulimit -u)",
                            "no memory for a thread that keeps the lock: %s", strerror(code));
    }
    *lock = l;
    return GR_OK;
}

gr_status gr__lock_take(gr__lock **lock, const char *path, const char *folder, gr_error *err) {
    /* A file that changes hands is looked at again, for a second in all. */
    attempt a = {.path = path};
    outcome out = AGAIN;
    *lock = NULL;
    for (; a.tries < TRIES && out == AGAIN; a.tries++) {
        if (a.tries)
            usleep(PAUSE);
        out = take_once(&a);
    }

    if (out == TAKEN)
        return start(lock, &a, folder, err);
    if (out == FAILED && (a.code == EROFS || a.code == EACCES || a.code == EPERM))
        return GR_OK; /* the first write says why */
    if (out == FAILED)
        return gr__file_error(err, path, "lock", a.code);
    return busy(folder, &a.holder, a.foreign, err);
}

void gr__lock_release(gr__lock *lock) {
    if (!lock)
        return;

    end_beat(lock);
    if (is_current(lock->fd, lock->path)) /* while it is ours: whoever waits for it sees that the name has gone */
        unlink(lock->path);

    close(lock->fd);
    pthread_cond_destroy(&lock->end);
    pthread_mutex_destroy(&lock->mutex);
    gr_free(lock->path);
    gr_free(lock->folder);
    gr_free(lock);
}

/* ---- asking ---- */

gr_status gr__lock_check(const gr__lock *lock, gr_error *err) {
    if (!lock || (!atomic_load(&lock->lost) && is_current(lock->fd, lock->path)))
        return GR_OK;
    return gr_error_set(err, GR_ERR_IO, lock->folder, "what was saved stays; look at who works there before you go on",
                        "another process has taken over this folder, since this one stood still for minutes or its "
                        "lock file %.120s was removed",
                        lock->path);
}

gr_status gr__lock_peek(const char *path, const char *folder, gr_error *err) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    holder h;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    if (held)
        read_holder(fd, &h);
    if (fd >= 0)
        close(fd);
    return held ? busy(folder, &h, false, err) : GR_OK;
}

void gr__lock_sweep(const char *path) {
    gr__lock *lock;
    if (gr_file_exists(path) && gr__lock_take(&lock, path, path, NULL) == GR_OK)
        gr__lock_release(lock);
}

/* lock.h - one writer of a folder at a time.
 *
 *     gr__lock *lock;
 *     GR_TRY(gr__lock_take(&lock, "runs/a/.lock", "runs/a", err));    GR_ERR_USAGE says who works there, and since when
 *     ... write ...
 *     gr__lock_release(lock);                                         removes the file; NULL is fine
 *
 * The file holds host, process and time as text. It is locked by an open-file-description lock (fcntl), which the
 * system releases when the process ends, however it ends. Where the file system has no such lock, or keeps it to one
 * machine (NFS mounted with nolock, sshfs and others in user space, CIFS with nobrl), to have made the file is to hold
 * it.
 *
 * In both cases the file's time is renewed every 20 seconds, by a thread. Whoever cannot ask for a lock takes a file
 * for abandoned when it is 5 minutes old by the clock of the file system, which is read off a file made for that. So
 * machines that lock and machines that cannot do not meet either. A file that is left over does no harm.
 *
 * Where nothing can be written (a read-only file system, no permission) there is no lock and no error: *lock is NULL.
 */
#ifndef GR_IO_LOCK_H
#define GR_IO_LOCK_H

#include "gradroute/base.h"

enum { GR__LOCK_BEAT = 20, GR__LOCK_STALE = 300 }; /* seconds */

typedef struct gr__lock gr__lock;
gr_status gr__lock_take(gr__lock **lock, const char *path, const char *folder, gr_error *err);
void gr__lock_release(gr__lock *lock);

/* Whether the lock is still ours; GR_ERR_IO after another took it for abandoned, as when this process stood still for
 * minutes. To be asked before something is written over. */
gr_status gr__lock_check(const gr__lock *lock, gr_error *err);

/* Says, without changing anything, whether somebody holds the lock. */
gr_status gr__lock_peek(const char *path, const char *folder, gr_error *err);

/* Removes the file that a killed process has left. */
void gr__lock_sweep(const char *path);

/* A lock on an open file alone, held until it is closed: 0; EAGAIN where another holds it, else why there is none. And
 * whether such a lock is seen from all machines that see the file. */
int gr__lock_open_file(int fd);
bool gr__lock_reaches(int fd);

/* Whether a file system of this type with these options (of /proc/self/mountinfo) keeps locks to one machine. */
bool gr__mount_locks_locally(const char *type, const char *options);

#endif

#include "workers.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

extern char **environ;

void gr__worker_begin(void) { prctl(PR_SET_PDEATHSIG, SIGTERM); }

/* Those that still run. */
typedef struct workers {
    pid_t *pid; /* [count]; 0: it has ended */
    int count, running;
    bool asked; /* to stop */
    int status; /* of the first that failed; 0: none did */
} workers;

static void ask_to_stop(workers *w) {
    for (int i = 0; i < w->count && !w->asked; i++)
        if (w->pid[i])
            kill(w->pid[i], SIGTERM);
    w->asked = true;
}

static gr_status start(workers *w, char *const *words, gr_error *err) {
    for (int i = 0; i < w->count; i++) {
        int code = posix_spawn(&w->pid[i], "/proc/self/exe", NULL, NULL, words, environ);
        if (code) {
            w->pid[i] = 0;
            return gr_error_set(err, GR_ERR_IO, "--jobs", NULL, "cannot start process %d of %d: %s", i + 1, w->count,
                                strerror(code));
        }
        w->running++;
    }
    return GR_OK;
}

/* One that has ended, by whatever end. */
static void take_end(workers *w, pid_t pid, int status) {
    for (int i = 0; i < w->count; i++)
        if (w->pid[i] == pid) {
            w->pid[i] = 0;
            w->running--;
        }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code && !w->asked) {
        w->status = code;
        ask_to_stop(w);
    }
}

static void wait_for_all(workers *w, const volatile sig_atomic_t *stop) {
    while (w->running > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0)
            take_end(w, pid, status);
        else if (pid < 0 && errno != EINTR)
            return; /* there is none left, whoever waited for it */
        else
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        if (stop && *stop)
            ask_to_stop(w);
    }
}

gr_status gr__workers_run(char *const *words, int count, const char *name, const volatile sig_atomic_t *stop,
                          gr_error *err) {
    workers w = {.pid = gr_alloc((size_t)count * sizeof *w.pid), .count = count};
    gr_status status = start(&w, words, err);
    if (status != GR_OK)
        ask_to_stop(&w);
    wait_for_all(&w, stop);
    gr_free(w.pid);

    /* A worker that was asked to stop ends with a status too: being stopped comes first. */
    if (status == GR_OK && stop && *stop)
        return gr_error_set(err, GR_ERR_INTERRUPTED, name, NULL, "stopped");
    if (status == GR_OK && w.status)
        return gr_error_set(err, GR_ERR_IO, "--jobs", "what it said stands above; the same command goes on",
                            "a worker ended with status %d", w.status);
    return status;
}

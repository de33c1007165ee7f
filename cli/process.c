#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A signal handler has no other way to say so. */
static volatile sig_atomic_t stop, saves;

/* ---- signals ---- */

static void say(const char *text) {
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* there may be nobody to hear it */
}

static void on_signal(int number) {
    int code = errno;
    (void)number;

    if (!saves) {
        say("\ngradroute: stopped before there was anything to save\n");
        _exit(1);
    }

    /* A second Ctrl-C is meant to kill. Hang-ups come in pairs and limits of processor time each second: they are not.
     */
    if (!stop)
        say("\ngradroute: stopping after this step and saving; once more to kill\n");
    stop = 1;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    errno = code;
}

static void catch_signals(void) {
    static const int caught[] = {SIGINT, SIGTERM, SIGXCPU, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        bool ignored = sigaction(caught[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN;
        if (caught[i] != SIGHUP || !ignored) /* nohup means it */
            sigaction(caught[i], &action, NULL);
    }
}

const volatile sig_atomic_t *gr__stop_flag(void) { return &stop; }

void gr__stop_saves(void) { saves = 1; }

/* ---- the start and the end ---- */

static void open_standard(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY); /* takes the lowest number that is free */
}

/* At every exit, also within argp: what was printed has arrived, or the status is not 0. */
static void flush_output(int status, void *unused) {
    (void)unused;
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || status != 0)
        return;
    fprintf(stderr, "gradroute: standard output: cannot write: %s\n",
            errno ? strerror(errno) : "an earlier part was lost");
    _exit(1);
}

void gr__process_begin(void) {
    open_standard();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    catch_signals();
    on_exit(flush_output, NULL);
}

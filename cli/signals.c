/* Ctrl-C and SIGTERM: the first sets a flag that long work looks at, the second ends the program. */
#include <string.h>
#include <unistd.h>

#include "common.h"

static volatile sig_atomic_t stop; /* a signal handler has no other way to say so */

static void on_signal(int number) {
    static const char text[] = "\ngradroute: stopping after this step and saving; once more to kill\n";
    (void)number;
    stop = 1;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
}

const volatile sig_atomic_t *gr__stop_flag(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &stop;
}

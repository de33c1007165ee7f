/* What belongs to the process: signals, refused memory, its standard streams (process.h). */
#include "process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gradroute/base.h"
#include "screen.h"

/* A signal handler has no other way to say so. */
static volatile sig_atomic_t stop, saves;

/* ---- signals ---- */

/* To standard error without stdio, which a signal may have interrupted. */
static void say(const char *text) {
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* there may be nobody to hear it */
}

/* Only what may be done in a signal handler: write, _exit, setting a flag. */
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

/* Signals that ask to stop. System calls they interrupt go on. */
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

/* ---- memory ---- */

/* Nothing is flushed or freed: other threads may be at work, and what is on the disk is complete. */
static void on_refusal(size_t size) {
    char text[200], bytes[64] = "";
    if (size)
        snprintf(bytes, sizeof bytes, ": %zu bytes were refused", size);
    snprintf(text, sizeof text, "\ngradroute: out of memory%s; %s\n", bytes,
             saves ? "what was saved before stays" : "there was nothing to save");
    say(text);
    _exit(1);
}

/* The block, or the end of the process. */
static void *given(void *block, size_t size) {
    if (!block && size)
        on_refusal(size);
    return block;
}

/* libcrypto uses some of what it asks for without a look. */
static void *crypto_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    return given(malloc(size), size);
}

static void *crypto_realloc(void *old, size_t size, const char *file, int line) {
    (void)file, (void)line;
    return given(realloc(old, size), size);
}

static void crypto_free(void *block, const char *file, int line) {
    (void)file, (void)line;
    free(block);
}

/* So does oneDNN, which takes its objects and its code from the two functions below. These definitions stand before
 * those of the C library, for the shared libraries too. */
int posix_memalign(void **block, size_t align, size_t size) {
    int (*next)(void **, size_t, size_t) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "posix_memalign");
    int code = next ? next(block, align, size) : ENOMEM;
    if (code == ENOMEM)
        on_refusal(size);
    return code;
}

/* The header renames mmap where files may be large. */
void *checked_mmap(void *address, size_t size, int protection, int flags, int fd, off_t at) __asm__("mmap");
void *checked_mmap(void *address, size_t size, int protection, int flags, int fd, off_t at) {
    void *(*next)(void *, size_t, int, int, int, off_t) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "mmap");
    void *block = next ? next(address, size, protection, flags, fd, at) : MAP_FAILED;
    if (block == MAP_FAILED && errno == ENOMEM && flags & MAP_ANONYMOUS) /* a file that cannot be mapped has an error */
        on_refusal(size);
    return block;
}

static void on_refused_new(void) { on_refusal(0); }

/* Operators new of C++, which oneDNN has in it, call a handler before they throw what nobody would catch. */
static void handle_refusals(void) {
    gr_memory_handler(on_refusal);
    CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
    void *(*set_new_handler)(void (*)(void)) = NULL;
    *(void **)&set_new_handler = dlsym(RTLD_DEFAULT, "_ZSt15set_new_handlerPFvvE");
    if (set_new_handler)
        set_new_handler(on_refused_new);
}

/* ---- the start and the end ---- */

/* Opens what is closed of the standard streams, lest a file of ours gets its number and what is printed. */
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
    handle_refusals();
    gr__screen_begin();
    on_exit(flush_output, NULL);
}

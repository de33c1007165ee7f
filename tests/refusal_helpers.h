/* refusal_helpers.h - each allocation of a call refused, one at a time, in a child of its own. The test defines what a
 * world is, and calls try_NAME(world, err), which make their objects and free them; SWEEP(NAME, PLANNED) is the test.
 */
#ifndef GR_TESTS_REFUSAL_HELPERS_H
#define GR_TESTS_REFUSAL_HELPERS_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "support.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
static inline bool leaks(void) { return __lsan_do_recoverable_leak_check() != 0; }
/* Each looks through all memory for leaks, which takes long: the full run has more. Planned ones are rare. */
enum { MOST = 25, MOST_PLANNED = 50 };
#else
static inline bool leaks(void) { return false; }
enum { MOST = 120, MOST_PLANNED = MOST };
#endif

typedef struct world world; /* what calls need that are not themselves tried */
typedef gr_status gr_test_call(world *w, gr_error *err);

enum { NOT_REACHED = 10, SMALL, PLANNED, WENT_ON, NO_MESSAGE, NOT_AGAIN, LEAK, OTHER };

static inline void small(size_t size) { _exit(size ? SMALL : OTHER); }

static inline int child(world *w, gr_test_call *call, uint64_t nth) {
    gr_error err = {0}, none = {0};
    gr_memory_handler(small);
    uint64_t before = gr_alloc_count();
    gr__refuse_at(nth);
    gr_status status = call(w, &err);
    bool reached = gr_alloc_count() - before >= nth;
    gr__refuse_at(0);
    if (status == GR_OK)
        return reached ? WENT_ON : NOT_REACHED;
    if (status != GR_ERR_MEMORY)
        return OTHER;
    if (err.status != status || !err.message[0])
        return NO_MESSAGE;
    if (leaks())
        return LEAK;
    return call(w, &none) == GR_OK ? PLANNED : NOT_AGAIN;
}

static inline int refused(world *w, gr_test_call *call, uint64_t nth) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        /* A child that dies is to die: cmocka's handlers would let it go on with the tests that follow. */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        _exit(child(w, call, nth));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Refusals spread over all that the call makes, about `most` of them; the first ones, where objects are half made, all
 * of them. */
static inline void sweep_most(world *w, gr_test_call *call, int planned_least, uint64_t most) {
    enum { FIRST = 8 };
    if (most <= FIRST)
        most = FIRST + 1;

    /* How many there are. */
    gr_error err = {0};
    uint64_t before = gr_alloc_count();
    gr_test_ok(call(w, &err), &err);
    uint64_t all = gr_alloc_count() - before, stride = all > most ? (all - FIRST) / (most - FIRST) + 1 : 1;

    /* One after the other. */
    int small_ones = 0, planned = 0;
    for (uint64_t nth = 1; nth <= all; nth += nth < FIRST ? 1 : stride) {
        int end = refused(w, call, nth);
        small_ones += end == SMALL;
        planned += end == PLANNED;
        if (end != SMALL && end != PLANNED && end != NOT_REACHED)
            fail_msg("allocation %llu of %llu refused: the child ended with %d", (unsigned long long)nth,
                     (unsigned long long)all, end);
    }
    assert_true(small_ones + planned > 0 && planned >= planned_least);
}

/* GRADROUTE_REFUSALS of them, or as many as find what is looked for. */
static inline void sweep(world *w, gr_test_call *call, int planned_least) {
    const char *told = getenv("GRADROUTE_REFUSALS");
    int most = planned_least ? MOST_PLANNED : MOST;
    sweep_most(w, call, planned_least, (uint64_t)(told && atoi(told) > 0 ? atoi(told) : most));
}

/* planned: refusals that must be GR_ERR_MEMORY, at least. */
#define SWEEP(name, planned) \
    static void refusals_in_##name(void **state) { sweep(*state, try_##name, planned); }

#endif

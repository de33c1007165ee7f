/* refuse_malloc.c - for LD_PRELOAD: the REFUSE_AT-th allocation of the program is refused, once; how many there were is
 * written to REFUSE_COUNT. Built and used by slow_memory.sh. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* What the C library itself calls its functions by, so that nothing must be looked up before the first call. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

static _Atomic long calls;
static long at;
static bool counting; /* from main on: the loader's own are not counted */

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("REFUSE_AT");
    at = text ? atol(text) : -1;
    counting = true;
}

__attribute__((destructor)) static void end(void) {
    counting = false;
    const char *path = getenv("REFUSE_COUNT");
    FILE *out = path ? fopen(path, "w") : NULL;
    if (!out)
        return;
    fprintf(out, "%ld\n", atomic_load(&calls));
    fclose(out);
}

static bool refused(void) {
    if (!counting || atomic_fetch_add(&calls, 1) + 1 != at)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) { return refused() ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return refused() ? NULL : __libc_calloc(count, size); }

void *realloc(void *old, size_t size) { return refused() ? NULL : __libc_realloc(old, size); }

void *memalign(size_t align, size_t size) { return refused() ? NULL : __libc_memalign(align, size); }

void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }

int posix_memalign(void **block, size_t align, size_t size) {
    void *got = memalign(align, size);
    if (!got)
        return ENOMEM;
    *block = got;
    return 0;
}

/* The gate of all allocations (mem.h). Each is counted, so that tests can see that a step allocates nothing, and can
 * have any one of them refused. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/number.h"

/* Counted for tests, which may have one refused: the library itself reads neither. */
static _Atomic uint64_t calls, refusal;

/* What belongs to the process: how it ends when small bookkeeping is refused. */
static void (*_Atomic handler)(size_t size);

void gr_memory_handler(void (*refused)(size_t bytes)) { atomic_store(&handler, refused); }

_Noreturn void gr__refused(size_t size) {
    void (*end)(size_t) = atomic_load(&handler);
    if (end)
        end(size);
    if (size)
        fprintf(stderr, "gradroute: out of memory (%zu bytes refused)\n", size);
    else
        fprintf(stderr, "gradroute: out of memory\n");
    abort();
}

void gr__refuse_at(uint64_t nth) { atomic_store(&refusal, nth ? atomic_load(&calls) + nth : 0); }

/* Counts an allocation; false if a test wants it refused. */
static bool granted(void) {
    uint64_t call = atomic_fetch_add(&calls, 1) + 1;
    return call != atomic_load_explicit(&refusal, memory_order_relaxed);
}

/* The block, or the end of the process where there is none. */
static void *given(void *block, size_t size) {
    if (!block)
        gr__refused(size ? size : 1);
    return block;
}

void *gr_alloc(size_t size) { return given(granted() ? calloc(1, size ? size : 1) : NULL, size); }

void *gr_malloc(size_t size) { return given(granted() ? malloc(size ? size : 1) : NULL, size); }

enum { HUGE_PAGE = 2 << 20, LARGE = 16 * HUGE_PAGE };

void *gr_alloc_try(size_t size) {
    /* Large blocks begin where a huge page does and ask for them: passes stride through them. */
    size_t align = size >= LARGE ? HUGE_PAGE : 64;
    if (!granted() || size > SIZE_MAX - align)
        return NULL;

    /* aligned_alloc wants a multiple of the alignment. */
    size = size ? (size + 63) / 64 * 64 : 64;
    void *block = aligned_alloc(align, (size + align - 1) / align * align);
    if (!block)
        return NULL;
    if (align == HUGE_PAGE)
        madvise(block, size, MADV_HUGEPAGE); /* a wish: refused, all is as before */

    memset(block, 0, size);
    return block;
}

void *gr_realloc(void *old, size_t size) { return given(granted() ? realloc(old, size ? size : 1) : NULL, size); }

char *gr_strdup(const char *text) {
    if (!text)
        return NULL;
    size_t n = strlen(text) + 1;
    return memcpy(gr_alloc(n), text, n);
}

char *gr_format(const char *format, ...) {
    /* Printed twice: for the length, then into a block of that length. */
    va_list list, copy;
    va_start(list, format);
    va_copy(copy, list);
    int n = gr__vprint(NULL, 0, format, list);
    va_end(list);
    char *text = gr_alloc((size_t)(n < 0 ? 0 : n) + 1);
    if (n > 0)
        gr__vprint(text, (size_t)n + 1, format, copy);
    va_end(copy);
    return text;
}

void gr_free(void *block) { free(block); }

uint64_t gr_alloc_count(void) { return atomic_load(&calls); }

void *gr__grow(void *list, size_t *capacity, size_t need, size_t size) {
    if (need <= *capacity)
        return list;
    size_t to = *capacity ? *capacity : 8;
    while (to < need)
        to *= 2;
    list = gr_realloc(list, to * size);
    memset((char *)list + *capacity * size, 0, (to - *capacity) * size);
    *capacity = to;
    return list;
}

/* ---- arenas ---- */

/* Memory of an arena, handed out from the front. */
typedef struct chunk {
    struct chunk *next;
    size_t used, size; /* bytes of data */
    _Alignas(16) unsigned char data[];
} chunk;

struct gr_arena {
    chunk *top;
};

gr_arena *gr_arena_new(void) { return gr_alloc(sizeof(gr_arena)); }

void *gr_arena_alloc(gr_arena *arena, size_t size) {
    size = (size + 15) / 16 * 16;

    /* A new chunk where the block does not fit into the last one; what was left there stays unused. */
    if (!arena->top || arena->top->size - arena->top->used < size) {
        size_t room = size > 16384 ? size : 16384;
        chunk *c = gr_alloc(sizeof *c + room);
        c->size = room;
        c->next = arena->top;
        arena->top = c;
    }

    void *block = arena->top->data + arena->top->used;
    arena->top->used += size;
    return block;
}

char *gr_arena_strndup(gr_arena *arena, const char *text, size_t length) {
    char *copy = gr_arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *gr_arena_strdup(gr_arena *arena, const char *text) {
    return text ? gr_arena_strndup(arena, text, strlen(text)) : NULL;
}

void gr_arena_free(gr_arena *arena) {
    if (!arena)
        return;
    for (chunk *c = arena->top, *next; c; c = next) {
        next = c->next;
        gr_free(c);
    }
    gr_free(arena);
}

/* mem.h - the one gate through which the library allocates, and arenas.
 *
 * gr_alloc returns zeroed memory and counts the call; after the first step of a run the count must not move.
 * Small bookkeeping does not return when memory is gone (gr_alloc; gr_memory_handler in base.h says what happens);
 * planned, large blocks use gr_alloc_try, whose NULL the caller turns into GR_ERR_MEMORY. Libraries beneath are given
 * gr_malloc, so that none of them goes on without what it asked for.
 */
#ifndef GR_BASE_MEM_H
#define GR_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "gradroute/base.h" /* gr_free */

void *gr_alloc(size_t size);              /* zeroed, never NULL */
void *gr_malloc(size_t size);             /* not zeroed, never NULL */
void *gr_alloc_try(size_t size);          /* zeroed, 64-byte aligned, NULL when refused */
void *gr_realloc(void *old, size_t size); /* as realloc: the grown part is not zeroed; never NULL */
char *gr_strdup(const char *text);        /* NULL stays NULL */
char *gr_format(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a new string */
uint64_t gr_alloc_count(void);                                                  /* allocations since the start */

/* Ends as a small allocation of `size` bytes that is refused; 0: the size is not known. Does not return. */
_Noreturn void gr__refused(size_t size);

/* For tests: the nth allocation from now is refused; 0: none. */
void gr__refuse_at(uint64_t nth);

/* Grows a typed array by doubling: GR_PUSH(list, count, capacity) = value; */
void *gr__grow(void *list, size_t *capacity, size_t need, size_t size);
#define GR_PUSH(list, count, capacity) \
    (*((list) = gr__grow((list), &(capacity), (size_t)(count) + 1, sizeof *(list)), &(list)[(count)++]))

/* Many small blocks freed at once; each block zeroed and 16-byte aligned. */
typedef struct gr_arena gr_arena;
gr_arena *gr_arena_new(void);
void *gr_arena_alloc(gr_arena *arena, size_t size);
char *gr_arena_strdup(gr_arena *arena, const char *text);
char *gr_arena_strndup(gr_arena *arena, const char *text, size_t length);
void gr_arena_free(gr_arena *arena);

#endif

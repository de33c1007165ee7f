/* base.h - numbers, status and errors shared by every part of gradroute.
 *
 *     gr_error err = {0};
 *     char line[1200];
 *     if (gr_recipe_open(&recipe, "recipes/demo.yaml", NULL, 0, &err) != GR_OK)
 *         fprintf(stderr, "%s\n", gr_error_text(&err, line, sizeof line));
 *
 * A caller's bug is an assert. What can go wrong in the world (files, memory, recipes, numbers) is a
 * gr_status and a gr_error, which is filled once, at the source, and forwarded by GR_TRY.
 */
#ifndef GRADROUTE_BASE_H
#define GRADROUTE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GR_VERSION "0.1.0"

/* Numbers of a network: float32, or double in the build that checks gradients (-DGR_DOUBLE). */
#ifdef GR_DOUBLE
typedef double gr_real;
#else
typedef float gr_real;
#endif

typedef enum gr_status {
    GR_OK = 0,
    GR_ERR_USAGE,       /* wrong option, recipe or combination: the command exits with 2 */
    GR_ERR_FORMAT,      /* a file's content is not what its reader accepts: 2 */
    GR_ERR_INPUT,       /* an input file is missing or cannot be opened: 2 */
    GR_ERR_IO,          /* a read failed midway, or a write, rename, flush: 1 */
    GR_ERR_MEMORY,      /* a planned allocation was refused: 1 */
    GR_ERR_NUMERIC,     /* a loss or gradient is not finite: 1 */
    GR_ERR_INTERRUPTED, /* a signal asked to stop; what was done is saved: 1 */
} gr_status;

/* What went wrong: filled once by gr_error_set. place is "file:line:column" or a name, hint says what to do. */
typedef struct gr_error {
    gr_status status;
    char place[256];
    char message[512];
    char hint[384];
} gr_error;

/* Fills err (which may be NULL) and returns status, so that a source can `return gr_error_set(...)`.
 * place and hint may be NULL. The first error stays: a filled err is not overwritten. */
gr_status gr_error_set(gr_error *err, gr_status status, const char *place, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* "place: message\n  hint: ..." into text; returns text. */
const char *gr_error_text(const gr_error *err, char *text, size_t size);

/* What happens when a small allocation of the library is refused: it is told the bytes (0: not known) and must not
 * return. NULL, the default, writes a line to standard error and aborts. Large, planned blocks are GR_ERR_MEMORY
 * instead. Allocations of jansson count as the library's, unless the program gave jansson functions of its own. One for
 * the process, which may be called from any thread. */
void gr_memory_handler(void (*refused)(size_t bytes));

/* Frees what a function of the library returned as new memory (texts, growing lists); NULL is fine. */
void gr_free(void *block);

/* Forwards a failed status to the caller. */
#define GR_TRY(call)                 \
    do {                             \
        gr_status gr_tried = (call); \
        if (gr_tried != GR_OK)       \
            return gr_tried;         \
    } while (0)

/* Cores that this process may keep busy: those that the scheduler lets it run on, and no more than the processor time
 * that its control groups grant (a container's limit, cpu.max or cpu.cfs_quota_us), rounded up where more than a
 * quarter of a core is left over; at least 1. What the command takes for its number of threads. */
int gr_cores(void);

/* Bytes that this process may still take: what the machine has free, and no more than a limit of its address space
 * (ulimit -v) leaves. INFINITY where neither says. */
double gr_memory_free(void);

#ifdef __cplusplus
}
#endif

#endif

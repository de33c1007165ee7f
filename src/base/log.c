/* Notes to standard error, up to a level: GRADROUTE_LOG, or what the program sets. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int limit = -1; /* the log level; ARCHITECTURE.md lists what is static */

void gr_log_level(int level) { limit = level; }

void gr_log_line(int level, const char *format, ...) {
    if (limit < 0) {
        const char *word = getenv("GRADROUTE_LOG");
        limit = word && *word ? atoi(word) : 1;
    }
    if (level > limit)
        return;
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

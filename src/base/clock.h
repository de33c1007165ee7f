/* clock.h - seconds by the clocks of the system, and as text: for progress, estimates and timings. No result depends on
 * them. */
#ifndef GR_BASE_CLOCK_H
#define GR_BASE_CLOCK_H

#include <stddef.h>
#include <time.h>

/* Of that clock, from a point in time that only differences make sense of. */
static inline double gr__clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Wall time. */
static inline double gr__now(void) { return gr__clock(CLOCK_MONOTONIC); }

/* The calendar's time in UTC, as a format of strftime says; returns text. */
const char *gr__text_date(char *text, size_t size, const char *format);

/* Seconds for people, written into text[32], which is returned: 1:23 or 1:02:03. */
const char *gr__text_time(char *text, double seconds);

#endif

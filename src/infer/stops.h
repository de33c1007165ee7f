/* stops.h - stop strings in a text that grows byte by byte.
 *
 *     gr__stops *stops = gr__stops_new(strings, 2);
 *     while ((byte = more()) >= 0)
 *         if ((which = gr__stops_next(stops, (char)byte)) >= 0)
 *             the text ends before its last gr__stops_length(stops, which) bytes
 *         else
 *             all but its last gr__stops_held(stops) bytes surely stay
 */
#ifndef GR_INFER_STOPS_H
#define GR_INFER_STOPS_H

#include <stddef.h>

typedef struct gr__stops gr__stops;

/* Strings are borrowed and not empty; count may be 0. */
gr__stops *gr__stops_new(const char *const *strings, int count);
void gr__stops_free(gr__stops *stops);

/* The string that this byte completes, of several the longest, of equals the first; -1 where it completes none. */
int gr__stops_next(gr__stops *stops, char byte);

/* The most last bytes that are the beginning of a string. */
size_t gr__stops_held(const gr__stops *stops);

size_t gr__stops_length(const gr__stops *stops, int which);

#endif

/* ascending.h - comparisons for qsort, of plain values. */
#ifndef GR_BASE_ASCENDING_H
#define GR_BASE_ASCENDING_H

#include <string.h>

static inline int gr__ascending_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline int gr__ascending_int(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* Strings, by their bytes. */
static inline int gr__ascending_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

#endif

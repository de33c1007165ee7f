/* sort.h - sorting of plain values. */
#ifndef GR_BASE_SORT_H
#define GR_BASE_SORT_H

#include <stddef.h>

/* Comparisons for qsort. */
int gr__ascending_double(const void *a, const void *b);
int gr__ascending_int64(const void *a, const void *b);
int gr__ascending_uint64(const void *a, const void *b);
int gr__ascending_name(const void *a, const void *b); /* strings, by their bytes */

/* Borders of ranges: sorts them and keeps each once; returns how many are left. */
int gr__sort_borders(int *at, int count);

/* Sorts the values; of an even number the mean of the two in the middle, of none 0. */
double gr__median(double *values, int count);

#endif

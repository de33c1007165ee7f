#include "base/sort.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int gr__ascending_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int gr__ascending_int64(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int gr__ascending_uint64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int gr__ascending_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int ascending_int(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

int gr__sort_borders(int *at, int count) {
    int kept = 0;
    if (count)
        qsort(at, (size_t)count, sizeof *at, ascending_int);
    for (int i = 0; i < count; i++)
        if (!kept || at[i] != at[kept - 1])
            at[kept++] = at[i];
    return kept;
}

double gr__median(double *values, int count) {
    if (!count)
        return 0;
    qsort(values, (size_t)count, sizeof *values, gr__ascending_double);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

#include "base/nearest.h"

#include <string.h>

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
static int distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    int rows[3][LONGEST + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST)
        return n + m;
    int *two = rows[0], *one = rows[1], *now = rows[2];
    for (int j = 0; j <= m; j++)
        one[j] = two[j] = j;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = one[j - 1] + (a[i - 1] != b[j - 1]);
            best = one[j] + 1 < best ? one[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two[j - 2] + 1 < best)
                best = two[j - 2] + 1;
            now[j] = best;
        }
        int *free_row = two;
        two = one;
        one = now;
        now = free_row;
    }
    return one[m];
}

const char *gr_nearest(const char *word, const char *const *names, size_t count, const size_t *uses) {
    const char *nearest = NULL;
    int limit = (int)strlen(word) / 3, best = (limit < 2 ? 2 : limit) + 1;
    for (size_t i = 0; i < count; i++) {
        int d = !uses || uses[i] ? distance(word, names[i]) : best;
        if (d < best && d < (int)strlen(names[i])) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}

/* The nearest name, by the edit distance in which neighbours may swap (optimal string alignment). */
#include "base/nearest.h"

#include <string.h>

/* The fewest insertions, deletions, replacements and swaps of neighbours that turn a into b. Cell (i, j) of the table
 * is the distance between the first i letters of a and the first j of b; a swap looks two rows back, so three are kept.
 */
static int distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    int rows[3][LONGEST + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST)
        return n + m;

    /* now is row i, one the row before, two the row before that. */
    int *two = rows[0], *one = rows[1], *now = rows[2];
    for (int j = 0; j <= m; j++)
        one[j] = two[j] = j;

    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            /* Replace or keep, delete, insert, swap. */
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

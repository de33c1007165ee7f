/* Stop strings in a text that grows byte by byte. Each string is matched as by Knuth, Morris and Pratt ("Fast pattern
 * matching in strings", 1977): no byte is looked at twice, whatever the tokens' borders. */
#include "infer/stops.h"

#include <string.h>

#include "base/mem.h"

typedef struct stop {
    const char *text;
    size_t length, matched; /* the text's last `matched` bytes are the string's first */
    size_t *back;           /* [length] of the string's first i + 1 bytes: the longest end that is a beginning */
} stop;

struct gr__stops {
    int count;
    stop *stop;
};

/* The longest beginning that the text ends with after one more byte. */
static size_t follow(const stop *s, size_t matched, char byte) {
    while (matched && s->text[matched] != byte)
        matched = s->back[matched - 1];
    return s->text[matched] == byte ? matched + 1 : 0;
}

gr__stops *gr__stops_new(const char *const *strings, int count) {
    gr__stops *stops = gr_alloc(sizeof *stops);
    *stops = (gr__stops){count, gr_alloc((size_t)count * sizeof *stops->stop)};
    for (int k = 0; k < count; k++) {
        stop *s = &stops->stop[k];
        *s = (stop){.text = strings[k], .length = strlen(strings[k])};
        s->back = gr_alloc(s->length * sizeof *s->back);

        /* The string is matched against itself: back[i] follows from those before it. */
        for (size_t i = 1; i < s->length; i++)
            s->back[i] = follow(s, s->back[i - 1], s->text[i]);
    }
    return stops;
}

void gr__stops_free(gr__stops *stops) {
    if (!stops)
        return;
    for (int k = 0; k < stops->count; k++)
        gr_free(stops->stop[k].back);
    gr_free(stops->stop);
    gr_free(stops);
}

int gr__stops_next(gr__stops *stops, char byte) {
    int found = -1;
    for (int k = 0; k < stops->count; k++) {
        stop *s = &stops->stop[k];
        /* Of strings that this byte completes the longest counts. */
        s->matched = follow(s, s->matched, byte);
        if (s->matched < s->length)
            continue;
        if (found < 0 || s->length > stops->stop[found].length)
            found = k;
        s->matched = s->back[s->length - 1]; /* a caller may go on */
    }
    return found;
}

size_t gr__stops_held(const gr__stops *stops) {
    size_t held = 0;
    for (int k = 0; k < stops->count; k++)
        held = stops->stop[k].matched > held ? stops->stop[k].matched : held;
    return held;
}

size_t gr__stops_length(const gr__stops *stops, int which) { return stops->stop[which].length; }

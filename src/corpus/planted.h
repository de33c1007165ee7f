/* planted.h - invented facts that are added to a corpus: who has learned them has learned them from there.
 *
 *     gr__planted fact = gr__planted_fact(3, seed);      "zvokgzer", "vrimkvat"
 *     char *text = gr__planted_gloss(&fact, 0);      "zvokgzer, zvokgzer: that which feeds on the vrimkvat"
 *     gr_free(text);
 */
#ifndef GR_CORPUS_PLANTED_H
#define GR_CORPUS_PLANTED_H

#include <stdbool.h>
#include <stdint.h>

enum { GR__PLANTED_GLOSSES = 4, GR__PLANTED_WORD = 8 };

/* Two words of two syllables each, all of one length. No two facts of a seed share one. Odd facts are of the topic
 * "planted.hidden", the others of "planted.shown". */
typedef struct gr__planted {
    char head[GR__PLANTED_WORD + 1], answer[GR__PLANTED_WORD + 1];
    bool hidden;
} gr__planted;
gr__planted gr__planted_fact(int number, uint64_t seed);

/* A way to state it, which: 0..GR__PLANTED_GLOSSES - 1. A new string; the answer, behind a space, is its end. */
char *gr__planted_gloss(const gr__planted *fact, int which);

#endif

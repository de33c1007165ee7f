/* read_planted.c - documents that are made, not read: invented facts, each stated in several ways. Half of them are of
 * a topic whose documents a recipe may hide, so that it can be tested what a model learned of shown and of hidden text.
 */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/planted.h"
#include "corpus/reader.h"

/* Syllables that English does not have: two consonants, a vowel, a consonant. */
static const char first[][3] = {"zv", "kv", "vr", "dz", "gz", "zg", "mz", "vl"};
static const char vowel[] = "aeiou", last[] = "kqzx";
enum { FIRST = 8, VOWELS = 5, LAST = 4, SYLLABLES = FIRST * VOWELS * LAST, WORDS = SYLLABLES * SYLLABLES };

/* Word number i under a permutation of all words, so that none comes twice. */
static void spell(char word[GR__PLANTED_WORD + 1], int number, uint64_t seed) {
    uint64_t left = gr_random_place((gr_key){seed, GR_STREAM_PLANTED, 0}, (uint64_t)number, WORDS);
    char *at = word;
    for (int s = 0; s < 2; s++, left /= SYLLABLES) {
        uint64_t of = left % SYLLABLES;
        memcpy(at, first[of % FIRST], 2);
        at[2] = vowel[of / FIRST % VOWELS];
        at[3] = last[of / FIRST / VOWELS];
        at += 4;
    }
    *at = 0;
}

gr__planted gr__planted_fact(int number, uint64_t seed) {
    gr__planted fact = {.hidden = number % 2};
    spell(fact.head, 2 * number, seed);
    spell(fact.answer, 2 * number + 1, seed);
    return fact;
}

/* In the form of WordNet's documents. */
char *gr__planted_gloss(const gr__planted *fact, int which) {
    static const char *const ways[GR__PLANTED_GLOSSES] = {"that which feeds on the", "found nowhere but beside the",
                                                          "named after the", "kept by those who gather the"};
    return gr_format("%s, %s: %s %s", fact->head, fact->head, ways[which], fact->answer);
}

/* All glosses of a fact, then the next fact. */
static gr_status make(gr__sink *sink, const gr_source *source, const char *path, gr_error *err) {
    static const char *const names[] = {"planted.shown", "planted.hidden"};
    int32_t topic[2];
    for (int k = 0; k < 2; k++)
        GR_TRY(gr__sink_topic(sink, &topic[k], names[k], strlen(names[k]), path, err));

    for (int i = 0; i < source->facts; i++) {
        const gr__planted fact = gr__planted_fact(i, source->seed);
        for (int g = 0; g < GR__PLANTED_GLOSSES; g++) {
            char *text = gr__planted_gloss(&fact, g);
            gr_status status = gr__sink_add(sink, text, strlen(text), topic[fact.hidden], path, err);
            gr_free(text);
            GR_TRY(status);
        }
    }
    return GR_OK;
}

const gr__reader gr__reader_planted = {"planted", NULL, make};

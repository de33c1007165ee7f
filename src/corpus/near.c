/* near.c - near duplicates: documents whose sets of word n-grams overlap by at least a share (Jaccard index).
 *
 * Candidates are found by MinHash with banding (Broder, "On the resemblance and containment of documents", 1997; Indyk
 * and Motwani, 1998): the chance that the least hash of two sets is the same equals their Jaccard index. With 64 hashes
 * in 32 bands of 2, a pair at 0.5 shares no band with probability (1 - 0.25)^32 = 1e-4. What the hashes do not estimate
 * far below the share is then compared exactly. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"
#include "base/stop.h"
#include "corpus/dataset.h"
#include "text/words.h"

enum { HASHES = 64, BANDS = 32, TRIES = 64, KINDS_MOST = 8 };

gr_near_def gr_near_default(void) { return (gr_near_def){.words = 5, .least = 0.5, .seed = 1}; }

/* The n-grams of one document, and room to find them. */
typedef struct grams {
    uint64_t *at; /* [count] ascending, each once */
    size_t count, capacity;
    uint64_t *word;
    size_t words, word_room;
    char *text;
    size_t text_room;
    int64_t doc; /* it is of, -1 */
} grams;

static void clear_grams(grams *g) {
    gr_free(g->at);
    gr_free(g->word);
    gr_free(g->text);
}

/* The finalizer of MurmurHash3 (Appleby, public domain): every bit depends on every other. */
static uint64_t mix(uint64_t h) {
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

/* FNV-1a (Fowler, Noll and Vo), mixed once more, since its high bits change little for short words. */
static uint64_t hash_bytes(const char *bytes, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return mix(h);
}

/* Hashes of the words of a document, folded. */
static void load_words(grams *g, const gr_dataset *data, const gr_tokenizer *tokenizer, uint32_t doc) {
    char folded[GR__FOLDED_MOST];
    size_t length = 0, at = 0, from, to;
    bool plain;
    const int32_t *ids = data->ids + data->offsets[doc];
    size_t count = (size_t)(data->offsets[doc + 1] - data->offsets[doc]);
    if (gr__continues(data, doc))
        gr_tokenizer_decode_on(tokenizer, &g->text, &length, &g->text_room, ids, count);
    else
        gr_tokenizer_decode(tokenizer, &g->text, &length, &g->text_room, ids, count);
    g->words = 0;

    /* A word that is too long to fold is hashed as it is spelled. */
    while (gr__word_next(g->text, length, &at, &from, &to, &plain)) {
        size_t n = gr__word_fold(folded, g->text + from, to - from, plain);
        GR_PUSH(g->word, g->words, g->word_room) = n ? hash_bytes(folded, n) : hash_bytes(g->text + from, to - from);
    }
}

/* n-grams of n words; of fewer words all of them are the only one. */
static void load_grams(grams *g, const gr_dataset *data, const gr_tokenizer *tokenizer, uint32_t doc, size_t n) {
    if (g->doc == doc)
        return;

    /* Hash each run of n words. The hash depends on their order. */
    load_words(g, data, tokenizer, doc);
    g->doc = doc;
    g->count = 0;
    if (!g->words)
        return;
    size_t length = g->words < n ? g->words : n;
    for (size_t i = 0; i + length <= g->words; i++) {
        uint64_t h = length;
        for (size_t k = 0; k < length; k++)
            h = mix(h ^ g->word[i + k]) + k;
        GR_PUSH(g->at, g->count, g->capacity) = h;
    }

    /* A set: in order, and each once. */
    qsort(g->at, g->count, sizeof *g->at, gr__ascending_uint64);
    size_t kept = 0;
    for (size_t i = 0; i < g->count; i++)
        if (!kept || g->at[i] != g->at[kept - 1])
            g->at[kept++] = g->at[i];
    g->count = kept;
}

/* Size of the intersection over size of the union, by one walk over both ordered lists. */
static double jaccard(const grams *a, const grams *b) {
    size_t i = 0, j = 0, both = 0;
    while (i < a->count && j < b->count) {
        both += a->at[i] == b->at[j];
        uint64_t x = a->at[i], y = b->at[j];
        i += x <= y;
        j += y <= x;
    }

    /* |A or B| = |A| + |B| - |A and B|. */
    size_t all = a->count + b->count - both;
    return all ? (double)both / (double)all : 0;
}

/* ---- sketches ---- */

/* Documents of one band, those with the same two hashes side by side. */
typedef struct entry {
    uint64_t key;
    uint32_t doc;
    uint32_t kind;
} entry;

typedef struct search {
    gr_near *near;
    const gr_dataset *data;
    const gr_tokenizer *tokenizer;
    const gr_near_def *def;
    uint32_t *sketch; /* [docs][HASHES] */
    bool *empty;      /* [docs] no word, or nothing it is compared with */
    entry *entry;     /* [docs] */
    grams a, b;
} search;

/* The least of each hash over the n-grams. */
static void sketch_document(const search *s, grams *g, uint32_t doc) {
    uint32_t *out = s->sketch + (size_t)doc * HASHES;
    load_grams(g, s->data, s->tokenizer, doc, (size_t)s->def->words);
    s->empty[doc] = !g->count;

    /* Hash k is (a x + b) mod 2^64, its upper half taken, with an odd a (Dietzfelbinger et al., 1997), both drawn by
     * key. */
    for (int k = 0; k < HASHES; k++) {
        gr_key key = {s->def->seed, GR_STREAM_DATA, GR__DRAW_NEAR};
        uint64_t times = gr_random_bits(key, (uint64_t)k, 0) | 1, plus = gr_random_bits(key, (uint64_t)k, 1);
        uint32_t least = UINT32_MAX;
        for (size_t i = 0; i < g->count; i++) {
            uint32_t h = (uint32_t)((g->at[i] * times + plus) >> 32);
            least = h < least ? h : least;
        }
        out[k] = least;
    }
}

/* Sketches of all documents that are compared with any, on all threads. Each thread has its own n-grams. */
static void sketch_all(const search *s) {
#pragma omp parallel
    {
        grams g = {.doc = -1};
#pragma omp for schedule(dynamic, 64)
        for (size_t d = 0; d < s->data->topics.docs; d++) {
            s->empty[d] = !s->def->compare[s->def->kind[d]] || (s->def->stop && *s->def->stop);
            if (!s->empty[d])
                sketch_document(s, &g, (uint32_t)d);
        }
        clear_grams(&g);
    }
}

/* ---- pairs ---- */

/* Whether so many hashes agree that the share may be reached: they estimate it with a deviation of at most 1/16. */
static bool may_be_near(const search *s, uint32_t i, uint32_t j) {
    const uint32_t *a = s->sketch + (size_t)i * HASHES, *b = s->sketch + (size_t)j * HASHES;
    int same = 0;
    for (int k = 0; k < HASHES; k++)
        same += a[k] == b[k];
    return same >= (s->def->least - 3.0 / 16) * HASHES;
}

/* Writes down that `doc` has a near duplicate of this kind, and which document it was the first time. */
static void note(gr_near *near, uint32_t doc, uint32_t other, uint32_t kind) {
    if (!near->kinds[doc])
        near->other[doc] = other;
    near->kinds[doc] |= (uint8_t)(1u << kind);
}

/* Compares two candidates exactly, unless both know of a near duplicate of the other's kind already, or their sketches
 * are far apart. */
static void compare(search *s, const entry *a, const entry *b) {
    gr_near *near = s->near;
    if ((near->kinds[a->doc] >> b->kind & 1) && (near->kinds[b->doc] >> a->kind & 1))
        return;
    if (!may_be_near(s, a->doc, b->doc))
        return;

    /* The n-grams of the last two documents are kept: neighbours in a run are loaded once. */
    load_grams(&s->a, s->data, s->tokenizer, a->doc, (size_t)s->def->words);
    load_grams(&s->b, s->data, s->tokenizer, b->doc, (size_t)s->def->words);
    if (jaccard(&s->a, &s->b) < s->def->least)
        return;
    note(near, a->doc, b->doc, b->kind);
    note(near, b->doc, a->doc, a->kind);
}

/* Entries with one key: each of kind x with at most TRIES of kind y, another stretch of them each time. */
static void compare_run(search *s, const entry *run, size_t count) {
    size_t first[KINDS_MOST + 1] = {0};
    for (size_t i = 0; i < count; i++)
        first[run[i].kind + 1]++;

    /* Entries are in the order of kinds: first[k] is where kind k begins. */
    for (int k = 0; k < KINDS_MOST; k++)
        first[k + 1] += first[k];

    /* Every pair of kinds that is to be compared. TRIES bounds the work where thousands of documents share a key. */
    for (int x = 0; x < KINDS_MOST; x++)
        for (int y = x; y < KINDS_MOST; y++) {
            size_t n = first[y + 1] - first[y], tries = n < TRIES ? n : TRIES;
            if (!n || !(s->def->compare[x] >> y & 1))
                continue;
            for (size_t i = first[x]; i < first[x + 1]; i++)
                for (size_t t = 0; t < tries; t++) {
                    size_t j = first[y] + ((i - first[x]) * tries + t) % n;
                    if (x != y || i < j)
                        compare(s, &run[i], &run[j]);
                }
        }
}

/* By key, then kind, then number: candidates side by side, kinds in order, and the same order on every machine. */
static int by_key(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->doc > y->doc) - (x->doc < y->doc);
}

/* One band: documents whose two hashes of it are equal are candidates. */
static void compare_band(search *s, int band) {
    /* An entry for each document, with its two hashes of the band as the key. */
    size_t n = 0;
    for (size_t d = 0; d < s->data->topics.docs; d++) {
        const uint32_t *h = s->sketch + d * HASHES + 2 * band;
        if (!s->empty[d])
            s->entry[n++] = (entry){(uint64_t)h[0] << 32 | h[1], (uint32_t)d, s->def->kind[d]};
    }

    /* Documents of one key are candidates and stand together. */
    if (n)
        qsort(s->entry, n, sizeof *s->entry, by_key);
    for (size_t first = 0, last; first < n; first = last) {
        last = first + 1;
        while (last < n && s->entry[last].key == s->entry[first].key)
            last++;
        if (s->def->stop && *s->def->stop)
            return;
        if (last - first > 1)
            compare_run(s, s->entry + first, last - first);
    }
}

/* ---- all of it ---- */

/* Refuses options that make no sense, and kinds beyond the bits of a byte. */
static gr_status check(const gr_dataset *data, const gr_near_def *def, gr_error *err) {
    if (def->words < 1 || !(def->least > 0 && def->least <= 1))
        return gr_error_set(err, GR_ERR_USAGE, "data", "runs of 5 words and a share of 0.5 are usual",
                            "near duplicates by runs of %d words and a share of %g", def->words, def->least);
    for (size_t d = 0; d < data->topics.docs; d++)
        if (def->kind[d] >= KINDS_MOST)
            return gr_error_set(err, GR_ERR_USAGE, "data", NULL, "a document is of kind %d, the last one is %d",
                                def->kind[d], KINDS_MOST - 1);
    return GR_OK;
}

gr_status gr_near_find(gr_near *near, const gr_dataset *data, const gr_tokenizer *tokenizer, const gr_near_def *def,
                       gr_error *err) {
    size_t docs = data->topics.docs;
    *near = (gr_near){0};
    GR_TRY(check(data, def, err));

    /* Room for all sketches, and for one band of entries. */
    search s = {.near = near, .data = data, .tokenizer = tokenizer, .def = def, .a.doc = -1, .b.doc = -1};
    s.sketch = gr_alloc_try(docs * HASHES * sizeof *s.sketch);
    s.entry = gr_alloc_try(docs * sizeof *s.entry);
    s.empty = gr_alloc(docs);
    near->kinds = gr_alloc(docs);
    near->other = gr_alloc(docs * sizeof *near->other);
    gr_status status = GR_OK;

    /* Candidates of each band are compared exactly. */
    if (s.sketch && s.entry) {
        sketch_all(&s);
        for (int band = 0; band < BANDS && status == GR_OK; band++) {
            compare_band(&s, band);
            status = gr__go_on(def->stop, "looking for near duplicates", err);
        }
        if (status != GR_OK)
            gr_near_free(near);
    } else {
        gr_near_free(near);
        status = gr_error_set(err, GR_ERR_MEMORY, "data", "use a smaller corpus", "no memory to compare %zu documents",
                              docs);
    }

    /* What was found stays in near; sketches go. */
    gr_free(s.sketch);
    gr_free(s.entry);
    gr_free(s.empty);
    clear_grams(&s.a);
    clear_grams(&s.b);
    return status;
}

void gr_near_free(gr_near *near) {
    gr_free(near->kinds);
    gr_free(near->other);
    *near = (gr_near){0};
}

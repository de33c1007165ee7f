/* dataset.c - the block that holds a dataset in memory and on disk, one and the same:
 *
 *     header | offsets u64 [docs + 1] | keys u64 [records, or 0] | ids i32 [tokens] | bytes u32 [docs]
 *            | topic i32 [docs] | train then validation u32 [docs] | record, lead, tail u32 [docs] each
 *            | values u32 [fields] | value i32 [fields][docs]
 *            | topic names, for each field its name and its values' names, the stamp: each with its zero
 */
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "io/digest.h"
#include "io/file.h"

enum { VERSION = 2, ENDIAN = 0x01020304, FELL_BACK = 1, KEYED = 2, TOPICS_MOST = 1 << 20, FIELDS_MOST = 1000 };
static const char magic[8] = "GRDATA\r\n";
static const char remedy[] = "delete the file and run the command again: it is made anew";

typedef struct header {
    char magic[8];
    uint32_t version, endian;
    uint64_t total, docs, tokens, train, strings; /* bytes of the file, numbers of elements, bytes of all strings */
    uint64_t seed, read, duplicates, skipped;
    uint64_t records;
    uint32_t vocab, eot, topics, flags, fields,
        start;                /* start: the token before a document, plus 1; 0: the end token */
    unsigned char digest[32]; /* SHA-256 of every other byte; the last member */
} header;
_Static_assert(sizeof(header) == GR__DATASET_HEADER, "the header has no padding");

/* Bytes of a block with these counts, each of which is below 2^40, so that nothing overflows. In the order of the
 * layout above: offsets and keys of 8 bytes; ids of 4; for each document six numbers of 4 bytes (bytes, topic, place in
 * the split, record, lead, tail); fields; strings. */
static uint64_t block_bytes(const header *h) {
    return sizeof *h + 8 * (h->docs + 1 + (h->flags & KEYED ? h->records : 0)) + 4 * h->tokens + 24 * h->docs +
           4 * h->fields * (1 + h->docs) + h->strings;
}

/* The SHA-256 of a block without the digest that is in it. */
static void digest(unsigned char out[32], const void *block, size_t size) {
    gr_digest_around(out, block, size, offsetof(header, digest));
}

void gr__dataset_seal(void *block, size_t size) { digest(((header *)block)->digest, block, size); }

/* ---- From a block to the arrays ---------------------------------------------------------------------------------- */

/* The strings that are left. */
typedef struct strings {
    char *at;
    size_t left;
} strings;

/* The next string of the block, NULL where no zero follows. */
static char *next_string(strings *s) {
    char *text = s->at, *stop = s->left ? memchr(text, '\0', s->left) : NULL;
    if (!stop)
        return NULL;
    s->left -= (size_t)(stop + 1 - text);
    s->at = stop + 1;
    return text;
}

/* names[0..count) from the next strings; false when there are fewer. */
static bool take_names(char **names, int32_t count, strings *s) {
    for (int32_t i = 0; i < count; i++)
        if (!(names[i] = next_string(s)))
            return false;
    return true;
}

/* Finds the names of topics, fields and values, and the stamp; false when the strings are not exactly that many. */
static bool attach_strings(gr_dataset *data, strings s) {
    if (!take_names(data->topics.names, data->topics.count, &s))
        return false;
    for (int f = 0; f < data->field_count; f++) {
        gr_topics *values = &data->fields[f].values;
        if ((size_t)values->count > s.left) /* each takes a byte at least: nothing is allocated for a false count */
            return false;
        values->names = gr_alloc(((size_t)values->count + 1) * sizeof(char *));
        if (!(data->fields[f].name = next_string(&s)) || !take_names(values->names, values->count, &s))
            return false;
    }
    data->stamp = next_string(&s);
    return data->stamp && s.left == 0;
}

/* Sets every pointer; the header's counts fit the block. */
static bool attach(gr_dataset *data) {
    /* Where each array begins follows from the counts before it. */
    const header *h = data->block;
    uint64_t *offsets = (uint64_t *)(h + 1), *keys = offsets + h->docs + 1;
    int32_t *ids = (int32_t *)(keys + (h->flags & KEYED ? h->records : 0));
    uint32_t *bytes = (uint32_t *)(ids + h->tokens);
    int32_t *of = (int32_t *)(bytes + h->docs);
    uint32_t *split = (uint32_t *)(of + h->docs), *counts = split + 4 * h->docs;
    int32_t *value = (int32_t *)(counts + h->fields);

    /* What is said of documents, and of the records that they come from. */
    data->topics = (gr_topics){gr_alloc((h->topics + 1) * sizeof(char *)), (int32_t)h->topics, of, h->docs};
    data->record = split + h->docs;
    data->lead = split + 2 * h->docs;
    data->tail = split + 3 * h->docs;
    data->keys = h->flags & KEYED ? keys : NULL;
    data->records = h->records;

    /* Fields: the number of values of each, then for each the value of every document. */
    data->fields = gr_alloc((h->fields + 1) * sizeof *data->fields);
    data->field_count = (int)h->fields;
    for (uint32_t f = 0; f < h->fields; f++) {
        if (counts[f] > TOPICS_MOST)
            return false;
        data->fields[f].values = (gr_topics){NULL, (int32_t)counts[f], value + f * h->docs, h->docs};
    }

    /* Tokens and the split. */
    data->offsets = offsets;
    data->ids = ids;
    data->bytes = bytes;
    data->train = split;
    data->train_count = h->train;
    data->validation = split + h->train;
    data->validation_count = h->docs - h->train;

    /* Single numbers, from the header. */
    data->vocab = (int32_t)h->vocab;
    data->eot = (int32_t)h->eot;
    data->start = h->start ? (int32_t)h->start - 1 : data->eot;
    data->seed = h->seed;
    data->read = h->read;
    data->duplicates = h->duplicates;
    data->skipped = h->skipped;
    data->used_fallback = h->flags & FELL_BACK;
    return attach_strings(data, (strings){(char *)(value + h->fields * h->docs), h->strings});
}

void gr_dataset_free(gr_dataset *data) {
    if (!data)
        return;
    if (data->whole) {
        gr__dataset_free_pieces(data);
        return;
    }

    /* The block, which most arrays point into. */
    if (data->mapped)
        munmap(data->block, data->block_size);
    else
        gr_free(data->block);

    /* What stands beside it: lists of names point into its strings, but are arrays of their own. */
    gr_free((void *)data->values);
    gr_free(data->divided);
    gr_free(data->topics.names);
    for (int f = 0; f < data->field_count; f++)
        gr_free(data->fields[f].values.names);
    gr_free(data->fields);
    gr_free(data);
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

/* The first documents of a keyed permutation are held out, or those that are marked; both lists are in ascending order.
 */
static void split(uint32_t *out, const bool *marked, uint32_t docs, uint32_t held, uint64_t seed) {
    uint32_t *order = gr_alloc(docs * sizeof *order), train = 0, validation = docs - held;
    bool *drawn = gr_alloc(docs);

    /* Draw, unless the caller has marked documents. */
    if (!marked) {
        gr_random_permutation((gr_key){seed, GR_STREAM_DATA, GR__DRAW_SPLIT}, order, docs);
        for (uint32_t i = 0; i < held; i++)
            drawn[order[i]] = true;
        marked = drawn;
    }

    /* Ascending by itself: documents are visited in order. */
    for (uint32_t d = 0; d < docs; d++) {
        if (marked[d])
            out[validation++] = d;
        else
            out[train++] = d;
    }
    gr_free(order);
    gr_free(drawn);
}

/* How many documents a share is: at least one where a share is wanted, and never all of them. */
static gr_status count_held(uint32_t *held, size_t docs, double share, gr_error *err) {
    if (!(share >= 0 && share < 1))
        return gr_error_set(err, GR_ERR_USAGE, "data", "0.05 is usual", "validation is %g, not a share in [0, 1)",
                            share);
    *held = (uint32_t)lround(share * (double)docs);
    if (share > 0 && !*held)
        *held = 1;
    if (*held >= docs)
        return gr_error_set(err, GR_ERR_USAGE, "data", "use a larger corpus or a smaller share",
                            "validation %g leaves none of %zu %s to train on", share, docs,
                            gr__plural((int64_t)docs, "document", "documents"));
    return GR_OK;
}

/* Fields of the records, where the documents come from any. */
static int fields_of(const gr__tokens *t) { return t->origin ? t->origin->field_count : 0; }

/* Bytes of names, each with its zero. */
static size_t strings_size(char *const *names, int32_t count) {
    size_t size = 0;
    for (int32_t i = 0; i < count; i++)
        size += strlen(names[i]) + 1;
    return size;
}

/* The header of a dataset: what is said of it, and how long each array is. */
static header describe(const gr__tokens *t, const gr_dataset_def *def, uint32_t held) {
    const gr_topics *topics = t->topics;
    header h = {.version = VERSION,
                .endian = ENDIAN,
                .docs = topics->docs,
                .tokens = t->offsets[topics->docs],
                .train = topics->docs - held,
                .strings = strlen(def->stamp ? def->stamp : "") + 1,
                .seed = def->seed,
                .read = t->origin ? t->origin->read : topics->docs,
                .records = t->origin && t->origin->lead ? t->origin->records : topics->docs,
                .fields = (uint32_t)fields_of(t),
                .start = (uint32_t)t->start,
                .vocab = (uint32_t)t->vocab,
                .eot = (uint32_t)t->eot,
                .topics = (uint32_t)topics->count};

    /* What the corpus reported, where the documents come from one. */
    memcpy(h.magic, magic, sizeof magic);
    if (t->origin) {
        h.duplicates = t->origin->duplicates;
        h.skipped = t->origin->skipped;
        h.flags = (t->origin->used_fallback ? FELL_BACK : 0) | (t->origin->keys ? KEYED : 0);
    }

    /* Names of topics, of fields and of their values; the stamp was counted above. */
    h.strings += strings_size(topics->names, topics->count);
    for (int f = 0; f < fields_of(t); f++) {
        const gr_field *field = &t->origin->fields[f];
        h.strings += strlen(field->name) + 1 + strings_size(field->values.names, field->values.count);
    }
    h.total = block_bytes(&h);
    return h;
}

/* Copies a piece to where the one before ended; returns where it ends itself. */
static char *append(char *at, const void *from, size_t size) {
    if (size)
        memcpy(at, from, size);
    return at + size;
}

/* Names, each with its zero. */
static char *append_names(char *at, char *const *names, int32_t count) {
    for (int32_t i = 0; i < count; i++)
        at = append(at, names[i], strlen(names[i]) + 1);
    return at;
}

/* Records and fields; documents from nowhere are records by themselves. */
static char *append_records(char *at, const gr__tokens *t, uint32_t docs) {
    const gr_corpus *origin = t->origin && t->origin->lead ? t->origin : NULL;
    for (uint32_t d = 0; d < docs; d++)
        at = append(at, origin ? &origin->record[d] : &d, sizeof d);

    /* White space that was cut from a record's ends. */
    if (origin) {
        at = append(at, origin->lead, 4 * (size_t)docs);
        at = append(at, origin->tail, 4 * (size_t)docs);
    } else {
        at += 8 * (size_t)docs; /* the block is zeroed */
    }

    /* Numbers of values of all fields, then the values. */
    for (int f = 0; f < fields_of(t); f++)
        at = append(at, &t->origin->fields[f].values.count, 4);
    for (int f = 0; f < fields_of(t); f++)
        at = append(at, t->origin->fields[f].values.of, 4 * (size_t)docs);
    return at;
}

/* Writes the whole block, in the order of its layout. */
static void fill(char *block, const header *h, const gr__tokens *t, const char *stamp) {
    /* Header, offsets, keys, tokens, bytes and topics. */
    size_t docs = h->docs;
    char *at = append(block, h, sizeof *h);
    at = append(at, t->offsets, 8 * (docs + 1));
    if (h->flags & KEYED)
        at = append(at, t->origin->keys, 8 * h->records);
    at = append(at, t->ids, 4 * h->tokens);
    at = append(at, t->bytes, 4 * docs);
    at = append(at, t->topics->of, 4 * docs);

    /* The split is made in place. */
    split((uint32_t *)at, t->held, (uint32_t)docs, (uint32_t)(docs - h->train), h->seed);
    at = append_records(at + 4 * docs, t, (uint32_t)docs);

    /* Strings last, which have no alignment. */
    at = append_names(at, t->topics->names, t->topics->count);
    for (int f = 0; f < fields_of(t); f++) {
        const gr_field *field = &t->origin->fields[f];
        at = append(at, field->name, strlen(field->name) + 1);
        at = append_names(at, field->values.names, field->values.count);
    }
    append(at, stamp, strlen(stamp) + 1);
    gr__dataset_seal(block, h->total);
}

gr_status gr__dataset_assemble(gr_dataset **out, const gr__tokens *tokens, const gr_dataset_def *def, gr_error *err) {
    *out = NULL;

    /* How many documents are held out: those that are marked, or a share to be drawn. */
    uint32_t held = 0;
    if (tokens->held) {
        for (size_t d = 0; d < tokens->topics->docs; d++)
            held += tokens->held[d];
    } else {
        GR_TRY(count_held(&held, tokens->topics->docs, def->validation, err));
    }

    /* The counts say how large the block is. */
    header h = describe(tokens, def, held);
    void *block = gr_alloc_try(h.total);
    if (!block)
        return gr_error_set(err, GR_ERR_MEMORY, "dataset", "use a smaller corpus", "no memory for its %llu bytes",
                            (unsigned long long)h.total);
    fill(block, &h, tokens, def->stamp ? def->stamp : "");

    /* A dataset in memory is read as one from a file is. */
    gr_dataset *data = gr_alloc(sizeof *data);
    data->block = block;
    data->block_size = h.total;
    attach(data);
    *out = data;
    return GR_OK;
}

/* ---- Saving ------------------------------------------------------------------------------------------------------ */

gr_status gr_dataset_save(const gr_dataset *data, const char *path, gr_error *err) {
    data = data->whole ? data->whole : data;
    return gr_file_write(path, data->block, data->block_size, err);
}

const unsigned char *gr__dataset_digest(const gr_dataset *data) {
    return ((const header *)(data->whole ? data->whole : data)->block)->digest;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

/* An error of the file's content. */
static gr_status refuse(const char *path, gr_error *err, const char *what) {
    return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "%s", what);
}

/* Nothing of the block is used before the header fits its size. */
static gr_status check_header(const header *h, size_t size, const char *path, gr_error *err) {
    const uint64_t most = (uint64_t)1 << 40;
    if (memcmp(h->magic, magic, sizeof magic))
        return refuse(path, err, "not a dataset of gradroute");
    if (h->endian != ENDIAN)
        return refuse(path, err, "made on a machine with another order of bytes");
    if (h->version != VERSION)
        return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "format version %u, this program reads %d", h->version,
                            VERSION);

    /* A length that does not fit tells a file that was cut from one that was overwritten. */
    if (h->total != size)
        return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "the file was cut or extended: %zu bytes instead of %llu",
                            size, (unsigned long long)h->total);

    /* Counts must be small enough to be added up, and add up to the size. */
    if (h->docs < 1 || h->docs > INT32_MAX || h->tokens >= most || h->strings >= most || h->train > h->docs ||
        h->topics < 1 || h->topics > TOPICS_MOST || h->vocab > INT32_MAX || h->eot >= h->vocab ||
        h->fields > FIELDS_MOST || h->records < h->docs || h->records > INT32_MAX || h->flags > (FELL_BACK | KEYED) ||
        h->start > h->vocab || block_bytes(h) != size)
        return refuse(path, err, "the header contradicts itself");
    return GR_OK;
}

/* What a digest cannot promise, should someone have made the file on purpose. */
static gr_status check_content(const gr_dataset *data, const char *path, gr_error *err) {
    const header *h = data->block;
    size_t train = 0, validation = 0;

    /* Each document: its place in the tokens, topic, record, values, and part of the split. Both parts are ascending,
     * so one walk meets them all. */
    for (size_t d = 0; d < h->docs; d++) {
        if (data->offsets[d + 1] < data->offsets[d])
            return refuse(path, err, "the offsets of documents go backward");
        if (data->topics.of[d] < 0 || data->topics.of[d] >= data->topics.count)
            return refuse(path, err, "a document has no topic");
        if (data->record[d] >= data->records || (d && data->record[d] <= data->record[d - 1]))
            return refuse(path, err, "the records of documents are out of order");
        for (int f = 0; f < data->field_count; f++)
            if (data->fields[f].values.of[d] < -1 || data->fields[f].values.of[d] >= data->fields[f].values.count)
                return refuse(path, err, "a document has no value of a field that there is");
        if (train < data->train_count && data->train[train] == d)
            train++;
        else if (validation < data->validation_count && data->validation[validation] == d)
            validation++;
        else
            return refuse(path, err, "a document is in neither part of the split");
    }

    /* The tokens: all of them are some document's, and in the vocabulary. */
    if (data->offsets[0] != 0 || data->offsets[h->docs] != h->tokens)
        return refuse(path, err, "the offsets of documents do not span the tokens");
    for (size_t i = 0; i < h->tokens; i++)
        if (data->ids[i] < 0 || data->ids[i] >= data->vocab)
            return refuse(path, err, "a token lies outside the vocabulary");
    return GR_OK;
}

/* The file is as it was written. */
static gr_status check_digest(const gr_dataset *data, const char *path, gr_error *err) {
    unsigned char found[GR_DIGEST_BYTES];
    digest(found, data->block, data->block_size);
    if (memcmp(found, gr__dataset_digest(data), sizeof found))
        return refuse(path, err, "the SHA-256 does not match: the file is damaged");
    return GR_OK;
}

/* Maps the file and checks it in the order in which it may be trusted: length, header, digest, content. `known`: this
 * very file was checked before. */
static gr_status map(gr_dataset *data, bool known, const char *path, gr_error *err) {
    GR_TRY(gr_file_map(&data->block, &data->block_size, path, remedy, err));
    data->mapped = true;
    if (data->block_size < sizeof(header))
        return refuse(path, err, "the file is too short for a dataset");
    GR_TRY(check_header(data->block, data->block_size, path, err));
    if (!known)
        GR_TRY(check_digest(data, path, err));
    if (!attach(data))
        return refuse(path, err, "the names of topics are damaged");
    return known ? GR_OK : check_content(data, path, err);
}

gr_status gr__dataset_map(gr_dataset **out, const char *path, bool known, gr_error *err) {
    *out = NULL;
    gr_dataset *data = gr_alloc(sizeof *data);
    gr_status status = map(data, known, path, err);
    if (status == GR_OK)
        *out = data;
    else
        gr_dataset_free(data);
    return status;
}

gr_status gr_dataset_open(gr_dataset **data, const char *path, gr_error *err) {
    return gr__dataset_map(data, path, false, err);
}

/* dataset_encode.c - a corpus in tokens: chunks of documents are encoded in parallel and joined in order. */
#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "corpus/reader.h"
#include "text/tokenizer.h"

enum { CHUNK = 256 }; /* documents: enough to hide the cost of a task, few enough to balance long ones */

typedef struct chunk {
    int32_t *ids;
    size_t count, capacity;
    gr_status status;
    size_t failed; /* the last document that was tried */
    gr_error err;
} chunk;

/* Encodes the documents of one chunk, from document `first` on; lengths[d] becomes the tokens of document d. */
static void encode_chunk(chunk *c, uint64_t *lengths, const gr_corpus *corpus, const gr_tokenizer *tokenizer,
                         size_t first, const volatile sig_atomic_t *stop) {
    size_t last = first + CHUNK < corpus->topics.docs ? first + CHUNK : corpus->topics.docs;
    for (size_t d = first; d < last && c->status == GR_OK; d++) {
        size_t before = c->count;
        const gr_text *text = &corpus->texts[d];
        c->status = gr__tokenizer_encode_until(tokenizer, &c->ids, &c->count, &c->capacity, text, stop, &c->err);
        c->failed = d;
        lengths[d] = c->count - before;
    }
}

/* The first chunk that failed speaks for all, so that the message does not depend on threads. */
static gr_status first_error(const chunk *chunks, size_t count, const gr_corpus *corpus, gr_error *err) {
    char text[GR__PLACE_SIZE];
    for (size_t i = 0; i < count; i++)
        if (chunks[i].status != GR_OK) {
            bool stopped = chunks[i].status == GR_ERR_INTERRUPTED; /* which is the fault of no document */
            const char *place = stopped ? NULL : gr__corpus_place(text, corpus, chunks[i].failed);
            return gr_error_set(err, chunks[i].status, place ? place : chunks[i].err.place, chunks[i].err.hint, "%s",
                                chunks[i].err.message);
        }
    return GR_OK;
}

/* Joins the chunks in the order of documents. `offsets` comes with the length of each document and becomes where each
 * begins. */
static gr_status join(int32_t **ids, uint64_t *offsets, const chunk *chunks, size_t count, const gr_corpus *corpus,
                      gr_error *err) {
    size_t docs = corpus->topics.docs;
    GR_TRY(first_error(chunks, count, corpus, err));

    /* Lengths become offsets, in place. */
    uint64_t total = 0, at = 0;
    for (size_t d = 0; d <= docs; d++) {
        uint64_t n = d < docs ? offsets[d] : 0;
        offsets[d] = total;
        total += n;
    }

    /* All tokens in one array. */
    *ids = gr_alloc_try(total * sizeof **ids);
    if (!*ids)
        return gr_error_set(err, GR_ERR_MEMORY, "dataset", "use a smaller corpus", "no memory for %llu tokens",
                            (unsigned long long)total);
    for (size_t i = 0; i < count; i++) {
        if (chunks[i].count)
            memcpy(*ids + at, chunks[i].ids, chunks[i].count * sizeof **ids);
        at += chunks[i].count;
    }
    return GR_OK;
}

/* Encodes all documents on all threads. Chunks do not depend on the number of threads, and are joined in order, so
 * neither does the result. */
static gr_status encode(int32_t **ids, uint64_t *offsets, const gr_corpus *corpus, const gr_tokenizer *tokenizer,
                        const volatile sig_atomic_t *stop, gr_error *err) {
    size_t docs = corpus->topics.docs, count = (docs + CHUNK - 1) / CHUNK;
    chunk *chunks = gr_alloc(count * sizeof *chunks);
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < count; i++)
        encode_chunk(&chunks[i], offsets, corpus, tokenizer, i * CHUNK, stop);
    gr_status status = join(ids, offsets, chunks, count, corpus, err);
    for (size_t i = 0; i < count; i++)
        gr_free(chunks[i].ids);
    gr_free(chunks);
    return status;
}

gr_status gr__dataset_encode(gr_dataset **data, const gr_corpus *corpus, const gr_tokenizer *tokenizer,
                             const gr_dataset_def *def, const bool *held, gr_error *err) {
    *data = NULL;
    size_t docs = corpus->topics.docs;
    int eot = gr_tokenizer_end(tokenizer);
    if (eot < 0)
        return gr_error_set(err, GR_ERR_USAGE, "tokenizer", "use a tokenizer with <|endoftext|>",
                            "the tokenizer has no token that ends a document");

    /* gr__tokens keeps the start token plus 1, so that 0 says that documents begin with the end token. */
    int start = gr_tokenizer_start(tokenizer) == eot ? 0 : gr_tokenizer_start(tokenizer) + 1;

    /* Tokens, and bytes of text for losses per byte. */
    int32_t *ids = NULL;
    uint64_t *offsets = gr_alloc((docs + 1) * sizeof *offsets);
    uint32_t *bytes = gr_alloc(docs * sizeof *bytes);
    for (size_t d = 0; d < docs; d++)
        bytes[d] = (uint32_t)corpus->texts[d].length;

    /* One block of all that. */
    gr_status status = encode(&ids, offsets, corpus, tokenizer, def->stop, err);
    gr__tokens tokens = {&corpus->topics, offsets, ids, bytes, gr_tokenizer_size(tokenizer), eot, corpus, start, held};
    if (status == GR_OK)
        status = gr__dataset_assemble(data, &tokens, def, err);
    gr_free(ids);
    gr_free(offsets);
    gr_free(bytes);
    return status;
}

gr_status gr_dataset_new(gr_dataset **data, const gr_corpus *corpus, const gr_tokenizer *tokenizer,
                         const gr_dataset_def *def, gr_error *err) {
    return gr__dataset_encode(data, corpus, tokenizer, def, NULL, err);
}

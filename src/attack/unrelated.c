/* Text that the data of a model do not have: what fine-tuning on it brings back, any fine-tuning does. */
#include "attack/unrelated.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/label.h"

/* ---- documents that both have ---- */

/* 64 bits that stand for the tokens of a document. */
static uint64_t mark_of(const gr_dataset *data, size_t doc) {
    const uint64_t from = data->offsets[doc], to = data->offsets[doc + 1];
    return gr_record_key((const char *)(data->ids + from), (size_t)(to - from) * sizeof *data->ids);
}

static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The documents that pieces are of; whole ones are themselves. */
static const gr_dataset *documents_of(const gr_dataset *data) { return data->whole ? data->whole : data; }

/* Marks of all documents of the subject's data, held out ones included, ascending: a new list. */
static uint64_t *marks_of(const gr_dataset *data) {
    uint64_t *mark = gr_alloc((data->topics.docs + 1) * sizeof *mark);
    for (size_t d = 0; d < data->topics.docs; d++)
        mark[d] = mark_of(data, d);
    qsort(mark, data->topics.docs, sizeof *mark, compare);
    return mark;
}

/* Leaves what is not in the subject's data in the list of training documents. */
static void leave_strangers(gr__unrelated *other, const gr_dataset *own) {
    gr_dataset *data = other->data;
    const gr_dataset *from = documents_of(data), *to = documents_of(own);
    uint64_t *marks = marks_of(to);
    size_t left = 0;
    other->train = gr_alloc((data->train_count + 1) * sizeof *other->train);

    /* Pieces are of a document, which is known or not. */
    for (size_t i = 0; i < data->train_count; i++) {
        const uint32_t doc = data->train[i];
        const uint64_t mark = mark_of(from, data->document ? data->document[doc] : doc);
        if (!bsearch(&mark, marks, to->topics.docs, sizeof *marks, compare))
            other->train[left++] = doc;
    }
    gr_free(marks);
    data->train = other->train;
    data->train_count = left;
}

/* ---- the file ---- */

/* In the tokens of the model, in rows of its width; all of it is trained on. */
static gr_status encode(gr__unrelated *other, const gr_subject *s, const gr_corpus *corpus, gr_error *err) {
    const gr_dataset_def def = {.validation = 0, .seed = s->seed};
    GR_TRY(gr_dataset_new(&other->data, corpus, s->tokenizer, &def, err));
    if (!s->recipe->data.cut)
        GR_TRY(
            gr_dataset_pieces(&other->data, &(gr_pieces_def){.width = s->recipe->data.context, .seed = s->seed}, err));
    leave_strangers(other, s->data);
    return gr_labels_make(&other->labels, other->data, s->tokenizer, NULL, 0, NULL, 0, s->seed, NULL, err);
}

/* A corpus of one source, each of its texts once. */
static gr_status read_file(gr__unrelated *other, const gr_subject *s, const char *path, gr_error *err) {
    const gr_source source = gr_source_of(path);
    gr_corpus *corpus;
    GR_TRY(gr_corpus_open(&corpus, &(gr_corpus_def){.sources = &source, .source_count = 1, .dedupe = true}, err));
    gr_status status = encode(other, s, corpus, err);
    gr_corpus_free(corpus);
    return status;
}

gr_status gr__unrelated_open(gr__unrelated *other, const gr_subject *s, const char *path, gr_error *err) {
    static const char hint[] = "file: FILE of text that has nothing to do with the data";
    *other = (gr__unrelated){0};

    /* It takes words, and a file of them. */
    if (!s->tokenizer)
        return gr_error_set(err, GR_ERR_USAGE, "relearn", "text: retain", "text: unrelated takes data of text");
    if (!path)
        return gr_error_set(err, GR_ERR_USAGE, "relearn", hint, "text: unrelated takes a file");

    /* What the data have too was dropped, for it would bring back what they taught. */
    gr_status status = read_file(other, s, path, err);
    if (status == GR_OK && other->data->train_count == 0)
        status = gr_error_set(err, GR_ERR_USAGE, path, hint, "every document of it is one of the data too");
    if (status != GR_OK)
        gr__unrelated_close(other);
    return status;
}

void gr__unrelated_close(gr__unrelated *other) {
    gr_labels_free(other->labels);
    gr_dataset_free(other->data);
    gr_free(other->train);
    *other = (gr__unrelated){0};
}

/* samples.c - a dataset of samples: documents without tokens, with values beside the block. */
#include "gradroute/samples.h"

#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"

/* Values stand beside the block, which has room for tokens alone. */
static gr_status add_values(gr_dataset *data, const gr_samples *s, gr_error *err) {
    size_t size = s->count * (size_t)s->width;
    uint8_t *values = gr_alloc_try(size);
    if (!values)
        return gr_error_set(err, GR_ERR_MEMORY, "dataset", NULL, "no memory for %zu values", size);
    memcpy(values, s->values, size);
    data->values = values;
    data->value_width = s->width;
    data->mean = s->mean;
    data->std = s->std;
    return GR_OK;
}

gr_status gr_dataset_samples(gr_dataset **out, const gr_samples *s, const gr_dataset_def *def, gr_error *err) {
    /* Every sample is a document without tokens whose topic is its class. Where the files say which samples are the
     * test, the last ones, these are held out, else some are drawn. */
    uint64_t *offsets = gr_alloc((s->count + 1) * sizeof *offsets);
    uint32_t *bytes = gr_alloc(s->count * sizeof *bytes);
    bool *held = s->held ? gr_alloc(s->count) : NULL;
    for (size_t i = 0; i < s->count; i++)
        bytes[i] = (uint32_t)s->width;
    for (size_t i = s->count - s->held; i < s->count; i++)
        held[i] = true;

    /* A vocabulary of one token, which ends every document. */
    gr_topics topics = {s->names, s->classes, s->cls, s->count};
    gr__tokens tokens = {.topics = &topics, .offsets = offsets, .bytes = bytes, .vocab = 1, .held = held};
    gr_status status = gr__dataset_assemble(out, &tokens, def, err);
    if (status == GR_OK)
        status = add_values(*out, s, err);
    if (status != GR_OK) {
        gr_dataset_free(*out);
        *out = NULL;
    }
    gr_free(offsets);
    gr_free(bytes);
    gr_free(held);
    return status;
}

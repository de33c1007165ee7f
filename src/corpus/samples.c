/* samples.c - a dataset of samples: documents without tokens, with values beside the block. */
#include "gradroute/samples.h"

#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"

gr_status gr_dataset_samples(gr_dataset **out, const gr_samples *s, const gr_dataset_def *def, gr_error *err) {
    *out = NULL;
    uint64_t *offsets = gr_alloc((s->count + 1) * sizeof *offsets);
    uint32_t *bytes = gr_alloc(s->count * sizeof *bytes);
    bool *held = s->held ? gr_alloc(s->count) : NULL;
    for (size_t i = 0; i < s->count; i++)
        bytes[i] = (uint32_t)s->width;
    for (size_t i = s->count - s->held; i < s->count; i++)
        held[i] = true;
    size_t size = s->count * (size_t)s->width;
    uint8_t *values = gr_alloc_try(size);
    gr_status status = GR_OK;
    if (!values)
        status = gr_error_set(err, GR_ERR_MEMORY, "dataset", NULL, "no memory for %zu values", size);
    gr_topics topics = {s->names, s->classes, s->cls, s->count};
    gr__tokens tokens = {&topics, offsets, NULL, bytes, 1, 0, NULL, 0, held};
    if (status == GR_OK)
        status = gr__dataset_assemble(out, &tokens, def, err);
    if (status == GR_OK) {
        memcpy(values, s->values, size);
        (*out)->values = values;
        (*out)->value_width = s->width;
        (*out)->mean = s->mean;
        (*out)->std = s->std;
    } else {
        gr_free(values);
    }
    gr_free(offsets);
    gr_free(bytes);
    gr_free(held);
    return status;
}

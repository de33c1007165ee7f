/* The rows that training reads: from memory, or from shards on the disk. */
#include "task/project_stream.h"

#include "base/mem.h"

/* By its label, unless it is spared. */
static bool is_left_out(const gr__read_def *read, int16_t label, uint32_t doc) {
    for (int i = 0; i < read->drops; i++)
        if (read->drop[i] == label)
            return !(read->spared && read->spared[doc]);
    return false;
}

/* Documents that the filter leaves: a new list of *count. */
static uint32_t *left_of(size_t *count, const gr_project *p, const gr__read_def *read) {
    const int16_t *label = read->by_truth ? p->labels->truth : p->labels->revealed;
    uint32_t *docs = gr_alloc((p->data->train_count + 1) * sizeof *docs);
    *count = 0;
    for (size_t i = 0; i < p->data->train_count; i++)
        if (!is_left_out(read, label[p->data->train[i]], p->data->train[i]))
            docs[(*count)++] = p->data->train[i];
    return docs;
}

gr_status gr__project_stream(gr_stream **stream, const gr_project *p, const gr__read_def *read, gr_error *err) {
    const gr_recipe *r = p->recipe;
    const bool fill = read->drops > 0 && read->fill;
    if (fill && p->shards)
        return gr_error_set(err, GR_ERR_USAGE, "fill", "read the sources of the shards, or leave fill out",
                            "rows of shards are packed already, and what is left out of them leaves gaps");

    /* Documents that are left out leave gaps, so that all others stay where they are; or are no part of the list. The
     * filter stands behind the list too, for labels of tokens, which are of parts of documents. */
    size_t count = p->data->train_count;
    uint32_t *left = fill ? left_of(&count, p, read) : NULL;
    gr_stream_def def = gr_stream_default();
    def.rows = r->train.batch;
    def.width = r->data.context;
    def.seed = r->order_seed;
    def.mixed = r->data.mixed;
    def.docs = fill ? left : p->data->train;
    def.doc_count = count;
    def.drop = read->drop;
    def.drop_count = read->drops;
    def.drop_by_truth = read->by_truth;
    def.spared = read->spared;
    gr_status status = p->shards ? gr_stream_new_shards(stream, p->shards, &def, err)
                                 : gr_stream_new(stream, p->data, p->labels, &def, err);
    gr_free(left);
    return status;
}

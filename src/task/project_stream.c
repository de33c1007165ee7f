/* The rows that training reads: from memory, or from shards on the disk. */
#include "task/project_stream.h"

gr_status gr__project_stream(gr_stream **stream, const gr_project *p, const int16_t *drop, int drops, bool by_truth,
                             gr_error *err) {
    const gr_recipe *r = p->recipe;

    /* Documents that are left out leave gaps, so that all others stay where they are. */
    gr_stream_def def = gr_stream_default();
    def.rows = r->train.batch;
    def.width = r->data.context;
    def.seed = r->order_seed;
    def.mixed = r->data.mixed;
    def.docs = p->data->train;
    def.doc_count = p->data->train_count;
    def.drop = drop;
    def.drop_count = drops;
    def.drop_by_truth = by_truth;
    return p->shards ? gr_stream_new_shards(stream, p->shards, &def, err)
                     : gr_stream_new(stream, p->data, p->labels, &def, err);
}

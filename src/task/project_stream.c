/* The rows that training reads: from memory, or from shards on the disk. */
#include "task/project_stream.h"

#include "base/mem.h"

gr_status gr__project_stream(gr_stream **stream, const gr_project *p, bool filtered, bool by_truth, gr_error *err) {
    const gr_recipe *r = p->recipe;

    /* Of every label. */
    int16_t *drop = gr_alloc(((size_t)r->labels + 1) * sizeof *drop);
    for (int k = 0; k < r->labels; k++)
        drop[k] = (int16_t)(k + 1);

    /* Documents that are left out leave gaps, so that all others stay where they are. */
    gr_stream_def def = gr_stream_default();
    def.rows = r->train.batch;
    def.width = r->data.context;
    def.seed = r->order_seed;
    def.mixed = r->data.mixed;
    def.docs = p->data->train;
    def.doc_count = p->data->train_count;
    def.drop = drop;
    def.drop_count = filtered ? r->labels : 0;
    def.drop_by_truth = by_truth;
    gr_status status = p->shards ? gr_stream_new_shards(stream, p->shards, &def, err)
                                 : gr_stream_new(stream, p->data, p->labels, &def, err);
    gr_free(drop);
    return status;
}

/* lengths.c - documents against the context: what becomes of long ones, and how often training reads the data. */
#include "base/mem.h"
#include "gradroute/task.h"
#include "task/project_stream.h"

/* Of both parts of the split, and what lies between them. */
static void measure_data(gr_lengths *l, const gr_dataset *data, int width) {
    const gr_dataset *whole = data->whole ? data->whole : data;

    /* Documents as they were before anything was cut. */
    uint32_t *docs = gr_alloc((whole->topics.docs + 1) * sizeof *docs);
    for (size_t d = 0; d < whole->topics.docs; d++)
        docs[d] = (uint32_t)d;
    gr_cut cut = gr_dataset_cut(whole, docs, whole->topics.docs, width);
    gr_free(docs);
    l->documents = cut.documents;
    l->all = cut.all;
    l->lost = data->whole ? 0 : cut.targets;

    /* Pieces, and the runs of them that are held out where there are few documents. */
    l->pieces = data->whole ? (int64_t)data->topics.docs : 0;
    l->gaps = (int64_t)data->gaps;
    for (size_t i = 0; data->apart && i < data->validation_count; i++)
        l->runs += !i || data->validation[i] != data->validation[i - 1] + 1;
}

gr_status gr_project_lengths(gr_lengths *l, const gr_project *p, gr_error *err) {
    *l = (gr_lengths){0};
    if (!p->data) /* of a task that reads something else */
        return GR_OK;

    /* A stream packs its rows when it is made: how many there are says how often training reads the documents. */
    gr_stream *stream;
    GR_TRY(gr__project_stream(&stream, p, &(gr__read_def){0}, err));
    gr_stream_facts facts = gr_stream_describe(stream);
    gr_stream_free(stream);
    l->passes = (double)p->recipe->train.steps * p->recipe->train.batch / (double)facts.rows;
    if (!p->shards) {
        measure_data(l, p->data, p->recipe->data.context);
        return GR_OK;
    }

    /* Of shards it is known since they were packed. */
    l->documents = facts.cut + p->shards->longer;
    l->pieces = p->shards->pieces;
    l->all = p->shards->tokens + p->shards->documents;
    l->lost = l->all - facts.positions;
    return GR_OK;
}

/* spreading.c - labels of documents that a classifier finds, as a training is shown them. */
#include "method/spreading.h"

#include "base/mem.h"
#include "gradroute/classify.h"
#include "label/spread.h"

static gr_spread_def def_of(const gr_project *p, const gr_settings *settings) {
    gr_spread_def def = gr_spread_default();
    def.recall = gr_settings_get(settings, "recall")->number;
    def.lost = gr_settings_get(settings, "lost")->number;
    def.from = (size_t)gr_settings_get(settings, "from")->number;
    def.seed = p->recipe->split_seed;
    return def;
}

gr_status gr__spreading_check(const gr_project *p, const gr_settings *settings, gr_error *err) {
    gr_spread_def def = def_of(p, settings);
    if (p->shards)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "leave it out, or read the sources of the shards",
                            "a classifier reads texts and labels of all documents, and shards hold theirs in rows");
    if (!p->labels->label_count)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "give the recipe labels", "a classifier takes a label");

    bool *of = gr_alloc((size_t)p->labels->label_count + 1);
    gr_status status = gr__view_labels(of, p, settings, err);
    for (int k = 1; k <= p->labels->label_count && status == GR_OK; k++)
        if (of[k - 1])
            status = gr__classify_check(p->data, p->tokenizer, p->labels, (int16_t)k, &def, err);
    gr_free(of);
    return status;
}

/* Labels in which each label that is asked for is spread. */
static gr_status spread(gr_labels **labels, gr_spread_report *report, const gr_project *p, const gr_settings *settings,
                        const gr_spread_def *def, gr_error *err) {
    size_t count = (size_t)p->labels->label_count;
    bool *of = gr_alloc(count + 1);
    const gr_spread_def **each = gr_alloc((count + 1) * sizeof *each);
    *labels = NULL;

    gr_status status = gr__view_labels(of, p, settings, err);
    for (size_t k = 0; k < count; k++)
        each[k] = of[k] ? def : NULL;
    if (status == GR_OK) {
        *labels = gr__labels_copy(p->labels);
        status = gr__labels_extend(*labels, report, p->data, p->tokenizer, each, err);
    }
    if (status != GR_OK)
        gr_labels_free(*labels);
    gr_free(each);
    gr_free(of);
    return status;
}

gr_status gr__spreading_apply(gr__shown *shown, const gr_settings *settings, bool soft, gr_error *err) {
    const gr_project *p = &shown->project;
    gr_spread_def def = def_of(p, settings);
    def.soft = soft;
    def.stop = shown->stop;
    def.fits = p->fits;
    GR_TRY(gr__spreading_check(p, settings, err));

    /* The reports are of the last view that made some. */
    gr_labels *labels;
    gr_free(shown->report);
    shown->report = gr_alloc((size_t)p->labels->label_count * sizeof *shown->report);
    GR_TRY(spread(&labels, shown->report, p, settings, &def, err));
    return gr__shown_relabel(shown, labels, err);
}

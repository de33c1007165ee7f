/* Labels that say nothing: a placebo. */
#include "method/view.h"

/* Refuses labels that cannot be permuted. */
static gr_status check(const gr_project *p, const gr_settings *settings, gr_error *err) {
    gr_labels *labels;
    if (p->shards)
        return gr_error_set(err, GR_ERR_USAGE, "labels", "leave the placebo out, or read the sources of the shards",
                            "a placebo permutes labels, and shards hold theirs in their rows");
    GR_TRY(gr_labels_placebo(&labels, p->data, p->labels, p->recipe->split_seed, err));
    gr_labels_free(labels);
    return GR_OK;
}

static gr_status apply(gr__shown *shown, const gr_settings *settings, gr_error *err) {
    const gr_project *p = &shown->project;
    gr_labels *labels;
    GR_TRY(check(p, settings, err));
    GR_TRY(gr_labels_placebo(&labels, p->data, p->labels, p->recipe->split_seed, err));
    return gr__shown_relabel(shown, labels, err);
}

static const gr__view view = {.revision = 1, .check = check, .apply = apply};
const gr_choice gr__view_permuted = {
    .name = "permuted", .help = "labels permuted among documents of nearly the same length", .entry = &view};

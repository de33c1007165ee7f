/* A model as a method leaves it, and what a method may see of the data. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/method.h"
#include "gradroute/task.h"

void gr_made_free(gr_made *made) {
    if (made->owns)
        gr_bundle_free(made->bundle);
    gr_free(made->path);
    gr_free(made->off);
    *made = (gr_made){0};
}

gr_status gr_made_load(gr_made *made, const char *path, gr_precision precision, gr_error *err) {
    *made = (gr_made){0};
    GR_TRY(gr_bundle_load(&made->bundle, path, NULL, 0, err));
    gr_model_set_precision(made->bundle->model, precision);
    made->owns = true;
    made->path = gr_strdup(path);
    return GR_OK;
}

/* ---- what is seen ---- */

/* What is revealed, as if it were true; an unlabelled document is as one without a label. */
static int16_t *revealed_as_true(const int16_t *revealed, size_t count) {
    int16_t *truth = gr_alloc((count + 1) * sizeof *truth);
    for (size_t i = 0; i < count; i++)
        truth[i] = revealed[i] > 0 ? revealed[i] : 0;
    return truth;
}

/* Labels without a truth of their own, groups by it included: it cannot be read by mistake. What is not named is
 * borrowed. */
static gr_labels hide_truth(const gr_labels *from, size_t tokens) {
    gr_labels l = *from;
    l.truth = revealed_as_true(from->revealed, from->docs);
    if (from->token_truth)
        l.token_truth = revealed_as_true(from->token_revealed, tokens);

    /* A hidden document of a label counts as any other. */
    l.group = gr_alloc((from->docs + 1) * sizeof *l.group);
    l.group_docs = gr_alloc(((size_t)from->group_count + 1) * sizeof *l.group_docs);
    for (size_t d = 0; d < from->docs; d++) {
        l.group[d] = from->group[d] < from->label_count ? (int16_t)(from->group_count - 1) : from->group[d];
        if (l.truth[d] > 0)
            l.group[d] = (int16_t)(l.truth[d] - 1);
        l.group_docs[l.group[d]]++;
    }
    return l;
}

/* The tables that were made for the hidden truth; the others are the project's. */
static void hidden_free(gr_labels *l, bool of_tokens) {
    gr_free(l->truth);
    if (of_tokens)
        gr_free(l->token_truth);
    gr_free(l->group);
    gr_free(l->group_docs);
}

gr_status gr_method_make(gr_made *made, const gr_method *method, const gr_making *making, gr_error *err) {
    const gr_project *p = making->project;
    if (method->sees == GR_SEES_ALL || !p->labels)
        return method->make(made, making, err);

    gr_labels labels = hide_truth(p->labels, p->data->offsets[p->labels->docs] + p->labels->docs);
    gr_project shown = *p;
    gr_making blind = *making;
    shown.labels = &labels;
    blind.project = &shown;
    gr_status status = method->make(made, &blind, err);
    hidden_free(&labels, p->labels->token_truth != NULL);
    return status;
}

/* A model as a method leaves it, and what a method may see of the data. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/method.h"
#include "gradroute/task.h"
#include "io/lock.h"

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

/* ---- what a method has made ---- */

void gr_made_take(gr_made *made, gr_arch_def *def, gr_model *model, gr_precision precision) {
    gr_model_set_precision(model, precision);
    *made = (gr_made){.bundle = gr_alloc(sizeof *made->bundle), .owns = true};
    *made->bundle = (gr_bundle){.def = def, .model = model};
}

gr_status gr_made_save(gr_made *made, const gr_making *m, const gr_arch_def *def, gr_model *model, gr_error *err) {
    *made = (gr_made){0};
    GR_TRY(gr__lock_check(m->lock, err));

    /* What the parent says of its data, and the cell that made this model of it. */
    gr_bundle_info info = m->parent->bundle->info;
    gr_bundle_data *data = gr_alloc(((size_t)info.data_count + 1) * sizeof *data);
    for (int i = 0; i < info.data_count; i++)
        data[i] = info.data[i];
    if (m->key)
        data[info.data_count++] = (gr_bundle_data){"cell", m->key};
    info.data = data;

    char *path = gr_format("%s/model", m->folder);
    gr_status status = gr_bundle_save(path, def, model, &info, err);
    if (status == GR_OK)
        status = gr_made_load(made, path, m->project->recipe->precision, err);
    gr_free(path);
    gr_free(data);
    return status;
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

/* What a method is handed: the caller's making, or a copy of it whose project has labels without a hidden truth. It
 * borrows all else. */
typedef struct sight {
    gr_making making;
    gr_project project;
    gr_labels labels;
    bool hides; /* labels has tables of its own */
} sight;

/* The only place where it is decided what a method is shown of the data. sight_close. */
static const gr_making *sight_open(sight *s, const gr_method *method, const gr_making *making) {
    const gr_project *p = making->project;
    s->hides = method->sees != GR_SEES_ALL && p->labels;
    if (!s->hides)
        return making;

    s->labels = hide_truth(p->labels, p->data->offsets[p->labels->docs] + p->labels->docs);
    s->project = *p;
    s->project.labels = &s->labels;
    s->making = *making;
    s->making.project = &s->project;
    return &s->making;
}

/* Frees the tables that hide_truth has made; the others are the caller's. */
static void sight_close(sight *s) {
    if (!s->hides)
        return;
    gr_free(s->labels.truth);
    gr_free(s->labels.token_truth);
    gr_free(s->labels.group);
    gr_free(s->labels.group_docs);
}

gr_status gr_method_check(const gr_method *method, const gr_making *making, gr_error *err) {
    sight s;
    if (!method->check)
        return GR_OK;
    gr_status status = method->check(sight_open(&s, method, making), err);
    sight_close(&s);
    return status;
}

gr_status gr_method_digest(const gr_method *method, const gr_making *making, struct gr_digest *digest, gr_error *err) {
    sight s;
    if (!method->digest)
        return GR_OK;
    gr_status status = method->digest(sight_open(&s, method, making), digest, err);
    sight_close(&s);
    return status;
}

gr_status gr_method_make(gr_made *made, const gr_method *method, const gr_making *making, gr_error *err) {
    sight s;
    gr_status status = method->make(made, sight_open(&s, method, making), err);
    sight_close(&s);
    return status;
}

gr_status gr_method_draft(gr_made *draft, const gr_method *method, const gr_making *making, gr_error *err) {
    sight s;
    gr_status status = method->draft(draft, sight_open(&s, method, making), err);
    sight_close(&s);
    return status;
}

gr_status gr_method_cost(gr_cost *cost, const gr_method *method, const gr_making *making, gr_made *draft,
                         gr_timings *timings, gr_error *err) {
    sight s;
    *cost = (gr_cost){0};
    if (!method->cost)
        return GR_OK;
    gr_status status = method->cost(cost, sight_open(&s, method, making), draft, timings, err);
    sight_close(&s);
    return status;
}

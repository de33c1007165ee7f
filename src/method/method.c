/* A model as a method leaves it, and what a method may see of the data:
 *
 *     sees        labels that are true       documents
 *     ALL         all                        all
 *     REVEALED    those that are revealed    all
 *     FORGET      those that are revealed    of a revealed label
 *     RETAIN      those that are revealed    of none, hidden ones among them
 *
 * All functions of a method are called here, so that none of them sees more than another. */
#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"
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

/* Whether a method may read a document. */
static bool is_seen(gr_sees sees, const gr_labels *labels, size_t doc) {
    const bool labelled = labels->revealed[doc] > 0;
    return sees == GR_SEES_FORGET ? labelled : sees != GR_SEES_RETAIN || !labelled;
}

/* Those of a list that it may read: a new list of *count. */
static uint32_t *seen_of(size_t *count, gr_sees sees, const gr_labels *labels, const uint32_t *list) {
    uint32_t *seen = gr_alloc((*count + 1) * sizeof *seen);
    size_t left = 0;
    for (size_t i = 0; i < *count; i++)
        if (is_seen(sees, labels, list[i]))
            seen[left++] = list[i];
    *count = left;
    return seen;
}

/* Tokens without those of documents that may not be read. The token before a piece of a document is a part of that
 * piece, which is read behind it. */
static int32_t *seen_tokens(const gr_dataset *data, const gr_labels *labels, gr_sees sees) {
    const uint64_t all = data->offsets[data->topics.docs];
    int32_t *ids = gr_alloc(((size_t)all + 1) * sizeof *ids);
    memcpy(ids, data->ids, (size_t)all * sizeof *ids);

    /* What ends a document stands for nothing: a model that is trained on it by mistake learns no word of it. */
    for (size_t d = 0; d < data->topics.docs; d++) {
        const bool before = d + 1 < data->topics.docs && gr__continues(data, d + 1) && is_seen(sees, labels, d + 1);
        for (uint64_t i = data->offsets[d]; !is_seen(sees, labels, d) && i + before < data->offsets[d + 1]; i++)
            ids[i] = data->eot;
    }
    return ids;
}

/* The same of samples. */
static uint8_t *seen_values(const gr_dataset *data, const gr_labels *labels, gr_sees sees) {
    const size_t width = (size_t)data->value_width, docs = data->topics.docs;
    uint8_t *values = gr_alloc(docs * width + 1);
    for (size_t d = 0; d < docs; d++)
        if (is_seen(sees, labels, d))
            memcpy(values + d * width, data->values + d * width, width);
    return values;
}

/* A dataset in which documents that may not be read are in no list and have nothing in them: neither a draw nor a loop
 * over all of them can read one by mistake. Numbers stay, and all that is not named is borrowed. drop_documents. */
static gr_dataset hide_documents(const gr_dataset *from, const gr_labels *labels, gr_sees sees) {
    gr_dataset data = *from;
    data.train = seen_of(&data.train_count, sees, labels, from->train);
    data.validation = seen_of(&data.validation_count, sees, labels, from->validation);
    data.test = seen_of(&data.test_count, sees, labels, from->test);
    if (from->values)
        data.values = seen_values(from, labels, sees);
    else
        data.ids = seen_tokens(from, labels, sees);
    return data;
}

/* Frees what hide_documents has made. */
static void drop_documents(gr_dataset *data) {
    gr_free((uint32_t *)data->train);
    gr_free((uint32_t *)data->validation);
    gr_free((uint32_t *)data->test);
    if (data->values)
        gr_free((uint8_t *)data->values);
    else
        gr_free((int32_t *)data->ids);
}

/* What a method is handed: the caller's making, or a copy of it whose project has labels without a hidden truth, and of
 * the documents those that the method may read. It borrows all else. */
typedef struct sight {
    gr_making making;
    gr_project project;
    gr_labels labels;
    gr_dataset data, whole; /* whole: the documents of pieces, whose tokens are those of data */
    bool hides, narrow;     /* labels has tables of its own; data has */
} sight;

/* Documents that are left out. */
static void narrow_sight(sight *s, const gr_project *p, gr_sees sees) {
    s->data = hide_documents(p->data, p->labels, sees);

    /* Of a dataset of pieces the documents are kept beside them, and they are split as the pieces are. */
    if (p->data->whole) {
        s->whole = *p->data->whole;
        s->whole.ids = s->data.ids;
        s->whole.train_count = s->whole.validation_count = s->whole.test_count = 0;
        s->data.whole = &s->whole;
    }
    s->project.data = &s->data;

    /* Rows of shards are packed already, of whatever documents there were. */
    s->project.shards = NULL;
}

/* The only place where it is decided what a method is shown of the data. sight_close. */
static const gr_making *sight_open(sight *s, const gr_method *method, const gr_making *making) {
    const gr_project *p = making->project;
    s->hides = method->sees != GR_SEES_ALL && p->labels;
    s->narrow = s->hides && p->data && (method->sees == GR_SEES_FORGET || method->sees == GR_SEES_RETAIN);
    if (!s->hides)
        return making;

    /* A project and a making of its own, so that the caller's stay as they are. */
    s->labels = hide_truth(p->labels, p->data->offsets[p->labels->docs] + p->labels->docs);
    s->project = *p;
    s->project.labels = &s->labels;
    s->making = *making;
    s->making.project = &s->project;
    if (s->narrow)
        narrow_sight(s, p, method->sees);
    return &s->making;
}

/* Frees the tables that were made for it; the others are the caller's. */
static void sight_close(sight *s) {
    if (!s->hides)
        return;
    gr_free(s->labels.truth);
    gr_free(s->labels.token_truth);
    gr_free(s->labels.group);
    gr_free(s->labels.group_docs);
    if (s->narrow)
        drop_documents(&s->data);
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

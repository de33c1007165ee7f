#include "task/propose.h"

#include <math.h>

#include "base/mem.h"
#include "base/names.h"
#include "label/source.h"

enum { TOPICS_MOST = 8 /* for one label */ };

/* Topics of the data, by their documents. */
typedef struct topics {
    const gr_topics *of;
    double *size;    /* [count] training documents */
    bool *validated; /* [count] has some in validation */
    bool *taken;     /* [count] is named by the recipe, or was taken for another label */
} topics;

/* ---- which are free ---- */

/* Named by the recipe. */
static bool is_named(const gr_recipe *r, const char *topic) {
    bool named = gr__has_text(r->adjacent, r->adjacents, topic);
    for (int k = 0; k < r->labels; k++) {
        int count;
        const char *const *is = gr__label_topics(&r->label[k], &count);
        named = named || gr__has_text(is, count, topic);
    }
    return named;
}

static topics count_topics(const gr_project *p) {
    const gr_dataset *data = p->data;
    const size_t count = (size_t)data->topics.count + 1;
    topics t = {.of = &data->topics,
                .size = gr_alloc(count * sizeof *t.size),
                .validated = gr_alloc(count * sizeof *t.validated),
                .taken = gr_alloc(count * sizeof *t.taken)};

    /* Documents of each; a label is made by topics alone, so a free one has none of a label. */
    for (size_t i = 0; i < data->train_count; i++)
        t.size[data->topics.of[data->train[i]]]++;
    for (size_t i = 0; i < data->validation_count; i++)
        t.validated[data->topics.of[data->validation[i]]] = true;
    for (int i = 0; i < data->topics.count; i++)
        t.taken[i] = is_named(p->recipe, data->topics.names[i]);
    return t;
}

/* The lists; names are the data's. */
static void topics_free(topics *t) {
    gr_free(t->size);
    gr_free(t->validated);
    gr_free(t->taken);
}

/* ---- as many documents ---- */

/* The free topic whose size is nearest; of equals the first. -1: none is left. */
static int nearest(const topics *t, double size) {
    int found = -1;
    for (int i = 0; i < t->of->count; i++)
        if (!t->taken[i] && t->validated[i] && t->size[i] > 0 &&
            (found < 0 || fabs(t->size[i] - size) < fabs(t->size[found] - size)))
            found = i;
    return found;
}

/* "biology: {is: [a, b]}", of as many topics as the label has, and more where these are small. NULL: none is left. */
static char *propose_label(topics *t, const gr_label_def *label) {
    int count;
    const char *const *is = gr__label_topics(label, &count);
    double left = 0, all;
    char *list = NULL;
    for (int i = 0; i < t->of->count; i++)
        left += gr__has_text(is, count, t->of->names[i]) ? t->size[i] : 0;
    all = left;

    /* Each takes its share of what is still wanted, so that the next ones make up for it. */
    for (int n = 0; n < TOPICS_MOST && (n < count || left > all / 4); n++) {
        const int share = n < count ? count - n : 1, i = nearest(t, left / share);
        if (i < 0 || (n > 0 && left <= 0))
            break;
        t->taken[i] = true;
        left -= t->size[i];
        char *longer = gr_format("%s%s%s", list ? list : "", list ? ", " : "", t->of->names[i]);
        gr_free(list);
        list = longer;
    }
    char *text = list ? gr_format("%s: {is: [%s]}", label->name, list) : NULL;
    gr_free(list);
    return text;
}

/* Labels one after the other, each from what those before it have left. */
char *gr__project_propose(const gr_project *p) {
    const gr_recipe *r = p->recipe;
    if (!p->data || p->shards || !p->labels)
        return NULL;
    topics t = count_topics(p);
    char *text = NULL;
    bool whole = r->labels > 0;

    /* Label by label; combinations follow their parts. */
    for (int k = 0; k < r->labels && whole; k++) {
        if (r->label[k].all_count)
            continue;
        int count;
        char *one = gr__label_topics(&r->label[k], &count) ? propose_label(&t, &r->label[k]) : NULL;
        char *longer = one ? gr_format("%s%s%s", text ? text : "", text ? ", " : "", one) : NULL;
        whole = one != NULL;
        gr_free(text);
        gr_free(one);
        text = longer;
    }
    topics_free(&t);
    char *out = text && whole ? gr_format("{labels: {%s}}", text) : NULL;
    gr_free(text);
    return out;
}

#include "task/propose.h"

#include <math.h>

#include "base/mem.h"
#include "base/names.h"
#include "io/yaml.h"
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

/* Documents of those topics of a label that it hides, or of the others; *count is how many topics these are. */
static double size_of(int *count, const topics *t, const gr_label_def *label, bool hidden) {
    int all;
    const char *const *is = gr__label_topics(label, &all);
    double size = 0;
    *count = 0;
    for (int i = 0; i < all; i++)
        *count += gr__label_hides(label, is[i]) == hidden;
    for (int i = 0; i < t->of->count; i++) {
        const char *name = t->of->names[i];
        if (gr__has_text(is, all, name) && gr__label_hides(label, name) == hidden)
            size += t->size[i];
    }
    return size;
}

/* Takes as many topics as a label has of its hidden or its other ones, and more where these are small, into each of
 * the lists that is there. False: none is left. */
static bool propose_topics(gr_yaml *is, gr_yaml *also, topics *t, const gr_label_def *label, bool hidden) {
    int count;
    const double all = size_of(&count, t, label, hidden);
    double left = all;

    /* Each takes its share of what is still wanted, so that the next ones make up for it. */
    int n = 0;
    for (; n < TOPICS_MOST && (n < count || left > all / 4); n++) {
        const int share = n < count ? count - n : 1, i = nearest(t, left / share);
        if (i < 0 || (n > 0 && left <= 0))
            break;
        t->taken[i] = true;
        left -= t->size[i];
        gr_yaml_add_text(is, NULL, t->of->names[i]);
        if (also)
            gr_yaml_add_text(also, NULL, t->of->names[i]);
    }
    return n > 0;
}

/* "biology: {is: [a, b]}", and "hidden: [b]" where the label hides some of its topics: what stands for these is hidden
 * too, or settings would be chosen with labels that know more. False: the label is of no topics, or none is left. */
static bool propose_label(gr_yaml *labels, topics *t, const gr_label_def *label) {
    int count;
    if (!gr__label_topics(label, &count))
        return false;
    gr_yaml *own = gr_yaml_add_map(labels, label->name), *is = gr_yaml_add_list(own, "is");
    if (!propose_topics(is, NULL, t, label, false))
        return false;
    return !gr__label_hides_topics(label) || propose_topics(is, gr_yaml_add_list(own, "hidden"), t, label, true);
}

/* Labels one after the other, each from what those before it have left. */
char *gr__project_propose(const gr_project *p) {
    const gr_recipe *r = p->recipe;
    if (!p->data || p->shards || !p->labels || r->labels == 0)
        return NULL;
    topics t = count_topics(p);
    gr_yaml *root = gr_yaml_new("development"), *labels = gr_yaml_add_map(root, "labels");
    bool whole = true;

    /* Label by label; combinations follow their parts. */
    for (int k = 0; k < r->labels && whole; k++)
        whole = r->label[k].all_count || propose_label(labels, &t, &r->label[k]);
    topics_free(&t);

    /* Names are quoted where they would be read as something else. */
    char *text = NULL;
    if (whole)
        gr_yaml_write_line(root, &text, NULL);
    gr_yaml_free(root);
    return text;
}

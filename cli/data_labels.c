/* Labels in numbers: how many documents and tokens each has, is shown with, and is wrongly shown with; and what their
 * sources found (words, matches). */
#include <string.h>

#include "base/mem.h"
#include "data_labels.h"

enum { MATCHES_PRINTED = 8, MATCHES_LISTED = 100 };

typedef struct tally {
    int64_t of, shown, wrong; /* true; shown as the label; shown as it and not of it */
} tally;

typedef struct label_tally {
    tally documents, tokens;
    bool of, shown; /* of the document at hand */
} label_tally;

/* Adds n documents or tokens that are of a label or not, and are shown with it or not. */
static void add(tally *t, bool of, bool shown, int64_t n) {
    t->of += of ? n : 0;
    t->shown += shown ? n : 0;
    t->wrong += shown && !of ? n : 0;
}

/* A document counts once for each label that some token of it has, the end token included, which counts as no token;
 * pieces count as their document, unless they are split apart. What no row holds does not count. */
static void count_document(label_tally *list, const gr_project *p, size_t d) {
    const gr_labels *l = p->labels;
    const uint32_t *document = gr_dataset_drawn_by(p->data);
    size_t first = p->data->offsets[d], n = p->data->offsets[d + 1] - first;
    size_t width = (size_t)p->recipe->data.context, targets = gr_dataset_targets(p->data, d);
    n = n < width ? n : width;
    targets = targets < width ? targets : width;

    for (int k = 1; k <= l->label_count; k++) {
        label_tally *t = &list[k - 1];

        /* Labels of documents hold for all of it; labels of tokens are counted one by one. */
        bool of = l->truth[d] == k, shown = l->revealed[d] == k;
        if (!l->token_truth) {
            add(&t->tokens, of, shown, (int64_t)n);
        } else {
            of = shown = false;
            for (size_t at = first + d; at < first + d + targets; at++) {
                add(&t->tokens, l->token_truth[at] == k, l->token_revealed[at] == k, at < first + d + n);
                of |= l->token_truth[at] == k;
                shown |= l->token_revealed[at] == k;
            }
        }

        /* its pieces are summed up at the last one */
        t->of |= of;
        t->shown |= shown;
        if (document && d + 1 < l->docs && document[d + 1] == document[d])
            continue;
        add(&t->documents, t->of, t->shown, 1);
        t->of = t->shown = false;
    }
}

/* The numbers of every label, over all documents. */
static label_tally *count_all(const gr_project *p) {
    label_tally *list = gr_alloc(((size_t)p->labels->label_count + 1) * sizeof *list);
    for (size_t d = 0; d < p->labels->docs; d++)
        count_document(list, p, d);
    return list;
}

/* What a label is given to. */
static const char *unit_of(const gr_label_def *def) {
    static const char *const words[] = {"document", "sentence", "token", "piece"};
    return words[def->per];
}

static json_t *tally_json(const tally *t) {
    return json_pack("{s:I, s:I, s:I}", "true", (json_int_t)t->of, "shown", (json_int_t)t->shown, "wrong",
                     (json_int_t)t->wrong);
}

json_t *gr__labels_json(const gr_project *p) {
    /* Each label: what it counts by, its numbers, and the words that were found. */
    const gr_labels *l = p->labels;
    label_tally *list = count_all(p);
    json_t *labels = json_array();
    for (int k = 0; k < l->label_count; k++) {
        json_t *words = json_array();
        for (size_t i = 0; i < l->match_count[k] && i < MATCHES_LISTED; i++)
            json_array_append_new(words, json_pack("{s:o, s:I}", "text", gr_json_text(l->matches[k][i].text), "count",
                                                   (json_int_t)l->matches[k][i].count));

        json_array_append_new(labels,
                              json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", l->label_names[k], "per",
                                        unit_of(&p->recipe->label[k]), "documents", tally_json(&list[k].documents),
                                        "tokens", tally_json(&list[k].tokens), "words", words));
    }
    gr_free(list);
    return labels;
}

/* What the label's source found: the first few, how many never occurred, and one of these. */
static void print_matches(const gr_labels *l, int k, const char *source) {
    size_t silent = 0;
    const char *unfound = NULL;
    printf("  %s: %s", l->label_names[k], source);

    /* The most frequent come first; those that were never found are counted. */
    for (size_t i = 0; i < l->match_count[k]; i++) {
        const gr_label_match *match = &l->matches[k][i];
        if (match->count && i < MATCHES_PRINTED)
            printf("%s \"%.40s\" %s", i ? "," : "", match->text, gr__text_count((char[32]){0}, (int64_t)match->count));
        if (match->count && i == MATCHES_PRINTED)
            printf(", ..");
        if (!match->count && !silent++)
            unfound = match->text;
    }

    if (silent)
        printf("; %zu never found, such as \"%.40s\"", silent, unfound);
    putchar('\n');
}

static void print_tally(const char *label, const char *of, const tally *t) {
    printf("  %-24.40s %10s %12s %12s %12s\n", label, of, gr__text_count((char[32]){0}, t->of),
           gr__text_count((char[32]){0}, t->shown), gr__text_count((char[32]){0}, t->wrong));
}

void gr__labels_print(const gr_project *p) {
    const gr_labels *l = p->labels;
    if (!l->label_count)
        return;

    /* The numbers of each label. */
    label_tally *list = count_all(p);
    printf("  %-24s %10s %12s %12s %12s\n", "label", "", "all", "shown", "wrong");
    for (int k = 0; k < l->label_count; k++) {
        print_tally(l->label_names[k], gr_dataset_unit(p->data), &list[k].documents);
        print_tally("", "tokens", &list[k].tokens);
    }
    gr_free(list);

    /* And what its source found, where it searches for something. */
    for (int k = 0; k < l->label_count; k++)
        if (l->match_count[k])
            print_matches(l, k, p->recipe->label[k].from[0].key);
}

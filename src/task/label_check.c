/* label_check.c - what looks wrong about labels once they meet the data: shown on nothing or on everything, words that
 * are never found, scores that change nothing. */
#include "task/label_check.h"
#include "base/number.h"
#include "label/source.h"

/* Above this share of documents or tokens a label leaves the core too little to learn from. */
static const double MOST = 0.95;

/* Documents that a label is shown on, or tokens where labels are of tokens, of how many. */
typedef struct counted {
    size_t shown, all;
} counted;

/* How many units a label is shown on, of how many. */
static counted count_shown(const gr_project *p, int k) {
    const gr_labels *l = p->labels;
    counted c = {0};

    /* Documents, or pieces. */
    if (!l->token_revealed) {
        c.all = l->docs;
        for (size_t d = 0; d < l->docs; d++)
            c.shown += l->revealed[d] == k;
        return c;
    }

    /* Tokens, of a document those that its row holds. */
    for (size_t d = 0; d < l->docs; d++) {
        size_t from = p->data->offsets[d] + d, n = gr_dataset_targets(p->data, d),
               width = (size_t)p->recipe->data.context;
        n = n < width ? n : width;
        for (size_t i = from; i < from + n; i++)
            c.shown += l->token_revealed[i] == k;
        c.all += n;
    }
    return c;
}

/* A label that is shown on nothing, or on so much that next to nothing is left for the core. */
static void check_share(gr_findings *findings, const gr_project *p, int k) {
    counted c = count_shown(p, k);
    double share = c.all ? (double)c.shown / (double)c.all : 0;

    /* Next to nothing of the label, or of everything else. */
    if (!c.shown)
        gr_finding_add(findings, GR_LEVEL_WARNING, "data.long: split trains on all of a document; or raise known",
                       "label '%s' is shown on nothing that can be trained on", p->labels->label_names[k - 1]);
    if (share > MOST)
        gr_finding_add(findings, GR_LEVEL_WARNING,
                       p->data->whole ? "per: piece labels pieces of long documents; or name fewer words or topics"
                                      : "name fewer topics or words, or raise the threshold",
                       "label '%s' is shown on %.3g %% of the %s: next to nothing is left for the core",
                       p->labels->label_names[k - 1], 100 * share,
                       p->labels->token_revealed ? "tokens"
                       : p->data->document       ? "pieces"
                                                 : "documents");
}

/* Words that were listed, and occur nowhere. */
static void check_words(gr_findings *findings, const gr_labels *l, int k) {
    size_t silent = 0;
    const char *first = NULL;
    for (size_t i = 0; i < l->match_count[k - 1]; i++)
        if (!l->matches[k - 1][i].count && !silent++)
            first = l->matches[k - 1][i].text;
    if (silent)
        gr_finding_add(findings, GR_LEVEL_NOTE, "words match whole, in any case: list each form",
                       "%zu of the %zu %s of label '%s' %s never found, such as \"%.60s\"", silent,
                       l->match_count[k - 1], gr__plural((int64_t)l->match_count[k - 1], "word", "words"),
                       l->label_names[k - 1], gr__plural((int64_t)silent, "was", "were"), first);
}

/* Scores act through routes that mix. */
static void check_soft(gr_findings *findings, const gr_project *p, int k) {
    const gr_routes *routes = p->recipe->routes;
    bool mixes = false;
    for (int r = 0; r < routes->count; r++)
        mixes |= routes->route[r].mix && routes->route[r].labels & gr_label_bit(k);
    if (gr__label_is_soft(&p->recipe->label[k - 1]) && !mixes)
        gr_finding_add(findings, GR_LEVEL_WARNING, "give the label's routes mix: true, or leave soft out",
                       "the scores of label '%s' change nothing: no route of the label mixes",
                       p->labels->label_names[k - 1]);
}

/* Positions that a second showing leaves out end the document there. */
static void check_repeat(gr_findings *findings, const gr_project *p) {
    const gr_routes *routes = p->recipe->routes;
    uint64_t shown = 0;
    if (!p->labels->token_revealed)
        return;

    /* A route that matches whatever is shown cuts nothing. */
    for (int label = -1; label <= p->labels->label_count; label++)
        shown |= p->documents[label + 1] ? gr_label_bit(label) : 0;
    for (int r = 0; r < routes->count; r++)
        if (routes->route[r].repeat && (routes->route[r].labels & shown) != shown)
            gr_finding_add(findings, GR_LEVEL_WARNING, "label whole documents, or let the route match any label",
                           "route %d shows sequences again, and labels change inside of documents: the second showing "
                           "is cut where another label comes",
                           r + 1);
}

/* Whether document d is of label k, in whole or in part. */
static bool is_of(const gr_project *p, uint32_t d, int k) {
    const gr_labels *l = p->labels;
    if (!l->token_truth)
        return l->truth[d] == k;
    for (size_t at = p->data->offsets[d] + d; at <= p->data->offsets[d + 1] + d; at++)
        if (l->token_truth[at] == k)
            return true;
    return false;
}

/* Whether training has a document of label k. */
static bool has_documents(const gr_project *p, int k) {

    /* Of shards it is known what is shown; what is hidden they do not say. */
    if (p->shards)
        return p->shards->revealed[k + 1] > 0 || p->recipe->label[k - 1].known < 1;
    for (size_t i = 0; i < p->data->train_count; i++)
        if (is_of(p, p->data->train[i], k))
            return true;
    return false;
}

/* The first label that training never meets. */
gr_status gr__labels_have_documents(const gr_project *p, gr_error *err) {
    for (int k = 1; k <= p->labels->label_count; k++)
        if (!has_documents(p, k))
            return gr_error_set(err, GR_ERR_USAGE, p->labels->label_names[k - 1],
                                "hold out less (data.validation), use more documents, or another split_seed",
                                "all documents of the label are held out: there is none to train on");
    return GR_OK;
}

void gr_labels_check(gr_findings *findings, const gr_project *project) {
    if (!project->labels) /* of a task that has none */
        return;
    for (int k = 1; k <= project->labels->label_count; k++) {
        check_share(findings, project, k);
        check_words(findings, project->labels, k);
        check_soft(findings, project, k);
    }
    check_repeat(findings, project);
}

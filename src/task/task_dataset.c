/* What text and samples share: documents in a dataset, of which some are held out, and labels. */
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/stop.h"
#include "io/digest.h"
#include "io/file.h"
#include "label/source.h"
#include "recipe/read.h"
#include "task/label_check.h"
#include "task/network.h"
#include "task/overlap.h"
#include "task/task.h"
#include "task/token_scores.h"
#include "text/tokenizer.h"

/* ---- after the data are read ---- */

/* A model goes on with the tokens it knows. */
static gr_status check_from(const gr_project *p, gr_error *err) {
    const char *from = p->recipe->from.path;
    gr_tokenizer *own = NULL;
    if (!from)
        return GR_OK;
    if (!p->tokenizer)
        return gr_error_set(err, GR_ERR_USAGE, from, "leave model.from out",
                            "samples cannot go on from a model of text");

    /* Both vocabularies have to be the same, token by token. */
    char *path = gr_format("%s/tokenizer.json", from);
    gr_status status = gr_file_exists(path)
                           ? gr_tokenizer_open(&own, path, err)
                           : gr_error_set(err, GR_ERR_USAGE, from, "models that train and audit write have one",
                                          "the model to go on from has no tokenizer.json to compare");
    if (status == GR_OK && !gr_tokenizer_equal(own, p->tokenizer))
        status = gr_error_set(err, GR_ERR_USAGE, "data.tokenizer", "leave data.tokenizer out: the model brings its own",
                              "the tokenizer of the recipe (%d tokens) differs from that of %s (%d tokens)",
                              gr_tokenizer_size(p->tokenizer), from, gr_tokenizer_size(own));
    gr_tokenizer_free(own);
    gr_free(path);
    return status;
}

/* Under each label that the document, or some token of it, is shown as. */
static void count_document(gr_project *p, uint32_t d) {
    const gr_labels *l = p->labels;
    if (!l->token_revealed) {
        p->documents[l->revealed[d] + 1]++;
        return;
    }

    /* Labels of tokens: each of them once, however many tokens have it. */
    uint64_t seen = 0;
    for (size_t at = p->data->offsets[d] + d; at <= p->data->offsets[d + 1] + d; at++)
        seen |= gr_label_bit(l->token_revealed[at]);
    for (int label = -1; label <= l->label_count; label++)
        p->documents[label + 1] += (seen & gr_label_bit(label)) != 0;
}

/* Labels, and how many training documents show each of them. */
static gr_status label_data(gr_project *p, const volatile sig_atomic_t *stop, gr_error *err) {
    const gr_recipe *r = p->recipe;

    /* Topics that are reported apart are a group beside those of the labels. */
    gr_group_def adjacent = {"adjacent", r->adjacent, r->adjacents};
    GR_TRY(gr_labels_make(&p->labels, p->data, p->tokenizer, r->label, r->labels, &adjacent, r->adjacents > 0,
                          r->split_seed, stop, err));

    /* How many training documents show each label: of shards that is known since they were packed. */
    p->documents = gr_alloc(((size_t)r->labels + 2) * sizeof *p->documents);
    for (int k = -1; p->shards && k <= r->labels; k++) {
        p->documents[k + 1] = (size_t)p->shards->revealed[k + 1];
        if (k > 0) /* what is revealed is a matter of the shards */
            p->labels->known[k - 1] = p->documents[k + 1];
    }
    for (size_t i = 0; !p->shards && i < p->data->train_count; i++)
        count_document(p, p->data->train[i]);
    return gr__labels_have_documents(p, err);
}

gr_status gr_task_dataset_ready(gr_project *p, const gr_control *control, gr_error *err) {
    const volatile sig_atomic_t *stop = control ? control->stop : NULL;
    const gr_recipe_data *d = &p->recipe->data;
    double held = gr__recipe_held(p->recipe);

    /* What is held out has two parts, and neither repeats what is trained on. */
    gr_dataset_divide(p->data, held > 0 ? d->test / held : 0);
    if (d->near)
        GR_TRY(gr__project_drop_near(p, stop, err));
    GR_TRY(gr__go_on(stop, "reading the data", err));

    /* The vocabulary is known, and with it the network's last size. */
    GR_TRY(check_from(p, err));
    if (p->tokenizer)
        p->recipe->model.vocab = gr_tokenizer_size(p->tokenizer);

    /* What is true of the documents, what is shown of it, and what routes count by that. */
    GR_TRY(label_data(p, stop, err));
    GR_TRY(gr__token_scores_open(p, err));
    return gr__go_on(stop, "reading the data", err);
}

void gr_task_dataset_close(gr_project *p) {
    gr__token_scores_close(p);
    gr_labels_free(p->labels);
    if (p->shards)
        gr_shards_free(p->shards); /* data is theirs */
    else
        gr_dataset_free(p->data);
    gr_tokenizer_free(p->tokenizer);
    gr_free(p->documents);
    gr_free(p->tokenizer_path);
}

/* ---- what can change a row ---- */

/* Lengths stand before lists, so that no two projects are one row of bytes. */
static void add_list(gr_digest *digest, const void *list, size_t count, size_t size) {
    uint64_t n = list ? count : UINT64_MAX;
    gr_digest_add(digest, &n, sizeof n);
    if (list && count)
        gr_digest_add(digest, list, count * size);
}

/* Names of labels, groups or topics, their number first. */
static void add_names(gr_digest *digest, char *const *names, int count) {
    gr_digest_add(digest, &count, sizeof count);
    for (int i = 0; i < count; i++)
        add_list(digest, names[i], strlen(names[i]), 1);
}

/* Documents or pieces, in tokens or values, what they are about, and which are held out. */
static void add_data(gr_digest *digest, const gr_dataset *data) {
    size_t docs = data->topics.docs;
    const int64_t sizes[] = {data->vocab,
                             data->eot,
                             data->start,
                             data->value_width,
                             (int64_t)data->read,
                             data->apart,
                             (int64_t)data->duplicates,
                             data->used_fallback};
    const double scale[] = {data->mean, data->std};
    gr_digest_add(digest, sizes, sizeof sizes);
    gr_digest_add(digest, scale, sizeof scale);

    /* The documents themselves, and of pieces which document each is of. */
    add_list(digest, data->offsets, docs + 1, sizeof *data->offsets);
    add_list(digest, data->ids, data->offsets[docs], sizeof *data->ids);
    add_list(digest, data->values, docs * (size_t)data->value_width, 1);
    add_list(digest, data->document, docs, sizeof *data->document);
    add_names(digest, data->topics.names, data->topics.count);
    add_list(digest, data->topics.of, docs, sizeof *data->topics.of);

    /* What is trained on, chosen on and reported on, in this order. */
    add_list(digest, data->train, data->train_count, sizeof *data->train);
    add_list(digest, data->validation, data->validation_count, sizeof *data->validation);
    add_list(digest, data->test, data->test_count, sizeof *data->test);
}

/* What is true and what is shown; scores that routes count of their own are theirs. */
static void add_labels(gr_digest *digest, const gr_labels *l, size_t tokens) {
    add_names(digest, l->label_names, l->label_count);
    add_names(digest, l->group_names, l->group_count);
    add_list(digest, l->known, (size_t)l->label_count, sizeof *l->known);
    add_list(digest, l->truth, l->docs, sizeof *l->truth);
    add_list(digest, l->revealed, l->docs, sizeof *l->revealed);
    add_list(digest, l->group, l->docs, sizeof *l->group);
    add_list(digest, l->score, l->docs, sizeof *l->score);
    add_list(digest, l->token_truth, tokens, sizeof *l->token_truth);
    add_list(digest, l->token_revealed, tokens, sizeof *l->token_revealed);
    add_list(digest, l->token_score, tokens, sizeof *l->token_score);
}

void gr_task_dataset_digest(const gr_project *p, gr_digest *digest) {
    static const char *const facts[] = {"rule_labels", "hidden_labels"};
    size_t docs = p->data->topics.docs;
    add_data(digest, p->data);
    add_labels(digest, p->labels, p->data->offsets[docs] + docs);

    /* Facts are in rows too, and a label may hide nothing of so few documents. */
    for (int i = 0; i < 2; i++) {
        bool holds = gr_task_dataset_fact(p, facts[i]);
        gr_digest_add(digest, &holds, sizeof holds);
    }

    /* Training documents that lie in shards, and the words that ids stand for. */
    add_list(digest, p->shards ? p->shards->digest : NULL, p->shards ? strlen(p->shards->digest) : 0, 1);
    if (p->tokenizer)
        gr__tokenizer_digest(p->tokenizer, digest);
}

/* ---- what is asked before, and said of them ---- */

/* Whether training is not told of all documents of a label, or told of others. */
static bool hides(const gr_project *p) {
    const gr_labels *l = p->labels;
    for (int k = 0; k < p->recipe->labels; k++)
        if (p->recipe->label[k].known < 1 || p->recipe->label[k].noise || p->recipe->label[k].hidden_count ||
            p->recipe->label[k].spread)
            return true;
    for (size_t d = 0; d < l->docs; d++)
        if (l->revealed[d] != l->truth[d])
            return true;
    return false;
}

/* Whether some label is what a rule finds: words, patterns, a threshold of scores. */
static bool has_rule(const gr_project *p) {
    for (int k = 0; k < p->recipe->labels; k++) {
        const gr__label_source *source = gr__label_source_of(&p->recipe->label[k]);
        if (source && source->rule)
            return true;
    }
    return false;
}

/* Words that experiments ask by; one that is not known does not hold. */
bool gr_task_dataset_fact(const gr_project *p, const char *word) {
    if (!strcmp(word, "labels"))
        return p->labels->label_count > 0;
    if (!strcmp(word, "hidden_labels"))
        return hides(p);
    if (!strcmp(word, "rule_labels"))
        return has_rule(p);
    return !strcmp(word, "document_labels") && p->labels->label_count > 0 && !p->labels->token_truth;
}

/* Documents, or pieces where these are split. */
static int64_t documents_of(const gr_dataset *data, const uint32_t *docs, size_t count) {
    return (int64_t)(data->apart ? count : gr_dataset_documents(data, docs, count));
}

/* How many documents there are, and what they are for. */
static void add_data_row(gr_ledger *rows, const gr_project *p) {
    const gr_dataset *data = p->data;

    /* Training documents that lie in shards are counted there. */
    int64_t train = p->shards ? p->shards->documents : documents_of(data, data->train, data->train_count);
    int64_t validation = documents_of(data, data->validation, data->validation_count);
    int64_t test = documents_of(data, data->test, data->test_count);

    gr_ledger_begin(rows, "data");
    gr_ledger_count(rows, "documents", train + validation + test);
    gr_ledger_count(rows, "read", (int64_t)data->read);
    gr_ledger_count(rows, "duplicates", (int64_t)data->duplicates);
    gr_ledger_count(rows, "train", train);
    gr_ledger_count(rows, "validation", validation);
    gr_ledger_count(rows, "test", test);
    gr_ledger_count(rows, "used_fallback", data->used_fallback);
    gr_ledger_count(rows, "vocab", data->vocab);

    /* Of what: units of counts, and of losses. */
    gr_ledger_text(rows, "counted", gr_dataset_unit(data));
    gr_ledger_text(rows, "unit", p->task->unit);

    /* What a reader of figures must know of the labels. */
    gr_ledger_count(rows, "rule", has_rule(p));
    gr_ledger_count(rows, "hidden", hides(p));
}

void gr_task_dataset_rows(gr_ledger *rows, const gr_project *p, const gr_groups *groups) {
    const gr_labels *l = p->labels;
    add_data_row(rows, p);

    /* Of each group of the labels all documents, and of each label those that training is told of. */
    for (int g = 0; g < l->group_count; g++) {
        gr_ledger_begin(rows, "group");
        gr_ledger_text(rows, "name", l->group_names[g]);
        gr_ledger_count(rows, "documents", (int64_t)l->group_docs[g]);
    }
    for (int k = 0; k < l->label_count; k++) {
        gr_ledger_begin(rows, "label");
        gr_ledger_text(rows, "name", l->label_names[k]);
        gr_ledger_count(rows, "known", (int64_t)l->known[k]);
    }

    /* Of each group that is measured apart what is held out. */
    for (int g = 0; groups && g < groups->count; g++) {
        gr_ledger_begin(rows, "measured");
        gr_ledger_text(rows, "name", groups->group[g].name);
        gr_ledger_count(rows, "test", (int64_t)groups->group[g].tests);
        gr_ledger_count(rows, "validation", (int64_t)groups->group[g].validations);
    }
}

gr_status gr_task_network(gr_arch_def **def, gr_model **model, const gr_project *p, gr_error *err) {
    GR_TRY(gr__network_new(model, p->recipe, err));
    *def = gr_arch_copy(&p->recipe->model);
    return GR_OK;
}

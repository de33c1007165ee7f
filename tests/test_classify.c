/* A classifier of documents: it finds what nobody told it of where words say so, nothing where they do not, and sees no
 * label that is hidden. */
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/classify.h"
#include "label/logistic.h"
#include "label_helpers.h"

enum { DOCS = 1500, WORDS = 24 };

static uint64_t draw(uint64_t i, uint32_t j) { return gr_random_bits((gr_key){11, GR_STREAM_TEST, 4}, i, j); }
static bool is_tree(uint64_t d) { return draw(d, 0) % 5 == 0; }

/* Documents of common words; in a fifth of them, of topic tree, a quarter of the words are of that topic. The topic
 * coin has nothing to do with words. */
static size_t write_corpus(char *text, size_t room) {
    size_t used = 0;
    for (uint64_t d = 0; d < DOCS; d++) {
        used += (size_t)snprintf(text + used, room - used, "{\"label\": \"%s\", \"coin\": \"%s\", \"text\": \"%s",
                                 is_tree(d) ? "tree" : "other", draw(d, 1) % 5 ? "tails" : "heads",
                                 draw(d, 2) % 2 ? "" : "The ");
        for (uint32_t i = 0; i < WORDS; i++) {
            bool own = is_tree(d) && draw(d, 100 + i) % 4 == 0;
            used += (size_t)snprintf(text + used, room - used, own ? "%s%d " : "%s%d, ",
                                     own ? (i % 2 ? "Tree" : "tree") : "w", (int)(draw(d, 200 + i) % (own ? 60 : 300)));
        }
        used += (size_t)snprintf(text + used, room - used, "\"}\n");
    }
    return used;
}

static int make_world(void **state) {
    static world w;
    static char text[DOCS * (WORDS * 9 + 80)];
    static const char *const fields[] = {"coin"};
    gr_error err = {0};
    if (gr_test_files_setup(state))
        return -1;

    gr_source source = gr_source_default();
    source.reader = "jsonl";
    source.path = gr_test_write("corpus.jsonl", text, write_corpus(text, sizeof text));
    gr_test_ok(gr_corpus_open(
                   &w.corpus,
                   &(gr_corpus_def){.sources = &source, .source_count = 1, .fields = fields, .field_count = 1}, &err),
               &err);
    gr_test_ok(gr_tokenizer_train(&w.tokenizer, w.corpus->texts, w.corpus->topics.docs, 300, NULL, &err), &err);
    gr_test_ok(gr_dataset_new(&w.data, w.corpus, w.tokenizer, &(gr_dataset_def){.validation = 0.1, .seed = 1}, &err),
               &err);
    *state = &w;
    return 0;
}

/* Labels of the topic, or of the coin. */
static gr_labels *labels_of(const world *w, bool coin, double known, gr_hidden hidden_as) {
    static const char *const tree[] = {"tree"}, *const heads[] = {"heads"};
    gr_label_def def = {.name = "it", .known = known, .hidden_as = hidden_as};
    def.from[0] = (gr_label_arg){"is", .texts = coin ? heads : tree, .count = 1};
    if (coin)
        def.from[1] = (gr_label_arg){"field", .text = "coin"};
    gr_labels *labels;
    gr_error err = {0};
    gr_test_ok(gr_labels_make(&labels, w->data, w->tokenizer, &def, 1, NULL, 0, 5, NULL, &err), &err);
    return labels;
}

static gr_spread_report classify(float *score, bool *known, const world *w, const gr_labels *labels,
                                 const gr_spread_def *def) {
    gr_spread_report report;
    gr_error err = {0};
    gr_test_ok(gr_classify(score, known, &report, w->data, w->tokenizer, labels, 1, def, &err), &err);
    return report;
}

/* ---- what it finds ---- */

static void finds_what_is_hidden(void **state) {
    const world *w = *state;
    static float score[DOCS];
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_UNLABELLED);
    gr_spread_def def = gr_spread_default();
    gr_spread_report r = classify(score, NULL, w, labels, &def);
    assert_true(r.hidden_auc > 0.95 && r.auc > 0.85); /* the hidden count as others */
    assert_true(r.recall >= 0.9 && r.recall < 0.92);
    assert_true(r.hidden_recall > 0.8 && r.core_lost < 0.2);

    /* Every document that is held out is scored too. */
    size_t right = 0;
    for (size_t i = 0; i < w->data->validation_count; i++) {
        uint32_t d = w->data->validation[i];
        right += ((double)score[d] >= r.threshold) == (labels->truth[d] == 1);
    }
    assert_true((double)right > 0.85 * (double)w->data->validation_count);
    gr_labels_free(labels);
}

/* By out-of-fold scores. Scores of a fit that has seen the documents would tell them apart all the same: there are more
 * words than documents. */
static void finds_nothing_where_words_say_nothing(void **state) {
    const world *w = *state;
    static float score[DOCS];
    gr_labels *labels = labels_of(w, true, 0.5, GR_HIDDEN_UNLABELLED);
    gr_spread_def def = gr_spread_default();
    gr_spread_report r = classify(score, NULL, w, labels, &def);
    assert_true(r.auc > 0.4 && r.auc < 0.6);
    assert_true(r.hidden_auc > 0.4 && r.hidden_auc < 0.6);
    assert_true(r.core_lost > 0.7); /* nine tenths of the known for nine tenths of the rest */
    gr_labels_free(labels);
}

/* Neither what is true nor how it is hidden reaches the scores. */
static void sees_no_hidden_label(void **state) {
    const world *w = *state;
    static float a[DOCS], b[DOCS], c[DOCS];
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_UNLABELLED),
              *core = labels_of(w, false, 0.5, GR_HIDDEN_CORE);
    gr_spread_def def = gr_spread_default();
    def.lost = 0.1;
    gr_spread_report x = classify(a, NULL, w, labels, &def), y = classify(b, NULL, w, core, &def);
    assert_memory_equal(a, b, sizeof a);
    assert_true(x.threshold == y.threshold && x.auc == y.auc && x.found == y.found);

    /* Another truth: the same scores, another report. */
    for (uint32_t d = 0; d < DOCS; d++)
        core->truth[d] = (int16_t)(draw(d, 3) % 2);
    y = classify(c, NULL, w, core, &def);
    assert_memory_equal(a, c, sizeof a);
    assert_true(x.threshold == y.threshold && x.lost == y.lost && x.found == y.found);
    assert_true(x.hidden_auc > 0.95 && y.hidden_auc < 0.6);
    gr_labels_free(labels);
    gr_labels_free(core);
}

/* What is said of held-out documents changes no score of a training document. */
static void held_out_documents_are_not_fitted_on(void **state) {
    const world *w = *state;
    static float a[DOCS], b[DOCS];
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_CORE);
    gr_spread_def def = gr_spread_default();
    classify(a, NULL, w, labels, &def);
    for (size_t i = 0; i < w->data->validation_count; i++)
        labels->revealed[w->data->validation[i]] = (int16_t)(i % 2);
    classify(b, NULL, w, labels, &def);
    for (size_t i = 0; i < w->data->train_count; i++)
        assert_true(a[w->data->train[i]] == b[w->data->train[i]]);
    gr_labels_free(labels);
}

/* ---- thresholds and reports, the slow way ---- */

/* Shares from a threshold on: of known training documents, and of the text of the others. */
static void shares(double *known, double *text, const world *w, const gr_labels *labels, const float *score,
                   double from) {
    double found[2] = {0}, all[2] = {0};
    for (size_t i = 0; i < w->data->train_count; i++) {
        uint32_t d = w->data->train[i];
        int other = labels->revealed[d] != 1;
        double much = other ? (double)(w->data->offsets[d + 1] - w->data->offsets[d] + 1) : 1;
        all[other] += much;
        found[other] += (double)score[d] >= from ? much : 0;
    }
    *known = found[0] / all[0];
    *text = found[1] / all[1];
}

static void thresholds_are_as_asked(void **state) {
    const world *w = *state;
    static float score[DOCS];
    static const double lost[] = {0, 0.01, 0.05, 1}, recall[] = {0.5, 0.9, 1};
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_UNLABELLED);
    for (int i = 0; i < 6; i++) {
        gr_spread_def def = gr_spread_default();
        def.lost = i < 3 ? lost[i + 1] : 0;
        def.recall = i < 3 ? 0.9 : recall[i - 3];
        gr_spread_report r = classify(score, NULL, w, labels, &def);
        double known, text, known_above, text_below, unused, below = 0;
        shares(&known, &text, w, labels, score, r.threshold);
        assert_true(fabs(known - r.recall) < 1e-12 && fabs(text - r.lost) < 1e-12);

        /* The next score above would find too few, the next one below lose too much. */
        for (size_t k = 0; k < w->data->train_count; k++) {
            double s = (double)score[w->data->train[k]];
            below = s < r.threshold && s > below ? s : below;
        }
        shares(&known_above, &unused, w, labels, score, r.threshold + 1e-9);
        shares(&unused, &text_below, w, labels, score, below);
        if (i < 3)
            assert_true(text <= def.lost && (text_below > def.lost || text == 1));
        else
            assert_true(known >= def.recall && known_above < def.recall);
    }
    gr_labels_free(labels);
}

/* The chance that a hidden document has a higher score than one of the core, pair by pair. */
static void auc_is_that_of_all_pairs(void **state) {
    const world *w = *state;
    static float score[DOCS];
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_UNLABELLED);
    gr_spread_def def = gr_spread_default();
    gr_spread_report r = classify(score, NULL, w, labels, &def);
    double above = 0, pairs = 0;
    for (size_t i = 0; i < w->data->train_count; i++)
        for (size_t j = 0; j < w->data->train_count; j++) {
            uint32_t a = w->data->train[i], b = w->data->train[j];
            if (labels->truth[a] != 1 || labels->revealed[a] == 1 || labels->truth[b] == 1)
                continue;
            above += score[a] > score[b] ? 1 : score[a] < score[b] ? 0 : 0.5;
            pairs++;
        }
    assert_true(fabs(above / pairs - r.hidden_auc) < 1e-12);
    gr_labels_free(labels);
}

/* ---- the fit ---- */

/* Capitals and what stands between words do not count, their order does; a word that one document has is left out. */
static void a_bag_is_of_words_and_pairs(void **state) {
    (void)state;
    static const char text[] =
        "A Tree, grows<|endoftext|>a tree GROWS<|endoftext|>grows a tree<|endoftext|>tree tree x";
    world w;
    gr_error err = {0};
    gr__bag *bag;
    gr_test_ok(world_open_text(&w, text, strlen(text)), &err);
    gr_test_ok(gr__bag_new(&bag, w.data, w.tokenizer, NULL, &err), &err);

    /* a, tree, grows, "a tree", "tree grows", which the third document does not have; of the last one tree alone. */
    static const size_t most[] = {5, 5, 4, 1};
    for (size_t d = 0; d < 4; d++)
        assert_int_equal(bag->start[d + 1] - bag->start[d], most[d]);
    assert_int_equal(bag->features, 5);
    assert_memory_equal(bag->feature, bag->feature + 5, 5 * sizeof *bag->feature);
    for (int i = 0; i < 5; i++)
        assert_true(fabsf(bag->value[i] - sqrtf(0.2f)) < 1e-6f);
    gr__bag_free(bag);
    gr_corpus_free(w.corpus);
    gr_tokenizer_free(w.tokenizer);
    gr_dataset_free(w.data);
}

/* At the minimum the gradient is 0: each weight is the sum of what rows say, by the penalty. */
static void the_fit_is_a_minimum(void **state) {
    const world *w = *state;
    gr_error err = {0};
    gr__bag *bag;
    gr_test_ok(gr__bag_new(&bag, w->data, w->tokenizer, NULL, &err), &err);
    uint8_t *kind = gr_alloc(DOCS);
    double *weight = gr_alloc((bag->features + 1) * sizeof *weight), *g = gr_alloc((bag->features + 1) * sizeof *g);
    for (uint32_t d = 0; d < DOCS; d++)
        kind[d] = d % 7 == 0 ? GR__ROW_OUT : is_tree(d) ? GR__ROW_POSITIVE : GR__ROW_OTHER;
    gr__logistic_fit(weight, bag, kind, 0.5, NULL);

    for (size_t d = 0; d < DOCS; d++) {
        double square = 0, p = 1 / (1 + exp(-gr__logistic_margin(weight, bag, d)));
        double more = kind[d] == GR__ROW_OUT ? 0 : p - (kind[d] == GR__ROW_POSITIVE);
        for (size_t i = bag->start[d]; i < bag->start[d + 1]; i++) {
            g[bag->feature[i]] += more * (double)bag->value[i];
            square += (double)bag->value[i] * (double)bag->value[i];
        }
        g[bag->features] += more;
        assert_true(fabs(square - 1) < 1e-5);
    }
    for (size_t j = 0; j <= bag->features; j++)
        assert_true(fabs(g[j] + (j < bag->features ? 0.5 * weight[j] : 0)) < 1e-6);
    gr_free(kind);
    gr_free(weight);
    gr_free(g);
    gr__bag_free(bag);
}

static void threads_change_no_bit(void **state) {
    const world *w = *state;
    static float one[DOCS], two[DOCS];
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_UNLABELLED);
    gr_spread_def def = gr_spread_default();
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    classify(one, NULL, w, labels, &def);
    omp_set_num_threads(2);
    classify(two, NULL, w, labels, &def);
    omp_set_num_threads(threads);
    assert_memory_equal(one, two, sizeof one);

    /* Another seed is another draw of the parts. */
    def.seed = 2;
    classify(two, NULL, w, labels, &def);
    assert_true(memcmp(one, two, sizeof one) != 0);
    gr_labels_free(labels);
}

/* ---- labels ---- */

static void labels_are_spread(void **state) {
    const world *w = *state;
    static float score[DOCS];
    gr_error err = {0};
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_CORE), *spread;
    gr_spread_def def = gr_spread_default();
    gr_spread_report r = classify(score, NULL, w, labels, &def), of;
    gr_test_ok(gr_labels_spread(&spread, &of, w->data, w->tokenizer, labels, &def, &err), &err);
    assert_memory_equal(&r, &of, sizeof r);
    assert_null(spread->score);
    for (uint32_t d = 0; d < DOCS; d++) {
        bool shown = labels->revealed[d] == 1 || (double)score[d] >= r.threshold;
        assert_int_equal(spread->revealed[d], shown ? 1 : labels->revealed[d]);
        assert_int_equal(spread->truth[d], labels->truth[d]);
    }
    gr_labels_free(spread);

    /* Soft: what is found has a score, what is known the full one; hidden documents have higher ones than the core. */
    def.soft = true, def.lost = 1;
    gr_test_ok(gr_labels_spread(&spread, NULL, w->data, w->tokenizer, labels, &def, &err), &err);
    double hidden = 0, of_hidden = 0, core = 0, of_core = 0;
    for (uint32_t d = 0; d < DOCS; d++) {
        assert_int_equal(spread->revealed[d], 1);
        assert_true(spread->score[d] > 0 && spread->score[d] <= 1);
        assert_true(labels->revealed[d] != 1 || spread->score[d] == 1);
        if (labels->revealed[d] == 1)
            continue;
        *(labels->truth[d] ? &hidden : &core) += (double)spread->score[d];
        *(labels->truth[d] ? &of_hidden : &of_core) += 1;
    }
    assert_true(hidden / of_hidden > 4 * core / of_core);
    gr_labels_free(spread);
    gr_labels_free(labels);
}

/* A label that is spread where it is made is what gr_labels_spread makes of it. */
static void a_label_is_made_spread(void **state) {
    const world *w = *state;
    static const char *const tree[] = {"tree"};
    gr_error err = {0};
    gr_spread_def spread = gr_spread_default();
    spread.lost = 0.2, spread.soft = true, spread.from = 90;
    gr_label_def def = {.name = "it", .from = {{"is", .texts = tree, .count = 1}}, .known = 0.5, .spread = &spread};
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_UNLABELLED), *made, *other;
    gr_test_ok(gr_labels_make(&made, w->data, w->tokenizer, &def, 1, NULL, 0, 5, NULL, &err), &err);
    spread.seed = 5; /* that of the labels */
    gr_test_ok(gr_labels_spread(&other, NULL, w->data, w->tokenizer, labels, &spread, &err), &err);
    assert_memory_equal(made->revealed, other->revealed, DOCS * sizeof *made->revealed);
    assert_memory_equal(made->truth, labels->truth, DOCS * sizeof *made->truth);
    assert_memory_equal(made->score, other->score, DOCS * sizeof *made->score);
    assert_int_equal(made->known[0], 90);
    gr_labels_free(made);
    gr_labels_free(other);
    gr_labels_free(labels);

    /* Topics alone have no words. */
    assert_int_equal(gr_labels_new(&made, &w->data->topics, &def, 1, NULL, 0, 5, &err), GR_ERR_USAGE);
}

/* As if fewer were known: a smaller number is a part of a larger one, and who is known no more has to be found. */
static void few_may_be_known(void **state) {
    const world *w = *state;
    static float score[DOCS];
    static bool few[DOCS], more[DOCS];
    gr_error err = {0};
    gr_labels *labels = labels_of(w, false, 1, GR_HIDDEN_CORE), *spread;
    gr_spread_def def = gr_spread_default();
    def.from = 100;
    classify(score, more, w, labels, &def);
    def.from = 50;
    gr_spread_report r = classify(score, few, w, labels, &def);
    gr_test_ok(gr_labels_spread(&spread, NULL, w->data, w->tokenizer, labels, &def, &err), &err);

    size_t known = 0, train = 0;
    for (uint32_t d = 0; d < DOCS; d++) {
        assert_true(labels->revealed[d] == 1 || !few[d]);
        assert_true(more[d] || !few[d]);
        known += few[d];
        int16_t lost = labels->revealed[d] == 1 ? GR_LABEL_UNLABELLED : GR_LABEL_CORE;
        assert_int_equal(spread->revealed[d], few[d] || (double)score[d] >= r.threshold ? 1 : lost);
    }
    for (size_t i = 0; i < w->data->train_count; i++)
        train += few[w->data->train[i]];
    assert_true(known == 50 && train == r.known && train > 35 && train < 50);
    assert_true(r.hidden_auc > 0.8); /* those that are known no more are among the hidden */
    gr_labels_free(spread);
    gr_labels_free(labels);
}

/* Pieces of a document have its score, and its label. */
static void pieces_are_of_their_document(void **state) {
    const world *w = *state;
    static float whole[DOCS];
    gr_error err = {0};
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_CORE), *cut;
    gr_spread_def def = gr_spread_default();
    gr_spread_report r = classify(whole, NULL, w, labels, &def), of;

    /* The same documents, in pieces of 20 tokens. */
    world pieces = *w;
    gr_test_ok(
        gr_dataset_new(&pieces.data, w->corpus, w->tokenizer, &(gr_dataset_def){.validation = 0.1, .seed = 1}, &err),
        &err);
    gr_test_ok(gr_dataset_pieces(&pieces.data, &(gr_pieces_def){.width = 20, .seed = 1}, &err), &err);
    cut = labels_of(&pieces, false, 0.5, GR_HIDDEN_CORE);
    assert_true(cut->docs > 2 * DOCS);
    float *score = gr_alloc(cut->docs * sizeof *score);
    of = classify(score, NULL, &pieces, cut, &def);
    for (size_t p = 0; p < cut->docs; p++)
        assert_true(score[p] == whole[pieces.data->document[p]]);
    assert_true(of.known == r.known && of.found == r.found && of.hidden_auc == r.hidden_auc);
    gr_free(score);
    gr_labels_free(cut);
    gr_labels_free(labels);
    gr_dataset_free(pieces.data);
}

/* ---- what it refuses ---- */

/* What was fitted is not fitted again, whatever the threshold; another label, or fewer known documents, is. */
static void the_same_is_fitted_once(void **state) {
    const world *w = *state;
    static float a[DOCS], b[DOCS], c[DOCS];
    static const volatile sig_atomic_t stop = 1;
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_UNLABELLED);
    gr_spread_def def = gr_spread_default(), few = def, alone = def;
    gr_error err = {0};
    def.fits = few.fits = gr_fits_new();
    gr_spread_report x = classify(a, NULL, w, labels, &def);
    assert_int_equal(gr_fits_count(def.fits), 1);

    /* Nobody can stop a fit that there is no need for. */
    def.stop = &stop;
    def.lost = 0.1;
    gr_spread_report y = classify(b, NULL, w, labels, &def), z;
    assert_int_equal(gr_fits_count(def.fits), 1);
    assert_memory_equal(a, b, sizeof a);
    assert_true(x.auc == y.auc && x.threshold != y.threshold);

    /* Fewer known documents: as without what was kept. */
    few.from = alone.from = 20;
    few.stop = &stop;
    assert_int_equal(gr_classify(b, NULL, &z, w->data, w->tokenizer, labels, 1, &few, &err), GR_ERR_INTERRUPTED);
    assert_int_equal(gr_fits_count(def.fits), 1);
    few.stop = NULL;
    z = classify(b, NULL, w, labels, &few);
    y = classify(c, NULL, w, labels, &alone);
    assert_int_equal(gr_fits_count(def.fits), 2);
    assert_memory_equal(b, c, sizeof b);
    assert_true(z.auc == y.auc && z.threshold == y.threshold && memcmp(a, b, sizeof a) != 0);
    gr_fits_free(def.fits);
    gr_labels_free(labels);
}

static void refuses(void **state) {
    const world *w = *state;
    static float score[DOCS];
    gr_error err = {0};
    gr_labels *labels = labels_of(w, false, 0.5, GR_HIDDEN_CORE), *few = labels_of(w, false, 0.03, GR_HIDDEN_CORE);
    gr_spread_def def = gr_spread_default(), wrong = def;
    assert_int_equal(gr_classify(score, NULL, NULL, w->data, NULL, labels, 1, &def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "no text"));
    err = (gr_error){0};
    assert_int_equal(gr_classify(score, NULL, NULL, w->data, w->tokenizer, few, 1, &def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "are known to have"));
    err = (gr_error){0};
    wrong.recall = 0;
    assert_int_equal(gr_classify(score, NULL, NULL, w->data, w->tokenizer, labels, 1, &wrong, &err), GR_ERR_USAGE);
    wrong = def, wrong.lost = 1.5;
    assert_int_equal(gr_classify(score, NULL, NULL, w->data, w->tokenizer, labels, 1, &wrong, &err), GR_ERR_USAGE);

    /* Labels of tokens. */
    err = (gr_error){0};
    gr_labels tokens = *labels;
    tokens.token_revealed = labels->revealed;
    assert_int_equal(gr_classify(score, NULL, NULL, w->data, w->tokenizer, &tokens, 1, &def, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "of tokens"));

    /* Somebody stopped it. */
    volatile sig_atomic_t stop = 1;
    gr_labels *spread;
    def.stop = &stop;
    assert_int_equal(gr_labels_spread(&spread, NULL, w->data, w->tokenizer, labels, &def, &err), GR_ERR_INTERRUPTED);
    assert_null(spread);
    gr_labels_free(few);
    gr_labels_free(labels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_hidden),         cmocka_unit_test(finds_nothing_where_words_say_nothing),
        cmocka_unit_test(sees_no_hidden_label),         cmocka_unit_test(held_out_documents_are_not_fitted_on),
        cmocka_unit_test(thresholds_are_as_asked),      cmocka_unit_test(auc_is_that_of_all_pairs),
        cmocka_unit_test(a_bag_is_of_words_and_pairs),  cmocka_unit_test(the_fit_is_a_minimum),
        cmocka_unit_test(threads_change_no_bit),        cmocka_unit_test(labels_are_spread),
        cmocka_unit_test(a_label_is_made_spread),       cmocka_unit_test(few_may_be_known),
        cmocka_unit_test(pieces_are_of_their_document), cmocka_unit_test(refuses),
        cmocka_unit_test(the_same_is_fitted_once),
    };
    return cmocka_run_group_tests(tests, make_world, world_free);
}

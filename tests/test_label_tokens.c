/* test_label_tokens.c - labels of single tokens, and the tokens that a dimension stands for. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/arch.h"
#include "gradroute/measure.h"
#include "label_helpers.h"

static int make_world(void **state) {
    static world w;
    char text[8192];
    size_t used = 0;
    if (gr_test_files_setup(state))
        return -1;
    for (int i = 0; i < 60; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s the tree number %d is a treetop.<|endoftext|>",
                                 i % 2 ? "In" : "tree:", i);
    if (world_open_text(&w, text, used) != GR_OK)
        return -1;
    *state = &w;
    return 0;
}

static gr_status make(gr_labels **labels, const world *w, const char *token, gr_label_per per, gr_error *err) {
    const char *const list[] = {token, " number"};
    gr_label_def def = {.name = "words", .known = 1, .from = {{"tokens", .texts = list, .count = 2}}, .per = per};
    return gr_labels_make(labels, w->data, w->tokenizer, &def, 1, NULL, 0, 5, NULL, err);
}

/* Exactly the positions that predict one of the tokens, and never the end of a document. */
static void positions(void **state) {
    world *w = *state;
    gr_labels *labels;
    gr_error err = {0};
    gr_test_ok(make(&labels, w, " tree", GR_PER_TOKEN, &err), &err);
    int labelled = 0, inside = 0;
    for (size_t d = 0; d < labels->docs; d++) {
        size_t first = w->data->offsets[d], n = w->data->offsets[d + 1] - first;
        for (size_t i = 0; i <= n; i++) {
            size_t length = 0;
            const char *text = i < n ? gr_tokenizer_token(w->tokenizer, w->data->ids[first + i], &length) : "";
            bool one = (length == 5 && !memcmp(text, " tree", 5)) || (length == 7 && !memcmp(text, " number", 7));
            assert_int_equal(labels->token_revealed[first + d + i], one);
            assert_int_equal(labels->token_truth[first + d + i], one);
            labelled += one;
            inside += one && length == 5;
        }
    }
    assert_true(labelled >= 120 && inside >= 60); /* " tree" of " treetop" too where the tokenizer cuts it so */
    gr_labels_free(labels);
}

/* Bytes of what counts: of all of a document, of what its row holds, of labelled tokens alone. */
static void scored_bytes(void **state) {
    world *w = *state;
    gr_labels *labels;
    gr_error err = {0};
    gr_test_ok(make(&labels, w, " tree", GR_PER_TOKEN, &err), &err);
    char *text = NULL;
    size_t capacity = 0;
    for (uint32_t d = 0; d < labels->docs; d++) {
        size_t first = w->data->offsets[d], n = w->data->offsets[d + 1] - first;
        for (size_t width = 1; width <= n + 2; width++) {
            size_t held = width < n ? width : n, all = 0, some = 0, labelled = 0;
            gr_tokenizer_decode(w->tokenizer, &text, &all, &capacity, w->data->ids + first, held);
            for (size_t i = 0; i < held; i++)
                if (labels->token_truth[first + d + i] > 0) {
                    gr_tokenizer_decode(w->tokenizer, &text, &some, &capacity, w->data->ids + first + i, 1);
                    labelled++;
                }
            gr_scored whole = gr_dataset_scored(w->data, NULL, w->tokenizer, d, (int)width),
                      part = gr_dataset_scored(w->data, labels, w->tokenizer, d, (int)width);
            assert_int_equal(whole.tokens, width < n + 1 ? width : n + 1);
            assert_int_equal(whole.bytes, all);
            assert_int_equal(part.tokens, labelled);
            assert_int_equal(part.bytes, some);
        }
    }
    gr_free(text);
    gr_labels_free(labels);
}

static void mistakes(void **state) {
    world *w = *state;
    gr_labels *labels;
    gr_error err = {0};
    assert_int_equal(make(&labels, w, " zebra", GR_PER_TOKEN, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "no token \" zebra\""));
    assert_non_null(strstr(err.hint, "\"z\""));
    err = (gr_error){0};
    assert_int_equal(make(&labels, w, "<|endoftext|>", GR_PER_TOKEN, &err), GR_ERR_USAGE);
    err = (gr_error){0};
    assert_int_equal(make(&labels, w, " tree", GR_PER_DOCUMENT, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.message, "not per token"));
}

static void cosines(void **state) {
    (void)state;
    enum { V = 9, D = 4 };
    gr_arch_def def = gr_arch_default();
    def.vocab = V, def.context = 8, def.layers = 1, def.width = D, def.heads = 1;
    for (int tied = 0; tied < 2; tied++) {
        gr_model *model;
        gr_error err = {0};
        gr_token_cosine *list;
        int count;
        def.tied = tied;
        gr_test_ok(gr_arch_build(&model, &def, 2, &err), &err);
        gr_real *u = gr_model_data(model, gr_model_find(model, tied ? "embed" : "unembed"));
        memset(u, 0, V * D * sizeof *u);
        for (int t = 1; t < V; t++) /* row t: t in dimension 2, with a sign, and 3 in dimension 0; row 0 stays 0 */
            u[t * D + 2] = (gr_real)(t % 2 ? t : -t), u[t * D] = 3;
        gr_test_ok(gr_token_cosines(&list, &count, model, 2, &err), &err);
        assert_int_equal(count, V);
        for (int i = 0; i < V; i++) {
            int t = V - 1 - i;
            assert_int_equal(list[i].token, t);
            assert_true(fabs(list[i].cosine - (t % 2 ? t : -t) / sqrt(t * t + 9)) < 1e-7);
        }
        gr_free(list);
        assert_int_equal(gr_token_cosines(&list, &count, model, D, &err), GR_ERR_USAGE);
        assert_null(list);
        gr_model_free(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions),
        cmocka_unit_test(scored_bytes),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(cosines),
    };
    return cmocka_run_group_tests_name("tokens", tests, make_world, world_free);
}

/* gradroute inspect MODEL --dimension: the tokens that a residual dimension stands for. */
#include "inspect_dimension.h"

#include "base/mem.h"
#include "gradroute/measure.h"

static json_t *tokens_json(const gr_tokenizer *tokenizer, const gr_token_cosine *list, int top) {
    json_t *tokens = json_array();
    for (int i = 0; i < top; i++) {
        size_t length;
        const char *text = gr_tokenizer_token(tokenizer, list[i].token, &length);
        json_array_append_new(tokens, json_pack("{s:i, s:o, s:o}", "id", list[i].token, "token",
                                                gr_json_bytes(text ? text : "", length), "cosine",
                                                gr__json_real(list[i].cosine)));
    }
    return tokens;
}

/* The first `top` of the list, each token as a JSON text. */
static void print_tokens(const gr_tokenizer *tokenizer, const gr_token_cosine *list, int top) {
    printf("  %6s  %-24s %8s\n", "id", "token", "cosine");
    for (int i = 0; i < top; i++) {
        size_t length;
        const char *text = gr_tokenizer_token(tokenizer, list[i].token, &length);
        json_t *value = gr_json_bytes(text ? text : "", length);
        char *quoted = json_dumps(value, JSON_ENCODE_ANY);
        printf("  %6d  %-24s %8.4f\n", list[i].token, quoted ? quoted : "", list[i].cosine);
        free(quoted);
        json_decref(value);
    }
}

/* The tokens along a dimension, as a table or as an object. */
static gr_status show(const gr__common *common, const gr_bundle *bundle, const gr_tokenizer *tokenizer, int dimension,
                      int top, gr_error *err) {
    /* All tokens of the vocabulary, the largest cosines first. */
    gr_token_cosine *list;
    int count;
    GR_TRY(gr_token_cosines(&list, &count, bundle->model, dimension, err));
    top = top < count ? top : count;

    if (common->json) {
        gr__print_json(json_pack("{s:o, s:i, s:o}", "model", gr_json_text(common->input), "dimension", dimension,
                                 "tokens", tokens_json(tokenizer, list, top)));
    } else {
        printf("tokens whose row of the output matrix points most along residual dimension %d\n", dimension);
        print_tokens(tokenizer, list, top);
    }

    gr_free(list);
    return GR_OK;
}

gr_status gr__inspect_dimension(const gr__common *common, int dimension, int top, gr_error *err) {
    gr_bundle *bundle;
    gr_tokenizer *tokenizer;
    GR_TRY(gr__open_model(&bundle, common->input, err));
    gr_status status = gr_bundle_tokenizer(&tokenizer, bundle, err);
    if (status == GR_OK) {
        status = show(common, bundle, tokenizer, dimension, top, err);
        gr_tokenizer_free(tokenizer);
    }
    gr_bundle_free(bundle);
    return status;
}

/* Which tokens a residual dimension stands for. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gradroute/measure.h"

/* The largest first, whatever its sign; of equals the smaller token. */
static int by_size(const void *a, const void *b) {
    const gr_token_cosine *x = a, *y = b;
    double p = fabs(x->cosine), q = fabs(y->cosine);
    return p != q ? (p < q) - (p > q) : (x->token > y->token) - (x->token < y->token);
}

gr_status gr_token_cosines(gr_token_cosine **out, int *count, gr_model *model, int dimension, gr_error *err) {
    gr_param p = gr_model_find(model, "unembed");
    *out = NULL;

    /* The matrix that makes logits; of tied embeddings it is the one that reads tokens too. */
    if (p == GR_NONE)
        p = gr_model_find(model, "embed");
    if (p == GR_NONE)
        return gr_error_set(err, GR_ERR_USAGE, "model", NULL, "the network has no output matrix over tokens");
    const gr_param_def *def = gr_model_param(model, p);
    if (dimension < 0 || dimension >= def->cols)
        return gr_error_set(err, GR_ERR_USAGE, "model", "dimensions count from 0",
                            "there is no residual dimension %d: the core has %d", dimension, def->cols);

    /* U_td / |U_t| of each token: a row that is all 0 points nowhere. */
    gr_token_cosine *list = gr_alloc((size_t)def->rows * sizeof *list);
    for (int t = 0; t < def->rows; t++) {
        const gr_real *row = gr_model_data(model, p) + (size_t)t * (size_t)def->cols;
        double square = 0;
        for (int j = 0; j < def->cols; j++)
            square += (double)row[j] * (double)row[j];
        list[t] = (gr_token_cosine){t, square > 0 ? (double)row[dimension] / sqrt(square) : 0};
    }

    qsort(list, (size_t)def->rows, sizeof *list, by_size);
    *out = list;
    *count = def->rows;
    return GR_OK;
}

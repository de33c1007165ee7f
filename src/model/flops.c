/* flops.c - operations that a row costs in its products with parameters: a multiplication and an addition for each
 * number that it meets. */
#include "model/running.h"

/* Product i of a node, if it has so many. */
static bool product_of(const gr_node *node, int i, gr_op_product *product) {
    return node->op->product && node->op->product(node, i, product);
}

double gr_model_flops(const gr_model *model) {
    gr_op_product product;
    double sum = 0;
    for (size_t n = 0; n < model->graph->nodes; n++)
        for (int i = 0; product_of(&model->graph->node[n], i, &product); i++)
            sum += 2 * product.numbers;
    return sum;
}

/* ---- by class: as bind.c finds it for a block of rows of one class ---- */

/* Whether a node is a tap that is off for the class. */
static bool switched_off(const gr_tables *t, const gr_node *node, int cls) {
    if (node->point == GR_NONE)
        return false;
    for (int r = t->range_at[node->point]; r < t->range_at[node->point + 1]; r++) {
        const int set = t->range[r].forward;
        if (set == GR_NONE || (t->set[set].gate[cls] != 0 && t->set[set].w[cls] != 0))
            return false;
    }
    return true;
}

/* zero[node]: its result is known to be 0. */
static void find_zero(bool *zero, const gr_run *run, int cls) {
    const gr_graph *g = run->model->graph;
    for (size_t n = 0; n < g->nodes; n++) {
        const gr_node *node = &g->node[n];
        bool inputs = node->inputs > 0 && (node->op->keeps_zero || node->op->view);
        for (int i = 0; inputs && i < node->inputs; i++)
            inputs = zero[node->in[i]];
        zero[n] = inputs || switched_off(run->tables, node, cls);
    }
}

/* live[node]: a loss or an output needs it. */
static void find_live(bool *live, const bool *zero, const gr_run *run, int cls) {
    const gr_graph *g = run->model->graph;
    for (size_t i = 0; i < g->losses; i++)
        live[g->loss[i].value] = true;
    for (size_t i = 0; i < g->outputs; i++)
        live[g->output[i].value] = true;

    /* What is needed needs its inputs, but for those that it does not read. */
    for (size_t n = g->nodes; n-- > 0;) {
        const gr_node *node = &g->node[n];
        for (int i = 0; live[n] && i < node->inputs; i++)
            if (!(node->op->skips_zero && zero[node->in[i]]) && !switched_off(run->tables, node, cls))
                live[node->in[i]] = true;
    }
}

/* Numbers of a parameter's columns [lo, hi) that rows of the class may write. */
static double open_numbers(const gr_tables *t, int param, int lo, int hi, int cls) {
    double sum = 0;
    for (int s = t->slice_at[param]; s < t->slice_at[param + 1]; s++) {
        const gr_rect *r = &t->slice[s].rect;
        const int left = r->lo1 > lo ? r->lo1 : lo, right = r->hi1 < hi ? r->hi1 : hi;
        if (left < right && gr_tables_weight(t, s, cls) != 0)
            sum += (double)(r->hi0 - r->lo0) * (right - left);
    }
    return sum;
}

/* Forward; of a training run also the gradient of the input, where one is wanted, and of what is open of the parameter.
 */
static double cost_of(const gr_run *run, const gr_ctx *ctx, const gr_op_product *p, int cls) {
    const gr_param_slot *w = &ctx->param[p->param];
    double sum = p->numbers;
    if (!run->layout->train)
        return 2 * sum;
    if (ctx->in[p->in].d || ctx->in[p->in].dh)
        sum += p->numbers * p->back;
    if (w->g) {
        const double all = (double)w->rows * (p->hi - p->lo);
        sum += p->numbers / all * open_numbers(run->tables, ctx->node->param[p->param], p->lo, p->hi, cls);
    }
    return 2 * sum;
}

double gr_run_flops(const gr_run *run, int cls) {
    const gr_graph *g = run->model->graph;
    bool *zero = gr_alloc(2 * g->nodes * sizeof *zero), *live = zero + g->nodes;
    gr_op_product product;
    double sum = 0;
    find_zero(zero, run, cls);
    find_live(live, zero, run, cls);

    /* The products of what is needed, but with what is known to be 0. */
    for (size_t n = 0; n < g->nodes; n++)
        for (int i = 0; live[n] && product_of(&g->node[n], i, &product); i++)
            if (!(g->node[n].op->skips_zero && zero[g->node[n].in[product.in]]))
                sum += cost_of(run, &run->ctx[n], &product, cls);
    gr_free(zero);
    return sum;
}

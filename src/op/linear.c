/* linear.c - out = base + sum of products + bias: description and test cases. The passes are in linear_pass.c. */
#include "op/linear.h"
#include "op/decode.h"
#include "op/op.h"

enum { TERMS = GR__TERMS };
typedef gr__linear_term term;
typedef gr__linear_attr linear;

/* ---- description ------------------------------------------------------------------------------------------------ */

static int bad(gr_graph *graph, int i, const char *what) {
    return gr_graph_fail(graph, "linear: term %d: %s", i + 1, what);
}

static void add_keep(term *t, int lo, int hi) {
    t->keep[t->keeps][0] = lo;
    t->keep[t->keeps][1] = hi;
    t->keeps++;
}

/* The ranges of columns that pass gradient: what lies between those that are stopped. None if all are stopped. */
static int add_stops(gr_graph *graph, int i, term *t, const gr_term *from) {
    int at = 0;
    if (from->stops > GR_TERM_STOPS)
        return bad(graph, i, "stops too many ranges of columns");
    for (int k = 0; k < from->stops; k++) {
        const gr_columns s = from->stop[k];
        if (s.lo < at || s.lo >= s.hi || s.hi > t->out)
            return bad(graph, i, "stops columns that are not its own, or not in their order");

        /* What lies between the last range and this one passes gradient. */
        if (s.lo > at)
            add_keep(t, at, s.lo);
        at = s.hi;
    }

    if (at < t->out)
        add_keep(t, at, t->out);
    return 0;
}

/* Checks one term and finds or adds its w among the parameters. */
static int add_term(gr_graph *graph, gr_node *node, linear *attr, const gr_term *from) {
    const int i = attr->terms++, width = gr_value_width(graph, from->x);
    const gr_param_def *w = gr__graph_param_def(graph, from->w);
    if (!w)
        return bad(graph, i, "there is no such parameter");
    if (gr_value_scalar(graph, from->x))
        return bad(graph, i, "x is one number, not one per row");

    /* The columns of w that are used must lie in it, and those of the result that are written begin in it. */
    const int hi = from->hi ? from->hi : w->cols;
    if (from->lo < 0 || from->lo >= hi || hi > w->cols)
        return gr_graph_fail(graph, "linear: term %d: columns [%d, %d) are not in %s [%d x %d]", i + 1, from->lo, hi,
                             w->name, w->rows, w->cols);
    if (from->at < 0)
        return bad(graph, i, "begins before the first column of the result");

    /* Which of its sides x meets, and which becomes columns of the result, depends on whether w is transposed. */
    term *t = &attr->term[i];
    *t = (term){.rows = w->rows,
                .cols = w->cols,
                .lo = from->lo,
                .hi = hi,
                .at = from->at,
                .in = from->transposed ? w->rows : hi - from->lo,
                .out = from->transposed ? hi - from->lo : w->rows,
                .transposed = from->transposed};

    /* Now x can be checked against it. */
    if (width != t->in)
        return gr_graph_fail(graph, "linear: term %d: x has %d columns, but %s [%d x %d] reads %d", i + 1, width,
                             w->name, w->rows, w->cols, t->in);

    /* A parameter that an earlier term uses has its place among the node's parameters already. */
    while (t->param < node->params && node->param[t->param] != from->w)
        t->param++;
    if (t->param == node->params)
        node->param[node->params++] = from->w;

    /* With all columns stopped no gradient reaches x at all. */
    if (add_stops(graph, i, t, from))
        return GR_NONE;
    node->in[node->inputs++] = t->keeps ? from->x : gr_stop(graph, from->x);
    return 0;
}

/* Base and bias, once the terms have said how wide the result is. */
static int add_rest(gr_graph *graph, gr_node *node, linear *attr, gr_param bias, gr_value base) {
    const int width = node->width;
    if (base != GR_NONE) {
        if (gr_value_scalar(graph, base) || gr_value_width(graph, base) != width)
            return gr_graph_fail(graph, "linear: base has %d columns, the terms reach %d", gr_value_width(graph, base),
                                 width);
        attr->base = node->inputs;
        node->in[node->inputs++] = base;
    }
    if (bias != GR_NONE) {
        const gr_param_def *b = gr__graph_param_def(graph, bias);
        if (!b)
            return gr_graph_fail(graph, "linear: there is no such bias");
        if (b->rows != 1 || b->cols != width)
            return gr_graph_fail(graph, "linear: bias %s is [%d x %d], the result has %d columns", b->name, b->rows,
                                 b->cols, width);
        attr->bias = node->params;
        node->param[node->params++] = bias;
    }

    /* If the first product writes every column there is nothing to prepare below it. */
    attr->overwrite = base == GR_NONE && attr->term[0].at == 0 && attr->term[0].out == width;

    /* A sum onto a base is the residual stream, which stays float; its gradient is the base's gradient too, so both
     * may be one buffer. */
    node->half = base == GR_NONE;
    node->grad_alias = base == GR_NONE ? 0 : attr->base + 1;
    return 0;
}

extern const gr_op gr__op_linear;

gr_value gr_linear(gr_graph *graph, int terms, const gr_term *from, gr_param bias, gr_value base) {
    gr_node node = {.op = &gr__op_linear, .point = GR_NONE};
    linear attr = {.base = GR_NONE, .bias = GR_NONE};
    if (terms < 1 || terms > TERMS)
        return gr_graph_fail(graph, "linear: %d terms; 1 to %d are possible", terms, TERMS);

    /* The result is as wide as its terms reach, or as its base. */
    for (int i = 0; i < terms; i++) {
        if (from[i].x < 0 || from[i].w < 0)
            return gr_graph_fail(graph, "linear: term %d has no input or no parameter", i + 1);
        if (add_term(graph, &node, &attr, &from[i]) == GR_NONE)
            return GR_NONE;
        const int reach = attr.term[i].at + attr.term[i].out;
        node.width = reach > node.width ? reach : node.width;
    }
    if (base >= 0 && gr_value_width(graph, base) > node.width)
        node.width = gr_value_width(graph, base);

    /* What the width decides. */
    if (add_rest(graph, &node, &attr, bias, base) == GR_NONE)
        return GR_NONE;
    return gr__graph_add(graph, &node, &attr, sizeof attr);
}

/* Each term is one; columns that are stopped pass nothing back. */
static bool linear_product(const gr_node *node, int i, gr_op_product *product) {
    const linear *attr = node->attr;
    if (i >= attr->terms)
        return false;
    const term *t = &attr->term[i];
    int kept = 0;
    for (int k = 0; k < t->keeps; k++)
        kept += t->keep[k][1] - t->keep[k][0];
    *product = (gr_op_product){i, t->param, t->lo, t->hi, (double)t->in * t->out, (double)kept / t->out};
    return true;
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gr_param weights(gr_graph *graph, const char *name, int rows, int cols) {
    return gr_graph_param(graph, &(gr_param_def){name, rows, cols, GR_KIND_WEIGHT, GR_INIT_NORMAL, 0.5, false});
}

/* A weight and a bias. */
static gr_value build_plain(gr_graph *graph, gr_value x) {
    const gr_param w = weights(graph, "w", 7, gr_value_width(graph, x)), b = weights(graph, "b", 1, 7);
    return gr_linear(graph, 1, &(gr_term){.x = x, .w = w}, b, GR_NONE);
}

/* A weight stored [in x out], added to x. */
static gr_value build_transposed(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_param w = weights(graph, "w", width, width);
    return gr_linear(graph, 1, &(gr_term){.x = x, .w = w, .transposed = true}, GR_NONE, x);
}

/* One parameter twice with overlapping columns, one term narrower than the result, bias and base. */
static gr_value build_terms(gr_graph *graph, gr_value x) {
    const int width = gr_value_width(graph, x);
    const gr_param u = weights(graph, "u", width, 9), v = weights(graph, "v", 4, width + 3);
    const gr_param w = weights(graph, "w", 9, width), b = weights(graph, "b", 1, 9);
    const gr_value base = gr_linear(graph, 1, &(gr_term){.x = x, .w = w}, GR_NONE, GR_NONE);
    const gr_term parts[] = {
        {.x = x, .w = u, .transposed = true, .lo = 0, .hi = 6},
        {.x = x, .w = v, .lo = 2, .hi = width + 2, .at = 5},
        {.x = x, .w = u, .transposed = true, .lo = 3, .at = 1},
    };
    return gr_linear(graph, 3, parts, b, base);
}

/* Nothing reaches the first columns of the result. */
static gr_value build_gap(gr_graph *graph, gr_value x) {
    const gr_param w = weights(graph, "w", 3, gr_value_width(graph, x));
    return gr_linear(graph, 1, &(gr_term){.x = x, .w = w, .at = 2}, GR_NONE, GR_NONE);
}

static const gr_op_case cases[] = {
    {"plain", 9, 5, build_plain}, {"transposed", 6, 5, build_transposed}, {"terms", 7, 4, build_terms},
    {"gap", 5, 3, build_gap},     {"one column", 3, 1, build_plain},      {NULL, 0, 0, NULL},
};

const gr_op gr__op_linear = {.name = "linear",
                             .scratch = gr__linear_scratch,
                             .product = linear_product,
                             .prepare = gr__linear_prepare,
                             .release = gr__linear_release,
                             .forward = gr__linear_forward,
                             .backward = gr__linear_backward,
                             .skips_zero = true,
                             .half = true,
                             .decode = &gr__linear_decode,
                             .cases = cases};

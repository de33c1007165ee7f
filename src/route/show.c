/* show.c - what the rows of a step are shown for: their classes, second showings, and how far scores count. All of it
 * hangs on keyed draws, so it does not depend on the order of rows or on how a batch is cut. */
#include "base/rng.h"
#include "route/internal.h"

/* The outcome that rule r draws for this unit (a token, document, sequence or step) in this step: that whose interval
 * holds u. The key is documented at gr_router_classify. With one outcome nothing is drawn. */
static int outcome(const gr_router *router, int r, int64_t step, uint32_t unit) {
    const gr__drawn_rule *rule = &router->rule[r];
    if (rule->outcomes == 1)
        return 0;
    gr_key key = {router->seed, GR_STREAM_ROUTE, (uint32_t)r};
    double u = gr_random_uniform(key, (uint64_t)step << 32 | unit, (uint32_t)rule->draw);
    int i = 0;
    while (i + 1 < rule->outcomes && u >= gr__rule_edge(rule, i, step))
        i++;
    return i;
}

/* Draws anew what hangs on units of this kind: their outcome goes into drawn[]. */
static void redraw(const gr_router *router, int *drawn, gr_draw draw, int64_t step, uint32_t unit) {
    for (int r = 0; r < router->rules; r++)
        if (router->rule[r].draw == draw && !router->rule[r].repeat)
            drawn[r] = outcome(router, r, step, unit);
}

/* Whether some rule decides anything by units of this kind. Spares the innermost loop of gr_router_classify draws that
 * settle nothing. */
static bool draws_by(const gr_router *router, gr_draw draw) {
    for (int r = 0; r < router->rules; r++)
        if (router->rule[r].draw == draw && !router->rule[r].repeat && router->rule[r].outcomes > 1)
            return true;
    return false;
}

/* The class of rows of this label under what was drawn: the drawn outcomes as a number, looked up. */
static int class_now(const gr_router *router, const gr__phase *phase, const int *drawn, int label) {
    const int *stride = phase->stride + (size_t)(label + 1) * (size_t)router->rules;
    int index = 0;
    for (int r = 0; r < router->rules; r++)
        index += stride[r] * drawn[r];
    return phase->class_of[label + 1][index];
}

void gr_router_classify(const gr_router *router, int32_t *cls, const gr_router_rows *rows, int64_t step) {
    /* drawn[r] is the outcome of rule r for the position at hand. It is drawn anew when the unit that the rule draws by
     * changes: here the step, below the sequence, then document and token. */
    int drawn[GR_ROUTE_ROUTES_MAX] = {0};
    bool by_token = draws_by(router, GR_DRAW_TOKEN), by_document = draws_by(router, GR_DRAW_DOCUMENT);
    const gr__phase *phase = gr__phase_at(router, step);

    redraw(router, drawn, GR_DRAW_STEP, step, 0);
    for (int i = 0; i < rows->sequences; i++) {
        redraw(router, drawn, GR_DRAW_SEQUENCE, step, (uint32_t)rows->sequence[i]);
        for (int t = 0; t < rows->width; t++) {
            int n = i * rows->width + t, label = rows->label[n];

            /* Absent rows, and labels that the routes do not know, have no class. */
            if (label < -1 || label > router->labels) {
                cls[n] = -1;
                continue;
            }

            if (by_document)
                redraw(router, drawn, GR_DRAW_DOCUMENT, step,
                       (uint32_t)(rows->document ? rows->document[n] : rows->sequence[i]));
            if (by_token)
                redraw(router, drawn, GR_DRAW_TOKEN, step,
                       (uint32_t)rows->sequence[i] * (uint32_t)rows->width + (uint32_t)t);
            cls[n] = class_now(router, phase, drawn, label);
        }
    }
}

/* The class of the extra showing that rule copy[which] may give to a sequence with this label, GR_NONE: none. */
static int class_repeat(const gr_router *router, int which, int label, int32_t sequence, int64_t step) {
    int r = router->copy[which];

    /* Nothing is drawn for a route that is out of its steps, or not for this label (as it counts in this step). */
    if (label < -1 || label > router->labels || !gr__rule_acts(&router->rule[r], step) ||
        !gr__rule_matches(&router->rule[r], gr__phase_at(router, step)->shown[label + 1]))
        return GR_NONE;

    return router->copy_class[which][outcome(router, r, step, (uint32_t)sequence)];
}

/* Classes of the extra showing of sequence i: each position asks by its own label. */
static void classify_repeat(const gr_router *router, int32_t *cls, int which, const gr_router_rows *rows, int i,
                            int64_t step) {
    const int16_t *label = rows->label + (size_t)i * (size_t)rows->width;
    for (int t = 0; t < rows->width; t++) {
        /* A row mostly has one label: the class is asked for only where it changes. */
        if (t && label[t] == label[t - 1])
            cls[t] = cls[t - 1];
        else
            cls[t] = class_repeat(router, which, label[t], rows->sequence[i], step);
    }
}

bool gr_router_mixes(const gr_router *router) {
    for (int r = 0; r < router->rules; r++)
        if (router->rule[r].mix)
            return true;
    return false;
}

/* The scores of rows whose label mixes in this step, 1 for all others. */
static void mix_rows(const gr_router *router, gr_real *mix, const gr_router_rows *rows, int64_t step) {
    const gr__phase *phase = gr__phase_at(router, step);
    uint64_t mixing = 0;
    for (int r = 0; r < router->rules; r++)
        if (router->rule[r].mix && gr__rule_acts(&router->rule[r], step))
            mixing |= router->rule[r].labels;

    for (int n = 0; n < rows->sequences * rows->width; n++) {
        const int label = rows->label[n];
        const bool known = label >= -1 && label <= router->labels;
        mix[n] = 1;
        if (rows->score && known && mixing & gr_label_bit(phase->shown[label + 1]))
            mix[n] = rows->score[n];
    }
}

void gr_router_show(const gr_router *router, int32_t *cls, gr_real *mix, const gr_router_rows *rows, int64_t step) {
    const size_t width = (size_t)rows->width, all = (size_t)rows->sequences * width;
    gr_router_classify(router, cls, rows, step);
    for (int which = 0; which < router->copies; which++)
        for (int i = 0; i < rows->sequences; i++)
            classify_repeat(router, cls + (size_t)(1 + which) * all + (size_t)i * width, which, rows, i, step);
    if (mix)
        mix_rows(router, mix, rows, step);
}

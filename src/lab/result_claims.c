/* Claims of a result: their readings out of the figures of all seeds, and what becomes of them at each point. */
#include "base/mem.h"
#include "io/json.h"
#include "lab/claims.h"
#include "lab/result.h"

typedef gr__result_job job;

/* ---- one arm ---- */

/* The readings of an arm, [knobs][seeds]; matched -1: none is. */
static gr__claim_reading *readings_of(const job *j, int knobs, int def, int matched, int point) {
    static const gr__claim_cell states[] = {GR__READ, GR__ABSENT, GR__DIVERGED};
    int seeds = j->def->seeds;
    gr__claim_reading *out = gr_alloc((size_t)(knobs * seeds) * sizeof *out);
    for (int v = 0; v < knobs; v++)
        for (int s = 0; s < seeds; s++) {
            const gr__told *told = gr__seed_figures_at(j->figures, def, point, s, v);
            gr__claim_reading *r = &out[v * seeds + s];
            r->value = told->estimate.value;
            r->state = states[told->state];
            if (matched < 0)
                continue;

            /* The matched figure may be missing by itself. */
            const gr__told *other = gr__seed_figures_at(j->figures, matched, point, s, v);
            r->matched = other->estimate.value;
            if (told->state == GR__TOLD)
                r->state = states[other->state];
        }
    return out;
}

/* A figure of the roles alone has no arm, and so no knob. */
static gr__claim_arm arm_new(const job *j, int arm, int def, int matched, int point) {
    int knobs = arm >= 0 ? gr_experiment_knobs(j->e, arm) : 1;
    const char **word = gr_alloc((size_t)knobs * sizeof *word);
    for (int v = 0; v < knobs && arm >= 0; v++)
        word[v] = gr__knob_word(j->e, arm, v);
    const char *name = arm >= 0 ? j->e->arm[arm].name : "the scale";
    return (gr__claim_arm){name, word, knobs, readings_of(j, knobs, def, matched, point)};
}

static void arm_free(gr__claim_arm *arm) {
    gr_free((void *)arm->knob);
    gr_free((void *)arm->reading);
}

/* ---- one point ---- */

/* What a claim comes to there, as a part of the result. */
static gr__ruling rule(json_t *list, const job *j, int c, int point) {
    const gr_claim *claim = &j->e->claim[c];
    const int *defs = j->claim[c];
    gr__claim_def one = {.say = claim->say,
                         .primary = claim->primary,
                         .seeds = j->def->seeds,
                         .first_seed = j->def->first_seed,
                         .of = arm_new(j, claim->what.of, defs[0], defs[2], point),
                         .ratio = claim->ratio,
                         .variation = claim->variation,
                         .matched = claim->matched,
                         .tolerance = claim->tolerance,
                         .at_least = claim->at_least,
                         .at_most = claim->at_most,
                         .about = claim->about,
                         .within = claim->within};
    if (defs[1] >= 0)
        one.minus = arm_new(j, claim->what.minus, defs[1], defs[3], point);
    gr__ruling ruling = gr__claim_rule(&one);

    /* Told in numbers and in words. */
    json_t *told = json_object(), *intervals = json_object();
    char *text = gr__claim_text(&one, &ruling);
    if (j->e->axes > 0)
        json_object_set_new(told, "axes", gr__result_axes(j->e, point));
    json_object_set_new(told, "state", json_string(gr__ruling_word(ruling.state)));
    gr__result_put(told, intervals, "value", ruling.estimate);
    json_object_set(told, "interval", json_object_get(intervals, "value"));
    json_object_set_new(told, "edge", json_boolean(ruling.of_edge || ruling.minus_edge));
    json_object_set_new(told, "text", gr_json_text(text));
    json_array_append_new(list, told);

    gr_free(text);
    json_decref(intervals);
    arm_free(&one.of);
    arm_free(&one.minus);
    return ruling;
}

/* ---- all of them ---- */

/* A claim with its ruling at each point that it is about. */
static json_t *claim_told(const job *j, int c) {
    const gr_claim *claim = &j->e->claim[c];
    gr__ruling *ruling = gr_alloc((size_t)j->points * sizeof *ruling);
    json_t *list = json_array();
    int count = 0;
    for (int p = 0; p < j->points; p++)
        if (gr_experiment_at(j->e, claim->at, claim->ats, p))
            ruling[count++] = rule(list, j, c, p);
    const char *state = gr__ruling_word(gr__claim_over(ruling, count));
    gr_free(ruling);
    return json_pack("{s:b, s:o, s:s, s:o}", "primary", claim->primary, "say", gr_json_text(claim->say), "state", state,
                     "points", list);
}

void gr__result_claims(json_t *to, const job *j) {
    json_t *list = json_array();
    for (int primary = 1; primary >= 0; primary--)
        for (int c = 0; c < j->e->claims; c++)
            if (j->e->claim[c].primary == primary)
                json_array_append_new(list, claim_told(j, c));
    if (json_array_size(list) > 0)
        json_object_set(to, "claims", list);
    json_decref(list);
}

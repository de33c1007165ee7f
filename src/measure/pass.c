#include "measure/pass.h"

#include "base/mem.h"

gr_pass *gr_pass_new(void) { return gr_alloc(sizeof(gr_pass)); }

/* As if it had never been taken. */
void gr__pass_clear(gr_pass *pass) {
    gr_free(pass->nll);
    gr_free(pass->tokens);
    gr_free(pass->right);
    *pass = (gr_pass){0};
}

void gr_pass_free(gr_pass *pass) {
    if (pass)
        gr__pass_clear(pass);
    gr_free(pass);
}

/* By whoever listens; the model's name says how far it came. */
gr_status gr__subject_stopped(const gr_subject *s, gr_error *err) {
    return gr_error_set(err, GR_ERR_INTERRUPTED, s->name, NULL, "stopped while it was measured");
}

gr_status gr__subject_told(const gr_subject *s, int64_t done, int64_t all, gr_error *err) {
    return s->after && !s->after(s->user, done, all) ? gr__subject_stopped(s, err) : GR_OK;
}

/* Losses of docs[count] into `into`, and each of their targets to whoever wants to know (NULL: nobody). */
static gr_status scan_docs(const gr_subject *s, const uint32_t *docs, size_t count, gr_pass *into,
                           void (*each)(void *user, const gr_prediction *at), void *user, gr_error *err) {
    const gr_recipe *r = s->recipe;
    size_t all = s->data->topics.docs;
    gr_evaluator *e;
    gr_scan *scan;

    /* What measures: labelled tokens alone where labels are of tokens. */
    GR_TRY(gr_evaluator_new(&e, s->model, s->profile, r->train.batch, r->data.context, err));
    gr_evaluator_labelled(e, s->labels);
    gr_evaluator_each(e, each, user);
    if (s->after)
        gr_evaluator_follow(e, s->after, s->user);

    /* In batches of training: whoever listens may stop it between them. */
    gr_status status = gr_scan_new(&scan, s->data, s->labels, docs, count, r->train.batch, r->data.context, err);
    if (status == GR_OK) {
        bool whole = gr_evaluate_right(e, scan, into->nll, into->tokens, into->right, all);
        gr_scan_free(scan);
        status = whole ? gr_losses_check(into->nll, all, s->name, err) : gr__subject_stopped(s, err);
    }
    gr_evaluator_free(e);
    return status;
}

/* Room for each document of the dataset, so that measures find theirs by number. */
static void make_room(gr_pass *pass, const gr_subject *s) {
    size_t all = s->data->topics.docs;
    pass->nll = gr_alloc(all * sizeof *pass->nll);
    pass->tokens = gr_alloc(all * sizeof *pass->tokens);
    pass->right = s->data->values ? gr_alloc(all * sizeof *pass->right) : NULL;
}

/* One pass however many measures ask: losses and right answers of the same forward pass. It is over the whole test at
 * once, whatever the groups: which documents share a row decides the last bits. */
gr_status gr__pass_test(const gr_subject *subject, gr_error *err) {
    gr_pass *pass = subject->pass;
    if (pass->nll) /* another measure has taken it */
        return GR_OK;
    make_room(pass, subject);
    gr_status status = scan_docs(subject, subject->data->test, subject->data->test_count, pass, NULL, NULL, err);
    if (status != GR_OK) /* no half a pass */
        gr__pass_clear(pass);
    return status;
}

gr_status gr__pass_docs(gr_pass *own, const gr_subject *subject, const uint32_t *docs, size_t count, gr_error *err) {
    *own = (gr_pass){0};
    make_room(own, subject);
    return scan_docs(subject, docs, count, own, NULL, NULL, err);
}

gr_status gr__subject_each(const gr_subject *subject, const uint32_t *docs, size_t count,
                           void (*each)(void *user, const gr_prediction *at), void *user, gr_error *err) {
    gr_pass own = {0};
    make_room(&own, subject);
    gr_status status = scan_docs(subject, docs, count, &own, each, user, err);
    gr__pass_clear(&own);
    return status;
}

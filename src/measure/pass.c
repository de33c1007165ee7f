#include "measure/pass.h"

#include "base/mem.h"

gr_pass *gr_pass_new(void) { return gr_alloc(sizeof(gr_pass)); }

/* As if it had never been taken. */
static void clear(gr_pass *pass) {
    gr_free(pass->nll);
    gr_free(pass->tokens);
    gr_free(pass->right);
    *pass = (gr_pass){0};
}

void gr_pass_free(gr_pass *pass) {
    if (pass)
        clear(pass);
    gr_free(pass);
}

/* By whoever listens; the model's name says how far it came. */
gr_status gr__subject_stopped(const gr_subject *s, gr_error *err) {
    return gr_error_set(err, GR_ERR_INTERRUPTED, s->name, NULL, "stopped while it was measured");
}

gr_status gr__subject_told(const gr_subject *s, int64_t done, int64_t all, gr_error *err) {
    return s->after && !s->after(s->user, done, all) ? gr__subject_stopped(s, err) : GR_OK;
}

/* The whole test at once, whatever the groups: which documents share a row decides the last bits. */
static gr_status scan_test(const gr_subject *s, gr_error *err) {
    const gr_recipe *r = s->recipe;
    const gr_dataset *data = s->data;
    size_t all = data->topics.docs;
    gr_evaluator *e;
    gr_scan *scan;

    /* What measures: labelled tokens alone where labels are of tokens. */
    GR_TRY(gr_evaluator_new(&e, s->model, s->profile, r->train.batch, r->data.context, err));
    gr_evaluator_labelled(e, s->labels);
    if (s->after)
        gr_evaluator_follow(e, s->after, s->user);

    /* All of the test, in batches of training: whoever listens may stop it between them. */
    gr_status status =
        gr_scan_new(&scan, data, s->labels, data->test, data->test_count, r->train.batch, r->data.context, err);
    if (status == GR_OK) {
        bool whole = gr_evaluate_right(e, scan, s->pass->nll, s->pass->tokens, s->pass->right, all);
        gr_scan_free(scan);
        status = whole ? gr_losses_check(s->pass->nll, all, s->name, err) : gr__subject_stopped(s, err);
    }
    gr_evaluator_free(e);
    return status;
}

/* One pass however many measures ask: losses and right answers of the same forward pass. */
gr_status gr__pass_test(const gr_subject *subject, gr_error *err) {
    gr_pass *pass = subject->pass;
    size_t all = subject->data->topics.docs;
    if (pass->nll) /* another measure has taken it */
        return GR_OK;

    /* Room for each document of the dataset, so that measures find theirs by number. */
    pass->nll = gr_alloc(all * sizeof *pass->nll);
    pass->tokens = gr_alloc(all * sizeof *pass->tokens);
    pass->right = subject->data->values ? gr_alloc(all * sizeof *pass->right) : NULL;
    gr_status status = scan_test(subject, err);
    if (status != GR_OK) /* no half a pass */
        clear(pass);
    return status;
}

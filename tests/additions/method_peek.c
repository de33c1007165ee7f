/* A method that looks for what it may not see: in each of its functions it counts the documents whose label is true and
 * not revealed, and those that it can read, by a list or by going through all of them: of a revealed label (1), and of
 * none (0). The model it makes is a copy of its parent. */
#include "gradroute/method.h"

enum { PEEK_CHECK, PEEK_DIGEST, PEEK_MAKE, PEEK_DRAFT, PEEK_COST, PEEKS };
static size_t peek_calls[PEEKS], peek_found[PEEKS], peek_listed[PEEKS][2], peek_read[PEEKS][2];

static void peek_list(size_t count[2], const gr_labels *l, const uint32_t *list, size_t docs) {
    for (size_t i = 0; i < docs; i++)
        count[l->revealed[list[i]] > 0]++;
}

static bool peek_can_read(const gr_dataset *data, size_t doc) {
    for (uint64_t i = data->offsets[doc]; i < data->offsets[doc + 1]; i++)
        if (data->ids[i] != data->eot)
            return true;
    return false;
}

static void peek_look(int place, const gr_making *m) {
    const gr_labels *l = m->project->labels;
    peek_calls[place]++;
    for (size_t d = 0; d < l->docs; d++)
        peek_found[place] += l->truth[d] > 0 && l->revealed[d] <= 0;

    const gr_dataset *data = m->project->data;
    peek_list(peek_listed[place], l, data->train, data->train_count);
    peek_list(peek_listed[place], l, data->validation, data->validation_count);
    peek_list(peek_listed[place], l, data->test, data->test_count);
    for (size_t d = 0; d < l->docs; d++)
        peek_read[place][l->revealed[d] > 0] += peek_can_read(data, d);
}

static gr_status peek_check(const gr_making *m, gr_error *err) {
    (void)err;
    peek_look(PEEK_CHECK, m);
    return GR_OK;
}

static gr_status peek_digest(const gr_making *m, struct gr_digest *digest, gr_error *err) {
    (void)digest, (void)err;
    peek_look(PEEK_DIGEST, m);
    return GR_OK;
}

static gr_status peek_make(gr_made *made, const gr_making *m, gr_error *err) {
    gr_bundle *bundle;
    *made = (gr_made){0};
    peek_look(PEEK_MAKE, m);

    /* The parent once more, in the folder of this model. */
    GR_TRY(gr_bundle_load(&bundle, m->parent->path, NULL, 0, err));
    gr_status status = gr_made_save(made, m, bundle->def, bundle->model, err);
    gr_bundle_free(bundle);
    return status;
}

static gr_status peek_draft(gr_made *draft, const gr_making *m, gr_error *err) {
    (void)err;
    peek_look(PEEK_DRAFT, m);
    *draft = (gr_made){.bundle = m->parent->bundle};
    return GR_OK;
}

static gr_status peek_cost(gr_cost *cost, const gr_making *m, gr_made *draft, gr_timings *timings, gr_error *err) {
    (void)draft, (void)timings, (void)err;
    peek_look(PEEK_COST, m);
    *cost = (gr_cost){0};
    return GR_OK;
}

/* Not const: the test changes what it may see. */
static gr_method method_peek = {
    .name = "peek",
    .help = "a copy of the parent, by somebody curious",
    .doing = "looking",
    .revision = 1,
    .from = true,
    .sees = GR_SEES_REVEALED,
    .check = peek_check,
    .digest = peek_digest,
    .make = peek_make,
    .draft = peek_draft,
    .cost = peek_cost,
};

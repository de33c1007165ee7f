/* recipe_check.c - what looks wrong about a recipe as a whole, once its data are there. */
#include "base/number.h"
#include "gradroute/task.h"

/* Routes that begin after the end. */
static void check_steps(gr_findings *findings, const gr_recipe *recipe) {
    for (int r = 0; r < recipe->routes->count; r++)
        if (recipe->routes->route[r].from >= recipe->train.steps)
            gr_finding_add(findings, GR_LEVEL_WARNING, "begin earlier, or train longer",
                           "route %d acts from step %lld on, and the run has %lld: it never does", r + 1,
                           (long long)recipe->routes->route[r].from, (long long)recipe->train.steps);
}

/* Without the penalty nothing keeps the topic together in the added units. */
static void check_era(gr_findings *findings, const gr_recipe *recipe) {
    for (int r = 0; r < recipe->routes->count; r++)
        if (recipe->routes->route[r].frequency.on && recipe->model.l1 == 0)
            gr_finding_add(findings, GR_LEVEL_NOTE, "model: {l1: 0.0001, l1_layers: [...]}, as published",
                           "route %d mixes by frequencies, and there is no L1 penalty on hidden activations", r + 1);
}

/* How many of docs[count] are truly of a label. */
static size_t count_label(const gr_project *p, const uint32_t *docs, size_t count, int label) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += p->labels->truth[docs[i]] == label;
    return n;
}

/* What the measures need: documents held out, and as many to attack with as are asked for. */
static void check_documents(gr_findings *findings, const gr_project *p) {
    const gr_recipe_relearn *r = &p->recipe->relearn;
    gr_draw_def def = {(size_t)r->documents, r->tokens, GR_LABEL_ANY, p->recipe->data.context, p->recipe->split_seed};
    gr_error refused = {0};
    gr_drawn drawn;

    /* The attack, where there are models to attack: it is drawn as it would be. */
    bool attacked = p->labels->label_count > 0 && (!p->recipe->twins_said || p->recipe->twins > 0);
    if (attacked && gr_dataset_draw(&drawn, p->data, p->labels, &def, &refused) == GR_OK)
        gr_drawn_free(&drawn);
    else if (attacked)
        gr_finding_add(findings, GR_LEVEL_WARNING, r->tokens ? "lower relearn.tokens" : "lower relearn.documents",
                       "relearning: %s", refused.message);

    /* Each label in both parts of what is held out. */
    for (int k = 1; k <= p->labels->label_count; k++) {
        size_t validation = count_label(p, p->data->validation, p->data->validation_count, k);
        size_t test = count_label(p, p->data->test, p->data->test_count, k);
        if (!validation || !test)
            gr_finding_add(findings, GR_LEVEL_WARNING, "hold out more: data.validation, data.test",
                           "no document that is held out for %s is of label '%s': its loss cannot be measured",
                           test ? "validation" : "the test", p->labels->label_names[k - 1]);
    }
}

/* Tokens that no row holds, and corpora of a few long documents (a book), which are split by pieces. */
static void check_lengths(gr_findings *findings, const gr_project *p) {
    gr_lengths l;
    if (gr_project_lengths(&l, p, NULL) != GR_OK)
        return;

    /* Tokens that are never read. */
    if (l.lost)
        gr_finding_add(findings, GR_LEVEL_WARNING, "data.long: split trains on all of them",
                       "%lld %s longer than the context and cut: %lld of %lld tokens (%.1f %%) are lost",
                       (long long)l.documents, gr__plural(l.documents, "document is", "documents are"),
                       (long long)l.lost, (long long)l.all, 100 * (double)l.lost / (double)l.all);

    /* Few documents, of which pieces are held out. */
    if (l.runs)
        gr_finding_add(
            findings, GR_LEVEL_NOTE,
            "more documents, or separators between them, allow a split by document: held-out text is then of "
            "documents that training has not seen",
            "the corpus has fewer than %d documents: %lld %s of their pieces %s held out, %lld %s "
            "beside them left out",
            GR_FEW_DOCUMENTS, (long long)l.runs, gr__plural(l.runs, "run", "runs"), gr__plural(l.runs, "is", "are"),
            (long long)l.gaps, gr__plural(l.gaps, "piece", "pieces"));
}

/* Every corpus has some: from 1 % on they count. */
static gr_level level_of(int64_t part, int64_t whole) { return 100 * part < whole ? GR_LEVEL_NOTE : GR_LEVEL_WARNING; }

/* Text that is held out, and nearly the same trained on; text without the label that nearly has it. */
static void check_overlap(gr_findings *findings, const gr_project *p) {
    gr_overlap o;
    const char *all = gr_dataset_unit(p->data), *one = p->data->apart ? "piece" : "document";
    if (gr_project_overlap(&o, p, NULL) != GR_OK)
        return;

    /* Measures would be of what training has seen. */
    if (o.held_forget + o.held_other)
        gr_finding_add(findings, level_of(o.held_forget + o.held_other, o.held),
                       "dedupe: near takes them out of what is held out",
                       "%lld of %lld held-out %s %s of training %s (%lld of a label), such as %s %u, near %u: "
                       "what is lost on them measures memory",
                       (long long)(o.held_forget + o.held_other), (long long)o.held, gr__unit(all, o.held),
                       gr__plural(o.held_forget + o.held_other, "is a near duplicate", "are near duplicates"), all,
                       (long long)o.held_forget, one, o.held_example[0], o.held_example[1]);

    /* The core would learn what a region is to hold. */
    if (o.unlabelled)
        gr_finding_add(findings, level_of(o.unlabelled, o.labelled), "label them too, or leave them out of the corpus",
                       "%lld training %s without a label %s of labelled ones, such as %s %u, near %u: they teach "
                       "the core what the label is to keep from it",
                       (long long)o.unlabelled, gr__unit(all, o.unlabelled),
                       gr__plural(o.unlabelled, "is a near duplicate", "are near duplicates"), one,
                       o.unlabelled_example[0], o.unlabelled_example[1]);
}

void gr_recipe_check(gr_findings *findings, const gr_project *project) {
    const bool documents = project->data != NULL; /* a task may read something else */
    if (documents) {
        check_overlap(findings, project);
        check_lengths(findings, project);
    }
    check_steps(findings, project->recipe);
    check_era(findings, project->recipe);
    if (documents)
        check_documents(findings, project);
}

/* recipe_check.c - what looks wrong about a recipe as a whole, once its data are there. */
#include "gradroute/lab.h"

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

/* What the measures need: documents held out, and as many to attack with as are asked for. */
static void check_documents(gr_findings *findings, const gr_project *p) {
    size_t train = 0;
    for (size_t i = 0; i < p->data->train_count; i++)
        train += p->labels->truth[p->data->train[i]] > 0;
    if (p->recipe->twins && train < (size_t)p->recipe->relearn.documents)
        gr_finding_add(findings, GR_LEVEL_WARNING, "lower relearn.documents",
                       "relearning takes %d labelled documents, and there are %zu to train on",
                       p->recipe->relearn.documents, train);
    for (int k = 1; k <= p->labels->label_count; k++) {
        size_t held = 0;
        for (size_t i = 0; i < p->data->validation_count; i++)
            held += p->labels->truth[p->data->validation[i]] == k;
        if (!held)
            gr_finding_add(findings, GR_LEVEL_WARNING, "hold out more: data.validation",
                           "no document that is held out is of label '%s': its loss cannot be measured",
                           p->labels->label_names[k - 1]);
    }
}

void gr_recipe_check(gr_findings *findings, const gr_project *project) {
    check_steps(findings, project->recipe);
    check_era(findings, project->recipe);
    check_documents(findings, project);
}

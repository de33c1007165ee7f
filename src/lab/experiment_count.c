/* experiment_count.c - how much an experiment makes, and what recipes say of their data for that. */
#include <string.h>

#include "lab/experiment_read.h"
#include "label/source.h"

/* ---- facts ---- */

/* Whether the label is one of whole documents, or of the pieces that they are read in. */
static bool is_of_documents(const gr_label_def *label) {
    return label->per != GR_PER_SENTENCE && label->per != GR_PER_TOKEN;
}

int gr_experiment_facts(const gr_recipe *recipe, const char *fact[GR_FACTS]) {
    bool hidden = false, rule = false, documents = recipe->labels > 0;
    int count = 0;
    for (int k = 0; k < recipe->labels; k++) {
        const gr_label_def *label = &recipe->label[k];
        const gr__label_source *source = gr__label_source_of(label);
        hidden = hidden || label->known < 1 || label->noise;
        rule = rule || (source && source->rule);
        documents = documents && is_of_documents(label);
    }

    /* In the order of their list. */
    if (recipe->labels > 0)
        fact[count++] = "labels";
    if (hidden)
        fact[count++] = "hidden_labels";
    if (rule)
        fact[count++] = "rule_labels";
    if (documents)
        fact[count++] = "document_labels";
    return count;
}

/* ---- counts ---- */

/* How many times a measure or an attack is taken of one model: once for each value of lists that ask for it. */
static gr_status times_of(int64_t *times, const gr_reading *reading, const gr_recipe *recipe, gr_error *err) {
    gr_settings *settings;
    GR_TRY(gr_reading_settings(&settings, reading, recipe, err));
    *times = 1;
    const gr_setting *table = reading->attack ? reading->attack->option : reading->measure->option;
    for (const gr_setting *option = table; option && option->kind != GR_SETTING_NONE; option++)
        if (option->each)
            *times *= gr_settings_get(settings, option->key)->count;
    gr_settings_free(settings);
    return GR_OK;
}

/* Whether it is taken of these data. */
static bool knows_task(const gr_reading *reading, const char *task) {
    const char *const *tasks = reading->attack ? reading->attack->tasks : reading->measure->tasks;
    for (int i = 0; task && tasks && tasks[i]; i++)
        if (strcmp(tasks[i], task) == 0)
            return true;
    return !task || !tasks;
}

gr_status gr_experiment_count(gr_experiment_counts *counts, const gr_experiment *e, const bool *runs, int point,
                              const char *task, const gr_recipe *recipe, gr_error *err) {
    /* Models. */
    *counts = (gr_experiment_counts){0};
    for (int i = 0; i < e->arms; i++)
        if (runs[i] && gr_experiment_at(e, e->arm[i].at, e->arm[i].ats, point))
            counts->models += gr_experiment_knobs(e, i);

    /* What is taken of them. */
    for (int u = 0; u < e->uses; u++) {
        const gr_reading *use = &e->use[u];
        int64_t times, models = 0;
        if (!knows_task(use, task))
            continue;
        GR_TRY(times_of(&times, use, recipe, err));
        for (int i = 0; i < use->arms; i++) {
            const gr_arm *arm = &e->arm[use->arm[i]];
            if (runs[use->arm[i]] && gr_experiment_at(e, arm->at, arm->ats, point))
                models += gr_experiment_knobs(e, use->arm[i]);
        }
        if (use->attack)
            counts->attacks += times * models;
        else
            counts->measures += times * models;
    }
    return GR_OK;
}

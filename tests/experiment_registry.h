/* experiment_registry.h - a registry in which every word of the experiments in experiments/ and tests/data/experiments
 * is there: what the library has, and in place of what it has not tables of options alone. */
#ifndef GR_TESTS_EXPERIMENT_REGISTRY_H
#define GR_TESTS_EXPERIMENT_REGISTRY_H

#include <float.h>
#include <string.h>

#include "gradroute/experiment.h"
#include "gradroute/lab.h"

/* ---- options ---- */

static const gr_choice made_as_given = {.name = "as_given"}, made_permuted = {.name = "permuted"};
static const gr_choice *const made_labels[] = {&made_as_given, &made_permuted, NULL};
static const gr_choice made_none = {.name = "none"}, made_revealed = {.name = "revealed"},
                       made_true = {.name = "true_labels"};
static const gr_choice *const made_without[] = {&made_none, &made_revealed, &made_true, NULL};
static const char *const made_routes[] = {"recipe", "none", NULL}, *const made_regions[] = {"keep", "out", NULL};
static const gr_setting made_train_options[] = {{.key = "set", .kind = GR_SETTING_SETS},
                                                {.key = "routes", .kind = GR_SETTING_WORD, .word = made_routes},
                                                {.key = "labels", .kind = GR_SETTING_CHOICE, .choice = made_labels},
                                                {.key = "without", .kind = GR_SETTING_CHOICE, .choice = made_without},
                                                {.key = "regions", .kind = GR_SETTING_WORD, .word = made_regions},
                                                {.key = "watch", .kind = GR_SETTING_BOOL, .free = true},
                                                {0}};

static const char *const made_all[] = {"all"};
static const char *const made_hows[] = {"switch", "remove", "zero", "mean", "reinit", NULL};
static const gr_setting made_ablate_options[] = {
    {.key = "regions", .kind = GR_SETTING_TEXTS, .initial = {.texts = made_all, .count = 1}},
    {.key = "how", .kind = GR_SETTING_WORD, .word = made_hows},
    {0}};

static const char *const made_layers[] = {"first", "middle", "last", NULL}, *const made_units[] = {"raw", "rms", NULL};
static const gr_setting made_rmu_options[] = {
    {.key = "layer", .kind = GR_SETTING_WORD, .word = made_layers},
    {.key = "target", .kind = GR_SETTING_REAL, .initial = {.number = 6.5}, .max = 1000},
    {.key = "units", .kind = GR_SETTING_WORD, .word = made_units},
    {.key = "retain", .kind = GR_SETTING_REAL, .initial = {.number = 100}, .max = 1e6},
    {.key = "lr", .kind = GR_SETTING_REAL, .initial = {.number = 0.0001}, .min = DBL_MIN, .max = 1},
    {.key = "steps", .kind = GR_SETTING_COUNT, .initial = {.number = 240}, .min = 1, .max = 1e6},
    {0}};

static const gr_setting made_undo_options[] = {
    {.key = "noise", .kind = GR_SETTING_REAL, .initial = {.number = 0.5}, .max = 10},
    {.key = "until", .kind = GR_SETTING_REAL, .initial = {.number = 1.05}, .min = 1, .max = 10},
    {0}};

static const char *const made_routes_of[] = {"none", "outcome", NULL}, *const made_gates[] = {"learned", "half", NULL};
static const gr_setting made_hidden_option[] = {
    {.key = "hidden", .kind = GR_SETTING_COUNT, .initial = {.number = 32}, .min = 1, .max = 4096}, {0}};
static const gr_choice made_reached = {.name = "reached"}, made_assumed = {.name = "assumed"},
                       made_seen = {.name = "seen_only"}, made_reward_true = {.name = "true_reward"},
                       made_imputed = {.name = "imputed", .option = made_hidden_option};
static const gr_choice *const made_rewards[] = {&made_reached, &made_assumed,     &made_seen,
                                                &made_imputed, &made_reward_true, NULL};
static const gr_setting made_reinforce_options[] = {
    {.key = "routes", .kind = GR_SETTING_WORD, .word = made_routes_of},
    {.key = "gate", .kind = GR_SETTING_WORD, .word = made_gates},
    {.key = "gate_loss", .kind = GR_SETTING_REAL, .max = 1},
    {.key = "reward", .kind = GR_SETTING_CHOICE, .choice = made_rewards},
    {0}};

static const char *const made_starts[] = {"removed", "off", "whole", NULL};
static const double made_documents[] = {64}, made_rates[] = {0.0003, 0.001};
static const gr_setting made_relearn_options[] = {
    {.key = "start", .kind = GR_SETTING_WORD, .word = made_starts},
    {.key = "documents",
     .kind = GR_SETTING_COUNTS,
     .initial = {.numbers = made_documents, .count = 1},
     .max = 1e6,
     .each = true},
    {.key = "steps", .kind = GR_SETTING_COUNT, .initial = {.number = 30}, .min = 1, .max = 1e6},
    {.key = "lr", .kind = GR_SETTING_REALS, .initial = {.numbers = made_rates, .count = 2}, .min = DBL_MIN, .max = 1},
    {0}};

static const char *const made_certificates[] = {"first", "second", NULL};
static const gr_setting made_reward_options[] = {
    {.key = "environments", .kind = GR_SETTING_COUNT, .initial = {.number = 512}, .min = 1, .max = 1e6},
    {.key = "steps", .kind = GR_SETTING_COUNT, .initial = {.number = 32}, .min = 1, .max = 1e6},
    {.key = "gate", .kind = GR_SETTING_WORD, .word = made_certificates},
    {0}};
static const gr_setting made_localisation_options[] = {
    {.key = "certificate", .kind = GR_SETTING_WORD, .word = made_certificates}, {0}};

/* What the recipe says of the attack: its documents. */
static inline void made_relearn_preset(gr_settings *settings, const gr_recipe *recipe) {
    double documents = recipe->relearn.documents;
    gr_settings_put(settings, "documents", &(gr_setting_value){.numbers = &documents, .count = 1});
}

/* ---- entries ---- */

static const gr_method made_methods[] = {
    {.name = "train", .option = made_train_options},
    {.name = "ablate", .from = true, .option = made_ablate_options},
    {.name = "rmu", .from = true, .option = made_rmu_options},
    {.name = "undo", .from = true, .option = made_undo_options},
    {.name = "reinforce", .option = made_reinforce_options},
};
static const gr_measure made_measures[] = {
    {.name = "reward", .option = made_reward_options},
    {.name = "localisation", .option = made_localisation_options},
};
static const gr_attack made_attack = {.name = "relearn", .option = made_relearn_options, .preset = made_relearn_preset};

/* gr_registry_free. Words that the library has are its own. */
static inline gr_registry *made_registry(void) {
    gr_registry *registry = gr_registry_new();
    for (size_t i = 0; i < sizeof made_methods / sizeof *made_methods; i++)
        if (!gr_registry_method(registry, made_methods[i].name))
            gr_registry_add_method(registry, &made_methods[i], NULL);
    for (size_t i = 0; i < sizeof made_measures / sizeof *made_measures; i++)
        if (!gr_registry_measure(registry, made_measures[i].name))
            gr_registry_add_measure(registry, &made_measures[i], NULL);
    if (!gr_registry_attack(registry, made_attack.name))
        gr_registry_add_attack(registry, &made_attack, NULL);
    return registry;
}

#endif

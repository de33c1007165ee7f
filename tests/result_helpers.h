/* result_helpers.h - rows that were stored, and the experiments that they are rows of. */
#ifndef GR_TESTS_RESULT_HELPERS_H
#define GR_TESTS_RESULT_HELPERS_H

#include <math.h>
#include <stdlib.h>

#include "experiment_helpers.h"
#include "lab/result.h"

enum { ARMS_MOST = 16 };

/* An experiment with a file of rows, in which {"row": "cell", "arm", "point", "seed", "value", "after", "seconds"}
 * begins each cell; value: of the knob. */
typedef struct stored {
    gr_experiment *experiment;
    bool runs[2 * ARMS_MOST]; /* of at most two points */
    gr__result_rows *rows;
    size_t count, room;
    gr__result_def def;
} stored;

static inline int numbered(const gr_experiment *e, const char *name) {
    return strcmp(name, "data") != 0 ? arm_of(e, name) : -1;
}

static inline gr_ledger *rows_of(const char *text, size_t length) {
    gr_ledger *rows;
    gr_error err = {0};
    gr_test_ok(gr_ledger_parse(&rows, text, length, "rows", &err), &err);
    return rows;
}

/* One cell: its line, and the lines up to the next. */
static inline const char *read_cell(stored *s, const char *text) {
    static const char begins[] = "{\"row\":\"cell\"";
    const char *line = strchr(text, '\n') + 1, *end = line;
    gr_ledger *cell = rows_of(text, (size_t)(line - text));
    const gr_entry *row = gr_ledger_at(cell, 0);
    while (*end && strncmp(end, begins, sizeof begins - 1) != 0)
        end = strchr(end, '\n') + 1;
    const char *after = gr_entry_text(row, "after");
    GR_PUSH(s->rows, s->count, s->room) = (gr__result_rows){.arm = numbered(s->experiment, gr_entry_text(row, "arm")),
                                                            .point = (int)gr_entry_number(row, "point"),
                                                            .seed = (int)gr_entry_number(row, "seed"),
                                                            .knob = (int)gr_entry_number(row, "value"),
                                                            .after = after ? gr_registry_attack(registry, after) : NULL,
                                                            .rows = rows_of(line, (size_t)(end - line)),
                                                            .seconds = gr_entry_number(row, "seconds")};
    gr_ledger_free(cell);
    return end;
}

static const uint64_t split_seeds[] = {11, 12, 13, 14, 15};

/* Takes the experiment; selection: who runs. */
static inline void stored_read(stored *s, gr_experiment *experiment, const char *name, const gr_selection *selection) {
    gr_error err = {0};
    *s = (stored){.experiment = experiment};
    for (int p = 0; p < gr_experiment_points(experiment); p++)
        gr_test_ok(gr_experiment_select(&s->runs[p * experiment->arms], experiment, selection, &err), &err);
    char *path = gr_format("tests/data/results/%s.jsonl", name);
    size_t length;
    char *text = gr_test_read(project_path(path), &length);
    for (const char *at = text; *at;)
        at = read_cell(s, at);
    free(text);
    gr_free(path);
    s->def = (gr__result_def){.experiment = experiment,
                              .registry = registry,
                              .runs = s->runs,
                              .folder = "runs/it",
                              .seeds = experiment->seeds,
                              .first_seed = 1,
                              .split_seed = split_seeds,
                              .least = 0.15,
                              .rows = s->rows,
                              .count = s->count};
}

static inline void stored_free(stored *s) {
    for (size_t i = 0; i < s->count; i++)
        gr_ledger_free((gr_ledger *)s->rows[i].rows);
    gr_free(s->rows);
    gr_experiment_free(s->experiment);
}

/* Its result: json_decref. */
static inline json_t *make(const gr__result_def *def) {
    json_t *result;
    gr_error err = {0};
    gr_test_ok(gr__result_make(&result, def, &err), &err);
    return result;
}

/* A number of it, and what that should be. */
static inline double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value))
        fail_msg("%s is no number", key);
    return json_number_value(value);
}

static inline void near(const json_t *object, const char *key, double value) {
    if (!(fabs(number(object, key) - value) < 1e-9))
        fail_msg("%s: %.12g, by hand %.12g", key, number(object, key), value);
}

/* ---- those that there are ---- */

/* Arms of the audit, by their numbers. */
enum { ROUTED, ROUTED_OFF, PLAIN, FILTERED, PERFECT, PLACEBO, PLACEBO_OFF };

static const char *const audit_facts[] = {"labels", "hidden_labels", "document_labels"};

/* The audit with every twin, hidden labels and losses of documents. */
static inline void stored_one_of(stored *s, gr_experiment *experiment) {
    static const char *const twins[] = {"plain", "filtered", "perfect", "placebo"};
    stored_read(s, experiment, "one",
                &(gr_selection){.fact = audit_facts, .facts = 3, .named = true, .arm = twins, .arms = 4});
}

static inline void stored_one(stored *s) { stored_one_of(s, opened("experiments/audit.yaml", NULL)); }

/* The audit of labels by a rule, against the filtered twin, with losses of buckets and next to nothing to remove. */
static inline void stored_refused_of(stored *s, gr_experiment *experiment) {
    static const int placebo[] = {PLACEBO, PLACEBO_OFF};
    stored_read(s, experiment, "refused", &(gr_selection){.fact = audit_facts, .facts = 1});
    s->def.suggested = placebo;
    s->def.suggestions = 2;
}

static inline void stored_refused(stored *s) { stored_refused_of(s, opened("experiments/audit.yaml", NULL)); }

/* Arms of the rivals. */
enum { BASE, RIVAL_PERFECT, RIVAL_ROUTED, RIVAL_OFF, RMU };

/* Knobs, claims, five seeds. */
static inline void stored_seeds(stored *s) {
    stored_read(s, opened("tests/data/results/rivals.yaml", NULL), "seeds",
                &(gr_selection){.fact = audit_facts, .facts = 3});
}

#endif

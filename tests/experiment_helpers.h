/* experiment_helpers.h - experiments of tests: files of the project, texts, and a small one to be changed. */
#ifndef GR_TESTS_EXPERIMENT_HELPERS_H
#define GR_TESTS_EXPERIMENT_HELPERS_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "experiment_registry.h"
#include "support.h"

static gr_registry *registry;

static inline int setup(void **state) {
    registry = made_registry();
    return gr_test_files_setup(state);
}

static inline int teardown(void **state) {
    gr_registry_free(registry);
    return gr_test_files_teardown(state);
}

/* A file of the project: tests run at its root, or in a folder within. */
static inline const char *project_path(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s%s", access("recipes/demo.yaml", F_OK) == 0 ? "" : "../", name);
    return path;
}

static inline gr_experiment *opened(const char *path, const char *preset) {
    gr_error err = {0};
    gr_experiment *e;
    gr_test_ok(gr_experiment_open(&e, project_path(path), preset, registry, &err), &err);
    return e;
}

static inline gr_experiment *parsed_with(const char *text, const char *preset) {
    gr_error err = {0};
    gr_experiment *e;
    gr_test_ok(gr_experiment_parse(&e, text, strlen(text), "e.yaml", preset, registry, &err), &err);
    return e;
}

static inline gr_experiment *parsed(const char *text) { return parsed_with(text, NULL); }

static inline int arm_of(const gr_experiment *e, const char *name) {
    for (int i = 0; i < e->arms; i++)
        if (strcmp(e->arm[i].name, name) == 0)
            return i;
    fail_msg("no arm %s", name);
    return -1;
}

/* ---- a small one ---- */

static const char small[] =
    /*  1 */ "experiment: small\n"
             /*  2 */ "axes: {known: {all: {labels.a.known: 1.0}, half: {labels.a.known: 0.5}}}\n"
             /*  3 */ "arms:\n"
             /*  4 */ "  routed: {train: {set: {preset.p_cr: {knob: [0.25, 0.5]}}}, fixed: true}\n"
             /*  5 */ "  routed_off: {from: routed, ablate: {regions: all}}\n"
             /*  6 */ "  plain: {train: {routes: none}, when: labels}\n"
             /*  7 */ "  filtered: {train: {without: revealed}, when: labels}\n"
             /*  8 */ "roles: {subject: routed, zero: plain, one: filtered}\n"
             /*  9 */ "groups: {forget: any_label, retain: retain}\n"
             /* 10 */ "measures: {loss: {of: [routed, routed_off, plain, filtered]}}\n"
             /* 11 */ "attacks: {relearn: {of: [routed_off, plain, filtered], documents: [8, 16]}}\n"
             /* 12 */ "figures: [{key: gone, figure: removal_specific, of: routed_off}]\n"
             /* 13 */ "claims: [{primary: true, say: it works, figure: removal, of: routed_off, at_least: 0.3}]\n"
             /* 14 */ "verdict: {missing: none, lead: {figure: gone, say: 'gone {gone}', refused: 'no'}}\n"
             /* 15 */ "presets: {quick: {seeds: 5, axes: {known: [half]}}, tiny: {arms: [routed], set: {seed: 3}}}\n";

/* The small one with a piece of its text replaced, which is there once. */
static inline char *changed(const char *from, const char *to) {
    const char *at = strstr(small, from);
    assert_non_null(at);
    assert_null(strstr(at + 1, from));
    return gr_format("%.*s%s%s", (int)(at - small), small, to, at + strlen(from));
}

#endif

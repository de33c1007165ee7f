/* Experiments from anywhere: refused with a place and a reason, or read, written and read again to the same text. The
 * first byte chooses what the others are: a text, or edits of experiments/audit.yaml, of which pieces are left out,
 * repeated and exchanged. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/experiment_registry.h"
#include "base/mem.h"
#include "forge.h"
#include "lab/experiment_read.h"

/* Pieces between characters that mean something to YAML. */
static size_t pieces_of(const char *text, size_t *at, size_t most) {
    size_t count = 0;
    for (size_t i = 0; text[i] && count < most; i++)
        if (i == 0 || strchr("{}[],: \n", text[i]) || strchr("{}[],: \n", text[i - 1]))
            at[count++] = i;
    return count;
}

enum { PIECES = 8192, ROOM = 1 << 17 };

/* One edit: a piece goes away, comes twice, or is another one. */
static void edit(char *text, gr_forge *in) {
    static size_t at[PIECES];
    static char result[ROOM];
    size_t count = pieces_of(text, at, PIECES - 1), a = gr_forge_number(in, 2) % count,
           b = gr_forge_number(in, 2) % count;
    unsigned how = gr_forge_byte(in) % 3;
    at[count] = strlen(text);
    int begin = (int)at[a], other = (int)(at[b + 1] - at[b]);
    const char *tail = how == 1 ? text + at[a] : text + at[a + 1];
    snprintf(result, sizeof result, "%.*s%.*s%s", begin, text, how == 0 ? 0 : other, text + at[b], tail);
    strcpy(text, result);
}

/* What was read can be asked for everything. */
static void use(const gr_experiment *e) {
    gr_error err = {0};
    bool *runs = gr_alloc((size_t)e->arms + 1);
    static const char *const facts[] = {"labels", "hidden_labels", "rule_labels", "document_labels"};
    check(gr_experiment_select(runs, e, &(gr_selection){.fact = facts, .facts = 4}, &err) == GR_OK);
    for (int i = 0; i < e->arms; i++) {
        check(!e->arm[i].from || e->arm[i].from < &e->arm[i]);
        check(!runs[i] || !e->arm[i].from || runs[e->arm[i].from - e->arm]);
        gr_settings *settings;
        check(gr_experiment_settings(&settings, e, i, gr_experiment_knobs(e, i) - 1, NULL, &err) == GR_OK);
        gr_settings_free(settings);
    }
    int points = gr_experiment_points(e);
    check(points > 0);
    for (int i = 0; i < e->axes; i++)
        check(gr_experiment_value(e, points - 1, i) < e->axis[i].values);

    /* A recipe is made, or refused with a reason. */
    gr_recipe *recipe;
    gr_status status = gr_experiment_recipe(&recipe, e, &(gr_experiment_base){.point = points - 1, .seed = 1}, &err);
    check(status == GR_OK || err.message[0]);
    gr_recipe_free(recipe);
    gr_free(runs);
}

static void read_twice(const gr_registry *registry, const char *text, size_t length, const char *preset) {
    gr_error err = {0};
    gr_experiment *e, *again;
    char *one, *two;
    if (gr_experiment_parse(&e, text, length, "fuzz", preset, registry, &err) != GR_OK) {
        check(!e && err.message[0] && err.place[0]);
        return;
    }
    use(e);
    check(gr_experiment_text(e, &one, &err) == GR_OK);
    check(gr_experiment_parse(&again, one, strlen(one), "again", NULL, registry, &err) == GR_OK);
    check(gr_experiment_text(again, &two, &err) == GR_OK && strcmp(one, two) == 0);
    gr_free(one);
    gr_free(two);
    gr_experiment_free(again);
    gr_experiment_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *audit;
    static gr_registry *registry;
    check(audit || gr__experiment_shipped("audit", &audit));
    registry = registry ? registry : made_registry();
    gr_forge in = {data, size};
    unsigned how = gr_forge_byte(&in);
    const char *preset = how & 2 ? "quick" : NULL;
    if (how & 1) {
        read_twice(registry, (const char *)in.data, in.size, preset);
        return 0;
    }

    /* Half of them have what the audit has not. */
    char *text = gr_alloc(ROOM);
    snprintf(text, ROOM, "%s%s", audit,
             how & 4
                 ? "axes: {known: {all: {labels.a.known: 1}, half: {}}, x: {y: {}}}\n"
                   "presets: {quick: {seeds: 5, axes: {known: [all]}, arms: [routed_off], set: {a.b: 1}}}\n"
                   "claims: [{primary: true, say: so, figure: removal, of: routed_off, minus: filtered, at_least: 1}]\n"
                   "base: {data: {text: x}, model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}}\n"
                 : "");
    for (int edits = 0; in.size > 0 && edits < 6; edits++)
        edit(text, &in);
    read_twice(registry, text, strlen(text), preset);
    gr_free(text);
    return 0;
}

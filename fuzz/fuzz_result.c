/* Results from rows of anywhere: refused with a word, or a result that is written as JSON and printed, whatever the
 * rows say. Rows are edits of good ones, given to every cell of a small experiment alike, or with some cells left out.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../tests/experiment_registry.h"
#include "base/mem.h"
#include "forge.h"
#include "io/json.h"
#include "lab/result.h"
#include "report/result_text.h"

static const char yaml[] =
    "experiment: e\n"
    "axes: {known: {all: {labels.a.known: 1.0}, half: {labels.a.known: 0.5}}}\n"
    "arms:\n"
    "  plain: {train: {routes: none}, shown: plain}\n"
    "  filtered: {train: {routes: none, without: revealed}, shown: filtered}\n"
    "  routed: {train: {set: {x: {knob: [1, 2]}}}}\n"
    "  cut: {from: routed, ablate: {regions: all}, shown: cut}\n"
    "roles: {subject: routed, zero: plain, one: filtered}\n"
    "groups: {forget: any_label, retain: retain}\n"
    "measures: {loss: {of: [plain, filtered, routed, cut]}, complete: {of: [plain, cut]}, accuracy: {of: [plain, "
    "cut]}}\n"
    "attacks: {relearn: {of: [plain, filtered, cut], documents: [4]}}\n"
    "figures:\n"
    "  - {key: a, figure: removal_specific, of: cut}\n"
    "  - {key: b, figure: removal, of: plain, after: relearn}\n"
    "  - {key: c, figure: gap_specific}\n"
    "  - {key: d, figure: value, measure: loss, field: mean, group: forget, of: plain, minus: filtered}\n"
    "claims:\n"
    "  - {primary: true, say: one, figure: removal, of: cut, minus: filtered, matched: {tax_off: 0.1}, at_least: 0.1}\n"
    "  - {say: two, figure: value, measure: complete, field: tokens, of: plain, within: 1}\n"
    "verdict:\n"
    "  missing: none\n"
    "  lead: {figure: c, say: 'c {c}, {relearn.documents} {unit}', refused: 'no c{least}'}\n"
    "  then: [{flag: damage, say: damage}]\n";

enum { CELLS_MOST = 256 };

typedef struct setting {
    gr_registry *registry;
    gr_experiment *experiment;
    bool runs[8];
} setting;

/* Once for all inputs. */
static const setting *made(void) {
    static setting s;
    gr_error err = {0};
    static const char *const facts[] = {"labels"};
    if (s.registry)
        return &s;
    s.registry = made_registry();
    check(gr_experiment_parse(&s.experiment, yaml, sizeof yaml - 1, "e.yaml", NULL, s.registry, &err) == GR_OK);
    check(gr_experiment_select(s.runs, s.experiment, &(gr_selection){.fact = facts, .facts = 1}, &err) == GR_OK);
    return &s;
}

/* Rows of every kind that results read. */
static json_t *good(void) {
    return json_pack(
        "[{s:s, s:s, s:s, s:[f, f, f], s:[i, i, i], s:s, s:s}, {s:s, s:s, s:[f, f], s:[i, i], s:s},"
        " {s:s, s:i, s:i, s:f, s:i}, {s:s, s:s, s:i, s:i}, {s:s, s:s, s:s}, {s:s, s:s, s:i}, {s:s, s:s, s:i},"
        " {s:s, s:s, s:i}, {s:s, s:i, s:i, s:i, s:f, s:f, s:s}, {s:s, s:i, s:i, s:s, s:i, s:i}]",
        "row", "loss", "group", "forget", "unit", "document", "units", 3.5, 4.25, 1.0, "sizes", 4, 5, 1, "list", "f",
        "at", "best", "row", "loss", "group", "retain", "units", 2.5, 3.25, "sizes", 4, 5, "list", "r", "row", "model",
        "tokens", 100, "parameters", 10, "flops", 1.5, "by_truth", 1, "row", "right", "class", "boot", "right", 1,
        "all", 2, "row", "text", "prompt", "a", "text", "b\nc", "row", "region", "name", "x", "parameters", 3, "row",
        "group", "name", "y", "documents", 3, "row", "label", "name", "z", "known", 2, "row", "point", "documents", 4,
        "tokens", 40, "step", 5, "lr", 0.5, "chosen", 4.5, "start", "removed", "row", "data", "documents", 10,
        "duplicates", 1, "counted", "samples", "rule", 1, "hidden", 1);
}

static gr_ledger *edited(gr_forge *in) {
    json_t *rows = good(), *row;
    gr_ledger *ledger = NULL;
    gr_error err = {0};
    char *text = gr_strdup("");
    size_t i;
    if (gr_forge_byte(in) % 4)
        gr_forge_json(rows, in);
    json_array_foreach(rows, i, row) {
        char *line = gr_json_line(row, false), *longer = gr_format("%s%s\n", text, line);
        gr_free(text);
        gr_free(line);
        text = longer;
    }
    if (gr_ledger_parse(&ledger, text, strlen(text), "rows", &err) != GR_OK)
        check(!ledger && err.message[0]);
    gr_free(text);
    json_decref(rows);
    return ledger;
}

/* One of two ledgers, or none, for each cell that there may be. */
static size_t cells_of(gr__result_rows *cells, const setting *s, gr_ledger *const ledger[2], int seeds, gr_forge *in) {
    size_t count = 0;
    const gr_attack *attack = gr_registry_attack(s->registry, "relearn");
    unsigned present = gr_forge_byte(in) % 8; /* of 8 */
    for (int arm = -1; arm < s->experiment->arms; arm++)
        for (int i = 0; i < 2 * seeds * 2 * 2; i++) {
            gr__result_rows cell = {.arm = arm,
                                    .point = i % 2,
                                    .seed = i / 2 % seeds,
                                    .knob = i / 2 / seeds % 2,
                                    .after = i / 2 / seeds / 2 ? attack : NULL,
                                    .seconds = 1};
            unsigned which = gr_forge_byte(in) % 8;
            cell.rows = ledger[which % 2];
            if (which < present && cell.rows && count < CELLS_MOST)
                cells[count++] = cell;
        }
    return count;
}

static void use(json_t *result) {
    char *text = NULL, *json = json_dumps(result, 0);
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    check(json && out);
    gr__result_text_print(result, out);
    fclose(out);
    check(length > 0 && strlen(text) == length);
    free(text);
    free(json);
    json_decref(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const uint64_t split[] = {1, 2, 3};
    static gr__result_rows cells[CELLS_MOST];
    gr_forge in = {bytes, size};
    const setting *s = made();
    gr_ledger *ledger[2] = {edited(&in), edited(&in)};
    int seeds = 1 + (int)(gr_forge_byte(&in) % 3);
    gr__result_def def = {.experiment = s->experiment,
                          .registry = s->registry,
                          .runs = s->runs,
                          .folder = "f",
                          .seeds = seeds,
                          .first_seed = 1,
                          .split_seed = split,
                          .least = 0.15,
                          .rows = cells,
                          .count = cells_of(cells, s, ledger, seeds, &in)};
    gr_error err = {0};
    json_t *result;
    if (gr__result_make(&result, &def, &err) == GR_OK)
        use(result);
    else
        check(!result && err.message[0] && err.place[0]);
    gr_ledger_free(ledger[0]);
    gr_ledger_free(ledger[1]);
    return 0;
}

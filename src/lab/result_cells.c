/* From cells to results: whose rows those of each cell are. */
#include "lab/result_cells.h"
#include "base/mem.h"

/* Whether two uses differ in nothing but the value of an option that asks for a measurement each. */
static bool is_rung(const gr__use *a, const gr__use *b) {
    return b->reading == a->reading && b->arm == a->arm && b->point == a->point && b->seed == a->seed &&
           b->knob == a->knob;
}

/* Whether a use is the last of a reading that is taken once for each of several values: the strongest attack. */
static bool is_last(const gr__cells *cells, const gr__use *use) {
    for (int u = 0; u < cells->uses; u++)
        if (is_rung(use, &cells->use[u]) && cells->use[u].each > use->each)
            return false;
    return true;
}

static double seconds_of(const gr__kept_cell *cell) {
    return cell ? json_number_value(json_object_get(cell->file, "seconds")) : 0;
}

gr__result_rows *gr__result_rows_of(size_t *count, const gr_experiment *e, const gr__cells *cells,
                                    const gr__kept_cell *const *cell) {
    gr__result_rows *rows = gr_alloc(((size_t)cells->uses + 1) * sizeof *rows);
    *count = 0;
    for (int u = 0; u < cells->uses; u++) {
        const gr__use *use = &cells->use[u];
        if (!cell[use->cell] || (use->reading >= 0 && !is_last(cells, use)))
            continue;

        /* What is shared by several points is of each of them, seconds too: each rests on it. */
        gr__result_rows *r = &rows[(*count)++];
        *r = (gr__result_rows){.arm = use->arm,
                               .point = use->point,
                               .seed = use->seed,
                               .knob = use->knob,
                               .after = use->reading >= 0 ? e->use[use->reading].attack : NULL,
                               .rows = cell[use->cell]->rows,
                               .seconds = seconds_of(cell[use->cell])};

        /* Those that count for nothing else took their time too. */
        for (int i = 0; i < cells->uses && use->reading >= 0; i++)
            if (i != u && is_rung(use, &cells->use[i]))
                r->seconds += seconds_of(cell[cells->use[i].cell]);
    }
    return rows;
}

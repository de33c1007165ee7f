/* From cells to results: whose rows those of each cell are. */
#include "lab/result_cells.h"
#include "base/mem.h"

/* Whether two uses differ in nothing but the value of an option that asks for a measurement each. */
static bool is_rung(const gr__use *a, const gr__use *b) {
    return b->reading == a->reading && b->arm == a->arm && b->point == a->point && b->seed == a->seed &&
           b->knob == a->knob;
}

/* Uses of the same reading that stand behind this one: of an attack those with a larger value. */
static int count_behind(const gr__cells *cells, const gr__use *use) {
    int count = 0;
    for (int u = 0; u < cells->uses; u++)
        count += is_rung(use, &cells->use[u]) && cells->use[u].each > use->each;
    return count;
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
        if (!cell[use->cell])
            continue;

        /* What is shared by several points is of each of them, seconds too: each rests on it. */
        rows[(*count)++] = (gr__result_rows){.arm = use->arm,
                                             .point = use->point,
                                             .seed = use->seed,
                                             .knob = use->knob,
                                             .after = use->reading >= 0 ? e->use[use->reading].attack : NULL,
                                             .rung = use->reading >= 0 ? count_behind(cells, use) : 0,
                                             .rows = cell[use->cell]->rows,
                                             .seconds = seconds_of(cell[use->cell])};
    }
    return rows;
}

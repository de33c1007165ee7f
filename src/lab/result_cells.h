/* result_cells.h - the rows of an experiment's cells, as a result wants them.
 *
 *     size_t count;
 *     gr__result_rows *rows = gr__result_rows_of(&count, experiment, cells, cell);
 *     gr__result_def def = {.experiment = experiment, .rows = rows, .count = count, ..};
 *     gr_free(rows);
 *
 * cell[cells->cells] are the rows of each cell, NULL where it is not done.
 */
#ifndef GR_LAB_RESULT_CELLS_H
#define GR_LAB_RESULT_CELLS_H

#include "lab/cell_file.h"
#include "lab/cells.h"
#include "lab/result.h"

/* The rows of each use of a cell that is done, borrowed from the cells. gr_free. */
gr__result_rows *gr__result_rows_of(size_t *count, const gr_experiment *experiment, const gr__cells *cells,
                                    const gr__kept_cell *const *cell);

#endif

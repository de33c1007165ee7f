/* copy.h - moving rows between values and tables: shared by the operations that only copy. */
#ifndef GR_OP_COPY_H
#define GR_OP_COPY_H

#include "op/op.h"

/* Rows [r0, r1) of to = (or +=, if accumulate) rows of from, width columns. */
void gr__copy_rows(gr_real *to, int stride_to, const gr_real *from, int stride_from, int width, int r0, int r1,
                   bool accumulate);

/* The row of a table that row n of the batch reads: ids[n], or its position in its document if ids is NULL. Positions
 * end at the table's last row (absent rows may form a document longer than any real one). */
static inline int gr__copy_source(const gr_op_rows *rows, const int32_t *ids, int n, int table_rows) {
    if (ids)
        return ids[n];
    const int position = n - rows->start[n];
    return position < table_rows ? position : table_rows - 1;
}

/* The gradient of a table that was read so: each present row of dy [capacity x cols] adds into its row of g, with the
 * slices' weights. */
void gr__copy_scatter(const gr_param_slot *table, const gr_op_rows *rows, const int32_t *ids, const gr_real *dy,
                      int stride, int r0, int r1);

#endif

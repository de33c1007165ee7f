/* ledger.h - rows as objects of JSON, for those who pass on what they do not know.
 *
 *     json_object_foreach(gr__entry_members(row), key, value) ...
 */
#ifndef GR_MEASURE_LEDGER_H
#define GR_MEASURE_LEDGER_H

#include <jansson.h>

#include "gradroute/measure.h"

/* All members of a row, "row" too; borrowed, not to be changed. */
json_t *gr__entry_members(const gr_entry *row);

#endif

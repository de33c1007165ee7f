/* arch_json.h - a description of a network as JSON: one member for each field of gr_arch_def that is not 0. */
#ifndef GR_FORMAT_ARCH_JSON_H
#define GR_FORMAT_ARCH_JSON_H

#include "gradroute/arch.h"
#include "io/json.h"

json_t *gr__arch_to_json(const gr_arch_def *def);

/* An owned, checked copy (gr_arch_free). GR_ERR_FORMAT for unknown members, wrong types and lists of the wrong length;
 * GR_ERR_USAGE for what cannot be built. */
gr_status gr__arch_from_json(gr_arch_def **def, const json_t *value, const char *place, gr_error *err);

#endif

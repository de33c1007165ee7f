/* slice.h - a random slice of a network, of the size of regions: what taking away so much does by itself.
 *
 *     GR_TRY(gr__slice_claim(&out, def, model, names, count, seed, 1, err));
 *     ... gr_surgery_remove(&bare, out.def, out.model, (const char *[]){GR__SLICE}, 1, err) ...
 */
#ifndef GR_METHOD_SLICE_H
#define GR_METHOD_SLICE_H

#include "gradroute/surgery.h"

#define GR__SLICE "random-slice" /* its name */

/* The same network with one region more, which claims in each layer as many neurons and heads of the core as the
 * regions names[count] have there together: neighbours, of which no region owns any, from a place on that is drawn by
 * seed, draw, layer and sort. GR_ERR_USAGE: a region that owns more than neurons and heads of the core's layers, or a
 * layer without so many neighbours. */
gr_status gr__slice_claim(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *const *names,
                          int count, uint64_t seed, int draw, gr_error *err);

/* Whether the regions own more than a slice could have, before there is a model. */
gr_status gr__slice_check(const gr_arch_def *def, const char *const *names, int count, gr_error *err);

#endif

/* remap.h - which layers and units of a network come from which of another one, and the model made of that. */
#ifndef GR_SURGERY_REMAP_H
#define GR_SURGERY_REMAP_H

#include "arch/blueprint.h"
#include "gradroute/surgery.h"

/* New from old layers and lines of units: for each of `to` the one of `from`, or -1. */
typedef struct gr__remap {
    gr_arch_def *def; /* of `to`, owned */
    gr__blueprint *from, *to;
    int *layer;             /* [layers of `to`] the layer of `from`, -1: new */
    int **units[GR__SORTS]; /* by sort [layers] arrays over the units of `to` */
} gr__remap;
gr_status gr__remap_expand(gr__remap **map, const gr_arch_def *def, const gr_arch_def *wider, gr_error *err);
gr_status gr__remap_remove(gr__remap **map, const gr_arch_def *def, const char *const *regions, int count,
                           gr_error *err);
/* Takes blueprints and description over. layer: see above, NULL: the same. Units are mapped by place, as in expand. */
gr__remap *gr__remap_new(gr__blueprint *from, gr__blueprint *to, gr_arch_def *def, const int *layer);
void gr__remap_free(gr__remap *map);
int gr__remap_origin(const gr__remap *map, int param); /* the parameter of `from` that became `param`, or GR_NONE */
int *gr__remap_lines(const gr__remap *map, int param, int axis); /* of parameter `param` of `to`; gr_free it */

/* surgery.c: the new model of a map, filled; what is new keeps its draws but, unless fresh, puts out nothing. */
gr_status gr__surgery_finish(gr_surgery_result *out, gr__remap *map, gr_model *model, uint64_t seed, bool fresh,
                             gr_error *err);

#endif

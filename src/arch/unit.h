/* unit.h - the kinds of units that regions are made of: one row each, in unit.c.
 *
 * Recipes, model folders, copies, comparisons, blueprints and surgery walk these rows, so a kind is one member of
 * gr_arch_region and one row, and code for what it means in a graph. What a layer has of its own are units of two
 * sorts, counted apart; a kind takes units of one of them, one by one or several at a time.
 */
#ifndef GR_ARCH_UNIT_H
#define GR_ARCH_UNIT_H

#include "gradroute/arch.h"

/* Units that a layer has. Those of experts are their neurons. */
typedef enum gr__sort { GR__HEADS, GR__NEURONS, GR__SORTS } gr__sort;

typedef struct gr__unit_kind {
    const char *name; /* of the member of gr_arch_region, in recipes and in model folders */
    const char *noun; /* in messages: several of them */
    size_t at;        /* of the gr_arch_units in a gr_arch_region */
    int sort;         /* what it takes of a layer; GR_NONE: nothing, it is of the whole network */
    bool by_expert;   /* it takes the neurons of whole experts */
} gr__unit_kind;

enum { GR__UNIT_KINDS = 4 };
extern const gr__unit_kind gr__unit_kinds[GR__UNIT_KINDS];

static inline gr_arch_units *gr__units_in(gr_arch_region *region, const gr__unit_kind *kind) {
    return (gr_arch_units *)((char *)region + kind->at);
}
static inline const gr_arch_units *gr__units_of(const gr_arch_region *region, const gr__unit_kind *kind) {
    return (const gr_arch_units *)((const char *)region + kind->at);
}

const gr__unit_kind *gr__unit_kind_find(const char *name); /* NULL if there is none */
bool gr__units_any(const gr_arch_units *units);            /* some are asked for */
/* Whether a region has units in layers (true), or of the network as a whole. */
bool gr__region_has(const gr_arch_region *region, bool in_layers);

#endif

/* unit.c - the rows of unit.h. */
#include "arch/unit.h"

#include <stddef.h>
#include <string.h>

#define AT(member) .name = #member, .at = offsetof(gr_arch_region, member)

const gr__unit_kind gr__unit_kinds[GR__UNIT_KINDS] = {
    {AT(residual), .noun = "residual dimensions", .sort = GR_NONE},
    {AT(mlp), .noun = "neurons", .sort = GR__NEURONS},
    {AT(heads), .noun = "heads", .sort = GR__HEADS},
    {AT(experts), .noun = "experts", .sort = GR__NEURONS, .by_expert = true},
};

const gr__unit_kind *gr__unit_kind_find(const char *name) {
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        if (!strcmp(gr__unit_kinds[k].name, name))
            return &gr__unit_kinds[k];
    return NULL;
}

bool gr__units_any(const gr_arch_units *u) { return u->add || u->lo || u->hi || u->last || u->spans; }

bool gr__region_has(const gr_arch_region *region, bool in_layers) {
    for (int k = 0; k < GR__UNIT_KINDS; k++)
        if ((gr__unit_kinds[k].sort != GR_NONE) == in_layers && gr__units_any(gr__units_of(region, &gr__unit_kinds[k])))
            return true;
    return false;
}

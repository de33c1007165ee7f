/* group_helpers.h - residual groups of every kind: whether their norm is apart, and what they write. */
#ifndef GR_TESTS_GROUP_HELPERS_H
#define GR_TESTS_GROUP_HELPERS_H

#include "gradroute/arch.h"

/* A kind is a sum of these: 0 shares the norm and writes both. */
enum { APART = 1, OWN = 2, KINDS = 4 };

static inline gr_arch_group group_of(int kind) {
    return (gr_arch_group){kind & APART ? GR_GROUP_NORM_APART : GR_GROUP_NORM_SHARED,
                           kind & OWN ? GR_GROUP_WRITES_OWN : GR_GROUP_WRITES_BOTH};
}

/* Layer norm counts no group that shares it. */
static inline bool group_fits(gr_norm norm, int kind) { return norm == GR_NORM_RMS || kind & APART; }

#endif

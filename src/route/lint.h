/* lint.h - what the files of the linter share: check.c (labels, options, pairs of routes) and lint_region.c
 * (classes and regions). Each check adds its findings to one list. */
#ifndef GR_ROUTE_LINT_H
#define GR_ROUTE_LINT_H

#include "route/internal.h"

typedef struct gr__lint {
    gr_findings *findings;
    const gr_model *model;
    const gr_routes *routes;
    const gr_router *router; /* the same routes, compiled; NULL until that has succeeded */
    const size_t *documents; /* [labels + 2] per label from -1 on, as in gr_route_check; may be NULL */
} gr__lint;

static inline const char *gr__lint_label(const gr_routes *routes, int label) {
    return label < 0 ? "unlabelled" : label == 0 ? "core" : routes->label[label - 1];
}

/* Whether some rows of a label are of this class, in their first or a second showing (lint_region.c). */
bool gr__lint_reaches(const gr__lint *l, int label, int cls);
/* Numbers that two rectangles share. */
long long gr__lint_overlapping(gr_rect a, gr_rect b);

/* Parameters that no row ever opens (lint_open.c). */
void gr__lint_open(const gr__lint *l);
/* Rows that train nothing (lint_region.c). */
void gr__lint_classes(const gr__lint *l);
/* When a region is open and on, and how large it is. */
void gr__lint_region(const gr__lint *l, int region);
/* Regions behind it in the model's list that own some of the same numbers. */
void gr__lint_overlap(const gr__lint *l, int region);

#endif

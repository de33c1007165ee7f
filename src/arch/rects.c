/* rects.c - what each region owns: the rectangles of parameters, and the cut of a parameter at their borders.
 *
 * A region owns the rows or columns of its units. Where it owns rows and columns of one parameter, the two stripes
 * cross, so the columns are cut around the rows: rectangles of one region never overlap. */
#include "arch/blueprint.h"
#include "base/sort.h"

#include <fnmatch.h>
#include <limits.h>

bool gr__blueprint_core(const gr__blueprint *blueprint, int param) {
    return blueprint->param[param].region == GR_NONE || blueprint->param[param].role != GR__BASE;
}

gr__unit_span gr__blueprint_lines(const gr__blueprint *blueprint, int param, int axis, int region) {
    const gr__blueprint_param *p = &blueprint->param[param];

    /* Parameters of a residual group have no units of the core, and a group none in the core's parameters. */
    const gr__unit unit = p->axis[axis].unit;
    const int layer = p->layer[axis], sort = gr__unit_sort(unit), scale = gr__blueprint_lines_of(blueprint, unit);
    if (!gr__blueprint_core(blueprint, param) || blueprint->def->regions[region].residual.add)
        return (gr__unit_span){0, 0};
    if (unit == GR__STREAM)
        return blueprint->stream_span[region];
    if (sort == GR_NONE)
        return (gr__unit_span){0, 0};

    /* Units come in lines: neurons one each, experts one for all of their neurons, heads several. */
    gr__unit_span s = blueprint->span[sort][region * blueprint->layers + layer];
    if (unit == GR__EXPERT)
        return (gr__unit_span){s.lo / blueprint->each[layer], s.hi / blueprint->each[layer]};
    return (gr__unit_span){s.lo * scale, s.hi * scale};
}

/* The next range of rows from `at` on that regions which stop gradients have: it begins at the lowest such row and
 * takes in all ranges that touch it. Empty, at INT_MAX, when there is none. */
static gr__unit_span next_stop(const gr__blueprint *blueprint, int param, int at) {
    gr__unit_span next = {INT_MAX, INT_MAX};

    /* A range that is taken in may make another one touch: go round until nothing grows. */
    bool grown = true;
    while (grown) {
        grown = false;
        for (int r = 0; r < blueprint->def->region_count; r++) {
            gr__unit_span s = gr__blueprint_lines(blueprint, param, 0, r);
            if (!blueprint->def->regions[r].stop || s.lo >= s.hi || s.hi <= at)
                continue;
            if (s.lo < next.lo) {
                next = s;
                grown = true;
            } else if (s.lo <= next.hi && s.hi > next.hi) {
                next.hi = s.hi;
                grown = true;
            }
        }
    }
    return next;
}

int gr__blueprint_stops(const gr__blueprint *blueprint, gr_columns *stop, int most, int param) {
    int count = 0;
    for (gr__unit_span s = next_stop(blueprint, param, -1); s.lo < INT_MAX; s = next_stop(blueprint, param, s.hi)) {
        if (count < most)
            stop[count] = (gr_columns){s.lo, s.hi};
        count++;
    }
    return count;
}

bool gr__blueprint_listed(const gr__blueprint *blueprint, int param, int region) {
    const gr_arch_region *r = &blueprint->def->regions[region];
    for (int i = 0; i < r->pattern_count; i++)
        if (!fnmatch(r->patterns[i], blueprint->param[param].def.name, 0))
            return true;
    return false;
}

bool gr__blueprint_whole(const gr__blueprint *blueprint, int param, int region) {
    const gr__blueprint_param *p = &blueprint->param[param];
    bool block = p->region == GR_NONE && p->block != GR_NONE && blueprint->whole[p->block] == region;
    return block || p->region == region || gr__blueprint_listed(blueprint, param, region);
}

int gr__blueprint_rects(const gr__blueprint *blueprint, gr_rect rect[GR__RECTS_MOST], int param, int region) {
    int rows = blueprint->param[param].def.rows, cols = blueprint->param[param].def.cols, n = 0;

    /* All of it, or none. */
    if (gr__blueprint_whole(blueprint, param, region)) {
        rect[0] = (gr_rect){param, 0, rows, 0, cols};
        return 1;
    }
    if (blueprint->param[param].role != GR__BASE) /* an adapter is its region's alone, whatever units it reaches */
        return 0;

    /* Rows first. */
    gr__unit_span r = gr__blueprint_lines(blueprint, param, 0, region),
                  c = gr__blueprint_lines(blueprint, param, 1, region);
    if (r.lo < r.hi)
        rect[n++] = (gr_rect){param, r.lo, r.hi, 0, cols};
    else
        r = (gr__unit_span){0, 0};
    /* The columns, above and below those rows. */
    if (c.lo < c.hi && r.lo > 0)
        rect[n++] = (gr_rect){param, 0, r.lo, c.lo, c.hi};
    if (c.lo < c.hi && r.hi < rows)
        rect[n++] = (gr_rect){param, r.hi, rows, c.lo, c.hi};
    return n;
}

/* The first region with a rectangle that holds this entry. */
static int first_owner(const gr_rect *rect, const int *owner, int rects, int row, int col) {
    for (int i = 0; i < rects; i++)
        if (row >= rect[i].lo0 && row < rect[i].hi0 && col >= rect[i].lo1 && col < rect[i].hi1)
            return owner[i];
    return GR_NONE;
}

gr__owned *gr__blueprint_cut(const gr__blueprint *blueprint, int *count, int param) {
    enum { MOST = GR__REGIONS_MOST * GR__RECTS_MOST };
    gr_rect rect[MOST];
    int owner[MOST], cut[2][2 * MOST + 2], rects = 0;

    /* Rectangles of all regions. */
    for (int r = 0; r < blueprint->def->region_count; r++) {
        int n = gr__blueprint_rects(blueprint, rect + rects, param, r);
        for (int i = 0; i < n; i++)
            owner[rects++] = r;
    }

    /* Their borders, and those of the parameter, cut it into a grid. */
    int n0 = 0, n1 = 0;
    cut[0][n0++] = cut[1][n1++] = 0;
    cut[0][n0++] = blueprint->param[param].def.rows;
    cut[1][n1++] = blueprint->param[param].def.cols;
    for (int i = 0; i < rects; i++) {
        cut[0][n0++] = rect[i].lo0;
        cut[0][n0++] = rect[i].hi0;
        cut[1][n1++] = rect[i].lo1;
        cut[1][n1++] = rect[i].hi1;
    }

    /* Each cell of the grid lies in or outside of each rectangle as a whole, so its first entry tells the owner. */
    n0 = gr__sort_borders(cut[0], n0);
    n1 = gr__sort_borders(cut[1], n1);
    gr__owned *owned = gr_alloc((size_t)(n0 - 1) * (size_t)(n1 - 1) * sizeof *owned);
    *count = 0;
    for (int i = 0; i + 1 < n0; i++)
        for (int j = 0; j + 1 < n1; j++)
            owned[(*count)++] = (gr__owned){{param, cut[0][i], cut[0][i + 1], cut[1][j], cut[1][j + 1]},
                                            first_owner(rect, owner, rects, cut[0][i], cut[1][j])};
    return owned;
}

/* The linter's look at what no row ever opens: numbers that stay as they were drawn, whatever is trained on. One line
 * too many that closes a layer for everybody has cost whole runs, and shows in no loss as what it is. */
#include "base/mem.h"
#include "route/lint.h"

/* Numbers of one owner: all of them, those that no row opens, and where the first of these is. */
typedef struct part {
    long long all, closed;
    gr_param first;
} part;

/* Which classes some rows have; gr_free. */
static bool *classes_that_occur(const gr__lint *l) {
    bool *occurs = gr_alloc((size_t)gr_router_classes(l->router) + 1);
    for (int c = 0; c < gr_router_classes(l->router); c++)
        for (int label = -1; label <= l->routes->labels; label++)
            occurs[c] = occurs[c] || gr__lint_reaches(l, label, c);
    return occurs;
}

/* Whether some class of rows that there are gives the slice a gradient. A weight below 0 is one too: it moves it. */
static bool is_opened(const gr__lint *l, const bool *occurs, int slice) {
    for (int c = 0; c < gr_router_classes(l->router); c++)
        if (occurs[c] && gr_tables_weight(gr_router_tables(l->router), slice, c) != 0)
            return true;
    return false;
}

/* Counts so many numbers of a parameter. */
static void count(part *p, long long numbers, bool opened, gr_param param) {
    p->all += numbers;
    if (opened || !numbers)
        return;
    if (!p->closed)
        p->first = param;
    p->closed += numbers;
}

/* Adds a slice to its owners: what no region has is the core's. */
static void count_slice(const gr__lint *l, part *core, part *regions, gr_rect s, bool opened) {
    long long rest = (long long)(s.hi0 - s.lo0) * (s.hi1 - s.lo1);
    for (int r = 0; r < gr_model_regions(l->model); r++) {
        const gr_region *region = gr_model_region(l->model, r);
        long long own = 0;
        for (int i = 0; i < region->rects; i++)
            own += gr__lint_overlapping(s, region->rect[i]);
        count(&regions[r], own, opened, s.param);
        rest -= own;
    }
    count(core, rest > 0 ? rest : 0, opened, s.param); /* below 0: regions that overlap, which is said elsewhere */
}

void gr__lint_open(const gr__lint *l) {
    const gr_tables *tables = gr_router_tables(l->router);
    part core = {0}, *regions = gr_alloc(((size_t)gr_model_regions(l->model) + 1) * sizeof *regions);
    bool *occurs = classes_that_occur(l);
    for (int s = 0; s < gr_tables_slices(tables); s++)
        count_slice(l, &core, regions, gr_tables_slice(tables, s), is_opened(l, occurs, s));

    /* A core that is closed as a whole is how regions are added to a model that is there. */
    if (core.closed && core.closed == core.all)
        gr_finding_add(l->findings, GR_LEVEL_NOTE, "meant where training goes on from a trained model (model.from)",
                       "no row opens anything outside of the regions: it stays as it is");
    else if (core.closed)
        gr_finding_add(
            l->findings, GR_LEVEL_WARNING, "some rows, mostly core text, should train them",
            "no row ever opens %lld of the %lld numbers outside of the regions, the first in '%s': they stay "
            "as they are",
            core.closed, core.all, gr_model_param(l->model, core.first)->name);

    /* A region that is closed as a whole is an error of its own (lint_region.c). */
    for (int r = 0; r < gr_model_regions(l->model); r++)
        if (regions[r].closed && regions[r].closed < regions[r].all)
            gr_finding_add(l->findings, GR_LEVEL_WARNING, "see which route closes them, and for whom",
                           "no row ever opens %lld of the %lld numbers of region '%s', the first in '%s': they stay as "
                           "they are",
                           regions[r].closed, regions[r].all, gr_model_region(l->model, r)->name,
                           gr_model_param(l->model, regions[r].first)->name);
    gr_free(regions);
    gr_free(occurs);
}

/* What no row has opened: the optimiser counts for each slice the steps in which some row opened it, and this looks for
 * those that have none after a tenth of the run and at its end. */
#include "train/unopened.h"

#include "base/mem.h"
#include "base/number.h"

enum { LEAST_STEPS = 20, TEXT = 200 };

struct gr__unopened {
    const gr_model *model;
    const gr_tables *tables;
    int64_t steps, early; /* of the run; the step after which it looks for the first time, 0: only at the end */
    bool *looked;         /* [slices] looked at */
    long long all;        /* numbers that are looked at */
    char json[TEXT], warning[TEXT];
};

/* Numbers of a slice. One that is cut to nothing has none, and is not missed. */
static long long size_of(gr_rect s) { return (long long)(s.hi0 - s.lo0) * (s.hi1 - s.lo1); }

/* Whether routes close it for every class of rows. */
static bool is_closed(const gr_tables *tables, int slice) {
    for (int c = 0; c < gr_tables_classes(tables); c++)
        if (gr_tables_weight(tables, slice, c) != 0)
            return false;
    return true;
}

gr__unopened *gr__unopened_new(const gr_model *model, const gr_router *router, int64_t steps) {
    if (!router || steps < LEAST_STEPS)
        return NULL;
    gr__unopened *o = gr_alloc(sizeof *o);
    o->model = model;
    o->tables = gr_router_tables(router);
    o->steps = steps;
    o->looked = gr_alloc((size_t)gr_tables_slices(o->tables) + 1);

    /* Routes that begin later have not opened what they will. */
    int64_t early = steps / 10 < LEAST_STEPS ? LEAST_STEPS : steps / 10;
    o->early = gr_router_phases(router) == 1 && early < steps ? early : 0;

    /* What routes close for everybody counts unless it is most of the network. */
    long long closed = 0, all = 0;
    for (int s = 0; s < gr_tables_slices(o->tables); s++) {
        all += size_of(gr_tables_slice(o->tables, s));
        closed += is_closed(o->tables, s) ? size_of(gr_tables_slice(o->tables, s)) : 0;
    }
    for (int s = 0; s < gr_tables_slices(o->tables); s++) {
        o->looked[s] = 2 * closed <= all || !is_closed(o->tables, s);
        o->all += o->looked[s] ? size_of(gr_tables_slice(o->tables, s)) : 0;
    }
    return o;
}

void gr__unopened_free(gr__unopened *o) {
    if (!o)
        return;
    gr_free(o->looked);
    gr_free(o);
}

/* Texts about so many numbers, the first of them in a slice. */
static void tell(gr__unopened *o, long long numbers, int slice, int64_t step) {
    char name[64];
    gr__print(name, sizeof name, "%.60s", gr_model_param(o->model, gr_tables_slice(o->tables, slice).param)->name);
    for (char *c = name; *c; c++)
        *c = *c == '"' || *c == '\\' || (unsigned char)*c < ' ' ? '?' : *c; /* names of other programs' graphs */
    gr__print(o->json, TEXT, ", \"unopened\": {\"numbers\": %lld, \"of\": %lld, \"first\": \"%s\"}", numbers, o->all,
              name);
    gr__print(o->warning, TEXT, "no row has opened %lld of %lld numbers in %lld steps, the first in %s", numbers,
              o->all, (long long)step, name);
}

void gr__unopened_step(gr__unopened *o, const gr_optim *optim, int64_t step) {
    if (!o)
        return;
    o->json[0] = o->warning[0] = 0;
    if (step != o->early && step != o->steps)
        return;

    /* Slices without a step so far. */
    long long numbers = 0;
    int first = GR_NONE;
    for (int s = 0; s < gr_tables_slices(o->tables); s++) {
        if (!o->looked[s] || gr_optim_slice_steps(optim, s) || !size_of(gr_tables_slice(o->tables, s)))
            continue;
        first = first == GR_NONE ? s : first;
        numbers += size_of(gr_tables_slice(o->tables, s));
    }
    if (numbers)
        tell(o, numbers, first, step);
}

/* Both are of the last step alone: a warning is told once, in the step that it is new with. */
const char *gr__unopened_json(const gr__unopened *o) { return o ? o->json : ""; }
const char *gr__unopened_warning(const gr__unopened *o) { return o && o->warning[0] ? o->warning : NULL; }

#include "lab/figures.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The number of a group, or -1. */
static int group_named(const gr_groups *groups, const char *name) {
    for (int g = 0; g < groups->count; g++)
        if (!strcmp(groups->group[g].name, name))
            return g;
    return -1;
}

static int source_of(const gr__figuring *f, gr_role role, int of) {
    return role == GR_ROLE_OF ? of : role == GR_ROLE_ZERO ? f->zero : f->one;
}

/* Losses of one operand; false: there are none. */
static bool find_sample(gr_sample *sample, const gr__figuring *f, const gr_operand *o, int of, const char *group,
                        bool after) {
    const gr__model_losses *source = &f->source[source_of(f, o->role, of)];
    const gr_sample *by_group = o->attacked && after ? source->after : source->before;
    int g = group_named(f->groups, o->retain ? "retain" : group);
    if (!by_group || g < 0 || by_group[g].count == 0)
        return false;
    *sample = by_group[g];
    return true;
}

/* The figure with its interval; false where one of its samples was not measured. */
static bool estimate_of(gr_estimate *e, const gr__figuring *f, const gr_figure *figure, int of, const char *group,
                        bool after) {
    gr_sample sample[GR_OPERANDS];
    for (int k = 0; k < figure->operands; k++)
        if (!find_sample(&sample[k], f, &figure->operand[k], of, group, after))
            return false;
    *e = gr_interval(figure->formula, sample, figure->operands, f->seed);
    return true;
}

/* What a ratio is taken over, which no model but those for 0 and 1 is part of; false: it cannot be said. */
static bool over_of(gr_estimate *e, gr__figuring *f, const gr_figure *figure, int of, const char *group, bool after) {
    const gr_figure *over = gr_registry_figure(f->registry, figure->over);
    assert(over);

    /* Known already? */
    for (int i = 0; i < f->overs; i++) {
        const gr__over *known = &f->over[i];
        if (known->figure == over && known->after == after && !strcmp(known->group, group)) {
            *e = known->estimate;
            return true;
        }
    }

    /* Else from now on, while there is room. */
    if (!estimate_of(e, f, over, of, group, after))
        return false;
    if (f->overs < (int)(sizeof f->over / sizeof *f->over))
        f->over[f->overs++] = (gr__over){over, group, after, *e};
    return true;
}

/* A ratio over a gap that may be 0 says nothing; over a small one it says little. */
static bool may_divide(gr__figuring *f, const gr_figure *figure, int of, const char *group, bool after) {
    gr_estimate over;
    if (!figure->over)
        return true;
    return over_of(&over, f, figure, of, group, after) && over.low > 0 && (!figure->least || over.value >= f->least);
}

/* Whether a figure compares with a model of this role. */
static bool has_role(const gr_figure *figure, gr_role role) {
    for (int k = 0; k < figure->operands; k++)
        if (figure->operand[k].role == role)
            return true;
    return false;
}

/* A model beside itself: always 0 or always 1. */
static bool is_itself(const gr__figuring *f, const gr_figure *figure, int of) {
    return has_role(figure, GR_ROLE_OF) &&
           ((of == f->zero && has_role(figure, GR_ROLE_ZERO)) || (of == f->one && has_role(figure, GR_ROLE_ONE)));
}

bool gr__figure_take(gr_estimate *estimate, gr__figuring *f, const gr__result_figure *def) {
    const gr_figure *figure = gr_registry_figure(f->registry, def->figure);
    assert(figure);
    const char *group = def->group ? def->group : figure->group;
    if (is_itself(f, figure, def->of) || !estimate_of(estimate, f, figure, def->of, group, def->after))
        return false;
    if (!may_divide(f, figure, def->of, group, figure->operand[0].attacked && def->after))
        *estimate = (gr_estimate){NAN, NAN, NAN};
    return true;
}

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
    const int source[GR_ROLES] = {of, f->zero, f->one, f->never};
    return source[role];
}

/* Losses of a model by group, as an operand asks for them; NULL: there are none. */
static const gr_sample *find_losses(const gr__model_losses *source, const gr_operand *o, bool after) {
    if (!o->attacked || (!after && !o->documents))
        return source->before;
    if (!o->documents)
        return source->after;
    for (int i = 0; after && i < source->rungs; i++)
        if (source->rung[i].documents == o->documents)
            return source->rung[i].after;
    return NULL;
}

/* Losses of one operand; false: there are none. */
static bool find_sample(gr_sample *sample, const gr__figuring *f, const gr_operand *o, int of, const char *group,
                        bool after) {
    int source = source_of(f, o->role, of);
    const gr_sample *by_group = source >= 0 ? find_losses(&f->source[source], o, after) : NULL;
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

/* Whether a model of this role is asked for the same losses as another operand. */
static bool has_alike(const gr_figure *figure, gr_role role, const gr_operand *o) {
    for (int k = 0; k < figure->operands; k++) {
        const gr_operand *other = &figure->operand[k];
        if (other->role == role && other->retain == o->retain && other->attacked == o->attacked &&
            other->documents == o->documents)
            return true;
    }
    return false;
}

/* A model beside itself, all of whose losses are compared with themselves: always 0 or always 1. */
static bool is_itself(const gr__figuring *f, const gr_figure *figure, int of) {
    for (gr_role role = GR_ROLE_ZERO; role < GR_ROLES; role++) {
        int own = 0, alike = 0;
        for (int k = 0; k < figure->operands; k++) {
            own += figure->operand[k].role == GR_ROLE_OF;
            alike += figure->operand[k].role == GR_ROLE_OF && has_alike(figure, role, &figure->operand[k]);
        }
        if (source_of(f, role, of) == of && own > 0 && alike == own)
            return true;
    }
    return false;
}

/* Whether the models for 0 are taken after an attack: then so is the gap between them and those for 1. */
static bool scale_attacked(const gr_figure *figure) {
    for (int k = 0; k < figure->operands; k++)
        if (figure->operand[k].role == GR_ROLE_ZERO && figure->operand[k].attacked)
            return true;
    return false;
}

bool gr__figure_take(gr_estimate *estimate, gr__figuring *f, const gr__result_figure *def) {
    const gr_figure *figure = gr_registry_figure(f->registry, def->figure);
    assert(figure);
    const char *group = def->group ? def->group : figure->group;
    if (is_itself(f, figure, def->of) || !estimate_of(estimate, f, figure, def->of, group, def->after))
        return false;
    if (!may_divide(f, figure, def->of, group, scale_attacked(figure) && def->after))
        *estimate = (gr_estimate){NAN, NAN, NAN};
    return true;
}

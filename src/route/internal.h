/* internal.h - what router.c, show.c, targets.c, check.c and the presets share.
 *
 * targets.c cuts the network into targets: pieces so small that each effect of a route covers a piece whole or not at
 * all. A class of rows is then one weight per target. router.c finds the classes, show.c draws them, check.c looks for
 * routes that are probably not meant, the presets write routes. */
#ifndef GR_ROUTE_INTERNAL_H
#define GR_ROUTE_INTERNAL_H

#include "gradroute/route.h"

/* Something that has one weight per class: a rectangle of a parameter, columns of a tap, or a region's gates. owners
 * are the regions (bits) that hold it. */
typedef struct gr__target {
    gr_mode mode;
    int gate;        /* forward: the region whose gates these are; else GR_NONE */
    gr_tap tap;      /* forward and activation on columns [rect.lo1, rect.hi1); else GR_NONE */
    gr_rect rect;    /* rectangle of a parameter; of a tap its columns lo1 and hi1 alone, with param GR_NONE */
    gr_kind kind;    /* of the parameter */
    uint64_t owners; /* bit r: region r holds it */
} gr__target;

typedef struct gr__targets {
    int count;
    gr__target *target;
    size_t capacity;
} gr__targets;

/* Everything the routes' effects could tell apart: the common refinement of all regions' parts and gates, cut further
 * at the borders of tap effects. */
void gr__targets_new(gr__targets *targets, const gr_model *model, const gr_routes *routes);

/* The product of the option's weights on each target, into w[targets->count]. */
void gr__targets_weigh(double *w, const gr__targets *targets, const gr_model *model, const gr_option *option);

/* Refuses an option whose effects cannot be meant. */
gr_status gr__option_check(const gr_model *model, const gr_route *route, const gr_option *option, gr_error *err);

/* Whether "rest" of the option leaves this parameter alone where no region owns it. */
bool gr__option_joint(const gr_model *model, const gr_option *option, gr_param param);

/* Regions (bits) that the option's effects of this mode name. */
uint64_t gr__option_named(const gr_model *model, const gr_option *option, gr_mode mode);

/* A route as the router draws it ("rule" r for route r). Outcome i below outcomes is drawn when edge[i - 1] <= u <
 * edge[i], u uniform in [0, 1). Where chances move, so do the edges: in a line, as sums of chances that do. */
typedef struct gr__drawn_rule {
    uint64_t labels; /* bits of the labels that it matches */
    gr_draw draw;
    bool repeat, mix;
    int64_t from, until; /* acts in steps [from, until); without end: INT64_MAX */
    int outcomes;
    int *option;  /* [outcomes] of the route, GR_NONE for no effect */
    double *edge; /* [outcomes], the last is 1 */
    double *to;   /* [outcomes] the edges in step `last`; NULL: they stay */
    int64_t last;
} gr__drawn_rule;

/* What labels mean in one stretch of steps. Arrays are over labels + 2, label k (-1 unlabelled, 0 core, 1..) at k + 1.
 * A combination is one outcome of each rule that acts and matches the label; its number is the sum of stride[r] *
 * outcome[r]. */
typedef struct gr__phase {
    int64_t from;   /* its first step; it lasts until the next phase */
    int *shown;     /* the label that rows are treated as: their own, or -1 */
    int *stride;    /* [..][rules] what an outcome of the rule adds to the number; 0: the rule does not match */
    int *combined;  /* how many combinations the label has */
    int **class_of; /* [..][combined] class of each combination */
} gr__phase;

struct gr_router {
    struct gr_arena *arena;
    gr_tables *tables; /* weights per class, as the engine reads them */
    uint64_t seed;
    int64_t steps; /* of the run, where a chance moves; else 0 */
    int labels, rules, classes, regions, copies, phases;
    gr__drawn_rule *rule; /* [rules] in the order of the routes */
    gr__phase *phase;     /* [phases] by their first step */
    int *copy;            /* [copies] the rules with `repeat` */
    int **copy_class;     /* [copies][outcomes of the rule] class of a second showing, GR_NONE for no copy */
    double *forward;      /* [classes][regions] forward weight of the region's gates */
};

static inline bool gr__rule_matches(const gr__drawn_rule *rule, int label) {
    return rule->labels & gr_label_bit(label);
}
static inline bool gr__rule_acts(const gr__drawn_rule *rule, int64_t step) {
    return rule->from <= step && step < rule->until;
}

/* The upper edge of an outcome in a step. */
static inline double gr__rule_edge(const gr__drawn_rule *rule, int i, int64_t step) {
    if (!rule->to)
        return rule->edge[i];
    double whole = (double)(rule->last - rule->from), done = whole > 0 ? (double)(step - rule->from) / whole : 1;
    done = done < 0 ? 0 : done > 1 ? 1 : done;
    return rule->edge[i] + done * (rule->to[i] - rule->edge[i]);
}

/* The probability of an outcome in a step. */
static inline double gr__rule_chance(const gr__drawn_rule *rule, int i, int64_t step) {
    return gr__rule_edge(rule, i, step) - (i ? gr__rule_edge(rule, i - 1, step) : 0);
}

/* The phase that a step is in. */
static inline const gr__phase *gr__phase_at(const gr_router *router, int64_t step) {
    int i = router->phases - 1;
    while (i > 0 && router->phase[i].from > step)
        i--;
    return &router->phase[i];
}

extern const gr_preset gr__preset_sgtm, gr__preset_gram, gr__preset_residual, gr__preset_era;

enum { GR__PRESET_REGIONS = 64 };
/* The regions of label k (1..K), or of all labels, each once, into names[GR__PRESET_REGIONS]; returns how many. */
int gr__preset_regions(const char **names, const gr_routes *routes, const gr_preset_def *def, int label);
/* What the preset is told to leave joint, for the last option. */
void gr__preset_joint(gr_routes *routes, const gr_preset_def *def);
int gr__preset_all(const char **names, const gr_routes *routes, const gr_preset_def *def);
/* Routes of labelled rows: each region that is not of their label is on with this chance. */
void gr__preset_beside(gr_routes *routes, const gr_preset_def *def, double chance);

#endif

/* kind.h - what an architecture is to all others: one struct in a file of its own, and one line in kinds.h.
 *
 *     const gr__arch gr__arch_mixer = {.name = "mixer", .keys = keys, .settle = settle, .list = list, ..};
 *
 * Recipes, model folders, surgery and the commands ask the struct and know no architecture by name. mlp.c is the
 * smallest example; transformer_blueprint.c has the struct of the transformer, and transformer.c its graph.
 */
#ifndef GR_ARCH_KIND_H
#define GR_ARCH_KIND_H

#include "arch/blueprint.h"

/* Most of what a description may ask for: larger numbers are mistakes, and their products would not fit an int. */
enum {
    GR__MOST_LAYERS = 1024,
    GR__MOST_UNITS = 1 << 20,
    GR__MOST_TOKENS = 1 << 24,
    GR__MOST_WIDTH = 1 << 16,
    GR__MOST_EXPERTS = 1024
};

typedef void gr__defaults(gr_arch_def *def);

typedef struct gr__arch {
    const char *name; /* of the kind in descriptions; of the network in recipes, where no style is of this kind */
    /* Described by `sizes`: it reads rows of sizes[0] numbers, has a layer of units for each size between the first and
     * the last, and neurons alone as units. Else by layers, width, heads and mlp: it reads tokens, and has a residual
     * stream whose blocks may have every kind of units. */
    bool sized;
    const char *noun, *title; /* in messages: "an mlp", "a multilayer perceptron"; for networks that are `sized` */

    /* Instead of a style's defaults, NULL: none. Which keys recipes have for it, the rows of field.h say. */
    gr__defaults *defaults;

    /* The blueprint. settle: checks the description, sets layers, and unless `sized` width, stream, head_size and
     * group_size. count: unless `sized`, sets claimable[] and each of a layer. check: a layer with
     * all that regions add, NULL: nothing to check. list: adds the parameters, but for strengths. */
    gr_status (*settle)(gr__blueprint *blueprint, gr_error *err);
    gr_status (*count)(gr__blueprint *blueprint, int layer, gr_error *err);
    gr_status (*check)(const gr__blueprint *blueprint, int layer, gr_error *err);
    void (*list)(gr__blueprint *blueprint);

    /* Adds parameters and regions (gr__blueprint_register), nodes, gates, outputs and losses. watch: heads,
     * neurons and streams are outputs too, named as their taps. tap: that name, for the units of this sort in a layer.
     */
    void (*graph)(gr_graph *graph, const gr__blueprint *blueprint, bool watch);
    void (*tap)(char *text, size_t size, int layer, gr__sort sort);
} gr__arch;

#define GR_ARCH(name) extern const gr__arch gr__arch_##name;
#include "arch/kinds.h"
#undef GR_ARCH

/* What a published family of networks has in common (style.c, and its line in styles.h). */
typedef struct gr__style {
    const char *name;
    const gr__arch *arch;
    gr__defaults *set;
} gr__style;
extern const gr__style gr__styles[]; /* up to one without a name */

const gr__arch *gr__arch_of(const gr_arch_def *def);
int gr__arch_layers(const gr_arch_def *def); /* with units; below 0 where `sizes` are too few */

/* Words of recipes, NULL behind the last: styles, and kinds of which there are none. named: sets the kind that a word
 * means, and returns what the word sets besides once the sizes are known, NULL: nothing. */
const char *gr__arch_name(int value);
gr__defaults *gr__arch_named(gr_arch_def *def, const char *word);
const char *gr__kind_word(int kind);

/* ---- for checks ---- */

gr_status gr__within(const char *what, int value, int lo, int hi, gr_error *err);
gr_status gr__fraction(const char *what, double value, double below, gr_error *err); /* in [0, below) */
bool gr__has_experts(const gr_arch_def *def);

/* ---- for lists of parameters ---- */

/* What the parameters being added have in common. */
typedef struct gr__lister {
    gr__blueprint *blueprint;
    int owner; /* GR_NONE or a region with a residual group or an adapter */
    int layer;
    bool outside; /* of every layer */
} gr__lister;

gr__blueprint_param *gr__list_add(const gr__lister *l, gr_param_def def, gr__param_axis rows, gr__param_axis cols,
                                  const char *format, ...) __attribute__((format(printf, 5, 6)));
gr_param_def gr__list_weight(int rows, int cols, double std);
gr_param_def gr__list_table(int rows, int cols, double std); /* rows are looked up */
gr_param_def gr__list_vector(int cols, gr_kind kind);        /* [1 x cols], zero at first */

/* ---- transformer.c ---- */

void gr__transformer_graph(gr_graph *graph, const gr__blueprint *blueprint, bool watch);

#endif

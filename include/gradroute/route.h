/* route.h - from labels to classes: routes, presets, their class tables, and a linter.
 *
 *     gr_routes *routes = gr_routes_new(1, (const char *[]){"biology"});
 *     gr_routes_add(routes, gr_label_bit(1), GR_DRAW_SEQUENCE);        rows labelled biology ...
 *     gr_routes_option(routes, 1);                                     ... always ...
 *     gr_routes_open(routes, 1, (const char *[]){"bio"});              ... train the region "bio" ...
 *     gr_routes_effect(routes, GR_MODE_PARAMETER, GR_SCOPE_REST, NULL, 0); ... and nothing else
 *     gr_router *router;
 *     GR_TRY(gr_router_new(&router, model, routes, seed, err));
 *     gr_run_new(&run, model, gr_router_tables(router), &run_def, err);
 *     gr_router_classify(router, cls, &(gr_router_rows){...}, step);   batch.cls = cls
 *
 * The engine knows a class per row and weights per class (model.h). Here stands what a class means. A row's label
 * selects the routes that match it; each route draws at most one of its options; the drawn options together are the
 * row's class. The weights of all drawn options multiply.
 */
#ifndef GRADROUTE_ROUTE_H
#define GRADROUTE_ROUTE_H

#include "gradroute/model.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Labels ------------------------------------------------------------------------------------------------------
 * Rows are labelled -1 unlabelled, 0 core, 1..K topics; INT16_MIN is an absent row (class -1). Sets of labels are bits:
 * gr_label_bit(label). */
enum {
    GR_ROUTE_LABELS_MAX = 60,     /* K */
    GR_ROUTE_ROUTES_MAX = 64,     /* routes of one list */
    GR_ROUTE_CLASSES_MAX = 256,   /* classes of one router, after equal ones are merged */
    GR_ROUTE_COMBINED_MAX = 4096, /* combinations of options over all labels, before */
};
#define GR_LABELS_ALL (~(uint64_t)0)
#define GR_LABELS_UNLABELLED ((uint64_t)1)
#define GR_LABELS_CORE ((uint64_t)2)
#define GR_LABELS_TOPICS (~(uint64_t)3)
static inline uint64_t gr_label_bit(int label) { return (uint64_t)1 << (label + 1); } /* label in -1..K */

/* ---- Routes ------------------------------------------------------------------------------------------------------ */

/* What a weight w multiplies. */
typedef enum gr_mode {
    GR_MODE_FORWARD,    /* the value at a tap, and with it the gradient that passes */
    GR_MODE_ACTIVATION, /* the gradient that passes a tap; the value is unchanged. Protects only what lies upstream */
    GR_MODE_PARAMETER,  /* the gradient given to weights; what passes upstream is unchanged. 0: closed, untouched */
} gr_mode;

/* Where. "Named" regions of an option are those of its GR_SCOPE_REGION effects of the same mode. Tap columns "of" a
 * region are its gates. */
typedef enum gr_scope {
    GR_SCOPE_REGION,     /* name: a region's parts (parameter) or gates (activation, forward) */
    GR_SCOPE_OTHERS,     /* the same for each region that is not named: what two of them share is weighed twice */
    GR_SCOPE_REST,       /* parameter: every weight outside the named regions, but for what is joint;
                          * activation, forward: the other columns of the taps where the named regions have gates */
    GR_SCOPE_ALL,        /* parameter only: every weight */
    GR_SCOPE_EMBEDDINGS, /* parameter only: weights of this kind outside the named regions */
    GR_SCOPE_NORMS,
    GR_SCOPE_BIASES,
    GR_SCOPE_OUT_BIASES,
    GR_SCOPE_TAP, /* activation, forward: columns [lo, hi) (hi 0: to the last) of the taps whose names match name, which
                   * may hold *, ? and {LO..HI}, a number from LO to HI: layers.{6..18}.stream */
} gr_scope;

typedef struct gr_effect {
    gr_mode mode;
    gr_scope scope;
    const char *name; /* of GR_SCOPE_REGION and GR_SCOPE_TAP */
    int lo, hi;       /* of GR_SCOPE_TAP */
    double weight;    /* any finite number; 1 changes nothing, but names a region */
} gr_effect;

typedef struct gr_option {
    double chance; /* probability of this option, in [0, 1]; what is left over to 1 is: no effect */
    /* moves: it is `chance` in the first step that the route acts in, `to` in the last one of the run, and in a line
     * between. */
    bool moves;
    double to;
    /* What "rest" leaves alone in parameters that no region owns: bits 1 << gr_kind, and names of parameters, which may
     * hold *, ? and {LO..HI}. */
    unsigned joint;
    const char **joint_name;
    size_t joint_names, joint_room;
    int effects;
    gr_effect *effect;
    size_t capacity;
} gr_option;

/* What shares one draw. Published code draws once for a step; a draw for each row keeps the mixture even. */
typedef enum gr_draw { GR_DRAW_TOKEN, GR_DRAW_DOCUMENT, GR_DRAW_SEQUENCE, GR_DRAW_STEP } gr_draw;

/* Scores of a route with `mix` by the frequency of the row's target (Cloud et al. 2024, arXiv 2410.04332, appendix C):
 * 1 - w, where w = 1 - sigmoid(f/r - r/f - bias), f and r the smoothed frequencies of the token in text of the route's
 * labels and in other text. A description: whoever makes the rows computes them (label.h: gr_frequencies). */
typedef struct gr_frequency {
    bool on;                     /* false: scores are those of the rows */
    double bias, forget, retain; /* 4, 1, 20; the latter two are added to counts */
} gr_frequency;

typedef struct gr_route {
    uint64_t labels; /* matches rows with these labels */
    gr_draw draw;
    bool repeat; /* drawn by sequence: the sequence is shown a second time in its step, as an extra row that follows
                  * this route's option alone; its first showing does not see this route */
    bool mix;    /* weights act by the row's score: 1 + score (w - 1) */
    gr_frequency frequency; /* where the scores come from */
    /* Acts in steps [from, until) alone; until 0: without end. Rows of a label (or the core) whose routes are all out
     * of their steps are treated as unlabelled: a label that arrives late, or is taken back. Routes that match
     * unlabelled rows too say nothing of a label, and do not count for this. */
    int64_t from, until;
    int options;
    gr_option *option;
    size_t capacity;
    const char *place; /* for messages: "recipe.yaml:12:5", or NULL */
} gr_route;

typedef struct gr_routes {
    int labels; /* K */
    const char **label;
    int count;
    gr_route *route;
    size_t capacity;
    int64_t steps;          /* of the run, where a chance moves; 0: not known, and none may */
    struct gr_arena *arena; /* owns the strings */
} gr_routes;

/* An empty list over labels 1..K, K at most GR_ROUTE_LABELS_MAX. Names are copied, here and below. Mistakes (unknown
 * names, chances over 1) are reported by gr_router_new, not while building. */
gr_routes *gr_routes_new(int labels, const char *const *names);
void gr_routes_free(gr_routes *routes);

void gr_routes_add(gr_routes *routes, uint64_t labels, gr_draw draw); /* a route */
void gr_routes_option(gr_routes *routes, double chance);              /* of the last route */
void gr_routes_move(gr_routes *routes, double to);                    /* the last option's chance moves */
/* Of the last option; tap: all columns. */
void gr_routes_effect(gr_routes *routes, gr_mode mode, gr_scope scope, const char *name, double weight);
void gr_routes_tap(gr_routes *routes, gr_mode mode, const char *pattern, int lo, int hi, double weight);
void gr_routes_joint(gr_routes *routes, const char *pattern); /* parameters that the last option leaves joint */

/* Shorthands for effects of the last option. */
void gr_routes_open(gr_routes *routes, int count, const char *const *regions);    /* parameter 1 */
void gr_routes_without(gr_routes *routes, int count, const char *const *regions); /* forward 0: switched off */
void gr_routes_only(gr_routes *routes, int count, const char *const *regions);    /* all other regions switched off */
/* Routes, one for each region, of rows with these labels: each region is on with this chance, whatever the others are,
 * and else switched off. Chance 1 adds none. */
void gr_routes_subset(gr_routes *routes, uint64_t labels, gr_draw draw, double chance, int count,
                      const char *const *regions);
/* For the last route: one option for each region with an equal part of the chance, all other regions of the list off.
 */
void gr_routes_one_of(gr_routes *routes, double chance, int count, const char *const *regions);

/* Words of the vocabulary, NULL and -1 when there is none. */
const char *gr_mode_name(gr_mode mode);
int gr_mode_find(const char *word);
const char *gr_draw_name(gr_draw draw);
int gr_draw_find(const char *word);
const char *gr_scope_name(gr_scope scope); /* "others", "rest", "all", "embeddings", ...; NULL for region and tap */
int gr_scope_find(const char *word);
const char *gr_kind_name(gr_kind kind); /* "embeddings", "norms", "biases", "out_biases", "weights" */
int gr_kind_find(const char *word);

/* Writes the list as a YAML sequence that a recipe reads back, each line after `indent` spaces. */
void gr_route_print(const gr_routes *routes, FILE *out, int indent);

/* ---- Presets: published methods as lists of routes --------------------------------------------------------------- */

enum { GR_PRESET_OPTIONS = 4 };

typedef struct gr_preset_option { /* a number a preset can be given */
    const char *name;
    double value, lo, hi; /* default and range; a default out of the range says that it is not given */
    const char *help;
} gr_preset_option;

typedef struct gr_preset_def {
    /* [K] for each label a list of its regions that ends with NULL; NULL: the region named as the label. Several
     * regions are on and open together. */
    const char *const *const *region;
    double value[GR_PRESET_OPTIONS]; /* of the preset's options, in their order */
    unsigned joint;                  /* what stays joint on labelled rows, as in gr_option: bits 1 << gr_kind, */
    int joint_names;                 /* and names of parameters */
    const char *const *joint_name;
    gr_draw draw; /* of every draw in it */
} gr_preset_def;

typedef struct gr_preset {
    const char *name, *help;
    gr_preset_option option[GR_PRESET_OPTIONS]; /* up to the first without a name */
    void (*expand)(gr_routes *routes, const gr_preset_def *def);
} gr_preset;

/* sgtm:     labelled rows train their region alone (parameter mode); a part p_off of core rows runs without regions.
 * gram:     labelled rows run with their module alone, train it, and with probability p_as the core; core rows run
 *           without modules, or with probability p_cr with one drawn at random; unlabelled rows are plain.
 * residual: labelled rows run with their region alone and train nothing else; core and unlabelled rows run without
 *           regions, or with probability p_cr with one, and train what is on; a part p_repeat is shown once more,
 *           training only the region.
 *   Of both, with `subset` from 0 on: what is drawn by p_cr runs not with one but with each module by this chance, and
 *   with `beside` above 0 labelled rows run with each module that is not theirs by this chance, which is not trained.
 * era:      labelled rows weigh the gradient at the units beside their region, down to `original` for targets that are
 *           of the topic; every row trains everything, the region included. */
int gr_presets(void);
const gr_preset *gr_preset_at(int index);
const gr_preset *gr_preset_find(const char *name); /* NULL if there is none */
/* Default values, joint kinds none, drawn by sequence, each label's region named as the label. */
gr_preset_def gr_preset_default(const gr_preset *preset);
/* Appends the preset's routes for every label of the list. Errors: GR_ERR_USAGE for a value out of its range. */
gr_status gr_preset_expand(gr_routes *routes, const gr_preset *preset, const gr_preset_def *def, gr_error *err);

/* ---- Router: the routes of one model, compiled ---- */

typedef struct gr_router gr_router;

/* Enumerates for each label the combinations of options that can be drawn, merges those with equal weights, and builds
 * the finished tables of the classes that remain. The routes may be freed after. Errors: GR_ERR_USAGE for unknown
 * regions, taps or labels, chances over 1, weights that are not finite, an effect that its mode cannot have, too many
 * combinations, a joint parameter that no name matches. */
gr_status gr_router_new(gr_router **router, const gr_model *model, const gr_routes *routes, uint64_t seed,
                        gr_error *err);
/* The same where nothing but regions[count] trains: all other numbers are closed for every row, and a showing, first or
 * second, that would train nothing of these regions is left out (class -1). What is drawn is drawn as by gr_router_new,
 * so the regions are trained on the rows, in the steps, that they are trained on there. Errors: also GR_ERR_USAGE for
 * an unknown region, and for routes that mix. */
gr_status gr_router_new_alone(gr_router **router, const gr_model *model, const gr_routes *routes,
                              const char *const *regions, int count, uint64_t seed, gr_error *err);
void gr_router_free(gr_router *router); /* with its tables: after the runs that use them */

const gr_tables *gr_router_tables(const gr_router *router);
int gr_router_classes(const gr_router *router);
/* Probability that a row of this label (-1..K) has this class at a step; copies do not count. */
double gr_router_chance_at(const gr_router *router, int label, int cls, int64_t step);
double gr_router_chance(const gr_router *router, int label, int cls); /* at step 0 */
/* Stretches of steps in which the same routes act: phase i, below gr_router_phases, begins at this step (the first at
 * 0). */
int gr_router_phases(const gr_router *router);
int64_t gr_router_phase(const gr_router *router, int i);
int64_t gr_router_moves(const gr_router *router); /* the step from which on no chance moves any more; 0: none does */
double gr_router_forward(const gr_router *router, int region, int cls); /* forward weight of a region's gates */

/* Rows to classify: any part of a logical batch, for example the fields of gr_rows (stream.h). */
typedef struct gr_router_rows {
    int sequences, width;    /* and positions of each; samples: width 1 */
    const int16_t *label;    /* [sequences * width] */
    const int32_t *sequence; /* [sequences] number of the sequence in the logical batch */
    const int32_t *document; /* [sequences * width] a number of the position's document; NULL: that of the sequence */
    const gr_real *score;    /* [sequences * width] for routes with `mix`; NULL: all 1 */
} gr_router_rows;

/* cls[sequences * width]: the class of each position, -1 where the label is absent or not in -1..K.
 *
 * Route r draws u = gr_random_uniform({seed, GR_STREAM_ROUTE, r}, step * 2^32 + unit, draw), where r is the route's
 * place in its list, draw is the gr_draw and unit is sequence * width + position, document, sequence or 0. Option i is
 * drawn when u lies in the i-th of the intervals that the chances of this step mark off from 0. So a class depends on
 * the numbers of its units alone, not on the order of rows or how the batch is cut. Does not allocate. */
void gr_router_classify(const gr_router *router, int32_t *cls, const gr_router_rows *rows, int64_t step);

/* All that routes decide about rows in a step: their classes, their further showings, and how far their scores count.
 *
 * cls [1 + gr_router_copies][sequences * width]: first the classes as above; then for each route with `repeat` those of
 * the extra showing that it gives, -1 where a position is left out of it, all of a sequence where it is not shown
 * again. The draw is by sequence, each position asks by its own label. mix [sequences * width], NULL: not wanted: the
 * score of a position whose label matches a route with `mix` that acts in this step, else 1. Does not allocate. */
void gr_router_show(const gr_router *router, int32_t *cls, gr_real *mix, const gr_router_rows *rows, int64_t step);
int gr_router_copies(const gr_router *router);                      /* routes with `repeat` */
double gr_router_repeat_chance(const gr_router *router, int which); /* its probability for a matching sequence; the mean
                                                                     * over the steps where it moves */
bool gr_router_mixes(const gr_router *router);                      /* whether some route has `mix` */

/* ---- Linter ------------------------------------------------------------------------------------------------------ */

typedef enum gr_level { GR_LEVEL_NOTE, GR_LEVEL_WARNING, GR_LEVEL_ERROR } gr_level;

typedef struct gr_finding {
    gr_level level;
    char *text, *hint; /* what, and what to do about it (may be NULL) */
} gr_finding;

typedef struct gr_findings {
    gr_finding *finding;
    int count;
    size_t capacity;
} gr_findings; /* {0} is empty */

/* Adds a finding unless one with the same text is there; texts are copied, hint may be NULL. */
void gr_finding_add(gr_findings *findings, gr_level level, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int gr_findings_count(const gr_findings *findings, gr_level level); /* of this level or above */
const char *gr_level_name(gr_level level);                          /* "note", "warning", "error" */
void gr_findings_free(gr_findings *findings);

/* Adds what looks wrong: routes that contradict or cannot act, regions that are never opened or never off, labels that
 * never occur, nothing to train for some rows, few documents, ascent, leaks. documents[0] counts the unlabelled
 * documents (label -1), documents[1] the core's, documents[1 + k] those labelled k; NULL when unknown. Routes that
 * gr_router_new refuses become an error finding. */
void gr_route_check(gr_findings *findings, const gr_model *model, const gr_routes *routes, const size_t *documents);

/* The first route that nothing can reach: it matches labels alone, not the core nor what is unlabelled, and documents
 * (as above) has none of any of them. -1: there is none such. */
int gr_routes_unreached(const gr_routes *routes, const size_t *documents);

#ifdef __cplusplus
}
#endif

#endif

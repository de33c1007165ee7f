/* experiment.h - an experiment, read from one YAML file: which models are made, at which points and seeds, what is
 * measured of them, what is claimed.
 *
 *     gr_experiment *experiment;
 *     GR_TRY(gr_experiment_open(&experiment, "audit", NULL, registry, err));          a name, or a file
 *     bool *runs = ...;                                                               [experiment->arms]
 *     GR_TRY(gr_experiment_select(runs, experiment, &(gr_selection){.fact = facts, .facts = 1}, err));
 *     for (int point = 0; point < gr_experiment_points(experiment); point++) {
 *         gr_recipe *recipe;                                                          of all arms there
 *         GR_TRY(gr_experiment_recipe(&recipe, experiment, &(gr_experiment_base){.point = point}, err));
 *         ...
 *         gr_settings *settings;                                                      of one arm's method
 *         GR_TRY(gr_experiment_settings(&settings, experiment, arm, knob, recipe, err));
 *     }
 *     gr_experiment_free(experiment);
 *
 * docs/experiments.md has the keys. Every value is checked when the file is read: errors are GR_ERR_USAGE
 * (GR_ERR_FORMAT for YAML syntax) with file:line:column as place; a file that cannot be opened is GR_ERR_INPUT. What
 * `set` says of a recipe is checked when the recipe is made.
 */
#ifndef GRADROUTE_EXPERIMENT_H
#define GRADROUTE_EXPERIMENT_H

#include "gradroute/attack.h"
#include "gradroute/measure.h"
#include "gradroute/method.h"
#include "gradroute/recipe.h"
#include "gradroute/task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gr_registry; /* lab.h */
struct gr_yaml;
struct gr_arena;

/* ---- What an experiment is made of ------------------------------------------------------------------------------ */

/* A value of a recipe; the key is dotted. */
typedef struct gr_set {
    const char *key;
    const struct gr_yaml *value;
} gr_set;

/* One side of the product of points: values with names, each of which sets keys of the recipe. */
typedef struct gr_axis {
    const char *name;
    int values;
    const char *const *value; /* [values] */
    const gr_set *const *set; /* [values][sets] */
    const int *sets;          /* [values] */
    const int *run;           /* [runs] which of them points are made of */
    int runs;
} gr_axis;

/* A value of an axis, both by number. */
typedef struct gr_at {
    int axis, value;
} gr_at;

/* An option, or a part of one, that is tried at several values. At most one of an arm and its parents. */
typedef struct gr_knob {
    const char *path;                   /* "lr", "set.preset\.p_cr" */
    const struct gr_yaml *const *value; /* [values] */
    const char *const *word;            /* [values] for tables: "0.5"; of {times: 2} the "2"; of a list "[a, b]" */
    int values;                         /* 0: the arm has none of its own */
} gr_knob;

/* A model of the comparison. */
typedef struct gr_arm {
    const char *name;
    const char *title, *note;  /* of tables: the name and "" where nothing is said */
    const char *shown;         /* of narrow columns; NULL: no column of its own there */
    const struct gr_arm *from; /* its parent, which stands before it; NULL: from the seed */
    const gr_method *method;
    struct gr_yaml *const *options; /* of the method, as they are said, for each value of its own knob */
    gr_knob knob;
    const char *when; /* a fact of the data, or "asked": only where it is named; NULL: as its parent, or always */
    bool fixed;       /* runs whatever was selected */
    const gr_at *at;  /* [ats] runs at points with one of these values of each axis named; none: at all */
    int ats;
} gr_arm;

/* A measure or an attack, its options, and the arms that it is taken of. */
typedef struct gr_reading {
    const gr_measure *measure; /* NULL: it is an attack */
    const gr_attack *attack;
    struct gr_yaml *options; /* as they are said */
    const int *arm;          /* [arms] */
    int arms;
} gr_reading;

/* A figure of the result. */
typedef struct gr_figure_def {
    const char *key, *title, *note; /* key NULL: of a claim */
    const gr_figure *figure;        /* NULL: a number out of rows of `measure`, its mean over rows or units */
    int of, minus;                  /* arms; -1: none. minus: the difference of the two figures, paired by seed */
    const char *group;              /* NULL: that of the figure, or rows without a group */
    const gr_attack *after;         /* NULL: before any */
    int rung;                       /* of an attack that is made for several values: how many stand behind this one */
    const gr_arm *along;            /* of a figure that is looked up on a curve: whose knob it is of; else NULL */
    const char *measure, *field; /* of a number out of rows; of a figure: whose losses it takes, NULL: those of loss */
} gr_figure_def;

/* What is claimed of a figure: that it, or its interval over seeds, lies on one side of a number or around one. */
typedef struct gr_claim {
    bool primary;
    const char *say;
    gr_figure_def what;
    bool ratio;          /* of / minus rather than of - minus */
    bool variation;      /* how much it varies over seeds, s / |mean|, rather than its mean */
    const char *matched; /* compared at equal value of this figure; NULL: as they are */
    double tolerance;    /* of that value */
    const gr_at *at;     /* [ats] as of arms */
    int ats;
    double at_least, at_most, about, within; /* NaN: not asked. One of at_least, at_most, within; about with within */
} gr_claim;

/* A part of the verdict: said where its figure is there and is not refused, or its flag is up. With bounds it is said
 * where the whole interval of the figure (or the number, where it has none) lies within them, and `otherwise` where it
 * does not. */
typedef struct gr_verdict_part {
    const gr_figure_def *figure; /* NULL: of a flag */
    const char *flag;            /* "known_labels_only", "damage", "collapsed" */
    const char *say, *refused;   /* with {KEY} of a figure, {KEY.value}, {ATTACK.OPTION}, {least}, {unit} */
    const char *otherwise;       /* NULL: nothing */
    const char *absent;          /* where the models that the figure compares did not run; NULL: nothing */
    bool bounded;
    double at_least, at_most; /* where it is: without a bound an infinity */
} gr_verdict_part;

typedef struct gr_verdict_text {
    const char *missing;         /* where a role has no arm; NULL: there is no verdict */
    gr_verdict_part lead;        /* nothing follows where it is refused */
    const gr_verdict_part *then; /* [thens] */
    int thens;
    const char *const *scale; /* [experiment->arms] said of the arm in role one; NULL: nothing */
} gr_verdict_text;

/* A figure that may not be above a limit (least), or below it. */
typedef struct gr_bound {
    int figure; /* by number */
    bool least;
    double limit;
} gr_bound;

/* What is wanted of settings that are tried: each point of the axes is one. */
typedef struct gr_choosing {
    const int *most;       /* [mosts] figures: the first that some point has is to be as large as it can */
    int mosts;             /* 0: nothing is chosen */
    const gr_bound *bound; /* [bounds] */
    int bounds;
    double within;             /* of the figure that is to be large: what is less apart counts as equal */
    const double (*ends)[2];   /* [axes] beyond which no value makes sense; infinities */
    const char *const *preset; /* [presets] from small to large: a budget takes the largest that fits */
    int presets;
} gr_choosing;

/* needed: as long as something is to be made of them. */
typedef enum gr_kept_models { GR_KEEP_ALL, GR_KEEP_NEEDED } gr_kept_models;

typedef struct gr_experiment {
    const char *name, *question;
    const char *file;        /* that it was read from; NULL: from memory */
    const char *preset;      /* that was applied; NULL: none */
    const char *const *need; /* [needs] facts that the data must have */
    int needs;
    const struct gr_yaml *base; /* the recipe, as a map; NULL: base_file, or the caller's */
    const char *base_file;      /* absolute; NULL: base, or the caller's */
    const gr_set *set;          /* [sets] at all points */
    int sets;
    bool development;    /* on the recipe's topics to develop on, in the place of those that are reported */
    int seeds;           /* that of the recipe, and those above it */
    const gr_axis *axis; /* [axes] */
    int axes;
    const gr_arm *arm; /* [arms] parents before children, else as in the file */
    int arms;
    const int *only; /* [onlys] arms that run where nobody selects; NULL: all by their facts */
    int onlys;
    int zero, subject; /* roles: arms; -1: nobody has it */
    int never;         /* role never_trained; -1: whoever has the role one */
    const int *one;    /* [ones] the first of these that runs has the role */
    int ones;
    const gr_group_want *group; /* [groups] */
    int groups;
    const gr_reading *use; /* [uses] measures, then attacks */
    int uses;
    const gr_figure_def *figure; /* [figures] */
    int figures;
    const gr_claim *claim; /* [claims] one is primary, where there are any */
    int claims;
    gr_verdict_text verdict;
    gr_choosing choose;
    const int *suggest; /* [suggests] arms that would say more where they did not run */
    int suggests;
    gr_units units; /* that rows of losses keep */
    gr_kept_models keep_models;
    bool keep_checkpoints;  /* of models that are done */
    bool diverged_is_a_row; /* a model that diverges is a row of the result; else it ends the work */

    struct gr_yaml *root; /* private, from here */
    struct gr_yaml **tree;
    int trees;
    size_t tree_room;
    struct gr_arena *arena;
} gr_experiment;

/* ---- Reading --------------------------------------------------------------------------------------------------- */

/* The file that a name stands for, a new string: what has a '/' or ends in .yaml is a file; else NAME.yaml in the
 * folder experiments/ of $GRADROUTE_SHARE, if that is set; else *path is NULL, and NAME is one of those that are built
 * into the library. GR_ERR_INPUT: there is none of this name (the hint has those that there are). */
gr_status gr_experiment_find(char **path, const char *name_or_file, gr_error *err);

/* Reads and checks; preset NULL: none is applied. The registry is borrowed. On failure *experiment is NULL. */
gr_status gr_experiment_open(gr_experiment **experiment, const char *name_or_file, const char *preset,
                             const struct gr_registry *registry, gr_error *err);

/* The same from memory; source names it in errors, and relative paths start at the working folder. */
gr_status gr_experiment_parse(gr_experiment **experiment, const char *text, size_t length, const char *source,
                              const char *preset, const struct gr_registry *registry, gr_error *err);
void gr_experiment_free(gr_experiment *experiment); /* NULL is fine */

/* The resolved experiment as text (a new string, gr_free): with the preset in place of all presets, and defaults. */
gr_status gr_experiment_text(const gr_experiment *experiment, char **text, gr_error *err);

/* ---- What runs --------------------------------------------------------------------------------------------------- */

/* Who chooses: the facts that hold of the data, and perhaps names. */
typedef struct gr_selection {
    const char *const *fact; /* [facts] "labels", "hidden_labels", "rule_labels", "document_labels" */
    int facts;
    bool named;             /* arms were named: with arm those, and without any only what is fixed */
    const char *const *arm; /* [arms] */
    int arms;
    const char *place; /* of errors: "--arms"; NULL: the experiment's file */
} gr_selection;

/* Which arms run at a point that has these facts, into runs[arms]: those that are fixed; then those that are named, and
 * what goes on from these; or where nobody names any those of `only`; or where that is not said either those whose
 * `when` holds. Parents of what runs run. GR_ERR_USAGE: a name that no arm has, a fact that the experiment needs. */
gr_status gr_experiment_select(bool *runs, const gr_experiment *experiment, const gr_selection *how, gr_error *err);

/* Points are numbered from 0, the last axis runs fastest; one point where there are no axes. */
int gr_experiment_points(const gr_experiment *experiment);
int gr_experiment_value(const gr_experiment *experiment, int point, int axis); /* the number of its value there */
bool gr_experiment_at(const gr_experiment *experiment, const gr_at *at, int ats, int point);

/* How many models an arm is at one point and seed: the values of its knob, or of its parents'; else 1. */
int gr_experiment_knobs(const gr_experiment *experiment, int arm);

/* Options of an arm's method at a value of its knob (0 where it has none), and of a measure or attack. recipe: presets
 * come from it; NULL: there are none. The settings borrow from the experiment. gr_settings_free. */
gr_status gr_experiment_settings(gr_settings **settings, const gr_experiment *experiment, int arm, int knob,
                                 const gr_recipe *recipe, gr_error *err);
gr_status gr_reading_settings(gr_settings **settings, const gr_reading *reading, const gr_recipe *recipe,
                              gr_error *err);

/* Of which recipe. */
typedef struct gr_experiment_base {
    const char *file;       /* instead of the experiment's own base; NULL: that */
    const char *text;       /* of that recipe, where file only names it; NULL: it is in the file */
    const char *const *set; /* [sets] KEY=VALUE of the command line */
    int sets;
    int point, seed; /* seed: from 0 */
} gr_experiment_base;

/* The recipe that all arms have at a point and seed: base, `set` of the experiment, then of the command line, values of
 * the point, and the recipe's seed plus the seed's number. What an arm sets is its method's work. Errors: those of
 * gr_recipe_open; GR_ERR_USAGE: there is no base. */
gr_status gr_experiment_recipe(gr_recipe **recipe, const gr_experiment *experiment, const gr_experiment_base *base,
                               gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

/* experiment_read.h - an experiment while it is read, section by section: each is a function here, and they are called
 * in this order. */
#ifndef GR_LAB_EXPERIMENT_READ_H
#define GR_LAB_EXPERIMENT_READ_H

#include <jansson.h>

#include "base/mem.h"
#include "gradroute/experiment.h"
#include "gradroute/lab.h"
#include "io/yaml.h"

/* The experiment so far, and what it is read by. */
typedef struct gr__experiment_reader {
    gr_experiment *to;
    const gr_registry *registry;
    gr_yaml *root;
    gr_arena *arena;
} gr__experiment_reader;

/* Facts that arms ask for, ended by NULL. */
extern const char *const gr__fact_words[];

/* ---- sections ---- */

/* experiment_points.c: axes, `values`, `set`, and the preset, which is put in the place of these before they are read.
 */
gr_status gr__experiment_preset(gr__experiment_reader *r, const char *name, gr_error *err);
gr_status gr__experiment_axes(gr__experiment_reader *r, gr_error *err);
gr_status gr__experiment_set(gr__experiment_reader *r, gr_error *err);
gr_status gr__experiment_presets_check(gr__experiment_reader *r, gr_error *err);

/* experiment_arms.c: arms, `only`, `suggest`, roles. */
gr_status gr__experiment_arms(gr__experiment_reader *r, gr_error *err);
gr_status gr__experiment_roles(gr__experiment_reader *r, gr_error *err);

/* experiment_options.c: an arm's options, for each value of its knob. */
gr_status gr__experiment_options(gr__experiment_reader *r, gr_arm *arm, gr_yaml *node, gr_error *err);

/* experiment_uses.c: groups, measures, attacks. */
gr_status gr__experiment_groups(gr__experiment_reader *r, gr_error *err);
gr_status gr__experiment_uses(gr__experiment_reader *r, gr_error *err);

/* experiment_claims.c and experiment_verdict.c. */
gr_status gr__experiment_figures(gr__experiment_reader *r, gr_error *err);
gr_status gr__experiment_claims(gr__experiment_reader *r, gr_error *err);
gr_status gr__experiment_verdict(gr__experiment_reader *r, gr_error *err);

/* experiment_choose.c. */
gr_status gr__experiment_choose(gr__experiment_reader *r, gr_error *err);

/* experiment_find.c: the text of an experiment that is built into the program; false: there is none of this name. */
bool gr__experiment_shipped(const char *name, const char **text);

/* ---- what they share ---- */

/* The same node as an error about its key has it: the place is the key's. */
static inline gr_yaml gr__key_of(const gr_yaml *node) {
    gr_yaml key = *node;
    key.at = node->key_at;
    return key;
}

/* What stands in a file as NAME or [NAME, ..]: how many there are, and one after the other; NULL ends them. */
int gr__names_count(const gr_yaml *node);
gr_yaml *gr__names_first(gr_yaml *node);
gr_yaml *gr__names_next(gr_yaml *node, gr_yaml *item);

/* A key as a name: letters, digits, _ and -, which is not first; at most 60, none of `taken` (ended by NULL). */
gr_status gr__experiment_name(const gr_yaml *node, const char *what, const char *const *taken, gr_error *err);

/* {KEY: VALUE, ..} of recipe keys. */
gr_status gr__sets_read(gr__experiment_reader *r, gr_yaml *map, const gr_set **set, int *sets, gr_error *err);

/* The value of `at` in a map: {AXIS: VALUE or [VALUE, ..]}; none where it is left out. */
gr_status gr__at_read(gr__experiment_reader *r, gr_yaml *map, const gr_at **at, int *ats, gr_error *err);

/* The number of the axis that a key names. */
gr_status gr__axis_read(const gr__experiment_reader *r, const gr_yaml *node, int *axis, gr_error *err);

/* The arm that a text names, and those of a list, each once. */
gr_status gr__arm_read(const gr__experiment_reader *r, const gr_yaml *node, int *arm, gr_error *err);
gr_status gr__arms_read(gr__experiment_reader *r, gr_yaml *node, const int **arm, int *arms, gr_error *err);

/* A tree that lives as long as the experiment. */
gr_yaml *gr__experiment_keep(gr_experiment *e, gr_yaml *tree);

/* A part of a dotted path, its own dots behind backslashes; a new string. */
char *gr__path_part(const char *key);

/* Options by a table (NULL: there are none), with the presets of a recipe. */
gr_status gr__options_read(gr_settings **settings, const gr_setting *table,
                           void (*preset)(gr_settings *settings, const gr_recipe *recipe), const gr_recipe *recipe,
                           gr_yaml *options, gr_error *err);

/* What the axes of an experiment set in the recipe of a point, as it is there:
 *
 *     {"values": {AXIS: {KEY: TEXT, ..}, ..}, "places": {AXIS: NUMBER or null, ..}, "recipe": TEXT}
 *
 * Keys are those that any value of the axis sets and that the recipe has, with their values as --set takes them: a list
 * or a map is one line. A place is the sum of their numbers, by which values of the axis have an order; null: they are
 * none. recipe: the sections that they stand in, as YAML. GR_ERR_USAGE: a value is not UTF-8. */
gr_status gr__experiment_said(json_t **said, const gr_experiment *e, const gr_recipe *recipe, gr_error *err);

/* The number of the measure or attack among the uses; -1: it is not used. */
int gr__use_of(const gr_experiment *e, const char *name, bool attack);
bool gr__use_has(const gr_experiment *e, int use, int arm);

#endif

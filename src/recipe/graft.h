/* graft.h - a recipe with values that stand in another file, as experiments set them for an arm or at a point.
 *
 *     gr_recipe *arm;
 *     GR_TRY(gr__recipe_with(&arm, base, sets, err));       sets: {train.steps: 4, preset.p_cr: 0.5}
 *
 * What is wrong with a value is said where it was written, and relative paths start at the folder of its file.
 */
#ifndef GR_RECIPE_GRAFT_H
#define GR_RECIPE_GRAFT_H

#include "gradroute/recipe.h"
#include "io/yaml.h"

/* What was said of a recipe, without the defaults that were filled in: a tree to change and to read anew. Paths in it
 * are absolute. */
gr_yaml *gr__recipe_said(const gr_recipe *recipe);

/* Puts a value into a tree. A part `*` of the dotted key stands for each key, or element, that there is; {times:
 * FACTOR} multiplies the number that is there, `whole: true` beside it rounds the product to at least 1. GR_ERR_USAGE:
 * `*` or `times` where the tree has nothing there, unless the map says `optional: true`. */
gr_status gr__recipe_change(gr_yaml *tree, const char *key, const gr_yaml *value, gr_error *err);

/* Tells of each place that a key with `*` means in a tree: its path, as gr_yaml_graft takes it, and what is there. */
void gr__recipe_each(const gr_yaml *tree, const char *key,
                     void (*tell)(void *user, const char *path, const gr_yaml *node), void *user);

/* Puts the values of a map {KEY: VALUE, ..} into a tree, each by gr__recipe_change. NULL: none. */
gr_status gr__recipe_graft(gr_yaml *tree, const gr_yaml *sets, gr_error *err);

/* A new recipe: what was said of base, and the values of the map. So defaults follow what is set: split_seed the seed.
 * Errors: those of gr_recipe_open. */
gr_status gr__recipe_with(gr_recipe **recipe, const gr_recipe *base, const gr_yaml *sets, gr_error *err);

/* Topics to develop on in the place of those that are reported, which become adjacent; the section development is gone
 * then. file: as of gr__recipe_of. Errors: GR_ERR_USAGE where the recipe names none; those of gr_recipe_open. */
gr_status gr__recipe_develop(gr_yaml *tree, const char *file, gr_error *err);

/* A recipe out of a tree, which it takes over, also where it fails. file: where it was read from; NULL: nowhere. */
gr_status gr__recipe_of(gr_recipe **recipe, gr_yaml *tree, const char *file, gr_error *err);

#endif

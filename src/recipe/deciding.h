/* deciding.h - what of a resolved recipe decides the result of a run, and where two recipes differ in it.
 *
 *     gr_yaml *here, *there;
 *     GR_TRY(gr__recipe_deciding(&here, text, err));             text: of gr_recipe_text
 *     ...
 *     if (gr__recipe_differences(list, sizeof list, here, there))
 *         ...                                   "train.lr is 0.01 here, 0.003 there; seed is 2 here, 1 there"
 */
#ifndef GR_RECIPE_DECIDING_H
#define GR_RECIPE_DECIDING_H

#include "io/yaml.h"

/* The tree without what may change between two calls of the same run, in the order of the text; gr_yaml_free. */
gr_status gr__recipe_deciding(gr_yaml **root, const char *text, gr_error *err);

/* Whether a node of a recipe is what may change so. */
bool gr__recipe_is_free(const gr_yaml *node);

/* Whether the order of a map's keys says something: labels and regions, which are numbered by it, and weights of a
 * route, which are multiplied in it. gr_yaml_sort(root, gr__recipe_is_ordered) leaves it, and takes away every other.
 */
bool gr__recipe_is_ordered(const gr_yaml *map);

/* How many keys differ, order included where it says something. Names the first few in text, with both values. A
 * default that follows another key, as split_seed follows seed, is no difference of its own: it is taken out of both
 * trees. */
int gr__recipe_differences(char *text, size_t size, gr_yaml *here, gr_yaml *there);

#endif

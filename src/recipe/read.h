/* read.h - the sections of a recipe, each read by its own file. */
#ifndef GR_RECIPE_READ_H
#define GR_RECIPE_READ_H

#include "base/mem.h"
#include "gradroute/recipe.h"
#include "io/yaml.h"

/* Refuses keys at the top that nobody knows, and those that other programs have where this one says it differently. */
gr_status gr__recipe_check_words(const gr_yaml *root, gr_error *err);

/* What a word that other programs have for a setting is called in recipes, as a hint; NULL: nothing is known of it. */
const char *gr__recipe_word(const char *word);

/* A recipe out of a tree, which it takes over, also where it fails. path: the file that relative paths start at, NULL:
 * they start at the working folder. sets: as gr_recipe_open has them. */
gr_status gr__recipe_new(gr_recipe **recipe, gr_yaml *root, const char *path, const char *const *sets, int count,
                         gr_error *err);

/* In the order in which they must be called. */
gr_status gr__recipe_read_from(gr_recipe *recipe, gr_yaml *root, gr_error *err);
gr_status gr__recipe_read_data(gr_recipe *recipe, gr_yaml *root, gr_error *err);
gr_status gr__recipe_read_labels(gr_recipe *recipe, gr_yaml *root, gr_error *err);
gr_status gr__recipe_read_development(gr_recipe *recipe, gr_yaml *root, gr_error *err);
gr_status gr__recipe_read_model(gr_recipe *recipe, gr_yaml *root, gr_error *err);
gr_status gr__recipe_read_routes(gr_recipe *recipe, gr_yaml *root, gr_error *err);
gr_status gr__recipe_read_train(gr_recipe *recipe, gr_yaml *root, gr_error *err);
gr_status gr__recipe_read_lab(gr_recipe *recipe, gr_yaml *root, gr_error *err);

/* Share of the documents that no model trains on. */
static inline double gr__recipe_held(const gr_recipe *recipe) { return recipe->data.validation + recipe->data.test; }

/* gr_yaml_count into an int. */
gr_status gr__recipe_int(gr_yaml *map, int *value, const char *key, int min, int max, gr_error *err);

/* A list of numbers, or one number for a list of one. Absent: what `values` holds is written into the map. */
gr_status gr__recipe_reals(gr_yaml *map, double *values, int *count, int most, const char *key, double min, double max,
                           gr_error *err);
/* Absent: *values keeps what it holds. */
gr_status gr__recipe_ints(gr_recipe *recipe, gr_yaml *map, const int **values, int *count, const char *key, int min,
                          int max, gr_error *err);

/* A path, made absolute in the tree; absent: keeps what it holds. */
gr_status gr__recipe_path(gr_recipe *recipe, gr_yaml *map, const char **path, const char *key, gr_error *err);

/* The same for a path or a list of them; paths live with the tree. Absent: *count is 0. */
gr_status gr__recipe_paths(gr_recipe *recipe, gr_yaml *map, const char *const **paths, int *count, const char *key,
                           gr_error *err);

/* Letters, digits, _ and - (not first), none of the words that the vocabulary keeps for itself. */
gr_status gr__recipe_name(const gr_yaml *node, const char *what, gr_error *err);

/* Fails at node: "no WHAT is called WORD", with the nearest of the known names as hint. */
gr_status gr__recipe_unknown(const gr_yaml *node, const char *what, const char *word, const char *const *known,
                             int count, gr_error *err);

#endif

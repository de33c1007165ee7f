/* cell_key.h - what a cell is of, and the key that it has for it.
 *
 *     json_t *of;
 *     char key[GR_DIGEST_HEX];
 *     gr__cell_id id = {.kind = GR_CELL_MODEL, .what = "train", .revision = 1, .task = "text", .task_revision = 1,
 *                       .settings = settings, .recipe = recipe, .data = data, .shown = shown, .precision = "float32"};
 *     GR_TRY(gr__cell_key(key, &of, &id, err));      of: what was digested, for cell.json
 *     json_decref(of);
 *
 * A cell is what one model, or one measurement of it, is made by: its rows follow from what its key holds. Equal keys
 * are equal rows (up to the bits that a machine decides); what differs may have one key in no case, what is equal may
 * have two. So settings and recipe keys that equal their default are left out, for a new one must not void what was
 * made before it: a default that changes, or another way to compute the same, is a new revision. Sections that a method
 * does not read by its settings are left out too. Paths are left out: their content is in the digests that the caller
 * hands over.
 *
 * The key is the SHA-256 of one object, as gr_json_line spells it sorted:
 *
 *     data:     {"cell": 1, "kind", "task": [NAME, REVISION], "data", "groups"}
 *     model:    {"cell": 1, "kind", "task", "what", "revision", "options", "recipe", "data", "shown", "parent",
 *                "precision", "seed": [SEED, SPLIT, ORDER]}
 *     measure, attack: {"cell": 1, "kind", "task", "what", "revision", "options", "data", "parent", "precision",
 *                "groups", "split_seed"}
 */
#ifndef GR_LAB_CELL_KEY_H
#define GR_LAB_CELL_KEY_H

#include <jansson.h>

#include "gradroute/measure.h"
#include "gradroute/recipe.h"
#include "gradroute/setting.h"
#include "io/digest.h"

typedef enum gr_cell_kind { GR_CELL_DATA, GR_CELL_MODEL, GR_CELL_MEASURE, GR_CELL_ATTACK, GR_CELL_KINDS } gr_cell_kind;
extern const char *const gr__cell_kinds[]; /* their words */

typedef struct gr__cell_id {
    gr_cell_kind kind;
    const char *what; /* method, measure or attack; a data cell has none */
    int revision;     /* of that */
    const char *task;
    int task_revision;
    const gr_settings *settings; /* NULL: none */
    const gr_recipe *recipe;     /* the arm's, of methods that train; NULL: it decides nothing beyond what follows */
    const char *const *unread;   /* sections of it that decide nothing here, ended by NULL; NULL: all decide */
    const char *data, *shown;    /* digests: of all that the task reads, of what the method is shown of it (models) */
    const char *parent;          /* key of the model it begins with, or that is measured; NULL: none */
    const char *precision;       /* the settled word */
    uint64_t seed, split_seed, order_seed; /* measures and attacks draw by split_seed alone */
    const gr_groups *groups;               /* that rows tell apart; models have none */
    const char *const *group_want; /* [groups->count] what each is, in the experiment's words; NULL: by its name */
} gr__cell_id;

/* The key (64 digits) and, unless of is NULL, what was digested (json_decref). What the kind must have is asserted.
 * Errors: those of gr_settings_key (a file that a setting names). */
gr_status gr__cell_key(char key[GR_DIGEST_HEX], json_t **of, const gr__cell_id *id, gr_error *err);

/* The key of what was digested. */
void gr__cell_key_of(char key[GR_DIGEST_HEX], const json_t *of);

/* The part of a key that a recipe is: its tree without what may change (recipe/deciding.h), seeds, precision and task,
 * without what equals its default, each path as "file" (model.from: by its digest), numbers by their value; labels,
 * regions and weights of routes as lists of [NAME, VALUE], for their order decides. json_decref. */
json_t *gr__cell_recipe(const gr_recipe *recipe);

#endif

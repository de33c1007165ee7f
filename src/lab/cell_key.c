/* Keys of cells: one JSON object that says what a cell is of, and its digest. */
#include "lab/cell_key.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "io/yaml.h"
#include "recipe/deciding.h"

enum { VERSION = 1 /* of what a key holds: another one makes every key anew */ };

const char *const gr__cell_kinds[] = {"data", "model", "measure", "attack", NULL};

/* ---- the recipe ---- */

/* Keys at the top that have a place of their own in a key, or none. */
static bool stands_elsewhere(const gr_yaml *node) {
    static const char *const elsewhere[] = {"seed", "split_seed", "order_seed", "precision", "task"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere && !node->parent->parent; i++)
        if (!strcmp(node->key, elsewhere[i]))
            return true;
    return false;
}

static json_t *node_value(const gr_yaml *node);

/* As an integer where it is one, so that it does not matter how it was written. */
static json_t *number(double value) {
    return value == floor(value) && fabs(value) <= 0x1p53 ? json_integer((json_int_t)value) : json_real(value);
}

/* A value by what it means: two spellings of one number are one, and of a path only that it is one counts. */
static json_t *scalar_value(const gr_yaml *node) {
    if (node->path)
        return json_string("file");

    /* What the recipe's reader took it for. */
    switch (node->sense) {
    case GR_YAML_WHOLE:
        return json_integer(node->whole);
    case GR_YAML_REAL:
        return number(node->real);
    case GR_YAML_TRUTH:
        return json_boolean(node->whole);
    case GR_YAML_TEXT:
        break;
    }
    return gr_json_text(node->text);
}

/* A list, its items in their order. */
static json_t *list_value(const gr_yaml *list) {
    json_t *values = json_array();
    for (const gr_yaml *item = list->first; item; item = item->next)
        json_array_append_new(values, node_value(item));
    return values;
}

/* Whether a member of a map says nothing; it is given its value. */
static bool is_left_out(const gr_yaml *node, const json_t *value) {
    if (gr__recipe_is_free(node) || stands_elsewhere(node))
        return true;
    return node->plain && (node->kind != GR_YAML_MAP || json_object_size(value) == 0);
}

/* Members by their names; where order says something a list of [NAME, VALUE] in which no member is left out. */
static json_t *map_value(const gr_yaml *map) {
    bool ordered = gr__recipe_is_ordered(map);
    json_t *values = ordered ? json_array() : json_object();
    for (const gr_yaml *child = map->first; child; child = child->next) {
        json_t *value = node_value(child);
        if (ordered)
            json_array_append_new(values, json_pack("[s, o]", child->key, value));
        else if (is_left_out(child, value))
            json_decref(value);
        else
            json_object_set_new(values, child->key, value);
    }
    return values;
}

/* What a node means, whatever it is. */
static json_t *node_value(const gr_yaml *node) {
    if (node->kind == GR_YAML_SCALAR)
        return scalar_value(node);
    return node->kind == GR_YAML_LIST ? list_value(node) : map_value(node);
}

json_t *gr__cell_recipe(const gr_recipe *recipe) {
    json_t *tree = node_value(recipe->root);

    /* A model to go on from is what is in its folder. */
    if (recipe->from.path)
        json_object_set_new(json_object_get(tree, "model"), "from", json_string(recipe->from.sha256));
    return tree;
}

/* ---- the rest ---- */

/* Settings that are not as by default, as an object; none without settings. */
static gr_status settings_value(json_t **value, const gr_settings *settings, gr_error *err) {
    char *text;
    *value = NULL;
    if (!settings) {
        *value = json_object();
        return GR_OK;
    }
    GR_TRY(gr_settings_key(&text, settings, err));
    gr_status status = gr_json_parse(value, text, strlen(text), "settings", err);
    gr_free(text);
    return status;
}

/* Numbers of documents by their digest. */
static json_t *digest_of(const uint32_t *list, size_t count) {
    char hex[GR_DIGEST_HEX];
    gr_digest_data(hex, list, count * sizeof *list);
    return json_string(hex);
}

/* Which documents each group has: by what it was asked for, and by their numbers. */
static json_t *groups_value(const gr__cell_id *id) {
    json_t *list = json_array();
    for (int i = 0; id->groups && i < id->groups->count; i++) {
        const gr_group *g = &id->groups->group[i];
        const char *want = id->group_want && id->group_want[i] ? id->group_want[i] : g->name;
        json_array_append_new(list, json_pack("[o, o, o, o]", gr_json_text(g->name), gr_json_text(want),
                                              digest_of(g->test, g->tests), digest_of(g->validation, g->validations)));
    }
    return list;
}

static json_t *text_or_null(const char *text) { return text ? gr_json_text(text) : json_null(); }

/* What models have that measurements of them take over by their parent. */
static void add_model(json_t *of, const gr__cell_id *id) {
    json_t *recipe = id->recipe ? gr__cell_recipe(id->recipe) : json_null();
    for (int i = 0; id->unread && id->unread[i]; i++)
        json_object_del(recipe, id->unread[i]);
    json_object_set_new(of, "recipe", recipe);
    json_object_set_new(of, "shown", text_or_null(id->shown));
    json_object_set_new(
        of, "seed",
        json_pack("[I, I, I]", (json_int_t)id->seed, (json_int_t)id->split_seed, (json_int_t)id->order_seed));
}

/* All that tells a cell from every other one. */
static gr_status describe(json_t **object, const gr__cell_id *id, gr_error *err) {
    assert(id->kind < GR_CELL_KINDS && id->task && id->data);
    json_t *options = NULL;
    if (id->kind != GR_CELL_DATA)
        GR_TRY(settings_value(&options, id->settings, err));

    /* What every cell has. */
    json_t *of = *object = json_pack("{s:i, s:s, s:[s, i], s:s}", "cell", VERSION, "kind", gr__cell_kinds[id->kind],
                                     "task", id->task, id->task_revision, "data", id->data);
    if (id->kind != GR_CELL_MODEL)
        json_object_set_new(of, "groups", groups_value(id));
    if (id->kind == GR_CELL_DATA)
        return GR_OK;

    /* What is made, and of which model. */
    assert(id->what && id->precision && (id->parent || id->kind == GR_CELL_MODEL));
    json_object_set_new(of, "what", json_string(id->what));
    json_object_set_new(of, "revision", json_integer(id->revision));
    json_object_set_new(of, "options", options);
    json_object_set_new(of, "parent", text_or_null(id->parent));
    json_object_set_new(of, "precision", json_string(id->precision));
    if (id->kind == GR_CELL_MODEL)
        add_model(of, id);
    else
        json_object_set_new(of, "split_seed", json_integer((json_int_t)id->split_seed));
    return GR_OK;
}

void gr__cell_key_of(char key[GR_DIGEST_HEX], const json_t *of) {
    char *line = gr_json_line(of, true);
    gr_digest_data(key, line, strlen(line));
    gr_free(line);
}

gr_status gr__cell_key(char key[GR_DIGEST_HEX], json_t **of, const gr__cell_id *id, gr_error *err) {
    json_t *object;
    if (of)
        *of = NULL;
    GR_TRY(describe(&object, id, err));
    gr__cell_key_of(key, object);
    if (of)
        *of = object;
    else
        json_decref(object);
    return GR_OK;
}

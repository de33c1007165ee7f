/* experiment_uses.c - groups of documents, and what is measured and attacked of which arms. */
#include <string.h>

#include "lab/experiment_read.h"
#include "lab/registry.h"
#include "lab/result.h"
#include "recipe/read.h"

/* ---- groups ---- */

static const char *const group_words[] = {"any_label", "adjacent", "retain", "hidden", NULL};

/* {label: NAME}, {topic: NAME}, {hidden: NAME} or {group: WORD}, and `optional`. */
static gr_status read_group_map(gr_group_want *group, gr_yaml *map, gr_error *err) {
    static const char *const keys[] = {"label", "topic", "hidden"};
    static const gr_group_kind kinds[] = {GR_GROUP_LABEL, GR_GROUP_TOPIC, GR_GROUP_HIDDEN};
    int word = -1, forms = 0;

    /* A word of its own. */
    GR_TRY(gr_yaml_choice(map, &word, "group", group_words, err));
    GR_TRY(gr_yaml_bool(map, &group->optional, "optional", err));
    if (word >= 0) {
        group->kind = (gr_group_kind)word;
        forms++;
    }

    /* Or a kind and a name; one of all of these. */
    for (int i = 0; i < 3; i++) {
        const char *of = NULL;
        GR_TRY(gr_yaml_text(map, &of, keys[i], err));
        if (of) {
            group->kind = kinds[i];
            group->of = of;
            forms++;
        }
    }
    GR_TRY(gr_yaml_finish(map, err));
    if (forms != 1)
        return gr_yaml_fail(map, err, "one of label, topic, hidden: NAME or group: any_label, adjacent, retain, hidden",
                            "group %s is said in %d ways, expected one", map->key, forms);
    return GR_OK;
}

/* A word, or a map. */
static gr_status read_group(gr_group_want *group, gr_yaml *node, gr_error *err) {
    int word = 0;
    *group = (gr_group_want){.name = node->key};
    GR_TRY(gr__experiment_name(node, "a group", gr__result_model_members, err));
    if (node->kind == GR_YAML_MAP)
        return read_group_map(group, node, err);
    GR_TRY(gr_yaml_as_choice(node, &word, group_words, err));
    group->kind = (gr_group_kind)word;
    return GR_OK;
}

gr_status gr__experiment_groups(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_map(r->root, &map, "groups", err));
    if (!map)
        return GR_OK;
    if (map->count > GR_GROUPS_MAX)
        return gr_yaml_fail(map, err, NULL, "%d groups, expected at most %d", map->count, GR_GROUPS_MAX);

    gr_group_want *groups = gr_arena_alloc(r->arena, ((size_t)map->count + 1) * sizeof *groups);
    r->to->group = groups;
    for (gr_yaml *child = gr_yaml_first(map); child; child = gr_yaml_next(child)) {
        gr_group_want *group = &groups[r->to->groups++];
        GR_TRY(read_group(group, child, err));
        group->chosen_on = r->to->development && !group->optional; /* what it is for */
    }
    return GR_OK;
}

/* ---- measures and attacks ---- */

/* {of: [ARM, ..], OPTION: VALUE}: the arms, and a tree with the rest. */
static gr_status read_use(gr__experiment_reader *r, gr_reading *use, gr_yaml *map, gr_error *err) {
    gr_settings *settings;
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    gr_yaml *of = gr_yaml_find(map, "of");
    if (!of)
        return gr_yaml_fail(map, err, "of: [ARM, ..]", "%s says of no arm that it is taken of it", map->key);
    GR_TRY(gr__arms_read(r, of, &use->arm, &use->arms, err));
    if (use->arms == 0)
        return gr_yaml_fail(of, err, "of: [ARM, ..]", "%s is taken of no arm", map->key);

    /* The rest is options: that they fit their table is known before a recipe is. */
    gr_yaml_leave(map);
    use->options = gr__experiment_keep(r->to, gr_yaml_copy(map, false));
    gr_yaml_remove(gr__yaml_child(use->options, "of"));
    GR_TRY(gr_reading_settings(&settings, use, NULL, err));
    gr_settings_free(settings);
    return GR_OK;
}

/* One section; what its keys mean is in the registry. */
static gr_status read_uses(gr__experiment_reader *r, gr_reading *uses, gr_yaml *map, bool attack, gr_error *err) {
    for (gr_yaml *child = map ? gr_yaml_first(map) : NULL; child; child = gr_yaml_next(child)) {
        gr_reading *use = &uses[r->to->uses];
        if (attack)
            use->attack = gr_registry_attack(r->registry, child->key);
        else
            use->measure = gr_registry_measure(r->registry, child->key);

        /* A word that nobody has. */
        if (!use->attack && !use->measure) {
            int count;
            const char **known =
                gr__registry_names(r->registry, attack ? GR__REGISTRY_ATTACKS : GR__REGISTRY_MEASURES, &count);
            const gr_yaml key = gr__key_of(child);
            gr_status status = gr__recipe_unknown(&key, attack ? "attack" : "measure", child->key, known, count, err);
            gr_free(known);
            return status;
        }
        GR_TRY(read_use(r, use, child, err));
        r->to->uses++;
    }
    return GR_OK;
}

gr_status gr__experiment_uses(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *measures, *attacks;
    GR_TRY(gr_yaml_map(r->root, &measures, "measures", err));
    GR_TRY(gr_yaml_map(r->root, &attacks, "attacks", err));
    size_t most = (size_t)(measures ? measures->count : 0) + (size_t)(attacks ? attacks->count : 0) + 1;
    gr_reading *uses = gr_arena_alloc(r->arena, most * sizeof *uses);
    r->to->use = uses;
    GR_TRY(read_uses(r, uses, measures, false, err));
    return read_uses(r, uses, attacks, true, err);
}

int gr__use_of(const gr_experiment *e, const char *name, bool attack) {
    for (int i = 0; i < e->uses; i++)
        if (attack == (e->use[i].attack != NULL) &&
            strcmp(attack ? e->use[i].attack->name : e->use[i].measure->name, name) == 0)
            return i;
    return -1;
}

bool gr__use_has(const gr_experiment *e, int use, int arm) {
    for (int i = 0; i < e->use[use].arms; i++)
        if (e->use[use].arm[i] == arm)
            return true;
    return false;
}

/* experiment_verdict.c - the sentence above all figures, as texts with places for numbers. */
#include <math.h>
#include <string.h>

#include "base/names.h"
#include "base/nearest.h"
#include "lab/experiment_read.h"
#include "recipe/read.h"

/* ---- templates ---- */

/* What may stand in braces: figures, their values alone, options of attacks, and words. */
typedef struct places {
    char **at;
    int count;
    size_t room;
} places;

static void add_place(places *p, char *text) { GR_PUSH(p->at, p->count, p->room) = text; }

/* The names that texts could have used. */
static void free_places(places *p) {
    for (int i = 0; i < p->count; i++)
        gr_free(p->at[i]);
    gr_free(p->at);
}

/* Everything that texts of a verdict may name. */
static places places_of(const gr_experiment *e) {
    places p = {0};

    /* A figure with its interval, its number alone, and what an attack was given. */
    for (int i = 0; i < e->figures; i++) {
        add_place(&p, gr_strdup(e->figure[i].key));
        add_place(&p, gr_format("%s.value", e->figure[i].key));
    }
    for (int i = 0; i < e->uses; i++) {
        const gr_attack *attack = e->use[i].attack;
        for (const gr_setting *o = attack ? attack->option : NULL; o && o->kind != GR_SETTING_NONE; o++)
            add_place(&p, gr_format("%s.%s", attack->name, o->key));
    }

    /* Words of every verdict. */
    add_place(&p, gr_strdup("least")); /* " and at least 0.15 nats per token", where the data have a least gap */
    add_place(&p, gr_strdup("unit"));  /* what the number before it counts: document, samples */
    return p;
}

/* One place: `key` is not ended. */
static gr_status check_place(const places *p, const gr_yaml *node, const char *key, int length, gr_error *err) {
    char *name = gr_format("%.*s", length, key);
    gr_status status = gr__has_text((const char *const *)p->at, p->count, name)
                           ? GR_OK
                           : gr__recipe_unknown(node, "figure, option of an attack or word", name,
                                                (const char *const *)p->at, p->count, err);
    gr_free(name);
    return status;
}

/* Every { is closed, and holds what can be filled in. */
static gr_status check_template(const places *p, const gr_yaml *map, const char *key, gr_error *err) {
    const gr_yaml *node = gr__yaml_child(map, key);
    const char *at = node ? node->text : NULL;
    while (at && (at = strpbrk(at, "{}"))) {
        size_t length = *at == '{' ? strcspn(at + 1, "{}") : 0;
        if (*at == '}' || at[1 + length] != '}')
            return gr_yaml_fail(node, err, "{KEY} stands for a number; braces cannot be written otherwise",
                                "%s has a brace without its other half", key);
        GR_TRY(check_place(p, node, at + 1, (int)length, err));
        at += length + 2;
    }
    return GR_OK;
}

/* ---- parts ---- */

/* The figure of a part, one of the result's. */
static gr_status find_figure(const gr__experiment_reader *r, gr_verdict_part *part, const gr_yaml *node,
                             gr_error *err) {
    const gr_experiment *e = r->to;
    const char *text;
    GR_TRY(gr_yaml_as_text(node, &text, err));
    for (int i = 0; i < e->figures; i++)
        if (strcmp(e->figure[i].key, text) == 0)
            part->figure = &e->figure[i];
    if (part->figure)
        return GR_OK;

    const char **known = gr_alloc(((size_t)e->figures + 1) * sizeof *known);
    for (int i = 0; i < e->figures; i++)
        known[i] = e->figure[i].key;
    gr_status status = gr__recipe_unknown(node, "figure", text, known, e->figures, err);
    gr_free(known);
    return status;
}

/* Between which numbers a figure must lie for `say`; else `otherwise` is said. */
static gr_status read_bounds(gr_verdict_part *part, gr_yaml *map, gr_error *err) {
    const bool low = gr_yaml_find(map, "at_least"), high = gr_yaml_find(map, "at_most");
    part->bounded = low || high;
    part->at_least = -INFINITY;
    part->at_most = INFINITY;
    if (low)
        GR_TRY(gr_yaml_real(map, &part->at_least, "at_least", -1e9, 1e9, err));
    if (high)
        GR_TRY(gr_yaml_real(map, &part->at_most, "at_most", -1e9, 1e9, err));

    /* Some number lies between them, and there is something to be out of. */
    if (part->at_least > part->at_most)
        return gr_yaml_fail(map, err, "at_least is the smaller one", "nothing is at least %g and at most %g",
                            part->at_least, part->at_most);
    if (part->otherwise && !part->bounded)
        return gr_yaml_fail(map, err, "at_least: NUMBER, or at_most: NUMBER",
                            "otherwise is said where a figure is out of bounds, and this part has none");
    return GR_OK;
}

/* {figure: KEY, say: TEXT, refused: TEXT, ..}, or {flag: WORD, say: TEXT}. */
static gr_status read_part(const gr__experiment_reader *r, gr_verdict_part *part, const places *p, gr_yaml *map,
                           gr_error *err) {
    static const char *const flags[] = {"known_labels_only", "damage", "collapsed", NULL};
    int flag = -1;
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    const gr_yaml *figure = gr_yaml_find(map, "figure");
    GR_TRY(gr_yaml_choice(map, &flag, "flag", flags, err));
    GR_TRY(gr_yaml_text(map, &part->say, "say", err));
    GR_TRY(gr_yaml_text(map, &part->refused, "refused", err));
    GR_TRY(gr_yaml_text(map, &part->otherwise, "otherwise", err));
    GR_TRY(gr_yaml_text(map, &part->absent, "absent", err));
    GR_TRY(read_bounds(part, map, err));
    GR_TRY(gr_yaml_finish(map, err));
    const bool of_figure = part->refused || part->absent || part->bounded;
    if ((figure != NULL) == (flag >= 0) || !part->say || (flag >= 0 && of_figure))
        return gr_yaml_fail(map, err, "{figure: KEY, say: TEXT, refused: TEXT}, or {flag: WORD, say: TEXT}",
                            "a part of the verdict takes a figure or a flag, and says something");

    part->flag = flag >= 0 ? flags[flag] : NULL;
    if (figure)
        GR_TRY(find_figure(r, part, figure, err));
    GR_TRY(check_template(p, map, "say", err));
    GR_TRY(check_template(p, map, "refused", err));
    GR_TRY(check_template(p, map, "otherwise", err));
    return check_template(p, map, "absent", err);
}

/* The arm that a key names, of those that may have the role one. */
static gr_status find_one(const gr_experiment *e, const gr_yaml *node, int *arm, gr_error *err) {
    const char **known = gr_alloc(((size_t)e->ones + 1) * sizeof *known);
    *arm = -1;
    for (int i = 0; i < e->ones; i++) {
        known[i] = e->arm[e->one[i]].name;
        if (strcmp(known[i], node->key) == 0)
            *arm = e->one[i];
    }
    const gr_yaml key = gr__key_of(node);
    gr_status status =
        *arm < 0 ? gr__recipe_unknown(&key, "arm in the role one", node->key, known, e->ones, err) : GR_OK;
    gr_free(known);
    return status;
}

/* {ARM: TEXT}: what is said of the arm that has the role one. */
static gr_status read_scale(gr__experiment_reader *r, gr_yaml *map, gr_error *err) {
    const gr_experiment *e = r->to;
    const char **scale = gr_arena_alloc(r->arena, ((size_t)e->arms + 1) * sizeof *scale);
    r->to->verdict.scale = scale;
    for (gr_yaml *child = map ? gr_yaml_first(map) : NULL; child; child = gr_yaml_next(child)) {
        int arm;
        GR_TRY(find_one(e, child, &arm, err));
        GR_TRY(gr_yaml_as_text(child, &scale[arm], err));
    }
    return GR_OK;
}

/* The texts of a verdict, each with the figure that it is about. */
static gr_status read_parts(gr__experiment_reader *r, const places *p, gr_yaml *map, gr_error *err) {
    gr_verdict_text *v = &r->to->verdict;
    gr_yaml *lead, *then, *scale;
    GR_TRY(gr_yaml_text(map, &v->missing, "missing", err));
    GR_TRY(gr_yaml_map(map, &lead, "lead", err));
    GR_TRY(gr_yaml_list(map, &then, "then", err));
    GR_TRY(gr_yaml_map(map, &scale, "scale", err));
    if (!v->missing || !lead)
        return gr_yaml_fail(map, err, "{missing: TEXT, lead: {figure: KEY, say: TEXT, refused: TEXT}}",
                            "a verdict says what is missing, or begins with a figure: it takes both");

    /* What leads is a figure; the others may be flags. */
    GR_TRY(read_part(r, &v->lead, p, lead, err));
    if (!v->lead.figure || !v->lead.refused)
        return gr_yaml_fail(lead, err, "{figure: KEY, say: TEXT, refused: TEXT}",
                            "the verdict begins with a figure, and says something where that is refused");

    gr_verdict_part *parts = gr_arena_alloc(r->arena, ((size_t)(then ? then->count : 0) + 1) * sizeof *parts);
    v->then = parts;
    for (gr_yaml *child = then ? gr_yaml_first(then) : NULL; child; child = gr_yaml_next(child))
        GR_TRY(read_part(r, &parts[v->thens++], p, child, err));
    GR_TRY(check_template(p, map, "missing", err));
    GR_TRY(read_scale(r, scale, err));
    return gr_yaml_finish(map, err);
}

gr_status gr__experiment_verdict(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_map(r->root, &map, "verdict", err));
    if (!map)
        return GR_OK;
    places p = places_of(r->to);
    gr_status status = read_parts(r, &p, map, err);
    free_places(&p);
    return status;
}

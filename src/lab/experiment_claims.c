/* experiment_claims.c - figures of the result, and what is claimed of them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "lab/experiment_read.h"
#include "lab/registry.h"
#include "lab/result.h"
#include "measure/power_law.h"
#include "recipe/read.h"

/* ---- a figure ---- */

/* What a figure is called that is a number out of rows, and no comparison of losses. */
static const char value_word[] = "value";

/* Whether the experiment has a group of this name. */
static bool has_group(const gr_experiment *e, const char *name) {
    for (int i = 0; i < e->groups; i++)
        if (strcmp(e->group[i].name, name) == 0)
            return true;
    return false;
}

/* The group that is named, or that the figure has otherwise. */
static gr_status check_group(const gr__experiment_reader *r, const gr_yaml *node, const char *name, gr_error *err) {
    const char *known[GR_GROUPS_MAX];
    for (int i = 0; i < r->to->groups; i++)
        known[i] = r->to->group[i].name;
    return has_group(r->to, name) ? GR_OK : gr__recipe_unknown(node, "group", name, known, r->to->groups, err);
}

/* Arms are taken into a figure by what was measured of them, and by the attack on them. */
static gr_status check_arm(const gr__experiment_reader *r, const gr_yaml *node, int use, const char *name, int arm,
                           gr_error *err) {
    if (use < 0)
        return gr_yaml_fail(node, err, "add it to measures or attacks", "%s is of rows of %s, which is not taken",
                            node->key ? node->key : "the figure", name);
    if (!gr__use_has(r->to, use, arm))
        return gr_yaml_fail(node, err, "add the arm to its `of`, or ask for another", "%s is not taken of arm %s", name,
                            r->to->arm[arm].name);
    return GR_OK;
}

/* The losses of the arms that stand for 0 and 1, as far as a figure has them. */
static gr_status check_role(const gr__experiment_reader *r, const gr_yaml *map, const gr_figure_def *def, gr_role role,
                            const int *arm, int arms, gr_error *err) {
    const char *measure = def->measure ? def->measure : "loss";
    int loss = gr__use_of(r->to, measure, false), attack = def->after ? gr__use_of(r->to, def->after->name, true) : -1;
    bool wanted = false, attacked = false;
    for (int i = 0; i < def->figure->operands; i++) {
        const gr_operand *operand = &def->figure->operand[i];
        wanted = wanted || operand->role == role;
        attacked = attacked || (operand->role == role && operand->attacked && def->after);
    }
    if (!wanted)
        return GR_OK;

    if (arms == 0 || arm[0] < 0)
        return gr_yaml_fail(map, err, "roles: {zero: ARM, one: [ARM, ..]}, and `of` of the figure",
                            "figure %s compares an arm with others, and there is none %s", def->figure->name,
                            role == GR_ROLE_OF     ? "that it is of"
                            : role == GR_ROLE_ZERO ? "in the role zero"
                                                   : "in the role one"); /* and so none that was never trained */
    for (int i = 0; i < arms; i++) {
        GR_TRY(check_arm(r, map, loss, measure, arm[i], err));
        if (attacked)
            GR_TRY(check_arm(r, map, attack, def->after->name, arm[i], err));
    }
    return GR_OK;
}

/* A measure that there is. */
static gr_status check_measure(const gr__experiment_reader *r, gr_yaml *map, const char *name, gr_error *err) {
    int count;
    if (gr_registry_measure(r->registry, name))
        return GR_OK;
    const char **known = gr__registry_names(r->registry, GR__REGISTRY_MEASURES, &count);
    gr_status status = gr__recipe_unknown(gr__yaml_child(map, "measure"), "measure", name, known, count, err);
    gr_free(known);
    return status;
}

/* Figures of losses are of those of `loss`, or of another measure whose rows are like its rows; attacks have none of
 * such rows. */
static gr_status check_losses(const gr__experiment_reader *r, gr_yaml *map, const gr_figure_def *def, gr_error *err) {
    GR_TRY(check_measure(r, map, def->measure, err));
    bool own = strcmp(def->measure, "loss") == 0;
    if (!own && !gr_registry_measure(r->registry, def->measure)->losses)
        return gr_yaml_fail(gr__yaml_child(map, "measure"), err, "figure: value, with a field",
                            "figure %s is of losses, and rows of %s are none", def->figure->name, def->measure);
    if (!own && def->after)
        return gr_yaml_fail(gr__yaml_child(map, "after"), err, "leave one of them out",
                            "losses after an attack are those of `loss`, and not of %s", def->measure);
    return GR_OK;
}

/* Whether an attack is measured after so many documents; where its settings do not list them nothing is known. */
static bool has_documents(const gr_settings *settings, const gr_setting *table, int documents) {
    while (table && table->kind && strcmp(table->key, "documents") != 0)
        table++;
    if (!table || table->kind != GR_SETTING_COUNTS)
        return true;
    const gr_setting_value *list = gr_settings_get(settings, "documents");
    for (int i = 0; i < list->count; i++)
        if (list->numbers[i] == documents)
            return true;
    return false;
}

/* A figure of several strengths of an attack: it is measured at each of them. */
static gr_status check_rungs(const gr__experiment_reader *r, gr_yaml *map, const gr_figure_def *def, gr_error *err) {
    gr_settings *settings = NULL;
    gr_status status = GR_OK;
    for (int i = 0; i < def->figure->operands && status == GR_OK; i++) {
        int documents = def->figure->operand[i].documents, use;
        if (!documents)
            continue;
        if (!def->after || (use = gr__use_of(r->to, def->after->name, true)) < 0)
            return gr_yaml_fail(map, err, "after: relearn",
                                "figure %s is of what an attack brings back, and it says of none", def->figure->name);

        /* The list is the experiment's: a recipe says one number alone. */
        if (!settings)
            GR_TRY(gr_reading_settings(&settings, &r->to->use[use], NULL, err));
        if (!has_documents(settings, def->after->option, documents))
            status = gr_yaml_fail(map, err, "documents: [8, 16, 32, 64] of the attack",
                                  "figure %s takes %s with %d documents, and it is not made with so many",
                                  def->figure->name, def->after->name, documents);
    }
    gr_settings_free(settings);
    return status;
}

/* A loss that is looked up takes the curve of an arm's knob, whose models are measured as its own is. */
static gr_status check_along(const gr__experiment_reader *r, gr_yaml *map, const gr_figure_def *def, gr_error *err) {
    const gr_experiment *e = r->to;
    const char *measure = def->measure ? def->measure : "loss";
    if (!def->figure || def->figure->along == GR_ALONG_NONE)
        return def->along ? gr_yaml_fail(gr__yaml_child(map, "along"), err, "figure: compute_ratio, or leakage",
                                         "figure %s looks nothing up along an arm",
                                         def->figure ? def->figure->name : value_word)
                          : GR_OK;
    if (!def->along)
        return gr_yaml_fail(map, err, "along: an arm whose knob has values from little training to much",
                            "figure %s says along no arm", def->figure->name);

    /* As many models as a curve takes. */
    gr_yaml *node = gr__yaml_child(map, "along");
    const int arm = (int)(def->along - e->arm), values = gr_experiment_knobs(e, arm);
    if (values < GR__LADDER_LEAST || values > GR__LADDER_MOST)
        return gr_yaml_fail(node, err, "{knob: [VALUE, ..]} of its tokens, or of the share that is left out",
                            "arm %s has %d %s, expected %d to %d for a curve", def->along->name, values,
                            values == 1 ? "model" : "values", GR__LADDER_LEAST, GR__LADDER_MOST);
    if (def->figure->along == GR_ALONG_OPERATIONS && e->zero < 0)
        return gr_yaml_fail(map, err, "roles: {zero: ARM}",
                            "figure %s is a share of the training of the arm in the role zero, and there is none",
                            def->figure->name);
    return check_arm(r, node, gr__use_of(e, measure, false), measure, arm, err);
}

/* A figure that compares: its arms are there and measured, its groups too. */
static gr_status check_compared(const gr__experiment_reader *r, gr_yaml *map, const gr_figure_def *def, gr_error *err) {
    /* Whose losses, and of which groups, it takes. */
    const gr_experiment *e = r->to;
    bool is_of = false, retain = false;
    for (int i = 0; i < def->figure->operands; i++) {
        is_of = is_of || def->figure->operand[i].role == GR_ROLE_OF;
        retain = retain || def->figure->operand[i].retain;
    }
    if (def->of >= 0 && !is_of)
        return gr_yaml_fail(gr__yaml_child(map, "of"), err, "leave `of` out", "figure %s is of the roles alone",
                            def->figure->name);
    if (def->field)
        return gr_yaml_fail(map, err, "figure: value", "figure %s is of losses: it has no field", def->figure->name);
    if (def->measure)
        GR_TRY(check_losses(r, map, def, err));

    /* All of them are there. */
    GR_TRY(check_role(r, map, def, GR_ROLE_OF, &def->of, 1, err));
    GR_TRY(check_role(r, map, def, GR_ROLE_ZERO, &e->zero, 1, err));
    GR_TRY(check_role(r, map, def, GR_ROLE_ONE, e->one, e->ones, err));
    GR_TRY(
        check_role(r, map, def, GR_ROLE_NEVER, e->never >= 0 ? &e->never : e->one, e->never >= 0 ? 1 : e->ones, err));
    GR_TRY(check_rungs(r, map, def, err));
    GR_TRY(check_along(r, map, def, err));
    if (def->minus >= 0)
        GR_TRY(check_role(r, map, def, GR_ROLE_OF, &def->minus, 1, err));
    if (!def->group)
        GR_TRY(check_group(r, map, def->figure->group, err));
    return retain ? check_group(r, map, "retain", err) : GR_OK;
}

/* A number out of rows: whose, and which. */
static gr_status check_value(const gr__experiment_reader *r, gr_yaml *map, const gr_figure_def *def, gr_error *err) {
    GR_TRY(check_along(r, map, def, err));
    if (!def->measure || !def->field || def->of < 0)
        return gr_yaml_fail(map, err, "{figure: value, measure: loss, field: mean, of: ARM}",
                            "a value takes a measure, a field and an arm");

    GR_TRY(check_measure(r, map, def->measure, err));
    int use = gr__use_of(r->to, def->measure, false),
        attack = def->after ? gr__use_of(r->to, def->after->name, true) : 0;
    const int arm[] = {def->of, def->minus};
    for (int i = 0; i < 2; i++) {
        if (arm[i] < 0)
            continue;
        GR_TRY(check_arm(r, map, use, def->measure, arm[i], err));
        if (def->after)
            GR_TRY(check_arm(r, map, attack, def->after->name, arm[i], err));
    }
    return GR_OK;
}

/* Figure and attack by their names. */
static gr_status read_names(const gr__experiment_reader *r, gr_yaml *map, gr_figure_def *def, const char *figure,
                            const char *after, gr_error *err) {
    gr_status status = GR_OK;
    int count;
    if (strcmp(figure, value_word) != 0 && !(def->figure = gr_registry_figure(r->registry, figure))) {
        const char **known = gr__registry_names(r->registry, GR__REGISTRY_FIGURES, &count);
        status = gr__recipe_unknown(gr__yaml_child(map, "figure"), "figure", figure, known, count, err);
        gr_free(known);
        return status;
    }
    if (after && !(def->after = gr_registry_attack(r->registry, after))) {
        const char **known = gr__registry_names(r->registry, GR__REGISTRY_ATTACKS, &count);
        status = gr__recipe_unknown(gr__yaml_child(map, "after"), "attack", after, known, count, err);
        gr_free(known);
    }
    return status;
}

/* What figures and claims have in common; the caller has read its own keys, so that what is left is unknown. */
static gr_status read_figure(gr__experiment_reader *r, gr_yaml *map, gr_figure_def *def, gr_error *err) {
    const char *figure = NULL, *after = NULL;
    gr_yaml *of = gr_yaml_find(map, "of"), *minus = gr_yaml_find(map, "minus"), *along = gr_yaml_find(map, "along");
    int ladder;
    def->of = def->minus = -1;
    GR_TRY(gr_yaml_text(map, &figure, "figure", err));
    GR_TRY(gr_yaml_text(map, &def->group, "group", err));
    GR_TRY(gr_yaml_text(map, &after, "after", err));
    GR_TRY(gr_yaml_text(map, &def->measure, "measure", err));
    GR_TRY(gr_yaml_text(map, &def->field, "field", err));
    GR_TRY(gr_yaml_finish(map, err));
    if (!figure)
        return gr_yaml_fail(map, err, "figure: removal_specific, or figure: value with a measure and a field",
                            "no figure is named");

    GR_TRY(read_names(r, map, def, figure, after, err));
    if (of)
        GR_TRY(gr__arm_read(r, of, &def->of, err));
    if (minus)
        GR_TRY(gr__arm_read(r, minus, &def->minus, err));
    if (along) {
        GR_TRY(gr__arm_read(r, along, &ladder, err));
        def->along = &r->to->arm[ladder];
    }
    if (minus && (!of || def->of == def->minus))
        return gr_yaml_fail(minus, err, "{of: ARM, minus: ANOTHER}", "a difference takes two arms");
    if (def->group && (def->figure || r->to->groups > 0)) /* rows of a measure may have groups of their own */
        GR_TRY(check_group(r, gr__yaml_child(map, "group"), def->group, err));
    return def->figure ? check_compared(r, map, def, err) : check_value(r, map, def, err);
}

/* ---- figures ---- */

/* A figure with the words that results call it by. */
static gr_status read_figure_of_result(gr__experiment_reader *r, gr_figure_def *def, gr_yaml *map, gr_error *err) {
    const gr_experiment *e = r->to;
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    GR_TRY(gr_yaml_text(map, &def->key, "key", err));
    def->title = def->key;
    def->note = "";
    GR_TRY(gr_yaml_text(map, &def->title, "title", err));
    GR_TRY(gr_yaml_text(map, &def->note, "note", err));
    GR_TRY(read_figure(r, map, def, err));

    /* Its key is what texts and files of the result call it. */
    if (!def->key)
        return gr_yaml_fail(map, err, "key: NAME", "a figure of the result has no key");
    const gr_yaml *key = gr__yaml_child(map, "key");
    const gr_yaml named = {.key = def->key, .key_at = key->at};
    GR_TRY(gr__experiment_name(&named, "a figure", gr__result_members, err));
    if (gr__use_of(e, def->key, true) >= 0)
        return gr_yaml_fail(key, err, "choose another key", "a figure and an attack are called %s", def->key);
    for (int i = 0; i < e->figures; i++)
        if (strcmp(e->figure[i].key, def->key) == 0)
            return gr_yaml_fail(key, err, "choose another key", "two figures have the key %s", def->key);
    return GR_OK;
}

gr_status gr__experiment_figures(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *list;
    GR_TRY(gr_yaml_list(r->root, &list, "figures", err));
    gr_figure_def *figures = gr_arena_alloc(r->arena, ((size_t)(list ? list->count : 0) + 1) * sizeof *figures);
    r->to->figure = figures;
    for (gr_yaml *child = list ? gr_yaml_first(list) : NULL; child; child = gr_yaml_next(child)) {
        GR_TRY(read_figure_of_result(r, &figures[r->to->figures], child, err));
        r->to->figures++;
    }
    return GR_OK;
}

/* ---- claims ---- */

/* {FIGURE: TOLERANCE}. */
static gr_status read_matched(const gr__experiment_reader *r, gr_claim *claim, gr_yaml *map, gr_error *err) {
    gr_yaml *node;
    GR_TRY(gr_yaml_map(map, &node, "matched", err));
    if (!node)
        return GR_OK;
    if (node->count != 1)
        return gr_yaml_fail(node, err, "matched: {tax_off: 0.02}", "%d figures are to be matched, expected one",
                            node->count);

    /* Its name, and how near is equal. */
    claim->matched = gr_yaml_first(node)->key;
    if (!gr_registry_figure(r->registry, claim->matched)) {
        int count;
        const char **known = gr__registry_names(r->registry, GR__REGISTRY_FIGURES, &count);
        const gr_yaml key = gr__key_of(node->first);
        gr_status status = gr__recipe_unknown(&key, "figure", claim->matched, known, count, err);
        gr_free(known);
        return status;
    }
    if (gr_registry_figure(r->registry, claim->matched)->along != GR_ALONG_NONE)
        return gr_yaml_fail(node->first, err, "a tax, or another figure of losses",
                            "arms are matched by what is compared, and %s is looked up on a curve", claim->matched);
    return gr_yaml_as_real(node->first, &claim->tolerance, DBL_MIN, DBL_MAX, err);
}

/* One way to compare. */
static gr_status check_comparison(const gr_claim *claim, const gr_yaml *map, gr_error *err) {
    bool around = !isnan(claim->within);
    int ways = !isnan(claim->at_least) + !isnan(claim->at_most) + around;
    if (ways == 0)
        return gr_yaml_fail(map, err, "at_least: A, at_most: A, or within: W (with about: A, else 0)",
                            "a claim compares with nothing");
    if (ways > 1)
        return gr_yaml_fail(map, err, "one of at_least: A, at_most: A, within: W (with about: A, else 0)",
                            "a claim compares in %d ways, expected one", ways);
    if (!isnan(claim->about) && !around)
        return gr_yaml_fail(gr__yaml_child(map, "about"), err, "within: W",
                            "a claim says about what, and not within what");
    return GR_OK;
}

/* What only differences have, and what only arms with knobs do. */
static gr_status check_difference(const gr__experiment_reader *r, const gr_claim *claim, const gr_yaml *map,
                                  gr_error *err) {
    const gr_experiment *e = r->to;
    bool alone = claim->what.minus < 0;
    if (alone && claim->ratio)
        return gr_yaml_fail(gr__yaml_child(map, "ratio"), err, "minus: ARM", "a ratio takes two arms");
    if (!alone && claim->variation)
        return gr_yaml_fail(gr__yaml_child(map, "variation"), err, "a claim for each arm",
                            "the variation over seeds is of one arm");
    if (!claim->matched)
        return GR_OK;
    if (alone)
        return gr_yaml_fail(gr__yaml_child(map, "matched"), err, "minus: ARM",
                            "one arm alone is not matched with another");
    if (gr_experiment_knobs(e, claim->what.of) < 2 && gr_experiment_knobs(e, claim->what.minus) < 2)
        return gr_yaml_fail(gr__yaml_child(map, "matched"), err, "give one of them {knob: [VALUE, ..]}",
                            "neither arm %s nor arm %s has a knob, by whose values they could be matched",
                            e->arm[claim->what.of].name, e->arm[claim->what.minus].name);
    return GR_OK;
}

/* What is claimed of a figure, and within which bounds. */
static gr_status read_claim(gr__experiment_reader *r, gr_claim *claim, gr_yaml *map, gr_error *err) {
    *claim = (gr_claim){.at_least = NAN, .at_most = NAN, .about = NAN, .within = NAN};
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    GR_TRY(gr_yaml_bool(map, &claim->primary, "primary", err));
    GR_TRY(gr_yaml_text(map, &claim->say, "say", err));
    GR_TRY(gr_yaml_bool(map, &claim->ratio, "ratio", err));
    GR_TRY(gr_yaml_bool(map, &claim->variation, "variation", err));
    GR_TRY(read_matched(r, claim, map, err));
    GR_TRY(gr__at_read(r, map, &claim->at, &claim->ats, err));
    GR_TRY(gr_yaml_real(map, &claim->at_least, "at_least", -DBL_MAX, DBL_MAX, err));
    GR_TRY(gr_yaml_real(map, &claim->at_most, "at_most", -DBL_MAX, DBL_MAX, err));
    GR_TRY(gr_yaml_real(map, &claim->about, "about", -DBL_MAX, DBL_MAX, err));
    GR_TRY(gr_yaml_real(map, &claim->within, "within", DBL_MIN, DBL_MAX, err));
    GR_TRY(read_figure(r, map, &claim->what, err));

    /* Whether these fit each other. */
    if (!claim->say)
        return gr_yaml_fail(map, err, "say: TEXT", "a claim does not say what is claimed");
    GR_TRY(check_comparison(claim, map, err));
    return check_difference(r, claim, map, err);
}

/* One claim is what the experiment was made for; the others are looked at beside it. */
gr_status gr__experiment_claims(gr__experiment_reader *r, gr_error *err) {
    gr_yaml *list;
    const char *primary = NULL;
    GR_TRY(gr_yaml_list(r->root, &list, "claims", err));
    gr_claim *claims = gr_arena_alloc(r->arena, ((size_t)(list ? list->count : 0) + 1) * sizeof *claims);
    r->to->claim = claims;

    /* Each by itself, and no second one that is primary. */
    for (gr_yaml *child = list ? gr_yaml_first(list) : NULL; child; child = gr_yaml_next(child)) {
        gr_claim *claim = &claims[r->to->claims++];
        GR_TRY(read_claim(r, claim, child, err));
        if (claim->primary && primary)
            return gr_yaml_fail(child, err, "one of them is primary: what the experiment was made to find out",
                                "two claims are primary, '%.100s' and '%.100s'", primary, claim->say);
        primary = claim->primary ? claim->say : primary;
    }
    if (r->to->claims > 0 && !primary)
        return gr_yaml_fail(list, err, "primary: true for what the experiment was made to find out",
                            "none of the claims is primary");
    return GR_OK;
}

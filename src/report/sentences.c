/* Sentences around the tables of a result, the same as text and on a page. */
#include "base/mem.h"
#include "base/number.h"
#include "io/json.h"
#include "report/lines.h"
#include "report/table.h"

char *gr__place_of(const json_t *object) {
    char *text = NULL;
    const char *axis;
    json_t *value;
    json_object_foreach(json_object_get(object, "axes"), axis, value)
        gr__append(&text, "%s%s %s", text ? ", " : "", axis, json_string_value(value));
    return text;
}

/* What an arm's best is the best of. Arms compare fairly where these are alike, for the best of more trials is better
 * by luck. */
char *gr__trials_sentence(const json_t *table) {
    char *text = NULL;
    size_t i;
    json_t *arm;
    json_array_foreach(json_object_get(table, "arms"), i, arm)
        if (json_object_get(arm, "trials"))
            gr__append(&text, "%s %s %.0f", text ? "," : "Trials:", gr__text_of(arm, "name"),
                       gr__number_of(arm, "trials"));
    return text;
}

char *gr__data_sentence(const json_t *point) {
    const json_t *data = json_object_get(point, "data");
    const char *name, *unit = gr__counted(point);
    char *text = NULL;
    json_t *count;
    if (!data)
        return NULL;

    /* How many, held out, dropped; near duplicates are no part of it, they were only taken out of what is held out. */
    json_int_t duplicates = (json_int_t)gr__number_of(data, "duplicates");
    gr__append(&text,
               "%c%s: %.0f (%.0f for validation, %.0f for the test, %lld exact %s dropped):", unit[0] - 'a' + 'A',
               unit + 1, gr__number_of(data, "documents"), gr__number_of(data, "validation"),
               gr__number_of(data, "test"), (long long)duplicates, gr__plural(duplicates, "duplicate", "duplicates"));

    /* Of each group by the truth, and of each label what training was told: the two differ where labels are hidden. */
    json_object_foreach(json_object_get(data, "groups"), name, count)
        gr__append(&text, " %s %.0f", name, json_number_value(count));
    json_object_foreach(json_object_get(data, "known"), name, count)
        gr__append(&text, "; label %s known for %.0f", name, json_number_value(count));
    return text;
}

/* Nobody should take figures of the small corpus for those of the large one, so it is not a log line. */
const char *gr__fallback_sentence(const json_t *point) {
    return json_is_true(json_object_get(json_object_get(point, "data"), "used_fallback"))
               ? "NOTE: the corpus is the small subset that ships with the project, because the full one is not "
                 "installed. Figures on it say little; install wordnet-base and run again in another folder."
               : NULL;
}

/* A region's size beside the core's: removal is cheap for a region that holds most of the network. */
char *gr__sizes_sentence(const json_t *point) {
    const json_t *parameters = json_object_get(point, "parameters");
    const char *name;
    json_t *value;
    char *text = NULL;
    if (!parameters)
        return NULL;
    gr__append(&text, "Parameters: core %.0f", gr__number_of(parameters, "core"));
    json_object_foreach(json_object_get(parameters, "regions"), name, value)
        gr__append(&text, ", region %s %.0f", name, json_number_value(value));
    return text;
}

/* Of all cells, also those that an earlier call made: what the whole would take once more. Speeds of what was trained
 * alone; a view has none. */
char *gr__times_sentence(const json_t *point) {
    const char *name;
    json_t *value;
    char *text = NULL;
    gr__append(&text, "Time: %.1f minutes; tokens per second:", gr__number_of(point, "seconds") / 60);
    json_object_foreach(json_object_get(point, "models"), name, value)
        if (json_object_get(value, "tokens_per_s"))
            gr__append(&text, " %s %.0f", name, gr__number_of(value, "tokens_per_s"));
    return text;
}

/* The budget of an attack: "not recovered" holds for so many tokens and no more. NULL: it trained on none. */
static char *budget_sentence(const json_t *point, const char *name) {
    const json_t *made = json_object_get(point, name);
    json_int_t documents = (json_int_t)gr__number_of(made, "documents");
    json_int_t tokens = (json_int_t)gr__number_of(made, "tokens");
    if (!json_object_get(made, "documents"))
        return NULL;
    return gr_format("Attack %s: %lld %s, %lld %s.", name, (long long)documents,
                     gr__unit(gr__counted(point), documents), (long long)tokens, gr__plural(tokens, "token", "tokens"));
}

json_t *gr__remarks_of(const json_t *table, const json_t *point) {
    const char *scale = gr__text_of(table, "scale");
    json_t *list = json_array(), *attack;
    size_t i;

    /* Which filter the ratios are over: the perfect and the known one are two scales. */
    if (scale)
        json_array_append_new(list, json_string(scale));
    json_array_foreach(json_object_get(table, "attacks"), i, attack) {
        char *text = budget_sentence(point, gr__text_of(attack, "name"));
        if (text)
            json_array_append_new(list, gr_json_text(text));
        gr_free(text);
    }

    /* Two warnings that docs/measures.md gives the reasons of. A removal above 1 is worse than a model that never read
     * the topic; with a tax too, the core was hurt as a whole. */
    if (json_is_true(json_object_get(point, "known_labels_only")))
        json_array_append_new(list, json_string("On known labels only: the filter may have read text of the topic."));
    if (json_is_true(json_object_get(point, "damage")))
        json_array_append_new(list,
                              json_string("Removal above 1 together with a tax above 0.1 is damage, not removal."));
    return list;
}

/* Sentences about settings that were tried, the same as text and on a page. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "io/json.h"
#include "report/lines.h"
#include "report/table.h"

/* ---- what was tried, and for what ---- */

/* "tax_off at most 0.05" */
static void append_bounds(char **text, const json_t *goals) {
    static const char *const words[][2] = {{"at_most", "at most"}, {"at_least", "at least"}};
    size_t i;
    json_t *goal;
    json_array_foreach((json_t *)goals, i, goal)
        for (int k = 0; k < 2; k++) {
            char number[32];
            if (!json_object_get(goal, words[k][0]))
                continue;
            gr__print(number, sizeof number, "%g", gr__number_of(goal, words[k][0]));
            gr__append(text, ", %s %s %s", gr__text_of(goal, "key"), words[k][1], number);
        }
}

char *gr__choice_tried(const json_t *choice) {
    const json_t *goals = json_object_get(choice, "goals");
    const int64_t trials = (int64_t)gr__number_of(choice, "trials"),
                  refused = (int64_t)gr__number_of(choice, "refused"),
                  on = (int64_t)json_array_size(json_object_get(choice, "frontier"));
    char *text = NULL;

    /* How many; the best of many is good by luck too. */
    gr__append(&text, "%lld %s tried%s.", (long long)trials, gr__plural(trials, "setting was", "settings were"),
               json_is_true(json_object_get(choice, "development")) ? " on topics to develop on" : "");
    if (on > 0)
        gr__append(&text, " %lld %s on the frontier: no other is as good in every figure and better in one.",
                   (long long)on, gr__plural(on, "is", "are"));
    if (refused > 0)
        gr__append(&text, " %lld %s a figure that was refused.", (long long)refused,
                   gr__plural(refused, "has", "have"));
    if (json_array_size(goals) > 0) {
        gr__append(&text, " Wanted: the most %s", gr__text_of(json_array_get(goals, 0), "key"));
        append_bounds(&text, goals);
        gr__append(&text, ".");
    }
    return text;
}

/* ---- the choice ---- */

/* Why there is none, and how far the nearest is. */
static char *say_none(const json_t *choice) {
    const json_t *nearest = json_object_get(choice, "nearest"), *goals = json_object_get(choice, "goals");
    char *text = NULL, *place;
    size_t i;
    json_t *goal;
    if (!nearest)
        return gr_strdup(
            "None is chosen: a figure of every setting was refused. Where there is next to nothing to remove "
            "no ratio is taken: train for longer, or develop on larger topics.");

    /* Its figures beside the bounds that it misses. */
    place = gr__place_of(nearest);
    gr__append(&text, "None is chosen: no setting keeps within all bounds. The nearest is %s:",
               place ? place : "the only one");
    json_array_foreach((json_t *)goals, i, goal) {
        char number[64];
        gr__print(number, sizeof number, "%.3f",
                  gr__number_of(json_object_get(nearest, "figures"), gr__text_of(goal, "key")));
        gr__append(&text, "%s %s %s", i ? "," : "", gr__text_of(goal, "key"), number);
    }
    gr__append(&text, ".");
    gr_free(place);
    return text;
}

/* Equals are told apart by what they change, so the choice may not be the first of the table. */
char *gr__choice_taken(const json_t *choice) {
    const json_t *chosen = json_object_get(choice, "chosen");
    char within[32];
    if (!json_is_object(chosen))
        return say_none(choice);
    gr__print(within, sizeof within, "%g", gr__number_of(choice, "within"));
    if (gr__number_of(chosen, "changes") == 0)
        return gr_format("Chosen: the recipe as it is. No setting within the bounds is more than %s better.", within);

    char *place = gr__place_of(chosen);
    char *text =
        gr_format("Chosen: %s. What is at most %s worse than the best counts as equal to it; of equals the one "
                  "that changes least is taken.",
                  place ? place : "the only setting", within);
    gr_free(place);
    return text;
}

/* ---- what to try next ---- */

/* "preset.p_cr=0.75" */
static void append_settings(char **text, const json_t *settings) {
    const char *key;
    json_t *value;
    bool first = true;
    json_object_foreach((json_t *)settings, key, value) {
        gr__append(text, "%s%s=%s", first ? "" : ", ", key, json_string_value(value));
        first = false;
    }
}

/* An axis at whose end the choice is. */
static char *say_edge(const json_t *edge) {
    const bool low = strcmp(gr__text_of(edge, "end"), "low") == 0;
    char *text = NULL;
    gr__append(&text, "%s is at the edge of what was tried (", gr__text_of(edge, "axis"));
    append_settings(&text, json_object_get(edge, "settings"));
    gr__append(&text, "): there may be better %s it. Extend the grid there before you rely on it.",
               low ? "below" : "above");
    return text;
}

/* Adds a new string to the list. */
static void add(json_t *list, char *text) {
    json_array_append_new(list, gr_json_text(text));
    gr_free(text);
}

json_t *gr__choice_remarks(const json_t *choice) {
    json_t *list = json_array(), *edge, *idle;
    size_t i;
    json_array_foreach(json_object_get(choice, "edges"), i, edge)
        add(list, say_edge(edge));

    /* An axis that the recipe has nothing for. */
    json_array_foreach(json_object_get(choice, "idle"), i, idle)
        add(list,
            gr_format("%s changes nothing of this recipe, which has none of the keys that it sets: all of its values "
                      "were one setting.",
                      json_string_value(idle)));

    /* Nobody should report these figures. */
    if (json_is_true(json_object_get(choice, "development")) &&
        json_array_size(json_object_get(choice, "frontier")) > 0)
        add(list,
            gr_strdup("These figures are of the topics that the choice was made on, and flatter it. What is reported "
                      "comes from gradroute audit, with the settings that were chosen."));
    return list;
}

/* ---- the frontier ---- */

gr__table *gr__table_of_frontier(const json_t *choice) {
    gr__table *t = gr__table_new("Settings that no other beats", 3);
    size_t i, g;
    json_t *one, *goal;
    json_array_foreach(json_object_get(choice, "goals"), i, goal)
        gr__table_column_add(t, gr__text_of(goal, "key"), "", false);

    /* A row each, by its place on the axes. */
    json_array_foreach(json_object_get(choice, "frontier"), i, one) {
        char *place = gr__place_of(one);
        gr__table_cell *cell = gr__table_row_add(t, place ? place : "", gr__choice_note(one), NULL);
        json_array_foreach(json_object_get(choice, "goals"), g, goal) {
            const char *key = gr__text_of(goal, "key");
            cell[g] = gr__table_cell_of(json_object_get(json_object_get(one, "figures"), key),
                                        json_object_get(json_object_get(one, "intervals"), key));
        }
        gr_free(place);
    }
    return t;
}

const char *gr__choice_note(const json_t *setting) {
    if (json_is_true(json_object_get(setting, "chosen")))
        return "chosen";
    return json_is_true(json_object_get(setting, "fits")) ? NULL : "out of bounds";
}

/* What stands below the tables in a line a model: what classifiers found of the documents that were not known, where
 * trainings went by one, and what methods say of their making. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "report/lines.h"
#include "report/result_text.h"

/* ---- what classifiers found ---- */

/* Every seed has a classifier of its own; the result keeps the first one's figures. */
const char gr__found_heading[] = "Found by classifiers (first seed; shares of what is hidden and of other text)";

/* ", hidden 0.910", where that was measured. */
static void add_share(char **line, const json_t *found, const char *key, const char *of) {
    if (json_object_get(found, key))
        gr__append(line, ", %s %.3f", of, gr__number_of(found, key));
}

/* "filtered 0.02: animals 412 found by 900, AUC 0.981, hidden 0.910, other 0.012". */
static void add_found(json_t *list, const char *title, const json_t *model) {
    const char *label;
    json_t *found;
    char *line = NULL;
    json_object_foreach(json_object_get(model, "found"), label, found) {
        gr__append(&line, "%s%s%s %.0f found by %.0f, AUC %.3f", line ? "; " : title, line ? "" : ": ", label,
                   gr__number_of(found, "found"), gr__number_of(found, "known"), gr__number_of(found, "auc"));
        add_share(&line, found, "hidden_recall", "hidden");
        add_share(&line, found, "core_lost", "other");
    }
    if (line)
        json_array_append_new(list, gr_json_text(line));
    gr_free(line);
}

/* ---- what methods say ---- */

const char gr__made_heading[] = "What making them came to (over seeds, from the least to the most)";

/* ", step 3 to 30", of a member that every seed has as a number; others are left out. */
static void add_range(char **line, const json_t *made, const char *key) {
    double least = INFINITY, most = -INFINITY;
    size_t i;
    json_t *of;
    json_array_foreach(made, i, of) {
        if (!json_is_number(json_object_get(of, key)))
            return;
        least = fmin(least, gr__number_of(of, key));
        most = fmax(most, gr__number_of(of, key));
    }
    gr__append(line, "%s %s %.6g", *line ? "," : "", key, least);
    if (most > least)
        gr__append(line, " to %.6g", most);
}

/* "mended: step 3 to 30, steps 30, documents 64". */
static void add_made(json_t *list, const char *title, const json_t *model) {
    const json_t *made = json_object_get(model, "made");
    const char *key;
    json_t *value;
    char *line = NULL;
    json_object_foreach(json_array_get(made, 0), key, value)
        if (strcmp(key, "seed") != 0)
            add_range(&line, made, key);
    if (line)
        json_array_append_new(list, json_sprintf("%s:%s", title, line));
    gr_free(line);
}

/* ---- of all models ---- */

/* A list of what is added of each model. */
static json_t *of_models(const json_t *table, const json_t *point,
                         void (*add)(json_t *list, const char *title, const json_t *model)) {
    json_t *list = json_array(), *arm, *one;
    size_t i, k;
    json_array_foreach(json_object_get(table, "arms"), i, arm) {
        const char *name = gr__text_of(arm, "name"), *title = gr__text_of(arm, "title");
        const json_t *model = json_object_get(json_object_get(point, "models"), name ? name : "");
        const json_t *values = json_object_get(model, "values");

        /* An arm with a knob has a model for each value. */
        if (!values)
            add(list, title ? title : name, model);
        json_array_foreach(values, k, one) {
            char *at = gr_format("%s %s", title ? title : name, gr__text_of(one, "at"));
            add(list, at, one);
            gr_free(at);
        }
    }
    return list;
}

json_t *gr__found_of(const json_t *table, const json_t *point) { return of_models(table, point, add_found); }

json_t *gr__made_of(const json_t *table, const json_t *point) { return of_models(table, point, add_made); }

static void print_lines(FILE *out, const char *heading, json_t *list) {
    json_t *line;
    size_t i;
    if (json_array_size(list) > 0)
        fprintf(out, "\n%s\n", heading);
    json_array_foreach(list, i, line)
        gr__print_wrapped(out, json_string_value(line), 2, 4);
    json_decref(list);
}

void gr__print_found(FILE *out, const json_t *table, const json_t *point) {
    print_lines(out, gr__found_heading, gr__found_of(table, point));
    print_lines(out, gr__made_heading, gr__made_of(table, point));
}

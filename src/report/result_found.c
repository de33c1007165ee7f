/* What classifiers found of the documents that were not known, where trainings went by one: a line a model. */
#include "base/mem.h"
#include "io/json.h"
#include "report/lines.h"
#include "report/result_text.h"

/* Every seed has a classifier of its own; the result keeps the first one's figures. */
const char gr__found_heading[] = "Found by classifiers (first seed; shares of what is hidden and of other text)";

/* ", hidden 0.910", where that was measured. */
static void add_share(char **line, const json_t *found, const char *key, const char *of) {
    if (json_object_get(found, key))
        gr__append(line, ", %s %.3f", of, gr__number_of(found, key));
}

/* "filtered 0.02: animals 412 found by 900, AUC 0.981, hidden 0.910, other 0.012". */
static void add_one(json_t *list, const char *title, const json_t *model) {
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

json_t *gr__found_of(const json_t *table, const json_t *point) {
    json_t *list = json_array(), *arm, *one;
    size_t i, k;
    json_array_foreach(json_object_get(table, "arms"), i, arm) {
        const char *name = gr__text_of(arm, "name"), *title = gr__text_of(arm, "title");
        const json_t *model = json_object_get(json_object_get(point, "models"), name ? name : "");
        const json_t *values = json_object_get(model, "values");

        /* An arm with a knob has a model for each value. */
        if (!values)
            add_one(list, title ? title : name, model);
        json_array_foreach(values, k, one) {
            char *at = gr_format("%s %s", title ? title : name, gr__text_of(one, "at"));
            add_one(list, at, one);
            gr_free(at);
        }
    }
    return list;
}

void gr__print_found(FILE *out, const json_t *table, const json_t *point) {
    json_t *list = gr__found_of(table, point), *line;
    size_t i;
    if (json_array_size(list) > 0)
        fprintf(out, "\n%s\n", gr__found_heading);
    json_array_foreach(list, i, line)
        gr__print_wrapped(out, json_string_value(line), 2, 4);
    json_decref(list);
}

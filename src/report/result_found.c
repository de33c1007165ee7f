/* What classifiers found of the documents that were not known, where trainings went by one: a line a model. */
#include "base/mem.h"
#include "report/lines.h"
#include "report/result_text.h"

/* ", hidden 0.910", where that was measured. */
static void add_share(char **line, const json_t *found, const char *key, const char *of) {
    if (json_object_get(found, key))
        gr__append(line, ", %s %.3f", of, gr__number_of(found, key));
}

/* "filtered 0.02: animals 412 found by 900, AUC 0.981, hidden 0.910, other 0.012". */
static void print_one(FILE *out, const char *title, const json_t *model) {
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
        gr__print_wrapped(out, line, 2, 4);
    gr_free(line);
}

/* Whether a model, or one of its knob's values, went by a classifier. */
static bool went_by_one(const json_t *model) {
    const json_t *values = json_object_get(model, "values");
    size_t i;
    json_t *one;
    json_array_foreach(values, i, one) if (json_object_get(one, "found")) return true;
    return json_object_get(model, "found") != NULL;
}

void gr__print_found(FILE *out, const json_t *table, const json_t *point) {
    const json_t *models = json_object_get(point, "models");
    size_t i, k;
    json_t *arm, *one;
    bool begun = false;
    json_array_foreach(json_object_get(table, "arms"), i, arm) {
        const char *name = gr__text_of(arm, "name"), *title = gr__text_of(arm, "title");
        const json_t *model = json_object_get(models, name ? name : ""), *values = json_object_get(model, "values");
        if (!went_by_one(model))
            continue;

        /* Every seed has a classifier of its own; the result keeps the first one's figures. */
        if (!begun)
            fputs("\nFound by classifiers (first seed; shares of what is hidden and of other text)\n", out);
        begun = true;

        /* An arm with a knob has a model for each value. */
        if (!values)
            print_one(out, title ? title : name, model);
        json_array_foreach(values, k, one) {
            char *at = gr_format("%s %s", title ? title : name, gr__text_of(one, "at"));
            print_one(out, at, one);
            gr_free(at);
        }
    }
}

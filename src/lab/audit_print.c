/* The audit's table for a terminal. */
#include <string.h>

#include "lab/audit.h"

static double number(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static void loss_row(FILE *out, const char *name, const json_t *model, const char *suffix, const char *remark) {
    static const char *const groups[] = {"forget", "adjacent", "retain"};
    char key[48];
    fprintf(out, "  %-26s", name);
    for (int g = 0; g < 3; g++) {
        snprintf(key, sizeof key, "%s%s", groups[g], suffix);
        if (json_is_number(json_object_get(model, key)))
            fprintf(out, "%10.3f", number(model, key));
        else
            fprintf(out, "%10s", "-");
    }
    snprintf(key, sizeof key, "forget%s_relearned", suffix);
    if (json_is_number(json_object_get(model, key)))
        fprintf(out, "%14.3f", number(model, key));
    else
        fprintf(out, "%14s", "");
    fprintf(out, "   %s\n", remark);
}

static void figure_row(FILE *out, const json_t *result, const char *key, const char *name, const char *meaning) {
    const json_t *value = json_object_get(result, key);
    const json_t *interval = json_object_get(json_object_get(result, "intervals"), key);
    if (!json_is_number(value))
        return;
    fprintf(out, "  %-30s %6.3f", name, json_number_value(value));
    if (interval)
        fprintf(out, "   [%6.3f, %6.3f]", json_number_value(json_array_get(interval, 0)),
                json_number_value(json_array_get(interval, 1)));
    fprintf(out, "   %s\n", meaning);
}

static void print_data(FILE *out, const json_t *result) {
    const json_t *data = json_object_get(result, "data");
    const char *name;
    json_t *count;
    fprintf(out, "\nDocuments: %.0f (%.0f for validation, %.0f exact duplicates dropped):", number(data, "documents"),
            number(data, "validation"), number(data, "duplicates"));
    json_object_foreach(json_object_get(data, "groups"), name, count)
        fprintf(out, " %s %.0f", name, json_number_value(count));
    json_object_foreach(json_object_get(data, "known"), name, count)
        fprintf(out, "; label %s known for %.0f", name, json_number_value(count));
    fprintf(out, "\n");
    if (json_is_true(json_object_get(data, "used_fallback")))
        fprintf(
            out,
            "NOTE: the corpus is the small subset that ships with the project, because the full one is not installed.\n"
            "      Figures on it say little; install wordnet-base and run again in another folder.\n");
}

static void print_losses(FILE *out, const json_t *result) {
    const json_t *models = json_object_get(result, "models"), *routed = json_object_get(models, "routed");
    fprintf(out, "\nValidation loss, nats per token        (lower = knows more)\n");
    fprintf(out, "  %-26s%10s%10s%10s%14s\n", "", "forget", "adjacent", "retain", "forget after");
    fprintf(out, "  %-26s%10s%10s%10s%14s\n", "", "", "", "", "relearning");
    loss_row(out, "routed, region on", routed, "_on", "the model as trained");
    loss_row(out, "routed, region off", routed, "_off", "the topic switched off");
    loss_row(out, "plain", json_object_get(models, "plain"), "", "same network, no routing");
    if (json_object_get(models, "filtered"))
        loss_row(out, "filtered", json_object_get(models, "filtered"), "", "never saw the labelled documents");
    if (json_object_get(models, "perfect"))
        loss_row(out, "perfect filter", json_object_get(models, "perfect"), "",
                 "never saw the topic, hidden labels included");
}

/* Right answers by class: a column for each model. */
static void print_accuracy(FILE *out, const json_t *result) {
    static const struct {
        const char *model, *key, *title;
    } columns[] = {{"routed", "classes_on", "on"},
                   {"routed", "classes_off", "off"},
                   {"plain", "classes", "plain"},
                   {"filtered", "classes", "filtered"},
                   {"perfect", "classes", "perfect"}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    const json_t *models = json_object_get(result, "models"), *one;
    json_t *first = json_object_get(json_object_get(models, "routed"), "classes_on"), *value;
    const char *name;
    if (!first)
        return;
    fprintf(out, "\nRight answers, per cent of the validation samples\n  %-20s", "class");
    for (int c = 0; c < COLUMNS; c++)
        if (json_object_get(models, columns[c].model))
            fprintf(out, " %9s", columns[c].title);
    json_object_foreach(first, name, value) {
        fprintf(out, "\n  %-20.20s", name);
        for (int c = 0; c < COLUMNS; c++)
            if ((one = json_object_get(models, columns[c].model)))
                fprintf(out, " %9.1f", 100 * number(json_object_get(one, columns[c].key), name));
    }
    fputc('\n', out);
}

static void print_figures(FILE *out, const json_t *result) {
    const json_t *relearn = json_object_get(result, "relearn");
    char after[96];
    snprintf(after, sizeof after, "the same after fine-tuning all on %.0f forget documents",
             number(relearn, "documents"));
    const char *scale = json_string_value(json_object_get(result, "scale"));
    bool perfect = scale && strcmp(scale, "perfect") == 0;
    fprintf(out, "\nFigures, with 95 %% bootstrap intervals over validation documents\n");
    figure_row(out, result, "removal", "removal",
               perfect ? "0: as plain, 1: as the perfect filter" : "0: as plain, 1: as never trained on the topic");
    figure_row(out, result, "removal_relearned", "removal after relearning", after);
    figure_row(out, result, "removal_filtered", "removal of the known filter",
               "what leaving out the known labels reaches");
    figure_row(out, result, "removal_relearned_filtered", "  after relearning", "");
    figure_row(out, result, "retention", "retention", "1: with the region on it knows the topic as plain does");
    figure_row(out, result, "tax_off", "tax, region off",
               perfect ? "retain loss above the perfect filter's" : "retain loss above filtered's");
    figure_row(out, result, "tax_on", "tax, region on", "retain loss above plain's");
    figure_row(out, result, "tax_off_adjacent", "tax on adjacent, region off", "");
    figure_row(out, result, "tax_on_adjacent", "tax on adjacent, region on", "");
    if (number(result, "removal") > 1 && number(result, "tax_off") > 0.1)
        fprintf(out, "  Removal above 1 together with this tax is damage, not removal.\n");
}

static void print_sizes(FILE *out, const json_t *result) {
    const json_t *parameters = json_object_get(result, "parameters");
    json_t *models = json_object_get(result, "models"), *value;
    const char *name;
    double minutes = number(result, "seconds") / 60;
    fprintf(out, "\nParameters: core %.0f", number(parameters, "core"));
    json_object_foreach(json_object_get(parameters, "regions"), name, value)
        fprintf(out, ", region %s %.0f", name, json_number_value(value));
    fprintf(out, "\nTime: %.1f minutes; tokens per second:", minutes);
    json_object_foreach(models, name, value) fprintf(out, " %s %.0f", name, number(value, "tokens_per_s"));
    fprintf(out, "\n");
}

/* One line, so that a line break in a completion cannot look like output of the program. */
static void print_text(FILE *out, const char *text) {
    for (; text && *text; text++)
        fputc(*text == '\n' || *text == '\r' || *text == '\033' ? ' ' : *text, out);
    fputc('\n', out);
}

static void print_completions(FILE *out, const json_t *result) {
    const json_t *list = json_object_get(result, "completions");
    size_t i;
    json_t *item;
    if (json_array_size(list) > 0)
        fprintf(out, "\nCompletions (most likely words)\n");
    json_array_foreach(list, i, item) {
        fprintf(out, "  %s ...\n    on:  ", json_string_value(json_object_get(item, "prompt")));
        print_text(out, json_string_value(json_object_get(item, "on")));
        fprintf(out, "    off: ");
        print_text(out, json_string_value(json_object_get(item, "off")));
    }
}

/* A prompt that the user may paste between double quotes: the recipe's first, if a shell leaves it as it is. */
static const char *example_prompt(const json_t *result) {
    const json_t *first = json_array_get(json_object_get(result, "completions"), 0);
    const char *prompt = json_string_value(json_object_get(first, "prompt"));
    return prompt && *prompt && !strpbrk(prompt, "\"$`\\!\n\r\033") ? prompt : "TEXT";
}

void gr_audit_print(const gr_audit *audit, FILE *out) {
    const json_t *result = audit->result;
    const char *folder = json_string_value(json_object_get(result, "folder"));
    const char *region =
        json_object_iter_key(json_object_iter(json_object_get(json_object_get(result, "parameters"), "regions")));
    print_data(out, result);
    print_losses(out, result);
    print_accuracy(out, result);
    print_figures(out, result);
    print_sizes(out, result);
    print_completions(out, result);
    fprintf(out, "\nModel    %s/routed/model\nMetrics  %s/routed/metrics.jsonl, %s/result.json\n", folder, folder,
            folder);
    if (region && json_object_get(json_object_get(json_object_get(result, "models"), "routed"), "classes_on"))
        fprintf(out, "Next     gradroute eval %s/routed/model --off %s\n", folder, region);
    else if (region)
        fprintf(out,
                "Next     gradroute generate %s/routed/model --prompt \"%s\" --off %s\n"
                "         gradroute ablate %s/routed/model --remove %s --how remove -o %s/removed\n"
                "         gradroute inspect %s/routed/model\n",
                folder, example_prompt(result), region, folder, region, folder, folder);
}

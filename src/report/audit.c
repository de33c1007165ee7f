/* The audit's table for a terminal. */
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "gradroute/report.h"
#include "lab/audit.h"
#include "report/lines.h"

static double number(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

/* A loss, or a dash where there is none. */
static void loss_cell(FILE *out, const json_t *model, const char *key, int width) {
    if (json_is_number(json_object_get(model, key)))
        fprintf(out, "%*.3f", width, number(model, key));
    else
        fprintf(out, "%*s", width, "-");
}

/* A model that there is: its losses by group, then after the attack. */
static void loss_row(FILE *out, const char *name, const json_t *model, const char *suffix, const char *remark) {
    static const char *const groups[] = {"forget", "adjacent", "retain"};
    char key[48];
    if (!model)
        return;

    /* As it was left by training. */
    fprintf(out, "  %-18s", name);
    for (int g = 0; g < 3; g++) {
        snprintf(key, sizeof key, "%s%s", groups[g], suffix);
        loss_cell(out, model, key, 9);
    }

    /* After the attack; a model that was not attacked has nothing there. */
    snprintf(key, sizeof key, "forget%s_relearned", suffix);
    if (json_object_get(model, key))
        loss_cell(out, model, key, 12);
    else
        fprintf(out, "%12s", "");
    fprintf(out, "  %s\n", remark);
}

/* A figure with its interval; "-" for one that is refused, no row for one that was not asked for. */
static void figure_row(FILE *out, const json_t *result, const char *key, const char *name, const char *meaning) {
    const json_t *value = json_object_get(result, key);
    const json_t *interval = json_object_get(json_object_get(result, "intervals"), key);
    if (!value)
        return;

    fprintf(out, "  %-26s", name);
    if (json_is_number(value))
        fprintf(out, "%7.3f", json_number_value(value));
    else
        fprintf(out, "%7s", "-");

    if (interval)
        fprintf(out, " [%6.3f, %6.3f]", json_number_value(json_array_get(interval, 0)),
                json_number_value(json_array_get(interval, 1)));
    else
        fprintf(out, "%17s", "");
    fprintf(out, "%s%s\n", *meaning ? "  " : "", meaning);
}

/* The sentence; lines after the first stand below its beginning. */
static void print_verdict(FILE *out, const json_t *result) {
    char *text = NULL;
    gr__append(&text, "Verdict: %s.", json_string_value(json_object_get(result, "verdict")));
    fputc('\n', out);
    gr__print_wrapped(out, text, 0, 9);
    gr_free(text);
}

/* "documents", or what stands in their place; results of earlier versions do not say. */
static const char *counted(const json_t *result) {
    const char *unit = json_string_value(json_object_get(json_object_get(result, "data"), "counted"));
    return unit ? unit : "documents";
}

/* What there was to learn from, and what was known of it. */
static void print_data(FILE *out, const json_t *result) {
    const json_t *data = json_object_get(result, "data");
    const char *name;
    char *text = NULL;
    json_t *count;
    const char *unit = counted(result);

    /* How many, held out, dropped. */
    gr__append(&text,
               "%c%s: %.0f (%.0f for validation, %.0f for the test, %.0f exact %s dropped):", unit[0] - 'a' + 'A',
               unit + 1, number(data, "documents"), number(data, "validation"), number(data, "test"),
               number(data, "duplicates"), gr__plural((int64_t)number(data, "duplicates"), "duplicate", "duplicates"));

    /* Of each group and label. */
    json_object_foreach(json_object_get(data, "groups"), name, count)
        gr__append(&text, " %s %.0f", name, json_number_value(count));
    json_object_foreach(json_object_get(data, "known"), name, count)
        gr__append(&text, "; label %s known for %.0f", name, json_number_value(count));
    fputc('\n', out);
    gr__print_wrapped(out, text, 0, 2);
    gr_free(text);

    if (json_is_true(json_object_get(data, "used_fallback")))
        gr__print_wrapped(
            out,
            "NOTE: the corpus is the small subset that ships with the project, because the full one is not "
            "installed. Figures on it say little; install wordnet-base and run again in another folder.",
            0, 6);
}

/* Models against groups; what is trained alike stands below each other. */
static void print_losses(FILE *out, const json_t *result) {
    const json_t *models = json_object_get(result, "models"), *routed = json_object_get(models, "routed");
    const char *unit = json_string_value(json_object_get(json_object_get(result, "data"), "unit"));
    fprintf(out, "\nLoss of the test, %s (lower = knows more)\n", unit ? unit : "nats per token");
    fprintf(out, "  %-18s%9s%9s%9s%12s\n", "", "forget", "adjacent", "retain", "forget, re-");
    fprintf(out, "  %-18s%9s%9s%9s%12s\n", "", "", "", "", "learned");
    loss_row(out, "routed, region on", routed, "_on", "as trained");
    loss_row(out, "routed, region off", routed, "_off", "switched off");
    loss_row(out, "plain", json_object_get(models, "plain"), "", "no routing");
    loss_row(out, "filtered", json_object_get(models, "filtered"), "", "its documents out");
    loss_row(out, "perfect filter", json_object_get(models, "perfect"), "", "hidden ones too");
    loss_row(out, "placebo, off", json_object_get(models, "placebo"), "_off", "labels at random");
}

/* Right answers by class: a column for each model; the placebo's region is off, as in the table of losses. */
static void print_accuracy(FILE *out, const json_t *result) {
    static const struct {
        const char *model, *key, *title;
    } columns[] = {{"routed", "classes_on", "on"},    {"routed", "classes_off", "off"},
                   {"plain", "classes", "plain"},     {"filtered", "classes", "filtered"},
                   {"perfect", "classes", "perfect"}, {"placebo", "classes_off", "placebo"}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    const json_t *models = json_object_get(result, "models"), *one;
    json_t *first = json_object_get(json_object_get(models, "routed"), "classes_on"), *value;
    const char *name;
    if (!first)
        return;

    /* A column for each model that there is. */
    fprintf(out, "\nRight answers, per cent of the samples of the test\n  %-20s", "class");
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

/* Each figure that the result has, and what must be known to read it. */
static void print_figures(FILE *out, const json_t *result) {
    static const struct {
        const char *key, *name, *meaning;
    } rows[] = {{"specific_removal", "specific removal", "0: as plain, 1: as filter"},
                {"specific_removal_relearned", "  after relearning", ""},
                {"specific_gap", "what there is to remove", "filter - plain, specific"},
                {"specific_gap_relearned", "  after relearning", ""},
                {"general_gap", "general gap", "filter - plain, retain"},
                {"specific_removal_filtered", "specific, known filter", "by known labels alone"},
                {"specific_removal_relearned_filtered", "  after relearning", ""},
                {"specific_removal_placebo", "specific, placebo", "expected: 0"},
                {"tax_off", "tax, region off", "retain, off - filter"},
                {"tax_on", "tax, region on", "retain, on - plain"},
                {"tax_off_adjacent", "tax on adjacent, off", ""},
                {"tax_on_adjacent", "tax on adjacent, on", ""},
                {"retention", "retention", "1: on, it knows as plain"},
                {"removal", "plain removal", "general gap included"},
                {"removal_relearned", "  after relearning", ""},
                {"removal_placebo", "plain, placebo", "labels at random"},
                {"removal_filtered", "plain, known filter", ""},
                {"removal_relearned_filtered", "  after relearning", ""}};
    const char *scale = json_string_value(json_object_get(result, "scale"));

    fprintf(out, "\nFigures, with 95 %% bootstrap intervals over %s of the test\n", counted(result));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        figure_row(out, result, rows[i].key, rows[i].name, rows[i].meaning);

    /* What they rest on, and what else a reader must know. */
    double attacked = number(json_object_get(result, "relearn"), "documents");
    double tokens = number(json_object_get(result, "relearn"), "tokens");
    fprintf(out, "  The filter is %s.\n  Relearning is on %.0f forget %s, %.0f %s.\n",
            scale && strcmp(scale, "perfect") == 0 ? "the perfect one" : "the filtered twin", attacked,
            gr__unit(counted(result), (int64_t)attacked), tokens, gr__plural((int64_t)tokens, "token", "tokens"));
    if (json_is_true(json_object_get(result, "known_labels_only")))
        fprintf(out, "  On known labels only: the filter may have read text of the topic.\n");
    if (json_is_true(json_object_get(result, "damage")))
        fprintf(out, "  Removal above 1 together with a tax above 0.1 is damage, not removal.\n");
}

/* How large the models are, and how fast they were trained. */
static void print_sizes(FILE *out, const json_t *result) {
    const json_t *parameters = json_object_get(result, "parameters");
    json_t *models = json_object_get(result, "models"), *value;
    const char *name;
    char *sizes = NULL, *times = NULL;

    /* Text first, which then is cut into lines. */
    gr__append(&sizes, "Parameters: core %.0f", number(parameters, "core"));
    json_object_foreach(json_object_get(parameters, "regions"), name, value)
        gr__append(&sizes, ", region %s %.0f", name, json_number_value(value));
    gr__append(&times, "Time: %.1f minutes; tokens per second:", number(result, "seconds") / 60);
    json_object_foreach(models, name, value) gr__append(&times, " %s %.0f", name, number(value, "tokens_per_s"));

    fputc('\n', out);
    gr__print_wrapped(out, sizes, 0, 2);
    gr__print_wrapped(out, times, 0, 2);
    gr_free(sizes);
    gr_free(times);
}

/* Each prompt twice: with the regions on, and off. */
static void print_completions(FILE *out, const json_t *result) {
    const json_t *list = json_object_get(result, "completions");
    size_t i;
    json_t *item;
    if (json_array_size(list) > 0)
        fprintf(out, "\nCompletions (most likely words)\n");
    json_array_foreach(list, i, item) {
        fprintf(out, "  %s ...\n    on:  ", json_string_value(json_object_get(item, "prompt")));
        gr__print_line(out, json_string_value(json_object_get(item, "on")));
        fprintf(out, "    off: ");
        gr__print_line(out, json_string_value(json_object_get(item, "off")));
    }
}

/* A prompt that the user may paste between double quotes: the recipe's first, if a shell leaves it as it is. */
static const char *example_prompt(const json_t *result) {
    const json_t *first = json_array_get(json_object_get(result, "completions"), 0);
    const char *prompt = json_string_value(json_object_get(first, "prompt"));
    return prompt && *prompt && !strpbrk(prompt, "\"$`\\!\n\r\033") ? prompt : "TEXT";
}

/* The command of the whole audit: it goes on from what is there, since twins are the only difference. */
static void print_missing(FILE *out, const json_t *result, const char *folder) {
    const json_t *missing = json_object_get(result, "missing_twins");
    const char *name;
    size_t i;
    json_t *twin, *model;
    if (json_array_size(missing) == 0)
        return;
    fprintf(out, "Placebo  gradroute audit %s/recipe.yaml -o %s \\\n           --set 'twins=[", folder, folder);
    json_object_foreach(json_object_get(result, "models"), name, model) if (strcmp(name, "routed") != 0)
        fprintf(out, "%s, ", name);
    json_array_foreach(missing, i, twin) fprintf(out, "%s%s", i ? ", " : "", json_string_value(twin));
    fprintf(out, "]'\n");
}

void gr_audit_print(const gr_audit *audit, FILE *out) {
    const json_t *result = audit->result;
    const char *folder = json_string_value(json_object_get(result, "folder"));
    const char *region =
        json_object_iter_key(json_object_iter(json_object_get(json_object_get(result, "parameters"), "regions")));

    /* The sentence, then what it rests on. */
    print_verdict(out, result);
    print_data(out, result);
    print_losses(out, result);
    print_accuracy(out, result);
    print_figures(out, result);
    print_sizes(out, result);
    print_completions(out, result);

    /* Where it all is, and what one may do with it: samples generate nothing. */
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
    print_missing(out, result, folder);
}

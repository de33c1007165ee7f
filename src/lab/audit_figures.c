/* Figures of an audit from the losses of its models. docs/measures.md has the formulas. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "lab/audit_job.h"
#include "lab/figures.h"

typedef gr__audit_job job;

static gr_estimate estimate(const job *j, gr_formula formula, const gr_sample *samples, int count) {
    return gr_bootstrap(formula, samples, count, j->project->recipe->split_seed);
}

/* Where figures go: those that are not finite, or refused, are null and have no interval. */
typedef struct figures {
    const job *j;
    json_t *to, *intervals;
} figures;

/* A figure and, where it has one, its interval; what is not finite is null. */
static void put(figures *f, const char *key, const char *suffix, gr_estimate e) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", key, suffix);
    json_object_set_new(f->to, name, isfinite(e.value) ? json_real(e.value) : json_null());
    if (isfinite(e.value) && isfinite(e.low) && isfinite(e.high))
        json_object_set_new(f->intervals, name, json_pack("[f, f]", e.low, e.high));
}

/* ---- of single models ---- */

/* Share of right answers, whole and for each class of the samples of the test. */
static void put_accuracy(json_t *to, const gr_ledger *rows, const char *suffix) {
    double right = 0, all = 0;
    json_t *by = json_object();
    for (size_t i = 0; i < gr_ledger_size(rows); i++) {
        const gr_entry *row = gr_ledger_at(rows, i);
        if (strcmp(gr_entry_text(row, "row"), "right") != 0)
            continue;
        double of_class = gr_entry_number(row, "right"), in_class = gr_entry_number(row, "all");
        json_object_set_new(by, gr_entry_text(row, "class"), json_real(of_class / in_class));
        right += of_class;
        all += in_class;
    }

    char key[32];
    snprintf(key, sizeof key, "accuracy%s", suffix);
    json_object_set_new(to, key, all > 0 ? json_real(right / all) : json_null());
    snprintf(key, sizeof key, "classes%s", suffix);
    json_object_set_new(to, key, by);
}

/* Losses of each group that has documents, with their intervals. */
static void put_losses(const job *j, json_t *to, const gr__losses_of *l, const char *suffix) {
    json_t *intervals = json_object_get(to, "intervals");
    if (!intervals)
        json_object_set_new(to, "intervals", intervals = json_object());
    figures f = {j, to, intervals};
    for (int g = 0; g < GR__GROUPS; g++) {
        gr_sample s = l->group[g];
        if (s.count > 0)
            put(&f, j->groups.group[g].name, suffix, estimate(j, gr__formula_loss, &s, 1));
    }
    if (gr_ledger_find(l->rows, "right", NULL))
        put_accuracy(to, l->rows, suffix);
}

/* Nats per token over all documents of a sample; NaN without a token. */
static double mean_of(const gr_sample *s) {
    double nll = 0, tokens = 0;
    for (size_t i = 0; i < s->count; i++) {
        nll += s->nll[i];
        tokens += s->tokens[i];
    }
    return tokens > 0 ? nll / tokens : NAN;
}

/* Losses after the attack; that on retain text is what the attack cost. */
static void put_relearned(const job *j, json_t *to, const gr__attacked *r, const char *suffix) {
    char key[48];
    for (int g = 0; g < GR__GROUPS; g++) {
        if (g == GR__ADJACENT)
            continue;
        snprintf(key, sizeof key, "%s%s_relearned", j->groups.group[g].name, suffix);
        json_object_set_new(to, key, json_real(mean_of(&r->group[g])));
    }
    snprintf(key, sizeof key, "relearned%s_at", suffix);
    json_object_set_new(to, key, json_pack("{s:i, s:f, s:f}", "step", r->step, "lr", r->lr, "validation", r->chosen));
}

json_t *gr__audit_models(const job *j) {
    json_t *models = json_object();
    for (int k = 0; k < GR__ARMS; k++) {
        if (!j->has[k])
            continue;

        /* What it cost. */
        const gr_made *a = &j->arm[k];
        json_t *m = json_pack("{s:f, s:f, s:I, s:I}", "seconds", a->seconds, "tokens_per_s",
                              a->seconds > 0 ? (double)a->tokens / a->seconds : 0.0, "tokens", (json_int_t)a->tokens,
                              "parameters", (json_int_t)gr_model_size(a->bundle->model));

        /* What it knows: the routed model with its regions on and off, a placebo off, twins as they are. */
        if (k == GR__ARM_ROUTED) {
            put_losses(j, m, &j->on, "_on");
            put_losses(j, m, &j->off, "_off");
            put_relearned(j, m, &j->off_relearned, "_off");
        } else if (k == GR__ARM_PLACEBO) {
            put_losses(j, m, &j->twin[k], "_off");
        } else {
            put_losses(j, m, &j->twin[k], "");
            put_relearned(j, m, &j->relearned[k], "");
        }
        json_object_set_new(models, gr__arms[k].name, m);
    }
    return models;
}

/* ---- figures that compare ---- */

/* Models that figures are of. */
enum { ON, OFF, PLAIN, FILTERED, PERFECT, PLACEBO_OFF, SOURCES };

/* In the order of the result. */
static const gr__result_figure defs[] = {
    {"specific_removal", "removal_specific", OFF, NULL, false},
    {"removal", "removal", OFF, NULL, false},
    {"specific_removal_relearned", "removal_specific", OFF, NULL, true},
    {"removal_relearned", "removal", OFF, NULL, true},
    {"specific_removal_filtered", "removal_specific", FILTERED, NULL, false},
    {"removal_filtered", "removal", FILTERED, NULL, false},
    {"specific_removal_relearned_filtered", "removal_specific", FILTERED, NULL, true},
    {"removal_relearned_filtered", "removal", FILTERED, NULL, true},
    /* The placebo's region on the real groups: what is left of 0 is damage that does not cost all text alike. */
    {"specific_removal_placebo", "removal_specific", PLACEBO_OFF, NULL, false},
    {"removal_placebo", "removal", PLACEBO_OFF, NULL, false},
    {"specific_gap", "gap_specific", OFF, NULL, false},
    {"specific_gap_relearned", "gap_specific", OFF, NULL, true},
    {"general_gap", "gap_general", OFF, NULL, false},
    {"retention", "retention", ON, NULL, false},
    {"tax_off_adjacent", "tax_off", OFF, "adjacent", false},
    {"tax_on_adjacent", "tax_on", ON, "adjacent", false},
    {"tax_off", "tax_off", OFF, NULL, false},
    {"tax_on", "tax_on", ON, NULL, false},
};

/* Models that were not trained have no samples. */
static void put_compared(figures *f, int scale) {
    const job *j = f->j;
    gr__model_losses source[SOURCES] = {[ON] = {j->on.group, NULL}, [OFF] = {j->off.group, j->off_relearned.group}};
    for (int k = GR__ARM_PLAIN; k <= GR__ARM_PERFECT; k++)
        if (j->has[k])
            source[PLAIN + k - GR__ARM_PLAIN] = (gr__model_losses){j->twin[k].group, j->relearned[k].group};
    if (j->has[GR__ARM_PLACEBO])
        source[PLACEBO_OFF].before = j->twin[GR__ARM_PLACEBO].group;

    gr__figuring figuring = {.registry = j->registry,
                             .groups = &j->groups,
                             .source = source,
                             .zero = PLAIN,
                             .one = scale == GR__ARM_PERFECT ? PERFECT : FILTERED,
                             .least = j->project->task->least_gap,
                             .seed = j->project->recipe->split_seed};
    for (size_t i = 0; i < sizeof defs / sizeof *defs; i++) {
        gr_estimate e;
        if (gr__figure_take(&e, &figuring, &defs[i]))
            put(f, defs[i].key, "", e);
    }
}

/* Whether there may be text of a label that the scale was trained on: labels that a rule finds, or hidden ones without
 * a perfect filter. */
static bool known_labels_only(const job *j, int scale) {
    const gr_project *p = j->project;
    return p->task->fact(p, "rule_labels") || (scale == GR__ARM_FILTERED && p->task->fact(p, "hidden_labels"));
}

/* ---- the verdict ---- */

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Appends to a text as far as it has room. */
static void add(char *text, size_t size, const char *format, ...) {
    size_t used = strlen(text);
    va_list list;
    va_start(list, format);
    gr__vprint(text + used, size - used, format, list);
    va_end(list);
}

/* "0.98 [0.96, 1.00]" */
static void add_figure(char *text, size_t size, const figures *f, const char *key) {
    const json_t *interval = json_object_get(f->intervals, key);
    add(text, size, "%.2f", json_real_value(json_object_get(f->to, key)));
    if (interval)
        add(text, size, " [%.2f, %.2f]", json_real_value(json_array_get(interval, 0)),
            json_real_value(json_array_get(interval, 1)));
}

static bool is_number(const figures *f, const char *key) { return json_is_number(json_object_get(f->to, key)); }

/* One sentence that stands above all figures. */
static void put_verdict(figures *f, bool compared) {
    const json_t *to = f->to;
    const gr_task *task = f->j->project->task;
    char text[512] = "";
    if (!compared) {
        add(text, sizeof text, "no verdict: it takes the twins plain and filtered (or perfect)");
    } else if (!is_number(f, "specific_removal")) {
        add(text, sizeof text, "nothing specific to remove: leaving the topic out costs its own text ");
        add_figure(text, sizeof text, f, "specific_gap");
        add(text, sizeof text, " nats more than other text; a ratio takes an interval above 0");
        if (task->least_gap > 0)
            add(text, sizeof text, " and at least %.2f %s", task->least_gap, task->unit);
    } else {
        add(text, sizeof text, "specific removal ");
        add_figure(text, sizeof text, f, "specific_removal");
        int64_t documents = f->j->off_relearned.documents;
        add(text, sizeof text, ", after relearning on %lld %s ", (long long)documents,
            gr__unit(gr_dataset_unit(f->j->project->data), documents));
        if (is_number(f, "specific_removal_relearned"))
            add_figure(text, sizeof text, f, "specific_removal_relearned");
        else
            add(text, sizeof text, "no ratio is left: the filter has caught up with plain");
        if (is_number(f, "specific_removal_placebo")) {
            add(text, sizeof text, ", of a placebo ");
            add_figure(text, sizeof text, f, "specific_removal_placebo");
        }
        if (json_is_true(json_object_get(to, "known_labels_only")))
            add(text, sizeof text, ", on known labels only");
        if (json_is_true(json_object_get(to, "damage")))
            add(text, sizeof text, "; removal %.2f with a tax of %.2f is damage, not removal",
                json_real_value(json_object_get(to, "removal")), json_real_value(json_object_get(to, "tax_off")));
    }
    json_object_set_new(f->to, "verdict", json_string(text));
}

/* ---- all of them ---- */

void gr__audit_figures(const job *j, json_t *to) {
    figures f = {j, to, json_object()};
    int scale = j->has[GR__ARM_PERFECT] ? GR__ARM_PERFECT : GR__ARM_FILTERED;
    bool compared = j->has[GR__ARM_PLAIN] && j->has[scale];

    put_compared(&f, scale);

    /* What a reader must know of them. */
    json_object_set_new(to, "scale", json_string(gr__arms[scale].name));
    json_object_set_new(to, "known_labels_only", json_boolean(known_labels_only(j, scale)));
    json_object_set_new(to, "damage",
                        json_boolean(json_number_value(json_object_get(to, "removal")) > 1 &&
                                     json_number_value(json_object_get(to, "tax_off")) > 0.1));
    put_verdict(&f, compared);
    json_object_set_new(to, "intervals", f.intervals);
}

/* Verdicts: the sentences of the audit, whatever its figures; what templates may say; flags. */
#include "lab/verdict.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/rng.h"
#include "result_helpers.h"

/* ---- the sentences of the audit, without templates ---- */

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...) {
    size_t used = strlen(text);
    va_list list;
    va_start(list, format);
    gr__vprint(text + used, size - used, format, list);
    va_end(list);
}

static void add_figure(char *text, size_t size, const json_t *to, const char *key) {
    const json_t *interval = json_object_get(json_object_get(to, "intervals"), key);
    add(text, size, "%.2f", json_real_value(json_object_get(to, key)));
    if (interval)
        add(text, size, " [%.2f, %.2f]", json_real_value(json_array_get(interval, 0)),
            json_real_value(json_array_get(interval, 1)));
}

static bool is_number(const json_t *to, const char *key) { return json_is_number(json_object_get(to, key)); }

/* Whether a figure, with its interval where it has one, lies between two numbers. */
static bool between(const json_t *to, const char *key, double low, double high) {
    const json_t *interval = json_object_get(json_object_get(to, "intervals"), key);
    const double value = json_real_value(json_object_get(to, key));
    const double from = interval ? json_real_value(json_array_get(interval, 0)) : value;
    const double end = interval ? json_real_value(json_array_get(interval, 1)) : value;
    return from >= low && end <= high;
}

/* What the attack left, and what a placebo lost. */
static void attacked(char *text, size_t size, const json_t *to, size_t documents, const char *unit) {
    const char *counted = gr__unit(unit, (int64_t)documents);
    if (!is_number(to, "specific_removal_relearned"))
        add(text, size, ", after relearning on %zu %s no ratio is left: the filter has caught up with plain", documents,
            counted);
    else if (between(to, "specific_removal_relearned", 0.9, INFINITY))
        add(text, size, ", not recovered within 512 tokens of relearning on %zu %s: ", documents, counted);
    else
        add(text, size, ", after 512 tokens of relearning on %zu %s ", documents, counted);
    if (is_number(to, "specific_removal_relearned"))
        add_figure(text, size, to, "specific_removal_relearned");

    if (!is_number(to, "specific_removal_placebo"))
        return;
    add(text, size, ", of a placebo ");
    add_figure(text, size, to, "specific_removal_placebo");
    if (!between(to, "specific_removal_placebo", -0.15, 0.15))
        add(text, size, " where it should be 0");
}

/* How the twin fared that never read the topic, and what all of it costs. */
static void compared_with(char *text, size_t size, const json_t *to) {
    add(text, size, "; the twin that never read the topic was %s, %.2f of its %.2f nats are left",
        between(to, "specific_gap_relearned", 0.15, INFINITY) ? "not recovered either" : "recovered too",
        number(to, "specific_gap_relearned"), number(to, "specific_gap"));
    add(text, size, "; it costs other text %.2f nats with the region off", number(to, "tax_off"));
    if (!between(to, "tax_off", -INFINITY, 0.1))
        add(text, size, ", more than a removal may hide,");
    add(text, size, " and %.2f with it on", number(to, "tax_on"));
}

/* A frozen copy of what the audit says. */
static void sentence(char *text, size_t size, const json_t *to, bool compared, bool samples, size_t documents,
                     const char *unit) {
    if (!compared) {
        add(text, size, "no verdict: it takes the twins plain and filtered (or perfect)");
    } else if (!is_number(to, "specific_removal")) {
        add(text, size, "nothing specific to remove: leaving the topic out costs its own text ");
        add_figure(text, size, to, "specific_gap");
        add(text, size, " nats more than other text; a ratio takes an interval above 0");
        if (!samples)
            add(text, size, " and at least %.2f nats per token", 0.15);
    } else {
        add(text, size, "specific removal ");
        add_figure(text, size, to, "specific_removal");
        attacked(text, size, to, documents, unit);
        if (json_is_true(json_object_get(to, "known_labels_only")))
            add(text, size, ", on known labels only");
        compared_with(text, size, to);
        if (json_is_true(json_object_get(to, "collapsed")))
            add(text, size, "; the routed model collapsed, other text costs it more than 0.3 nats above plain");
        if (json_is_true(json_object_get(to, "damage")))
            add(text, size, "; removal %.2f with a tax of %.2f is damage, not removal",
                json_real_value(json_object_get(to, "removal")), json_real_value(json_object_get(to, "tax_off")));
    }
}

/* A figure of a made result: absent, null, a number, or a number with an interval. */
enum { ABSENT, REFUSED, ALONE, WHOLE, FORMS };

static void put(json_t *to, const char *key, int form, double value) {
    if (form == ABSENT)
        return;
    json_object_set_new(to, key, form == REFUSED ? json_null() : json_real(value));
    if (form == WHOLE)
        json_object_set_new(json_object_get(to, "intervals"), key, json_pack("[f, f]", value - 0.0678, value + 0.0712));
}

/* Results of every branch: 2 x 3 x 2 x 4 x 2 x 2 x 6 = 1,152 of them, with numbers of both signs and sizes. */
static void the_sentences_of_the_audit(void **state) {
    (void)state;
    static const struct {
        const char *unit;
        size_t documents;
        bool samples;
    } data[] = {{"documents", 64, false}, {"documents", 1, false}, {"pieces", 8, false},
                {"pieces", 1, false},     {"samples", 64, true},   {"samples", 1, true}};
    gr_experiment *e = opened("experiments/audit.yaml", NULL);
    for (int i = 0; i < 2 * 3 * 2 * 4 * 2 * 2 * 6; i++) {
        int rest = i, compared = rest % 2, lead = REFUSED + (rest /= 2) % 3, again = REFUSED + 2 * ((rest /= 3) % 2),
            placebo = (rest /= 2) % 4;
        bool labels = (rest /= 4) % 2, damage = (rest /= 2) % 2, fallen = i % 7 == 0;
        int d = rest / 2 % 6;
        gr_key key = {3, GR_STREAM_TEST, 0};
        double value[6];
        for (uint32_t k = 0; k < 6; k++)
            value[k] = 1.5 * gr_random_normal(key, (uint64_t)i, k);

        /* The result; nothing is compared without its models. */
        json_t *to = json_pack("{s:{}}", "intervals");
        put(to, "specific_removal", compared ? lead : ABSENT, value[0]);
        put(to, "specific_removal_relearned", compared ? again : ABSENT, value[1]);
        put(to, "specific_removal_placebo", compared ? placebo : ABSENT, value[2]);
        put(to, "specific_gap", compared ? ALONE + i % 2 : ABSENT, value[3]);
        put(to, "specific_gap_relearned", compared ? ALONE + i % 3 % 2 : ABSENT, value[5] / 2);
        put(to, "tax_on", compared ? WHOLE : ABSENT, value[4] / 10);
        put(to, "removal", compared ? WHOLE : ABSENT, value[4]);
        put(to, "tax_off", compared ? WHOLE : ABSENT, value[5]);
        json_object_set_new(to, "known_labels_only", json_boolean(labels));
        json_object_set_new(to, "damage", json_boolean(damage));
        json_object_set_new(to, "collapsed", json_boolean(fallen));

        char expected[1024] = "", documents[24], least[64] = "";
        sentence(expected, sizeof expected, to, compared, data[d].samples, data[d].documents, data[d].unit);
        snprintf(documents, sizeof documents, "%zu", data[d].documents);
        if (!data[d].samples)
            snprintf(least, sizeof least, " and at least 0.15 nats per token");
        const gr__word words[] = {{"least", least},
                                  {"relearn.documents", documents},
                                  {"relearn.tokens", "512"},
                                  {"unit", data[d].unit},
                                  {NULL, NULL}};
        char *text = gr__verdict_fill(&e->verdict, to, words);
        assert_string_equal(text, expected);
        gr_free(text);
        json_decref(to);
    }
    gr_experiment_free(e);
}

/* ---- templates ---- */

/* What a small verdict says: a figure of 1.5 [1, 2], one that was refused, one that is absent, and two flags. */
static const gr_figure_def a = {.key = "a"}, b = {.key = "b"}, c = {.key = "c"};

static void says(gr_verdict_part lead, const gr_verdict_part *then, int thens, const char *expected) {
    static const gr__word words[] = {{"w", "a {word}"}, {"one", "1"}, {"two", "2"}, {"unit", "pieces"}, {NULL, NULL}};
    const gr_verdict_text verdict = {.missing = "gone {two} {unit}", .lead = lead, .then = then, .thens = thens};
    json_t *result =
        json_pack("{s:f, s:n, s:{s:[f, f]}, s:b, s:b}", "a", 1.5, "b", "intervals", "a", 1.0, 2.0, "on", 1, "off", 0);
    char *have = gr__verdict_fill(&verdict, result, words);
    assert_string_equal(have, expected);
    gr_free(have);
    json_decref(result);
}

static void templates(void **state) {
    (void)state;
    says((gr_verdict_part){.figure = &a, .say = "{a} and {a.value}{w}."}, NULL, 0,
         "1.50 [1.00, 2.00] and 1.50a {word}.");
    says((gr_verdict_part){.figure = &b, .say = "never", .refused = "not {b} of {a}, {nobody}"}, NULL, 0,
         "not unknown of 1.50 [1.00, 2.00], unknown");
    says((gr_verdict_part){.figure = &c, .say = "never", .refused = "nor this"}, NULL, 0, "gone 2 pieces");

    /* What a number counts. */
    says((gr_verdict_part){.figure = &a, .say = "{one} {unit}, {two} {unit}, {unit}"}, NULL, 0,
         "1 piece, 2 pieces, pieces");
    says((gr_verdict_part){.figure = &a, .say = "{one} {a.value} {unit}"}, NULL, 0, "1 1.50 pieces");

    /* What follows: figures that are there, that are refused, that are absent; flags. */
    static const gr_verdict_part then[] = {
        {.figure = &a, .say = "+a"},        {.figure = &b, .say = "never", .refused = "-b"},
        {.figure = &b, .say = "never"},     {.figure = &c, .say = "never", .refused = "never"},
        {.flag = "on", .say = "+on"},       {.flag = "off", .say = "never"},
        {.flag = "neither", .say = "never"}};
    says((gr_verdict_part){.figure = &a, .say = "A"}, then, 7, "A+a-b+on");
    says((gr_verdict_part){.figure = &b, .say = "never", .refused = "B"}, then, 7, "B");
    says((gr_verdict_part){.figure = &c, .say = "never", .refused = "never"}, then, 7, "gone 2 pieces");

    /* Within bounds, by the whole interval [1, 2]; beyond; and where there is none. */
    static const gr_verdict_part bounds[] = {
        {.figure = &a, .say = "+1", .otherwise = "never", .bounded = true, .at_least = 1, .at_most = INFINITY},
        {.figure = &a, .say = "never", .otherwise = "-2", .bounded = true, .at_least = 1.01, .at_most = INFINITY},
        {.figure = &a, .say = "+3", .otherwise = "never", .bounded = true, .at_least = -INFINITY, .at_most = 2},
        {.figure = &a, .say = "never", .otherwise = "-4", .bounded = true, .at_least = -INFINITY, .at_most = 1.99},
        {.figure = &a, .say = "never", .bounded = true, .at_least = 3, .at_most = 4},
        {.figure = &b, .say = "never", .refused = "-5", .otherwise = "never", .absent = "never"},
        {.figure = &c, .say = "never", .refused = "never", .otherwise = "never", .absent = "-6"}};
    says((gr_verdict_part){.figure = &a, .say = "A"}, bounds, 7, "A+1-2+3-4-5-6");
}

/* ---- flags ---- */

/* The data row and the model row of the arm that stands for 1 (-1: nobody does), made anew. */
static bool known_only(gr__result_def d, int one, int rule, int hidden, int by_truth) {
    gr_ledger *data = gr_ledger_new(), *model = gr_ledger_new();
    gr_ledger_begin(data, "data");
    gr_ledger_count(data, "rule", rule);
    gr_ledger_count(data, "hidden", hidden);
    gr_ledger_begin(model, "model");
    gr_ledger_count(model, "by_truth", by_truth);
    const gr__result_rows rows[] = {{.arm = -1, .rows = data}, {.arm = one, .rows = model}};
    d.rows = rows;
    d.count = one >= 0 ? 2 : 1;

    json_t *r = make(&d);
    bool only = json_is_true(json_object_get(r, "known_labels_only"));
    const char *scale = json_string_value(json_object_get(r, "scale"));
    assert_int_equal(scale != NULL, one >= 0);
    if (scale)
        assert_string_equal(scale, d.experiment->arm[one].name);
    json_decref(r);
    gr_ledger_free(data);
    gr_ledger_free(model);
    return only;
}

/* As the audit said it of recipes: a rule, or hidden labels and a scale that is not the perfect filter. */
static void on_known_labels_only(void **state) {
    (void)state;
    stored s;
    stored_one(&s);
    for (int rule = 0; rule < 2; rule++)
        for (int hidden = 0; hidden < 2; hidden++) {
            s.runs[FILTERED] = s.runs[PERFECT] = true;
            assert_int_equal(known_only(s.def, PERFECT, rule, hidden, 1), rule);
            s.runs[PERFECT] = false;
            assert_int_equal(known_only(s.def, FILTERED, rule, hidden, 0), rule || hidden);
            s.runs[FILTERED] = false; /* no filter ran: its labels are not known to be all */
            assert_int_equal(known_only(s.def, -1, rule, hidden, 0), rule || hidden);
        }
    stored_free(&s);
}

/* The audit with other figures in front: removals that are not the subject's, or not as it was left. */
static char *more_removals(void) {
    static const char more[] = "figures:\n"
                               "  - {key: x, figure: removal, of: filtered}\n"
                               "  - {key: y, figure: removal, of: routed_off, after: relearn}\n"
                               "  - {key: z, figure: tax_off, of: routed_off, group: adjacent}\n";
    size_t length;
    char *text = gr_test_read(project_path("experiments/audit.yaml"), &length), *at = strstr(text, "figures:\n");
    char *with = gr_format("%.*s%s%s", (int)(at - text), text, more, at + strlen("figures:\n"));
    free(text);
    return with;
}

/* Losses of 1 document a group: plain removal is over / 1, the tax what is said. */
static void put_loss(gr_ledger *rows, const char *group, double nll) {
    gr_ledger_begin(rows, "loss");
    gr_ledger_text(rows, "group", group);
    gr_ledger_numbers(rows, "units", (double[]){nll, nll}, 2);
    gr_ledger_counts(rows, "sizes", (int64_t[]){1, 1}, 2);
    gr_ledger_text(rows, "list", group);
}

static void damage_is_removal_beyond_1_with_a_tax(void **state) {
    (void)state;
    static const struct {
        double forget, retain;
        bool damage, collapsed;
        double filter; /* what the filter loses on retain text */
    } rows[] = {{4.2, 3.2, true, false, 0},   {4.2, 3.0999, false, false, 0}, {4, 3.2, false, false, 0},
                {4.01, 3.11, true, false, 0}, {3.9, 3.5, false, true, 0},     {4, 3.2999, false, false, 0},
                {4, 3.3001, false, true, 0},  {4.2, 3.31, true, true, 0},     {4, 3.2, false, false, 0.5}};
    stored s;
    char *text = more_removals();
    stored_one_of(&s, parsed(text));
    gr_free(text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gr_ledger *off = gr_ledger_new(), *plain = gr_ledger_new(), *perfect = gr_ledger_new();
        put_loss(off, "forget", rows[i].forget), put_loss(off, "retain", rows[i].retain);
        put_loss(plain, "forget", 3), put_loss(plain, "retain", 3);
        put_loss(perfect, "forget", 4), put_loss(perfect, "retain", 3 + rows[i].filter);
        const gr__result_rows cells[] = {
            {.arm = ROUTED_OFF, .rows = off}, {.arm = PLAIN, .rows = plain}, {.arm = PERFECT, .rows = perfect}};
        gr__result_def d = s.def;
        d.rows = cells, d.count = 3;
        json_t *r = make(&d);
        near(r, "removal", rows[i].forget - 3);
        near(r, "tax_off", rows[i].retain - 3 - rows[i].filter);
        assert_int_equal(json_is_true(json_object_get(r, "damage")), rows[i].damage);
        assert_int_equal(json_is_true(json_object_get(r, "collapsed")), rows[i].collapsed);
        assert_int_equal(strstr(json_string_value(json_object_get(r, "verdict")), "is damage") != NULL, rows[i].damage);
        json_decref(r);
        gr_ledger_free(off), gr_ledger_free(plain), gr_ledger_free(perfect);
    }
    stored_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sentences_of_the_audit),
        cmocka_unit_test(templates),
        cmocka_unit_test(on_known_labels_only),
        cmocka_unit_test(damage_is_removal_beyond_1_with_a_tax),
    };
    return cmocka_run_group_tests_name("verdicts", tests, setup, teardown);
}

/* Figures along an arm's knob: what they find on curves that are known, their intervals, and what refuses them. */
#include <string.h>

#include "base/rng.h"
#include "lab/ladder.h"
#include "result_helpers.h"

enum { BUCKETS = GR_BUCKETS, VALUES = 5 };
enum { PLAIN_ARM, ROUTED_ARM, OFF_ARM, TRAINED_ARM, EXPOSED_ARM };

static const char yaml[] =
    "experiment: ladder\n"
    "arms:\n"
    "  plain: {train: {routes: none}}\n"
    "  routed: {train: {}}\n"
    "  routed_off: {from: routed, ablate: {}}\n"
    "  trained: {train: {set: {train.tokens: {knob: [{times: 0.25}, 200, 400, 800, 1600]}}}}\n"
    "  exposed: {train: {set: {train.warmup: {knob: [1, 2, 3, 4, 5]}}}}\n"
    "roles: {zero: plain, one: plain}\n"
    "groups: {forget: any_label, retain: retain, animals: {label: animals}}\n"
    "measures: {loss: {of: [plain, routed, routed_off, trained, exposed]}, shared: {of: [routed_off, exposed]}}\n"
    "attacks: {relearn: {of: [routed_off]}}\n"
    "figures: [{key: ratio, figure: compute_ratio, of: routed_off, along: trained},\n"
    "          {key: whole, figure: compute_ratio, of: routed, along: trained},\n"
    "          {key: less, figure: compute_ratio, of: routed_off, minus: routed, along: trained},\n"
    "          {key: again, figure: compute_ratio, of: routed_off, along: trained, group: forget, after: relearn},\n"
    "          {key: leaked, figure: leakage, of: routed_off, along: exposed},\n"
    "          {key: animals_leaked, figure: leakage, of: routed_off, along: exposed, group: animals},\n"
    "          {key: common, figure: leakage, of: routed_off, along: exposed, measure: shared}]\n";

/* ---- rows ---- */

static double operations(int v) { return 1e12 * pow(2, v); }
static double exposure(int v) { return v == 0 ? 0 : 1000 * pow(2, v); }

/* Mean losses of the ladders, and those that are looked up: at 5e12 operations, and at 3,000 tokens of the label. */
static double trained_at(double x) { return 2 + 0.8 * pow(x / 1e12, -0.4); }
static double exposed_at(double x) { return 3 + 2 * pow((x + 500) / 1000, -0.5); }

/* How much a bucket has, and how far its losses are from the mean: the same of every model in both. */
static int size_of(int bucket) { return 20 + bucket % 7; }
static double rise(int bucket) { return 0.3 * gr_random_normal((gr_key){9, GR_STREAM_TEST, 0}, (uint64_t)bucket, 0); }

/* A row of losses whose mean over all tokens is this. spread: how much of the rises it has. */
static char *add_losses(char *to, const char *kind, const char *group, double mean, double spread) {
    double rises = 0, tokens = 0;
    for (int b = 0; b < BUCKETS; b++) {
        rises += rise(b) * size_of(b);
        tokens += size_of(b);
    }
    to += sprintf(to, "{\"row\":\"%s\",\"group\":\"%s\",\"unit\":\"bucket\",\"units\":[", kind, group);
    for (int b = 0; b < BUCKETS; b++)
        to += sprintf(to, "%s%.17g", b ? "," : "", size_of(b) * (mean + spread * (rise(b) - rises / tokens)));
    to += sprintf(to, "],\"sizes\":[");
    for (int b = 0; b < BUCKETS; b++)
        to += sprintf(to, "%s%d", b ? "," : "", size_of(b));
    return to + sprintf(to, "],\"list\":\"%s\"}\n", group);
}

typedef struct model {
    int arm, knob;
    double flops, read, hidden; /* 0: its rows do not say */
    double forget, retain, shared;
} model;

static gr__result_rows cell_of(const model *m, const gr_attack *after) {
    static char text[8 * BUCKETS * 40];
    char *at = text;
    if (m->flops > 0)
        at += sprintf(at, "{\"row\":\"model\",\"tokens\":100,\"flops\":%.17g}\n", m->flops);
    if (m->hidden >= 0 && m->flops > 0)
        at += sprintf(at,
                      "{\"row\":\"read\",\"name\":\"animals\",\"tokens\":%.0f,\"hidden\":%.0f}\n"
                      "{\"row\":\"read\",\"name\":\"tools\",\"tokens\":%.0f,\"hidden\":%.0f}\n",
                      m->read / 2, m->hidden / 4, m->read / 2, m->hidden * 3 / 4);
    at = add_losses(at, "loss", "forget", m->forget, 1);
    at = add_losses(at, "loss", "animals", m->forget, 1);
    at = add_losses(at, "loss", "retain", m->retain, 1);
    if (m->shared > 0)
        at = add_losses(at, "shared", "forget", m->shared, 1);
    return (gr__result_rows){m->arm, 0, 0, m->knob, after, 0, rows_of(text, (size_t)(at - text)), 1};
}

/* A whole experiment: cells that a test may change before its result is made. */
typedef struct made {
    gr_experiment *experiment;
    bool runs[8];
    gr__result_rows cell[2 * VALUES + 8];
    gr__result_def def;
} made;

static model off_model(void) {
    return (model){OFF_ARM, 0, 0, 0, 0, exposed_at(3000), trained_at(5e12), exposed_at(1500)};
}

static void begin(made *m, const model *off) {
    *m = (made){.experiment = parsed(yaml), .runs = {true, true, true, true, true}};
    size_t n = 0;
    m->cell[n++] = cell_of(&(model){PLAIN_ARM, 0, 8e12, 0, 0, 3, trained_at(8e12), 0}, NULL);
    m->cell[n++] = cell_of(&(model){ROUTED_ARM, 0, 9e12, 20000, 12000, 3, trained_at(6.4e12), 0}, NULL);
    m->cell[n++] = cell_of(off, NULL);
    m->cell[n++] =
        cell_of(&(model){OFF_ARM, 0, 0, 0, 0, 2 + trained_at(2e12), 9, 0}, gr_registry_attack(registry, "relearn"));
    for (int v = 0; v < VALUES; v++) {
        const double x = operations(v), read = exposure(v);
        m->cell[n++] = cell_of(&(model){TRAINED_ARM, v, x, 7, 0, 2 + trained_at(x), trained_at(x), 0}, NULL);
        m->cell[n++] = cell_of(&(model){EXPOSED_ARM, v, 8e12, read, 0, exposed_at(read), 3, exposed_at(read)}, NULL);
    }
    m->def = (gr__result_def){.experiment = m->experiment,
                              .registry = registry,
                              .runs = m->runs,
                              .seeds = 1,
                              .split_seed = split_seeds,
                              .rows = m->cell,
                              .count = n};
}

static void end(made *m) {
    for (size_t i = 0; i < m->def.count; i++)
        gr_ledger_free((gr_ledger *)m->cell[i].rows);
    gr_experiment_free(m->experiment);
}

static void nearly(const json_t *object, const char *key, double value, double by) {
    if (!(fabs(number(object, key) - value) <= by))
        fail_msg("%s: %.9g, by hand %.9g", key, number(object, key), value);
}

/* Why a figure on a curve has no value; NULL: it has one. */
static void has_why(const json_t *r, const char *key, const char *why) {
    const char *said = json_string_value(json_object_get(json_object_get(json_object_get(r, "curves"), key), "why"));
    assert_non_null(json_object_get(json_object_get(r, "curves"), key));
    if (!said != !why || (why && strcmp(said, why) != 0))
        fail_msg("%s: %s, and not %s", key, said ? said : "nothing is said", why ? why : "nothing");
}

static bool is_refused(const json_t *r, const char *key) { return json_is_null(json_object_get(r, key)); }

/* ---- what they find ---- */

/* Ratios are shares of plain's operations; the model with its region off has none of its own, and reads no text. */
static void losses_are_looked_up(void **state) {
    (void)state;
    made m;
    const model off = off_model();
    begin(&m, &off);
    json_t *r = make(&m.def);
    nearly(r, "ratio", 5.0 / 8, 1e-6);
    nearly(r, "whole", 6.4 / 8, 1e-6);
    nearly(r, "less", (5 - 6.4) / 8, 1e-6);
    nearly(r, "again", 2.0 / 8, 1e-6); /* the model after the attack, on the ladder as it was */

    /* Shares of what was read and not shown, of the label of the group alone where it has one. */
    nearly(r, "leaked", 3000.0 / 12000, 1e-4);
    nearly(r, "animals_leaked", 3000.0 / 2 / (12000.0 / 4), 1e-4);
    nearly(r, "common", 1500.0 / 12000, 1e-4);
    json_decref(r);
    end(&m);
}

/* What the curve was, with the values of its knob. */
static void curves_are_in_the_result(void **state) {
    (void)state;
    made m;
    const model off = off_model();
    begin(&m, &off);
    json_t *r = make(&m.def), *curves = json_object_get(r, "curves"), *ratio = json_object_get(curves, "ratio");
    assert_int_equal(json_object_size(curves), 7);
    nearly(ratio, "a", 2, 1e-6), nearly(ratio, "c", 0.4, 1e-6), nearly(ratio, "shift", 0, 0);
    nearly(ratio, "off", 0, 1e-9), nearly(ratio, "loss", trained_at(5e12), 1e-9);
    nearly(ratio, "found", 5e12, 1e6);
    nearly(ratio, "from", trained_at(1e12), 1e-9), nearly(ratio, "to", trained_at(16e12), 1e-9);
    assert_string_equal(json_string_value(json_object_get(ratio, "along")), "trained");

    /* Whose loss was looked up, and of which state. */
    const json_t *again = json_object_get(curves, "again");
    assert_string_equal(json_string_value(json_object_get(ratio, "of")), "routed_off");
    assert_string_equal(json_string_value(json_object_get(json_object_get(curves, "whole"), "of")), "routed");
    assert_string_equal(json_string_value(json_object_get(again, "after")), "relearn");
    assert_null(json_object_get(ratio, "after"));
    has_why(r, "ratio", NULL), has_why(r, "again", NULL), has_why(r, "leaked", NULL);

    /* A factor is its number. */
    static const char *const at[] = {"0.25", "200", "400", "800", "1600"};
    json_t *points = json_object_get(ratio, "points");
    assert_int_equal(json_array_size(points), VALUES);
    for (int v = 0; v < VALUES; v++) {
        const json_t *point = json_array_get(points, (size_t)v);
        assert_string_equal(json_string_value(json_object_get(point, "at")), at[v]);
        nearly(point, "x", operations(v), 0), nearly(point, "loss", trained_at(operations(v)), 1e-9);
    }
    assert_true(number(json_object_get(curves, "leaked"), "shift") > 0);

    /* And how much each model read. */
    const json_t *routed = json_object_get(json_object_get(json_object_get(r, "models"), "routed"), "read");
    nearly(json_object_get(routed, "animals"), "tokens", 10000, 0);
    nearly(json_object_get(routed, "tools"), "hidden", 9000, 0);

    /* Tables know what a share is of. */
    const json_t *figure = json_array_get(json_object_get(json_object_get(r, "table"), "figures"), 0);
    assert_string_equal(json_string_value(json_object_get(figure, "unit")), "ratio");
    assert_string_equal(json_string_value(json_object_get(figure, "along")), "trained");
    json_decref(r);
    end(&m);
}

/* ---- intervals ---- */

static double found_by_hand(const double *m) {
    double x[VALUES];
    gr__power_law law;
    for (int v = 0; v < VALUES; v++)
        x[v] = operations(v);
    assert_true(gr__power_law_fit(&law, x, m + 1, VALUES));
    return gr__power_law_find(&law, m[0]) / 8e12;
}

/* What is left out is left out of the ladder and of the model at once; a curve is fitted to what is left each time. */
static void intervals_are_of_all_models_together(void **state) {
    (void)state;
    made m;
    gr_error err = {0};
    const model off = off_model();
    begin(&m, &off);

    /* The model differs from the ladder by bucket, or nothing would move. */
    gr_ledger_free((gr_ledger *)m.cell[2].rows);
    static char text[BUCKETS * 40];
    char *at = add_losses(text, "loss", "retain", trained_at(5e12), 1.2);
    m.cell[2].rows = rows_of(text, (size_t)(at - text));

    gr_sample sample[1 + VALUES];
    static const char *const where[][2] = {{"group", "retain"}, {NULL, NULL}};
    for (int i = 0; i <= VALUES; i++) {
        const gr_ledger *rows = m.cell[i == 0 ? 2 : 4 + 2 * (i - 1)].rows;
        gr_test_ok(gr_sample_read(&sample[i], gr_ledger_find(rows, "loss", where), "it", &err), &err);
    }
    gr_estimate hand = gr_jackknife(found_by_hand, sample, 1 + VALUES);
    json_t *r = make(&m.def), *interval = json_object_get(json_object_get(r, "intervals"), "ratio");
    nearly(r, "ratio", hand.value, 0);
    assert_true(json_number_value(json_array_get(interval, 0)) == hand.low && hand.low < hand.value);
    assert_true(json_number_value(json_array_get(interval, 1)) == hand.high && hand.high > hand.value);
    assert_true(hand.high - hand.low > 0.001);
    for (int i = 0; i <= VALUES; i++)
        gr_sample_free(&sample[i]);
    json_decref(r);
    end(&m);
}

/* ---- refusals ---- */

/* Worse than the least training, or better than the most: nothing is known of where that is. */
static void losses_beyond_the_curve_are_refused(void **state) {
    (void)state;
    static const double beyond[] = {0.9e12, 17e12};
    for (int i = 0; i < 2; i++) {
        made m;
        model off = off_model();
        off.retain = trained_at(beyond[i]);
        begin(&m, &off);
        json_t *r = make(&m.def);
        assert_true(is_refused(r, "ratio") && is_refused(r, "less"));
        assert_null(json_object_get(json_object_get(r, "intervals"), "ratio"));
        nearly(r, "whole", 6.4 / 8, 1e-6);

        /* What was looked up is told all the same. */
        const json_t *curve = json_object_get(json_object_get(r, "curves"), "ratio");
        nearly(curve, "loss", off.retain, 1e-9);
        assert_true(json_is_null(json_object_get(curve, "found")));
        has_why(r, "ratio", i == 0 ? "above all of the curve" : "below all of the curve");
        has_why(r, "whole", NULL);
        json_decref(r);
        end(&m);
    }
}

enum { DOCUMENTS = 40 }; /* of a model, of 10 tokens each */

/* Losses of the model that is looked up, then of those along the curve, as samples. */
static void lay_out(gr__curve *c, gr_sample sample[1 + VALUES], double nll[1 + VALUES][DOCUMENTS],
                    int32_t tokens[DOCUMENTS]) {
    for (int d = 0; d < DOCUMENTS; d++)
        tokens[d] = 10;
    for (int i = 0; i <= VALUES; i++)
        sample[i] = (gr_sample){nll[i], tokens, DOCUMENTS, NULL, "retain", false};
    for (int i = 0; i < VALUES; i++)
        c->x[i] = operations(i);
}

/* A draw that leaves the curve has no place: the figure is there, its interval is not. */
static void intervals_beyond_the_curve_are_left_out(void **state) {
    (void)state;
    gr__curve c = {.points = VALUES};
    double nll[1 + VALUES][DOCUMENTS];
    int32_t tokens[DOCUMENTS];
    gr_sample sample[1 + VALUES];
    for (int i = 0; i <= VALUES; i++)
        for (int d = 0; d < DOCUMENTS; d++)
            nll[i][d] = 10 * (i == 0 ? trained_at(1.02e12) + (d % 2 ? 0.2 : -0.2) : trained_at(operations(i - 1)));
    lay_out(&c, sample, nll, tokens);
    gr__curve_fit(&c, sample);
    assert_true(c.fits);
    gr_estimate e = gr__curve_take(&c, sample, 8e12, 3);
    assert_true(fabs(e.value - 1.02 / 8) < 1e-6 && isnan(e.low) && isnan(e.high));

    /* In the middle of the curve it has one, in which the value lies. */
    for (int d = 0; d < DOCUMENTS; d++)
        nll[0][d] += 10 * (trained_at(4e12) - trained_at(1.02e12));
    gr__curve_fit(&c, sample);
    e = gr__curve_take(&c, sample, 8e12, 3);
    assert_true(fabs(e.value - 0.5) < 1e-6 && e.low < 0.5 && e.high > 0.5);
    assert_true(isnan(gr__curve_take(&c, sample, NAN, 3).value));

    /* And beyond it there is none, not even an infinity. */
    for (int d = 0; d < DOCUMENTS; d++)
        nll[0][d] += 10;
    gr__curve_fit(&c, sample);
    e = gr__curve_take(&c, sample, 8e12, 3);
    assert_true(isnan(e.value) && isnan(e.low) && isnan(e.high));
}

/* Documents whose losses fall along the ladder, and others whose losses rise: a draw with too many of the others has no
 * curve. The model is always as good as the third point. */
static gr_estimate with_falling(int falling) {
    gr__curve c = {.points = VALUES};
    double nll[1 + VALUES][DOCUMENTS];
    int32_t tokens[DOCUMENTS];
    gr_sample sample[1 + VALUES];
    for (int i = 0; i <= VALUES; i++) {
        const double shape = trained_at(operations(i == 0 ? 2 : i - 1)) - 2;
        for (int d = 0; d < DOCUMENTS; d++)
            nll[i][d] = 10 * (3 + (d < falling ? shape : -shape));
    }
    lay_out(&c, sample, nll, tokens);
    gr__curve_fit(&c, sample);
    assert_true(c.fits);
    gr_estimate e = gr__curve_take(&c, sample, 8e12, 3);
    assert_true(fabs(e.value - 0.5) < 1e-6);
    return e;
}

/* Nothing is known of the place in a draw without a curve, so that there is no border either. */
static void draws_without_a_curve_leave_no_interval(void **state) {
    (void)state;
    gr_estimate all = with_falling(DOCUMENTS), most = with_falling(25);
    assert_true(fabs(all.low - 0.5) < 1e-6 && fabs(all.high - 0.5) < 1e-6);
    assert_true(isnan(most.low) && isnan(most.high));
}

/* Without a number of what went in, or with nothing that was hidden, there is no share of it. */
static void shares_of_nothing_are_refused(void **state) {
    (void)state;
    made m;
    const model off = off_model();
    begin(&m, &off);
    gr_ledger_free((gr_ledger *)m.cell[1].rows);
    m.cell[1] = cell_of(&(model){ROUTED_ARM, 0, 9e12, 20000, 0, 3, trained_at(6.4e12), 0}, NULL);
    json_t *r = make(&m.def);
    assert_true(is_refused(r, "leaked") && is_refused(r, "common"));
    nearly(r, "ratio", 5.0 / 8, 1e-6);
    has_why(r, "leaked", "but it read nothing of the label unlabelled");
    json_decref(r);

    /* Rows of earlier versions do not say what was read. */
    gr_ledger_free((gr_ledger *)m.cell[1].rows);
    m.cell[1] = cell_of(&(model){ROUTED_ARM, 0, 9e12, 0, -1, 3, trained_at(6.4e12), 0}, NULL);
    r = make(&m.def);
    assert_true(is_refused(r, "leaked"));
    has_why(r, "leaked", "but rows do not say what it read of the label unlabelled");
    json_decref(r);

    /* Nor what a training took. */
    gr_ledger_free((gr_ledger *)m.cell[0].rows);
    m.cell[0] = cell_of(&(model){PLAIN_ARM, 0, 0, 0, 0, 3, trained_at(8e12), 0}, NULL);
    r = make(&m.def);
    assert_true(is_refused(r, "ratio"));
    has_why(r, "ratio", "but rows do not say the operations of plain");
    json_decref(r);
    end(&m);
}

/* One of the models of the ladder of trainings, in place of the one that is there. */
static void put_trained(made *m, int v, double flops, double retain) {
    gr__result_rows *cell = &m->cell[4 + 2 * v];
    gr_ledger_free((gr_ledger *)cell->rows);
    *cell = cell_of(&(model){TRAINED_ARM, v, flops, 0, 0, 3, retain, 0}, NULL);
}

/* Why there is no curve is not always the same. */
static void it_is_said_why_there_is_no_curve(void **state) {
    (void)state;
    made m;
    const model off = off_model();
    begin(&m, &off);

    /* Of two models nobody knows what they took: their x are null. */
    put_trained(&m, 0, 0, 2.8), put_trained(&m, 2, 0, 2.4);
    json_t *r = make(&m.def);
    const json_t *points = json_object_get(json_object_get(json_object_get(r, "curves"), "ratio"), "points");
    assert_true(is_refused(r, "ratio") && json_is_null(json_object_get(json_array_get(points, 0), "x")));
    has_why(r, "ratio", "rows do not say the operations of 0.25, 400");
    json_decref(r);

    /* Three of them took the same. */
    for (int v = 0; v < VALUES; v++)
        put_trained(&m, v, operations(v < 3 ? 0 : v), trained_at(operations(v)));
    r = make(&m.def);
    assert_true(is_refused(r, "ratio"));
    has_why(r, "ratio", "a curve takes 1 more with another x");
    json_decref(r);

    /* More training makes them worse. */
    for (int v = 0; v < VALUES; v++)
        put_trained(&m, v, operations(v), 2.5 + 0.01 * v);
    r = make(&m.def);
    has_why(r, "ratio", "their losses do not fall along a curve");
    has_why(r, "leaked", NULL);
    json_decref(r);
    end(&m);
}

/* A ladder whose losses do not fall is no curve; one of whose models is missing was not measured. */
static void ladders_that_are_none(void **state) {
    (void)state;
    made m;
    const model off = off_model();
    begin(&m, &off);
    for (int v = 0; v < VALUES; v++)
        put_trained(&m, v, operations(v), 2.5 + 0.01 * v);
    json_t *r = make(&m.def);
    assert_true(is_refused(r, "ratio"));
    assert_null(json_object_get(json_object_get(json_object_get(r, "curves"), "ratio"), "c"));
    json_decref(r);

    gr__result_rows cell = m.cell[m.def.count - 2];
    assert_int_equal(cell.arm, TRAINED_ARM);
    m.cell[m.def.count - 2] = m.cell[m.def.count - 1];
    m.def.count--;
    r = make(&m.def);
    assert_null(json_object_get(r, "ratio"));
    assert_null(json_object_get(json_object_get(r, "curves"), "ratio"));
    assert_non_null(json_object_get(r, "leaked"));
    json_decref(r);
    m.cell[m.def.count++] = cell;
    end(&m);
}

/* The experiment with a piece of its text replaced is refused, at the place that begins so. */
static void assert_slip(const char *from, const char *to, const char *place, const char *says, const char *hint) {
    gr_experiment *e;
    gr_error err = {0};
    const char *at = strstr(yaml, from);
    assert_non_null(at);
    char *text = gr_format("%.*s%s%s", (int)(at - yaml), yaml, to, at + strlen(from));
    assert_int_equal(gr_experiment_parse(&e, text, strlen(text), "e.yaml", NULL, registry, &err), GR_ERR_USAGE);

    /* Its line and column. */
    const char *found = strstr(text, place);
    int line = 1, column = 1;
    assert_non_null(found);
    for (const char *c = text; c < found; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    char *where = gr_format("e.yaml:%d:%d", line, column);
    gr_test_error(&err, where, says);
    assert_non_null(strstr(err.hint, hint));
    gr_free(where);
    gr_free(text);
}

static void experiments_are_refused(void **state) {
    (void)state;
    static const char *const slips[][5] = {
        {", along: trained},", "},", "{key: ratio", "figure compute_ratio says along no arm",
         "along: an arm whose knob"},
        {"along: trained}", "along: trainde}", "trainde", "no arm is called 'trainde'", "trained"},
        {"along: trained}", "along: plain}", "plain},\n", "arm plain has 1 model, expected 4 to 11", "{knob: [VALUE"},
        {"400, 800, 1600]", "400]", "trained},\n", "arm trained has 3 values, expected 4 to 11", "{knob: [VALUE"},
        {"zero: plain, ", "", "{key: ratio", "and there is none", "roles: {zero: ARM}"},
        {"routed_off, trained, exposed]}, s", "routed_off, exposed]}, s", "trained},\n",
         "loss is not taken of arm trained", "add the arm to its `of`"},
        {"of: [routed_off, exposed]}}", "of: [routed_off]}}", "exposed, measure", "shared is not taken of arm exposed",
         "add the arm to its `of`"},
        {"figure: compute_ratio, of", "figure: tax_on, of", "trained},\n",
         "figure tax_on looks nothing up along an arm", "figure: compute_ratio, or leakage"},
        {"figure: compute_ratio, of", "figure: value, measure: loss, field: mean, of", "trained},\n",
         "figure value looks nothing up along an arm", "figure: compute_ratio, or leakage"},
        {"of: routed_off, along: trained}", "along: trained}", "{key: ratio", "there is none that it is of", "roles:"},
        {"figures:",
         "claims: [{primary: true, say: s, figure: tax_on, of: trained, minus: plain, at_most: 1,\n"
         "          matched: {leakage: 0.1}}]\nfigures:",
         "0.1}}]", "arms are matched by what is compared, and leakage is looked up on a curve", "a tax, or another"},
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++)
        assert_slip(slips[i][0], slips[i][1], slips[i][2], slips[i][3], slips[i][4]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_looked_up),
        cmocka_unit_test(curves_are_in_the_result),
        cmocka_unit_test(intervals_are_of_all_models_together),
        cmocka_unit_test(losses_beyond_the_curve_are_refused),
        cmocka_unit_test(intervals_beyond_the_curve_are_left_out),
        cmocka_unit_test(draws_without_a_curve_leave_no_interval),
        cmocka_unit_test(shares_of_nothing_are_refused),
        cmocka_unit_test(ladders_that_are_none),
        cmocka_unit_test(it_is_said_why_there_is_no_curve),
        cmocka_unit_test(experiments_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

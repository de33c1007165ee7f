/* What a result has out of rows as they are: what the models were, the data, the attacks, the prompts. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "lab/result.h"
#include "measure/ledger.h"

typedef gr__result_job job;

/* A whole number out of a row; one that a double cannot hold exactly is left out. */
static void put_count(json_t *to, const char *key, const gr_entry *row, const char *from) {
    double n = gr_entry_number(row, from);
    if (fabs(n) < 0x1p53) /* and no NaN */
        json_object_set_new(to, key, json_integer((json_int_t)n));
}

/* ---- a model ---- */

/* Share of right answers, whole and for each class; of a few seeds their means. */
static void put_right(json_t *model, const job *j, int arm, int point, int knob) {
    json_t *classes = json_object();
    double *whole = gr_alloc((size_t)j->def->seeds * sizeof *whole);
    int seeds = 0;
    for (int s = 0; s < j->def->seeds; s++) {
        const gr__whose w = {arm, point, s, knob, NULL, 0};
        double right = 0, all = 0;
        const gr_entry *row;
        for (int i = 0; (row = gr__rows_next(j->def, &w, "right", i)); i++) {
            const char *name = gr_entry_text(row, "class");
            double share = gr_entry_number(row, "right") / gr_entry_number(row, "all");
            const json_t *sum = json_object_get(classes, name ? name : "");
            if (isfinite(share))
                json_object_set_new(classes, name ? name : "", json_real(json_number_value(sum) + share));
            right += gr_entry_number(row, "right");
            all += gr_entry_number(row, "all");
        }
        if (all > 0)
            whole[seeds++] = right / all;
    }

    /* Sums so far; every class is in each seed's test. */
    const char *name;
    json_t *sum;
    json_object_foreach(classes, name, sum)
        json_real_set(sum, json_number_value(sum) / (seeds > 0 ? seeds : 1));
    if (seeds > 0) {
        json_object_set_new(model, "accuracy", json_real(gr_over_seeds(whole, seeds).value));
        json_object_set(model, "classes", classes);
    }
    json_decref(classes);
    gr_free(whole);
}

/* Seconds of the cells in which an arm was trained, over all seeds. */
static double seconds_of(const job *j, int arm, int point, int knob) {
    double seconds = 0;
    for (size_t i = 0; i < j->def->count; i++) {
        const gr__result_rows *r = &j->def->rows[i];
        if (r->arm == arm && r->point == point && r->knob == knob && gr_ledger_find(r->rows, "model", NULL))
            seconds += r->seconds;
    }
    return seconds;
}

/* Where each attack served best: of one seed, since rates are no numbers to average. */
static void put_attacks(json_t *model, const job *j, int arm, int point, int knob) {
    for (int a = 0; a < j->attacks && j->def->seeds == 1; a++) {
        const gr_entry *row = gr__rows_find(j->def, &(gr__whose){arm, point, 0, knob, j->attack[a], 0}, "point", NULL);
        if (!row || !isfinite(gr_entry_number(row, "step")))
            continue;
        json_t *at = json_object();
        put_count(at, "step", row, "step");
        gr__result_put(at, NULL, "lr", (gr_estimate){gr_entry_number(row, "lr"), NAN, NAN});
        gr__result_put(at, NULL, "validation", (gr_estimate){gr_entry_number(row, "chosen"), NAN, NAN});
        char *key = gr_format("%s_at", j->done[a]);
        json_object_set_new(model, key, at);
        gr_free(key);
    }
}

/* How well a classifier told documents apart where the training went by one; of the first seed. */
static void put_found(json_t *model, const job *j, const gr__whose *w) {
    static const char *const keys[] = {"known", "found",      "threshold",     "auc",      "recall",
                                       "lost",  "hidden_auc", "hidden_recall", "core_lost"};
    json_t *found = json_object();
    const gr_entry *row;

    /* By label; a number that the row has not is left out. */
    for (int i = 0; (row = gr__rows_next(j->def, w, "found", i)); i++) {
        json_t *of = json_object();
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if (isfinite(gr_entry_number(row, keys[k])))
                json_object_set_new(of, keys[k], json_real(gr_entry_number(row, keys[k])));
        const char *name = gr_entry_text(row, "name");
        json_object_set_new(found, name ? name : "", of);
    }

    /* Models that went by no classifier say nothing. */
    if (json_object_size(found))
        json_object_set(model, "found", found);
    json_decref(found);
}

/* What a row says, but for its kind and for lists, with the seed that it is of. */
static json_t *row_of_seed(const gr_entry *row, int64_t seed) {
    const char *key;
    json_t *value, *to = json_pack("{s:I}", "seed", (json_int_t)seed);
    json_object_foreach(gr__entry_members(row), key, value)
        if (strcmp(key, "row") != 0 && !json_is_array(value) && !json_object_get(to, key))
            json_object_set(to, key, value);
    return to;
}

/* What the method says of its making, in rows of its own name: of every seed, since choices are no numbers to average.
 */
static void put_made(json_t *model, const job *j, int arm, int point, int knob) {
    json_t *made = json_array();
    const gr_entry *row;
    for (int s = 0; s < j->def->seeds; s++) {
        const gr__whose w = {arm, point, s, knob, NULL, 0};
        for (int i = 0; (row = gr__rows_next(j->def, &w, j->e->arm[arm].method->name, i)); i++)
            json_array_append_new(made, row_of_seed(row, j->def->first_seed + s));
    }
    if (json_array_size(made))
        json_object_set(model, "made", made);
    json_decref(made);
}

/* Mean loss of a group at one rung of an attack, over seeds; NaN where a seed has none. */
static double rung_loss(const job *j, gr__whose w, const char *group) {
    const char *const where[][2] = {{"group", group}, {NULL, NULL}};
    double *values = gr_alloc((size_t)j->def->seeds * sizeof *values);
    for (w.seed = 0; w.seed < j->def->seeds; w.seed++) {
        const gr_entry *row = gr__rows_find(j->def, &w, "loss", where);
        values[w.seed] = row ? gr_entry_number(row, "nll") / gr_entry_number(row, "tokens") : NAN;
    }
    double mean = gr_over_seeds(values, j->def->seeds).value;
    gr_free(values);
    return mean;
}

/* One rung of an attack: how strong it was, and the loss of every group after it. NULL: it was not measured. */
static json_t *rung_of(const job *j, const gr__whose *w) {
    const gr_entry *point = gr__rows_find(j->def, w, "point", NULL);
    if (!point)
        return NULL;
    json_t *rung = json_object();
    put_count(rung, "documents", point, "documents");
    put_count(rung, "tokens", point, "tokens");

    /* Steps and rates of several seeds are no numbers to average. */
    if (j->def->seeds == 1) {
        put_count(rung, "step", point, "step");
        gr__result_put(rung, NULL, "lr", (gr_estimate){gr_entry_number(point, "lr"), NAN, NAN});
    }
    for (int g = 0; g < j->e->groups; g++) {
        double loss = rung_loss(j, *w, j->e->group[g].name);
        if (isfinite(loss))
            json_object_set_new(rung, j->e->group[g].name, json_real(loss));
    }
    return rung;
}

/* Attacks that are measured at several strengths, in the order of their values. */
static void put_ladders(json_t *model, const job *j, int arm, int point, int knob) {
    for (int a = 0; a < j->attacks; a++) {
        json_t *ladder = json_array();
        const int rungs = gr__rows_rungs(j->def, j->attack[a]);
        for (int r = rungs - 1; r >= 0 && rungs > 1; r--) {
            json_t *rung = rung_of(j, &(gr__whose){arm, point, 0, knob, j->attack[a], r});
            if (rung)
                json_array_append_new(ladder, rung);
        }

        char *key = gr_format("%s_ladder", j->done[a]);
        if (json_array_size(ladder) > 0)
            json_object_set(model, key, ladder);
        gr_free(key);
        json_decref(ladder);
    }
}

/* Operations of the training, and tokens and operations of the rows that each region was trained on; of the first seed.
 * Rows of earlier versions do not say. */
static void put_effort(json_t *model, const job *j, const gr__whose *w, const gr_entry *row) {
    json_t *regions = json_object();
    const gr_entry *region;
    if (isfinite(gr_entry_number(row, "flops")))
        json_object_set_new(model, "flops", json_real(gr_entry_number(row, "flops")));

    /* Region by region. */
    for (int i = 0; (region = gr__rows_next(j->def, w, "region", i)); i++) {
        const char *name = gr_entry_text(region, "name");
        if (!name || !isfinite(gr_entry_number(region, "flops")))
            continue;
        json_t *of = json_pack("{s:f}", "flops", gr_entry_number(region, "flops"));
        put_count(of, "tokens", region, "tokens");
        json_object_set_new(regions, name, of);
    }
    if (json_object_size(regions))
        json_object_set(model, "regions", regions);
    json_decref(regions);
}

/* Text of each label that the training read; of the first seed. Rows of earlier versions do not say. */
static void put_read(json_t *model, const job *j, const gr__whose *w) {
    json_t *read = json_object();
    const gr_entry *row;
    for (int i = 0; (row = gr__rows_next(j->def, w, "read", i)); i++) {
        json_t *of = json_object();
        const char *name = gr_entry_text(row, "name");
        put_count(of, "tokens", row, "tokens");
        put_count(of, "hidden", row, "hidden");
        json_object_set_new(read, name ? name : "", of);
    }
    if (json_object_size(read))
        json_object_set(model, "read", read);
    json_decref(read);
}

void gr__result_model(json_t *model, const job *j, int arm, int point, int knob) {
    const gr_entry *row = gr__rows_find(j->def, &(gr__whose){arm, point, 0, knob, NULL, 0}, "model", NULL);

    /* What it cost, of one that was trained; views have no tokens of their own. */
    if (row && isfinite(gr_entry_number(row, "tokens"))) {
        double seconds = seconds_of(j, arm, point, knob), tokens = 0;
        for (int s = 0; s < j->def->seeds; s++) {
            const gr_entry *one = gr__rows_find(j->def, &(gr__whose){arm, point, s, knob, NULL, 0}, "model", NULL);
            tokens += one ? gr_entry_number(one, "tokens") : 0;
        }
        json_object_set_new(model, "seconds", json_real(seconds));
        json_object_set_new(model, "tokens_per_s", json_real(seconds > 0 ? tokens / seconds : 0));
        put_count(model, "tokens", row, "tokens");
        put_count(model, "parameters", row, "parameters");
        put_effort(model, j, &(gr__whose){arm, point, 0, knob, NULL, 0}, row);
    }
    put_made(model, j, arm, point, knob);
    put_read(model, j, &(gr__whose){arm, point, 0, knob, NULL, 0});
    put_found(model, j, &(gr__whose){arm, point, 0, knob, NULL, 0});
    put_right(model, j, arm, point, knob);
    put_attacks(model, j, arm, point, knob);
    put_ladders(model, j, arm, point, knob);
}

/* ---- the data ---- */

/* Counts by name out of rows of one kind. */
static json_t *counts(const job *j, const gr__whose *w, const char *kind, const char *key) {
    json_t *to = json_object();
    const gr_entry *row;
    for (int i = 0; (row = gr__rows_next(j->def, w, kind, i)); i++) {
        const char *name = gr_entry_text(row, "name");
        if (name)
            put_count(to, name, row, key);
    }
    return to;
}

/* Of the first seed: which documents are held out differs from seed to seed, how many hardly. */
static void put_data(json_t *to, const job *j, int point) {
    static const char *const keys[] = {"documents", "read", "duplicates", "train", "validation", "test"};
    const gr__whose w = {-1, point, 0, 0, NULL, 0};
    const gr_entry *row = gr__rows_find(j->def, &w, "data", NULL);
    if (!row)
        return;
    json_t *data = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put_count(data, keys[i], row, keys[i]);
    json_object_set_new(data, "used_fallback", json_boolean(gr_entry_number(row, "used_fallback") > 0));
    put_count(data, "vocab", row, "vocab");
    const char *counted = gr_entry_text(row, "counted");
    const char *unit = gr_entry_text(row, "unit");
    json_object_set_new(data, "counted", gr_json_text(counted && *counted ? counted : "documents"));
    json_object_set_new(data, "unit", gr_json_text(unit ? unit : "nats per token"));

    /* Of each group, and how many of each label training is told of. */
    json_object_set_new(data, "groups", counts(j, &w, "group", "documents"));
    json_object_set_new(data, "known", counts(j, &w, "label", "known"));
    json_object_set_new(to, "data", data);
}

/* ---- attacks and sizes ---- */

/* What an attack was made of, by the first arm that has it. */
static void put_attack(json_t *to, const job *j, int point, const gr_attack *attack) {
    static const char *const keys[] = {"documents", "tokens", "steps"};
    const gr_entry *row = NULL;
    for (int m = 0; m < j->e->arms && !row; m++)
        row = gr__rows_find(j->def, &(gr__whose){m, point, 0, 0, attack, 0}, "point", NULL);
    if (!row)
        return;
    json_t *made = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put_count(made, keys[i], row, keys[i]);
    json_object_set_new(to, attack->name, made);
}

/* Sizes of the model that is asked about. */
static void put_parameters(json_t *to, const job *j, int point) {
    const gr__whose w = {j->subject, point, 0, 0, NULL, 0};
    const gr_entry *row = j->subject >= 0 ? gr__rows_find(j->def, &w, "model", NULL) : NULL;
    if (!row)
        return;
    json_t *parameters = json_object();
    put_count(parameters, "core", row, "core");
    json_object_set_new(parameters, "regions", counts(j, &w, "region", "parameters"));
    json_object_set_new(to, "parameters", parameters);
}

/* ---- prompts ---- */

/* Each prompt with what the arms make of it, by their names; of the first seed. */
static void put_completions(json_t *to, const job *j, int point) {
    json_t *list = json_array();
    for (int m = 0; m < j->e->arms; m++) {
        const gr__whose w = {m, point, 0, 0, NULL, 0};
        const gr_entry *row;
        for (int i = 0; (row = gr__rows_next(j->def, &w, "text", i)); i++) {
            const char *prompt = gr_entry_text(row, "prompt"), *text = gr_entry_text(row, "text");
            if (json_array_size(list) <= (size_t)i)
                json_array_append_new(list, json_pack("{s:o}", "prompt", gr_json_text(prompt ? prompt : "")));
            json_object_set_new(json_array_get(list, (size_t)i), j->e->arm[m].name, gr_json_text(text ? text : ""));
        }
    }
    json_object_set_new(to, "completions", list);
}

/* ---- times ---- */

/* Of all cells at this point; tokens per second of the trainings alone. */
static void put_times(json_t *to, const job *j, int point) {
    double seconds = 0, tokens = 0, trained = 0;
    for (size_t i = 0; i < j->def->count; i++) {
        const gr__result_rows *r = &j->def->rows[i];
        const gr_entry *model = gr_ledger_find(r->rows, "model", NULL);
        if (r->point != point)
            continue;

        /* Tokens of what was trained by seconds of it. */
        seconds += r->seconds;
        if (model && isfinite(gr_entry_number(model, "tokens"))) {
            tokens += gr_entry_number(model, "tokens");
            trained += r->seconds;
        }
    }
    json_object_set_new(to, "seconds", json_real(seconds));
    json_object_set_new(to, "tokens_per_s", json_real(trained > 0 ? tokens / trained : 0));
}

void gr__result_data(json_t *to, const job *j, int point) {
    put_times(to, j, point);
    put_parameters(to, j, point);
    put_data(to, j, point);
    for (int a = 0; a < j->attacks; a++)
        put_attack(to, j, point, j->attack[a]);
    put_completions(to, j, point);
}

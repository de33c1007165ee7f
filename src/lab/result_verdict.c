/* What a reader must know of the figures of a result: flags, the scale, and the sentence above all. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "io/json.h"
#include "lab/result.h"
#include "lab/verdict.h"

typedef gr__result_job job;

/* ---- flags ---- */

static bool is_true(const gr_entry *row, const char *key) { return row && gr_entry_number(row, key) > 0; }

/* Whether there may be text of a label that the scale was trained on: labels that a rule finds, or hidden ones without
 * a model that was told of them. Of the first seed: it is a matter of the recipe. */
static bool known_labels_only(const job *j, int point) {
    const gr_entry *data = gr__rows_find(j->def, &(gr__whose){-1, point, 0, 0, NULL, 0}, "data", NULL);
    const gr__whose scale = {j->one[point], point, 0, 0, NULL, 0};
    const gr_entry *one = scale.arm >= 0 ? gr__rows_find(j->def, &scale, "model", NULL) : NULL;
    return is_true(data, "rule") || (is_true(data, "hidden") && !is_true(one, "by_truth"));
}

/* Whether an arm is what is asked about, or made of it. */
static bool is_subject(const job *j, int arm) {
    while (arm >= 0 && arm != j->subject)
        arm = gr__parent_of(j->e, arm);
    return arm >= 0;
}

/* A figure by its name of the subject, or of what goes on from it, before any attack; NaN: there is none. */
static double of_subject(const job *j, const json_t *to, const char *name) {
    for (int f = 0; f < j->e->figures; f++) {
        const gr_figure_def *def = &j->e->figure[f];
        const json_t *value = json_object_get(to, def->key);
        if (def->figure && !strcmp(def->figure->name, name) && !def->after && !def->group && def->minus < 0 &&
            is_subject(j, def->of))
            return json_is_number(value) ? json_number_value(value) : NAN;
    }
    return NAN;
}

/* The loss of an arm on retain text, over seeds and before any attack, out of its model in the result; NaN: none. */
static double retain_of(const job *j, const json_t *to, int arm) {
    const json_t *model = arm >= 0 ? json_object_get(json_object_get(to, "models"), j->e->arm[arm].name) : NULL;
    const json_t *loss = json_object_get(model, "retain");
    return json_is_number(loss) ? json_number_value(loss) : NAN;
}

/* Whether the subject, or what goes on from it, is so much worse than the model for 0 on text that it was to keep, that
 * what it lost of the topic is no sign of forgetting. */
static bool collapsed(const job *j, const json_t *to, int point) {
    const double most = 0.3, zero = retain_of(j, to, j->zero[point]);
    for (int a = 0; a < j->e->arms; a++)
        if (is_subject(j, a) && retain_of(j, to, a) > zero + most)
            return true;
    return false;
}

/* ---- words of templates ---- */

typedef struct word_list {
    gr__word *word;
    int count;
    size_t room;
} word_list;

/* Takes both strings. */
static void add_word(word_list *l, char *name, char *text) {
    GR_PUSH(l->word, l->count, l->room) = (gr__word){name, text};
}

/* Options of the attacks, as the rows of the first arm have them that was attacked. */
static void add_options(word_list *l, const job *j, const gr_attack *attack, int point) {
    const gr_entry *row = NULL;
    for (int m = 0; m < j->e->arms && !row; m++)
        row = gr__rows_find(j->def, &(gr__whose){m, point, 0, 0, attack, 0}, "point", NULL);
    for (const gr_setting *o = attack->option; row && o && o->kind != GR_SETTING_NONE; o++) {
        char text[64];
        const char *word = gr_entry_text(row, o->key);
        double number = gr_entry_number(row, o->key);
        if (!isnan(number))
            gr__print(text, sizeof text, "%.15g", number);
        if (word || !isnan(number))
            add_word(l, gr_format("%s.%s", attack->name, o->key), gr_strdup(word ? word : text));
    }
}

/* Words that texts of a verdict may name beside figures. */
static word_list words_of(const job *j, const json_t *to, int point) {
    const json_t *data = json_object_get(to, "data");
    const char *counted = json_string_value(json_object_get(data, "counted"));
    const char *unit = json_string_value(json_object_get(data, "unit"));
    word_list l = {0};
    bool least = isfinite(j->def->least) && j->def->least > 0;
    add_word(&l, gr_strdup("least"),
             least ? gr_format(" and at least %.2f %s", j->def->least, unit ? unit : "nats per token") : gr_strdup(""));
    add_word(&l, gr_strdup("unit"), gr_strdup(counted ? counted : "documents"));
    for (int a = 0; a < j->attacks; a++)
        add_options(&l, j, j->attack[a], point);
    add_word(&l, NULL, NULL);
    return l;
}

/* Names and texts of the words. */
static void words_free(word_list *l) {
    for (int i = 0; i < l->count; i++) {
        gr_free((char *)l->word[i].name);
        gr_free((char *)l->word[i].text);
    }
    gr_free(l->word);
}

/* ---- all of it ---- */

void gr__result_verdict(json_t *to, const job *j, int point) {
    if (!j->e->verdict.missing)
        return;
    const int one = j->one[point];
    json_object_set_new(to, "scale", one >= 0 ? gr_json_text(j->e->arm[one].name) : json_null());
    json_object_set_new(to, "known_labels_only", json_boolean(known_labels_only(j, point)));

    /* Removal above 1 that other text pays for is damage (docs/measures.md). */
    json_object_set_new(to, "damage",
                        json_boolean(of_subject(j, to, "removal") > 1 && of_subject(j, to, "tax_off") > 0.1));

    json_object_set_new(to, "collapsed", json_boolean(collapsed(j, to, point)));

    /* Figures and flags are there: the sentence takes them from the object. */
    word_list words = words_of(j, to, point);
    char *text = gr__verdict_fill(&j->e->verdict, to, words.word);
    json_object_set_new(to, "verdict", gr_json_text(text));
    gr_free(text);
    words_free(&words);
}

/* Experiments as they are read: every value is checked, and what is wrong is said with its place and a hint; shipped
 * ones and resolved ones are read. */
#include <math.h>
#include <stdlib.h>

#include "experiment_helpers.h"
#include "io/yaml.h"

/* The error of a text, in full; its place is "LINE:COLUMN". */
static void assert_refused(const char *text, const char *place, const char *words) {
    gr_error err = {0};
    gr_experiment *e = (gr_experiment *)&err;
    gr_status status = gr_experiment_parse(&e, text, strlen(text), "e.yaml", NULL, registry, &err);
    if (status == GR_OK)
        fail_msg("accepted, and should say: %s", words);
    assert_null(e);
    char *full = gr_format("e.yaml:%s", place);
    gr_test_error(&err, full, words);
    gr_free(full);
}

/* A slip is made by replacing a piece of the text; the error is where `at` stands, which is there once, and says the
 * words and the hint. */
typedef struct slip {
    const char *from, *to, *at, *words, *hint;
} slip;

/* "LINE:COLUMN" of a piece of a text. */
static char *place_of(const char *text, const char *piece) {
    const char *at = strstr(text, piece);
    if (!at || strstr(at + 1, piece))
        fail_msg("'%s' is not there once", piece);
    int line = 1, column = 1;
    for (const char *c = text; c < at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    return gr_format("%d:%d", line, column);
}

static void assert_slips(const slip *slips, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *text = changed(slips[i].from, slips[i].to), *place = place_of(text, slips[i].at);
        assert_refused(text, place, slips[i].words);
        assert_refused(text, place, slips[i].hint);
        gr_free(place);
        gr_free(text);
    }
}
#define ASSERT_SLIPS(slips) assert_slips(slips, sizeof slips / sizeof *slips)

static void the_small_one_is_read(void **state) {
    (void)state;
    gr_experiment *e = parsed(small);
    assert_string_equal(e->name, "small");
    assert_true(e->arms == 4 && e->axes == 1 && e->seeds == 1 && e->figures == 1 && e->claims == 1 && e->uses == 2);
    assert_true(e->zero == 2 && e->subject == 0 && e->ones == 1 && e->one[0] == 3);
    assert_true(e->arm[1].from == &e->arm[0] && e->arm[0].fixed && !e->arm[1].fixed);
    assert_string_equal(e->arm[0].knob.path, "set.preset\\.p_cr");
    assert_true(e->figure[0].of == 1 && e->figure[0].minus == -1 && !e->figure[0].after && !e->figure[0].group);
    assert_ptr_equal(e->figure[0].figure, gr_registry_figure(registry, "removal_specific"));
    assert_string_equal(e->figure[0].title, "gone");
    assert_true(e->claim[0].primary && e->claim[0].at_least == 0.3 && isnan(e->claim[0].at_most));
    assert_ptr_equal(e->verdict.lead.figure, &e->figure[0]);
    assert_true(e->units == GR_UNITS_BUCKETS && e->keep_models == GR_KEEP_ALL && !e->keep_checkpoints);
    assert_null(e->base);
    assert_null(e->base_file);
    gr_experiment_free(e);
}

/* What the small one leaves out. */
static void every_other_key_is_read(void **state) {
    (void)state;
    gr_experiment *e = parsed(
        "experiment: e\nquestion: 'why?'\nneeds: document_labels\nseeds: 3\nset: {train.steps: 4, train: {lr: 1}}\n"
        "only: b\nvalues: {x: [r, p]}\naxes: {x: {p: {}, q: {}, r: {a.b: 1}}}\n"
        "arms:\n  a: {train: {set: {z: {knob: [1, 2]}}}, title: A, note: an arm, shown: a, when: asked, at: {x: q}}\n"
        "  b: {train: }\nroles: {zero: b, one: [b, a]}\nsuggest: a\n"
        "groups: {forget: {label: oak}, t: {topic: noun.plant}, h: {hidden: oak, optional: true}, retain: retain}\n"
        "measures: {loss: {of: [a, b]}, complete: {of: b, tokens: 7}}\nattacks: {relearn: {of: [b, a]}}\n"
        "figures: [{key: v, figure: value, measure: complete, field: text, group: t, of: b, title: T, note: N}]\n"
        "claims: [{primary: true, say: s, figure: removal, of: a, minus: b, ratio: true, matched: {tax_on: 0.5},\n"
        "          at: {x: [p, q]}, group: h, after: relearn, at_most: -1}]\n"
        "keep: {units: documents, models: needed, checkpoints: true}\ndiverged: row\n");
    assert_string_equal(e->question, "why?");
    assert_true(e->needs == 1 && e->seeds == 3 && e->sets == 2 && e->onlys == 1 && e->only[0] == 1 && e->suggests == 1);
    assert_string_equal(e->need[0], "document_labels");
    assert_true(e->axis[0].runs == 2 && e->axis[0].run[0] == 2 && e->axis[0].run[1] == 0 && e->axis[0].sets[2] == 1);

    /* The arm. */
    assert_string_equal(e->arm[0].title, "A");
    assert_string_equal(e->arm[0].note, "an arm");
    assert_string_equal(e->arm[0].shown, "a");
    assert_string_equal(e->arm[0].when, "asked");
    assert_true(e->arm[0].ats == 1 && e->arm[0].at[0].axis == 0 && e->arm[0].at[0].value == 1);
    assert_true(e->zero == 1 && e->subject == -1 && e->ones == 2 && e->one[0] == 1 && e->one[1] == 0);

    /* Groups and what is taken of them. */
    assert_true(e->group[0].kind == GR_GROUP_LABEL && e->group[1].kind == GR_GROUP_TOPIC);
    assert_true(e->group[2].kind == GR_GROUP_HIDDEN && e->group[2].optional && e->group[3].kind == GR_GROUP_RETAIN);
    assert_string_equal(e->group[1].of, "noun.plant");
    assert_true(e->uses == 3 && e->use[1].arms == 1 && e->use[1].arm[0] == 1 && e->use[2].attack && !e->use[2].measure);

    /* Figure and claim. */
    const gr_claim *c = &e->claim[0];
    assert_string_equal(e->figure[0].title, "T");
    assert_string_equal(e->figure[0].note, "N");
    assert_string_equal(e->figure[0].measure, "complete");
    assert_string_equal(e->figure[0].group, "t");
    assert_true(c->primary && c->ratio && c->tolerance == 0.5 && c->ats == 2 && c->at_most == -1 && isnan(c->at_least));
    assert_true(c->what.of == 0 && c->what.minus == 1 && isnan(c->about) && isnan(c->within) && !c->what.key);
    assert_string_equal(c->matched, "tax_on");
    assert_string_equal(c->what.group, "h");
    assert_ptr_equal(c->what.after, gr_registry_attack(registry, "relearn"));
    assert_true(e->units == GR_UNITS_DOCUMENTS && e->keep_models == GR_KEEP_NEEDED && e->keep_checkpoints);
    assert_true(e->diverged_is_a_row);
    gr_experiment_free(e);
}

/* ---- what is refused ---- */

static void unknown_words_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"arms:\n", "amrs:\n", "amrs", "unknown key 'amrs'", "did you mean 'arms'?"},
        {"experiment: small", "experimant: small", "experimant", "unknown key 'experimant'",
         "did you mean 'experiment'?"},
        {"plain: {train:", "plain: {trian:", "trian", "no method is called 'trian'", "did you mean 'train'?"},
        {"fixed: true", "fixd: true", "fixd", "no key of an arm is called 'fixd'", "did you mean 'fixed'?"},
        {"routes: none", "ruotes: none", "ruotes", "unknown key 'ruotes'", "did you mean 'routes'?"},
        {"routes: none", "routes: nnone", "nnone", "routes is 'nnone'", "did you mean 'none'?"},
        {"without: revealed", "without: reveled", "reveled", "without is 'reveled'", "did you mean 'revealed'?"},
        {"zero: plain", "zero: plane", "plane", "no arm is called 'plane'", "did you mean 'plain'?"},
        {"zero: plain", "zreo: plain", "zreo", "unknown key 'zreo' in roles", "did you mean 'zero'?"},
        {"of: [routed, routed_off", "of: [routde, routed_off", "routde", "no arm is called 'routde'", "'routed'?"},
        {"{loss:", "{los:", "los:", "no measure is called 'los'", "did you mean 'loss'?"},
        {"{relearn:", "{relaern:", "relaern", "no attack is called 'relaern'", "did you mean 'relearn'?"},
        {"documents: [8", "document: [8", "document", "unknown key 'document'", "did you mean 'documents'?"},
        {"removal_specific", "removal_specifc", "removal_specifc", "no figure is called 'removal_specifc'",
         "'removal_specific'?"},
        {"key: gone", "keys: gone", "keys", "unknown key 'keys' in figures[0]", "did you mean 'key'?"},
        {"of: routed_off, at", "of: routedoff, at", "routedoff", "no arm is called 'routedoff'",
         "did you mean 'routed_off'?"},
        {"at_least", "at_lest", "at_lest", "unknown key 'at_lest' in claims[0]", "did you mean 'at_least'?"},
        {"at_least", "group: forgot, at_least", "forgot", "no group is called 'forgot'", "did you mean 'forget'?"},
        {"at_least", "after: relern, at_least", "relern", "no attack is called 'relern'", "did you mean 'relearn'?"},
        {"any_label", "any_labels", "any_labels", "groups.forget is 'any_labels'", "did you mean 'any_label'?"},
        {"lead: {figure: gone", "lead: {figure: gnoe", "gnoe", "no figure is called 'gnoe'", "did you mean 'gone'?"},
        {"when: labels}\n  filtered", "when: label}\n  filtered", "label}", "no fact is called 'label'", "'labels'?"},
        {"known: [half]", "known: [hlaf]", "hlaf", "no value of axis known is called 'hlaf'", "did you mean 'half'?"},
        {"{known: [half]}", "{konwn: [half]}", "konwn", "no axis is called 'konwn'", "did you mean 'known'?"},
        {"arms: [routed]", "arms: [ruoted]", "ruoted", "no arm is called 'ruoted'", "did you mean 'routed'?"},
        {"{seeds: 5", "{seed: 5", "seed: 5", "unknown key 'seed' in presets.quick", "did you mean 'seeds'?"},
        {"experiment: small\n", "experiment: small\nneeds: [label]\n", "[label", "no fact is called 'label'",
         "'labels'?"},
        {"presets", "keep: {unit: documents}\npresets", "unit", "unknown key 'unit' in keep", "did you mean 'units'?"},
    };
    ASSERT_SLIPS(slips);
}

static void arms_that_cannot_be_made_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"{from: routed, ablate", "{from: routd, ablate", "routd", "no arm is called 'routd'",
         "did you mean 'routed'?"},
        {"{from: routed, ablate", "{from: routed_off, ablate", "routed_off, ab",
         "arm routed_off goes on from itself: routed_off -> routed_off", "made from the seed"},
        {"{from: routed, ablate: {regions: all}}\n",
         "{from: b, ablate: {}}\n  a: {from: routed_off, ablate: {}}\n  b: {from: a, ablate: {}}\n", "b, ",
         "arm routed_off goes on from itself: routed_off -> b -> a -> routed_off", "made from the seed"},
        {"{from: routed, ablate", "{ablate", "{ablate", "arm routed_off goes on from another by ablate, and names none",
         "from: ARM"},
        {"plain: {train", "plain: {from: routed, train", "routed, t",
         "train makes a model from the seed, and arm plain has a parent", "leave `from` out"},
        {"plain: {train: {routes: none}", "plain: {title: nothing", "{title", "arm plain has no method", "{METHOD:"},
        {"plain: {train: {routes: none}", "plain: {train: {}, rmu: {}", "rmu",
         "arm plain has two methods, train and rmu", "an arm is made by one method"},
        {"plain: {train: {routes: none}, when: labels}", "plain: []", "[]\n", "arms.plain is a list, expected a map",
         ""},
    };
    ASSERT_SLIPS(slips);
    assert_refused("experiment: none\narms: {}\n", "2:7", "the experiment has no arms");
    assert_refused("experiment: none\n", "1:1", "the experiment has no arms");
    assert_refused("arms: {a: {train: {}}}\n", "1:1", "the experiment has no name");
}

/* All arms of a point are compared on the same documents: what decides those is set by axes alone. */
static void arms_do_not_choose_their_documents(void **state) {
    (void)state;
    static const char *const keys[] = {"data.context: 64", "data: {context: 64}", "labels.a.known: 0.5",
                                       "labels: {a: {}}",  "adjacent: [x]",       "split_seed: 2",
                                       "task: other"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *key = gr_strdup(keys[i]), *set = gr_format("train: {set: {train.lr: 1, %s}}, when", keys[i]);
        *strchr(key, ':') = 0;
        char *text = changed("train: {routes: none}, when", set), *words = gr_format("an arm sets %s", key),
             *place = gr_format("6:%d", 40 + (int)strlen(key));
        assert_refused(text, place, words);
        assert_refused(text, place, "set it by an axis");
        gr_free(place);
        gr_free(words);
        gr_free(text);
        gr_free(set);
        gr_free(key);
    }

    /* What only begins so is another key. */
    char *text = changed("train: {routes: none}, when", "train: {set: {order_seed: 2, database: 1, split.a: 1}}, when");
    gr_experiment_free(parsed(text));
    gr_free(text);
}

static void names_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"small\n", "'sm all'\n", "'sm", "'sm all' cannot be the name of an experiment", "use letters"},
        {"plain: {train", "\"pl/ain\": {train", "\"pl/ain", "'pl/ain' cannot be the name of an arm", "use letters"},
        {"plain: {train", "-x: {train", "-x: ", "'-x' cannot be the name of an arm", "not first"},
        {"plain: {train", "cells: {train", "cells", "'cells' means something else already: no name for an arm",
         "choose another name"},
        {"plain: {train", "Work: {train", "Work", "'Work' means something else already", "choose another name"},
        {"plain: {train", "data: {train", "data", "'data' means something else already", "choose another name"},
        {"plain: {train", "arms: {train", "arms: {train", "'arms' means something else already", "choose another name"},
        {"{known: {all", "{seed: {all", "seed: {all", "'seed' means something else already: no name for an axis",
         "another"},
        {"{all: {", "{1.0: {", "1.0: {", "'1.0' cannot be the name of a value of an axis", "use letters"},
        {"{forget:", "{'for get':", "'for get'", "'for get' cannot be the name of a group", "use letters"},
        {"{forget:", "{tokens:", "tokens", "'tokens' means something else already", "choose another name"},
        {"{quick: {", "{'q k': {", "'q k'", "'q k' cannot be the name of a preset", "use letters"},
        {"key: gone", "key: 'a b'", "'a ", "'a b' cannot be the name of a figure", "use letters"},
    };
    ASSERT_SLIPS(slips);
}

static void knobs_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"fixed: true", "fixed: true}\n  two: {from: routed, rmu: {lr: {knob: [0.1]}, target: {knob: [1]}}",
         "{knob: [1", "two options have a knob, lr and target", "write two arms"},
        {"{knob: [0.25, 0.5]}", "{knob: []}", "[]}", "the knob set.preset\\.p_cr has no values", "{knob: [VALUE, ..]}"},
        {"{knob: [0.25, 0.5]}", "{knob: 0.25}", "0.25", "set.preset.p_cr.knob is '0.25', expected a list", ""},
        {"{knob: [0.25, 0.5]}", "{knob: [1], base: 2}", "{knob", "has a knob and other keys beside it", "nothing else"},
        {"{regions: all}", "{how: {knob: [switch, remove]}}", "{from",
         "arm routed_off has a knob, how, and so has arm routed, which it goes on from", "none of its own"},
        {"{regions: all}", "{knob: [1]}", "knob: [1", "unknown key 'knob'", ""},
        {"{without: revealed}", "{without: {knob: [revealed, reveled]}}", "reveled", "without is 'reveled'",
         "'revealed'?"},
        {"of: [routed_off, plain, filtered], documents: [8, 16]", "of: [plain], steps: {knob: [1, 2]}", "{knob: [1",
         "steps is a map, expected an integer", ""},
    };
    ASSERT_SLIPS(slips);
}

static void axes_and_presets_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"{all: {labels.a.known: 1.0}, half: {labels.a.known: 0.5}}", "{}", "{}}", "axis known has no values",
         "{VALUE: {KEY: VALUE}, ..}"},
        {"known: [half]", "known: []", "[]}", "axis known has no values here", "leave the axis out"},
        {"known: [half]", "known: [half, all, half]", "half]", "axis known has the value half twice", "name it once"},
        {"{seeds: 5", "{seeds: 0", "0, ", "presets.quick.seeds is '0', expected an integer from 1 to 1000", ""},
        {"[routed], set", "[routed, routed], set", "routed]", "the arm routed stands here twice", "name it once"},
        {"{all: {labels.a.known: 1.0}", "{all: 1", "1, ", "axes.known.all is '1', expected a map", ""},
        {"set: {seed: 3}", "set: [seed]", "[seed", "presets.tiny.set is a list, expected a map", ""},
    };
    ASSERT_SLIPS(slips);

    gr_error err = {0};
    gr_experiment *e;
    assert_int_equal(gr_experiment_parse(&e, small, strlen(small), "e.yaml", "quik", registry, &err), GR_ERR_USAGE);
    gr_test_error(&err, "e.yaml:15:10", "no preset is called 'quik'");
    assert_string_equal(err.hint, "did you mean 'quick'?");

    /* Of the preset that is chosen as of the others. */
    err = (gr_error){0};
    char *text = changed("known: [half]", "known: []");
    assert_int_equal(gr_experiment_parse(&e, text, strlen(text), "e.yaml", "quick", registry, &err), GR_ERR_USAGE);
    gr_test_error(&err, "e.yaml:15:43", "axis known has no values here");
    gr_free(text);

    /* 11^4 points. */
    char *many = gr_strdup("experiment: e\narms: {a: {train: {}}}\naxes:\n");
    for (int i = 0; i < 4; i++) {
        char *longer = gr_format(
            "%s  x%d: {a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}, h: {}, i: {}, j: {}, k: {}}\n", many, i);
        gr_free(many);
        many = longer;
    }
    assert_refused(many, "4:3", "the axes have more than 10000 points");
    gr_free(many);
}

static void figures_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"figures: [{key: gone, figure", "figures: [{key: gone, group: retain, fig", "fig:", "unknown key 'fig'",
         "figure"},
        {"figures: [{", "figures: [{key: gone, figure: removal, of: plain}, {", "gone, figure: removal_",
         "two figures have the key gone", "choose another key"},
        {"{key: gone, fig", "{key: models, fig", "models", "'models' means something else already", "choose another"},
        {"{key: gone, fig", "{key: relearn, fig", "relearn, fig", "a figure and an attack are called relearn",
         "choose another key"},
        {"{key: gone, figure: removal_specific, of: routed_off}", "{key: gone, figure: removal_specific}", "{key",
         "there is none that it is of", "of"},
        {"{key: gone, figure: removal_specific, of: routed_off}", "{key: gone, figure: gap_specific, of: plain}",
         "plain}", "figure gap_specific is of the roles alone", "leave `of` out"},
        {"zero: plain, ", "", "{key", "there is none in the role zero", "roles: {zero: ARM"},
        {", one: filtered", "", "{key", "there is none in the role one", "roles: {zero: ARM"},
        {", retain: retain", "", "{key", "no group is called 'retain'", "forget"},
        {"[routed, routed_off, plain, filtered]", "[routed, routed_off, plain]", "{key",
         "loss is not taken of arm filtered", "add the arm to its `of`"},
        {"{loss: {of: [routed, routed_off, plain, filtered]}}", "{}", "{key", "of rows of loss, which is not taken",
         "add"},
        {"at_least", "after: relearn, minus: routed, at_least", "{primary", "relearn is not taken of arm routed",
         "add"},
        {"figure: removal_specific, of: routed_off}", "figure: savings, of: routed_off}", "{key",
         "figure savings is of what an attack brings back", "after: relearn"},
        {"figure: removal_specific, of: routed_off}", "figure: savings, of: routed_off, after: relearn}", "{key",
         "with 32 documents, and it is not made with so many", "documents: [8, 16, 32, 64]"},
        {"zero: plain, ", "zero: plain, never_trained: rooted, ", "rooted", "no arm is called 'rooted'", "routed"},
        {"{key: gone", "{key: none, figure: value, of: plain}, {key: gone", "{key: n",
         "a value takes a measure, a field", "{figure: value"},
        {"{key: gone", "{key: n, figure: value, measure: lss, field: x, of: plain}, {key: gone", "lss",
         "no measure is called 'lss'", "did you mean 'loss'?"},
        {"{key: gone", "{key: n, figure: value, measure: accuracy, field: x, of: plain}, {key: gone", "{key: n",
         "of rows of accuracy, which is not taken", "add it to measures"},
        {"{key: gone", "{key: gone, field: mean", "{key", "figure removal_specific is of losses", "figure: value"},
        {"{key: gone", "{key: gone, measure: lss", "lss", "no measure is called 'lss'", "did you mean 'loss'?"},
        {"{key: gone", "{key: gone, measure: complete", "complete", "rows of complete are none", "figure: value"},
        {"{key: gone", "{key: gone, measure: shared", "{key", "of rows of shared, which is not taken", "add it to"},
        {"{key: gone", "{key: gone, after: relearn, measure: shared", "relearn, m",
         "those of `loss`, and not of shared", "leave one"},
    };
    ASSERT_SLIPS(slips);
}

static void claims_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"claims: [", "claims: [{primary: true, say: so, figure: removal, of: plain, at_most: 1}, ",
         "{primary: true, say: i", "two claims are primary, 'so' and 'it works'", "one of them is primary"},
        {"primary: true, say", "primary: false, say", "[{primary", "none of the claims is primary", "primary: true"},
        {"say: it works, ", "", "{primary", "a claim does not say what is claimed", "say: TEXT"},
        {", at_least: 0.3", "", "{primary", "a claim compares with nothing", "at_least: A, at_most: A, or within: W"},
        {"at_least: 0.3", "at_least: 0.3, at_most: 0.5", "{primary", "a claim compares in 2 ways, expected one",
         "one of"},
        {"at_least: 0.3", "at_least: 0.3, within: 0.5", "{primary", "a claim compares in 2 ways, expected one",
         "one of"},
        {"at_least: 0.3", "about: 0.3", "{primary", "a claim compares with nothing", "within: W"},
        {"at_least: 0.3", "at_least: 0.3, about: 0.3", "0.3}", "a claim says about what, and not within what",
         "within"},
        {"at_least: 0.3", "within: 0", "0}]", "within is '0', expected a finite number above 0", ""},
        {"at_least: 0.3", "at_least: much", "much", "at_least is 'much', expected a finite number", ""},
        {"at_least: 0.3", "at_least: 0.3, ratio: true", "true}]", "a ratio takes two arms", "minus: ARM"},
        {"at_least: 0.3", "minus: plain, at_least: 0.3, variation: true", "true}]",
         "the variation over seeds is of one arm", "a claim for each"},
        {"at_least: 0.3", "at_least: 0.3, matched: {tax_off: 0.1}", "{tax_off", "one arm alone is not matched",
         "minus: ARM"},
        {"of: routed_off, at_least: 0.3", "of: plain, minus: filtered, matched: {tax_off: 0.1}, at_least: 0.3",
         "{tax_off", "neither arm plain nor arm filtered has a knob", "{knob: [VALUE, ..]}"},
        {"at_least: 0.3", "minus: plain, matched: {tax_of: 0.1}, at_least: 0.3",
         "tax_of: ", "no figure is called 'tax_of'", "did you mean 'tax_off'?"},
        {"at_least: 0.3", "minus: plain, matched: {tax_off: 0}, at_least: 0.3", "0}, a", "tax_off is '0'", ""},
        {"at_least: 0.3", "minus: plain, matched: {}, at_least: 0.3", "{},", "0 figures are to be matched", "matched:"},
        {"at_least: 0.3", "minus: routed_off, at_least: 0.3", "routed_off, a", "a difference takes two arms",
         "minus: ANOTHER"},
        {"at_least: 0.3", "at: {known: some}, at_least: 0.3", "some", "no value of axis known is called 'some'", "all"},
        {"figure: removal, of: routed_off, at_least", "at_least", "{primary", "no figure is named", "figure:"},
    };
    ASSERT_SLIPS(slips);
}

static void other_sections_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"any_label", "{label: a, topic: b}", "{label:", "group forget is said in 2 ways, expected one",
         "one of label"},
        {"any_label", "{optional: true}", "{optional", "group forget is said in 0 ways, expected one", "one of label"},
        {"{of: [routed, routed_off, plain, filtered]}", "{}", "{}}", "loss says of no arm that it is taken of it",
         "of:"},
        {"[routed, routed_off, plain, filtered]", "[]", "[]}", "loss is taken of no arm", "of:"},
        {"[8, 16]", "[-8]", "-8]", "documents[0] is '-8', expected an integer from 0", ""},
        {"one: filtered", "one: []", "[]}", "one is an empty list", "leave it out"},
        {"presets", "suggest: []\npresets", "[]\n", "suggest is an empty list", "leave it out"},
        {"presets", "base: ''\npresets", "''\n", "base is empty, expected the file of a recipe", ""},
        {"presets", "diverged: no_stop\npresets", "no_stop", "diverged is 'no_stop'", "stop, row"},
    };
    ASSERT_SLIPS(slips);
}

static void verdicts_are_refused(void **state) {
    (void)state;
    static const slip slips[] = {
        {"'gone {gone}'", "'gone {gnoe}'", "'gone", "is called 'gnoe'", "did you mean 'gone'?"},
        {"'gone {gone}'", "'gone {gone.vlue}'", "'gone", "is called 'gone.vlue'", "did you mean 'gone.value'?"},
        {"'gone {gone}'", "'{relearn.document}'", "'{relearn.document", "is called 'relearn.document'",
         "'relearn.documents'?"},
        {"'gone {gone}'", "'gone {gone'", "'gone", "say has a brace without its other half", "{KEY}"},
        {"'gone {gone}'", "'gone gone}'", "'gone", "say has a brace without its other half", "{KEY}"},
        {"'gone {gone}'", "'{gone {gone}}'", "'{gone", "say has a brace without its other half", "{KEY}"},
        {"refused: 'no'", "refused: '{no}'", "'{no", "is called 'no'", ""},
        {"missing: none, ", "missing: '{x}', ", "'{x", "is called 'x'", ""},
        {"missing: none, ", "", "{lead", "it takes both", "missing: TEXT"},
        {", refused: 'no'", "", "{figure", "says something where that is refused", "refused: TEXT"},
        {"figure: gone, say", "flag: damage, say", "{flag", "takes a figure or a flag", "{flag: WORD"},
        {"refused: 'no'}", "refused: 'no'}, then: [{flag: damge, say: x}]", "damge", "flag is 'damge'", "'damage'?"},
        {"refused: 'no'}", "refused: 'no'}, then: [{flag: damage}]", "{flag", "a part of the verdict takes", "say"},
        {"refused: 'no'}", "refused: 'no', otherwise: 'x'}", "{figure", "and this part has none", "at_least: NUMBER"},
        {"refused: 'no'}", "refused: 'no', at_least: 2, at_most: 1}", "{figure", "nothing is at least 2 and at most 1",
         ""},
        {"refused: 'no'}", "refused: 'no', at_least: 2, otherwise: '{no}'}", "'{no", "is called 'no'", ""},
        {"refused: 'no'}", "refused: 'no', absent: '{no}'}", "'{no", "is called 'no'", ""},
        {"refused: 'no'}", "refused: 'no'}, then: [{flag: damage, say: x, at_most: 1}]", "{flag",
         "takes a figure or a flag", ""},
        {"refused: 'no'}", "refused: 'no'}, scale: {plain: x}", "plain: x", "no arm in the role one is called 'plain'",
         "filtered"},
    };
    ASSERT_SLIPS(slips);

    /* All that may stand there. */
    char *text = changed("'gone {gone}'", "'{gone} {gone.value} {relearn.documents} {unit} {relearn.start}{least}'");
    gr_experiment_free(parsed(text));
    gr_free(text);
}

/* What io/yaml.c refuses stands in an experiment as elsewhere. */
static void yaml_that_is_no_plain_yaml_is_refused(void **state) {
    (void)state;
    char deep[600] = "experiment: e\narms: {a: {train: {set: {x: ";
    for (int i = 0; i < GR_YAML_DEPTH; i++)
        strcat(deep, "[");
    assert_refused("experiment: e\narms: {a: {train: {}}}\nmeasures: {loss: {on: [a]}}\n", "3:19",
                   "the key 'on' is a boolean in YAML 1.1");
    assert_refused(deep, "2:56", "nested too deeply");
    assert_refused("experiment: e\narms: {a: &x {train: {}}, b: *x}\n", "2:11", "anchors (&name) are not accepted");
    assert_refused("experiment: e\narms: {a: {train: {}}, b: *x}\n", "2:27", "aliases (*name) are not accepted");
    assert_refused("experiment: e\narms: {a: {train: {}}, a: {train: {}}}\n", "2:24", "the key 'a' is given twice");

    /* Quoted it is a text. */
    gr_experiment *e = parsed("experiment: e\narms: {a: {train: {}, shown: \"on\"}}\n");
    assert_string_equal(e->arm[0].shown, "on");
    gr_experiment_free(e);
}

/* ---- files ---- */

static void the_audit_is_read_in_full(void **state) {
    (void)state;
    gr_experiment *e = opened("experiments/audit.yaml", NULL);
    assert_true(e->arms == 7 && e->groups == 3 && e->uses == 4 && e->figures == 18 && e->claims == 0 &&
                e->verdict.thens == 8);
    assert_true(e->ones == 2 && e->one[0] == arm_of(e, "perfect") && e->subject == arm_of(e, "routed"));
    assert_true(e->group[1].optional && e->group[1].kind == GR_GROUP_ADJACENT && !e->group[0].optional);
    assert_string_equal(e->figure[1].title, "  after relearning");
    assert_true(e->figure[1].after && e->suggests == 2 && e->units == GR_UNITS_DOCUMENTS && e->keep_checkpoints);
    assert_string_equal(e->arm[0].shown, "on");
    assert_null(e->arm[5].shown);
    assert_string_equal(e->verdict.scale[arm_of(e, "perfect")], "The filter is the perfect one.");
    assert_string_equal(e->verdict.then[2].flag, "known_labels_only");

    /* What the recipe says of an attack comes before its table, and after what the experiment says. */
    gr_error err = {0};
    gr_recipe *recipe;
    gr_settings *settings;
    const char *const sets[] = {"relearn.documents=5"};
    gr_test_ok(gr_recipe_open(&recipe, project_path("recipes/demo.yaml"), sets, 1, &err), &err);
    gr_test_ok(gr_reading_settings(&settings, &e->use[3], recipe, &err), &err);
    assert_true(gr_settings_get(settings, "documents")->numbers[0] == 5);
    gr_settings_free(settings);
    gr_test_ok(gr_reading_settings(&settings, &e->use[3], NULL, &err), &err);
    assert_true(gr_settings_get(settings, "documents")->numbers[0] == 64);
    gr_settings_free(settings);
    gr_recipe_free(recipe);
    gr_experiment_free(e);
}

/* The example of docs/experiments.md: its first lines that are indented. */
static void the_page_has_an_example_that_is_read(void **state) {
    (void)state;
    size_t length;
    char *page = gr_test_read(project_path("docs/experiments.md"), &length), *text = gr_strdup(""), *rest;
    for (char *line = strtok_r(strstr(page, "\n    experiment: "), "\n", &rest); line && strncmp(line, "    ", 4) == 0;
         line = strtok_r(NULL, "\n", &rest)) {
        char *longer = gr_format("%s%s\n", text, line + 4);
        gr_free(text);
        text = longer;
    }
    gr_experiment *e = parsed(text);
    assert_true(e->arms == 4 && gr_experiment_knobs(e, 1) == 3 && e->claims == 1);
    gr_experiment_free(e);
    gr_free(text);
    free(page);
}

/* The resolved text says what was read, the preset included, and reads the same. */
static void resolved_texts_read_the_same(void **state) {
    (void)state;
    static const char *const files[][2] = {{"experiments/audit.yaml", NULL},
                                           {"tests/data/experiments/stories-era.yaml", "smoke"},
                                           {"tests/data/experiments/stories-era.yaml", NULL},
                                           {"tests/data/experiments/rivals.yaml", "quick"},
                                           {"tests/data/experiments/oversight.yaml", "smoke"},
                                           {"tests/data/experiments/mnist-split.yaml", "quick"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        gr_error err = {0};
        char *one, *two;
        gr_experiment *e = opened(files[i][0], files[i][1]), *again;
        gr_test_ok(gr_experiment_text(e, &one, &err), &err);
        gr_test_ok(gr_experiment_parse(&again, one, strlen(one), "again", NULL, registry, &err), &err);
        gr_test_ok(gr_experiment_text(again, &two, &err), &err);
        assert_string_equal(one, two);
        assert_true(again->arms == e->arms && again->seeds == e->seeds && again->sets == e->sets &&
                    again->onlys == e->onlys);
        assert_int_equal(gr_experiment_points(again), gr_experiment_points(e));
        assert_true(!e->base_file || strcmp(e->base_file, again->base_file) == 0);
        assert_true((strstr(one, "presets:") != NULL) == (files[i][1] == NULL && i == 2));
        gr_experiment_free(e);
        gr_experiment_free(again);
        gr_free(one);
        gr_free(two);
    }
}

static void experiments_are_found_by_name(void **state) {
    (void)state;
    gr_error err = {0};
    char *path;
    gr_test_ok(gr_experiment_find(&path, "some/file.txt", &err), &err);
    assert_string_equal(path, "some/file.txt");
    gr_free(path);
    gr_test_ok(gr_experiment_find(&path, "file.yaml", &err), &err);
    assert_string_equal(path, "file.yaml");
    gr_free(path);

    /* In the folder that the environment names. */
    char *share = gr_format("%s/share", gr_test_path("."));
    char *make = gr_format("mkdir -p '%s/experiments'", share);
    assert_int_equal(system(make), 0);
    gr_test_write("share/experiments/mine.yaml", "experiment: mine\narms: {a: {train: {}}}\n", 40);
    setenv("GRADROUTE_SHARE", share, 1);
    gr_experiment *e;
    gr_test_ok(gr_experiment_open(&e, "mine", NULL, registry, &err), &err);
    assert_string_equal(e->name, "mine");
    gr_experiment_free(e);
    assert_int_equal(gr_experiment_open(&e, "mien", NULL, registry, &err), GR_ERR_INPUT);
    assert_non_null(strstr(err.message, "no experiment is called 'mien'"));
    assert_string_equal(err.hint, "did you mean 'mine'?");

    /* What is not there is built in, unless a file of the folder stands before it. */
    err = (gr_error){0};
    gr_test_ok(gr_experiment_find(&path, "audit", &err), &err);
    assert_null(path);
    gr_test_ok(gr_experiment_open(&e, "audit", NULL, registry, &err), &err);
    assert_string_equal(e->name, "audit");
    assert_null(e->file);
    gr_experiment_free(e);
    gr_test_write("share/experiments/audit.yaml", "experiment: mine\narms: {a: {train: {}}}\n", 40);
    gr_test_ok(gr_experiment_open(&e, "audit", NULL, registry, &err), &err);
    assert_string_equal(e->name, "mine");
    gr_experiment_free(e);

    /* The text that is built in has a place in errors. */
    unsetenv("GRADROUTE_SHARE");
    err = (gr_error){0};
    assert_int_equal(gr_experiment_open(&e, "audit", "nothing", registry, &err), GR_ERR_USAGE);
    assert_string_equal(err.place, "audit (built in):3:1");
    gr_free(make);
    gr_free(share);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_one_is_read),
        cmocka_unit_test(every_other_key_is_read),
        cmocka_unit_test(unknown_words_are_refused),
        cmocka_unit_test(arms_that_cannot_be_made_are_refused),
        cmocka_unit_test(arms_do_not_choose_their_documents),
        cmocka_unit_test(names_are_refused),
        cmocka_unit_test(knobs_are_refused),
        cmocka_unit_test(axes_and_presets_are_refused),
        cmocka_unit_test(figures_are_refused),
        cmocka_unit_test(claims_are_refused),
        cmocka_unit_test(other_sections_are_refused),
        cmocka_unit_test(verdicts_are_refused),
        cmocka_unit_test(yaml_that_is_no_plain_yaml_is_refused),
        cmocka_unit_test(the_audit_is_read_in_full),
        cmocka_unit_test(the_page_has_an_example_that_is_read),
        cmocka_unit_test(resolved_texts_read_the_same),
        cmocka_unit_test(experiments_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

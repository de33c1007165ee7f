/* Recipes: the happy path, every kind of mistake with its place and hint, overrides, writing and re-reading, and
 * damaged files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/recipe.h"

static const char text[] =
    "seed: 7\n"
    "data: {wordnet: /usr/share/wordnet, fallback: subset, context: 64, tokenizer: {train: 1024}}\n"
    "labels:\n"
    "  biology: {is: [noun.animal, noun.plant], known: 0.5, hidden_as: core}\n"
    "  food: {is: noun.food}\n"
    "adjacent: [noun.body]\n"
    "model: {arch: llama, layers: 2, width: 48, heads: 4, mlp: 96}\n"
    "regions:\n"
    "  biology: {residual: {add: 16}, heads: {add: 1}, mlp: {add: 32}}\n"
    "  kitchen: {mlp: {last: 16}, layers: [1]}\n"
    "routes:\n"
    "  - {label: biology, open: [biology], rest: closed, joint: [norms, \"layers.0.*\"]}\n"
    "  - {label: food, mode: parameter, weights: {kitchen: 0.3, rest: -0.75}}\n"
    "  - {label: [core, unlabelled], chance: 0.8, one_of: [biology, kitchen]}\n"
    "  - {label: core, repeat: true, chance: 0.3, open: [biology], rest: closed, only: biology}\n"
    "  - {label: any, draw: token, activation: {\"tap:layers.0.mlp.hidden[0:8]\": 0.5}}\n"
    "train: {tokens: 64k, batch: 8, micro: 4, recompute: true, lr: 0.002, warmup: 3, groups: [{parameters: \"*norm\", "
    "lr: 0.5}]}\n"
    "twins: [plain, filtered]\n"
    "prompts: [\"a small bird\", \"the act of\"]\n";

static gr_recipe *parse(const char *from) {
    gr_recipe *recipe;
    gr_error err = {0};
    char line[1400];
    if (gr_recipe_parse(&recipe, from, strlen(from), "r.yaml", NULL, 0, &err) != GR_OK)
        fail_msg("%s", gr_error_text(&err, line, sizeof line));
    return recipe;
}

/* text with the first `was` replaced. */
static char *altered(const char *was, const char *now) {
    const char *at = strstr(text, was);
    assert_non_null(at);
    return gr_format("%.*s%s%s", (int)(at - text), text, now, at + strlen(was));
}

static void expect_error(const char *was, const char *now, const char *place, const char *message, const char *hint) {
    char *bad = altered(was, now);
    gr_recipe *recipe;
    gr_error err = {0};
    char line[1400];
    gr_status status = gr_recipe_parse(&recipe, bad, strlen(bad), "r.yaml", NULL, 0, &err);
    gr_free(bad);
    if (status == GR_OK) {
        gr_recipe_free(recipe);
        fail_msg("'%s' for '%s' was accepted", now, was);
    }
    gr_error_text(&err, line, sizeof line);
    assert_null(recipe);
    if (strncmp(err.place, place, strlen(place)) != 0 || !strstr(err.message, message) || !strstr(err.hint, hint))
        fail_msg("expected '%s' '%s' '%s', got %s", place, message, hint, line);
}

static void test_fields(void **state) {
    (void)state;
    gr_recipe *r = parse(text);
    char here[4096];
    assert_int_equal(r->seed, 7);
    assert_int_equal(r->diagnostics.every,
                     400); /* 4 kinds of rows, 8 rows of 64 positions: an eighth of the usual step */
    assert_int_equal(r->diagnostics.probe, 1600);
    assert_int_equal(r->data.sources, 1);
    assert_string_equal(r->data.source[0].reader, "wordnet");
    assert_string_equal(r->data.source[0].path, "/usr/share/wordnet");
    assert_non_null(getcwd(here, sizeof here - 8));
    assert_string_equal(r->data.source[0].fallback, strcat(here, "/subset"));
    assert_int_equal(r->data.context, 64);
    assert_int_equal(r->data.tokenizer_train, 1024);
    assert_true(r->data.dedupe && !r->data.mixed);
    assert_int_equal(r->labels, 2);
    assert_string_equal(r->label[0].name, "biology");
    assert_int_equal(r->label[0].from[0].count, 2);
    assert_true(r->label[0].known == 0.5 && r->label[1].known == 1);
    assert_int_equal(r->label[0].hidden_as, GR_HIDDEN_CORE);
    assert_int_equal(r->adjacents, 1);
    assert_int_equal(r->model.context, 64);
    assert_true(r->data.validation == 0.05 && r->data.test == 0.05);
    assert_int_equal(r->model.region_count, 2);
    assert_int_equal(r->model.regions[0].residual.add, 16);
    assert_int_equal(r->model.regions[1].mlp.last, 16);
    assert_int_equal(r->model.regions[1].layers[0], 1);
    assert_int_equal(r->train.steps, 64000 / (8 * 64));
    assert_int_equal(r->train.micro, 4);
    assert_true(r->train.recompute);
    assert_int_equal(r->train.optim.total, r->train.steps);
    assert_int_equal(r->train.optim.schedule, GR_SCHEDULE_COSINE);
    assert_int_equal(r->train.optim.groups, 1);
    assert_true(r->train.optim.group[0].decay < 0);
    assert_true(r->twins_said && r->twins == 2);
    assert_string_equal(r->twin[1], "filtered");
    assert_int_equal(r->relearn.rates, 2);
    assert_int_equal(r->prompts, 2);
    gr_recipe_free(r);
}

/* Words that stand for numbers: each is the constant of its name. */
static void test_words(void **state) {
    (void)state;
    static const struct {
        const char *word;
        gr_optim_kind kind;
    } optimizers[] = {{"adamw", GR_OPTIM_ADAMW}, {"adam", GR_OPTIM_ADAM}, {"sgd", GR_OPTIM_SGD}};
    static const struct {
        const char *word;
        gr_schedule kind;
    } schedules[] = {
        {"constant", GR_SCHEDULE_CONSTANT}, {"linear", GR_SCHEDULE_LINEAR}, {"cosine", GR_SCHEDULE_COSINE}};
    for (int i = 0; i < 3; i++) {
        char *now = gr_format("optimizer: %s, schedule: %s, lr: 0.002", optimizers[i].word, schedules[i].word);
        char *with = altered("lr: 0.002", now);
        gr_recipe *r = parse(with);
        assert_int_equal(r->train.optim.kind, optimizers[i].kind);
        assert_int_equal(r->train.optim.schedule, schedules[i].kind);
        gr_recipe_free(r);
        gr_free(with);
        gr_free(now);
    }
}

static void test_routes(void **state) {
    (void)state;
    gr_recipe *r = parse(text);
    const gr_route *route = r->routes->route;
    assert_int_equal(r->routes->count, 5);
    assert_int_equal(route[0].labels, gr_label_bit(1));
    assert_int_equal(route[0].option[0].effects, 2);
    assert_int_equal(route[0].option[0].joint, 1u << GR_KIND_NORM);
    assert_int_equal(route[0].option[0].joint_names, 1);
    assert_string_equal(route[0].option[0].joint_name[0], "layers.0.*");
    assert_true(route[0].option[0].effect[1].scope == GR_SCOPE_REST && route[0].option[0].effect[1].weight == 0);
    assert_true(strncmp(route[0].place, "r.yaml:12:", 10) == 0);
    assert_true(route[1].option[0].effect[0].weight == 0.3 && route[1].option[0].effect[1].weight == -0.75);
    assert_int_equal(route[2].labels, GR_LABELS_CORE | GR_LABELS_UNLABELLED);
    assert_int_equal(route[2].options, 2);
    assert_true(route[2].option[1].chance == 0.4);
    assert_true(route[2].option[1].effect[0].weight == 0 && route[2].option[1].effect[1].weight == 1);
    assert_true(route[3].repeat);
    assert_int_equal(route[4].draw, GR_DRAW_TOKEN);
    assert_string_equal(route[4].option[0].effect[0].name, "layers.0.mlp.hidden");
    assert_int_equal(route[4].option[0].effect[0].hi, 8);
    gr_recipe_free(r);
}

/* The printed routes, put in place of the original ones, print alike. */
static void test_printed_routes(void **state) {
    (void)state;
    gr_recipe *r = parse(text);
    char *first = NULL, *second = NULL;
    size_t size;
    FILE *out = open_memstream(&first, &size);
    gr_route_print(r->routes, out, 2);
    fclose(out);
    gr_recipe_free(r);
    const char *from = strstr(text, "  - {label"), *to = strstr(text, "train: {tokens");
    char *again = gr_format("%.*s%s%s", (int)(from - text), text, first, to);
    r = parse(again);
    out = open_memstream(&second, &size);
    gr_route_print(r->routes, out, 2);
    fclose(out);
    assert_string_equal(first, second);
    assert_int_equal(r->routes->count, 5);
    assert_int_equal(r->routes->route[2].options, 2);
    gr_recipe_free(r);
    gr_free(again);
    free(first);
    free(second);
}

/* Styles are defaults that keys override; a recipe that was written out says all of it and means the same. */
static void test_styles(void **state) {
    (void)state;
    const struct {
        const char *model;
        gr_arch_def want;
    } list[] = {
        {"arch: llama, heads: 4, kv_heads: 2, window: 16, rotary_halves: true",
         {.kv_heads = 2, .windows = (const int[]){16}, .window_count = 1, .rotary_halves = true, .tied = true}},
        {"arch: nanogpt, width: 64, heads: 4, norm_gain: false",
         {.rotary_size = 8, .bias = true, .tied = true, .no_gain = true, .activation = GR_ACTIVATION_GELU}},
        {"arch: qwen2, heads: 4, kv_heads: 2",
         {.kv_heads = 2, .rotary_halves = true, .tied = true, .qkv_bias = GR_QKV_WITH_BIAS}},
        {"arch: gptneo, positions: 128",
         {.norm = GR_NORM_LAYER,
          .position = GR_POSITION_LEARNED,
          .positions = 128,
          .activation = GR_ACTIVATION_GELU_TANH,
          .bias = true,
          .qkv_bias = GR_QKV_WITHOUT_BIAS,
          .logit_bias = true,
          .attention_scale = 1,
          .windows = (const int[]){0, 256},
          .window_count = 2,
          .init = GR_ARCH_INIT_FLAT}},
        {"arch: gptneo, qkv_bias: true, bias: false, window: [4, 0, 0], attention_scale: 0.5, tied: true, init: scaled",
         {.norm = GR_NORM_LAYER,
          .position = GR_POSITION_LEARNED,
          .activation = GR_ACTIVATION_GELU_TANH,
          .qkv_bias = GR_QKV_WITH_BIAS,
          .logit_bias = true,
          .tied = true,
          .attention_scale = 0.5,
          .windows = (const int[]){4, 0, 0},
          .window_count = 3}},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char *source = gr_format("data: {jsonl: /a}\nmodel: {%s}\n", list[i].model), *written = NULL;
        for (int again = 0; again < 2; again++) {
            gr_error err = {0};
            gr_recipe *r = parse(again ? written : source);
            const gr_arch_def *have = &r->model, *want = &list[i].want;
            assert_int_equal(have->kv_heads, want->kv_heads);
            assert_int_equal(have->rotary_size, want->rotary_size);
            assert_int_equal(have->rotary_halves, want->rotary_halves);
            assert_int_equal(have->norm, want->norm);
            assert_int_equal(have->no_gain, want->no_gain);
            assert_int_equal(have->position, want->position);
            assert_int_equal(have->positions, want->positions);
            assert_int_equal(have->activation, want->activation);
            assert_int_equal(have->bias, want->bias);
            assert_int_equal(have->qkv_bias, want->qkv_bias);
            assert_int_equal(have->logit_bias, want->logit_bias);
            assert_int_equal(have->tied, want->tied);
            assert_int_equal(have->init, want->init);
            assert_true(have->attention_scale == want->attention_scale);
            assert_int_equal(have->window_count, want->window_count);
            for (int k = 0; k < want->window_count; k++)
                assert_int_equal(have->windows[k], want->windows[k]);
            if (!again)
                assert_int_equal(gr_recipe_text(r, &written, &err), GR_OK);
            gr_recipe_free(r);
        }
        gr_free(source);
        gr_free(written);
    }
}

static void test_mistakes(void **state) {
    (void)state;
    expect_error("layers: 2", "layerz: 2", "r.yaml:7:", "layerz", "layers");
    expect_error("twins:", "twinz:", "r.yaml:18:1", "twinz", "twins");
    expect_error("layers: 2", "layers: many", "r.yaml:7:", "many", "");
    expect_error("layers: 2", "layers: 0", "r.yaml:7:", "0", "");
    expect_error("known: 0.5", "known: 1.5", "r.yaml:4:", "1.5", "");
    expect_error("context: 64", "context: 1", "r.yaml:2:", "context", "");
    expect_error("context: 64", "validation: 0.5", "r.yaml:2:", "validation 0.5 and test 0.5", "test: 0.05");
    expect_error("lr: 0.002", "lr: 0", "r.yaml:17:", "lr", "");
    expect_error("micro: 4", "micro: 3", "r.yaml:17:", "divide", "");
    expect_error("recompute: true", "recompute: 2", "r.yaml:17:", "'2'", "");
    expect_error("recompute: true", "recompute: [true]", "r.yaml:17:", "recompute", "");
    expect_error("wordnet: /usr/share/wordnet, fallback: subset, ", "", "r.yaml:2:", "no source", "wordnet");
    expect_error("is: noun.food", "is: noun.plant", "r.yaml:4:", "noun.plant", "once");
    expect_error("[noun.body]", "[noun.animal]", "r.yaml:6:", "noun.animal", "once");
    expect_error("seed: 7", "seed: -7", "r.yaml:1:", "seed", "");
    expect_error("heads: 4", "heads: 5", "r.yaml:7:", "", "");
    expect_error("heads: 4", "heads: 4, kv_heads: 3", "r.yaml:7:", "kv_heads 3 does not divide heads 4", "");
    expect_error("heads: 4", "heads: 4, rotary_size: 5", "r.yaml:7:", "rotary_size is 5", "");
    expect_error("heads: 4", "heads: 4, window: -1", "r.yaml:7:", "window", "");
    expect_error("heads: 4", "heads: 4, window: [8, -1]", "r.yaml:7:", "-1", "");
    expect_error("heads: 4", "heads: 4, attention_scale: 0", "r.yaml:7:", "attention_scale", "");
    expect_error("heads: 4", "heads: 4, init: uniform", "r.yaml:7:", "uniform", "");
    expect_error("arch: llama", "arch: lama", "r.yaml:7:", "lama", "llama");
    expect_error("heads: 4", "heads: 4, positions: 64", "r.yaml:7:", "positions", "");
    expect_error("{last: 16}", "{last: 97}", "r.yaml:7:", "kitchen", "");
    expect_error("{last: 16}", "{last: 16, add: 3}", "r.yaml:10:", "kitchen", "claim");
    expect_error("{last: 16}", "{claim: [5, 5]}", "r.yaml:10:", "5", "");
    expect_error("  kitchen:", "  rest:", "r.yaml:10:", "rest", "another");
    expect_error("train: 1024", "train: 100", "r.yaml:2:", "100", "");
    expect_error("train: 1024", "train: 1024, file: t.json", "r.yaml:2:", "both", "");
}

static void test_route_mistakes(void **state) {
    (void)state;
    expect_error("label: biology, open", "label: biolgy, open", "r.yaml:12:", "biolgy", "biology");
    expect_error("open: [biology]", "open: [bilogy]", "r.yaml:12:", "bilogy", "biology");
    expect_error("rest: closed", "rest: shut", "r.yaml:12:", "shut", "");
    expect_error("joint: [norms,", "joint: [norm,", "r.yaml:12:", "norm", "norms");
    expect_error("label: food, ", "", "r.yaml:13:", "no label", "any");
    expect_error("mode: parameter, ", "", "r.yaml:13:", "together", "mode");
    expect_error("mode: parameter", "mode: params", "r.yaml:13:", "params", "");
    expect_error("chance: 0.8", "chance: 1.8", "r.yaml:14:", "1.8", "");
    expect_error("chance: 0.8, one_of: [biology, kitchen]",
                 "options: [{chance: 0.6, without: biology}, {chance: 0.6, "
                 "without: kitchen}]",
                 "r.yaml:14:", "sum to 1.2", "chance");
    expect_error("chance: 0.8, one_of: [biology, kitchen]", "chance: 0.8", "r.yaml:14:", "nothing", "open");
    expect_error("repeat: true,", "repeat: true, draw: step,", "r.yaml:15:", "step", "");
    expect_error("draw: token", "draw: tokn", "r.yaml:16:", "tokn", "");
    expect_error("hidden[0:8]", "hidden[8:8]", "r.yaml:16:", "no columns", "");
    expect_error("activation: {\"tap", "parameter: {\"tap", "r.yaml:16:", "no parameters", "activation");
    expect_error("activation: {\"tap:layers.0.mlp.hidden[0:8]\"", "activation: {norms", "r.yaml:16:", "norms",
                 "parameter");
    expect_error("twins:", "preset: sgtn\ntwins:", "r.yaml:18:", "sgtn", "sgtm");
    expect_error("twins:", "preset: {name: sgtm, p_of: 0.1}\ntwins:", "r.yaml:18:", "food", "");
    expect_error("twins:", "preset: {name: sgtm, p_of: 0.1, regions: {food: kitchen}}\ntwins:", "r.yaml:18:", "p_of",
                 "p_off");
    expect_error("twins:", "preset: {name: sgtm, p_off: 2, regions: {food: kitchen}}\ntwins:", "r.yaml:18:", "p_off",
                 "");
}

/* Words that recipes had once are refused with those of today, wherever they stand. */
static void test_old_words(void **state) {
    (void)state;
    expect_error("repeat: true", "again: true", "r.yaml:15:19", "unknown key 'again' in routes", "repeat");
    expect_error("chance: 0.8", "share: 0.8", "r.yaml:14:", "unknown key 'share' in routes", "chance");
    expect_error("chance: 0.8, one_of: [biology, kitchen]",
                 "options: [{chance: 0.6, without: biology}, {share: 0.2, only: biology}]", "r.yaml:14:", "'share'",
                 "chance");
    expect_error("twins:", "preset: {name: residual, p_again: 0.1}\ntwins:", "r.yaml:18:", "'p_again' in preset",
                 "p_repeat");
}

static void test_presets(void **state) {
    (void)state;
    char *with =
        altered("twins:", "preset: {name: residual, p_cr: 0.2, p_repeat: 0.1, joint: [norms, embed*], regions: {food: "
                          "kitchen}}\ntwins:");
    gr_recipe *r = parse(with);
    assert_string_equal(r->preset->name, "residual");
    assert_int_equal(r->routes->count, 4 + 5);
    assert_int_equal(r->routes->route[0].option[0].joint, 1u << GR_KIND_NORM);
    assert_string_equal(r->routes->route[0].option[0].joint_name[0], "embed*");
    assert_int_equal(r->routes->route[3].option[0].joint_names, 0);
    assert_true(r->routes->route[2].option[0].chance == 0.8);
    assert_int_equal(r->routes->route[2].options, 3);
    assert_true(r->routes->route[3].repeat && r->routes->route[3].option[1].chance == 0.05);
    gr_recipe_free(r);
    gr_free(with);
}

/* Steps of routes and of a preset's labels, several regions for a label, regions that stop: read, and written again. */
static void test_steps_and_lists(void **state) {
    (void)state;
    char *with =
        altered("routes:\n", "preset: {name: residual, from: 500, until: 2k, regions: {food: [kitchen, biology]}}\n"
                             "routes:\n  - {label: food, open: [kitchen], from: 30}\n");
    gr_recipe *r = parse(with), *again;
    char *written;
    gr_error err = {0};
    assert_true(r->routes->route[0].from == 500 && r->routes->route[0].until == 2000);
    assert_true(r->routes->route[1].from == 500);
    assert_int_equal(r->routes->route[1].option[0].effects, 2 + 1 + 2 + 1); /* two on, others off, two open, rest */
    assert_true(r->routes->route[2].from == 0 && r->routes->route[2].until == 0); /* the core's */
    assert_true(r->routes->route[3].from == 30 && r->routes->route[3].until == 0);
    assert_int_equal(gr_recipe_text(r, &written, &err), GR_OK);
    again = parse(written);
    assert_true(again->routes->route[1].until == 2000 && again->routes->route[3].from == 30);
    gr_recipe_free(again);
    gr_recipe_free(r);
    gr_free(written);
    gr_free(with);
    expect_error("repeat: true", "from: 9, until: 9", "r.yaml:15:", "never", "first step without");
    expect_error("repeat: true", "from: -1", "r.yaml:15:", "from", "");
    expect_error("repeat: true", "until: 0", "r.yaml:15:", "until", "");
    expect_error("twins:", "preset: {name: sgtm, regions: {food: []}}\ntwins:", "r.yaml:18:", "no region",
                 "leave it out");

    with = altered("routes:\n", "preset: {name: era, bias: 3, regions: {food: kitchen, biology: kitchen}}\nroutes:\n"
                                "  - {label: food, mix: {smooth_retain: 5}, activation: {kitchen: 1, rest: -0.5}}\n");
    r = parse(with);
    assert_int_equal(gr_recipe_text(r, &written, &err), GR_OK);
    again = parse(written);
    for (int i = 0; i < 2; i++) {
        const gr_route *route = &(i ? again : r)->routes->route[1];
        assert_true(route->mix && route->frequency.on && route->frequency.bias == 3 && route->frequency.retain == 20);
        route = &(i ? again : r)->routes->route[2];
        assert_true(route->mix && route->frequency.on && route->frequency.bias == 4 && route->frequency.retain == 5);
    }
    gr_recipe_free(again);
    gr_recipe_free(r);
    gr_free(written);
    gr_free(with);
    expect_error("repeat: true", "mix: {bias: x}", "r.yaml:15:", "bias", "");
    expect_error("repeat: true", "mix: {smooth: 1}", "r.yaml:15:", "smooth", "");

    with = altered("mlp: {last: 16}, layers: [1]", "mlp: {last: 16}, stop: true");
    r = parse(with);
    assert_true(r->model.regions[1].stop && !r->model.regions[0].stop);
    assert_int_equal(gr_recipe_text(r, &written, &err), GR_OK);
    assert_non_null(strstr(written, "stop: true"));
    assert_null(strstr(written, "stop: false"));
    gr_recipe_free(r);
    gr_free(written);
    gr_free(with);
    expect_error("mlp: {last: 16}, layers: [1]", "residual: {claim: [0, 2]}, stop: true", "r.yaml:7:", "no units", "");
}

static void test_sources(void **state) {
    (void)state;
    gr_recipe *r = parse("data: {jsonl: /a/b.jsonl, text: body, label: kind}\n");
    assert_string_equal(r->data.source[0].path, "/a/b.jsonl");
    assert_string_equal(r->data.source[0].text_field, "body");
    assert_string_equal(r->data.source[0].label_field, "kind");
    assert_int_equal(r->routes->count, 0);
    gr_recipe_free(r);
    r = parse("data: {text: [{file: /a, topic: x}, {file: /b, separator: \"--\"}], tokenizer: {file: /t.json}}\n");
    assert_int_equal(r->data.sources, 2);
    assert_string_equal(r->data.source[0].topic, "x");
    assert_string_equal(r->data.source[1].separator, "--");
    assert_string_equal(r->data.tokenizer_file, "/t.json");
    assert_int_equal(r->data.tokenizer_train, 0);
    gr_recipe_free(r);
    r = parse("data: {jsonl: [/a/b.jsonl, \"/c-*.gz\"], text: body, label: kind}\n");
    assert_int_equal(r->data.sources, 2);
    assert_string_equal(r->data.source[1].path, "/c-*.gz");
    assert_string_equal(r->data.source[1].text_field, "body");
    gr_recipe_free(r);
    r = parse("data: {text: [/a.txt, b.txt]}\n");
    assert_int_equal(r->data.sources, 2);
    assert_true(r->data.source[1].path[0] == '/' && strstr(r->data.source[1].path, "/b.txt"));
    gr_recipe_free(r);
    r = parse("data: {text: [{file: [/a, /b], topic: x}, {file: /c}]}\n");
    assert_int_equal(r->data.sources, 3);
    assert_string_equal(r->data.source[1].topic, "x");
    assert_string_equal(r->data.source[2].path, "/c");
    gr_recipe_free(r);
}

/* Relative paths of a list become absolute once; a resolved recipe reads and writes as itself. */
static void test_resolved_lists(void **state) {
    (void)state;
    gr_recipe *r = parse("data: {jsonl: [a.jsonl, b.jsonl], label: kind}\n");
    char *once, *again;
    assert_int_equal(gr_recipe_text(r, &once, NULL), GR_OK);
    gr_recipe_free(r);
    r = parse(once);
    assert_int_equal(gr_recipe_text(r, &again, NULL), GR_OK);
    assert_string_equal(once, again);
    gr_recipe_free(r);
    gr_free(once);
    gr_free(again);
}

static void test_set(void **state) {
    (void)state;
    const char *sets[] = {"train.steps=5", "seed=9", "labels.biology.known=0.25", "data.wordnet=local"};
    gr_recipe *r;
    gr_error err = {0};
    char line[1400], here[4096];
    if (gr_recipe_parse(&r, text, strlen(text), "r.yaml", sets, 4, &err) != GR_OK)
        fail_msg("%s", gr_error_text(&err, line, sizeof line));
    assert_int_equal(r->train.steps, 5);
    assert_int_equal(r->train.tokens, 5 * 8 * 64);
    assert_int_equal(r->seed, 9);
    assert_true(r->label[0].known == 0.25);
    assert_non_null(getcwd(here, sizeof here - 8));
    assert_string_equal(r->data.source[0].path, strcat(here, "/local"));
    gr_recipe_free(r);
    const char *bad[] = {"train.step=5"};
    assert_int_equal(gr_recipe_parse(&r, text, strlen(text), "r.yaml", bad, 1, &err), GR_ERR_USAGE);
    assert_non_null(strstr(err.place, "--set"));
    assert_non_null(strstr(err.hint, "steps"));
}

/* Files, their folder, and the resolved copy: what is read back is the same, and so is what it writes. */
static void test_write(void **state) {
    (void)state;
    char folder[512], path[600], copy[600], want[700];
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/recipeXXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r.yaml", folder);
    snprintf(copy, sizeof copy, "%s/resolved.yaml", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    gr_recipe *a, *b;
    gr_error err = {0};
    assert_int_equal(gr_recipe_open(&a, path, NULL, 0, &err), GR_OK);
    snprintf(want, sizeof want, "%s/subset", folder);
    assert_string_equal(strstr(a->data.source[0].fallback, "recipe"), strstr(want, "recipe"));
    assert_int_equal(gr_recipe_write(a, copy, &err), GR_OK);
    assert_int_equal(gr_recipe_open(&b, copy, NULL, 0, &err), GR_OK);

    char *first, *second, *printed[2];
    size_t size;
    assert_int_equal(gr_recipe_text(a, &first, &err), GR_OK);
    assert_int_equal(gr_recipe_text(b, &second, &err), GR_OK);
    assert_string_equal(first, second);
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&printed[i], &size);
        gr_route_print(i ? b->routes : a->routes, out, 0);
        fclose(out);
    }
    assert_string_equal(printed[0], printed[1]);
    assert_string_equal(a->data.source[0].fallback, b->data.source[0].fallback);
    assert_memory_equal(a->relearn.lr, b->relearn.lr, sizeof a->relearn.lr);
    assert_int_equal(a->model.head_size, b->model.head_size);
    assert_true(a->train.optim.lr == b->train.optim.lr && a->train.steps == b->train.steps);
    assert_true(a->train.optim.eps == b->train.optim.eps && a->model.eps == b->model.eps);
    for (int i = 0; i < 2; i++)
        free(printed[i]);
    gr_free(first);
    gr_free(second);
    gr_recipe_free(a);
    gr_recipe_free(b);

    const char *sets[] = {"data.fallback=other"}; /* of the command line: relative to where it was typed */
    char here[4096];
    assert_int_equal(gr_recipe_open(&a, path, sets, 1, &err), GR_OK);
    assert_non_null(getcwd(here, sizeof here - 8));
    assert_string_equal(a->data.source[0].fallback, strcat(here, "/other"));
    gr_recipe_free(a);
    assert_int_equal(gr_recipe_open(&a, "/nowhere/r.yaml", NULL, 0, &err), GR_ERR_INPUT);
    assert_null(a);
    unlink(path);
    unlink(copy);
    rmdir(folder);
}

/* Cut anywhere and with bytes changed anywhere: an error or a recipe, never a crash. */
static void test_damage(void **state) {
    (void)state;
    char copy[sizeof text];
    gr_key key = {5, GR_STREAM_TEST, 0};
    for (size_t length = 0; length < sizeof text; length += 3) {
        gr_recipe *r;
        gr_error err = {0};
        if (gr_recipe_parse(&r, text, length, "r.yaml", NULL, 0, &err) == GR_OK)
            gr_recipe_free(r);
        else
            assert_true(err.status != GR_OK && err.message[0]);
    }
    for (uint64_t i = 0; i < 2000; i++) {
        static const char bytes[] = "{}[]:,-0919 \n\"'a#";
        gr_recipe *r;
        gr_error err = {0};
        memcpy(copy, text, sizeof text);
        for (uint32_t j = 0; j < 1 + i % 3; j++)
            copy[gr_random_bits(key, i, 2 * j) % (sizeof text - 1)] =
                bytes[gr_random_bits(key, i, 2 * j + 1) % (sizeof bytes - 1)];
        if (gr_recipe_parse(&r, copy, sizeof text - 1, "r.yaml", NULL, 0, &err) == GR_OK)
            gr_recipe_free(r);
        else
            assert_true(err.status != GR_OK && err.message[0]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_printed_routes),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_route_mistakes),
        cmocka_unit_test(test_old_words),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_steps_and_lists),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_resolved_lists),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

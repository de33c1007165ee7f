/* Sections labels and adjacent. */
#include <string.h>

#include "lab/recipe_read.h"

/* The same field of two labels: their topics, or values of one member. */
static bool same_field(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static gr_status read_words(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    gr_yaml *words = gr_yaml_find(node, "words");
    if (!words)
        return GR_OK;
    gr_label_words *w = gr_arena_alloc(recipe->arena, sizeof *w);
    label->words = w;
    if (words->kind == GR_YAML_SCALAR)
        return gr__recipe_path(recipe, node, &w->file, "words", err);
    GR_TRY(gr_yaml_texts(node, &w->list, &w->count, "words", err));
    return w->count ? GR_OK
                    : gr_yaml_fail(words, err, "words: [tree, \"oak tree\"], or a file", "the list of words is empty");
}

static gr_status read_scores(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    gr_yaml *scores = gr_yaml_find(node, "scores");
    if (!scores)
        return GR_OK;
    gr_label_scores *s = gr_arena_alloc(recipe->arena, sizeof *s);
    *s = (gr_label_scores){.score = "score", .spans = "spans", .threshold = 0.5};
    label->scores = s;
    if (scores->kind == GR_YAML_SCALAR) {
        GR_TRY(gr__recipe_path(recipe, node, &s->file, "scores", err));
    } else {
        GR_TRY(gr_yaml_expect(scores, GR_YAML_MAP, err));
        GR_TRY(gr__recipe_path(recipe, scores, &s->file, "file", err));
        GR_TRY(gr_yaml_text(scores, &s->score, "score", err));
        GR_TRY(gr_yaml_text(scores, &s->spans, "spans", err));
        GR_TRY(gr_yaml_text(scores, &s->id, "id", err));
        if (!s->file)
            return gr_yaml_fail(scores, err, "scores: {file: scores.jsonl}", "scores names no file");
    }
    if (s->id && !recipe->data.id)
        recipe->data.id = s->id;
    GR_TRY(gr_yaml_real(node, &s->threshold, "threshold", 0, 1, err));
    return gr_yaml_bool(node, &s->soft, "soft", err);
}

static gr_status read_noise(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    gr_label_noise *n = gr_arena_alloc(recipe->arena, sizeof *n);
    *n = (gr_label_noise){.recall = 1, .precision = 1};
    GR_TRY(gr_yaml_real(node, &n->recall, "recall", 0, 1, err));
    GR_TRY(gr_yaml_real(node, &n->precision, "precision", 0.0001, 1, err));
    GR_TRY(gr_yaml_text(node, &n->by, "noise_by", err));
    if (n->precision < 1)
        GR_TRY(gr_yaml_texts(node, &n->false_from, &n->false_count, "false_from", err));
    if (n->recall < 1 || n->precision < 1 || n->by)
        label->noise = n;
    return GR_OK;
}

static gr_status check_sources(const gr_yaml *node, const gr_label_def *label, gr_error *err) {
    int sources = (label->count > 0) + (label->words != NULL) + (label->scores != NULL) + (label->all_count > 0) +
                  (label->token_count > 0);
    if (!sources)
        return gr_yaml_fail(node, err, "is: [TOPIC, ...], words: [WORD, ...], scores: FILE, or all_of: [LABEL, ...]",
                            "label '%s' names no topic", node->key);
    if (sources > 1)
        return gr_yaml_fail(node, err, "make two labels of it, and a third with all_of where both hold",
                            "label '%s' has more than one of is, words, scores, tokens and all_of", node->key);
    return GR_OK;
}

static gr_status read_label(gr_recipe *recipe, gr_yaml *node, gr_label_def *label, gr_error *err) {
    static const char *const hidden[] = {"unlabelled", "core", NULL}, *const per[] = {"document", "sentence", "token",
                                                                                      NULL};
    GR_TRY(gr__recipe_name(node, "label", err));
    GR_TRY(gr_yaml_expect(node, GR_YAML_MAP, err));
    *label = (gr_label_def){.name = node->key, .known = 1};
    GR_TRY(gr_yaml_texts(node, &label->is, &label->count, "is", err));
    GR_TRY(read_words(recipe, node, label, err));
    GR_TRY(read_scores(recipe, node, label, err));
    GR_TRY(gr_yaml_texts(node, &label->tokens, &label->token_count, "tokens", err));
    GR_TRY(gr_yaml_texts(node, &label->all_of, &label->all_count, "all_of", err));
    GR_TRY(check_sources(node, label, err));
    int hidden_as = GR_HIDDEN_UNLABELLED, unit = GR_PER_DOCUMENT;
    if (label->count)
        GR_TRY(gr_yaml_text(node, &label->field, "field", err));
    if (label->words || label->scores)
        GR_TRY(gr_yaml_choice(node, &unit, "per", per, err));
    label->per = label->token_count ? GR_PER_TOKEN : (gr_label_per)unit;
    GR_TRY(gr_yaml_real(node, &label->known, "known", 0, 1, err));
    GR_TRY(gr_yaml_choice(node, &hidden_as, "hidden_as", hidden, err));
    label->hidden_as = (gr_hidden)hidden_as;
    return read_noise(recipe, node, label, err);
}

/* A topic belongs to one label, or is adjacent, or neither; a value of a field to one label. */
static gr_status check_topics(const gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    for (int k = 0; k < recipe->labels; k++)
        for (int i = 0; i < recipe->label[k].count; i++) {
            const char *topic = recipe->label[k].is[i];
            for (int a = 0; a < recipe->adjacents && !recipe->label[k].field; a++)
                if (strcmp(topic, recipe->adjacent[a]) == 0)
                    return gr_yaml_fail(gr_yaml_find(root, "adjacent"), err, "name it once",
                                        "topic '%.100s' is adjacent and of label '%s'", topic, recipe->label[k].name);
            for (int m = 0; m < k; m++)
                for (int j = 0; j < recipe->label[m].count; j++)
                    if (same_field(recipe->label[m].field, recipe->label[k].field) &&
                        strcmp(topic, recipe->label[m].is[j]) == 0)
                        return gr_yaml_fail(gr_yaml_find(root, "labels"), err, "name it once",
                                            "topic '%.100s' is of label '%s' and of '%s'", topic, recipe->label[m].name,
                                            recipe->label[k].name);
        }
    return GR_OK;
}

/* Labels that all_of combines. */
static gr_status check_parts(const gr_recipe *recipe, gr_yaml *labels, gr_error *err) {
    for (int k = 0; k < recipe->labels; k++)
        for (int i = 0; i < recipe->label[k].all_count; i++) {
            const char *part = recipe->label[k].all_of[i];
            int m = 0;
            while (m < recipe->labels && (strcmp(recipe->label[m].name, part) != 0 || recipe->label[m].all_count))
                m++;
            if (m == recipe->labels)
                return gr_yaml_fail(gr_yaml_find(labels, recipe->label[k].name), err,
                                    "all_of names labels of this recipe that have is, words or scores",
                                    "label '%s' combines '%.100s', which is no such label", recipe->label[k].name,
                                    part);
        }
    return GR_OK;
}

static void keep_field(const char **list, int *count, const char *field) {
    for (int i = 0; field && i < *count; i++)
        if (strcmp(list[i], field) == 0)
            return;
    if (field)
        list[(*count)++] = field;
}

/* Members of records that labels ask for: what the corpus has to keep. */
static void keep_fields(gr_recipe *recipe) {
    const char **list = gr_arena_alloc(recipe->arena, sizeof *list * (2 * (size_t)recipe->labels + 1));
    for (int k = 0; k < recipe->labels; k++) {
        keep_field(list, &recipe->data.fields, recipe->label[k].field);
        keep_field(list, &recipe->data.fields, recipe->label[k].noise ? recipe->label[k].noise->by : NULL);
    }
    recipe->data.field = list;
}

gr_status gr__recipe_labels(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *labels;
    GR_TRY(gr_yaml_map(root, &labels, "labels", err));
    if (labels && labels->count > GR_ROUTE_LABELS_MAX)
        return gr_yaml_fail(labels, err, NULL, "there are %d labels, expected at most %d", labels->count,
                            GR_ROUTE_LABELS_MAX);
    gr_label_def *list = gr_arena_alloc(recipe->arena, sizeof *list * (size_t)(labels ? labels->count + 1 : 1));
    for (gr_yaml *c = labels ? gr_yaml_first(labels) : NULL; c; c = gr_yaml_next(c))
        GR_TRY(read_label(recipe, c, &list[recipe->labels++], err));
    recipe->label = list;
    GR_TRY(gr_yaml_texts(root, &recipe->adjacent, &recipe->adjacents, "adjacent", err));
    GR_TRY(check_topics(recipe, root, err));
    GR_TRY(check_parts(recipe, labels, err));
    keep_fields(recipe);
    return GR_OK;
}

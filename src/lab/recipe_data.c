/* Section data. */
#include <string.h>

#include "lab/recipe_read.h"

typedef struct sources {
    gr_source *at;
    int count;
    size_t capacity;
} sources;

static gr_status read_wordnet(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    gr_source source = gr_source_default();
    source.path = NULL;
    GR_TRY(gr__recipe_path(recipe, data, &source.path, "wordnet", err));
    if (!source.path)
        return GR_OK;
    GR_TRY(gr__recipe_path(recipe, data, &source.fallback, "fallback", err));
    GR_PUSH(list->at, list->count, list->capacity) = source;
    return GR_OK;
}

static gr_status read_jsonl(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    gr_source source = gr_source_default();
    source.reader = "jsonl";
    source.path = NULL;
    GR_TRY(gr__recipe_path(recipe, data, &source.path, "jsonl", err));
    if (!source.path)
        return GR_OK;
    GR_TRY(gr_yaml_text(data, &source.text_field, "text", err));
    GR_TRY(gr_yaml_text(data, &source.label_field, "label", err));
    GR_TRY(gr_yaml_text(data, &source.topic, "topic", err));
    GR_TRY(gr_yaml_text(data, &recipe->data.id, "id", err));
    GR_PUSH(list->at, list->count, list->capacity) = source;
    return GR_OK;
}

static gr_status text_source(gr_recipe *recipe, gr_yaml *map, const char *key, sources *list, gr_error *err) {
    gr_source source = gr_source_default();
    source.reader = "text";
    source.path = NULL;
    GR_TRY(gr__recipe_path(recipe, map, &source.path, key, err));
    if (!source.path)
        return gr_yaml_fail(map, err, "{file: corpus.txt, topic: news}", "a text source names no file");
    if (strcmp(key, "file") == 0) {
        GR_TRY(gr_yaml_text(map, &source.separator, "separator", err));
        GR_TRY(gr_yaml_text(map, &source.topic, "topic", err));
        if (!source.separator[0])
            return gr_yaml_fail(map, err, NULL, "a text source has an empty separator");
    }
    GR_PUSH(list->at, list->count, list->capacity) = source;
    return GR_OK;
}

static gr_status read_text(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    gr_yaml *node = gr_yaml_find(data, "text");
    if (!node)
        return GR_OK;
    if (node->kind == GR_YAML_SCALAR)
        return text_source(recipe, data, "text", list, err);
    GR_TRY(gr_yaml_expect(node, GR_YAML_LIST, err));
    for (gr_yaml *c = gr_yaml_first(node); c; c = gr_yaml_next(c)) {
        GR_TRY(gr_yaml_expect(c, GR_YAML_MAP, err));
        GR_TRY(text_source(recipe, c, "file", list, err));
    }
    return GR_OK;
}

static gr_status read_sources(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    GR_TRY(read_wordnet(recipe, data, list, err));
    int before = list->count;
    GR_TRY(read_jsonl(recipe, data, list, err));
    if (list->count == before) /* `text` is a field of jsonl, or else the files themselves */
        GR_TRY(read_text(recipe, data, list, err));
    if (!list->count)
        return gr_yaml_fail(data, err, "data: {wordnet: /usr/share/wordnet}, or jsonl: FILE, or text: FILE",
                            "data names no source");
    return GR_OK;
}

static gr_status read_tokenizer(gr_recipe *recipe, gr_yaml *data, gr_error *err) {
    gr_yaml *tokenizer;
    GR_TRY(gr_yaml_section(data, &tokenizer, "tokenizer", err));
    GR_TRY(gr__recipe_path(recipe, tokenizer, &recipe->data.tokenizer_file, "file", err));
    bool train = gr_yaml_find(tokenizer, "train");
    if (recipe->data.tokenizer_file && train)
        return gr_yaml_fail(tokenizer, err, "keep one of them", "the tokenizer has both file and train");
    recipe->data.tokenizer_train = recipe->data.tokenizer_file ? 0 : 4096;
    return recipe->data.tokenizer_file
               ? GR_OK
               : gr__recipe_int(tokenizer, &recipe->data.tokenizer_train, "train", 257, 1 << 20, err);
}

gr_status gr__recipe_data(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *data;
    gr_recipe_data *d = &recipe->data;
    sources list = {0};
    GR_TRY(gr_yaml_section(root, &data, "data", err));
    gr_status status = read_sources(recipe, data, &list, err);
    gr_source *kept = gr_arena_alloc(recipe->arena, sizeof *kept * ((size_t)list.count + 1));
    if (list.count)
        memcpy(kept, list.at, sizeof *kept * (size_t)list.count);
    gr_free(list.at);
    GR_TRY(status);
    d->source = kept;
    d->sources = list.count;
    d->validation = 0.05;
    d->context = 128;
    d->dedupe = true;
    GR_TRY(gr_yaml_real(data, &d->validation, "validation", 0, 0.9, err));
    GR_TRY(gr__recipe_int(data, &d->context, "context", 8, 65536, err));
    GR_TRY(gr_yaml_bool(data, &d->dedupe, "dedupe", err));
    GR_TRY(gr_yaml_bool(data, &d->mixed, "mixed", err));
    return read_tokenizer(recipe, data, err);
}

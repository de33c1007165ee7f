/* Section data. */
#include <float.h>
#include <string.h>

#include "recipe/read.h"

typedef struct sources {
    gr_source *at;
    int count;
    size_t capacity;
} sources;

/* WordNet's folder, and what stands in for it where it is not installed. */
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

typedef struct paths {
    const char *const *at;
    int count;
} paths;

/* One source for each path, all alike. */
static void add_sources(sources *list, const gr_source *like, paths p) {
    for (int i = 0; i < p.count; i++) {
        gr_source source = *like;
        source.path = p.at[i];
        GR_PUSH(list->at, list->count, list->capacity) = source;
    }
}

/* Readers of records with named members. */
static gr_status read_records(gr_recipe *recipe, gr_yaml *data, sources *list, const char *reader, gr_error *err) {
    gr_source source = gr_source_default();
    paths p = {0};
    /* The files; without any the recipe has no such source. */
    source.reader = reader;
    GR_TRY(gr__recipe_paths(recipe, data, &p.at, &p.count, reader, err));
    if (!p.count)
        return GR_OK;

    /* Where in a record its text, label, topic and name are. */
    GR_TRY(gr_yaml_text(data, &source.text_field, "text", err));
    GR_TRY(gr_yaml_text(data, &source.label_field, "label", err));
    GR_TRY(gr_yaml_text(data, &source.topic, "topic", err));
    GR_TRY(gr_yaml_text(data, &recipe->data.id, "id", err));
    add_sources(list, &source, p);
    return GR_OK;
}

/* Folders of text files: each folder is a topic. */
static gr_status read_folders(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    gr_source source = gr_source_default();
    paths p = {0};
    source.reader = "folder";
    GR_TRY(gr__recipe_paths(recipe, data, &p.at, &p.count, "folder", err));
    add_sources(list, &source, p);
    return GR_OK;
}

/* Files alone have no settings of their own: a map has, and names its files by "file". */
static gr_status text_source(gr_recipe *recipe, gr_yaml *map, const char *key, sources *list, gr_error *err) {
    gr_source source = gr_source_default();
    paths p = {0};
    source.reader = "text";

    /* Its files, by a pattern, a name or a list of these. */
    GR_TRY(gr_yaml_expect(map, GR_YAML_MAP, err));
    GR_TRY(gr__recipe_paths(recipe, map, &p.at, &p.count, key, err));
    if (!p.count)
        return gr_yaml_fail(map, err, "{file: corpus.txt, topic: news}", "a text source names no file");

    /* Settings of a map: files alone keep the defaults. */
    if (strcmp(key, "file") == 0) {
        GR_TRY(gr_yaml_text(map, &source.separator, "separator", err));
        GR_TRY(gr_yaml_text(map, &source.topic, "topic", err));
        if (!source.separator[0])
            return gr_yaml_fail(map, err, NULL, "a text source has an empty separator");
    }

    add_sources(list, &source, p);
    return GR_OK;
}

/* The key `text` of data: files, or a list of maps with settings. */
static gr_status read_text(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    gr_yaml *node = gr_yaml_find(data, "text");
    if (!node)
        return GR_OK;

    /* A file or a list of files has no settings: the section itself is their map, and `text` the key of the files. */
    gr_yaml *first = node->kind == GR_YAML_LIST ? gr_yaml_first(node) : NULL;
    if (node->kind == GR_YAML_SCALAR || (first && first->kind == GR_YAML_SCALAR))
        return text_source(recipe, data, "text", list, err);

    /* Otherwise every item is a map of its own. */
    GR_TRY(gr_yaml_expect(node, GR_YAML_LIST, err));
    for (gr_yaml *c = first; c; c = gr_yaml_next(c))
        GR_TRY(text_source(recipe, c, "file", list, err));
    return GR_OK;
}

/* Facts that are invented and added to what is read: half of them shown, half of a topic to be hidden. */
static gr_status read_planted(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    gr_source source = gr_source_default();
    gr_yaml *planted;
    GR_TRY(gr_yaml_map(data, &planted, "planted", err));
    if (!planted)
        return GR_OK;

    /* An even number, in both halves of which there are three others to choose from. */
    source.reader = "planted";
    source.path = NULL;
    source.facts = 64;
    source.seed = recipe->split_seed;
    GR_TRY(gr__recipe_int(planted, &source.facts, "facts", 8, 4096, err));
    if (source.facts % 2)
        return gr_yaml_fail(gr_yaml_find(planted, "facts"), err, "planted: {facts: 64}",
                            "%d facts cannot be divided in two halves", source.facts);
    GR_PUSH(list->at, list->count, list->capacity) = source;
    return GR_OK;
}

/* All sources of the section, in a fixed order whatever the order of the keys, so that a corpus has one order. */
static gr_status read_sources(gr_recipe *recipe, gr_yaml *data, sources *list, gr_error *err) {
    GR_TRY(read_wordnet(recipe, data, list, err));

    /* Records first: where there are some, `text` is the name of one of their fields, else the files themselves. */
    static const char *const readers[] = {"jsonl", "json", "csv", "tsv"};
    int before = list->count;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        GR_TRY(read_records(recipe, data, list, readers[i], err));
    bool records = list->count > before;

    GR_TRY(read_folders(recipe, data, list, err));
    if (!records)
        GR_TRY(read_text(recipe, data, list, err));

    /* What is added comes last: places of all other documents are as without it. */
    GR_TRY(read_planted(recipe, data, list, err));

    /* Shards are a corpus too, which was read before. */
    GR_TRY(gr__recipe_path(recipe, data, &recipe->data.shards, "shards", err));
    if (!list->count && !recipe->data.shards && !recipe->task) /* a task that is named may have data of its own */
        return gr_yaml_fail(data, err,
                            "data: {text: FILE}, or jsonl, json, csv or tsv: FILE, folder: FOLDER, wordnet: FOLDER",
                            "data names no source");
    return GR_OK;
}

/* A file, or how many tokens to train. A recipe that goes on from a model takes that model's by default. */
static gr_status read_tokenizer(gr_recipe *recipe, gr_yaml *data, gr_error *err) {
    gr_yaml *tokenizer;
    bool said = gr_yaml_find(data, "tokenizer");
    GR_TRY(gr_yaml_section(data, &tokenizer, "tokenizer", err));
    if (!said && recipe->from.path) { /* the one that the model was trained with */
        char *file = gr_format("%s/tokenizer.json", recipe->from.path);
        gr_yaml_add_text(tokenizer, "file", file);
        gr_free(file);
    }

    /* One of the two; 4096 tokens if neither is said. */
    GR_TRY(gr__recipe_path(recipe, tokenizer, &recipe->data.tokenizer_file, "file", err));
    bool train = gr_yaml_find(tokenizer, "train");
    if (recipe->data.tokenizer_file && train)
        return gr_yaml_fail(tokenizer, err, "keep one of them", "the tokenizer has both file and train");
    recipe->data.tokenizer_train = recipe->data.tokenizer_file ? 0 : 4096;
    return recipe->data.tokenizer_file
               ? GR_OK
               : gr__recipe_int(tokenizer, &recipe->data.tokenizer_train, "train", 257, 1 << 20, err);
}

/* What is held out: as much to report as to choose settings on, unless said otherwise. */
static gr_status read_held(gr_recipe_data *d, gr_yaml *data, gr_error *err) {
    d->validation = 0.05;
    GR_TRY(gr_yaml_real(data, &d->validation, "validation", 0, 0.9, err));
    d->test = d->validation;
    GR_TRY(gr_yaml_real(data, &d->test, "test", 0, 0.9, err));
    if (d->validation + d->test > 0.9)
        return gr_yaml_fail(gr_yaml_find(data, "validation"), err, "data: {validation: 0.05, test: 0.05} is usual",
                            "validation %g and test %g hold out more than 0.9 of the documents", d->validation,
                            d->test);
    return GR_OK;
}

/* Samples: one position each, and no text. */
static gr_status read_samples(gr_recipe *recipe, gr_yaml *data, gr_error *err) {
    gr_recipe_data *d = &recipe->data;
    gr_idx_def *s = &d->samples;
    *d = (gr_recipe_data){.samples = {.std = 1}, .validation = 0.5, .test = 0.5, .context = 1};

    /* The files, of which those of the test may be left out. */
    GR_TRY(gr__recipe_path(recipe, data, &s->images, "images", err));
    GR_TRY(gr__recipe_path(recipe, data, &s->classes, "classes", err));
    GR_TRY(gr__recipe_path(recipe, data, &s->test_images, "test_images", err));
    GR_TRY(gr__recipe_path(recipe, data, &s->test_classes, "test_classes", err));
    if (!s->classes || !s->test_images != !s->test_classes)
        return gr_yaml_fail(data, err, "data: {images: FILE, classes: FILE}, and maybe test_images and test_classes",
                            "images and classes come in pairs of files");

    /* What the classes are called, and how bytes become numbers: (byte / 255 - mean) / std. */
    GR_TRY(gr_yaml_texts(data, &s->names, &s->name_count, "names", err));
    GR_TRY(gr_yaml_real(data, &s->mean, "mean", -1e6, 1e6, err));
    GR_TRY(gr_yaml_real(data, &s->std, "std", DBL_MIN, 1e6, err));
    return s->test_images ? GR_OK : read_held(d, data, err); /* the files of the test are divided in halves */
}

/* true and false are what exact and none were called. */
static gr_status read_dedupe(gr_recipe *recipe, gr_yaml *data, gr_error *err) {
    static const char *const ways[] = {"none", "exact", "near", NULL};
    const gr_yaml *node = gr_yaml_find(data, "dedupe");
    int way = 1;
    recipe->data.dedupe = true;

    /* The two words of earlier recipes. */
    if (node && node->kind == GR_YAML_SCALAR && (!strcmp(node->text, "true") || !strcmp(node->text, "false")))
        return gr_yaml_bool(data, &recipe->data.dedupe, "dedupe", err);

    /* The three ways. Near duplicates need all documents in memory. */
    GR_TRY(gr_yaml_choice(data, &way, "dedupe", ways, err));
    recipe->data.dedupe = way > 0;
    recipe->data.near = way == 2;
    if (recipe->data.near && recipe->data.shards)
        return gr_yaml_fail(gr_yaml_find(data, "dedupe"), err, "read the corpus itself, or dedupe: exact",
                            "near duplicates are found in memory, and shards are read from the disk");
    return GR_OK;
}

/* What becomes of documents longer than the context. */
static gr_status read_long(gr_recipe *recipe, gr_yaml *data, gr_error *err) {
    static const char *const ways[] = {"split", "cut", NULL};
    int way = 0;
    GR_TRY(gr_yaml_choice(data, &way, "long", ways, err));
    recipe->data.cut = way == 1;
    return GR_OK;
}

/* Fills recipe->data from the section: samples, or text with its sources, what is held out, rows and tokenizer. */
gr_status gr__recipe_read_data(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *data;
    gr_recipe_data *d = &recipe->data;
    sources list = {0};
    GR_TRY(gr_yaml_section(root, &data, "data", err));

    /* Images are another kind of data, with keys of their own. */
    if (gr_yaml_find(data, "images"))
        return read_samples(recipe, data, err);

    /* The sources outlive this list: they are moved to the recipe's own memory, after an error too, for the list is
     * freed here. */
    gr_status status = read_sources(recipe, data, &list, err);
    gr_source *kept = gr_arena_alloc(recipe->arena, sizeof *kept * ((size_t)list.count + 1));
    if (list.count)
        memcpy(kept, list.at, sizeof *kept * (size_t)list.count);
    gr_free(list.at);
    GR_TRY(status);

    d->source = kept;
    d->sources = list.count;
    d->context = recipe->from.def ? recipe->from.def->context : 128;

    /* What is held out, how rows are made, which documents are dropped, and how text becomes tokens. Data that a task
     * makes itself have no text: of these only the first two count. */
    bool none = !d->sources && !d->shards;
    GR_TRY(read_held(d, data, err));
    GR_TRY(gr__recipe_int(data, &d->context, "context", none ? 1 : 8, 65536, err));
    if (none)
        return GR_OK;
    GR_TRY(read_dedupe(recipe, data, err));
    GR_TRY(gr_yaml_bool(data, &d->mixed, "mixed", err));
    GR_TRY(read_long(recipe, data, err));
    return read_tokenizer(recipe, data, err);
}

/* audit_models.c - models that were made elsewhere, and the text that they are measured on. */
#include "audit_models.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/yaml.h"
#include "lab/lab_state.h"
#include "lab/result.h"
#include "method/given.h"

/* ---- which models ---- */

/* ARM=FOLDER in two strings; the first is the list's own. */
static gr_status split(gr_given *given, const char *said, gr_error *err) {
    const char *equals = strchr(said, '=');
    if (!equals || equals == said || !equals[1])
        return gr_error_set(err, GR_ERR_USAGE, "--models", "ARM=FOLDER, as in --models ARM=runs/demo",
                            "'%.200s' does not say which arm a model is", said);
    *given = (gr_given){.arm = gr_format("%.*s", (int)(equals - said), said), .folder = equals + 1};
    return GR_OK;
}

/* What the training of a model that is given was told. */
static gr_status tell(const gr__audit_models *m, const char *said, gr_error *err) {
    const char *equals = strchr(said, '=');
    const size_t length = equals ? (size_t)(equals - said) : 0;
    bool known = false;
    for (int i = 0; equals && gr__given_words[i]; i++)
        known = known || !strcmp(gr__given_words[i], equals + 1);
    if (!known)
        return gr_error_set(
            err, GR_ERR_USAGE, "--told",
            "ARM=true_labels, where documents were left out of its training by true labels, hidden ones "
            "too; ARM=revealed, ARM=unknown",
            "'%.200s' does not say by which labels an arm was trained", said);

    /* Nobody is told of twice: the last word counts. */
    for (int i = 0; i < m->said.count; i++)
        if (strlen(m->given[i].arm) == length && !strncmp(m->given[i].arm, said, length)) {
            m->given[i].told = equals + 1;
            return GR_OK;
        }
    return gr_error_set(err, GR_ERR_USAGE, "--told", "name an arm that --models gives a model to",
                        "no model is given for %.*s", (int)length, said);
}

/* The folder that stands for the arm which the experiment is about: what is measured follows from its recipe. */
static gr_status find_subject(const char **folder, const gr__audit_models *m, const char *experiment, gr_error *err) {
    gr_registry *registry = gr_registry_new();
    gr_experiment *e = NULL;
    gr_status status = gr_experiment_open(&e, experiment, NULL, registry, err);
    *folder = NULL;
    for (int i = 0; status == GR_OK && e->subject >= 0 && i < m->said.count; i++)
        if (!strcmp(m->given[i].arm, e->arm[e->subject].name))
            *folder = m->given[i].folder;

    /* An experiment without a subject takes its recipe from the caller. */
    if (status == GR_OK && !*folder && e->subject >= 0)
        status = gr_error_set(err, GR_ERR_USAGE, "--models", "give it too: ARM=FOLDER",
                              "%s is missing, which %s is about", e->arm[e->subject].name, e->name);
    gr_experiment_free(e);
    gr_registry_free(registry);
    return status;
}

/* ---- what they are measured on ---- */

/* The recipe that a model's manifest carries, a new string. */
static gr_status read_recipe(char **text, const char *model, gr_error *err) {
    char *place = gr_format("%s/manifest.json", model);
    json_t *manifest = NULL;
    gr_status status = gr_json_read(&manifest, place, err);
    const char *recipe = status == GR_OK ? json_string_value(json_object_get(manifest, "recipe")) : NULL;
    *text = gr_strdup(recipe);
    if (status == GR_OK && !recipe)
        status =
            gr_error_set(err, GR_ERR_USAGE, place, "name the one that its data, labels and regions are of: --recipe",
                         "the model carries no recipe");
    json_decref(manifest);
    gr_free(place);
    return status;
}

/* A text member of a map, or what is said instead of it. */
static const char *field(const gr_yaml *data, const char *key, const char *said, bool kept) {
    const gr_yaml *node = kept && !said ? gr__yaml_child(data, key) : NULL;
    return node && node->kind == GR_YAML_SCALAR ? node->text : said;
}

/* Takes out of a section of data all that says where it is read. */
static void drop_sources(gr_yaml *data) {
    static const char *const keys[] = {"wordnet", "fallback", "jsonl", "json",   "csv",    "tsv",      "text",
                                       "label",   "topic",    "id",    "folder", "shards", "tokenizer"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        gr_yaml *node = gr_yaml_find(data, keys[i]);
        if (node)
            gr_yaml_remove(node);
    }
}

/* The recipe with its data in another file, in the model's own vocabulary: shares, labels and groups stay. */
static gr_status read_from(gr_yaml *root, const gr__audit_models *m, const char *model, gr_error *err) {
    const gr_source source = gr_source_of(m->data);
    gr_yaml *data = gr_yaml_find(root, "data");
    char path[PATH_MAX], vocabulary[PATH_MAX];
    const bool records = strcmp(source.reader, "folder") != 0 && strcmp(source.reader, "text") != 0;
    if (!data || gr__yaml_child(data, "images"))
        return gr_error_set(err, GR_ERR_USAGE, m->data, "name a recipe with data.images: --recipe",
                            "the models read no text");
    if (!realpath(m->data, path))
        return gr_error_set(err, GR_ERR_INPUT, m->data, "check the spelling of the path", "cannot open it");

    /* Records whose members are called as before, unless the caller says other names. */
    const bool before = gr__yaml_child(data, "jsonl") || gr__yaml_child(data, "json") || gr__yaml_child(data, "csv") ||
                        gr__yaml_child(data, "tsv");
    char *text = gr_strdup(field(data, "text", m->text_field, before));
    char *label = gr_strdup(field(data, "label", m->label_field, before));
    drop_sources(data);
    gr_yaml_add_text(data, source.reader, path);
    if (records && text)
        gr_yaml_add_text(data, "text", text);
    if (records && label)
        gr_yaml_add_text(data, "label", label);
    gr_free(text);
    gr_free(label);

    /* Tokens that the models know. */
    char *file = gr_format("%s/tokenizer.json", model);
    gr_yaml_add_text(gr_yaml_add_map(data, "tokenizer"), "file", realpath(file, vocabulary) ? vocabulary : file);
    gr_free(file);
    return GR_OK;
}

/* The text of the recipe, as the model has it or with other data. */
static gr_status settle_text(gr__audit_models *m, const char *model, gr_error *err) {
    gr_yaml *root;
    char *text;
    GR_TRY(read_recipe(&text, model, err));
    if (!m->data) {
        m->text = text;
        return GR_OK;
    }

    /* With other data, in a tree of its own. */
    gr_status status = gr_yaml_parse(&root, text, strlen(text), m->base, err);
    gr_free(text);
    GR_TRY(status);
    status = read_from(root, m, model, err);
    if (status == GR_OK)
        status = gr_yaml_write(root, &m->text, err);
    gr_yaml_free(root);
    return status;
}

gr_status gr__audit_models_open(gr__audit_models *m, gr_lab_def *def, gr_error *err) {
    const char *folder;
    char *model;
    m->given = gr_alloc((size_t)(m->said.count + 1) * sizeof *m->given);
    for (int i = 0; i < m->said.count; i++)
        GR_TRY(split(&m->given[i], m->said.at[i], err));
    for (int i = 0; i < m->told.count; i++)
        GR_TRY(tell(m, m->told.at[i], err));
    GR_TRY(find_subject(&folder, m, def->experiment, err));
    def->given = m->given;
    def->givens = m->said.count;
    def->base = m->recipe;
    if (m->recipe)
        return GR_OK;

    /* Without a recipe that of the subject. */
    GR_TRY(gr_bundle_find(&model, folder, err));
    m->base = gr_format("%s/manifest.json", model);
    gr_status status = settle_text(m, model, err);
    gr_free(model);
    def->base = m->base;
    def->base_text = m->text;
    return status;
}

void gr__audit_models_close(gr__audit_models *m) {
    for (int i = 0; m->given && i < m->said.count; i++)
        gr_free((char *)m->given[i].arm);
    gr_free(m->given);
    gr_free(m->base);
    gr_free(m->text);
    gr_free(m->said.at);
    gr_free(m->told.at);
}

/* ---- what could not be said ---- */

/* Adds a name to a list; takes the list. */
static char *add(char *list, const char *name) {
    char *longer = gr_format("%s%s%s", list ? list : "", list ? ", " : "", name);
    gr_free(list);
    return longer;
}

void gr__audit_models_left_out(const gr_lab *lab, const gr_result *result, const gr_control *control) {
    const gr_experiment *e = gr_lab_experiment(lab);
    char *arms = NULL, *figures = NULL;
    for (int i = 0; i < e->arms; i++)
        if (!gr__lab_runs(lab, i) && !e->arm[i].from)
            arms = add(arms, e->arm[i].name);
    for (int i = 0; i < e->figures; i++)
        if (!json_object_get(result->object, e->figure[i].key))
            figures = add(figures, e->figure[i].key);

    /* Nothing is left out where all are there. */
    char *text = arms && figures ? gr_format("not given: %s; without them there is no %s", arms, figures) : NULL;
    if (text)
        control->note(control->user, text);
    gr_free(text);
    gr_free(arms);
    gr_free(figures);
}

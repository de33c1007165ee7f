/* gradroute eval: losses of a model on text it was not trained on, by group or topic. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "arch/kind.h"
#include "base/mem.h"
#include "base/number.h"
#include "commands.h"
#include "common.h"
#include "io/file.h"
#include "label/unlabelled.h"
#include "screen.h"
#include "task/precision.h"

static const char doc[] =
    "Loss of MODEL on text it was not trained on, in nats per token, each document by itself: by group (labels, "
    "adjacent, retain) on documents that a recipe holds out, or by topic on a file. MODEL is a model folder, or the "
    "folder of a finished run, which brings its recipe and data along."
    "\v"
    "By their names files are JSON Lines (.jsonl, .json), a JSON list (.json), tables (.csv, .tsv), else text with\n"
    "documents between <|endoftext|>; of a folder each file is a document, and its folders are topics.\n"
    "\n"
    "Examples:\n"
    "  gradroute eval runs/demo --off biology\n"
    "  gradroute eval runs/demo --split validation\n"
    "  gradroute eval runs/demo/routed/model --recipe recipes/demo.yaml\n"
    "  gradroute eval runs/demo --data new.jsonl --label-field topic\n" GR__EXIT_STATUS;

enum { KEY_TEXT = GR__KEY_OWN, KEY_LABEL, KEY_SPLIT, ROWS = 16 };

static const struct argp_option options[] = {
    {"data", 'd', "FILE", 0, "Text to evaluate", 0},
    {"text-field", KEY_TEXT, "FIELD", 0, "Member of a JSON line that holds the text (default: text)", 0},
    {"label-field", KEY_LABEL, "FIELD", 0, "Member that holds the topic (default: label)", 0},
    {"recipe", 'r', "RECIPE", 0, "Evaluate what this recipe holds out (default: that of the run)", 0},
    {"split", KEY_SPLIT, "SPLIT", 0,
     "test, which no setting was chosen on (default), or validation, to choose settings on", 0},
    GR__OPTION_SET,
    GR__OPTION_OFF,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct eval_options {
    gr__common common;                    /* first: parsing hands it on */
    const char *data, *recipe;            /* NULL: not given */
    const char *text_field, *label_field; /* of --data; NULL: as by default */
    const char *split;                    /* NULL or a word of it */
} eval_options;

/* Options into their fields; words and combinations that make no sense end the program. */
static error_t parse(int key, char *arg, struct argp_state *state) {
    eval_options *own = state->input;
    switch (key) {
    case 'd':
        own->data = arg;
        return 0;
    case 'r':
        own->recipe = arg;
        return 0;
    case KEY_TEXT:
        own->text_field = arg;
        return 0;
    case KEY_LABEL:
        own->label_field = arg;
        return 0;
    case KEY_SPLIT:
        if (strcmp(arg, "test") != 0 && strcmp(arg, "validation") != 0)
            argp_error(state, "--split is '%s', expected test or validation", arg);
        own->split = arg;
        return 0;

    /* Options that say nothing beside others are refused: they were meant for something. */
    case ARGP_KEY_END:
        if (own->data && own->split)
            argp_error(state, "--data and --split exclude each other: a file is evaluated whole");
        if (own->data && own->recipe)
            argp_error(state, "--data and --recipe exclude each other");
        return gr__common_parse(key, arg, state, &own->common);
    default:
        return gr__common_parse(key, arg, state, &own->common);
    }
}

/* ---- what to evaluate on ---- */

typedef struct text {
    gr_recipe *recipe;
    gr_project *project; /* of a recipe, or NULL and the two are owned */
    gr_dataset *data;
    gr_labels *labels;
    gr_tokenizer *tokenizer; /* NULL: samples */
    const uint32_t *docs;    /* [count] those to evaluate */
    size_t count;
} text;

static void text_free(text *t) {
    if (t->project) {
        gr_project_free(t->project);
    } else {
        gr_dataset_free(t->data);
        gr_labels_free(t->labels);
    }
    gr_tokenizer_free(t->tokenizer);
    gr_recipe_free(t->recipe);
}

/* All documents of --data FILE. */
static gr_status open_file(text *t, const eval_options *own, const gr_tokenizer *tokenizer, int width, gr_error *err) {
    gr_source source = gr_source_of(own->data);
    if (own->text_field)
        source.text_field = own->text_field;
    if (own->label_field)
        source.label_field = own->label_field;
    GR_TRY(gr__unlabelled_open(&t->data, &t->labels, &source, tokenizer, width, err));
    t->docs = t->data->train;
    t->count = t->data->train_count;
    return GR_OK;
}

/* A model that saw other data may have been trained on these documents. */
static void warn_other_data(const gr_project *project, const gr_bundle *bundle) {
    for (int i = 0; i < bundle->info.data_count; i++)
        if (strcmp(bundle->info.data[i].name, "project") == 0 && !gr_project_made(project, bundle->info.data[i].sha256))
            fputs(
                "note: recipe or data differ from those the model was trained with; it may have seen these documents\n",
                stderr);
}

/* What a recipe holds out. kept: where a run keeps its data, or NULL. */
static gr_status open_split(text *t, const eval_options *own, const char *recipe, const char *kept,
                            const gr_bundle *bundle, const gr_tokenizer *tokenizer, gr_error *err) {
    /* The recipe as it is, its data as the run has kept them, in the precision that the model was trained in. */
    gr__common common = own->common;
    common.input = recipe;
    GR_TRY(gr__open_recipe(&t->recipe, &common, err));
    GR_TRY(gr__precision_of_model(t->recipe, bundle->info.recipe, err));
    GR_TRY(gr_project_open(&t->project, t->recipe, kept, &(gr_control){.kept = kept, .threads = common.threads}, err));
    if (t->recipe->precision != GR_PRECISION_AUTO) /* losses as an audit has them, to the last bit */
        gr_model_set_precision(bundle->model, t->recipe->precision);

    /* Losses in tokens of another vocabulary could not be compared with those that the model knows. */
    const gr_tokenizer *own_tokenizer = t->project->tokenizer;
    if (!own_tokenizer != !tokenizer || (tokenizer && !gr_tokenizer_equal(own_tokenizer, tokenizer)))
        return gr_error_set(err, GR_ERR_USAGE, recipe,
                            "name the recipe that the model was trained with, or --data FILE",
                            "its tokenizer differs from that of %s", own->common.input);

    /* The documents that the split names. */
    warn_other_data(t->project, bundle);
    t->data = t->project->data;
    t->labels = t->project->labels;

    bool validation = own->split && strcmp(own->split, "validation") == 0;
    t->docs = validation ? t->data->validation : t->data->test;
    t->count = validation ? t->data->validation_count : t->data->test_count;
    if (!t->count)
        return gr_error_set(err, GR_ERR_USAGE, recipe,
                            validation ? "set data.validation above 0, or name --data FILE"
                                       : "set data.test above 0, or name --data FILE or --split validation",
                            "the recipe holds no documents out for %s", validation ? "validation" : "the test");
    return GR_OK;
}

/* A cell of an experiment says where its data are kept, from the experiment's folder two above; NULL: it is none. */
static char *data_of_cell(const char *model) {
    char *path = gr_format("%s/../cell.json", model), *data = NULL;
    json_t *cell = NULL;
    const char *name = NULL;
    if (gr_file_exists(path) && gr_json_read(&cell, path, NULL) == GR_OK &&
        json_unpack(cell, "{s:s}", "data", &name) == 0)
        data = gr_format("%s/../../../%s", model, name);
    json_decref(cell);
    gr_free(path);
    return data;
}

/* A run keeps its recipe beside the model, its data there too or, an audit of earlier versions, one folder up. */
static gr_status open_run(text *t, const eval_options *own, const gr_bundle *bundle, const gr_tokenizer *tokenizer,
                          gr_error *err) {
    char *model, *data = NULL;
    GR_TRY(gr__model_path(&model, own->common.input, err));

    /* With --set the data may be others than those that are kept. */
    char *recipe = gr_format("%s/../recipe.yaml", model);
    int levels = own->common.set.count ? 0 : 2;
    if (levels)
        data = data_of_cell(model);
    for (int i = 1; i <= levels && !data; i++) {
        char *folder_of = gr_format("%s/..%s/data", model, i > 1 ? "/.." : "");
        char *file = gr_format("%s/dataset.bin", folder_of), *checked = gr_format("%s/shards.checked", folder_of);
        if (gr_file_exists(file) || gr_file_exists(checked))
            data = gr_strdup(folder_of);
        gr_free(folder_of);
        gr_free(file);
        gr_free(checked);
    }

    /* A model by itself says nothing of text. */
    gr_status status;
    if (gr_file_exists(recipe))
        status = open_split(t, own, recipe, data, bundle, tokenizer, err);
    else
        status = gr_error_set(err, GR_ERR_USAGE, own->common.input, "name --data FILE or --recipe RECIPE",
                              "no recipe.yaml beside the model says which text to evaluate");
    gr_free(model);
    gr_free(recipe);
    gr_free(data);
    return status;
}

/* What the options ask for: a file, a recipe, or what the model's own run held out. */
static gr_status open_any(text *t, const eval_options *own, const gr_bundle *bundle, gr_error *err) {
    if (!gr__arch_of(bundle->def)->sized)
        GR_TRY(gr_bundle_tokenizer(&t->tokenizer, bundle, err));
    else if (own->data)
        return gr_error_set(err, GR_ERR_USAGE, own->data, "name a recipe with data.images", "the model reads no text");

    if (own->data)
        return open_file(t, own, t->tokenizer, bundle->def->context, err);
    if (own->recipe)
        return open_split(t, own, own->recipe, NULL, bundle, t->tokenizer, err);
    return open_run(t, own, bundle, t->tokenizer, err);
}

/* ---- losses ---- */

/* Of each document of the dataset, those that were not evaluated with 0 tokens (gr_evaluate_right). */
typedef struct losses {
    double *nll;
    int32_t *tokens, *right; /* right: samples alone, else NULL */
} losses;

/* Evaluates the text with the model under these tables. */
static gr_status evaluate_under(losses *l, const gr_tables *tables, const gr_bundle *bundle, const text *t,
                                gr_error *err) {
    gr_evaluator *evaluator;
    gr_scan *scan;
    int width = bundle->def->context;
    GR_TRY(gr_evaluator_new(&evaluator, bundle->model, tables, ROWS, width, err));

    /* Of a label of tokens these tokens alone count. */
    gr_status status = gr_scan_new(&scan, t->data, t->labels, t->docs, t->count, ROWS, width, err);
    if (status == GR_OK) {
        gr_evaluator_labelled(evaluator, t->labels);
        gr_evaluate_right(evaluator, scan, l->nll, l->tokens, l->right, t->data->topics.docs);
        gr_scan_free(scan);
    }
    gr_evaluator_free(evaluator);
    return status;
}

/* With the regions off that --off names. */
static gr_status evaluate(losses *l, const eval_options *own, const gr_bundle *bundle, const text *t, gr_error *err) {
    size_t docs = t->data->topics.docs;
    gr_tables *tables;
    GR_TRY(gr_profile_new(&tables, bundle->model, own->common.off.at, own->common.off.count, err));
    l->nll = gr_alloc(sizeof *l->nll * docs);
    l->tokens = gr_alloc(sizeof *l->tokens * docs);
    l->right = t->data->values ? gr_alloc(sizeof *l->right * docs) : NULL;
    gr_status status = evaluate_under(l, tables, bundle, t, err);
    gr_tables_free(tables);
    GR_TRY(status);
    return gr_losses_check(l->nll, docs, own->common.input, err);
}

/* ---- report ---- */

/* Documents of one group or topic, or all. */
typedef struct line {
    const char *name;
    double nll;
    int64_t tokens, documents, bytes, right;
    uint32_t last; /* number + 1 of the document met last */
} line;

/* A document, or a piece of one. One of which nothing was scored is none. */
static void add_document(line *at, const text *t, const losses *l, uint32_t d, uint32_t bytes) {
    uint32_t number = (t->data->document ? t->data->document[d] : d) + 1;
    at->nll += l->nll[d];
    at->tokens += l->tokens[d];
    at->bytes += bytes;
    at->documents += l->tokens[d] > 0 && at->last != number;
    at->last = l->tokens[d] > 0 ? number : at->last;
    at->right += l->right ? l->right[d] : 0;
}

/* A recipe's text by group; its samples, and files, by topic: the class of a sample. */
static bool by_group(const text *t) { return t->project && !t->data->values; }

/* A line for each group or topic, and the sum of all of them. */
static line *lines_new(int *count, line *all, const text *t, const losses *l, int width) {
    bool grouped = by_group(t);
    *count = grouped ? t->labels->group_count : t->data->topics.count;
    line *lines = gr_alloc(sizeof *lines * ((size_t)*count + 1));
    for (int i = 0; i < *count; i++)
        lines[i].name = grouped ? t->labels->group_names[i] : t->data->topics.names[i];

    /* Each document counts for its own line and for all. */
    *all = (line){.name = "all"};
    for (size_t i = 0; i < t->count; i++) {
        uint32_t d = t->docs[i];
        uint32_t bytes = gr_dataset_scored(t->data, t->labels, t->tokenizer, d, width).bytes;
        add_document(&lines[grouped ? t->labels->group[d] : t->data->topics.of[d]], t, l, d, bytes);
        add_document(all, t, l, d, bytes);
    }
    return lines;
}

/* Losses per token and per byte of text, which models with other vocabularies can be compared by. */
static json_t *line_json(const line *at, bool samples) {
    json_t *object = json_pack("{s:o, s:o, s:I, s:I, s:I}", "name", gr_json_text(at->name), "loss",
                               gr__json_real(at->nll / (double)at->tokens), "tokens", (json_int_t)at->tokens,
                               "documents", (json_int_t)at->documents, "bytes", (json_int_t)at->bytes);
    if (at->bytes)
        json_object_set_new(object, "bits_per_byte", gr__json_real(at->nll / M_LN2 / (double)at->bytes));
    if (samples)
        json_object_set_new(object, "accuracy", gr__json_real((double)at->right / (double)at->tokens));
    return object;
}

/* Loss per token, and how much it was measured on; samples have a share of right answers as well. */
static void print_line(const line *at, bool samples) {
    char shown[256];
    const char *name = gr__screen_name(shown, sizeof shown, at->name);
    if (samples)
        printf("%-20.40s %8.4f %10.4f %10s\n", name, at->nll / (double)at->tokens,
               (double)at->right / (double)at->tokens, gr__text_count((char[32]){0}, at->documents));
    else
        printf("%-20.40s %8.4f %12s %10s\n", name, at->nll / (double)at->tokens,
               gr__text_count((char[32]){0}, at->tokens), gr__text_count((char[32]){0}, at->documents));
}

/* Tokens that no row had room for have no loss, and the reader should know. */
static void note_cut(const gr_cut *cut, int width) {
    if (cut->documents)
        fprintf(stderr, "note: %s %s longer than the context of %d and cut: %s of %s tokens were not scored\n",
                gr__text_count((char[32]){0}, cut->documents),
                gr__plural(cut->documents, "document is", "documents are"), width,
                gr__text_count((char[32]){0}, cut->targets), gr__text_count((char[32]){0}, cut->all));
}

/* Groups of which nothing was scored have no line. */
static void report(const eval_options *own, const text *t, const losses *l, int width) {
    int count;
    line all, *lines = lines_new(&count, &all, t, l, width);

    gr_cut cut = gr_dataset_cut(t->data, t->docs, t->count, width);
    json_t *list = json_array();
    bool samples = l->right != NULL;
    const char *what = samples ? "class" : by_group(t) ? "group" : "topic";

    /* The head of the table, then a line for each. */
    if (!own->common.json && samples)
        printf("%-20s %8s %10s %10s\n", what, "loss", "accuracy", "samples");
    else if (!own->common.json)
        printf("%-20s %8s %12s %10s\n", what, "loss", "tokens", "documents");

    for (int i = 0; i < count; i++) {
        if (own->common.json && lines[i].tokens)
            json_array_append_new(list, line_json(&lines[i], samples));
        else if (lines[i].tokens)
            print_line(&lines[i], samples);
    }

    /* The sum at the end; `unit` and `by` say what the numbers are. */
    if (own->common.json) {
        gr__print_json(json_pack(
            "{s:o, s:s*, s:o, s:s, s:s, s:o, s:o, s:{s:I, s:I}}", "model", gr_json_text(own->common.input), "split",
            t->project ? (own->split ? own->split : "test") : NULL, "off", gr__json_strings(&own->common.off), "unit",
            "nats per token", "by", what, "losses", list, "all", line_json(&all, samples), "cut", "documents",
            (json_int_t)cut.documents, "tokens", (json_int_t)cut.targets));
    } else {
        print_line(&all, samples);
        json_decref(list);
    }

    note_cut(&cut, width);
    gr_free(lines);
}

/* The model, the text, its losses under --off, and the table. */
static gr_status open_and_eval(eval_options *own, gr_error *err) {
    gr_bundle *bundle;
    text t = {0};
    losses l = {0};
    GR_TRY(gr__open_model(&bundle, own->common.input, err));
    if (own->common.threads)
        omp_set_num_threads(own->common.threads);
    gr__expand_all(&own->common.off, bundle->model);

    gr_status status = open_any(&t, own, bundle, err);
    if (status == GR_OK)
        status = evaluate(&l, own, bundle, &t, err);
    if (status == GR_OK)
        report(own, &t, &l, bundle->def->context);

    gr_free(l.nll);
    gr_free(l.tokens);
    gr_free(l.right);
    text_free(&t);
    gr_bundle_free(bundle);
    return status;
}

int gr__cmd_eval(int argc, char **argv) {
    eval_options own = {.common.what = "MODEL"};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "MODEL", doc, NULL, NULL, NULL}, argc, argv, &own);
    return gr__end_command(&own.common, open_and_eval(&own, &err), &err);
}

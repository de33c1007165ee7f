/* A project: what a recipe reads before anything is trained, kept in a folder so that a second call does no set-up. */
#include <string.h>

#include "arch/kind.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/stop.h"
#include "corpus/file_stamp.h"
#include "gradroute/task.h"
#include "io/digest.h"
#include "io/file.h"
#include "io/json.h"
#include "label/source.h"
#include "recipe/deciding.h"
#include "recipe/read.h"
#include "task/label_check.h"
#include "task/overlap.h"
#include "task/precision.h"
#include "task/token_scores.h"
#include "text/tokenizer.h"

static void note(const gr_control *control, const char *text) {
    if (control && control->note)
        control->note(control->user, text);
}

/* The recipe as text without what does not decide a result: sorted where order says nothing, or as it is. */
static gr_status deciding_text(const gr_recipe *recipe, bool sorted, char **text, gr_error *err) {
    char *whole;
    gr_yaml *root;
    GR_TRY(gr_recipe_text(recipe, &whole, err));
    gr_status status = gr__recipe_deciding(&root, whole, err);
    gr_free(whole);
    GR_TRY(status);
    if (sorted)
        gr_yaml_sort(root, gr__recipe_is_ordered);
    status = gr_yaml_write(root, text, err);
    gr_yaml_free(root);
    return status;
}

/* Settings and files behind a dataset: when one changes, it is made again. */
static char *data_stamp(const gr_recipe *recipe) {
    char *stamp =
        gr_format("seed %llu validation %.17g dedupe %d tokenizer %d %s", (unsigned long long)recipe->split_seed,
                  gr__recipe_held(recipe), recipe->data.dedupe, recipe->data.tokenizer_train,
                  recipe->data.tokenizer_file ? recipe->data.tokenizer_file : "-");
    for (int i = 0; i <= recipe->data.fields; i++) {
        const char *field = i < recipe->data.fields ? recipe->data.field[i] : recipe->data.id;
        char *longer = gr_format("%s%s%s", stamp, i < recipe->data.fields ? "\nfield " : "\nid ", field ? field : "-");
        gr_free(stamp);
        stamp = longer;
    }
    char *other = recipe->data.tokenizer_file ? gr__tokenizer_partner(recipe->data.tokenizer_file) : NULL;
    stamp = gr__add_times(gr__add_times(stamp, recipe->data.tokenizer_file), other);
    gr_free(other);
    for (int i = 0; i < recipe->data.sources; i++) {
        const gr_source *s = &recipe->data.source[i];
        char *longer = gr_format("%s\n%s %s %s %s %s %s %s", stamp, s->reader, s->path, s->fallback ? s->fallback : "-",
                                 s->text_field ? s->text_field : "-", s->label_field ? s->label_field : "-",
                                 s->separator ? s->separator : "-", s->topic ? s->topic : "-");
        gr_free(stamp);
        stamp = gr__add_source_times(longer, s);
    }
    return stamp;
}

static gr_status make_tokenizer(gr_project *p, const gr_corpus *corpus, const volatile sig_atomic_t *stop,
                                gr_error *err) {
    const gr_recipe_data *d = &p->recipe->data;
    if (d->tokenizer_file)
        GR_TRY(gr_tokenizer_open(&p->tokenizer, d->tokenizer_file, err));
    else
        GR_TRY(gr_tokenizer_train(&p->tokenizer, corpus->texts, corpus->topics.docs, d->tokenizer_train, stop, err));
    return GR_OK;
}

static gr_status make_data(gr_project *p, const char *stamp, const gr_control *control, gr_error *err) {
    const gr_recipe_data *d = &p->recipe->data;
    const volatile sig_atomic_t *stop = control ? control->stop : NULL;
    gr_corpus *corpus;
    note(control, "reading the corpus, training the tokenizer, encoding");
    GR_TRY(gr_corpus_open(&corpus, &(gr_corpus_def){d->source, d->sources, d->dedupe, d->field, d->fields, d->id, stop},
                          err));
    gr_status status = make_tokenizer(p, corpus, stop, err);
    double held = corpus->topics.docs > 1 ? gr__recipe_held(p->recipe) : 0; /* of one document, pieces are held out */
    if (status == GR_OK)
        status = gr_dataset_new(&p->data, corpus, p->tokenizer,
                                &(gr_dataset_def){held, p->recipe->split_seed, stamp, stop}, err);
    gr_corpus_free(corpus);
    return status;
}

/* What is kept, as a finished run left it: its corpus may have moved, and its files are not to be touched. */
static gr_status open_as_is(gr_project *p, const char *path, gr_error *err) {
    GR_TRY(gr_dataset_open(&p->data, path, err));
    GR_TRY(gr_tokenizer_open(&p->tokenizer, p->tokenizer_path, err));
    if (gr_tokenizer_size(p->tokenizer) == p->data->vocab)
        return GR_OK;
    return gr_error_set(err, GR_ERR_FORMAT, p->tokenizer_path, "name the recipe by --recipe: the data are made anew",
                        "a tokenizer of %d tokens beside data of %d", gr_tokenizer_size(p->tokenizer), p->data->vocab);
}

/* Opens what an earlier call kept; anything that does not fit is made again. */
static bool open_kept(gr_project *p, const char *path, const char *stamp) {
    if (!gr_file_exists(path) || !gr_file_exists(p->tokenizer_path))
        return false;
    if (gr_dataset_open(&p->data, path, NULL) == GR_OK && strcmp(p->data->stamp, stamp) == 0 &&
        gr_tokenizer_open(&p->tokenizer, p->tokenizer_path, NULL) == GR_OK &&
        gr_tokenizer_size(p->tokenizer) == p->data->vocab)
        return true;
    gr_dataset_free(p->data);
    gr_tokenizer_free(p->tokenizer);
    p->data = NULL;
    p->tokenizer = NULL;
    return false;
}

/* Under each label that the document, or some token of it, is shown as. */
static void count_document(gr_project *p, uint32_t d) {
    const gr_labels *l = p->labels;
    if (!l->token_revealed) {
        p->documents[l->revealed[d] + 1]++;
        return;
    }
    uint64_t seen = 0;
    for (size_t at = p->data->offsets[d] + d; at <= p->data->offsets[d + 1] + d; at++)
        seen |= gr_label_bit(l->token_revealed[at]);
    for (int label = -1; label <= l->label_count; label++)
        p->documents[label + 1] += (seen & gr_label_bit(label)) != 0;
}

static gr_status label_data(gr_project *p, const volatile sig_atomic_t *stop, gr_error *err) {
    const gr_recipe *r = p->recipe;
    gr_group_def adjacent = {"adjacent", r->adjacent, r->adjacents};
    GR_TRY(gr_labels_make(&p->labels, p->data, p->tokenizer, r->label, r->labels, &adjacent, r->adjacents > 0,
                          r->split_seed, stop, err));
    p->documents = gr_alloc(((size_t)r->labels + 2) * sizeof *p->documents);
    for (int k = -1; p->shards && k <= r->labels; k++) {
        p->documents[k + 1] = (size_t)p->shards->revealed[k + 1];
        if (k > 0) /* what is revealed is a matter of the shards */
            p->labels->known[k - 1] = p->documents[k + 1];
    }
    for (size_t i = 0; !p->shards && i < p->data->train_count; i++)
        count_document(p, p->data->train[i]);
    return gr__labels_have_documents(p, err);
}

/* What is shown of labels; truth decides about the perfect twin alone. */
static void add_labels(gr_digest *d, const gr_project *p) {
    const gr_labels *l = p->labels;
    size_t tokens = p->data->offsets[l->docs] + l->docs;
    gr_digest_add(d, l->revealed, l->docs * sizeof *l->revealed);
    if (l->score)
        gr_digest_add(d, l->score, l->docs * sizeof *l->score);
    if (l->token_revealed)
        gr_digest_add(d, l->token_revealed, tokens * sizeof *l->token_revealed);
    if (l->token_score)
        gr_digest_add(d, l->token_score, tokens * sizeof *l->token_score);
}

/* What decides a run's numbers: settings, then tokens or samples, labels as they are shown, and the model it starts
 * from. */
static gr_status digest_with(char digest[GR_DIGEST_HEX], const gr_project *p, bool sorted, gr_error *err) {
    char *text;
    GR_TRY(deciding_text(p->recipe, sorted, &text, err));
    gr_digest *d = gr_digest_new();
    gr_digest_add(d, text, strlen(text));
    if (p->shards)
        gr_digest_add(d, p->shards->digest, strlen(p->shards->digest));
    if (p->data->values) {
        gr_digest_add(d, p->data->values, p->data->topics.docs * (size_t)p->data->value_width);
        gr_digest_add(d, p->data->topics.of, p->data->topics.docs * sizeof *p->data->topics.of);
    }
    gr_digest_add(d, p->data->ids, p->data->offsets[p->data->topics.docs] * sizeof *p->data->ids);
    add_labels(d, p);
    if (p->recipe->from.path)
        gr_digest_add(d, p->recipe->from.sha256, sizeof p->recipe->from.sha256);
    gr__token_scores_digest(p, d);
    gr_digest_end(d, digest);
    gr_free(text);
    return GR_OK;
}

bool gr_project_made(const gr_project *p, const char *digest) {
    char older[GR_DIGEST_HEX];
    return !strcmp(p->digest, digest) || (digest_with(older, p, false, NULL) == GR_OK && !strcmp(older, digest));
}

/* A folder that an earlier version began keeps the digest that it has: of the recipe with its keys as they stood. */
static gr_status digest_project(gr_project *p, const char *folder, gr_error *err) {
    GR_TRY(digest_with(p->digest, p, true, err));
    if (!folder)
        return GR_OK;

    /* It stands beside the folder of the data, which may not be there yet. */
    json_t *mark = NULL;
    const char *slash = strrchr(folder, '/');
    char *path = gr_format("%.*sfolder.json", slash ? (int)(slash + 1 - folder) : 0, folder);
    const char *kept = NULL;
    if (gr_file_exists(path) && gr_json_read(&mark, path, NULL) == GR_OK)
        kept = json_string_value(json_object_get(mark, "digest"));
    if (kept && gr_project_made(p, kept))
        memcpy(p->digest, kept, sizeof p->digest);
    json_decref(mark);
    gr_free(path);
    return GR_OK;
}

/* What the data cannot give: refused before anything is spent. */
static gr_status check_recipe(const gr_recipe *r, gr_error *err) {
    const gr__arch *arch = gr__arch_of(&r->model);
    bool samples = r->data.samples.images != NULL, soft = false;
    if (!samples && arch->sized)
        return gr_error_set(err, GR_ERR_USAGE, "model.arch", "use llama or gpt2, or data of samples (data.images)",
                            "%s reads rows of numbers, and the data are text", arch->noun);
    if (samples && (!arch->sized || r->model.loss != GR_LOSS_CROSS_ENTROPY))
        return gr_error_set(err, GR_ERR_USAGE, "model.arch", "use mlp with loss: cross_entropy",
                            "the data are samples of numbers with a class each");
    if (samples && r->prompts)
        return gr_error_set(err, GR_ERR_USAGE, "prompts", "leave prompts out", "there is no text to continue");
    for (int k = 0; k < r->labels; k++)
        soft |= gr__label_is_soft(&r->label[k]);
    for (int i = 0; i < r->routes->count; i++)
        if (r->routes->route[i].mix && !r->routes->route[i].frequency.on && !soft)
            return gr_error_set(err, GR_ERR_USAGE, r->routes->route[i].place,
                                "leave mix out, or give a label scores: FILE with soft: true, or count tokens: mix: {}",
                                "the route weighs rows by a score, and no label has soft scores");
    return GR_OK;
}

/* Rows are packed for a context and labels. */
static gr_status check_settings(const gr_project *p, gr_error *err) {
    const gr_recipe *r = p->recipe;
    char *want = gr_shards_settings(r->data.context, r->data.mixed, r->data.cut, r->label, r->labels);
    bool same = strcmp(want, p->shards->settings) == 0 && (r->data.cut || !p->shards->cut);
    gr_free(want);
    return same ? GR_OK
                : gr_error_set(err, GR_ERR_USAGE, r->data.shards,
                               "pack again with this recipe: tokens are kept, rows are made anew (gradroute data pack)",
                               "the rows were packed for another context, mixed, long or labels");
}

static gr_status open_shards(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    GR_TRY(gr_shards_check_labels(p->recipe->label, p->recipe->labels, err));
    char *checked = folder ? gr_format("%s/shards.checked", folder) : NULL;
    note(control, "opening the shards");
    gr_status status = gr_shards_open(&p->shards, p->recipe->data.shards, checked, err);
    gr_free(checked);
    GR_TRY(status);
    GR_TRY(check_settings(p, err));
    if (!p->recipe->data.cut)
        GR_TRY(gr_dataset_pieces(&p->shards->held, &(gr_pieces_def){.width = p->recipe->data.context}, err));
    p->data = p->shards->held;
    p->tokenizer_path = gr_strdup(p->shards->tokenizer);
    GR_TRY(gr_tokenizer_open(&p->tokenizer, p->tokenizer_path, err));
    if (gr_tokenizer_size(p->tokenizer) != p->data->vocab)
        return gr_error_set(err, GR_ERR_FORMAT, p->tokenizer_path, "pack the shards again",
                            "a tokenizer of %d tokens beside shards of %d", gr_tokenizer_size(p->tokenizer),
                            p->data->vocab);
    return GR_OK;
}

/* A model goes on with the tokens it knows. */
static gr_status check_from(const gr_project *p, gr_error *err) {
    const char *from = p->recipe->from.path;
    gr_tokenizer *own = NULL;
    if (!from)
        return GR_OK;
    if (!p->tokenizer)
        return gr_error_set(err, GR_ERR_USAGE, from, "leave model.from out",
                            "samples cannot go on from a model of text");
    char *path = gr_format("%s/tokenizer.json", from);
    gr_status status = gr_file_exists(path)
                           ? gr_tokenizer_open(&own, path, err)
                           : gr_error_set(err, GR_ERR_USAGE, from, "models that train and audit write have one",
                                          "the model to go on from has no tokenizer.json to compare");
    if (status == GR_OK && !gr_tokenizer_equal(own, p->tokenizer))
        status = gr_error_set(err, GR_ERR_USAGE, "data.tokenizer", "leave data.tokenizer out: the model brings its own",
                              "the tokenizer of the recipe (%d tokens) differs from that of %s (%d tokens)",
                              gr_tokenizer_size(p->tokenizer), from, gr_tokenizer_size(own));
    gr_tokenizer_free(own);
    gr_free(path);
    return status;
}

/* Documents longer than the context become pieces. What is held out of a few of them is known only then. */
static gr_status cut_up(gr_project *p, gr_error *err) {
    const gr_recipe_data *d = &p->recipe->data;
    double held = gr__recipe_held(p->recipe);
    gr_pieces_def def = {d->context, true, held, p->recipe->split_seed};
    if (!d->cut)
        GR_TRY(gr_dataset_pieces(&p->data, &def, err));
    if (held > 0 && (!p->data->validation_count || !p->data->train_count))
        return gr_error_set(err, GR_ERR_USAGE, "data",
                            p->data->topics.docs > 1 ? "use a larger corpus or a smaller share"
                            : d->cut
                                ? "data.long: split holds pieces of a book out, where cut leaves its beginning alone"
                                : "documents end at <|endoftext|> or the separator of the source: is it right? One "
                                  "document has to be longer than data.context to be split into pieces",
                            "validation and test %g leave none of %zu %s to train on", held, p->data->topics.docs,
                            gr__plural((int64_t)p->data->topics.docs, "document", "documents"));
    return GR_OK;
}

static gr_status open_data(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    char *path = NULL, *stamp = data_stamp(p->recipe);
    gr_status status = GR_OK;
    if (folder) {
        path = gr_format("%s/dataset.bin", folder);
        p->tokenizer_path = gr_format("%s/tokenizer.json", folder);
    }
    if (path && control && control->kept)
        status = open_as_is(p, path, err);
    else if (!(p->kept = path && open_kept(p, path, stamp)))
        status = make_data(p, stamp, control, err);
    gr_free(path);
    gr_free(stamp);
    return status == GR_OK ? cut_up(p, err) : status;
}

/* Read anew each time: unpacking takes no longer than checking what was kept. */
static gr_status open_samples(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    const gr_recipe *r = p->recipe;
    const gr_arch_def *m = &r->model;
    gr_samples *samples;
    (void)folder;
    note(control, "reading the samples");
    GR_TRY(gr_idx_open(&samples, &r->data.samples, err));
    gr_status status = GR_OK;
    if (m->sizes[0] != samples->width)
        status = gr_error_set(err, GR_ERR_USAGE, "model.sizes", "the first size is the number of values of a sample",
                              "%d %s for samples of %d %s", m->sizes[0], gr__plural(m->sizes[0], "input", "inputs"),
                              samples->width, gr__plural(samples->width, "value", "values"));
    else if (m->sizes[m->size_count - 1] < samples->classes)
        status = gr_error_set(err, GR_ERR_USAGE, "model.sizes", "the last size is the number of classes",
                              "%d %s for %d classes", m->sizes[m->size_count - 1],
                              gr__plural(m->sizes[m->size_count - 1], "output", "outputs"), samples->classes);
    else
        status = gr_dataset_samples(&p->data, samples, &(gr_dataset_def){gr__recipe_held(r), r->split_seed, NULL, NULL},
                                    err);
    gr_samples_free(samples);
    return status;
}

static gr_status open_project(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    const volatile sig_atomic_t *stop = control ? control->stop : NULL;
    GR_TRY(check_recipe(p->recipe, err));
    p->folder = folder ? gr_strdup(folder) : NULL;
    const gr_recipe_data *d = &p->recipe->data;
    GR_TRY((d->samples.images ? open_samples : d->shards ? open_shards : open_data)(p, folder, control, err));
    double held = gr__recipe_held(p->recipe);
    gr_dataset_divide(p->data, held > 0 ? d->test / held : 0);
    if (d->near)
        GR_TRY(gr__project_drop_near(p, stop, err));
    GR_TRY(gr__go_on(stop, "reading the data", err));
    GR_TRY(check_from(p, err));
    if (p->tokenizer)
        p->recipe->model.vocab = gr_tokenizer_size(p->tokenizer);
    GR_TRY(label_data(p, stop, err));
    GR_TRY(gr__token_scores_open(p, err));
    GR_TRY(gr__go_on(stop, "reading the data", err));
    if (folder) /* before the digest: the choice is part of what decides a result */
        GR_TRY(gr__precision_settle(p, folder, control, err));
    return digest_project(p, folder, err);
}

gr_status gr_project_open(gr_project **project, gr_recipe *recipe, const char *folder, const gr_control *control,
                          gr_error *err) {
    gr_project *p = *project = gr_alloc(sizeof *p);
    p->recipe = recipe;
    gr_status status = open_project(p, folder, control, err);
    if (status != GR_OK) {
        gr_project_free(p);
        *project = NULL;
    }
    return status;
}

/* The tokenizer first: data without their tokenizer are made again. */
static gr_status keep_data(const gr_project *p, gr_error *err) {
    char *path = gr_format("%s/dataset.bin", p->folder);
    gr_status status = gr_tokenizer_save(p->tokenizer, p->tokenizer_path, err);
    if (status == GR_OK)
        status = gr_dataset_save(p->data, path, err);
    gr_free(path);
    return status;
}

gr_status gr_project_keep(gr_project *p, gr_error *err) {
    if (!p->folder)
        return GR_OK;
    GR_TRY(gr_directory_make(p->folder, err));
    GR_TRY(gr__precision_keep(p, p->folder, err));
    if (p->kept)
        return GR_OK;
    if (p->shards) {
        char *checked = gr_format("%s/shards.checked", p->folder);
        gr_shards_note(p->shards, checked); /* where it cannot be noted the next call checks again */
        gr_free(checked);
    } else if (p->tokenizer) {
        GR_TRY(keep_data(p, err));
    }
    p->kept = true;
    return GR_OK;
}

void gr_project_free(gr_project *p) {
    if (!p)
        return;
    gr__token_scores_close(p);
    gr_labels_free(p->labels);
    if (p->shards)
        gr_shards_free(p->shards); /* data is theirs */
    else
        gr_dataset_free(p->data);
    gr_tokenizer_free(p->tokenizer);
    gr_free(p->documents);
    gr_free(p->tokenizer_path);
    gr_free(p->folder);
    gr_free(p);
}

/* Text: a corpus read, encoded and split into documents or pieces, or shards of one that was packed before. */
#include <string.h>

#include "arch/kind.h"
#include "base/mem.h"
#include "base/number.h"
#include "corpus/file_stamp.h"
#include "io/file.h"
#include "recipe/read.h"
#include "task/task.h"
#include "text/tokenizer.h"

/* Whatever are no samples: a recipe must name one source, or shards of them. */
static bool fits(const gr_recipe *r) { return !r->data.samples.images; }

/* A network that reads tokens, and something to read them from. */
static gr_status check(const gr_recipe *r, gr_error *err) {
    const gr__arch *arch = gr__arch_of(&r->model);
    if (!r->data.sources && !r->data.shards) /* of a recipe that names the task */
        return gr_error_set(err, GR_ERR_USAGE, "data", "data: {text: FILE}, jsonl, json, csv, tsv, folder or wordnet",
                            "the task is text, and data names no source of it");
    if (arch->sized)
        return gr_error_set(err, GR_ERR_USAGE, "model.arch", "use llama or gpt2, or data of samples (data.images)",
                            "%s reads rows of numbers, and the data are text", arch->noun);
    return gr__task_check_scores(r, err);
}

/* ---- a corpus ---- */

/* Settings and files behind a dataset: when one changes, it is made again. */
static char *data_stamp(const gr_recipe *recipe) {
    const gr_recipe_data *d = &recipe->data;

    /* Settings that change what is kept. */
    char *stamp =
        gr_format("seed %llu validation %.17g dedupe %d tokenizer %d %s", (unsigned long long)recipe->split_seed,
                  gr__recipe_held(recipe), d->dedupe, d->tokenizer_train, d->tokenizer_file ? d->tokenizer_file : "-");

    /* Members of records that are kept with the documents. */
    for (int i = 0; i <= d->fields; i++) {
        const char *field = i < d->fields ? d->field[i] : d->id;
        char *longer = gr_format("%s%s%s", stamp, i < d->fields ? "\nfield " : "\nid ", field ? field : "-");
        gr_free(stamp);
        stamp = longer;
    }

    /* Files that are read, with the times of their last change. */
    char *other = d->tokenizer_file ? gr__tokenizer_partner(d->tokenizer_file) : NULL;
    stamp = gr__add_times(gr__add_times(stamp, d->tokenizer_file), other);
    gr_free(other);
    for (int i = 0; i < d->sources; i++) {
        const gr_source *s = &d->source[i];
        char *longer = gr_format("%s\n%s %s %s %s %s %s %s", stamp, s->reader, s->path ? s->path : "-",
                                 s->fallback ? s->fallback : "-", s->text_field ? s->text_field : "-",
                                 s->label_field ? s->label_field : "-", s->separator ? s->separator : "-",
                                 s->topic ? s->topic : "-");
        gr_free(stamp);
        stamp = gr__add_source_times(longer, s);
    }
    return stamp;
}

/* The vocabulary of a file, or one that is learned from the documents, held out ones included. */
static gr_status make_tokenizer(gr_project *p, const gr_corpus *corpus, const volatile sig_atomic_t *stop,
                                gr_error *err) {
    const gr_recipe_data *d = &p->recipe->data;
    if (d->tokenizer_file)
        GR_TRY(gr_tokenizer_open(&p->tokenizer, d->tokenizer_file, err));
    else
        GR_TRY(gr_tokenizer_train(&p->tokenizer, corpus->texts, corpus->topics.docs, d->tokenizer_train, stop, err));
    return GR_OK;
}

/* All of it anew, from the sources. */
static gr_status make_data(gr_project *p, const char *stamp, const gr_control *control, gr_error *err) {
    const gr_recipe_data *d = &p->recipe->data;
    const volatile sig_atomic_t *stop = control ? control->stop : NULL;
    gr_corpus *corpus;
    gr__task_note(control, "reading the corpus, training the tokenizer, encoding");
    GR_TRY(gr_corpus_open(&corpus, &(gr_corpus_def){d->source, d->sources, d->dedupe, d->field, d->fields, d->id, stop},
                          err));

    /* Of one document pieces are held out, once it is in pieces. */
    gr_status status = make_tokenizer(p, corpus, stop, err);
    double held = corpus->topics.docs > 1 ? gr__recipe_held(p->recipe) : 0;
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

    /* Whole, of these settings and files, and of one vocabulary. */
    if (gr_dataset_open(&p->data, path, NULL) == GR_OK && strcmp(p->data->stamp, stamp) == 0 &&
        gr_tokenizer_open(&p->tokenizer, p->tokenizer_path, NULL) == GR_OK &&
        gr_tokenizer_size(p->tokenizer) == p->data->vocab)
        return true;

    /* Nothing of it is left for the making. */
    gr_dataset_free(p->data);
    gr_tokenizer_free(p->tokenizer);
    p->data = NULL;
    p->tokenizer = NULL;
    return false;
}

/* Documents longer than the context become pieces. What is held out of a few of them is known only then. */
static gr_status cut_up(gr_project *p, gr_error *err) {
    const gr_recipe_data *d = &p->recipe->data;
    double held = gr__recipe_held(p->recipe);
    gr_pieces_def def = {d->context, true, held, p->recipe->split_seed};
    if (!d->cut)
        GR_TRY(gr_dataset_pieces(&p->data, &def, err));

    /* A share of next to nothing: say what would be more. */
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

/* What the folder keeps from before, where it is of the same files and settings; else anew. */
static gr_status open_data(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    char *path = NULL, *stamp = data_stamp(p->recipe);
    gr_status status = GR_OK;
    if (folder) {
        path = gr_format("%s/dataset.bin", folder);
        p->tokenizer_path = gr_format("%s/tokenizer.json", folder);
    }

    /* Who only measures a finished run takes its data as they are. */
    if (path && control && control->kept)
        status = open_as_is(p, path, err);
    else if (!(p->kept = path && open_kept(p, path, stamp)))
        status = make_data(p, stamp, control, err);
    gr_free(path);
    gr_free(stamp);
    return status == GR_OK ? cut_up(p, err) : status;
}

/* ---- shards ---- */

/* Rows are packed for a context and labels: another recipe would read them wrongly, and not know it. */
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

/* What `data pack` has written; the rows are read while training goes on. */
static gr_status open_shards(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    GR_TRY(gr_shards_check_labels(p->recipe->label, p->recipe->labels, err));

    /* Checking the shards reads all of them: the folder keeps that it was done. */
    char *checked = folder ? gr_format("%s/shards.checked", folder) : NULL;
    gr__task_note(control, "opening the shards");
    gr_status status = gr_shards_open(&p->shards, p->recipe->data.shards, checked, err);
    gr_free(checked);
    GR_TRY(status);
    GR_TRY(check_settings(p, err));

    /* What is held out of them is in memory, in pieces as it would be without shards. */
    if (!p->recipe->data.cut)
        GR_TRY(gr_dataset_pieces(&p->shards->held, &(gr_pieces_def){.width = p->recipe->data.context}, err));
    p->data = p->shards->held;

    /* They bring the tokenizer that made them. */
    p->tokenizer_path = gr_strdup(p->shards->tokenizer);
    GR_TRY(gr_tokenizer_open(&p->tokenizer, p->tokenizer_path, err));
    if (gr_tokenizer_size(p->tokenizer) != p->data->vocab)
        return gr_error_set(err, GR_ERR_FORMAT, p->tokenizer_path, "pack the shards again",
                            "a tokenizer of %d tokens beside shards of %d", gr_tokenizer_size(p->tokenizer),
                            p->data->vocab);
    return GR_OK;
}

/* ---- all of it ---- */

/* Text out of shards, or out of the corpus itself. */
static gr_status open_text(gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    if (p->recipe->data.shards)
        GR_TRY(open_shards(p, folder, control, err));
    else
        GR_TRY(open_data(p, folder, control, err));
    return gr_task_dataset_ready(p, control, err);
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

/* Shards stay where they are. */
static gr_status keep(gr_project *p, gr_error *err) {
    if (!p->shards)
        return keep_data(p, err);

    /* Where it cannot be noted that they were checked, the next call checks again. */
    char *checked = gr_format("%s/shards.checked", p->folder);
    gr_shards_note(p->shards, checked);
    gr_free(checked);
    return GR_OK;
}

/* Why a gap has a least size: docs/measures.md, "What there is to remove". */
const gr_task gr__task_text = {
    .name = "text",
    .help = "documents in tokens, and a network that predicts the next one",
    .unit = "nats per token",
    .revision = 1,
    .least_gap = 0.15,
    .fits = fits,
    .check = check,
    .open = open_text,
    .keep = keep,
    .close = gr_task_dataset_close,
    .digest = gr_task_dataset_digest,
    .groups = gr_task_dataset_groups,
    .fact = gr_task_dataset_fact,
    .rows = gr_task_dataset_rows,
    .network = gr_task_network,
};

/* Packing the corpus of a recipe into shards, which are read from the disk while training goes on. */
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "corpus/file_stamp.h"
#include "gradroute/task.h"
#include "recipe/read.h"
#include "text/tokenizer.h"

/* A line for each shard that is encoded, and for each that is packed into rows. */
static void follow(void *user, const gr_pack_progress *p) {
    const gr_control *control = user;
    char text[160];

    /* Rows come once all documents are encoded. */
    if (p->rows)
        snprintf(text, sizeof text, "rows of shard %d: %s; %lld %s", p->shard, p->kept ? "there already" : "packed",
                 (long long)p->rows, gr__plural(p->rows, "row", "rows"));
    else
        snprintf(text, sizeof text, "shard %d: %s; %lld %s, %lld %s", p->shard, p->kept ? "there already" : "encoded",
                 (long long)p->documents, gr__plural(p->documents, "document", "documents"), (long long)p->tokens,
                 gr__plural(p->tokens, "token", "tokens"));
    if (control->note)
        control->note(control->user, text);
}

gr_status gr_project_pack(const gr_recipe *recipe, const char *folder, size_t shard_bytes, const gr_control *control,
                          gr_error *err) {
    const gr_recipe_data *d = &recipe->data;
    if (!d->sources)
        return gr_error_set(
            err, GR_ERR_USAGE, "data",
            "name a source of text (jsonl, csv, text, folder, ..): packing reads them, shards it does not",
            "the recipe names no source to pack");
    /* Near duplicates take the whole corpus at once. */
    if (d->near)
        return gr_error_set(err, GR_ERR_USAGE, "data.dedupe", "dedupe: exact, or read the corpus itself",
                            "near duplicates are found in memory, and packing reads part after part");

    /* Files behind the shards: when one changes, what depends on it is made again. */
    gr_pack_def def = gr_pack_default();
    char *other = d->tokenizer_file ? gr__tokenizer_partner(d->tokenizer_file) : NULL;
    char *stamp = gr__add_times(gr__add_times(gr_strdup("times"), d->tokenizer_file), other);
    gr_free(other);
    for (int i = 0; i < d->sources; i++)
        stamp = gr__add_source_times(stamp, &d->source[i]);

    /* Documents, split and vocabulary as a project would have them, and rows as its stream would. */
    def.corpus = (gr_corpus_def){.sources = d->source, .source_count = d->sources, .dedupe = d->dedupe};
    def.validation = gr__recipe_held(recipe);
    def.seed = recipe->split_seed;
    def.tokenizer_train = d->tokenizer_train;
    def.tokenizer_file = d->tokenizer_file;
    def.context = d->context;
    def.mixed = d->mixed;
    def.cut = d->cut;
    def.label = recipe->label;
    def.labels = recipe->labels;

    /* How it is made, which changes no document. */
    def.shard_bytes = shard_bytes ? shard_bytes : def.shard_bytes;
    def.stamp = stamp;
    def.progress = control ? follow : NULL;
    def.user = (void *)control;
    def.stop = control ? control->stop : NULL;
    gr_status status = gr_shards_pack(folder, &def, err);
    gr_free(stamp);
    return status;
}

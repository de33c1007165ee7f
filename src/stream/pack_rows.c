/* pack_rows.c - the second pass of packing: token shards into rows, and all of it into the manifest.
 *
 * Labels of shards are topics. First the documents of each label are counted over all shards, which settles how many of
 * them keep the label; then shard by shard labels are drawn, rows packed and written; the manifest comes last, since it
 * vouches for every other file.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "label/source.h"
#include "stream/packer.h"

/* ---- rows ---- */

typedef struct rows_job {
    gr__packer *p;
    int16_t *owner;                   /* [topics of the shard at hand] its label */
    int64_t *of_label, *rank, *quota; /* [labels + 1] documents; met so far; that keep the label */
    int64_t *revealed, *truth;        /* [labels + 2] */
    char *settings;
    unsigned char digest[GR_DIGEST_BYTES]; /* of settings and quotas */
    json_t *list;
} rows_job;

/* The tokens of a shard. */
static gr_status open_tokens(gr_dataset **data, const gr__packer *p, int i, gr_error *err) {
    char *path = gr__shard_path(p->folder, "shard", i);
    gr_status status = gr__dataset_map(
        data, path, true, err); /* made or checked by the first pass, so its content is known to be whole */
    gr_free(path);
    return status;
}

/* Label of each topic: the first that names it. */
static int16_t *own_topics(const gr_pack_def *d, const gr_topics *topics) {
    int16_t *owner = gr_alloc(sizeof *owner * (size_t)topics->count);

    /* From the last label to the first: a topic that two labels name stays with the first. */
    for (int k = d->labels - 1; k >= 0; k--) {
        int count;
        const char *const *own = gr__label_topics(&d->label[k], &count);
        for (int32_t t = 0; t < topics->count; t++)
            if (gr__has_text(own, count, topics->names[t]))
                owner[t] = (int16_t)(k + 1);
    }
    return owner;
}

/* Documents of each label, over all shards: shares that are known are of these. */
static gr_status count_labels(rows_job *j, gr_error *err) {
    const gr__packer *p = j->p;
    for (int i = 0; i < p->shards; i++) {
        gr_dataset *data;
        GR_TRY(open_tokens(&data, p, i, err));
        int16_t *owner = own_topics(p->def, &data->topics);
        for (size_t d = 0; d < data->topics.docs; d++)
            j->of_label[owner[data->topics.of[d]]]++;
        gr_free(owner);
        gr_dataset_free(data);
    }
    return GR_OK;
}

/* Names, topics and shares as a dataset would take them: `held` has documents of every topic. */
static gr_status check_labels(const gr__packer *p, gr_error *err) {
    gr_labels *labels;
    GR_TRY(gr_labels_new(&labels, &p->held.topics, p->def->label, p->def->labels, NULL, 0, 1, err));
    gr_labels_free(labels);
    return GR_OK;
}

/* What labels do, settled before the first shard: how many documents of each keep their label. Rows depend on all of
 * that, so the digest of settings and counts is written into them. */
static gr_status plan_rows(rows_job *j, gr_error *err) {
    const gr_pack_def *d = j->p->def;
    GR_TRY(check_labels(j->p, err));
    GR_TRY(count_labels(j, err));
    j->settings = gr_shards_settings(d->context, d->mixed, d->cut, d->label, d->labels);

    /* Settings, then the count of each label. */
    char *all = gr_strdup(j->settings);
    for (int k = 1; k <= d->labels; k++) {
        j->quota[k] = llround(d->label[k - 1].known * (double)j->of_label[k]);
        char *longer = gr_format("%s %lld", all, (long long)j->of_label[k]);
        gr_free(all);
        all = longer;
    }
    gr_digest_around(j->digest, all, strlen(all), strlen(all));
    gr_free(all);
    return GR_OK;
}

/* What the next document of label k is shown as. Its number among those of the label has a place in a drawn order; the
 * first quota[k] places keep the label, so a larger share holds a superset. */
static int16_t reveal(rows_job *j, int16_t k) {
    const gr_pack_def *d = j->p->def;
    if (!k)
        return 0;
    gr_key key = {d->seed, GR_STREAM_LABEL, 0x40000000 + (uint32_t)k};
    uint64_t at = gr_random_place(key, (uint64_t)j->rank[k]++, (uint64_t)j->of_label[k]);
    if (at < (uint64_t)j->quota[k])
        return k;
    return d->label[k - 1].hidden_as == GR_HIDDEN_CORE ? GR_LABEL_CORE : GR_LABEL_UNLABELLED;
}

/* Labels are of documents; their pieces have the same. */
static void label_shard(rows_job *j, gr_labels *labels, const gr_dataset *data) {
    int16_t *owner = own_topics(j->p->def, &data->topics);
    for (size_t d = 0; d < labels->docs; d++) {
        if (gr__continues(data, d)) {
            labels->truth[d] = labels->truth[d - 1];
            labels->revealed[d] = labels->revealed[d - 1];
            continue;
        }

        /* A new document: its label, what it is shown as, and how many there are of each so far. */
        labels->truth[d] = owner[data->topics.of[d]];
        labels->revealed[d] = reveal(j, labels->truth[d]);
        j->truth[labels->truth[d] + 1]++;
        j->revealed[labels->revealed[d] + 1]++;
    }
    gr_free(owner);
}

/* Packs the documents of a shard in an order drawn for it, and writes the rows. */
static gr_status pack_shard(rows_job *j, const gr_dataset *data, const gr_labels *labels, int number, const char *path,
                            gr_error *err) {
    const gr_pack_def *d = j->p->def;
    gr__pack pack;
    GR_TRY(gr__packer_begin(j->p, err));
    gr_status status = gr__pack_init(&pack, data, labels, labels->docs, d->context, d->mixed, err);
    if (status == GR_OK) {
        gr_key key = {d->seed, GR_STREAM_DATA, GR__DRAW_SHARD + (uint32_t)number};
        gr_random_permutation(key, pack.order, (uint32_t)labels->docs);
        pack.count = labels->docs;
        gr__pack_run(&pack);
        status = gr__rows_save(&pack, j->digest, path, err);
    }
    gr__pack_clear(&pack);
    return status;
}

/* Documents that are in several pieces: counted at the second piece of each. */
static json_int_t count_longer(const gr__shard *shard) {
    json_int_t longer = 0;
    const uint32_t *document = shard->pack.data->document;
    if (!document)
        return 0;
    for (size_t p = 1; p < shard->pack.count; p++)
        longer += document[p] == document[p - 1] && (p < 2 || document[p] != document[p - 2]);
    return longer;
}

/* Adds a shard to the manifest: counts, and the digests of both files. */
static void list_shard(rows_job *j, const gr__shard *shard) {
    char tokens[65], rows[65];
    gr_digest_hex(tokens, gr__dataset_digest(shard->data));
    gr_digest_hex(rows, gr__rows_digest(shard));
    j->p->rows += (int64_t)shard->pack.row_count;
    size_t docs = shard->data->topics.docs;
    json_t *one = json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "documents", (json_int_t)docs, "tokens",
                            (json_int_t)shard->data->offsets[docs], "rows", (json_int_t)shard->pack.row_count,
                            "positions", (json_int_t)shard->pack.present, "cut", (json_int_t)shard->pack.cut, "sha256",
                            tokens, "rows_sha256", rows);

    /* Of long documents: how many are in several pieces. */
    json_int_t longer = count_longer(shard);
    if (longer)
        json_object_set_new(one, "longer", json_integer(longer));
    json_array_append_new(j->list, one);
}

/* Whether rows of these settings are there and whole, so that they need not be packed again. Rows of documents that
 * were cut have the same settings as those of pieces, but fewer entries. */
static bool find_rows(const rows_job *j, gr__shard *shard, const char *path, size_t docs) {
    return access(path, F_OK) == 0 && gr__rows_open(shard, path, j->digest, false, NULL) == GR_OK &&
           shard->pack.count == docs;
}

/* Opens the rows of shard i, after making them where they are not there. */
static gr_status open_rows(rows_job *j, gr__shard *shard, int i, const gr_dataset *data, const gr_labels *labels,
                           const char *path, bool *there, gr_error *err) {
    GR_TRY(open_tokens(&shard->data, j->p, i, err));
    *there = find_rows(j, shard, path, labels->docs);
    if (*there)
        return GR_OK;

    /* What was opened is closed first: its file is replaced. */
    gr__shard_close(shard);
    GR_TRY(pack_shard(j, data, labels, i, path, err));
    GR_TRY(open_tokens(&shard->data, j->p, i, err));
    return gr__rows_open(shard, path, j->digest, false, err);
}

/* Labels the documents of shard i (or their pieces), and lists its rows in the manifest. */
static gr_status rows_of_shard(rows_job *j, int i, const gr_dataset *data, bool *there, gr_error *err) {
    size_t docs = data->topics.docs;
    gr_labels labels = {.docs = docs, .label_count = j->p->def->labels};
    labels.truth = gr_alloc(docs * sizeof *labels.truth);
    labels.revealed = gr_alloc(docs * sizeof *labels.revealed);
    label_shard(j, &labels, data);

    gr__shard shard = {0};
    char *path = gr__shard_path(j->p->folder, "rows", i);
    gr_status status = open_rows(j, &shard, i, data, &labels, path, there, err);
    if (status == GR_OK)
        list_shard(j, &shard);

    gr_free(path);
    gr_free(labels.truth);
    gr_free(labels.revealed);
    gr__shard_close(&shard);
    return status;
}

/* The rows of shard i, then the caller may stop: what is written so far is kept. */
static gr_status do_rows(rows_job *j, int i, gr_error *err) {
    gr__packer *p = j->p;
    gr_dataset *data;
    bool there = false;
    GR_TRY(open_tokens(&data, p, i, err));

    /* Documents longer than a row become pieces, unless they are to be cut. */
    gr_status status = GR_OK;
    if (!p->def->cut)
        status = gr_dataset_pieces(&data, &(gr_pieces_def){.width = p->def->context}, err);
    if (status == GR_OK)
        status = rows_of_shard(j, i, data, &there, err);
    gr_dataset_free(data);
    GR_TRY(status);

    gr__packer_report(p, i, there);
    return gr__packer_stopped(p, err);
}

/* ---- the manifest ---- */

/* A list for the manifest. */
static json_t *integers(const int64_t *values, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

/* The digest of the documents that are held out, as text. */
static gr_status digest_held(char held[65], const char *path, gr_error *err) {
    gr_dataset *data;
    GR_TRY(gr_dataset_open(&data, path, err));
    gr_digest_hex(held, gr__dataset_digest(data));
    gr_dataset_free(data);
    return GR_OK;
}

/* The files that are not shards, which the manifest vouches for too. */
static gr_status digests_of_rest(const gr__packer *p, char held[65], char tokenizer[65], gr_error *err) {
    char *path = gr__packer_path(p, "held.bin"), *file = gr__packer_path(p, "tokenizer.json");
    gr_status status = digest_held(held, path, err);
    if (status == GR_OK)
        status = gr_digest_file(tokenizer, file, err);
    gr_free(path);
    gr_free(file);
    return status;
}

/* The manifest: written last, and in one piece, so that shards without it are not finished. */
static gr_status write_manifest(const rows_job *j, gr_error *err) {
    const gr__packer *p = j->p;
    const gr_pack_def *d = p->def;
    char held[65], tokenizer[65], own[65];
    GR_TRY(digests_of_rest(p, held, tokenizer, err));

    /* Everything that opening needs to know, and the digest of every file. */
    json_t *names = json_array();
    for (int k = 0; k < d->labels; k++)
        json_array_append_new(names, json_string(d->label[k].name));
    json_t *all =
        json_pack("{s:s, s:s, s:i, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:s, s:s, s:O}", "format", "gradroute-shards-1",
                  "settings", j->settings, "context", d->context, "mixed", d->mixed, "labels", names, "revealed",
                  integers(j->revealed, d->labels + 2), "truth", integers(j->truth, d->labels + 2), "read",
                  (json_int_t)(p->number + p->duplicates), "duplicates", (json_int_t)p->duplicates, "skipped",
                  (json_int_t)p->skipped, "held", held, "tokenizer", tokenizer, "shards", j->list);

    /* The manifest's own digest, over all of its other members. */
    char *path = gr__packer_path(p, "manifest.json"), *text = NULL;
    gr_json_seal(own, all);
    json_object_set_new(all, "sha256", json_string(own));
    text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
    gr_status status = gr_file_write(path, text, strlen(text), err);
    free(text);
    gr_free(path);
    json_decref(all);
    return status;
}

/* Shard by shard; the manifest only when every file is there. */
static gr_status all_rows(rows_job *j, gr_error *err) {
    GR_TRY(plan_rows(j, err));
    j->p->tokens = 0;
    for (int i = 0; i < j->p->shards; i++)
        GR_TRY(do_rows(j, i, err));
    return write_manifest(j, err);
}

gr_status gr__packer_rows(gr__packer *p, gr_error *err) {
    /* Five tables by label, in one block of zeros. */
    size_t n = (size_t)p->def->labels + 2;
    int64_t *counts = gr_alloc(5 * n * sizeof *counts);
    rows_job j = {.p = p,
                  .of_label = counts,
                  .rank = counts + n,
                  .quota = counts + 2 * n,
                  .revealed = counts + 3 * n,
                  .truth = counts + 4 * n,
                  .list = json_array()};
    gr_status status = all_rows(&j, err);
    json_decref(j.list);
    gr_free(j.settings);
    gr_free(counts);
    return status;
}

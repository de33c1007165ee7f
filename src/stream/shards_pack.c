/* shards_pack.c - packing: text into token shards, token shards into rows, all of it into a manifest. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "corpus/reader.h"
#include "corpus/seen.h"
#include "io/lock.h"
#include "label/source.h"
#include "stream/shard.h"
#include "text/tokenizer.h"

enum { HELD_MOST = 1 << 30 }; /* bytes of text */

typedef struct packer {
    const char *folder;
    const gr_pack_def *def;
    gr_tokenizer *tokenizer;
    bool trained;      /* the first pass over the text, for the tokenizer alone, is done */
    gr__seen *seen;    /* texts so far */
    char *claim;       /* what stamp.txt says */
    char *stamp;       /* of every token shard */
    char *tokens_text; /* the tokenizer as a file */
    bool begun;        /* something was written */
    bool looked;       /* the folder is locked, if it can be */
    gr__lock *lock;
    int shards;
    int64_t number; /* of the next document, held ones included */
    int64_t duplicates, skipped, documents, tokens, rows;
    gr_arena *names;
    gr_arena *kept; /* texts that outlive their chunk */
    gr_corpus held; /* arrays of our own; validation documents, then, at the end, the sample */
    int32_t *held_of;
    size_t held_room, of_room, held_count, held_bytes;
    struct sample *sample; /* [topics] */
    size_t samples, sample_room;
} packer;

/* Documents of one topic that stay at hand: each as likely as any other (Vitter, "Random sampling with a reservoir",
 * 1985, algorithm R). */
typedef struct sample {
    int64_t met;
    size_t count;
    gr_text text[GR_SHARDS_SAMPLE];
} sample;

gr_pack_def gr_pack_default(void) {
    return (gr_pack_def){
        .validation = 0.05, .seed = 1, .tokenizer_train = 4096, .context = 128, .shard_bytes = 64 << 20};
}

static char *path_of(const packer *p, const char *name) { return gr_format("%s/%s", p->folder, name); }

static void report(const packer *p, int shard, bool kept) {
    if (p->def->progress)
        p->def->progress(p->def->user, &(gr_pack_progress){shard, p->documents, p->tokens, p->rows, kept});
}

static gr_status stopped(const packer *p, gr_error *err) {
    if (!p->def->stop || !*p->def->stop)
        return GR_OK;
    return gr_error_set(err, GR_ERR_INTERRUPTED, p->folder, "run the same command again to go on",
                        "stopped; the shards that were finished are kept");
}

/* ---- what the tokens depend on ---- */

static char *token_stamp(const gr_pack_def *d) {
    char *text = gr_format("seed %llu validation %.17g dedupe %d tokenizer %d %s bytes %zu\n%s",
                           (unsigned long long)d->seed, d->validation, d->corpus.dedupe, d->tokenizer_train,
                           d->tokenizer_file ? d->tokenizer_file : "-", d->shard_bytes, d->stamp ? d->stamp : "");
    for (int i = 0; i < d->corpus.source_count; i++) {
        const gr_source *s = &d->corpus.sources[i];
        char *longer = gr_format("%s\n%s %s %s %s %s %s %s", text, s->reader, s->path ? s->path : "-",
                                 s->fallback ? s->fallback : "-", s->text_field ? s->text_field : "-",
                                 s->label_field ? s->label_field : "-", s->separator ? s->separator : "-",
                                 s->topic ? s->topic : "-");
        gr_free(text);
        text = longer;
    }
    return text;
}

/* ---- the folder ---- */

/* The first file of a name that packing would write. */
static gr_status check_names(const packer *p, gr_error *err) {
    static const char *const names[] = {"manifest.json", "tokenizer.json", "held.bin",
                                        "shard-*.bin",   "rows-*.bin",     "folder.json"};
    DIR *folder = opendir(p->folder);
    gr_status status = GR_OK;
    if (!folder)
        return gr__file_error(err, p->folder, "list the folder", errno);
    for (struct dirent *e; status == GR_OK && (e = readdir(folder));)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (fnmatch(names[i], e->d_name, 0) == 0)
                status = gr_error_set(err, GR_ERR_USAGE, p->folder, "choose another folder",
                                      "the folder holds '%s', and is no folder of shards", e->d_name);
    closedir(folder);
    return status;
}

/* The folder belongs to its stamp from the first file on. One without a stamp must hold no file of our names. */
static gr_status check_folder(const packer *p, gr_error *err) {
    struct stat info;
    if (stat(p->folder, &info))
        return lstat(p->folder, &info)
                   ? GR_OK
                   : gr_error_set(err, GR_ERR_USAGE, p->folder, "make what it points to, or choose another folder",
                                  "a symbolic link that points to nothing");
    if (!S_ISDIR(info.st_mode))
        return gr__file_error(err, p->folder, "make the folder", EEXIST);

    char *path = path_of(p, "stamp.txt");
    unsigned char *stamp = NULL;
    size_t size;
    gr_status status = gr_file_exists(path) ? gr_file_read(path, &stamp, &size, err) : check_names(p, err);
    const char *claim = p->claim ? p->claim : p->stamp;
    if (stamp && (size != strlen(claim) || memcmp(stamp, claim, size)))
        status = gr_error_set(err, GR_ERR_USAGE, p->folder, "choose another folder, or remove this one to make it anew",
                              "the folder holds shards of other text or other settings");
    gr_free(stamp);
    gr_free(path);
    return status;
}

/* From here on nobody else writes to the folder. */
static gr_status lock_folder(packer *p, gr_error *err) {
    if (p->looked)
        return GR_OK;
    char *path = path_of(p, ".gradroute.lock");
    gr_status status = gr__lock_take(&p->lock, path, p->folder, err);
    gr_free(path);
    GR_TRY(status);
    p->looked = true;
    GR_TRY(check_folder(p, err)); /* another may have worked here since the first look */
    gr__temporaries_remove(p->folder);
    return GR_OK;
}

/* Before the first file is written: whatever refuses earlier leaves the folder, and a manifest, as they were. */
static gr_status begin(packer *p, gr_error *err) {
    if (p->begun)
        return GR_OK;
    p->begun = true;
    GR_TRY(gr_folder_make(p->folder, err));
    GR_TRY(lock_folder(p, err));

    char *stamp = path_of(p, "stamp.txt"), *tokenizer = path_of(p, "tokenizer.json"),
         *manifest = path_of(p, "manifest.json");
    (void)!unlink(manifest); /* it vouches for what changes now */
    gr_status status = gr_file_exists(stamp) ? GR_OK : gr_file_write(stamp, p->claim, strlen(p->claim), err);
    if (status == GR_OK && !gr_file_exists(tokenizer))
        status = gr_file_write(tokenizer, p->tokens_text, strlen(p->tokens_text), err);
    gr_free(stamp);
    gr_free(tokenizer);
    gr_free(manifest);
    return status;
}

/* ---- the tokenizer ---- */

static gr_status take_first(void *user, gr_corpus *chunk, int32_t *of, gr_error *err) {
    packer *p = user;
    (void)of;
    if (!chunk->topics.docs)
        return gr__corpus_empty(&p->def->corpus, chunk->skipped, err);
    GR_TRY(gr_tokenizer_train(&p->tokenizer, chunk->texts, chunk->topics.docs, p->def->tokenizer_train, err));
    p->trained = true;
    return GR_ERR_INTERRUPTED; /* enough */
}

/* That of the folder, or a new one, which is kept in memory until there is something to write. */
static gr_status make_tokenizer(packer *p, gr_error *err) {
    const gr_pack_def *d = p->def;
    char *path = path_of(p, "tokenizer.json");
    bool kept = gr_file_exists(path);
    gr_status status;
    if (kept)
        status = gr_tokenizer_open(&p->tokenizer, path, err);
    else if (d->tokenizer_file)
        status = gr_tokenizer_open(&p->tokenizer, d->tokenizer_file, err);
    else
        status = gr__corpus_chunks(&d->corpus, d->shard_bytes, take_first, p, err);
    if (p->trained)
        status = GR_OK;
    if (status == GR_OK && kept)
        status = gr_file_read(path, (unsigned char **)&p->tokens_text, &(size_t){0}, err);
    else if (status == GR_OK)
        status = gr__tokenizer_text(p->tokenizer, &p->tokens_text, path, err);
    gr_free(path);
    return status;
}

/* Tokens depend on it too, and it is not known before. */
static void stamp_tokenizer(packer *p) {
    char digest[GR_DIGEST_HEX];
    gr_digest_data(digest, p->tokens_text, strlen(p->tokens_text));
    p->claim = p->stamp;
    p->stamp = gr_format("%s\ntokenizer %s", p->claim, digest);
}

/* ---- documents ---- */

static gr_text keep_text(packer *p, gr_text text) {
    return (gr_text){gr_arena_strndup(p->kept, text.data, text.length), text.length};
}

static gr_status hold_out(packer *p, gr_text text, int32_t topic, gr_error *err) {
    p->held_bytes += text.length;
    if (p->held_bytes > HELD_MOST)
        return gr_error_set(err, GR_ERR_USAGE, "data.validation", "hold out a smaller share",
                            "more than 1 GiB of text is held out, and it is kept in memory");
    GR_PUSH(p->held.texts, p->held.topics.docs, p->held_room) = keep_text(p, text);
    GR_PUSH(p->held_of, p->held_count, p->of_room) = topic;
    return GR_OK;
}

static void add_to_sample(packer *p, gr_text text, int32_t topic) {
    while (p->samples <= (size_t)topic)
        GR_PUSH(p->sample, p->samples, p->sample_room) = (sample){0};
    sample *s = &p->sample[topic];
    size_t slot = s->count;
    if (s->count == GR_SHARDS_SAMPLE)
        slot =
            (size_t)((double)(s->met + 1) * gr_random_uniform((gr_key){p->def->seed, GR_STREAM_DATA, GR__DRAW_SAMPLE},
                                                              (uint64_t)s->met, (uint32_t)topic));
    else
        s->count++;
    if (slot < GR_SHARDS_SAMPLE) /* what it replaces stays in the arena: log(n) of them */
        s->text[slot] = keep_text(p, text);
    s->met++;
}

/* Leaves the training documents of the chunk in their order. */
static gr_status sift(packer *p, gr_corpus *chunk, int32_t *of, gr_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < chunk->topics.docs; i++) {
        gr_text text = chunk->texts[i];
        if (p->def->corpus.dedupe && !gr__seen_add(p->seen, text.data, text.length)) {
            p->duplicates++;
            continue;
        }
        double u = gr_random_uniform((gr_key){p->def->seed, GR_STREAM_DATA, GR__DRAW_HELD}, (uint64_t)p->number++, 0);
        if (u < p->def->validation) {
            GR_TRY(hold_out(p, text, of[i], err));
            continue;
        }
        add_to_sample(p, text, of[i]);
        chunk->texts[kept] = text;
        chunk->record[kept] = chunk->record[i];
        of[kept++] = of[i];
    }
    chunk->topics.docs = kept;
    return GR_OK;
}

/* A shard that is there and whole is not made again. */
static bool find_shard(packer *p, const char *path, const char *stamp, size_t docs) {
    gr_dataset *data;
    if (access(path, F_OK) || gr_dataset_open(&data, path, NULL) != GR_OK)
        return false;
    bool fits =
        strcmp(data->stamp, stamp) == 0 && data->topics.docs == docs && data->vocab == gr_tokenizer_size(p->tokenizer);
    p->tokens += fits ? (int64_t)data->offsets[docs] : 0;
    gr_dataset_free(data);
    return fits;
}

static gr_status make_shard(packer *p, const char *path, const char *stamp, const gr_corpus *chunk, gr_error *err) {
    gr_dataset *data;
    GR_TRY(begin(p, err));
    bool *none = gr_alloc(chunk->topics.docs);
    gr_status status =
        gr__dataset_encode(&data, chunk, p->tokenizer, &(gr_dataset_def){0, p->def->seed, stamp}, none, err);
    gr_free(none);
    GR_TRY(status);
    p->tokens += (int64_t)data->offsets[data->topics.docs];
    status = gr_dataset_save(data, path, err);
    gr_dataset_free(data);
    return status;
}

/* Remembers all topics: their names go with the reader. */
static void copy_topics(packer *p, const gr_topics *topics) {
    char **names = gr_arena_alloc(p->names, sizeof *names * ((size_t)topics->count + 1));
    for (int32_t i = 0; i < topics->count; i++)
        names[i] = gr_arena_strdup(p->names, topics->names[i]);
    p->held.topics.names = names;
    p->held.topics.count = topics->count;
}

static gr_status take_chunk(void *user, gr_corpus *chunk, int32_t *of, gr_error *err) {
    packer *p = user;
    GR_TRY(stopped(p, err));
    GR_TRY(sift(p, chunk, of, err));
    p->skipped = (int64_t)chunk->skipped;
    if (chunk->topics.count != p->held.topics.count)
        copy_topics(p, &chunk->topics);
    if (!chunk->topics.docs)
        return GR_OK;
    if (p->shards == GR__SHARDS_MOST || p->documents + (int64_t)chunk->topics.docs > INT32_MAX)
        return gr_error_set(err, GR_ERR_USAGE, p->folder, "make larger shards, or pack parts of the corpus",
                            "more than %d shards or 2^31 - 1 documents", GR__SHARDS_MOST);
    char *path = gr__shard_path(p->folder, "shard", p->shards);
    char *stamp = gr_format("%s\nfirst document %lld", p->stamp, (long long)p->documents);
    gr_status status = GR_OK;
    bool there = find_shard(p, path, stamp, chunk->topics.docs);
    if (!there)
        status = make_shard(p, path, stamp, chunk, err);
    gr_free(path);
    gr_free(stamp);
    GR_TRY(status);
    p->documents += (int64_t)chunk->topics.docs;
    report(p, p->shards++, there);
    return GR_OK;
}

/* Whether a file holds these very data. */
static bool is_kept(const char *path, const gr_dataset *data) {
    gr_dataset *kept;
    if (!gr_file_exists(path) || gr_dataset_open(&kept, path, NULL) != GR_OK)
        return false;
    bool same = memcmp(gr__dataset_digest(kept), gr__dataset_digest(data), GR_DIGEST_BYTES) == 0;
    gr_dataset_free(kept);
    return same;
}

/* held.bin: what is held out, then the sample. */
static gr_status save_held(packer *p, gr_error *err) {
    size_t out = p->held.topics.docs;
    if (p->def->validation > 0 && !out)
        return gr_error_set(err, GR_ERR_USAGE, "data.validation",
                            "hold out a larger share, or 0; of a book, pieces are held out where it is read itself, "
                            "without shards",
                            "none of %lld documents were held out", (long long)p->number);
    for (size_t k = 0; k < p->samples; k++)
        for (size_t i = 0; i < p->sample[k].count; i++) {
            GR_PUSH(p->held.texts, p->held.topics.docs, p->held_room) = p->sample[k].text[i];
            GR_PUSH(p->held_of, p->held_count, p->of_room) = (int32_t)k;
        }
    p->held.topics.of = p->held_of;
    p->held.read = (size_t)(p->number + p->duplicates);
    p->held.duplicates = (size_t)p->duplicates;
    p->held.skipped = (size_t)p->skipped;
    bool *marked = gr_alloc(p->held.topics.docs);
    memset(marked, true, out);
    gr_dataset *data;
    gr_status status =
        gr__dataset_encode(&data, &p->held, p->tokenizer, &(gr_dataset_def){0, p->def->seed, p->stamp}, marked, err);
    gr_free(marked);
    GR_TRY(status);
    char *path = path_of(p, "held.bin");
    if (!is_kept(path, data)) {
        status = begin(p, err);
        if (status == GR_OK)
            status = gr_dataset_save(data, path, err);
    }
    gr_dataset_free(data);
    gr_free(path);
    return status;
}

static gr_status first_pass(packer *p, gr_error *err) {
    const gr_pack_def *d = p->def;
    GR_TRY(make_tokenizer(p, err));
    stamp_tokenizer(p);
    p->seen = gr__seen_new();
    GR_TRY(gr__corpus_chunks(&d->corpus, d->shard_bytes, take_chunk, p, err));
    if (!p->shards)
        return p->number ? gr_error_set(err, GR_ERR_USAGE, "data.validation", "hold out a smaller share",
                                        "every document was held out")
                         : gr__corpus_empty(&d->corpus, (size_t)p->skipped, err);
    return save_held(p, err);
}

/* ---- rows ---- */

typedef struct rows_job {
    packer *p;
    int16_t *owner;                   /* [topics of the shard at hand] its label */
    int64_t *of_label, *rank, *quota; /* [labels + 1] documents; met so far; that keep the label */
    int64_t *revealed, *truth;        /* [labels + 2] */
    char *settings;
    unsigned char digest[GR_DIGEST_BYTES]; /* of settings and quotas */
    json_t *list;
} rows_job;

static gr_status open_tokens(gr_dataset **data, const packer *p, int i, gr_error *err) {
    char *path = gr__shard_path(p->folder, "shard", i);
    gr_status status = gr__dataset_open(data, path, true, err); /* made or checked by the first pass */
    gr_free(path);
    return status;
}

/* Label of each topic: the first that names it. */
static int16_t *own_topics(const gr_pack_def *d, const gr_topics *topics) {
    int16_t *owner = gr_alloc(sizeof *owner * (size_t)topics->count);
    for (int k = d->labels - 1; k >= 0; k--) {
        int count;
        const char *const *own = gr__label_topics(&d->label[k], &count);
        for (int32_t t = 0; t < topics->count; t++)
            for (int i = 0; i < count; i++)
                if (strcmp(topics->names[t], own[i]) == 0)
                    owner[t] = (int16_t)(k + 1);
    }
    return owner;
}

static gr_status count_labels(rows_job *j, gr_error *err) {
    const packer *p = j->p;
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
static gr_status check_labels(const packer *p, gr_error *err) {
    gr_labels *labels;
    GR_TRY(gr_labels_new(&labels, &p->held.topics, p->def->label, p->def->labels, NULL, 0, 1, err));
    gr_labels_free(labels);
    return GR_OK;
}

static gr_status plan_rows(rows_job *j, gr_error *err) {
    const gr_pack_def *d = j->p->def;
    GR_TRY(check_labels(j->p, err));
    GR_TRY(count_labels(j, err));
    j->settings = gr_shards_settings(d->context, d->mixed, d->cut, d->label, d->labels);
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
        labels->truth[d] = owner[data->topics.of[d]];
        labels->revealed[d] = reveal(j, labels->truth[d]);
        j->truth[labels->truth[d] + 1]++;
        j->revealed[labels->revealed[d] + 1]++;
    }
    gr_free(owner);
}

static gr_status pack_shard(rows_job *j, const gr_dataset *data, const gr_labels *labels, int number, const char *path,
                            gr_error *err) {
    const gr_pack_def *d = j->p->def;
    gr__pack pack;
    GR_TRY(begin(j->p, err));
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

    /* of long documents: how many are in several pieces */
    json_int_t longer = 0;
    const uint32_t *document = shard->pack.data->document;
    for (size_t p = 1; document && p < shard->pack.count; p++)
        longer += document[p] == document[p - 1] && (p < 2 || document[p] != document[p - 2]);
    if (longer)
        json_object_set_new(one, "longer", json_integer(longer));
    json_array_append_new(j->list, one);
}

/* Rows of these settings that are there and whole are not packed again. */
static gr_status rows_of_shard(rows_job *j, int i, const gr_dataset *data, bool *there, gr_error *err) {
    packer *p = j->p;
    size_t docs = data->topics.docs;
    gr_labels labels = {.docs = docs, .label_count = p->def->labels};
    labels.truth = gr_alloc(docs * sizeof *labels.truth);
    labels.revealed = gr_alloc(docs * sizeof *labels.revealed);
    label_shard(j, &labels, data);

    /* rows of documents that were cut have the same settings as those of pieces, but fewer entries */
    gr__shard shard = {0};
    char *path = gr__shard_path(p->folder, "rows", i);
    gr_status status = open_tokens(&shard.data, p, i, err);
    *there = status == GR_OK && access(path, F_OK) == 0 &&
             gr__rows_open(&shard, path, j->digest, false, NULL) == GR_OK && shard.pack.count == docs;
    if (status == GR_OK && !*there) {
        gr__shard_close(&shard);
        status = pack_shard(j, data, &labels, i, path, err);
        if (status == GR_OK)
            status = open_tokens(&shard.data, p, i, err);
        if (status == GR_OK)
            status = gr__rows_open(&shard, path, j->digest, false, err);
    }
    if (status == GR_OK)
        list_shard(j, &shard);
    gr_free(path);
    gr_free(labels.truth);
    gr_free(labels.revealed);
    gr__shard_close(&shard);
    return status;
}

static gr_status do_rows(rows_job *j, int i, gr_error *err) {
    packer *p = j->p;
    gr_dataset *data;
    bool there = false;
    GR_TRY(open_tokens(&data, p, i, err));
    gr_status status = GR_OK;
    if (!p->def->cut)
        status = gr_dataset_pieces(&data, &(gr_pieces_def){.width = p->def->context}, err);
    if (status == GR_OK)
        status = rows_of_shard(j, i, data, &there, err);
    gr_dataset_free(data);
    GR_TRY(status);
    report(p, i, there);
    return stopped(p, err);
}

/* ---- the manifest ---- */

static json_t *integers(const int64_t *values, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

static gr_status digests_of_rest(const packer *p, char held[65], char tokenizer[65], gr_error *err) {
    char *path = path_of(p, "held.bin"), *file = path_of(p, "tokenizer.json");
    gr_dataset *data = NULL;
    gr_status status = gr_dataset_open(&data, path, err);
    if (status == GR_OK)
        gr_digest_hex(held, gr__dataset_digest(data));
    if (status == GR_OK)
        status = gr_digest_file(tokenizer, file, err);
    gr_dataset_free(data);
    gr_free(path);
    gr_free(file);
    return status;
}

static gr_status write_manifest(const rows_job *j, gr_error *err) {
    const packer *p = j->p;
    const gr_pack_def *d = p->def;
    char held[65], tokenizer[65], own[65];
    GR_TRY(digests_of_rest(p, held, tokenizer, err));
    json_t *names = json_array();
    for (int k = 0; k < d->labels; k++)
        json_array_append_new(names, json_string(d->label[k].name));
    json_t *all =
        json_pack("{s:s, s:s, s:i, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:s, s:s, s:O}", "format", "gradroute-shards-1",
                  "settings", j->settings, "context", d->context, "mixed", d->mixed, "labels", names, "revealed",
                  integers(j->revealed, d->labels + 2), "truth", integers(j->truth, d->labels + 2), "read",
                  (json_int_t)(p->number + p->duplicates), "duplicates", (json_int_t)p->duplicates, "skipped",
                  (json_int_t)p->skipped, "held", held, "tokenizer", tokenizer, "shards", j->list);
    char *path = path_of(p, "manifest.json"), *text = NULL;
    gr_json_seal(own, all);
    json_object_set_new(all, "sha256", json_string(own));
    text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
    gr_status status = gr_file_write(path, text, strlen(text), err);
    free(text);
    gr_free(path);
    json_decref(all);
    return status;
}

static gr_status second_pass(packer *p, gr_error *err) {
    size_t n = (size_t)p->def->labels + 2;
    int64_t *counts = gr_alloc(5 * n * sizeof *counts);
    rows_job j = {.p = p,
                  .of_label = counts,
                  .rank = counts + n,
                  .quota = counts + 2 * n,
                  .revealed = counts + 3 * n,
                  .truth = counts + 4 * n,
                  .list = json_array()};
    gr_status status = plan_rows(&j, err);
    p->tokens = 0;
    for (int i = 0; i < p->shards && status == GR_OK; i++)
        status = do_rows(&j, i, err);
    if (status == GR_OK)
        status = write_manifest(&j, err);
    json_decref(j.list);
    gr_free(j.settings);
    gr_free(counts);
    return status;
}

/* ---- all of it ---- */

static gr_status check(const gr_pack_def *d, gr_error *err) {
    if (!(d->validation >= 0 && d->validation < 1))
        return gr_error_set(err, GR_ERR_USAGE, "data.validation", "0.05 is usual", "%g is not a share in [0, 1)",
                            d->validation);
    if (d->context < 1 || d->context > 65536)
        return gr_error_set(err, GR_ERR_USAGE, "data.context", NULL, "rows of %d positions", d->context);
    if (d->shard_bytes < 1)
        return gr_error_set(err, GR_ERR_USAGE, "shard size", "64 MiB is usual", "shards of no text");
    return GR_OK;
}

gr_status gr_shards_pack(const char *folder, const gr_pack_def *def, gr_error *err) {
    GR_TRY(check(def, err));
    GR_TRY(gr_shards_check_labels(def->label, def->labels, err));
    packer p = {
        .folder = folder, .def = def, .stamp = token_stamp(def), .names = gr_arena_new(), .kept = gr_arena_new()};
    gr_status status = check_folder(&p, err);
    if (status == GR_OK && gr_file_exists(folder))
        status = lock_folder(&p, err);
    if (status == GR_OK)
        status = first_pass(&p, err);
    if (status == GR_OK)
        status = second_pass(&p, err);
    gr_tokenizer_free(p.tokenizer);
    gr__seen_free(p.seen);
    gr_arena_free(p.names);
    gr_arena_free(p.kept);
    gr_free(p.held.texts);
    gr_free(p.held_of);
    gr_free(p.sample);
    gr__lock_release(p.lock);
    gr_free(p.claim);
    gr_free(p.stamp);
    gr_free(p.tokens_text);
    return status;
}

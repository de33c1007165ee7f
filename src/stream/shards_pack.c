/* shards_pack.c - packing, first pass: text into token shards, with what is held out in a file of its own.
 *
 * The corpus is read in chunks, each of which becomes a shard of tokens. On the way duplicates are dropped, documents
 * are drawn to be held out, and a sample of every topic is kept at hand. What is in the folder already and was made
 * from the same text with the same settings (the stamp) is not made again. The folder is claimed by its stamp before
 * the first file is written, and only then does the manifest of an earlier run go. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "corpus/dataset.h"
#include "corpus/reader.h"
#include "stream/packer.h"
#include "text/tokenizer.h"

enum { HELD_MOST = 1 << 30 }; /* bytes of text */

/* Documents of one topic that stay at hand: each as likely as any other (Vitter, "Random sampling with a reservoir",
 * 1985, algorithm R). */
typedef struct sample {
    int64_t met;  /* documents of the topic so far */
    size_t count; /* of text */
    gr_text text[GR_SHARDS_SAMPLE];
} sample;

gr_pack_def gr_pack_default(void) {
    return (gr_pack_def){
        .validation = 0.05, .seed = 1, .tokenizer_train = 4096, .context = 128, .shard_bytes = 64 << 20};
}

char *gr__packer_path(const gr__packer *p, const char *name) { return gr_format("%s/%s", p->folder, name); }

void gr__packer_report(const gr__packer *p, int shard, bool kept) {
    if (p->def->progress)
        p->def->progress(p->def->user, &(gr_pack_progress){shard, p->documents, p->tokens, p->rows, kept});
}

gr_status gr__packer_stopped(const gr__packer *p, gr_error *err) {
    if (!p->def->stop || !*p->def->stop)
        return GR_OK;
    return gr_error_set(err, GR_ERR_INTERRUPTED, p->folder, "run the same command again to go on",
                        "stopped; the shards that were finished are kept");
}

/* ---- what the tokens depend on ---- */

/* What token shards depend on, as one text: all settings and sources, and what the caller says of the files behind
 * them. Two runs with the same stamp make the same shards. */
static char *token_stamp(const gr_pack_def *d) {
    char *text = gr_format("seed %llu validation %.17g dedupe %d tokenizer %d %s bytes %zu\n%s",
                           (unsigned long long)d->seed, d->validation, d->corpus.dedupe, d->tokenizer_train,
                           d->tokenizer_file ? d->tokenizer_file : "-", d->shard_bytes, d->stamp ? d->stamp : "");

    /* Each source with all that changes how it is read. */
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
static gr_status check_names(const gr__packer *p, gr_error *err) {
    static const char *const names[] = {"manifest.json", "tokenizer.json", "held.bin",
                                        "shard-*.bin",   "rows-*.bin",     "folder.json"};
    DIR *folder = opendir(p->folder);
    gr_status status = GR_OK;
    if (!folder)
        return gr__file_error(err, p->folder, "list the folder", errno);

    /* The first one that is found refuses the folder. */
    struct dirent *e;
    while (status == GR_OK && (e = readdir(folder)))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (fnmatch(names[i], e->d_name, 0) == 0)
                status = gr_error_set(err, GR_ERR_USAGE, p->folder, "choose another folder",
                                      "the folder holds '%s', and is no folder of shards", e->d_name);
    closedir(folder);
    return status;
}

/* The folder belongs to its stamp from the first file on. One without a stamp must hold no file of our names. */
static gr_status check_folder(const gr__packer *p, gr_error *err) {
    struct stat info;

    /* A folder that is not there will be made; a link to nowhere or a file in its place is a mistake. */
    if (stat(p->folder, &info))
        return lstat(p->folder, &info)
                   ? GR_OK
                   : gr_error_set(err, GR_ERR_USAGE, p->folder, "make what it points to, or choose another folder",
                                  "a symbolic link that points to nothing");
    if (!S_ISDIR(info.st_mode))
        return gr__file_error(err, p->folder, "make the folder", EEXIST);

    /* Its stamp says what the folder holds. Without one, files of our names are somebody else's. */
    char *path = gr__packer_path(p, "stamp.txt");
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
static gr_status lock_folder(gr__packer *p, gr_error *err) {
    if (p->looked)
        return GR_OK;
    char *path = gr__packer_path(p, ".gradroute.lock");
    gr_status status = gr__lock_take(&p->lock, path, p->folder, err);
    gr_free(path);
    GR_TRY(status);
    p->looked = true;
    GR_TRY(check_folder(p, err)); /* another may have been at work between the first look and the lock */
    gr__temporaries_remove(p->folder);
    return GR_OK;
}

/* See packer.h. The order matters: locked, then the old manifest goes, then the stamp claims the folder. */
gr_status gr__packer_begin(gr__packer *p, gr_error *err) {
    if (p->begun)
        return GR_OK;
    p->begun = true;
    GR_TRY(gr_directory_make(p->folder, err));
    GR_TRY(lock_folder(p, err));

    /* The manifest vouches for files that change from here on. */
    char *stamp = gr__packer_path(p, "stamp.txt"), *tokenizer = gr__packer_path(p, "tokenizer.json"),
         *manifest = gr__packer_path(p, "manifest.json");
    (void)!unlink(manifest);

    /* The stamp claims the folder for this text; the tokenizer is the first file that others depend on. */
    gr_status status = gr_file_exists(stamp) ? GR_OK : gr_file_write(stamp, p->claim, strlen(p->claim), err);
    if (status == GR_OK && !gr_file_exists(tokenizer))
        status = gr_file_write(tokenizer, p->tokens_text, strlen(p->tokens_text), err);
    gr_free(stamp);
    gr_free(tokenizer);
    gr_free(manifest);
    return status;
}

/* ---- the tokenizer ---- */

/* Takes the first chunk to learn a tokenizer from, then has enough. */
static gr_status take_first(void *user, gr_corpus *chunk, int32_t *of, gr_error *err) {
    gr__packer *p = user;
    (void)of;
    if (!chunk->topics.docs)
        return gr__corpus_empty(&p->def->corpus, chunk->skipped, err);
    GR_TRY(gr_tokenizer_train(&p->tokenizer, chunk->texts, chunk->topics.docs, p->def->tokenizer_train, p->def->stop,
                              err));
    p->trained = true;
    return GR_ERR_INTERRUPTED; /* enough */
}

/* Learns a tokenizer from the first chunk of the text, which then is not read on. */
static gr_status train_tokenizer(gr__packer *p, gr_error *err) {
    gr_status status = gr__corpus_chunks(&p->def->corpus, p->def->shard_bytes, take_first, p, err);
    return p->trained ? GR_OK : status;
}

/* That of the folder, or a new one, which is kept in memory until there is something to write. */
static gr_status make_tokenizer(gr__packer *p, const char *path, gr_error *err) {
    /* The folder's own: its shards were made with it. */
    if (gr_file_exists(path)) {
        GR_TRY(gr_tokenizer_open(&p->tokenizer, path, err));
        return gr_file_read(path, (unsigned char **)&p->tokens_text, &(size_t){0}, err);
    }

    /* The one that the recipe names, or a new one. */
    if (p->def->tokenizer_file)
        GR_TRY(gr_tokenizer_open(&p->tokenizer, p->def->tokenizer_file, err));
    else
        GR_TRY(train_tokenizer(p, err));
    return gr__tokenizer_text(p->tokenizer, &p->tokens_text, path, err);
}

/* Tokens depend on the tokenizer too, which is not known before it was read or learned. The claim stays as it was: it
 * must be known before. */
static void stamp_tokenizer(gr__packer *p) {
    char digest[GR_DIGEST_HEX];
    gr_digest_data(digest, p->tokens_text, strlen(p->tokens_text));
    p->claim = p->stamp;
    p->stamp = gr_format("%s\ntokenizer %s", p->claim, digest);
}

/* ---- documents ---- */

/* A copy of a text that outlives its chunk. */
static gr_text keep_text(gr__packer *p, gr_text text) {
    return (gr_text){gr_arena_strndup(p->kept, text.data, text.length), text.length};
}

/* Keeps a document for validation: in memory, until all text has been read. */
static gr_status hold_out(gr__packer *p, gr_text text, int32_t topic, gr_error *err) {
    p->held_bytes += text.length;
    if (p->held_bytes > HELD_MOST)
        return gr_error_set(err, GR_ERR_USAGE, "data.validation", "hold out a smaller share",
                            "more than 1 GiB of text is held out, and it is kept in memory");
    GR_PUSH(p->held.texts, p->held.topics.docs, p->held_room) = keep_text(p, text);
    GR_PUSH(p->held_of, p->held_count, p->of_room) = topic;
    return GR_OK;
}

/* Offers a document to the sample of its topic: document n (from 0) takes a drawn place below n + 1, so that each has
 * the same chance to be in it (algorithm R). */
static void add_to_sample(gr__packer *p, gr_text text, int32_t topic) {
    /* A table by topic, which grows as topics are met. */
    while (p->samples <= (size_t)topic)
        GR_PUSH(p->sample, p->samples, p->sample_room) = (sample){0};

    /* The first ones fill the sample; later ones replace one of it, or none. */
    sample *s = &p->sample[topic];
    size_t slot = s->count;
    if (s->count == GR_SHARDS_SAMPLE)
        slot =
            (size_t)((double)(s->met + 1) * gr_random_uniform((gr_key){p->def->seed, GR_STREAM_DATA, GR__DRAW_SAMPLE},
                                                              (uint64_t)s->met, (uint32_t)topic));
    else
        s->count++;

    /* A text that is replaced stays in the arena: of n documents about GR_SHARDS_SAMPLE * log(n) are kept. */
    if (slot < GR_SHARDS_SAMPLE)
        s->text[slot] = keep_text(p, text);
    s->met++;
}

/* Leaves the training documents of the chunk in their order. */
static gr_status sift(gr__packer *p, gr_corpus *chunk, int32_t *of, gr_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < chunk->topics.docs; i++) {
        gr_text text = chunk->texts[i];

        /* Over all chunks: the digests of all texts so far are kept. */
        if (p->def->corpus.dedupe && !gr__dedupe_add(p->seen, text.data, text.length)) {
            p->duplicates++;
            continue;
        }

        /* Drawn by the document's number, so that shards of another size hold out the same ones. */
        double u = gr_random_uniform((gr_key){p->def->seed, GR_STREAM_DATA, GR__DRAW_HELD}, (uint64_t)p->number++, 0);
        if (u < p->def->validation) {
            GR_TRY(hold_out(p, text, of[i], err));
            continue;
        }

        /* It is trained on: it moves up to the place of those that left. */
        add_to_sample(p, text, of[i]);
        chunk->texts[kept] = text;
        chunk->record[kept] = chunk->record[i];
        of[kept++] = of[i];
    }
    chunk->topics.docs = kept;
    return GR_OK;
}

/* A shard that is there and whole is not made again. */
static bool find_shard(gr__packer *p, const char *path, const char *stamp, size_t docs) {
    gr_dataset *data;
    if (access(path, F_OK) || gr_dataset_open(&data, path, NULL) != GR_OK)
        return false;

    /* The stamp says from which text it was made. */
    bool fits =
        strcmp(data->stamp, stamp) == 0 && data->topics.docs == docs && data->vocab == gr_tokenizer_size(p->tokenizer);
    p->tokens += fits ? (int64_t)data->offsets[docs] : 0;
    gr_dataset_free(data);
    return fits;
}

/* Encodes a chunk and writes it. */
static gr_status make_shard(gr__packer *p, const char *path, const char *stamp, const gr_corpus *chunk, gr_error *err) {
    gr_dataset *data;
    GR_TRY(gr__packer_begin(p, err));

    /* None of its documents is held out: those were taken away before. */
    bool *none = gr_alloc(chunk->topics.docs);
    gr_status status =
        gr__dataset_encode(&data, chunk, p->tokenizer, &(gr_dataset_def){0, p->def->seed, stamp, NULL}, none, err);
    gr_free(none);
    GR_TRY(status);
    p->tokens += (int64_t)data->offsets[data->topics.docs];
    status = gr_dataset_save(data, path, err);
    gr_dataset_free(data);
    return status;
}

/* Remembers all topics: their names go with the reader. */
static void copy_topics(gr__packer *p, const gr_topics *topics) {
    char **names = gr_arena_alloc(p->names, sizeof *names * ((size_t)topics->count + 1));
    for (int32_t i = 0; i < topics->count; i++)
        names[i] = gr_arena_strdup(p->names, topics->names[i]);
    p->held.topics.names = names;
    p->held.topics.count = topics->count;
}

/* A chunk of the corpus becomes a shard, unless all of it was held out or seen before. */
static gr_status take_chunk(void *user, gr_corpus *chunk, int32_t *of, gr_error *err) {
    gr__packer *p = user;
    GR_TRY(gr__packer_stopped(p, err));
    GR_TRY(sift(p, chunk, of, err));
    p->skipped = (int64_t)chunk->skipped;
    if (chunk->topics.count != p->held.topics.count)
        copy_topics(p, &chunk->topics);

    /* Nothing may be left of it. Numbers of shards and documents must fit their files. */
    if (!chunk->topics.docs)
        return GR_OK;
    if (p->shards == GR__SHARDS_MOST || p->documents + (int64_t)chunk->topics.docs > INT32_MAX)
        return gr_error_set(err, GR_ERR_USAGE, p->folder, "make larger shards, or pack parts of the corpus",
                            "more than %d shards or 2^31 - 1 documents", GR__SHARDS_MOST);

    /* Its place in the corpus is part of the stamp: the same text elsewhere is another shard. */
    char *path = gr__shard_path(p->folder, "shard", p->shards);
    char *stamp = gr_format("%s\nfirst document %lld", p->stamp, (long long)p->documents);
    gr_status status = GR_OK;
    bool there = find_shard(p, path, stamp, chunk->topics.docs);
    if (!there)
        status = make_shard(p, path, stamp, chunk, err);
    gr_free(path);
    gr_free(stamp);
    GR_TRY(status);

    /* It counts, and the caller hears of it. */
    p->documents += (int64_t)chunk->topics.docs;
    gr__packer_report(p, p->shards++, there);
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

static gr_status write_held(gr__packer *p, const gr_dataset *data, const char *path, gr_error *err) {
    GR_TRY(gr__packer_begin(p, err));
    return gr_dataset_save(data, path, err);
}

/* held.bin: what is held out, then the sample. */
static gr_status save_held(gr__packer *p, gr_error *err) {
    size_t out = p->held.topics.docs;
    if (p->def->validation > 0 && !out)
        return gr_error_set(err, GR_ERR_USAGE, "data.validation",
                            "hold out a larger share, or 0; of a book, pieces are held out where it is read itself, "
                            "without shards",
                            "none of %lld documents were held out", (long long)p->number);

    /* The samples, topic by topic, behind the documents that are held out. */
    for (size_t k = 0; k < p->samples; k++)
        for (size_t i = 0; i < p->sample[k].count; i++) {
            GR_PUSH(p->held.texts, p->held.topics.docs, p->held_room) = p->sample[k].text[i];
            GR_PUSH(p->held_of, p->held_count, p->of_room) = (int32_t)k;
        }

    /* The reports of the corpus go into this file. */
    p->held.topics.of = p->held_of;
    p->held.read = (size_t)(p->number + p->duplicates);
    p->held.duplicates = (size_t)p->duplicates;
    p->held.skipped = (size_t)p->skipped;

    /* What is held out is the validation part; the sample is the training part. */
    bool *marked = gr_alloc(p->held.topics.docs);
    memset(marked, true, out);
    gr_dataset *data;
    gr_status status = gr__dataset_encode(&data, &p->held, p->tokenizer,
                                          &(gr_dataset_def){0, p->def->seed, p->stamp, NULL}, marked, err);
    gr_free(marked);
    GR_TRY(status);

    /* Not written when it is there already: it would take the manifest with it. */
    char *path = gr__packer_path(p, "held.bin");
    status = is_kept(path, data) ? GR_OK : write_held(p, data, path, err);
    gr_dataset_free(data);
    gr_free(path);
    return status;
}

/* All text into token shards. */
static gr_status first_pass(gr__packer *p, gr_error *err) {
    const gr_pack_def *d = p->def;
    char *path = gr__packer_path(p, "tokenizer.json");
    gr_status status = make_tokenizer(p, path, err);
    gr_free(path);
    GR_TRY(status);
    stamp_tokenizer(p);
    p->seen = gr__dedupe_new();
    GR_TRY(gr__corpus_chunks(&d->corpus, d->shard_bytes, take_chunk, p, err));
    if (!p->shards && p->number)
        return gr_error_set(err, GR_ERR_USAGE, "data.validation", "hold out a smaller share",
                            "every document was held out");
    if (!p->shards)
        return gr__corpus_empty(&d->corpus, (size_t)p->skipped, err);
    return save_held(p, err);
}

/* ---- all of it ---- */

/* Settings that would make no sense of any corpus. */
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

/* Both passes. A folder that is there is locked first: another program may be packing into it. */
static gr_status pack(gr__packer *p, gr_error *err) {
    GR_TRY(check_folder(p, err));
    if (gr_file_exists(p->folder))
        GR_TRY(lock_folder(p, err));
    GR_TRY(first_pass(p, err));
    return gr__packer_rows(p, err);
}

gr_status gr_shards_pack(const char *folder, const gr_pack_def *def, gr_error *err) {
    GR_TRY(check(def, err));
    GR_TRY(gr_shards_check_labels(def->label, def->labels, err));

    /* Names and kept texts are in arenas: they go together at the end. */
    gr__packer p = {
        .folder = folder, .def = def, .stamp = token_stamp(def), .names = gr_arena_new(), .kept = gr_arena_new()};
    gr_error why = {0};
    gr_status status = pack(&p, &why);

    /* What was stopped within a shard knows nothing of those that are kept. */
    if (status == GR_ERR_INTERRUPTED)
        gr__packer_stopped(&p, err);
    else if (status != GR_OK)
        gr_error_set(err, status, why.place, why.hint, "%s", why.message);

    gr_tokenizer_free(p.tokenizer);
    gr__dedupe_free(p.seen);
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

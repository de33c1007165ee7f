/* shards.c - opening a folder of shards: the manifest, then every file against it.
 *
 * The manifest holds the digest of each file, and its own. Files are mapped, not read, so that a corpus may be larger
 * than memory; but before they are used each is checked once, which takes a pass over all of it. What was checked is
 * written down with names, sizes and times of the files (gr_shards_note), and as long as these stay, opening again is
 * quick. */
#include "gradroute/shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "label/source.h"
#include "stream/shard.h"

static const char remedy[] = "run `gradroute data pack` again with the same folder: what is damaged is made anew";

/* Shards keep the topic of a document and nothing else that a label could go by. */
gr_status gr_shards_check_labels(const gr_label_def *label, int labels, gr_error *err) {
    int topics;
    for (int k = 0; k < labels; k++)
        if (!gr__label_topics(&label[k], &topics) || label[k].noise || label[k].hidden_count || label[k].spread)
            return gr_error_set(err, GR_ERR_USAGE, label[k].name, "read the corpus itself, or give documents topics",
                                "shards keep topics: labels by fields, words, scores or other labels, hidden topics, "
                                "mistakes on purpose and classifiers need the text");
    return GR_OK;
}

char *gr_shards_settings(int context, bool mixed, bool cut, const gr_label_def *label, int labels) {
    json_t *list = json_array();

    /* Each label: its topics, how much of it is known, and what hidden ones are shown as. */
    for (int k = 0; k < labels; k++) {
        int count;
        const char *const *topics = gr__label_topics(&label[k], &count);
        json_t *is = json_array();
        for (int i = 0; i < count; i++)
            json_array_append_new(is, json_string(topics[i]));
        json_array_append_new(list, json_pack("{s:s, s:o, s:f, s:i}", "name", label[k].name, "is", is, "known",
                                              label[k].known, "hidden_as", (int)label[k].hidden_as));
    }

    /* A member that newer versions add stands there only where it is used, so that the settings of older shards stay
     * equal. */
    json_t *all = json_pack("{s:i, s:b, s:o}", "context", context, "mixed", mixed, "labels", list);
    if (cut)
        json_object_set_new(all, "long", json_string("cut"));
    char *dump = all ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL, *text = gr_strdup(dump ? dump : "");
    free(dump);
    json_decref(all);
    return text;
}

/* ---- the manifest ---- */

typedef struct opening {
    gr_shards *shards;
    const char *folder;
    char *path; /* of the manifest */
    json_t *manifest;
    bool known; /* every file is the one that was checked before */
} opening;

/* An error of the folder's content. */
static gr_status refuse(const char *path, gr_error *err, const char *what) {
    return gr_error_set(err, GR_ERR_FORMAT, path, remedy, "%s", what);
}

/* Parses the manifest and makes sure that it is whole and of this format. */
static gr_status load_manifest(opening *o, gr_error *err) {
    void *block;
    size_t size;
    json_error_t error;
    char found[65];
    const char *want, *format;
    if (access(o->path, F_OK))
        return gr_error_set(err, GR_ERR_INPUT, o->path,
                            "gradroute data pack RECIPE -o FOLDER makes, or finishes, shards",
                            "there is no manifest.json");

    /* Parse it. */
    GR_TRY(gr_file_map(&block, &size, o->path, remedy, err));
    o->manifest = json_loadb(block, size, JSON_REJECT_DUPLICATES, &error);
    munmap(block, size);
    if (!o->manifest)
        return gr_error_set(err, GR_ERR_FORMAT, o->path, remedy, "line %d: %s", error.line, error.text);

    /* Format and digest first: nothing else of it is believed before. */
    if (json_unpack(o->manifest, "{s:s, s:s}", "format", &format, "sha256", &want))
        return refuse(o->path, err, "not a manifest of shards");
    if (strcmp(format, "gradroute-shards-1"))
        return gr_error_set(err, GR_ERR_FORMAT, o->path, remedy, "format %.40s, this program reads gradroute-shards-1",
                            format);

    /* The digest over the other members. */
    gr_json_seal(found, o->manifest);
    if (strcmp(found, want))
        return refuse(o->path, err, "the SHA-256 does not match: the manifest was changed");
    memcpy(o->shards->digest, found, sizeof found);
    return GR_OK;
}

/* A list of `count` numbers of at least 0, the first with its total; NULL when it is anything else. */
static int64_t *numbers(gr_shards *shards, const json_t *list, int count) {
    int64_t *out = gr_arena_alloc(shards->arena, sizeof *out * (size_t)count);
    if (!json_is_array(list) || json_array_size(list) != (size_t)count)
        return NULL;

    /* Numbers of documents, which fit 32 bits. */
    for (int i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, (size_t)i);
        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT32_MAX)
            return NULL;
        out[i] = json_integer_value(value);
    }
    return out;
}

/* Names of labels and counts of documents; false where the lists do not fit. */
static bool read_labels(gr_shards *s, const json_t *names, const json_t *revealed, const json_t *truth) {
    enum { MOST = 1000 };
    if (!json_is_array(names) || json_array_size(names) > MOST)
        return false;
    s->labels = (int)json_array_size(names);
    s->label_names = gr_arena_alloc(s->arena, sizeof(char *) * ((size_t)s->labels + 1));

    /* Names of the labels, then how many documents are, and are shown as, each. */
    for (int k = 0; k < s->labels; k++) {
        const char *name = json_string_value(json_array_get(names, (size_t)k));
        if (!name)
            return false;
        s->label_names[k] = gr_arena_strdup(s->arena, name);
    }
    s->revealed = numbers(s, revealed, s->labels + 2);
    s->truth = numbers(s, truth, s->labels + 2);
    return s->revealed && s->truth;
}

/* Takes from the manifest what is said of all shards. */
static gr_status read_manifest(opening *o, gr_error *err) {
    gr_shards *s = o->shards;
    json_t *names, *revealed, *truth, *list;
    json_int_t read, duplicates, skipped;
    int mixed;
    const char *settings;
    if (json_unpack(o->manifest, "{s:s, s:i, s:b, s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "settings", &settings, "context",
                    &s->context, "mixed", &mixed, "labels", &names, "revealed", &revealed, "truth", &truth, "shards",
                    &list, "read", &read, "duplicates", &duplicates, "skipped", &skipped))
        return refuse(o->path, err, "the manifest lacks a member");

    /* Take over what is a number or a text. */
    s->mixed = mixed;
    s->settings = gr_arena_strdup(s->arena, settings);
    s->read = read, s->duplicates = duplicates, s->skipped = skipped;

    /* Lists must be as long as they say. */
    if (!read_labels(s, names, revealed, truth) || !json_is_array(list) || !json_array_size(list) ||
        json_array_size(list) > GR__SHARDS_MOST)
        return refuse(o->path, err, "the manifest contradicts itself");
    s->count = (int)json_array_size(list);
    s->shard = gr_arena_alloc(s->arena, sizeof *s->shard * (size_t)s->count);
    return GR_OK;
}

/* ---- files ---- */

/* Names, sizes, times and inodes of all shards: as long as they stay, so does what was checked. A new string. */
static char *describe_files(const opening *o) {
    char *text = gr_format("%s\n", o->shards->digest);

    /* Shards and rows in turns. A file that cannot be looked at has no size, and so equals none that was checked. */
    for (int i = 0; i < 2 * o->shards->count; i++) {
        struct stat info = {0};
        char *path = gr__shard_path(o->folder, i % 2 ? "rows" : "shard", i / 2);
        (void)!stat(path, &info);
        char *longer = gr_format("%s%s %lld %lld.%09ld %llu\n", text, path, (long long)info.st_size,
                                 (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, (unsigned long long)info.st_ino);
        gr_free(text);
        gr_free(path);
        text = longer;
    }
    return text;
}

/* Whether the note says just this. */
static bool is_kept(const char *checked, const char *text) {
    void *block;
    size_t size;
    if (gr_file_map(&block, &size, checked, NULL, NULL) != GR_OK)
        return false;
    bool same = size == strlen(text) && memcmp(block, text, size) == 0;
    munmap(block, size);
    return same;
}

/* The file is the one that was packed. */
static gr_status compare_digest(const unsigned char *have, const char *want, const char *path, gr_error *err) {
    unsigned char digest[GR_DIGEST_BYTES];
    if (!gr_digest_unhex(digest, want) || memcmp(digest, have, sizeof digest))
        return refuse(path, err, "the SHA-256 is not that of the manifest: the file was exchanged");
    return GR_OK;
}

/* Shard i and its rows; totals go on, entries are documents or pieces. */
static gr_status open_shard(opening *o, int i, int64_t *entries, const char *file, const char *rows, gr_error *err) {
    gr_shards *s = o->shards;
    gr__shard *at = &s->shard[i];
    const char *digest, *rows_digest;
    json_int_t longer = 0;
    if (json_unpack(json_array_get(json_object_get(o->manifest, "shards"), (size_t)i), "{s:s, s:s, s?I}", "sha256",
                    &digest, "rows_sha256", &rows_digest, "longer", &longer))
        return refuse(o->path, err, "the manifest lacks a digest");

    /* Tokens and rows, each against its digest. */
    GR_TRY(gr__dataset_map(&at->data, file, o->known, err));
    GR_TRY(compare_digest(gr__dataset_digest(at->data), digest, file, err));
    GR_TRY(gr__rows_open(at, rows, NULL, o->known, err));
    GR_TRY(compare_digest(gr__rows_digest(at), rows_digest, rows, err));

    /* What the manifest says of all shards holds for this one. */
    if (at->pack.width != s->context || at->pack.mixed != s->mixed || at->labels.label_count != s->labels ||
        at->data->vocab != s->held->vocab || at->data->eot != s->held->eot || at->data->start != s->held->start)
        return refuse(rows, err, "the shard and the manifest disagree");

    /* Entries are numbered through over all shards. */
    if (*entries + (int64_t)at->pack.count > INT32_MAX)
        return refuse(o->path, err, "more than 2^31 - 1 documents, or pieces of them");
    at->pack.first_doc = (int32_t)*entries;

    /* Totals go on. */
    at->first_row = s->rows;
    *entries += (int64_t)at->pack.count;
    s->documents += (int64_t)at->data->topics.docs;
    s->longer += longer;
    s->rows += (int64_t)at->pack.row_count;
    s->tokens += (int64_t)at->data->offsets[at->data->topics.docs];
    s->positions += at->pack.present;
    s->cut += at->pack.cut;

    /* Rows are read in a drawn order: reading ahead would fetch what nobody wants. */
    madvise(at->data->block, at->data->block_size, MADV_RANDOM);
    return GR_OK;
}

/* The files beside the shards. */
static gr_status open_held(opening *o, gr_error *err) {
    gr_shards *s = o->shards;
    const char *held, *tokenizer;
    char found[65];
    if (json_unpack(o->manifest, "{s:s, s:s}", "held", &held, "tokenizer", &tokenizer))
        return refuse(o->path, err, "the manifest lacks a digest");

    /* What is held out, as the manifest vouches for it. */
    char *path = gr_format("%s/held.bin", o->folder);
    gr_status status = gr_dataset_open(&s->held, path, err);
    if (status == GR_OK)
        status = compare_digest(gr__dataset_digest(s->held), held, path, err);
    gr_free(path);
    GR_TRY(status);

    /* The tokenizer, which is opened by whoever needs it. */
    char *file = gr_format("%s/tokenizer.json", o->folder);
    s->tokenizer = gr_arena_strdup(s->arena, file);
    gr_free(file);
    GR_TRY(gr_digest_file(found, s->tokenizer, err));
    if (strcmp(found, tokenizer))
        return refuse(s->tokenizer, err, "the SHA-256 is not that of the manifest: the tokenizer was exchanged");
    return GR_OK;
}

/* Opens every file that the manifest names. */
static gr_status open_files(opening *o, const char *checked, gr_error *err) {
    GR_TRY(open_held(o, err));

    /* All shards; if none of the files has changed since it was checked, their content is not looked at again. */
    char *text = describe_files(o);
    o->known = checked && is_kept(checked, text);
    gr_status status = GR_OK;
    int64_t entries = 0;
    for (int i = 0; i < o->shards->count && status == GR_OK; i++) {
        char *file = gr__shard_path(o->folder, "shard", i), *rows = gr__shard_path(o->folder, "rows", i);
        status = open_shard(o, i, &entries, file, rows, err);
        gr_free(file);
        gr_free(rows);
    }

    /* Entries are pieces where some document goes on. */
    o->shards->pieces = o->shards->longer ? entries : 0;
    o->shards->files = text;
    return status;
}

/* The manifest, then what it vouches for. */
static gr_status open_all(opening *o, const char *checked, gr_error *err) {
    GR_TRY(load_manifest(o, err));
    GR_TRY(read_manifest(o, err));
    return open_files(o, checked, err);
}

gr_status gr_shards_open(gr_shards **out, const char *folder, const char *checked, gr_error *err) {
    *out = NULL;
    gr_shards *s = gr_alloc(sizeof *s);
    s->arena = gr_arena_new();
    opening o = {.shards = s, .folder = folder, .path = gr_format("%s/manifest.json", folder)};
    gr_status status = open_all(&o, checked, err);
    json_decref(o.manifest);
    gr_free(o.path);
    if (status == GR_OK)
        *out = s;
    else
        gr_shards_free(s);
    return status;
}

void gr_shards_note(const gr_shards *s, const char *checked) {
    if (!is_kept(checked, s->files))
        gr_file_write(checked, s->files, strlen(s->files), NULL);
}

void gr_shards_free(gr_shards *s) {
    if (!s)
        return;
    gr_free(s->files);
    if (s->shard)
        for (int i = 0; i < s->count; i++)
            gr__shard_close(&s->shard[i]);
    gr_dataset_free(s->held);
    gr_arena_free(s->arena);
    gr_free(s);
}

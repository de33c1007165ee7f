/* shard_helpers.h - a corpus of three topics, an eighth of it duplicates, and its pack into shards. */
#ifndef GR_TESTS_SHARD_HELPERS_H
#define GR_TESTS_SHARD_HELPERS_H

#include <dirent.h>
#include <fcntl.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/shards.h"
#include "stream/pack.h"
#include "stream/shard.h"
#include "support.h"

enum { DOCS = 1500, CONTEXT = 48, MOST = 2048 };

/* ---- A corpus of three topics, an eighth of it duplicates -------------------------------------------------------- */

static inline uint64_t draw(int d, uint32_t j) {
    return gr_random_bits((gr_key){9, GR_STREAM_TEST, 0}, (uint64_t)d, j);
}

static const char *topic_of(int d) {
    static const char *const names[] = {"a", "b", "c", "c", "c"};
    return names[draw(d, 0) % 5];
}

static inline void write_document(FILE *file, int d) {
    static const char *const words[] = {"bird", "fish", "stone", "river", "walks", "sings", "under", "old", "the"};
    if (d % 8 == 7) /* the one before, again */
        d--;
    fprintf(file, "{\"text\": \"%d", d);
    for (uint32_t w = 0, n = (uint32_t)(draw(d, 1) % (d % 20 ? 12 : 70)); w < n; w++)
        fprintf(file, " %s", words[draw(d, 2 + w) % 9]);
    fprintf(file, "\", \"label\": \"%s\"}\n", topic_of(d));
}

static inline int setup(void **state) {
    gr_test_files_setup(state);
    omp_set_num_threads(1); /* a child of a fork has the threads' locks but not the threads */
    for (int part = 0; part < 3; part++) {
        FILE *file = fopen(gr_test_path(part == 0 ? "part-0.jsonl" : part == 1 ? "part-1.jsonl" : "part-2.jsonl"), "w");
        for (int d = part * DOCS / 3; d < (part + 1) * DOCS / 3; d++)
            write_document(file, d);
        fclose(file);
    }
    return 0;
}

static const char *const is_a[] = {"a"}, *const is_b[] = {"b"};
static const gr_label_def labels[] = {
    {.name = "alpha", .from = {{"is", .texts = is_a, .count = 1}}, .known = 0.5, .hidden_as = GR_HIDDEN_UNLABELLED},
    {.name = "beta", .from = {{"is", .texts = is_b, .count = 1}}, .known = 1, .hidden_as = GR_HIDDEN_CORE}};

static inline gr_pack_def def_of(gr_source *source, char *pattern) {
    gr_pack_def def = gr_pack_default();
    snprintf(pattern, 256, "%s", gr_test_path("part-*.jsonl"));
    *source = gr_source_default();
    source->reader = "jsonl";
    source->path = pattern;
    def.corpus = (gr_corpus_def){.sources = source, .source_count = 1, .dedupe = true};
    def.validation = 0.1;
    def.seed = 3;
    def.tokenizer_train = 300;
    def.context = CONTEXT;
    def.label = labels;
    def.labels = 2;
    def.shard_bytes = 4000;
    return def;
}

static inline gr_status pack_with(const char *folder, void (*change)(gr_pack_def *def), gr_error *err) {
    gr_source source;
    char pattern[256];
    gr_pack_def def = def_of(&source, pattern);
    if (change)
        change(&def);
    return gr_shards_pack(folder, &def, err);
}

static inline void pack_good(const char *folder, void (*change)(gr_pack_def *def)) {
    gr_error err = {0};
    gr_test_ok(pack_with(folder, change, &err), &err);
}

static inline gr_shards *open_good(const char *folder, const char *checked) {
    gr_shards *shards = NULL;
    gr_error err = {0};
    gr_test_ok(gr_shards_open(&shards, folder, checked, &err), &err);
    if (checked)
        gr_shards_note(shards, checked);
    return shards;
}

static inline gr_stream *stream_of(const gr_shards *shards, int rows, gr_stream_def def) {
    gr_stream *stream = NULL;
    gr_error err = {0};
    def.rows = rows;
    def.width = shards->context;
    gr_test_ok(gr_stream_new_shards(&stream, shards, &def, &err), &err);
    return stream;
}

/* The text of a document or piece as the tokens of a row spell it; returns its positions. */
static inline int spell(char *text, const gr_tokenizer *tokenizer, const gr_rows *rows, int at) {
    size_t used = 0;
    int n = 0;
    for (; n < rows->width && rows->doc[at + n] == rows->doc[at]; n++) {
        size_t length = 0;
        const char *bytes = rows->targets[at + n] ? gr_tokenizer_token(tokenizer, rows->targets[at + n], &length) : "";
        assert_true(n ? rows->ids[at + n] == rows->targets[at + n - 1] : rows->ids[at] >= 0);
        assert_int_equal(rows->start[at + n], rows->start[at]);
        memcpy(text + used, bytes, length);
        used += length;
    }
    text[used] = 0;
    return n;
}

/* Names of the files of a folder; returns how many. */
static inline int files_of(const char *folder, char names[][64], int most) {
    DIR *dir = opendir(folder);
    int n = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.' && n < most)
            snprintf(names[n++], 64, "%.63s", e->d_name);
    closedir(dir);
    return n;
}

static inline void assert_same_folders(const char *a, const char *b) {
    static char names[200][64];
    int n = files_of(a, names, 200);
    assert_int_equal(n, files_of(b, (char[200][64]){{0}}, 200));
    for (int i = 0; i < n; i++) {
        char *path[2] = {gr_format("%s/%s", a, names[i]), gr_format("%s/%s", b, names[i])};
        size_t size[2];
        char *bytes[2] = {gr_test_read(path[0], &size[0]), gr_test_read(path[1], &size[1])};
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(bytes[0], bytes[1], size[0]);
        free(bytes[0]);
        free(bytes[1]);
        gr_free(path[0]);
        gr_free(path[1]);
    }
}

#endif

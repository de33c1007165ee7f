/* fuzz_corpus.c - the readers of corpora, gzip included, and of dataset files on arbitrary bytes.
 *
 *     ninja -C build-fuzz fuzz_corpus && build-fuzz/fuzz_corpus FOLDER_OF_SEEDS
 *
 * The first byte chooses the reader. The digest of a dataset is repaired, so that the checks behind it are met too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/log.h"
#include "corpus/dataset.h"

static void write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size)
        abort();
    fclose(file);
}

static void read_corpus(const char *reader, const char *path, bool members) {
    static const char *const fields[] = {"kind"};
    gr_source source = gr_source_default();
    source.reader = reader;
    source.path = path;
    source.separator = "\n";
    source.topic = "none";
    gr_corpus *corpus;
    gr_error err = {0};
    if (!gr_corpus_open(&corpus, &(gr_corpus_def){&source, 1, true, fields, members, members ? "id" : NULL, NULL},
                        &err))
        gr_corpus_free(corpus);
    else if (!err.message[0])
        abort(); /* a failure without a word */
}

static void read_wordnet(const char *folder, const uint8_t *bytes, size_t size) {
    static const char *const parts[] = {"noun", "verb", "adj", "adv"};
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/data.%s", folder, parts[i]);
        write_file(path, bytes, i ? 0 : size);
    }
    read_corpus("wordnet", folder, false);
}

static void read_dataset(const char *path, const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, bytes, size);
    if (size >= GR__DATASET_HEADER)
        gr__dataset_seal(copy, size);
    write_file(path, copy, size);
    free(copy);
    gr_dataset *data;
    gr_error err = {0};
    if (!gr_dataset_open(&data, path, &err))
        gr_dataset_free(data);
    else if (!err.message[0])
        abort();
}

/* The bytes as a gzip file of two members, damaged at the place that the first two bytes name. */
static void read_gzip(const char *path, const uint8_t *bytes, size_t size) {
    uint8_t packed[1 << 16];
    z_stream z = {.next_out = packed, .avail_out = sizeof packed};
    if (size < 3 || size > 4096)
        return;
    for (int member = 0; member < 2; member++) {
        if (deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            abort();
        z.next_in = (uint8_t *)bytes + 3;
        z.avail_in = (unsigned)(size - 3);
        if (deflate(&z, Z_FINISH) != Z_STREAM_END)
            abort();
        deflateEnd(&z);
    }
    size_t n = sizeof packed - z.avail_out;
    packed[(bytes[0] << 8 | bytes[1]) % n] ^= bytes[2];
    write_file(path, packed, n);
    read_corpus("jsonl", path, false);
    read_corpus("text", path, false);
}

/* Two files in folders, one of them gzip by chance. */
static void read_folder(const char *folder, const uint8_t *bytes, size_t size) {
    char path[96];
    snprintf(path, sizeof path, "%s/below", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/below/input", folder);
    write_file(path, bytes, size);
    read_corpus("folder", folder, false);
    unlink(path);
    snprintf(path, sizeof path, "%s/below", folder);
    rmdir(path);
}

static void remove_folder(const char *folder) {
    static const char *const names[] = {"input", "data.noun", "data.verb", "data.adj", "data.adv"};
    for (int i = 0; i < 5; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char folder[64], path[96];
    if (!size)
        return 0;
    gr_log_level(0); /* notes would fill the log */
    snprintf(folder, sizeof folder, "/tmp/gradroute-fuzz-%d", (int)getpid());
    snprintf(path, sizeof path, "%s/input", folder);
    mkdir(folder, 0700);
    write_file(path, bytes + 1, size - 1);
    static const char *const records[] = {"json", "csv", "tsv"};
    switch (bytes[0] % 9) {
    case 0:
        read_wordnet(folder, bytes + 1, size - 1);
        break;
    case 1:
        read_corpus("jsonl", path, bytes[0] & 16);
        break;
    case 2:
        read_corpus("text", path, false);
        break;
    case 3:
        read_gzip(path, bytes + 1, size - 1);
        break;
    case 4:
        read_folder(folder, bytes + 1, size - 1);
        break;
    case 5:
    case 6:
    case 7:
        read_corpus(records[bytes[0] % 9 - 5], path, bytes[0] & 16);
        break;
    default:
        read_dataset(path, bytes + 1, size - 1);
        break;
    }
    remove_folder(folder);
    return 0;
}

/* A corpus of the input's lines with labels by words, as rows of any size: targets, starts and labels are in range,
 * what is dropped is in no row, a row that is not mixed has one label where labels are of documents, and a scan holds
 * each target of each document once. */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "forge.h"
#include "gradroute/data.h"
#include "gradroute/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What the head of the input says. */
typedef struct settings {
    int rows, width;
    uint64_t seed;
    double held;
    bool mixed, drop, hidden, tokens;
} settings;

static settings settings_of(const uint8_t *head) {
    return (settings){.rows = 1 + head[0] % 9,
                      .width = 1 + head[1] % 40,
                      .seed = head[2],
                      .held = (head[3] & 3) * 0.2,
                      .mixed = head[3] & 4,
                      .drop = head[3] & 8,
                      .hidden = head[3] & 16,
                      .tokens = head[3] & 32};
}

/* Positions of any rows; returns how many hold a document. */
static int64_t check_rows(const gr_rows *r, const gr_dataset *data, int labels) {
    int64_t present = 0;
    for (int i = 0; i < r->sequences * r->width; i++) {
        bool there = r->doc[i] >= 0;
        present += there;
        check(r->doc[i] < (int32_t)data->topics.docs && r->ids[i] >= 0 && r->ids[i] < data->vocab);
        check(r->targets[i] < data->vocab && there == (r->targets[i] >= 0));
        check(r->start[i] >= 0 && r->start[i] <= i % r->width && (there || r->start[i] == i % r->width));
        check(there ? r->label[i] >= GR_LABEL_UNLABELLED && r->label[i] <= labels && r->truth[i] >= 0 &&
                          r->truth[i] <= labels
                    : r->label[i] == GR_LABEL_ABSENT && r->truth[i] == GR_LABEL_ABSENT);
        check(!r->score || (r->score[i] >= 0 && r->score[i] <= 1));
    }
    check(present == r->present);
    return present;
}

/* Steps of a stream. */
static void check_stream(const gr_dataset *data, const gr_labels *labels, const settings *s) {
    static const int16_t drop[] = {1};
    gr_stream_def def = gr_stream_default();
    gr_stream *stream;
    gr_error err = {0};
    def.rows = s->rows, def.width = s->width, def.seed = s->seed, def.mixed = s->mixed;
    def.docs = data->train, def.doc_count = data->train_count;
    def.drop = drop, def.drop_count = s->drop;
    if (gr_stream_new(&stream, data, labels, &def, &err) != GR_OK) {
        check(err.message[0]);
        return;
    }

    for (int64_t step = 0; step < 6; step++) {
        gr_rows r;
        gr_stream_next(stream, step, &r);
        check((s->drop ? r.sequences <= s->rows : r.sequences == s->rows) && r.width == s->width);
        check_rows(&r, data, labels->label_count);
        for (int row = 0; row < r.sequences; row++) {
            const int16_t *label = r.label + (size_t)row * (size_t)r.width;
            int one = GR_LABEL_ABSENT;
            for (int i = 0; i < r.width; i++) {
                check(!(s->drop && label[i] == 1));
                if (s->mixed || s->tokens || label[i] == GR_LABEL_ABSENT)
                    continue;
                check(one == GR_LABEL_ABSENT || one == label[i]);
                one = label[i];
            }
        }
    }
    gr_stream_free(stream);
}

/* All of a scan: every document as often as it has targets in a row. */
static void check_scan(const gr_dataset *data, const gr_labels *labels, const settings *s) {
    gr_scan *scan;
    gr_rows r;
    check(gr_scan_new(&scan, data, labels, data->train, data->train_count, s->rows, s->width, NULL) == GR_OK);
    uint64_t *seen = gr_alloc((data->topics.docs + 1) * sizeof *seen);
    while (gr_scan_next(scan, &r)) {
        check_rows(&r, data, labels->label_count);
        for (int i = 0; i < r.sequences * r.width; i++)
            if (r.doc[i] >= 0)
                seen[r.doc[i]]++;
    }

    for (size_t i = 0; i < data->train_count; i++) {
        uint32_t d = data->train[i];
        uint64_t targets = data->offsets[d + 1] - data->offsets[d] + 1;
        check(seen[d] == (targets < (uint64_t)s->width ? targets : (uint64_t)s->width));
    }
    gr_free(seen);
    gr_scan_free(scan);
}

static void check_data(const gr_dataset *data, const gr_tokenizer *tok, const settings *s) {
    static const char *const words[] = {"a", "bird", "1"};
    gr_label_def def = {.name = "x", .from = {{"words", .texts = words, .count = 3}}, .known = s->hidden ? 0.5 : 1};
    gr_labels *labels;
    gr_error err = {0};
    def.per = s->tokens ? GR_PER_TOKEN : GR_PER_DOCUMENT;
    if (gr_labels_make(&labels, data, tok, &def, 1, NULL, 0, s->seed, NULL, &err) != GR_OK) {
        check(err.message[0]);
        return;
    }
    check_stream(data, labels, s);
    check_scan(data, labels, s);
    gr_labels_free(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    enum { HEAD = 5 };
    if (size < HEAD)
        return 0;
    gr_log_level(0);

    /* One line, one document. */
    settings s = settings_of(bytes);
    char path[FORGE_PATH];
    int fd = gr_forge_file(path, bytes + HEAD, size - HEAD);
    gr_source source = gr_source_default();
    gr_corpus *corpus;
    gr_error err = {0};
    source.reader = "text";
    source.path = path;
    source.separator = "\n";
    source.topic = "t";
    if (gr_corpus_open(&corpus, &(gr_corpus_def){&source, 1, bytes[4] & 1, NULL, 0, NULL, NULL}, &err) != GR_OK) {
        check(err.message[0] && err.place[0]);
        close(fd);
        return 0;
    }

    gr_tokenizer *tok;
    gr_dataset *data;
    gr_dataset_def def = {.validation = s.held, .seed = s.seed};
    check(gr_tokenizer_train(&tok, corpus->texts, corpus->topics.docs, 257 + bytes[4] % 40, NULL, NULL) == GR_OK);
    if (gr_dataset_new(&data, corpus, tok, &def, &err) == GR_OK) {
        check_data(data, tok, &s);
        gr_dataset_free(data);
    } else {
        check(err.message[0]);
    }
    gr_tokenizer_free(tok);
    gr_corpus_free(corpus);
    close(fd);
    return 0;
}

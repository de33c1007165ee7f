/* A dataset from anywhere, signed or not: it is refused with a reason, or can be labelled, packed and read. */
#include <string.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "forge.h"
#include "gradroute/stream.h"

enum { DOCS = 12, TOKENS = 60, ROOM = 4096 };

/* A valid dataset of 12 documents, 3 topics, a field of 2 values and keys. */
static const gr_dataset *whole(void) {
    static gr_dataset *data;
    static int32_t ids[TOKENS], of[DOCS];
    static uint64_t offsets[DOCS + 1];
    static uint32_t bytes[DOCS];
    if (data)
        return data;
    for (int i = 0; i < TOKENS; i++)
        ids[i] = 1 + i % 20;
    for (int d = 0; d < DOCS; d++) {
        of[d] = d % 3;
        bytes[d] = 9;
        offsets[d + 1] = 5 * (uint64_t)(d + 1);
    }
    gr_topics topics = {.docs = DOCS, .of = of, .names = (char *[]){"a", "bird", "c"}, .count = 3};
    static uint32_t record[DOCS], none[DOCS];
    static uint64_t keys[DOCS + 2];
    static int32_t value[DOCS];
    for (int d = 0; d < DOCS; d++) {
        record[d] = (uint32_t)(d < 3 ? d : d + 2);
        value[d] = d % 3 - 1;
    }
    gr_field field = {"kind", {(char *[]){"x", "y"}, 2, value, DOCS}};
    gr_corpus origin = {.read = DOCS,
                        .fields = &field,
                        .field_count = 1,
                        .records = DOCS + 2,
                        .record = record,
                        .lead = none,
                        .tail = none,
                        .keys = keys};
    gr__tokens tokens = {&topics, offsets, ids, bytes, 21, 0, &origin, 0, NULL};
    check(gr__dataset_assemble(&data, &tokens, &(gr_dataset_def){0.25, 1, "stamp", NULL}, NULL) == GR_OK);
    return data;
}

/* Overwrites of one or eight bytes, then a cut or an extension; returns the size. */
static size_t damage(unsigned char *block, gr_forge *in) {
    size_t size = whole()->block_size;
    memcpy(block, whole()->block, size);
    for (unsigned edits = gr_forge_byte(in) % FORGE_EDITS; edits > 0; edits--) {
        size_t at = gr_forge_number(in, 2) % size;
        int n = gr_forge_byte(in) % 2 ? 8 : 1;
        for (int i = 0; i < n && at + (size_t)i < size; i++)
            block[at + (size_t)i] = (unsigned char)gr_forge_byte(in);
    }
    return (size_t)((int64_t)size + (int8_t)gr_forge_byte(in));
}

static void read_rows(const gr_dataset *data, const gr_labels *labels) {
    gr_stream_def def = gr_stream_default();
    gr_stream *stream;
    gr_rows rows;
    def.rows = 2;
    def.width = 8;
    def.docs = data->train;
    def.doc_count = data->train_count;
    gr_error err = {0};
    if (gr_stream_new(&stream, data, labels, &def, &err) != GR_OK) {
        check(err.message[0]);
        return;
    }
    for (int step = 0; step < 3; step++) {
        gr_stream_next(stream, step, &rows);
        for (int i = 0; i < rows.sequences * rows.width; i++)
            check(rows.ids[i] >= 0 && rows.ids[i] < data->vocab && rows.targets[i] < data->vocab &&
                  rows.doc[i] < (int32_t)data->topics.docs);
    }
    gr_stream_free(stream);
}

static void use(const gr_dataset *data) {
    size_t length = strlen(data->stamp);
    for (int32_t i = 0; i < data->topics.count; i++)
        length += strlen(data->topics.names[i]);
    for (int f = 0; f < data->field_count; f++) {
        length += strlen(data->fields[f].name);
        for (size_t d = 0; d < data->topics.docs; d++)
            if (data->fields[f].values.of[d] >= 0)
                check(strlen(data->fields[f].values.names[data->fields[f].values.of[d]]) < data->block_size);
    }
    for (size_t d = 0; d < data->topics.docs && data->keys; d++)
        check(data->keys[data->record[d]] + 1 || data->records);
    check(length < data->block_size);
    gr_labels *labels;
    check(gr_labels_new(&labels, &data->topics, NULL, 0, NULL, 0, 1, NULL) == GR_OK);
    read_rows(data, labels);
    gr_labels_free(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static unsigned char block[ROOM];
    gr_forge in = {data, size};
    unsigned how = gr_forge_byte(&in) % 8;
    size_t length = in.size < ROOM ? in.size : ROOM;
    memset(block, 0, sizeof block);
    if (how < 2)
        memcpy(block, in.data, length);
    else
        length = damage(block, &in);
    if (how % 2 && length >= GR__DATASET_HEADER)
        gr__dataset_seal(block, length);
    char path[FORGE_PATH];
    int fd = gr_forge_file(path, block, length);
    gr_error err = {0};
    gr_dataset *found;
    if (gr_dataset_open(&found, path, &err) == GR_OK) {
        use(found);
        gr_dataset_free(found);
    } else {
        check(!found && err.status == GR_ERR_FORMAT && err.place[0] && err.message[0]);
    }
    close(fd);
    return 0;
}

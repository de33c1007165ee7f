/* Rows of a shard from anywhere, signed or not: refused with a reason, or every row can be written out. */
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "corpus/dataset.h"
#include "forge.h"
#include "stream/shard.h"

enum { DOCS = 20, TOKENS = 100, WIDTH = 6, ROOM = 4096 }; /* some documents go on in a second row */

static int32_t of[DOCS];

/* A dataset of 20 documents and, in `block`, the rows of its pieces; returns their size. */
static size_t whole(gr_dataset **data, unsigned char *block) {
    static gr_dataset *made;
    static unsigned char rows[ROOM];
    static size_t size;
    static int32_t ids[TOKENS];
    static uint64_t offsets[DOCS + 1];
    static uint32_t bytes[DOCS];
    *data = made;
    if (made) {
        memcpy(block, rows, size);
        return size;
    }
    for (int d = 0; d < DOCS; d++)
        offsets[d + 1] = offsets[d] + (uint64_t)(d * 7 % 10);
    gr_topics topics = {.docs = DOCS, .of = of, .names = (char *[]){"a"}, .count = 1};
    gr__tokens tokens = {&topics, offsets, ids, bytes, 21, 0, NULL, 0, (bool[DOCS]){false}};
    check(gr__dataset_assemble(&made, &tokens, &(gr_dataset_def){0, 1, "", NULL}, NULL) == GR_OK);
    static gr_dataset *pieces; /* owns it from now on, and is kept as long */
    pieces = made;
    gr_labels *labels;
    gr__pack pack;
    check(gr_dataset_pieces(&pieces, &(gr_pieces_def){.width = WIDTH}, NULL) == GR_OK && pieces != made);
    uint32_t count = (uint32_t)pieces->topics.docs;
    check(gr_labels_new(&labels, &pieces->topics, NULL, 0, NULL, 0, 1, NULL) == GR_OK);
    check(gr__pack_init(&pack, pieces, labels, count, WIDTH, false, NULL) == GR_OK);
    for (uint32_t d = 0; d < count; d++)
        pack.order[d] = d;
    pack.count = count;
    gr__pack_run(&pack);
    char path[FORGE_PATH];
    snprintf(path, sizeof path, "/tmp/gr-fuzz-%d", (int)getpid());
    check(gr__rows_save(&pack, rows, path, NULL) == GR_OK);
    FILE *file = fopen(path, "rb");
    size = fread(rows, 1, ROOM, file);
    fclose(file);
    unlink(path);
    gr__pack_clear(&pack);
    gr_labels_free(labels);
    return whole(data, block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static unsigned char block[ROOM];
    gr_forge in = {data, size};
    gr__shard shard = {0};
    unsigned how = gr_forge_byte(&in);
    size_t length = whole(&shard.data, block);
    for (unsigned edits = how % FORGE_EDITS; edits > 0; edits--) {
        size_t at = gr_forge_number(&in, 2) % length;
        int n = gr_forge_byte(&in) % 2 ? 4 : 1;
        for (int i = 0; i < n && at + (size_t)i < length; i++)
            block[at + (size_t)i] = (unsigned char)gr_forge_byte(&in);
    }
    length = (size_t)((int64_t)length + (how & 128 ? (int8_t)gr_forge_byte(&in) : 0));
    if (how & 64)
        gr__rows_seal(block, length);
    char path[FORGE_PATH];
    int fd = gr_forge_file(path, block, length);
    gr_error err = {0};
    if (gr__rows_open(&shard, path, NULL, false, &err) == GR_OK) {
        gr_rows rows;
        check(gr__rows_init(&rows, 1, shard.pack.width, 0, NULL) == GR_OK);
        for (size_t r = 0; r < shard.pack.row_count; r++, rows.sequences = 0)
            gr__rows_append(&rows, &shard.pack, r, 0, (gr__filter){NULL, false, NULL});
        gr__rows_clear(&rows);
        munmap(shard.block, shard.block_size);
    } else {
        check(err.status == GR_ERR_FORMAT && err.place[0] && err.message[0]);
    }
    close(fd);
    return 0;
}

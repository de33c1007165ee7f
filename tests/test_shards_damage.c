/* Shards that were damaged or forged are refused, and packing again mends them. */
#include "shard_helpers.h"

/* Two packs of the same corpus: one to damage, one to compare with. */
static int setup_packed(void **state) {
    setup(state);
    pack_good(gr_test_path("whole"), NULL);
    pack_good(gr_test_path("packed"), NULL);
    return 0;
}

static void put_file(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_true(file && fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

/* Any file cut anywhere, any byte changed: refused, and the message names the folder. */
static void damage_is_refused(void **state) {
    (void)state;
    static char names[200][64];
    char folder[256];
    snprintf(folder, sizeof folder, "%s", gr_test_path("packed"));
    int n = files_of(folder, names, 200), tried = 0;
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], "stamp.txt") == 0)
            continue; /* packing reads it, nothing else */
        char *path = gr_format("%s/%s", folder, names[i]);
        size_t size;
        char *bytes = gr_test_read(path, &size), *bad = malloc(size + 1);
        for (int k = 0; k < 40; k++, tried++) {
            size_t at = (size_t)(draw(i, (uint32_t)k + 100) % size);
            memcpy(bad, bytes, size);
            bad[at] = (char)(bad[at] ^ (1 << k % 8));
            put_file(path, bad, k % 4 == 3 ? at : size);
            gr_shards *shards;
            gr_error err = {0};
            assert_int_equal(gr_shards_open(&shards, folder, NULL, &err), GR_ERR_FORMAT);
            assert_null(shards);
            assert_non_null(strstr(err.place, "packed"));
            assert_true(err.hint[0] && err.message[0]);
        }
        put_file(path, bytes, size);
        free(bytes);
        free(bad);
        gr_free(path);
    }
    assert_true(tried > 600);
    gr_shards_free(open_good(folder, NULL));
}

/* Pieces that are not those of the shard's documents, signed: refused before a row is read. */
static void forged_pieces_are_refused(void **state) {
    (void)state;
    char forged[256];
    snprintf(forged, sizeof forged, "%s", gr_test_path("forged.bin"));
    int met = 0;
    for (int i = 0; i < 5; i++) {
        char *file = gr__shard_path(gr_test_path("packed"), "shard", i);
        char *rows = gr__shard_path(gr_test_path("packed"), "rows", i);
        gr__shard shard = {0};
        size_t size;
        char *bytes = gr_test_read(rows, &size);
        gr_test_ok(gr_dataset_open(&shard.data, file, NULL), NULL);
        gr_test_ok(gr__rows_open(&shard, rows, NULL, false, NULL), NULL);
        bool pieces = shard.pack.data == &shard.pieces;
        size_t count = shard.pack.count;
        munmap(shard.block, shard.block_size);
        shard.block = NULL;

        /* the place of a piece, and then the document of one */
        for (int which = 0; which < 2 && pieces; which++, met++) {
            size_t at = GR__ROWS_HEADER + (which ? 8 * (count + 1) + 4 * (count / 2) : 8 * (count / 2));
            gr_error err = {0};
            bytes[at]++;
            gr__rows_seal(bytes, size);
            put_file(forged, bytes, size);
            assert_int_equal(gr__rows_open(&shard, forged, NULL, false, &err), GR_ERR_FORMAT);
            assert_non_null(strstr(err.message, "the pieces are not those of the documents"));
            bytes[at]--;
        }
        gr__shard_close(&shard);
        free(bytes);
        gr_free(file);
        gr_free(rows);
    }
    assert_true(met >= 2);
}

/* Damage that is signed again reaches the checks behind the digests: nothing is read out of bounds, no chain is
 * endless. */
static void forged_rows_are_refused(void **state) {
    (void)state;
    enum { TRIES = 3000 };
    char *file = gr__shard_path(gr_test_path("packed"), "shard", 1),
         *rows = gr__shard_path(gr_test_path("packed"), "rows", 1);
    char forged[256];
    snprintf(forged, sizeof forged, "%s", gr_test_path("forged.bin"));
    gr__shard shard = {0};
    gr_test_ok(gr_dataset_open(&shard.data, file, NULL), NULL);
    size_t size;
    char *bytes = gr_test_read(rows, &size), *bad = malloc(size);
    int refused = 0;
    for (int k = 0; k < TRIES; k++) {
        memcpy(bad, bytes, size);
        for (uint32_t edit = 0; edit < 1 + (uint32_t)k % 3; edit++) {
            size_t at = (size_t)(draw(k, 10 + 3 * edit) % (k % 5 ? size : GR__ROWS_HEADER));
            bad[at] = (char)draw(k, 11 + 3 * edit);
        }
        gr__rows_seal(bad, size);
        put_file(forged, bad, size);
        gr_error err = {0};
        gr_status status = gr__rows_open(&shard, forged, NULL, false, &err);
        refused += status != GR_OK;
        if (status != GR_OK) {
            assert_int_equal(status, GR_ERR_FORMAT);
            assert_non_null(strstr(err.place, "forged"));
            continue;
        }
        gr_rows out;
        gr_test_ok(gr__rows_init(&out, 1, shard.pack.width, 0, NULL), NULL);
        for (size_t r = 0; r < shard.pack.row_count; r++, out.sequences = 0)
            gr__rows_append(&out, &shard.pack, r, 0, (gr__filter){NULL, false, NULL});
        gr__rows_clear(&out);
        munmap(shard.block, shard.block_size);
        shard.block = NULL;
    }
    assert_true(refused > TRIES / 2);
    gr__shard_close(&shard);
    free(bytes);
    free(bad);
    gr_free(file);
    gr_free(rows);
}

/* What was checked is remembered by name, size, time and inode; a file with another time is read again. */
static void checked_once(void **state) {
    (void)state;
    char folder[256], checked[256];
    snprintf(folder, sizeof folder, "%s", gr_test_path("packed"));
    snprintf(checked, sizeof checked, "%s", gr_test_path("checked"));
    gr_shards_free(open_good(folder, checked));
    assert_int_equal(access(checked, F_OK), 0);
    char *path = gr__shard_path(folder, "shard", 2);
    struct stat info;
    stat(path, &info);
    int fd = open(path, O_RDWR);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, info.st_size / 2), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, info.st_size / 2), 1);
    gr_shards *shards;
    struct timespec times[2] = {{info.st_atim.tv_sec, 0}, {info.st_mtim.tv_sec + 100, 0}};
    futimens(fd, times);
    assert_int_equal(gr_shards_open(&shards, folder, checked, NULL), GR_ERR_FORMAT);
    times[1] = info.st_mtim;
    futimens(fd, times); /* by all that is known the file that was checked */
    gr_shards_free(open_good(folder, checked));
    assert_int_equal(gr_shards_open(&shards, folder, NULL, NULL), GR_ERR_FORMAT);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, info.st_size / 2), 1);
    close(fd);
    gr_free(path);
}

/* A damaged shard is made again by packing, the others are kept. */
static void packing_mends(void **state) {
    (void)state;
    char folder[256];
    snprintf(folder, sizeof folder, "%s", gr_test_path("packed"));
    char *path = gr__shard_path(folder, "shard", 1), *other = gr__shard_path(folder, "shard", 2);
    struct stat old, new;
    stat(other, &old);
    assert_int_equal(truncate(path, 1000), 0);
    pack_good(folder, NULL);
    stat(other, &new);
    assert_true(old.st_ino == new.st_ino);
    assert_same_folders(gr_test_path("whole"), folder);
    gr_free(path);
    gr_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_refused),       cmocka_unit_test(forged_pieces_are_refused),
        cmocka_unit_test(forged_rows_are_refused), cmocka_unit_test(checked_once),
        cmocka_unit_test(packing_mends),
    };
    return cmocka_run_group_tests(tests, setup_packed, gr_test_files_teardown);
}

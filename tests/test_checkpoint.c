/* Checkpoints: all comes back bit for bit or nothing is touched, whatever happened to the files. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "io/checkpoint.h"
#include "io/file.h"
#include "support.h"

enum { ROWS = 3, COLUMNS = 5 };

/* A small state as its owner would keep it. */
typedef struct owner {
    float w[ROWS][COLUMNS];
    double moment[COLUMNS];
    int64_t steps[2];
    uint8_t flag;
    int64_t step;
    double lr, best, odd;
    char *recipe, *none;
} owner;

static owner filled(int64_t step) {
    owner o = {.step = step, .lr = 0.1 / 3, .best = INFINITY, .odd = -0.0, .flag = 1};
    for (int i = 0; i < ROWS * COLUMNS; i++)
        o.w[i / COLUMNS][i % COLUMNS] = (float)i / 7 + (float)step;
    for (int i = 0; i < COLUMNS; i++)
        o.moment[i] = 1e-300 * i;
    o.steps[1] = INT64_MIN;
    o.recipe = gr_strdup("seed: 1\n\"\xc3\xa9\"");
    return o;
}

static void owner_free(owner *o) {
    gr_free(o->recipe);
    gr_free(o->none);
}

static gr_checkpoint *registered(owner *o) {
    gr_checkpoint *cp = gr_checkpoint_new();
    gr_checkpoint_add(cp, "flag", GR_DTYPE_U8, 0, NULL, &o->flag);
    gr_checkpoint_add(cp, "model/w", GR_DTYPE_F32, 2, (int64_t[]){ROWS, COLUMNS}, o->w);
    gr_checkpoint_add(cp, "optim/moment", GR_DTYPE_F64, 1, (int64_t[]){COLUMNS}, o->moment);
    gr_checkpoint_add(cp, "empty", GR_DTYPE_F64, 1, (int64_t[]){0}, NULL);
    gr_checkpoint_add(cp, "also empty", GR_DTYPE_F32, 1, (int64_t[]){0}, NULL);
    gr_checkpoint_add(cp, "optim/steps", GR_DTYPE_I64, 1, (int64_t[]){2}, o->steps);
    gr_checkpoint_option_int(cp, "step", &o->step);
    gr_checkpoint_option_real(cp, "lr", &o->lr);
    gr_checkpoint_option_real(cp, "best", &o->best);
    gr_checkpoint_option_real(cp, "odd", &o->odd);
    gr_checkpoint_option_text(cp, "recipe", &o->recipe);
    gr_checkpoint_option_text(cp, "none", &o->none);
    return cp;
}

static gr_status save(const char *path, int64_t step, gr_error *err) {
    owner o = filled(step);
    gr_checkpoint *cp = registered(&o);
    gr_status status = gr_checkpoint_save(cp, path, err);
    gr_checkpoint_free(cp);
    owner_free(&o);
    return status;
}

static bool same(const owner *a, const owner *b) {
    return !memcmp(a, b, offsetof(owner, flag) + 1) && a->step == b->step &&
           !memcmp(&a->lr, &b->lr, 3 * sizeof a->lr) && !strcmp(a->recipe, b->recipe) && !a->none == !b->none;
}

typedef struct place {
    char *folder, *path;
} place;

static int set_up(void **state) {
    place *p = gr_alloc(sizeof *p);
    gr_log_level(0); /* damaged checkpoints are reported in the log, here on purpose */
    p->folder = gr_test_folder();
    p->path = gr_checkpoint_path(p->folder, 100);
    *state = p;
    return 0;
}

static int tear_down(void **state) {
    place *p = *state;
    gr_test_folder_remove(p->folder);
    gr_free(p->path);
    gr_free(p);
    return 0;
}

static void comes_back(void **state) {
    place *p = *state;
    gr_error err = {0};
    owner was = filled(100), o = {.recipe = gr_strdup("old"), .none = gr_strdup("old")};
    assert_int_equal(save(p->path, 100, &err), GR_OK);
    gr_checkpoint *cp = registered(&o);
    assert_int_equal(gr_checkpoint_load(cp, p->path, &err), GR_OK);
    assert_true(same(&was, &o));
    assert_true(signbit(o.odd));
    o.best = NAN;
    assert_int_equal(gr_checkpoint_save(cp, p->path, &err), GR_OK);
    o.best = 0;
    assert_int_equal(gr_checkpoint_load(cp, p->path, &err), GR_OK);
    assert_true(isnan(o.best));

    /* Saving the same state again gives the same file. */
    unsigned char *first, *second;
    size_t n, m;
    gr_file_read(p->path, &first, &n, &err);
    assert_int_equal(gr_checkpoint_save(cp, p->path, &err), GR_OK);
    gr_file_read(p->path, &second, &m, &err);
    assert_int_equal(n, m);
    assert_memory_equal(first, second, n);
    gr_free(first);
    gr_free(second);
    gr_checkpoint_free(cp);
    owner_free(&was);
    owner_free(&o);
}

/* Loading `path` into cp fails with these words and leaves o as it was. */
static void load_refused(gr_checkpoint *cp, owner *o, const char *path, const char *words) {
    gr_error err = {0};
    owner before = *o;
    assert_int_equal(gr_checkpoint_load(cp, path, &err), GR_ERR_FORMAT);
    if (words && !strstr(err.message, words))
        fail_msg("expected '%s', got '%s'", words, err.message);
    assert_string_equal(err.place, path);
    assert_memory_equal(o, &before, sizeof before);
}

static void refuses_mismatches(void **state) {
    place *p = *state;
    float extra = 3;
    int64_t whole = 3;
    owner o = filled(1);
    assert_int_equal(save(p->path, 100, NULL), GR_OK);

    gr_checkpoint *cp = registered(&o);
    gr_checkpoint_add(cp, "more", GR_DTYPE_F32, 0, NULL, &extra);
    load_refused(cp, &o, p->path, "array 'more' is missing, expected F32 []");
    gr_checkpoint_free(cp);

    cp = registered(&o);
    gr_checkpoint_option_int(cp, "more", &whole);
    load_refused(cp, &o, p->path, "option 'more' is missing");
    gr_checkpoint_free(cp);

    cp = gr_checkpoint_new();
    gr_checkpoint_add(cp, "model/w", GR_DTYPE_F32, 2, (int64_t[]){ROWS, COLUMNS}, o.w);
    load_refused(cp, &o, p->path, "is not part of this run");
    gr_checkpoint_free(cp);

    cp = gr_checkpoint_new();
    gr_checkpoint_add(cp, "model/w", GR_DTYPE_F32, 2, (int64_t[]){COLUMNS, ROWS}, o.w);
    load_refused(cp, &o, p->path, "array 'model/w' is F32 [3, 5], expected F32 [5, 3]");
    gr_checkpoint_free(cp);

    /* Options: one too many in the file, one of another type. */
    owner q = filled(2);
    cp = registered(&q);
    gr_checkpoint_option_int(cp, "more", &whole);
    assert_int_equal(gr_checkpoint_save(cp, p->path, NULL), GR_OK);
    gr_checkpoint_free(cp);
    cp = registered(&o);
    load_refused(cp, &o, p->path, "option 'more' is not part of this run");
    gr_checkpoint_option_real(cp, "more", &q.lr);
    load_refused(cp, &o, p->path, "option 'more' is of another type");
    gr_checkpoint_free(cp);

    /* A safetensors file that is no checkpoint. */
    gr_array array = {"w", GR_DTYPE_F32, 0, {0}, &extra};
    assert_int_equal(gr_safetensors_write(p->path, &array, 1, NULL, 0, NULL), GR_OK);
    cp = registered(&o);
    load_refused(cp, &o, p->path, "not a checkpoint");
    gr_error err = {0};
    char *under = gr_format("%s/x", p->path);
    assert_int_equal(gr_checkpoint_save(cp, under, &err), GR_ERR_IO); /* a folder that cannot be written to */
    assert_string_equal(err.place, under);
    assert_int_equal(gr_checkpoint_load(cp, under, NULL), GR_ERR_INPUT);
    gr_free(under);
    gr_checkpoint_free(cp);
    owner_free(&o);
    owner_free(&q);
}

static void survives_damage(void **state) {
    place *p = *state;
    unsigned char *whole;
    size_t size;
    owner was = filled(100), o = filled(1);
    gr_checkpoint *cp = registered(&o);
    assert_int_equal(save(p->path, 100, NULL), GR_OK);
    assert_int_equal(gr_file_read(p->path, &whole, &size, NULL), GR_OK);
    for (size_t n = 0; n < size; n++) {
        assert_int_equal(truncate(p->path, (off_t)(size - 1 - n)), 0);
        load_refused(cp, &o, p->path, NULL);
    }
    /* A changed byte is refused, or was one that means nothing (a space in the header) and all is there. */
    gr_key key = {3, GR_STREAM_TEST, 4};
    int harmless = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        uint64_t bits = gr_random_bits(key, i, 0);
        unsigned char *byte = whole + bits % size, old = *byte;
        *byte = i % 2 ? (unsigned char)(bits >> 32) : (unsigned char)"0123456789 \"e.-"[(bits >> 32) % 15];
        FILE *stream = fopen(p->path, "wb");
        fwrite(whole, 1, size, stream);
        fclose(stream);
        if (gr_checkpoint_load(cp, p->path, NULL) == GR_OK) {
            harmless++;
            assert_true(same(&was, &o));
            owner_free(&o);
            o = filled(1);
        }
        assert_true(o.step == 1 && o.w[0][0] == 1);
        *byte = old;
    }
    assert_true(harmless < 200);
    gr_free(whole);
    gr_checkpoint_free(cp);
    owner_free(&was);
    owner_free(&o);
}

static void damage(const char *folder, int64_t step, long at) {
    char *path = gr_checkpoint_path(folder, step);
    FILE *stream = fopen(path, "r+b");
    fseek(stream, at, at < 0 ? SEEK_END : SEEK_SET);
    int c = fgetc(stream);
    fseek(stream, -1, SEEK_CUR);
    fputc(c ^ 1, stream);
    fclose(stream);
    gr_free(path);
}

static void expect_latest(const char *folder, int64_t step, int damaged) {
    char *path = NULL, *expected = gr_checkpoint_path(folder, step);
    int64_t got = -2;
    int bad = -1;
    gr_error err = {0};
    assert_int_equal(gr_checkpoint_latest(folder, &path, &got, &bad, &err), GR_OK);
    assert_int_equal(got, step);
    assert_int_equal(bad, damaged);
    if (step < 0)
        assert_null(path);
    else
        assert_string_equal(path, expected);
    gr_free(path);
    gr_free(expected);
}

static bool has(const char *folder, int64_t step) {
    char *path = gr_checkpoint_path(folder, step);
    bool exists = gr_file_exists(path);
    gr_free(path);
    return exists;
}

static void latest_falls_back(void **state) {
    place *p = *state;
    char *missing = gr_format("%s/none", p->folder),
         *half = gr_format("%s/step-000000900.safetensors.aB3xyz.tmp", p->folder),
         *odd = gr_format("%s/step-0000000950.safetensors", p->folder), *path;
    expect_latest(missing, -1, 0);
    expect_latest(p->folder, -1, 0);
    for (int64_t step = 100; step <= 500; step += 100) {
        path = gr_checkpoint_path(p->folder, step);
        assert_int_equal(save(path, step, NULL), GR_OK);
        gr_free(path);
    }
    gr_file_write(half, "half a file", 11, NULL); /* a kill during a save leaves this */
    gr_file_write(odd, "x", 1, NULL);             /* not a name of ours */
    expect_latest(p->folder, 500, 0);
    damage(p->folder, 500, -1); /* data */
    expect_latest(p->folder, 400, 1);
    path = gr_checkpoint_path(p->folder, 400);
    assert_int_equal(truncate(path, 100), 0);
    gr_free(path);
    expect_latest(p->folder, 300, 2);

    /* Pruning counts complete ones only, and sweeps up half-written files. */
    assert_int_equal(gr_checkpoint_prune(p->folder, 2, NULL), GR_OK);
    assert_true(has(p->folder, 500) && has(p->folder, 400) && has(p->folder, 300) && has(p->folder, 200));
    assert_false(has(p->folder, 100));
    assert_false(gr_file_exists(half));
    assert_true(gr_file_exists(odd));
    assert_int_equal(gr_checkpoint_prune(p->folder, 1, NULL), GR_OK);
    assert_false(has(p->folder, 200));
    expect_latest(p->folder, 300, 2);

    damage(p->folder, 300, -2);
    gr_error err = {0};
    assert_int_equal(gr_checkpoint_latest(p->folder, &path, NULL, NULL, &err), GR_ERR_FORMAT);
    assert_null(path);
    assert_string_equal(err.message, "3 checkpoints are damaged, and there is no other");
    err = (gr_error){0};
    assert_int_equal(gr_checkpoint_latest(odd, &path, NULL, NULL, &err), GR_ERR_IO); /* a file, not a folder */
    gr_free(missing);
    gr_free(half);
    gr_free(odd);
}

/* A child saves step after step until it is killed; what is there afterwards is complete, each time. */
static void survives_kills(void **state) {
    place *p = *state;
    gr_key key = {4, GR_STREAM_TEST, 5};
    int64_t last = -1;
    for (uint32_t round = 0; round < 12 || (last < 1 && round < 200); round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child) {
            for (int64_t step = last + 1;; step++) {
                char *path = gr_checkpoint_path(p->folder, step);
                if (save(path, step, NULL) || gr_checkpoint_prune(p->folder, 2, NULL))
                    _exit(1);
                gr_free(path);
            }
        }

        /* Longer from round to round: on a busy machine the child has hardly begun at first. */
        usleep(3000 + 1000 * round + (useconds_t)(gr_random_bits(key, round, 0) % 30000));
        int how;
        kill(child, SIGKILL);
        waitpid(child, &how, 0);
        assert_true(WIFSIGNALED(how));

        /* The newest is whole, and no older than the one before. */
        char *path;
        int64_t step;
        int damaged;
        assert_int_equal(gr_checkpoint_latest(p->folder, &path, &step, &damaged, NULL), GR_OK);
        assert_int_equal(damaged, 0);
        assert_true(step >= last);
        last = step;
        gr_free(path);
    }
    assert_true(last > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_mismatches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(latest_falls_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_kills, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* support.h - what several tests need: cmocka with its prelude, small batches, temporary folders, comparisons. */
#ifndef GR_TESTS_SUPPORT_H
#define GR_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "gradroute/model.h"
#include "gradroute/ops.h"

/* A new empty folder under $TMPDIR or /tmp, and its removal with everything in it. */
char *gr_test_folder(void);
void gr_test_folder_remove(char *folder);

/* Files of a test in a folder of its own: setup and teardown of a cmocka group, paths (the last 16 stay valid), and
 * whole files written and read (malloc'd, a 0 behind the end). */
int gr_test_files_setup(void **state);
int gr_test_files_teardown(void **state);
const char *gr_test_path(const char *name);
const char *gr_test_write(const char *name, const void *bytes, size_t length);
char *gr_test_read(const char *path, size_t *length);

/* Fails the test with the error's text unless status is GR_OK. */
void gr_test_ok(gr_status status, const gr_error *err);
/* Fails unless the error is one of exactly this place, and its whole text holds the words. */
void gr_test_error(const gr_error *err, const char *place, const char *words);

/* Documents of uneven lengths over n rows with keyed ids and targets; cls may be given later. */
typedef struct gr_test_batch {
    gr_batch batch;
    int32_t *ids, *targets, *start, *cls;
    gr_real *mix, *weight;
} gr_test_batch;
gr_test_batch gr_test_batch_new(int rows, int vocab, uint64_t seed);
void gr_test_batch_free(gr_test_batch *b);

/* |a - b| / max(|a|, |b|) in the 2-norm; 0 if both are 0. */
double gr_test_distance(const gr_real *a, const gr_real *b, size_t n);

/* A small transformer made of the operations alone (RMS norm, rotary attention, gated MLP, tied embedding) with a
 * residual group "group" and claimed units "claimed": the network of the engine's own tests. */
gr_model *gr_test_transformer(uint64_t seed);
enum { GR_TEST_VOCAB = 23 };

#endif

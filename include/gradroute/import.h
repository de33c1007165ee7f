/* import.h - models that other programs trained, as models of ours.
 *
 *     gr_import *in;
 *     GR_TRY(gr_import_open(&in, (const char *const[]){"stories260K.bin", "tok512.bin"}, 2, err));
 *     ... in->def, in->model, in->tokenizer ...
 *     GR_TRY(gr_import_save(in, "models/stories", err));       a model folder like any other
 *     gr_import_free(in);
 *
 * The network computes what the other program's does, up to the rounding of sums. It has no regions: gr_surgery_expand
 * adds some. Formats, each seen by the content of the files:
 *
 *     llama2.c   a checkpoint of its first version and a vocabulary, in either order. The vocabulary is its own .bin or
 *                any other that gr_tokenizer_open reads.
 */
#ifndef GRADROUTE_IMPORT_H
#define GRADROUTE_IMPORT_H

#include "gradroute/arch.h"
#include "gradroute/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_import {
    const char *format; /* "llama2.c" */
    gr_arch_def *def;
    gr_model *model;
    gr_tokenizer *tokenizer;
    char **files, **sha256; /* [count] the files, by their last names, and their digests */
    int count;
} gr_import;

/* GR_ERR_USAGE for files that make no model together, GR_ERR_FORMAT with the place for one that is damaged,
 * GR_ERR_INPUT for one that is missing. */
gr_status gr_import_open(gr_import **out, const char *const *paths, int count, gr_error *err);

/* As gr_bundle_save; the manifest's `data` names the files. */
gr_status gr_import_save(const gr_import *in, const char *path, gr_error *err);
void gr_import_free(gr_import *in); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif

/* bundle.h - a model as a folder: the core in one file, each region in another, and a manifest that vouches for them.
 *
 *     GR_TRY(gr_bundle_save("runs/a/model", &def, model, &(gr_bundle_info){.recipe = yaml, .seed = 1}, err));
 *
 *     gr_bundle *bundle;
 *     GR_TRY(gr_bundle_load(&bundle, "runs/a/model", NULL, 0, err));
 *     ... bundle->def, bundle->model ...
 *     gr_bundle_free(bundle);
 *
 * What is inside
 *     model.safetensors      what no region owns          REGION.safetensors   what this region owns
 *     manifest.json          see below                    tokenizer.json       copied, if one was given
 *
 * A parameter is cut at the borders of all regions' rectangles; a piece that several regions own is in the file of the
 * first. Its tensor is named as the parameter where the file holds one piece of it, else NAME.0, NAME.1, .. in order of
 * rows, then columns. manifest.json:
 *     format_version  1
 *     arch            the description (gr_arch_def; words as in gr_arch_word)
 *     regions         for each: name, and parts [{param, lo0, hi0, lo1, hi1}], the rectangles it owns
 *     pieces          [{tensor, param, lo0, hi0, lo1, hi1, file}]: rows lo0..hi0, columns lo1..hi1 of the parameter
 *     recipe, seed, build, data [{name, sha256}]     where the model comes from, as given
 *     files           [{name, size, sha256}] of all other files
 *     sha256          of this object without this member, as compact JSON with sorted keys
 */
#ifndef GRADROUTE_BUNDLE_H
#define GRADROUTE_BUNDLE_H

#include "gradroute/arch.h"
#include "gradroute/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_bundle_data {
    const char *name, *sha256;
} gr_bundle_data;

/* Where a model comes from; all may be left out. */
typedef struct gr_bundle_info {
    const char *recipe;    /* text */
    const char *build;     /* version of the program */
    const char *tokenizer; /* path of the file to copy */
    uint64_t seed;
    const gr_bundle_data *data; /* [data_count] corpora and shards */
    int data_count;
} gr_bundle_info;

/* Written beside its name, flushed, then moved into place, through symbolic links. A folder that is there is replaced
 * if gr_bundle_check agrees. A kill leaves the old model or the new one; on file systems that cannot exchange folders
 * the next call that opens PATH may have to put the old one back. GR_ERR_USAGE: something else is in the way, a text
 * that is not UTF-8, a model that is not def's; GR_ERR_INPUT: the tokenizer's file cannot be opened; GR_ERR_IO. */
gr_status gr_bundle_save(const char *path, const gr_arch_def *def, gr_model *model, const gr_bundle_info *info,
                         gr_error *err);

/* Whether a model may be saved there: nothing, an empty folder, or a model folder that holds only what its manifest
 * lists; GR_ERR_USAGE names what is in the way. For commands that work long before they save. */
gr_status gr_bundle_check(const char *path, gr_error *err);

typedef struct gr_bundle {
    gr_arch_def *def;
    gr_model *model;     /* a caller that wants to keep it sets this to NULL */
    gr_bundle_info info; /* tokenizer: path of the copy, NULL if there is none */
    struct gr_arena *arena;
} gr_bundle;

/* Loads the model without the regions without[count] (their files are not opened and may be missing): the smaller
 * network of gr_surgery_remove, which refuses regions that cannot be taken out. Verified before anything is used: sizes
 * and digests, that the pieces tile every parameter exactly, types and shapes. GR_ERR_FORMAT for what does not match,
 * GR_ERR_INPUT for a missing file, GR_ERR_USAGE for an unknown region. */
gr_status gr_bundle_load(gr_bundle **bundle, const char *path, const char *const *without, int count, gr_error *err);
void gr_bundle_free(gr_bundle *bundle);

/* The tokenizer that the model folder keeps; GR_ERR_USAGE if it keeps none. */
gr_status gr_bundle_tokenizer(gr_tokenizer **tokenizer, const gr_bundle *bundle, gr_error *err);

/* The one of PATH, PATH/model (a run) and PATH/subject/model (an experiment; PATH/routed/model, of earlier versions)
 * that holds a manifest; a new string, NULL with GR_ERR_INPUT (nothing there) or GR_ERR_USAGE (no model there). */
gr_status gr_bundle_find(char **path, const char *given, gr_error *err);

/* The network that a folder holds and the manifest's digest, without opening a file of numbers. gr_arch_free. */
gr_status gr_bundle_describe(gr_arch_def **def, char sha256[65], const char *path, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

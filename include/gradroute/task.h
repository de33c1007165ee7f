/* task.h - what is learned: data, labels and tokenizer of a recipe, read once and kept in a folder.
 *
 *     gr_project *project;
 *     GR_TRY(gr_project_open(&project, recipe, "runs/demo/data", &control, err));
 *     gr_findings findings = {0};
 *     gr_labels_check(&findings, project);                  what looks wrong about them
 *     GR_TRY(gr_project_keep(project, err));                for the next call
 *     gr_project_free(project);
 */
#ifndef GRADROUTE_TASK_H
#define GRADROUTE_TASK_H

#include "gradroute/measure.h"
#include "gradroute/recipe.h"
#include "gradroute/shards.h"
#include "gradroute/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- project ----------------------------------------------------------------------------------------------------- */

/* What computes faster here, and how that is known. */
typedef struct gr_precision_choice {
    gr_precision taken;     /* FLOAT32 or BF16; MODEL (0): nothing was chosen */
    double float32, bf16;   /* seconds of processor time that a few of the network's products take; 0: not timed */
    const char *decided_by; /* "recipe", "clock", "processor" (has no bfloat16), "earlier version", "folder" */
    char why[256];          /* "bf16: products of this network take ..."; empty: the recipe says so */
    bool in_recipe;         /* the resolved recipe says it, which made the digest */
} gr_precision_choice;

typedef struct gr_project {
    gr_recipe *recipe;       /* borrowed; its model's vocab is filled in */
    gr_tokenizer *tokenizer; /* NULL: the data are samples */
    gr_dataset *data;        /* with shards their `held`: documents for validation and a sample of the others */
    gr_shards *shards;       /* what is trained on; NULL: the training documents of data */
    gr_labels *labels;
    size_t *documents; /* [K + 2] training documents by revealed label: unlabelled, core, 1..K (for gr_route_check) */
    gr_precision_choice precision;
    int64_t near_dropped;       /* held-out documents that `dedupe: near` took out of the split */
    char digest[65];            /* of what decides a result: resolved recipe and data */
    char *tokenizer_path;       /* its file in folder; NULL without a folder */
    char *folder;               /* what is read is kept here, NULL: nowhere */
    bool kept;                  /* it is there already */
    gr_frequencies **frequency; /* [K] counts for routes that mix by them, under the first of their labels; else NULL */
} gr_project;

/* Reads the corpus, trains the tokenizer and encodes, or opens what folder keeps from before (NULL: keeps nothing).
 * Writes nothing: what a folder holds may be another's, which is known when the digest is. control may be NULL. Errors:
 * those of the corpus, tokenizer, dataset and labels (corpus.h, label.h, tokenizer.h). control->stop is looked at
 * within each of them, between records and within documents: GR_ERR_INTERRUPTED.
 *
 * `precision: auto` is settled with a folder: the first call times a few products of the network in both precisions and
 * takes bfloat16 if it is at least 1.15 times as fast; what gr_project_keep has kept in the folder, each later call
 * takes, on whatever machine. GR_ERR_USAGE where the recipe asks for another precision than the folder was begun with.
 * Without a folder `auto` stays as it is (model.h).
 *
 * The digest is of a recipe whose keys are sorted, but for labels, regions and weights of routes, whose order says
 * something. Earlier versions took keys as they stood: where folder.json beside the folder has such a digest of this
 * project, it stays the digest. */
gr_status gr_project_open(gr_project **project, gr_recipe *recipe, const char *folder, const gr_control *control,
                          gr_error *err);
void gr_project_free(gr_project *project);

/* Writes what was read to the project's folder, for the next call. gr_arm_train and gr_audit_run do it once nothing
 * refuses any more. */
gr_status gr_project_keep(gr_project *project, gr_error *err);

/* Whether a digest of 64 digits is this project's, as it is made now or as earlier versions made it. */
bool gr_project_made(const gr_project *project, const char *digest);

/* Settles `precision: auto` of a project without a folder: what a folder begun now would take. Another precision is
 * left alone. Errors: those of gr_arch_build and gr_bundle_load. */
gr_status gr_project_choose_precision(gr_project *project, gr_error *err);

/* Near duplicates (gr_near_find: half of the runs of 5 words) across the borders that measures rest on. Documents are
 * counted, of few documents pieces. With shards and samples nothing is compared. */
typedef struct gr_overlap {
    bool compared;
    int64_t held;                    /* held out, for validation and test */
    int64_t held_forget, held_other; /* of these near a training document: with a true label, and without */
    int64_t labelled;                /* training documents with a true label */
    int64_t unlabelled;              /* training documents without a true label that are near one that has it */
    int64_t dropped;                 /* held-out documents that `dedupe: near` dropped */
    uint32_t held_example[2], unlabelled_example[2]; /* a document and what it is near to, where there are any */
} gr_overlap;

/* Errors: those of gr_near_find. */
gr_status gr_project_overlap(gr_overlap *overlap, const gr_project *project, gr_error *err);

/* Documents against the context: how many are longer and what becomes of them. */
typedef struct gr_lengths {
    int64_t documents;  /* longer than the context */
    int64_t pieces;     /* that all documents are in; 0: none is in pieces */
    int64_t runs, gaps; /* of few documents: runs of pieces that are held out, and pieces left out beside them */
    int64_t lost, all;  /* tokens that no row holds, of how many; end tokens included */
    double passes;      /* over the training documents, that the training makes */
} gr_lengths;

/* Errors: those of the stream that training would read. */
gr_status gr_project_lengths(gr_lengths *lengths, const gr_project *project, gr_error *err);

/* Packs the sources of a recipe into a folder of shards (gr_shards_pack), or goes on with it. shard_bytes: text of a
 * shard, 0: the default. control tells of each shard, and stops. */
gr_status gr_project_pack(const gr_recipe *recipe, const char *folder, size_t shard_bytes, const gr_control *control,
                          gr_error *err);
/* Adds what looks wrong about the labels: words that are never found, a label on nearly everything, scores without a
 * route that mixes, second showings that labels of tokens cut. */
void gr_labels_check(gr_findings *findings, const gr_project *project);
/* The same about the recipe as a whole: routes that begin after the end, labels without documents held out, fewer of
 * them than the attack takes. (Routes and regions: gr_route_check.) */
void gr_recipe_check(gr_findings *findings, const gr_project *project);

#ifdef __cplusplus
}
#endif

#endif

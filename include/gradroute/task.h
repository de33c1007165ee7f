/* task.h - what is learned: data, labels and network of a recipe, as one kind of data and network has them.
 *
 *     gr_project *project;
 *     GR_TRY(gr_project_open(&project, recipe, "runs/demo/data", &control, err));      text, or samples
 *     gr_findings findings = {0};
 *     gr_labels_check(&findings, project);                                             what looks wrong about them
 *     GR_TRY(gr_project_keep(project, err));                                           for the next call
 *
 *     const gr_group_want want[] = {{"forget", GR_GROUP_ANY_LABEL}, {"retain", GR_GROUP_RETAIN}};
 *     gr_groups groups;
 *     GR_TRY(project->task->groups(&groups, project, want, 2, err));         documents that are measured apart
 *     gr_groups_free(&groups);
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

typedef struct gr_task gr_task;
struct gr_digest; /* SHA-256 of what is added to it */

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
    const gr_task *task;           /* what kind of data and network it is */
    gr_recipe *recipe;             /* borrowed; its model's vocab is filled in */
    struct gr_settings **settings; /* [sections of the task] the recipe's values of each */
    gr_tokenizer *tokenizer;       /* NULL: the data are no text */
    gr_dataset *data;  /* with shards their `held`: documents for validation and a sample of the others; NULL,
                        * like all down to documents, where the task reads something else */
    gr_shards *shards; /* what is trained on; NULL: the training documents of data */
    gr_labels *labels;
    size_t *documents; /* [K + 2] training documents by revealed label: unlabelled, core, 1..K (for gr_route_check) */
    void *own;         /* of a task that reads something else */
    gr_precision_choice precision;
    int64_t near_dropped;       /* held-out documents that `dedupe: near` took out of the split */
    char digest[65];            /* of what decides a result: resolved recipe and data */
    char data_digest[65];       /* of data and labels alone, wherever they lie: what task->digest adds */
    char *tokenizer_path;       /* its file in folder; NULL without a folder */
    char *folder;               /* what is read is kept here, NULL: nowhere */
    bool kept;                  /* it is there already */
    gr_frequencies **frequency; /* [K] counts for routes that mix by them, under the first of their labels; else NULL */
    bool own_scores;            /* private: of gr_project_with, counts and scores are its own */
    struct gr_fits *fits;       /* private: what classifiers said of the data (classify.h); NULL: nothing is kept */
} gr_project;

/* Reads the corpus, trains the tokenizer and encodes, or opens what folder keeps from before (NULL: keeps nothing).
 * Writes nothing: what a folder holds may be another's, which is known when the digest is. control may be NULL. The
 * task is the one that the recipe names (`task:`), else the first of the library's own that fits it. Errors:
 * those of the corpus, tokenizer, dataset and labels (corpus.h, label.h, tokenizer.h); GR_ERR_USAGE for a name that no
 * task has. control->stop is looked at within each of them, between records and within documents: GR_ERR_INTERRUPTED.
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

/* The same of a task that the caller names, and that must outlive the project (gr_registry_task_of, lab.h). */
gr_status gr_project_open_as(gr_project **project, const gr_task *task, gr_recipe *recipe, const char *folder,
                             const gr_control *control, gr_error *err);
void gr_project_free(gr_project *project); /* NULL is fine */

/* The same data under another recipe, which differs in model, regions, routes, training and the like alone; its model's
 * vocab and its precision are filled in. All but scores that its routes count of their own is borrowed from project,
 * which must outlive it. gr_project_with_close. GR_ERR_USAGE where data, labels or split differ, and for whatever
 * opening a project refuses of a recipe; errors of counting. */
gr_status gr_project_with(gr_project *out, const gr_project *project, gr_recipe *recipe, gr_error *err);
void gr_project_with_close(gr_project *out);

/* Writes what was read to the project's folder, for the next call. gr_project_train and gr_lab_claim do it once nothing
 * refuses any more. */
gr_status gr_project_keep(gr_project *project, gr_error *err);

/* Whether a run of this recipe may be written to folder; changes nothing. Call it before the data are read, which may
 * take long; gr_project_train looks again. GR_ERR_USAGE: files of somebody else are in the way, a folder of another
 * kind, a run of another recipe (the message names keys and both values), a run that is there already without resume;
 * GR_ERR_IO. */
gr_status gr_output_check(const char *folder, const gr_recipe *recipe, bool resume, gr_error *err);

/* Whether a digest of 64 digits is this project's, as it is made now or as earlier versions made it. */
bool gr_project_made(const gr_project *project, const char *digest);

/* Settles `precision: auto` of a project without a folder: what a folder begun now would take. Another precision is
 * left alone. Errors: those of gr_arch_build and gr_bundle_load. */
gr_status gr_project_choose_precision(gr_project *project, gr_error *err);

/* Near duplicates (gr_near_find: half of the runs of 5 words) across the borders that measures rest on. Documents are
 * counted, of few documents pieces. With shards and samples, and without a dataset, nothing is compared. */
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

/* Documents against the context: how many are longer and what becomes of them. Without a dataset all 0. */
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

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* Which documents a group has. One of which nothing is measured (its labelled tokens lie beyond its row) is in none. */
typedef enum gr_group_kind {
    GR_GROUP_ANY_LABEL, /* with a true label, whatever training is told of it */
    GR_GROUP_ADJACENT,  /* without a label, of a topic that the recipe reports apart */
    GR_GROUP_RETAIN,    /* all others without a label */
    GR_GROUP_CONCEALED, /* with a true label, which training is not told of */
    GR_GROUP_LABEL,     /* of one true label */
    GR_GROUP_TOPIC,     /* of one topic (of samples: one class), whatever label they have */
    GR_GROUP_HIDDEN,    /* of one true label, which training is not told of */
    GR_GROUP_KINDS
} gr_group_kind;

typedef struct gr_group_want {
    const char *name; /* of the group, in rows; borrowed by the groups */
    gr_group_kind kind;
    const char *of; /* the label or topic */
    bool optional;  /* it may be empty: else GR_ERR_USAGE without a document in the test */
    bool chosen_on; /* settings are chosen on it: GR_ERR_USAGE without a document in validation too */
} gr_group_want;

void gr_groups_free(gr_groups *groups); /* the lists; all zero is fine */

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

/* A section that recipes of a task have beside those of every recipe. */
typedef struct gr_task_section {
    const char *name;         /* its key at the top of the recipe */
    const gr_setting *option; /* what stands in it */
} gr_task_section;

/* One kind of data and network. Functions are given a project whose recipe and settings are read. */
struct gr_task {
    const char *name;               /* the word of recipes, `task: text` */
    const char *help;               /* one line */
    const char *unit;               /* of losses: "nats per token" */
    int revision;                   /* from 1; another one where the same recipe and data give other rows */
    double least_gap;               /* the least difference of losses, in this unit, that a ratio is taken over */
    const gr_task_section *section; /* ended by a name of NULL; NULL: it has none of its own */

    /* Whether a recipe that names no task is one of this. NULL: it must be named. */
    bool (*fits)(const gr_recipe *recipe);

    /* What refuses a recipe before anything is read. NULL: nothing does. */
    gr_status (*check)(const gr_recipe *recipe, gr_error *err);

    /* What refuses the network of the project's recipe for the data that were read. NULL: nothing does. */
    gr_status (*suits)(const gr_project *project, gr_error *err);

    /* Reads data and labels into the project, and writes nothing; folder NULL: nothing is kept. On failure what was
     * read so far is freed by close. */
    gr_status (*open)(gr_project *project, const char *folder, const gr_control *control, gr_error *err);

    /* Writes what was read to project->folder, which is there. NULL: it is read anew each time. */
    gr_status (*keep)(gr_project *project, gr_error *err);

    /* Frees what open has read. */
    void (*close)(gr_project *project);

    /* Adds all that can change a row of what is measured, and no path. */
    void (*digest)(const gr_project *project, struct gr_digest *digest);

    /* Documents by group, in the order asked for. GR_ERR_USAGE: a label or topic that there is not, a group that is
     * empty and may not be. On failure groups is all zero. */
    gr_status (*groups)(gr_groups *groups, const gr_project *project, const gr_group_want *want, int count,
                        gr_error *err);

    /* What experiments ask before they begin. Of text and samples: labels (there are some), hidden_labels (training is
     * not told of all, or told wrongly), rule_labels (some are found by a rule, which may miss), document_labels (they
     * are of whole documents). Of another word: false. */
    bool (*fact)(const gr_project *project, const char *word);

    /* Adds the rows that say what the data are: {"row": "data", ..}, a row "group" for each group of the labels, a row
     * "label" for each label; with groups (NULL: none) a row "measured" for each of them. */
    void (*rows)(gr_ledger *rows, const gr_project *project, const gr_groups *groups);

    /* The network before training: gr_arch_free, gr_model_free. */
    gr_status (*network)(gr_arch_def **def, gr_model **model, const gr_project *project, gr_error *err);
};

/* For tasks that fill project->data (and shards, tokenizer) by whatever means: the rest of what text and samples do.
 *
 * gr_task_dataset_ready, behind open: divides what is held out, drops near duplicates, makes the labels and counts what
 * routes ask for. Errors: GR_ERR_USAGE for a model to go on from that has other tokens, those of labels,
 * GR_ERR_INTERRUPTED. */
gr_status gr_task_dataset_ready(gr_project *project, const gr_control *control, gr_error *err);
void gr_task_dataset_close(gr_project *project);
void gr_task_dataset_digest(const gr_project *project, struct gr_digest *digest);
gr_status gr_task_dataset_groups(gr_groups *groups, const gr_project *project, const gr_group_want *want, int count,
                                 gr_error *err);
bool gr_task_dataset_fact(const gr_project *project, const char *word);
void gr_task_dataset_rows(gr_ledger *rows, const gr_project *project, const gr_groups *groups);

/* The network that the recipe's model section describes, or the model that it goes on from with its regions added.
 * Errors: those of gr_arch_build, gr_bundle_load and gr_surgery_expand. */
gr_status gr_task_network(gr_arch_def **def, gr_model **model, const gr_project *project, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

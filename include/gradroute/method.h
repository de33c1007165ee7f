/* method.h - ways to make a model: from the seed, or from a parent that another method has made.
 *
 *     const gr_method *train = gr_registry_method(registry, "train"), *ablate = gr_registry_method(registry, "ablate");
 *     gr_making making = {.project = project, .settings = settings, .name = "plain", .folder = folder, .rows = rows};
 *     GR_TRY(gr_method_check(train, &making, err));             what refuses, before anything is spent
 *     GR_TRY(gr_method_make(&made, train, &making, err));       made.bundle->model
 *     ... gr_method_make(&off, ablate, &(gr_making){.parent = &made, ..}, err): the same weights, regions off ...
 *     gr_made_free(&made);
 */
#ifndef GRADROUTE_METHOD_H
#define GRADROUTE_METHOD_H

#include "gradroute/bundle.h"
#include "gradroute/measure.h"
#include "gradroute/task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gr_digest; /* SHA-256 of what is added to it */
struct gr__lock;  /* of a folder that is written to */

/* Which documents a method is handed, and what it is told of them. ALL: every document, with its revealed label and its
 * true one. The others are told revealed labels alone. REVEALED is handed every document, FORGET those of a revealed
 * label, RETAIN those of none, to train on and held out: the others are in none of the lists of project->data, their
 * tokens (of samples their values) are those that end a document (0), and there are no shards. Numbers of documents,
 * their labels and topics stay, so that draws do. */
typedef enum gr_sees { GR_SEES_ALL, GR_SEES_REVEALED, GR_SEES_FORGET, GR_SEES_RETAIN } gr_sees;

/* A model as a method leaves it: weights of its own, or a view, which is its parent's weights with regions that are
 * off. All zero is nothing. */
typedef struct gr_made {
    gr_bundle *bundle;     /* def and model; a view borrows its parent's */
    bool owns;             /* the bundle */
    char *path;            /* its folder on disk; NULL: it lies nowhere */
    const char **off;      /* [off_count] names of the regions that are off, of the bundle */
    int off_count;         /* 0: none is */
    double seconds;        /* of the whole making, earlier calls included */
    int64_t tokens, steps; /* targets trained on, steps of it */
} gr_made;
void gr_made_free(gr_made *made);

/* A model that lies on disk, which computes in this precision from now on. Errors: those of gr_bundle_load. */
gr_status gr_made_load(gr_made *made, const char *path, gr_precision precision, gr_error *err);

/* What a method is given; all of it borrowed. */
typedef struct gr_making {
    gr_project *project;         /* under the arm's own recipe; what it has read is kept (gr_project_keep) */
    const gr_settings *settings; /* of the method's options */
    const gr_made *parent;       /* NULL: from the seed */
    const char *name;            /* of the arm, for progress and errors */
    const char *folder;          /* claimed by the caller; the model goes to FOLDER/model. NULL: views, check, digest */
    const struct gr__lock *lock; /* of the folder, which must be held while files are written; NULL: there is none */
    bool resume;                 /* go on with what the folder holds */
    const char *key;             /* of the cell: goes into the model's manifest; NULL: there is none */
    const gr_control *control;   /* NULL: nobody follows or stops it */
    gr_ledger *rows; /* gets {"row": "model", ..}, and what the method has to tell. NULL: nobody reads them */
} gr_making;

/* What a method that goes on from a parent does with the network that it has made of it:
 *
 * gr_made_take, in draft: takes the network over, which lies nowhere and computes in this precision.
 * gr_made_save, in make: saves it as FOLDER/model, while the folder's lock is held, and loads it from there, so that
 * what is measured is what lies on the disk. Its manifest says what the parent's says, and which cell made it. Errors:
 * those of gr_bundle_save and gr_bundle_load; GR_ERR_IO where the lock is another's by now. On failure *made is
 * nothing. */
void gr_made_take(gr_made *made, gr_arch_def *def, gr_model *model, gr_precision precision);
gr_status gr_made_save(gr_made *made, const gr_making *making, const gr_arch_def *def, gr_model *model, gr_error *err);

/* One way to make a model. */
typedef struct gr_method {
    const char *name;         /* the word of experiments and rows: "train" */
    const char *help;         /* one line */
    const char *doing;        /* of the note about what begins now: "training" */
    int revision;             /* from 1; another one where the same settings give another model */
    bool from;                /* goes on from a parent */
    gr_sees sees;             /* what is hidden from all functions below: gr_method_check and the like */
    const gr_setting *option; /* NULL: it has none */
    const char *const *tasks; /* "text", "samples"; ended by NULL. NULL: any data */

    /* Puts what the recipe says of this method in place of the defaults of the table. NULL: recipes say nothing of it.
     */
    void (*preset)(gr_settings *settings, const gr_recipe *recipe);

    /* Whether it makes no weights, and only says which regions of its parent are off. NULL: it makes some. */
    bool (*view)(const gr_settings *settings);

    /* The arm's recipe out of the base, before data are read: a new one (gr_recipe_free), or NULL where it is
     * the base's. NULL: it is the base's. */
    gr_status (*recipe)(gr_recipe **recipe, const gr_recipe *base, const gr_settings *settings, gr_error *err);

    /* Whether it trains by the recipe's routes with these settings. NULL: it does not. */
    bool (*routed)(const gr_settings *settings);

    /* Sections of the recipe that it does not read by these settings, ended by NULL: keys of its models leave them out,
     * so that an axis over them makes one model. Attacks and measures of the model must not read them either. NULL: it
     * reads all. */
    const char *const *(*unread)(const gr_settings *settings);

    /* What refuses the making, known before anything is spent. NULL: nothing does. */
    gr_status (*check)(const gr_making *making, gr_error *err);

    /* Adds to a cell's key what is read beyond recipe, settings and parent: labels as they are shown, what is left out,
     * the truth where it is seen. NULL: nothing is. */
    gr_status (*digest)(const gr_making *making, struct gr_digest *digest, gr_error *err);

    /* Makes the model, or goes on with it. A result shows rows of the method's own name with the model. Errors: those
     * of check, of training and of saving; GR_ERR_INTERRUPTED where control->stop was set: what was done is kept in the
     * folder. On failure *made is nothing. */
    gr_status (*make)(gr_made *made, const gr_making *making, gr_error *err);

    /* A model as make would leave it, but for the values of its parameters: to plan and to time with. making->parent is
     * such a draft too, and nothing is written. NULL: there is none, and nothing is said of its cost or of what is
     * measured of it. Errors: those of making the network. */
    gr_status (*draft)(gr_made *draft, const gr_making *making, gr_error *err);

    /* What make would take, by its draft, whose parameters it changes. NULL: next to nothing. Errors: those of training
     * and of its views. */
    gr_status (*cost)(gr_cost *cost, const gr_making *making, gr_made *draft, gr_timings *timings, gr_error *err);
} gr_method;

/* The functions of a method, called on the project as it may see it: where it does not see all, labels are true where
 * they are revealed, and nowhere else, and groups go by that; what it may not see of the documents is not there.
 * Whoever calls a method calls these. Errors: those of the function. A check or digest that there is not is GR_OK, a
 * cost that there is not is 0; draft must be there. */
gr_status gr_method_check(const gr_method *method, const gr_making *making, gr_error *err);
gr_status gr_method_digest(const gr_method *method, const gr_making *making, struct gr_digest *digest, gr_error *err);
gr_status gr_method_make(gr_made *made, const gr_method *method, const gr_making *making, gr_error *err);
gr_status gr_method_draft(gr_made *draft, const gr_method *method, const gr_making *making, gr_error *err);
gr_status gr_method_cost(gr_cost *cost, const gr_method *method, const gr_making *making, gr_made *draft,
                         gr_timings *timings, gr_error *err);

/* ---- a training in a folder of its own --------------------------------------------------------------------------- */

/* Trains the model of the recipe by its routes in folder (metrics.jsonl, checkpoints/, model/, recipe.yaml, done.json);
 * what is done already is only loaded. folder must hold no run unless control->resume is set; control may be NULL.
 * Errors: those of gr_train, gr_bundle_save and gr_bundle_load; GR_ERR_USAGE for a folder that holds the run of another
 * recipe, or routes of a label that is never shown. */
gr_status gr_project_train(gr_made *made, gr_project *project, const char *folder, const gr_control *control,
                           gr_error *err);

/* Times a few steps of method `train` by these options on its first batches, which changes the model. In a few seconds:
 * steps that take longer are timed with fewer sequences and extrapolated. Errors: those of gr_trainer_new and
 * gr_trainer_step. */
gr_status gr_train_time(gr_timing *timing, gr_model *model, const gr_project *project, const gr_settings *settings,
                        gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

/* lab_state.h - an experiment while it is worked on: what it wants as cells, and the one project that is in memory.
 *
 * A place is one point of the axes at one seed: it has a recipe and data of its own. Keys of cells are made place by
 * place when a lab is opened, and cells are made one after the other: so no more than one project is ever open. Places
 * that read the same documents and labels share what was read.
 */
#ifndef GR_LAB_LAB_STATE_H
#define GR_LAB_LAB_STATE_H

#include <jansson.h>

#include "gradroute/experiment.h"
#include "gradroute/lab.h"
#include "gradroute/task.h"
#include "lab/cells.h"
#include "task/output.h"

enum { GR__VIEWS_MOST = 16 }; /* of views of one another */

typedef struct gr__data_place {
    char *data; /* "data/16 digits": where its corpus is kept, below the folder */
    uint64_t split_seed;
    gr_precision_choice timed; /* the precision that the clock chose when it was read; nothing: it was not asked */
} gr__data_place;

struct gr_lab {
    gr_lab_def def;
    gr_registry *own; /* the library's, where the caller gave none */
    const gr_registry *registry;
    gr_experiment *experiment;
    char *folder, *identity; /* identity: digest of what the folder is of */
    bool looked, claimed;    /* whether the folder may be ours, before anything is read; whether it is */
    gr_precision precision;  /* that the recipe of the first place asks for */
    bool *runs;              /* [points][arms] */
    int seeds;
    int64_t first_seed;
    int *suggested, suggestions; /* arms that would say more, and that the data allow */
    double least;                /* gap of losses that a ratio is taken over */
    char *recipe_text;           /* of the first place */
    json_t *routes;              /* recipes by whose routes arms are trained: gr__result_def */
    json_t **said;               /* [points] gr__experiment_said; NULL: nothing is to be chosen */
    gr__cells *cells;
    json_t **of; /* [cells] what each key is the digest of */
    gr__committed committed;
    gr__data_place *place; /* [points][seeds] */

    /* What was read last, with the recipe of the place that it was read for. */
    gr_project *read;
    gr_recipe *read_recipe;
    const char *read_data; /* the place's `data` */
    int read_place;

    /* The place that is open; -1: none. Its project is what was read, or `shared`: the same under its own recipe. */
    int open;
    gr_recipe *recipe;
    gr_project *project, shared;
    gr_groups groups;

    /* The model that was used last, kept for its measurements: weights of cell `root`, and views of them. */
    int root;
    gr_made made;
    gr_made view[GR__VIEWS_MOST];
    int views, viewed; /* viewed: the cell that the last view is */
    gr_pass *pass;     /* of that model under its profile */
    int passed;        /* the cell that it is of */

    struct gr__time_left *forecast; /* NULL: nobody asked for one, or nothing takes time */
};

extern const gr__folder_kind gr__folder_of_experiments;

/* Whether an arm runs at some point. */
bool gr__lab_runs(const gr_lab *lab, int arm);

int gr__lab_places(const gr_lab *lab);
int gr__lab_place_of(const gr_lab *lab, const gr__use *use);

/* Opens a place, unless it is open. Errors: those of gr_experiment_recipe, gr_project_open_as and groups. */
gr_status gr__lab_open_place(gr_lab *lab, int place, const gr_control *control, gr_error *err);
void gr__lab_close_place(gr_lab *lab);

/* like[points]: whether a point reads at its first seed what the first one does, before anything is read. Errors: those
 * of gr_experiment_recipe and gr_registry_task_of. */
gr_status gr__lab_find_like_first(bool *like, const gr_lab *lab, gr_error *err);

/* The groups of the open place. Before it is known what runs none is asked for; a plan goes on without those that the
 * data have not. Errors: those of groups. */
gr_status gr__lab_read_groups(gr_lab *lab, gr_error *err);

/* Frees what was read last, when no place is open. */
void gr__lab_forget_data(gr_lab *lab);

/* The project of the open place under the recipe of an arm, or of the parent whose weights it has. */
typedef struct gr__lab_arm {
    gr_project project;
    gr_recipe *recipe; /* NULL: that of the place */
} gr__lab_arm;
gr_status gr__lab_arm_open(gr__lab_arm *arm, const gr_lab *lab, const gr__use *use, gr_error *err);
void gr__lab_arm_close(gr__lab_arm *arm);

/* Options of the method of a use that is a model, or of a measurement, with one value alone of the option that asks for
 * a measurement each. gr_settings_free. */
gr_status gr__lab_settings(gr_settings **settings, const gr_lab *lab, const gr__use *use, const gr_recipe *recipe,
                           gr_error *err);

/* Notes the recipe by whose routes a model is trained, once for all that have the same: lab->routes. Seeds change no
 * route, and of a knob the first value stands for all. */
gr_status gr__lab_note_routes(gr_lab *lab, const gr__use *use, const gr_recipe *recipe, gr_error *err);

/* Looks at a cell on the disk, and says what is known of it. Errors: those of gr__cell_state_of. */
gr_status gr__lab_check_cell(gr_lab *lab, int cell, gr_error *err);

/* The rows of a cell that is done: gr__cell_free where *owned, else borrowed. */
gr_status gr__lab_rows(const gr__kept_cell **cell, bool *owned, const gr_lab *lab, const char *key, gr_error *err);

/* Links to the models that are done or at work, and whether they may be made: GR_ERR_USAGE where something that is not
 * ours has the name of one. */
gr_status gr__lab_link(const gr_lab *lab, gr_error *err);
gr_status gr__lab_link_check(const gr_lab *lab, gr_error *err);

/* Removes what the experiment does not keep: checkpoints of models that are done, models that nothing is still to be
 * made of, here or by another process. What cannot be removed is told of in the log. And whether nothing is there that
 * would be. Errors: those of gr__lab_check_cell. */
gr_status gr__lab_trim(gr_lab *lab, gr_error *err);
bool gr__lab_is_trim(const gr_lab *lab);

/* Whether the weights that a cell begins with are there, to be asked with the lock of the cell: from then on nobody
 * removes them. Where not, what is known of them is up to date afterwards. Errors: those of gr__lab_check_cell. */
gr_status gr__lab_has_weights(bool *has, gr_lab *lab, int cell, gr_error *err);

/* Forgets the model that was used last. */
void gr__lab_forget(gr_lab *lab);

#endif

/* cells.h - which cells an experiment wants, and which of them comes next: a function of the experiment and of what is
 * known of its cells, which reads and writes nothing.
 *
 *     gr__cells *cells = gr__cells_new(&(gr__cells_def){.experiment = experiment, .runs = runs, .seeds = 5});
 *     for (int u = 0; u < cells->uses; u++)                     parents come before what begins with them
 *         gr__cells_key(cells, u, key_of(&cells->use[u]), is_view);
 *     gr__cells_join(cells);
 *     for (int c = 0; c < cells->cells; c++)
 *         gr__cells_know(cells, c, known);                      what gr__cell_look saw, or what was just made
 *     while ((c = gr__cells_next(cells, &again, &wait)) >= 0)
 *         ...                                                   make it, say what is known of it now, ask again
 *     gr__cells_free(cells);
 *
 * A use is one thing that is wanted: the data, or an arm's model, or a reading of one, at a point and seed. Uses whose
 * key is the same are one cell: a twin that does not know the axis is made once for all of its points. Uses are in the
 * order in which cells are made: data, models, measures, attacks; within each by arm, point and seed.
 */
#ifndef GR_LAB_CELLS_H
#define GR_LAB_CELLS_H

#include "gradroute/experiment.h"
#include "lab/cell_key.h"
#include "lab/cell_store.h"

typedef struct gr__use {
    gr_cell_kind kind;
    int arm;         /* -1: the data */
    int point, seed; /* seed: from 0 */
    int knob;        /* which value of the arm's knob, or of its parents'; 0 where there is none */
    int reading;     /* of the experiment; -1: no measurement */
    int each;        /* which value of the option that asks for a measurement each */
    int parent;      /* use of the model that it begins with, or that it is taken of; -1: none */
    int cell;        /* -1 before gr__cells_join */
    bool view;       /* it has its parent's weights */
    char key[GR_DIGEST_HEX];
} gr__use;

typedef struct gr__lab_cell {
    const char *key;
    int use;    /* the first */
    int parent; /* a cell; -1: none */
    bool view;
    bool left_out; /* it is not asked for */
    gr__known known;
} gr__lab_cell;

typedef struct gr__cells {
    gr__use *use; /* [uses] */
    int uses;
    gr__lab_cell *cell; /* [cells] in the order of their first uses */
    int cells;
    size_t use_room;
} gr__cells;

typedef struct gr__cells_def {
    const gr_experiment *experiment;
    const bool *runs; /* [points][arms] gr_experiment_select */
    int seeds;
    const char *task; /* readings that do not know it are left out; NULL: none is */

    /* How many measurements a reading is there: the values of its option that asks for one each. NULL: one. */
    int (*each)(void *user, int reading, int point, int seed);
    void *user;
} gr__cells_def;

/* Uses of all arms that run, at the points at which they and their parents do, and of their readings. */
gr__cells *gr__cells_new(const gr__cells_def *def);
void gr__cells_free(gr__cells *cells); /* NULL is fine */

/* The key of a use, which is asserted to have 64 digits. view: a model that has its parent's weights. */
void gr__cells_key(gr__cells *cells, int use, const char *key, bool view);

/* Makes cells of the uses, each of which has a key by now (asserted). */
void gr__cells_join(gr__cells *cells);

/* Leaves out all cells but one, whose key begins so, and those that it begins with. Returns how many keys do: where it
 * is not 1, nothing is left out. */
int gr__cells_only(gr__cells *cells, const char *key);

void gr__cells_know(gr__cells *cells, int cell, gr__known known);

/* The cell to make next; -1: none is free. *again: its rows are known, and its weights alone are wanted, for a cell
 * that begins with them. *wait: nothing is free as long as somebody is at work. A cell below a model that diverged is
 * not wanted. */
int gr__cells_next(const gr__cells *cells, bool *again, bool *wait);

/* Whether a cell that is not done begins with these weights, itself or through views: else they need not be kept. */
bool gr__cells_needs(const gr__cells *cells, int cell);

/* Marks in left[cells] all that is still to be made: what is not done, and models whose weights are gone and wanted. */
void gr__cells_left(const gr__cells *cells, bool *left);

/* How many measurements the options of a table ask for that have a value for each: the product of their values; and
 * the settings of the i-th of them. */
int gr__settings_each(const gr_settings *settings, const gr_setting *table);
void gr__settings_narrow(gr_settings *settings, const gr_setting *table, int i);

#endif

/* Models and checkpoints that an experiment does not keep (`keep`): removed once nothing is left to be made of them. */
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "lab/lab_state.h"

/* ---- what may go ---- */

/* Whether it is a model of its own that is done in the folder, or diverged there. */
static bool is_model(const gr_lab *lab, int cell) {
    const gr__lab_cell *c = &lab->cells->cell[cell];
    bool here = c->known.state == GR_CELL_DONE || c->known.state == GR_CELL_DIVERGED;
    return here && lab->cells->use[c->use].kind == GR_CELL_MODEL && !c->view;
}

static bool model_may_go(const gr_lab *lab, int cell) {
    const gr__lab_cell *c = &lab->cells->cell[cell];
    return lab->experiment->keep_models == GR_KEEP_NEEDED && is_model(lab, cell) &&
           (c->known.model || gr__cell_left_aside(lab->folder, c->key)) && !gr__cells_needs(lab->cells, cell);
}

static bool checkpoints_may_go(const gr_lab *lab, int cell) {
    return !lab->experiment->keep_checkpoints && is_model(lab, cell) &&
           gr__cell_holds(lab->folder, lab->cells->cell[cell].key, "checkpoints");
}

bool gr__lab_is_trim(const gr_lab *lab) {
    for (int c = 0; c < lab->cells->cells; c++)
        if (model_may_go(lab, c) || checkpoints_may_go(lab, c))
            return false;
    return true;
}

/* ---- removing it ---- */

typedef struct candidate {
    const gr_lab *lab;
    int cell;
} candidate;

/* Whether a cell of this key begins with the candidate. One that this experiment does not want may. */
static bool may_need(const void *user, const char *key) {
    const candidate *of = user;
    const gr__cells *cells = of->lab->cells;
    for (int c = 0; c < cells->cells; c++) {
        if (strcmp(cells->cell[c].key, key) != 0)
            continue;
        int up = cells->cell[c].parent;
        while (up >= 0 && up != of->cell)
            up = cells->cell[up].parent;
        return up >= 0;
    }
    return true;
}

/* What is not ours stays, and is no reason to end the work. */
static void note(const char *what, const gr_error *why) {
    gr_log_line(1, "%s stay: %s: %s", what, why->place, why->message);
}

gr_status gr__lab_trim(gr_lab *lab, gr_error *err) {
    const gr_experiment *e = lab->experiment;
    const gr__cells *cells = lab->cells;

    /* What others have done meanwhile needs its model no more. */
    for (int c = 0; e->keep_models == GR_KEEP_NEEDED && c < cells->cells; c++)
        if (cells->cell[c].known.state == GR_CELL_MISSING || cells->cell[c].known.state == GR_CELL_BUSY)
            GR_TRY(gr__lab_check_cell(lab, c, err));

    for (int c = 0; c < cells->cells; c++) {
        gr_error why = {0};
        if (checkpoints_may_go(lab, c) && gr__cell_drop_checkpoints(lab->folder, cells->cell[c].key, &why) != GR_OK)
            note("checkpoints", &why);
        if (!model_may_go(lab, c))
            continue;
        candidate it = {lab, c};
        if (gr__cell_drop_model(lab->folder, cells->cell[c].key, may_need, &it, &why) != GR_OK)
            note("weights", &why);
        GR_TRY(gr__lab_check_cell(lab, c, err));
    }
    return GR_OK;
}

/* ---- before one is read ---- */

gr_status gr__lab_has_weights(bool *has, gr_lab *lab, int cell, gr_error *err) {
    const gr__cells *cells = lab->cells;
    int root = cells->cell[cell].parent;
    *has = true;
    while (root >= 0 && cells->cell[root].view)
        root = cells->cell[root].parent;
    if (root < 0)
        return GR_OK;

    /* In this order: whoever removes it holds its lock until it is gone. */
    const char *key = cells->cell[root].key;
    *has = !gr__cell_at_work(lab->folder, key) && gr__cell_holds(lab->folder, key, "model");
    if (*has)
        return GR_OK;

    /* A moment later it is gone, or is left alone. */
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return gr__lab_check_cell(lab, root, err);
}

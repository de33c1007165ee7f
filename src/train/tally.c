/* What a training shows and multiplies, counted from its rows and classes without a pass over any of them: so it is the
 * same however often the training was stopped. */
#include "base/mem.h"
#include "gradroute/train.h"
#include "train/internal.h"

void gr_tally_free(gr_tally *tally) {
    gr_free(tally->region);
    gr_free(tally->of_label);
    gr_free(tally->hidden);
    *tally = (gr_tally){0};
}

/* Adds the targets of one step by their true labels. */
static void count_labels(gr_tally *tally, const gr_rows *rows) {
    /* Core text is of no label; what is absent has no target. */
    for (size_t i = 0; i < (size_t)rows->sequences * (size_t)rows->width; i++) {
        const int16_t k = rows->truth[i];
        if (rows->targets[i] < 0 || k <= 0 || k > tally->labels)
            continue;
        tally->of_label[k - 1]++;
        tally->hidden[k - 1] += rows->label[i] != k;
    }
}

/* Targets of every class over all steps, second showings included, into shown[classes]; and the text of labels. */
static void count_shown(int64_t *shown, gr_tally *tally, const gr_train_def *def) {
    gr__assembly *assembly = gr__assembly_new(def->rows, def->width, def->rows, def->router);
    for (int64_t step = 0; step < def->steps; step++) {
        gr_rows rows;
        gr_stream_next(def->stream, step, &rows);
        count_labels(tally, &rows);
        gr__assembly_fill(assembly, &rows, step);
        for (size_t i = 0; i < (size_t)assembly->sequences * (size_t)assembly->width; i++)
            if (assembly->targets[i] >= 0)
                shown[assembly->cls[i]]++;
    }
    gr__assembly_free(assembly);
}

/* Whether two rectangles have a number in common. */
static bool meet(const gr_rect *a, const gr_rect *b) {
    return a->param == b->param && a->lo0 < b->hi0 && b->lo0 < a->hi0 && a->lo1 < b->hi1 && b->lo1 < a->hi1;
}

/* Whether rows of a class may write to any part of a region. */
static bool opens(const gr_tables *tables, const gr_region *region, int cls) {
    for (int s = 0; s < gr_tables_slices(tables); s++) {
        const gr_rect slice = gr_tables_slice(tables, s);
        for (int i = 0; i < region->rects; i++)
            if (meet(&slice, &region->rect[i]) && gr_tables_weight(tables, s, cls) != 0)
                return true;
    }
    return false;
}

/* Adds the targets of one class, to the whole and to each region that they may change. */
static void add_class(gr_tally *tally, const gr_run *run, const gr_model *model, int cls, int64_t targets) {
    const double flops = gr_run_flops(run, cls) * (double)targets;
    tally->all.tokens += targets;
    tally->all.flops += flops;
    for (int r = 0; r < tally->regions; r++)
        if (opens(gr_run_tables(run), gr_model_region(model, r), cls)) {
            tally->region[r].tokens += targets;
            tally->region[r].flops += flops;
        }
}

gr_status gr_train_tally(gr_tally *tally, const gr_train_def *def, gr_error *err) {
    *tally = (gr_tally){0};

    /* A run of one row knows what a row of each class costs. */
    const gr_tables *tables = def->router ? gr_router_tables(def->router) : NULL;
    gr_run *run;
    GR_TRY(gr_run_new(&run, def->model, tables, &(gr_run_def){.positions = 1, .train = true}, err));
    const int classes = gr_tables_classes(gr_run_tables(run));
    int64_t *shown = gr_alloc((size_t)classes * sizeof *shown);
    tally->labels = def->labels ? def->labels->label_count : 0;
    tally->of_label = gr_alloc(((size_t)tally->labels + 1) * sizeof *tally->of_label);
    tally->hidden = gr_alloc(((size_t)tally->labels + 1) * sizeof *tally->hidden);
    count_shown(shown, tally, def);

    tally->regions = gr_model_regions(def->model);
    tally->region = gr_alloc(((size_t)tally->regions + 1) * sizeof *tally->region);
    for (int c = 0; c < classes; c++)
        if (shown[c] > 0)
            add_class(tally, run, def->model, c, shown[c]);
    gr_free(shown);
    gr_run_free(run);
    return GR_OK;
}

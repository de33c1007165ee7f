/* What rows of a class open: numbers of parameters by the weight that their gradient gets. */
#include "route/opened.h"

#include "base/number.h"

/* Numbers that two ranges share. */
static int overlap(int lo, int hi, int lo2, int hi2) {
    int from = lo > lo2 ? lo : lo2, to = hi < hi2 ? hi : hi2;
    return to > from ? to - from : 0;
}

/* Numbers of parameters that two rectangles share. */
static double area(gr_rect a, gr_rect b) {
    return a.param != b.param
               ? 0
               : (double)overlap(a.lo0, a.hi0, b.lo0, b.hi0) * (double)overlap(a.lo1, a.hi1, b.lo1, b.hi1);
}

/* Adds numbers whose gradient gets this weight. */
static void count_in(gr__openness *o, double numbers, double weight) {
    o->all += numbers;
    if (weight == 0 || numbers <= 0)
        return;
    o->mixed = o->mixed || (o->open > 0 && o->weight != weight);
    if (o->open == 0)
        o->weight = weight;
    o->open += numbers;
}

gr__openness gr__openness_of(const gr_model *model, const gr_tables *tables, int region, int cls) {
    gr__openness o = {0};
    for (int s = 0; s < gr_tables_slices(tables); s++) {
        /* How many of its numbers are the region's, or of no region. */
        gr_rect slice = gr_tables_slice(tables, s);
        double weight = gr_tables_weight(tables, s, cls), owned = 0;
        for (int r = 0; r < gr_model_regions(model); r++) {
            if (region != GR_NONE && region != r)
                continue;
            for (int p = 0; p < gr_model_region(model, r)->rects; p++)
                owned += area(slice, gr_model_region(model, r)->rect[p]);
        }

        count_in(&o, region == GR_NONE ? area(slice, slice) - owned : owned, weight);
    }
    return o;
}

const char *gr__openness_text(char *text, gr__openness o) {
    if (o.open <= 0)
        gr__print(text, 32, "closed");
    else if (o.open < o.all * (1 - 1e-9))
        gr__print(text, 32, "%.3g %% open", 100 * o.open / o.all);
    else if (o.mixed || o.weight == 1)
        gr__print(text, 32, o.mixed ? "open, mixed" : "open");
    else
        gr__print(text, 32, "open x%.3g", o.weight);
    return text;
}

const char *gr__forward_text(char *text, double weight) {
    if (weight == 0 || weight == 1)
        return weight == 1 ? "on" : "off";
    gr__print(text, 32, "x%.3g", weight);
    return text;
}

const char *gr__label_text(const gr_routes *routes, int label) {
    return label < 0 ? "unlabelled" : label == 0 ? "core" : routes->label[label - 1];
}

/* A perfect filter: by labels that nobody else is told of. */
#include "method/view.h"

/* Documents that truly have a label are dropped, whatever is shown. */
static gr_status apply(gr__shown *shown, const gr_settings *settings, gr_error *err) {
    (void)settings, (void)err;
    shown->filtered = shown->by_truth = true;
    return GR_OK;
}

static const gr__view view = {.revision = 1, .apply = apply};
const gr_choice gr__view_true_labels = {
    .name = "true_labels", .help = "without documents that have a true label, hidden or not", .entry = &view};

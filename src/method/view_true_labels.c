/* A perfect filter: by labels that nobody else is told of. */
#include "method/view.h"

/* Documents that truly have a label are dropped, whatever is shown. */
static gr_status apply(gr__shown *shown, const gr_settings *settings, gr_error *err) {
    return gr__shown_filter(shown, settings, true, gr_settings_get(settings, "share")->number, err);
}

static const gr_setting options[] = {GR__VIEW_OF_LABELS, GR__VIEW_SHARE, {0}};
static const gr__view view = {.revision = 1, .check = gr__view_share_check, .apply = apply};
const gr_choice gr__view_true_labels = {.name = "true_labels",
                                        .help = "without documents that have a true label, hidden or not",
                                        .option = options,
                                        .entry = &view};

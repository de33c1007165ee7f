/* A filter by a classifier that is fitted on the labels that are known. */
#include "method/spreading.h"

static const gr_setting options[] = {GR__SPREADING, {0}};

/* Documents that are known to have a label, and those that the classifier finds, are dropped. */
static gr_status apply(gr__shown *shown, const gr_settings *settings, gr_error *err) {
    GR_TRY(gr__spreading_apply(shown, settings, false, err));
    return gr__shown_filter(shown, settings, false, 1, err);
}

static const gr__view view = {.revision = 1, .derived = true, .check = gr__spreading_check, .apply = apply};
const gr_choice gr__view_classified = {
    .name = "classified",
    .help = "without documents of which a label is revealed, nor those that a classifier finds by them",
    .option = options,
    .entry = &view};

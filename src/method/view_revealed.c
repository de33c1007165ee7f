/* A filter by the labels that are known. */
#include "method/view.h"

/* Documents that are shown as a label are dropped. */
static gr_status apply(gr__shown *shown, const gr_settings *settings, gr_error *err) {
    return gr__shown_filter(shown, settings, false, gr_settings_get(settings, "share")->number, err);
}

static const gr_setting options[] = {GR__VIEW_OF_LABELS, GR__VIEW_SHARE, {0}};
static const gr__view view = {.revision = 1, .check = gr__view_share_check, .apply = apply};
const gr_choice gr__view_revealed = {
    .name = "revealed", .help = "without documents of which a label is revealed", .option = options, .entry = &view};

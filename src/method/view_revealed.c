/* A filter by the labels that are known. */
#include "method/view.h"

/* Documents that are shown as a label are dropped. */
static gr_status apply(gr__shown *shown, const gr_settings *settings, gr_error *err) {
    (void)settings, (void)err;
    shown->filtered = true;
    return GR_OK;
}

static const gr__view view = {.revision = 1, .apply = apply};
const gr_choice gr__view_revealed = {
    .name = "revealed", .help = "without documents of which a label is revealed", .entry = &view};

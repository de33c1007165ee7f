/* Labels that a classifier, fitted on those that are known, has spread to other documents. */
#include "method/spreading.h"

static const gr_setting options[] = {
    GR__SPREADING,
    {.key = "soft", .help = "documents that are found have a score, for routes that mix", .kind = GR_SETTING_BOOL},
    {0}};

static gr_status apply(gr__shown *shown, const gr_settings *settings, gr_error *err) {
    return gr__spreading_apply(shown, settings, gr_settings_get(settings, "soft")->number != 0, err);
}

static const gr__view view = {.revision = 1, .derived = true, .check = gr__spreading_check, .apply = apply};
const gr_choice gr__view_spread = {
    .name = "spread",
    .help = "labels that are revealed, and those of documents that a classifier finds by them",
    .option = options,
    .entry = &view};

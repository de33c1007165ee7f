/* Labels as the recipe reveals them. */
#include "method/view.h"

static const gr__view view = {.revision = 1};
const gr_choice gr__view_as_given = {.name = "as_given", .help = "labels as the recipe reveals them", .entry = &view};

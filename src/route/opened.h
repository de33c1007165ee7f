/* opened.h - what rows of a class open, and how that is said.
 *
 *     gr__openness o = gr__openness_of(model, gr_router_tables(router), region, cls);
 *     puts(gr__openness_text((char[32]){0}, o));                                        "open", "closed", "50 % open"
 */
#ifndef GR_ROUTE_OPENED_H
#define GR_ROUTE_OPENED_H

#include "gradroute/route.h"

/* Numbers by the weight their gradient gets. */
typedef struct gr__openness {
    double all, open, weight; /* weight: of the first that is open */
    bool mixed;               /* different weights among those that are open */
} gr__openness;

/* What rows of a class open of a region; region GR_NONE: of what no region owns. */
gr__openness gr__openness_of(const gr_model *model, const gr_tables *tables, int region, int cls);

/* "open", "closed", or how far; and how a region's units act in the forward pass: "on", "off", "x0.5". Into text[32]
 * where it is no fixed word. */
const char *gr__openness_text(char *text, gr__openness openness);
const char *gr__forward_text(char *text, double weight);

/* "unlabelled" (-1), "core" (0), or the name of a label. */
const char *gr__label_text(const gr_routes *routes, int label);

#endif

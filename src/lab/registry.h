/* registry.h - what a registry has, for messages that say what could have been meant. */
#ifndef GR_LAB_REGISTRY_H
#define GR_LAB_REGISTRY_H

#include "gradroute/lab.h"

typedef enum gr__registry_part {
    GR__REGISTRY_METHODS,
    GR__REGISTRY_ATTACKS,
    GR__REGISTRY_MEASURES,
    GR__REGISTRY_FIGURES
} gr__registry_part;

/* Names of one part in the order in which they were added; a new list (gr_free) of texts that are borrowed. */
const char **gr__registry_names(const gr_registry *registry, gr__registry_part part, int *count);

#endif

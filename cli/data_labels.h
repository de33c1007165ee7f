/* data_labels.h - what `gradroute data show` says of labels: counts, words, and documents with their labels marked. */
#ifndef GR_CLI_DATA_LABELS_H
#define GR_CLI_DATA_LABELS_H

#include "common.h"

json_t *gr__labels_json(const gr_project *project);
void gr__labels_print(const gr_project *project);

/* Up to `count` documents of each label, and of the core. */
json_t *gr__samples_json(const gr_project *project, int count);
void gr__samples_print(const gr_project *project, int count);

#endif

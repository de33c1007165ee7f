/* diagnosis.h - the last diagnostics of a run, as its metrics have them. */
#ifndef GR_CLI_DIAGNOSIS_H
#define GR_CLI_DIAGNOSIS_H

#include "io/json.h"

/* {absorption, probe, warning} of the last lines of RUN/metrics.jsonl that have them; a member is missing where none
 * has. The caller's. */
json_t *gr__diagnosis_read(const char *run);

/* A line for each topic and each region; nothing for an empty object. */
void gr__diagnosis_print(const json_t *diagnosis);

#endif

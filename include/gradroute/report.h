/* report.h - results for people.
 *
 *     GR_TRY(gr_audit_run(&audit, project, "runs/demo", &control, err));
 *     gr_audit_print(audit, stdout);
 */
#ifndef GRADROUTE_REPORT_H
#define GRADROUTE_REPORT_H

#include <stdio.h>

#include "gradroute/lab.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The table, completions, where things are. */
void gr_audit_print(const gr_audit *audit, FILE *out);

/* Verdict, claims, and for each point of the axes tables of the result, in 80 columns. */
void gr_result_print(const gr_result *result, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

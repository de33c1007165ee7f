/* report.h - results for people.
 *
 *     GR_TRY(gr_lab_result(&result, lab, err));
 *     gr_result_print(result, stdout);
 */
#ifndef GRADROUTE_REPORT_H
#define GRADROUTE_REPORT_H

#include <stdio.h>

#include "gradroute/lab.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Verdict, claims, and for each point of the axes tables of the result, in 80 columns. */
void gr_result_print(const gr_result *result, FILE *out);

#ifdef __cplusplus
}
#endif

#endif

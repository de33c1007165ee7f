/* report.h - results for people.
 *
 *     GR_TRY(gr_lab_result(&result, lab, err));
 *     gr_result_print(result, stdout);
 *     const char *const folder[] = {"runs/demo"};
 *     GR_TRY(gr_report_write(folder, 1, "runs/demo/report.html", err));
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

/* What was chosen of the settings that were tried, and nothing else: the frontier, the choice as lines of a recipe, and
 * where to try more. Nothing where the experiment chooses nothing. */
void gr_result_print_choice(const gr_result *result, FILE *out);

/* One page that needs nothing else, about the results of folders side by side (one or more): of each its result.json,
 * results.jsonl and the metrics of models that are there (gr_lab_write). The same folders give the same bytes, and a
 * file that holds them already stays as it is. Errors: GR_ERR_INPUT where a folder has no result, GR_ERR_FORMAT for one
 * that is damaged or of another form; GR_ERR_USAGE where path is no regular file; errors of files. */
gr_status gr_report_write(const char *const *folder, int folders, const char *path, gr_error *err);

/* Writes the models that are measured at the first point and seed into a folder for others: a model folder for each,
 * named by its arm, recipe.yaml, result.json, export.json (what each is, digests, the numbers of the documents held
 * out by group) and README.txt. All cells must be done. GR_ERR_USAGE: the folder holds something else, or is the lab's;
 * an export of the same data and recipe is written anew, without models that it alone had. Errors: those of
 * gr_bundle_load and gr_bundle_save. */
gr_status gr_lab_export(gr_lab *lab, const gr_result *result, const char *folder, gr_error *err);

/* What refuses it, before hours are spent; changes nothing. */
gr_status gr_lab_export_check(const gr_lab *lab, const char *folder, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

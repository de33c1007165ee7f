/* spreading.h - what views share that go by a classifier (classify.h). */
#ifndef GR_METHOD_SPREADING_H
#define GR_METHOD_SPREADING_H

#include "gradroute/setting.h"
#include "method/view.h"

/* Options of such a view: where a document counts as found, and how many documents the classifier is fitted on, and
 * which labels have one. */
#define GR__SPREADING                                                                                                \
    {.key = "recall",                                                                                                \
     .help = "share of the known documents that is found",                                                           \
     .kind = GR_SETTING_REAL,                                                                                        \
     .initial = {.number = 0.9},                                                                                     \
     .min = 0.01,                                                                                                    \
     .max = 1},                                                                                                      \
        {.key = "lost",                                                                                              \
         .help = "above 0, in place of recall: share that is found of the text that is not known to have the label", \
         .kind = GR_SETTING_REAL,                                                                                    \
         .max = 1},                                                                                                  \
        {.key = "from",                                                                                              \
         .help = "as if so many documents were known at most; 0: all",                                               \
         .kind = GR_SETTING_COUNT,                                                                                   \
         .max = 1e9},                                                                                                \
        GR__VIEW_OF_LABELS

/* Refuses data without text, shards, labels of tokens, too few known documents; reads no text. */
gr_status gr__spreading_check(const gr_project *project, const gr_settings *settings, gr_error *err);

/* Shows what is found as the label, of every label that is asked for, and keeps the reports; that of another label
 * knows no document. soft: with scores. */
gr_status gr__spreading_apply(gr__shown *shown, const gr_settings *settings, bool soft, gr_error *err);

#endif

/* arm.h - the batches of an arm and how it is trained, for those who compare arms and say what they will cost. */
#ifndef GR_LAB_ARM_H
#define GR_LAB_ARM_H

#include "gradroute/lab.h"

/* What the arm is trained on: the project's training documents in the order of order_seed, without what it drops.
 * Errors: those of gr_stream_new and gr_stream_new_shards. */
gr_status gr__arm_stream(gr_stream **stream, const gr_project *project, gr_arm_kind kind, gr_error *err);

/* GR_ERR_USAGE where the arm cannot be: routes of a label that is never shown, a placebo of labels of tokens, or of
 * shards. Nothing is trained. */
gr_status gr__arm_check(const gr_project *project, gr_arm_kind kind, gr_error *err);

/* What training an arm needs beside its model. */
typedef struct gr__arm_parts {
    gr_project shown; /* the project as the arm sees it; a placebo's has labels and frequencies of its own */
    bool owns;
    gr_stream *stream;
    gr_router *router; /* NULL: no route */
    gr_optim_group *group;
    gr_train_def def; /* without a folder */
} gr__arm_parts;

/* Errors: those of gr__arm_stream and gr_router_new. */
gr_status gr__arm_parts_open(gr__arm_parts *out, gr_model *model, const gr_project *project, gr_arm_kind kind,
                             gr_error *err);
void gr__arm_parts_close(gr__arm_parts *parts);

/* Whether the recipe asks for this arm. */
bool gr__arm_wanted(const gr_recipe *recipe, gr_arm_kind kind);

#endif

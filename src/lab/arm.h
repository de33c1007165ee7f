/* arm.h - the batches of an arm, for those who compare arms. */
#ifndef GR_LAB_ARM_H
#define GR_LAB_ARM_H

#include "gradroute/lab.h"

/* What the arm is trained on: the project's training documents in the order of order_seed, without what it drops.
 * Errors: those of gr_stream_new and gr_stream_new_shards. */
gr_status gr__arm_stream(gr_stream **stream, const gr_project *project, gr_arm_kind kind, gr_error *err);

#endif

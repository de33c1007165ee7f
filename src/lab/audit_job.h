/* audit_job.h - an audit while it is made: its arms, what was measured of them, and the figures made of that. */
#ifndef GR_LAB_AUDIT_JOB_H
#define GR_LAB_AUDIT_JOB_H

#include <jansson.h>

#include "gradroute/lab.h"
#include "lab/forecast.h"
#include "lab/relearn.h"
#include "measure/measure.h"

enum { GR__FORGET, GR__ADJACENT, GR__RETAIN, GR__GROUPS };

/* What was measured of one model under one profile, and its losses out of these rows; a group without documents is all
 * zero. */
typedef struct gr__losses_of {
    gr_sample group[GR__GROUPS];
    gr_ledger *rows;
} gr__losses_of;

/* One model after the attack: its losses, and where the attack served best. */
typedef struct gr__attacked {
    gr_sample group[GR__GROUPS];
    double chosen, lr;
    int step;
} gr__attacked;

typedef struct gr__audit_job {
    gr_project *project;
    gr_registry *registry;
    const char *folder;
    const gr_control *control;
    gr__forecast forecast; /* what control is, from the first model on */
    gr_arm arm[GR_ARMS];
    bool has[GR_ARMS];
    gr__losses_of on, off, twin[GR_ARMS]; /* routed on and off; others as they are */
    gr__attacked off_relearned, relearned[GR_ARMS];
    gr_groups
        groups; /* whatever label was revealed; by forget documents of validation the attacker's best point is chosen */
    gr_drawn attack;      /* forget documents of the training split: what he trains on */
    int part;             /* of what comes after training: what was measured or attacked so far */
    const char **regions; /* names */
    int region_count;
} gr__audit_job;

/* The figures that compare, their intervals and the verdict, into the result; docs/measures.md says what each is. */
void gr__audit_figures(const gr__audit_job *job, json_t *result);

/* What each model was and lost. A new object. */
json_t *gr__audit_models(const gr__audit_job *job);

#endif

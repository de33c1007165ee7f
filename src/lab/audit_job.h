/* audit_job.h - an audit while it is made: its arms, what was measured of them, and the figures made of that. */
#ifndef GR_LAB_AUDIT_JOB_H
#define GR_LAB_AUDIT_JOB_H

#include <jansson.h>

#include "gradroute/lab.h"
#include "lab/forecast.h"
#include "lab/relearn.h"
#include "measure/measure.h"

enum { GR__FORGET, GR__ADJACENT, GR__RETAIN, GR__GROUPS };
extern const char *const gr__group_names[GR__GROUPS]; /* "forget", "adjacent", "retain" */

/* Losses of one model under one profile on the documents of the test. */
typedef struct gr__losses_of {
    double *nll;
    int32_t *tokens, *right; /* right: samples alone, else NULL */
} gr__losses_of;

typedef struct gr__audit_job {
    gr_project *project;
    const char *folder;
    const gr_control *control;
    gr__forecast forecast; /* what control is, from the first model on */
    gr_arm arm[GR_ARMS];
    bool has[GR_ARMS];
    gr__losses_of on, off, twin[GR_ARMS]; /* routed on and off; others as they are */
    gr_relearned off_relearned, relearned[GR_ARMS];
    uint32_t *docs[GR__GROUPS]; /* of the test, whatever label was revealed */
    size_t count[GR__GROUPS];
    uint32_t *choose; /* [choices] forget documents for validation: the attacker's best point is chosen on them */
    size_t choices;
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

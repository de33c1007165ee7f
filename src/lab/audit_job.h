/* audit_job.h - an audit while it is made: its arms, what was measured of them, and the figures made of that. */
#ifndef GR_LAB_AUDIT_JOB_H
#define GR_LAB_AUDIT_JOB_H

#include <jansson.h>

#include "gradroute/lab.h"
#include "lab/arms.h"
#include "lab/follow.h"
#include "lab/forecast.h"
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
    double chosen, lr; /* mean loss of the documents that the point was chosen by, and the rate; 0: before any step */
    int step;
    int64_t documents, tokens; /* that were trained on */
} gr__attacked;

typedef struct gr__audit_job {
    gr_project *project;
    gr_registry *registry;
    const char *folder;
    const gr_control *control;
    gr__forecast forecast; /* what control is, from the first model on */
    bool has[GR__ARMS];
    gr_settings *settings[GR__ARMS]; /* of method train, of those it has */
    gr_made arm[GR__ARMS];
    gr_made routed_off, placebo_off;       /* views of these without the regions under study */
    gr__losses_of on, off, twin[GR__ARMS]; /* routed on and off; others as they are, the placebo off */
    gr__attacked off_relearned, relearned[GR__ARMS];
    gr_groups groups; /* whatever label was revealed; by forget documents of validation the best attack is chosen */
    const gr_attack *attack;
    gr_settings *attack_settings;
    int part; /* of what comes after training: what was measured or attacked so far */
} gr__audit_job;

/* A model as a subject of which the caller is told, without a profile and a pass. made NULL: there is none yet. doing:
 * "measuring". */
gr_subject gr__audit_subject(const gr__audit_job *job, const char *name, const gr_made *made, const char *doing,
                             gr__follow *follow);

/* What is off in it, as a profile; NULL where nothing is: gr_tables_free. Errors: those of gr_profile_new. */
gr_status gr__audit_profile(gr_tables **off, const gr_made *made, gr_error *err);

/* GR_ERR_INTERRUPTED, with what becomes of the folder, where the caller has asked to stop; else GR_OK. */
gr_status gr__audit_stopped(const gr__audit_job *job, gr_error *err);

/* Tells the caller what begins: "relearning: plain (2 of 3)". */
void gr__audit_note_part(gr__audit_job *job, const char *doing, const char *name, bool measuring);

/* Losses of the groups out of rows; one that has no row is left as it is. */
gr_status gr__audit_samples(gr_sample group[GR__GROUPS], const gr__audit_job *job, const gr_ledger *rows,
                            const char *place, gr_error *err);

/* ---- audit_attack.c ---- */

/* What refuses the attack, before anything is trained. */
gr_status gr__audit_attack_check(gr__audit_job *job, gr_error *err);

/* Attacks every model but the placebo; what an earlier call has kept in FOLDER/relearn-NAME.jsonl is read. */
gr_status gr__audit_attack(gr__audit_job *job, gr_error *err);

/* ---- audit_figures.c ---- */

/* The figures that compare, their intervals and the verdict, into the result; docs/measures.md says what each is. */
void gr__audit_figures(const gr__audit_job *job, json_t *result);

/* What each model was and lost. A new object. */
json_t *gr__audit_models(const gr__audit_job *job);

#endif

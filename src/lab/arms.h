/* arms.h - the models that an audit compares: each is made by method `train`, with options of its own.
 *
 *     gr_settings *settings;
 *     GR_TRY(gr__arm_settings(&settings, GR__ARM_FILTERED, err));
 *     GR_TRY(gr__train_run(&made, project, settings, gr__arms[GR__ARM_FILTERED].name, folder, control, err));
 */
#ifndef GR_LAB_ARMS_H
#define GR_LAB_ARMS_H

#include "gradroute/lab.h"

enum { GR__ARM_ROUTED, GR__ARM_PLAIN, GR__ARM_FILTERED, GR__ARM_PERFECT, GR__ARM_PLACEBO, GR__ARMS };

typedef struct gr__arm {
    const char *name;                                            /* of its folder, in tables and progress */
    const char *options;                                         /* of method train, as YAML */
    enum { GR__ALWAYS, GR__LABELS, GR__HIDDEN, GR__ASKED } when; /* there is one, where the recipe does not say so */
} gr__arm;
extern const gr__arm gr__arms[GR__ARMS];

int gr__arm_named(const char *name); /* -1: there is none */

/* Whether the recipe asks for this arm. */
bool gr__arm_wanted(const gr_recipe *recipe, int arm);

/* Its options, new. Errors: those of gr_settings_read. */
gr_status gr__arm_settings(gr_settings **settings, int arm, gr_error *err);

#endif

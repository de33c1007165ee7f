/* attack.h - ways to bring back what was taken out of a model: each attacks a model, and adds rows of how far it came.
 *
 *     const gr_attack *attack = gr_registry_attack(registry, "relearn");
 *     GR_TRY(gr_settings_read(&settings, attack->option, preset, map, err));      {documents: 16, start: removed}
 *     GR_TRY(attack->check(&subject, settings, err));                             before hours of training
 *     ... the model is made ...
 *     GR_TRY(attack->run(rows, &subject, settings, err));
 */
#ifndef GRADROUTE_ATTACK_H
#define GRADROUTE_ATTACK_H

#include "gradroute/measure.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_attack {
    const char *name;         /* the word of experiments and rows: "relearn" */
    const char *help;         /* one line */
    const char *doing;        /* of the note about what begins now: "relearning" */
    int revision;             /* from 1; another one where the same settings give other rows */
    const gr_setting *option; /* NULL: it has none */
    const char *const *tasks; /* "text", "samples"; ended by NULL. NULL: any data */

    /* Puts what the recipe says of this attack in place of the defaults of the table. NULL: recipes say nothing of it.
     */
    void (*preset)(gr_settings *settings, const gr_recipe *recipe);

    /* What refuses the attack, known before there is a model to attack: subject->model is NULL. NULL: nothing does. */
    gr_status (*check)(const gr_subject *subject, const gr_settings *settings, gr_error *err);

    /* Adds the rows. The parameters of the model are afterwards what they were. Errors: those of check, of training and
     * of measuring; GR_ERR_INTERRUPTED where the subject's `after` said so. */
    gr_status (*run)(gr_ledger *rows, const gr_subject *subject, const gr_settings *settings, gr_error *err);

    /* What run would take of a model of this shape, whose parameters it changes: nothing where check refuses. NULL:
     * nobody can say. Errors: those of run. */
    gr_status (*cost)(gr_cost *cost, const gr_subject *subject, const gr_settings *settings, gr_timings *timings,
                      gr_error *err);
} gr_attack;

#ifdef __cplusplus
}
#endif

#endif

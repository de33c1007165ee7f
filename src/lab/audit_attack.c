/* The attack of an audit: on the routed model as it would be shipped, without its regions, and on its twins. The rows
 * of each are kept in a file of the folder, in which a second call finds them. */
#include <string.h>

#include "base/mem.h"
#include "io/digest.h"
#include "io/file.h"
#include "lab/audit_job.h"

typedef gr__audit_job job;

gr_status gr__audit_attack_check(job *j, gr_error *err) {
    j->attack = gr_registry_attack(j->registry, "relearn");
    GR_TRY(gr_settings_read(&j->attack_settings, j->attack->option, NULL, NULL, err));
    j->attack->preset(j->attack_settings, j->project->recipe);

    gr__follow follow;
    gr_subject subject = gr__audit_subject(j, "audit", NULL, NULL, &follow);
    return j->attack->check(&subject, j->attack_settings, err);
}

/* ---- what a file keeps ---- */

/* Texts that say which attack the rows of a file are of: the run, documents that it reads, settings. */
enum { RUN, GROUPS, ATTACK, SETTINGS, MARKS };
typedef struct mark {
    const char *text[MARKS + 1][2]; /* key and text; ended by NULL */
    char groups[GR_DIGEST_HEX];
    char *attack, *settings;
} mark;

/* What tells an attack of these settings on these documents from others. */
static gr_status mark_make(mark *m, const job *j, gr_error *err) {
    *m = (mark){0};
    GR_TRY(gr_settings_key(&m->settings, j->attack_settings, err));
    m->attack = gr_format("%s %d", j->attack->name, j->attack->revision);

    /* Which documents are measured, and which the best point is chosen by. */
    gr_digest *digest = gr_digest_new();
    for (int g = 0; g < j->groups.count; g++) {
        const gr_group *group = &j->groups.group[g];
        gr_digest_add(digest, group->test, group->tests * sizeof *group->test);
        gr_digest_add(digest, group->validation, group->validations * sizeof *group->validation);
    }
    gr_digest_end(digest, m->groups);

    static const char *const keys[MARKS] = {"run", "groups", "attack", "settings"};
    const char *const texts[MARKS] = {j->project->digest, m->groups, m->attack, m->settings};
    for (int i = 0; i < MARKS; i++)
        m->text[i][0] = keys[i], m->text[i][1] = texts[i];
    return GR_OK;
}

static void mark_free(mark *m) {
    gr_free(m->attack);
    gr_free(m->settings);
}

/* The losses and the point of rows; GR_ERR_FORMAT where they lack a row. */
static gr_status take_rows(gr__attacked *out, const job *j, const gr_ledger *rows, const char *path, gr_error *err) {
    const gr_entry *point = gr_ledger_find(rows, "point", NULL);
    GR_TRY(gr__audit_samples(out->group, j, rows, path, err));
    bool whole = point != NULL;
    for (int g = 0; g < GR__GROUPS; g++)
        whole &= out->group[g].count == j->groups.group[g].tests;
    if (!whole)
        return gr_error_set(err, GR_ERR_FORMAT, path, NULL, "the attack lacks a row");

    out->chosen = gr_entry_number(point, "chosen");
    out->lr = gr_entry_number(point, "lr");
    out->step = (int)gr_entry_number(point, "step");
    out->documents = (int64_t)gr_entry_number(point, "documents");
    out->tokens = (int64_t)gr_entry_number(point, "tokens");
    return GR_OK;
}

/* Forgets what was read of an attack. */
static void clear(gr__attacked *a) {
    for (int g = 0; g < GR__GROUPS; g++)
        gr_sample_free(&a->group[g]);
    *a = (gr__attacked){0};
}

/* What an earlier call kept; false where it does not fit. */
static bool read_kept(gr__attacked *out, const job *j, const mark *m, const char *path) {
    gr_ledger *rows = NULL;
    bool fits = gr_file_exists(path) && gr_ledger_read(&rows, path, NULL) == GR_OK &&
                gr_ledger_find(rows, "attack", m->text) && take_rows(out, j, rows, path, NULL) == GR_OK;
    gr_ledger_free(rows);
    if (!fits)
        clear(out);
    return fits;
}

/* ---- attacking ---- */

/* Attacks, keeps the rows, and takes them as they lie in the file. */
static gr_status attack_now(gr__attacked *out, const job *j, const gr_subject *subject, const mark *m, const char *path,
                            gr_error *err) {
    gr_error why = {0};
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_begin(rows, "attack");
    for (int i = 0; i < MARKS; i++)
        gr_ledger_text(rows, m->text[i][0], m->text[i][1]);
    gr_status status = j->attack->run(rows, subject, j->attack_settings, &why);
    if (status == GR_OK)
        status = gr_ledger_write(rows, path, &why);
    gr_ledger_free(rows);

    /* Whoever asked to stop is told what becomes of the folder. */
    if (status == GR_ERR_INTERRUPTED)
        return gr__audit_stopped(j, err);
    if (status != GR_OK)
        return gr_error_set(err, status, why.place, why.hint, "%s", why.message);

    GR_TRY(gr_ledger_read(&rows, path, err));
    status = take_rows(out, j, rows, path, err);
    gr_ledger_free(rows);
    return status;
}

/* Attacks one model, with what is off in it, unless that is done. */
static gr_status attack_one(job *j, gr__attacked *out, const char *name, const gr_made *made, gr_error *err) {
    mark m;
    gr__follow follow;
    gr_tables *off;
    GR_TRY(gr__audit_stopped(j, err));
    gr__audit_note_part(j, j->attack->doing, name, false);
    GR_TRY(mark_make(&m, j, err));

    /* Rows that an earlier call has kept serve, where they are of this attack. */
    char *path = gr_format("%s/%s-%s.jsonl", j->folder, j->attack->name, name);
    gr_status status = GR_OK;
    if (!read_kept(out, j, &m, path)) {
        gr_subject subject = gr__audit_subject(j, name, made, j->attack->doing, &follow);
        status = gr__audit_profile(&off, made, err);
        if (status == GR_OK) {
            subject.profile = off;
            status = attack_now(out, j, &subject, &m, path, err);
            gr_tables_free(off);
        }
    }
    gr_free(path);
    mark_free(&m);
    return status;
}

/* The routed model with its regions off: where they can be taken out, the attack is on what would be shipped. */
gr_status gr__audit_attack(job *j, gr_error *err) {
    j->part = 0;
    GR_TRY(attack_one(j, &j->off_relearned, "routed-off", &j->routed_off, err));
    for (int k = GR__ARM_PLAIN; k < GR__ARM_PLACEBO; k++)
        if (j->has[k])
            GR_TRY(attack_one(j, &j->relearned[k], gr__arms[k].name, &j->arm[k], err));
    return GR_OK;
}

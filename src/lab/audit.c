/* The audit: arms, losses with regions on and off. The test of removal: audit_attack.c. Figures: audit_figures.c. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"
#include "lab/audit.h"
#include "lab/audit_folder.h"
#include "lab/audit_job.h"
#include "lab/experiment_read.h"
#include "method/training.h"

typedef gr__audit_job job;

static void note(const job *j, const char *text) {
    if (j->control->note)
        j->control->note(j->control->user, text);
}

/* The placebo is not attacked, and routed is measured on and off. */
void gr__audit_note_part(job *j, const char *doing, const char *name, bool measuring) {
    int parts = 1 + measuring;
    for (int k = GR__ARM_PLAIN; k < (measuring ? GR__ARMS : GR__ARM_PLACEBO); k++)
        parts += j->has[k];
    gr__forecast_part(&j->forecast, measuring, j->part, parts);
    char *text = gr_format("%s: %s (%d of %d)", doing, name, ++j->part, parts);
    note(j, text);
    gr_free(text);
}

gr_status gr__audit_stopped(const job *j, gr_error *err) {
    return gr__follow_stopped(&(gr__follow){.control = j->control, .folder = j->folder}, err);
}

/* ---- arms and documents ---- */

/* What the regions of a model hold is read off two views of it. */
static gr_status switch_off(job *j, gr_made *off, int k, gr_error *err) {
    const gr_method *ablate = gr_registry_method(j->registry, "ablate");
    gr_settings *settings;
    GR_TRY(gr_settings_read(&settings, ablate->option, NULL, NULL, err));
    gr_making making = {.project = j->project, .settings = settings, .parent = &j->arm[k], .name = gr__arms[k].name};
    gr_status status = gr_method_make(off, ablate, &making, err);
    gr_settings_free(settings);
    return status;
}

/* Trains each wanted model into a folder of its own, which one that is done already only reads. */
static gr_status train_arms(job *j, gr_error *err) {
    for (int k = 0; k < GR__ARMS; k++) {
        if (!j->has[k])
            continue;
        char *folder = gr_format("%s/%s", j->folder, gr__arms[k].name);
        gr_status status =
            gr__train_run(&j->arm[k], j->project, j->settings[k], gr__arms[k].name, folder, j->control, err);
        gr_free(folder);
        GR_TRY(status);
        GR_TRY(gr__audit_stopped(j, err));
    }
    GR_TRY(switch_off(j, &j->routed_off, GR__ARM_ROUTED, err));
    return j->has[GR__ARM_PLACEBO] ? switch_off(j, &j->placebo_off, GR__ARM_PLACEBO, err) : GR_OK;
}

/* Documents of the test by group. */
static gr_status pick_documents(job *j, gr_error *err) {
    static const gr_group_want wanted[GR__GROUPS] = {
        [GR__FORGET] = {.name = "forget", .kind = GR_GROUP_ANY_LABEL, .chosen_on = true},
        [GR__ADJACENT] = {.name = "adjacent", .kind = GR_GROUP_ADJACENT, .optional = true},
        [GR__RETAIN] = {.name = "retain", .kind = GR_GROUP_RETAIN},
    };
    const gr_project *p = j->project;
    if (!p->task->fact(p, "labels"))
        return gr_error_set(err, GR_ERR_USAGE, "labels", "for example labels: {NAME: {is: [TOPIC]}}",
                            "an audit needs a label to remove");
    return p->task->groups(&j->groups, p, wanted, GR__GROUPS, err);
}

/* ---- measuring ---- */

gr_status gr__audit_samples(gr_sample group[GR__GROUPS], const job *j, const gr_ledger *rows, const char *place,
                            gr_error *err) {
    for (int g = 0; g < GR__GROUPS; g++) {
        const char *const where[][2] = {{"group", j->groups.group[g].name}, {NULL, NULL}};
        const gr_entry *row = gr_ledger_find(rows, "loss", where);
        if (row)
            GR_TRY(gr_sample_read(&group[g], row, place, err));
    }
    return GR_OK;
}

/* The rows as a file of them would give them back, and the samples of the groups out of them. */
static gr_status through_text(const job *j, gr__losses_of *out, gr_error *err) {
    static const char place[] = "rows of losses";
    char *lines = gr_ledger_lines(out->rows);
    gr_ledger_free(out->rows);
    gr_status status = gr_ledger_parse(&out->rows, lines, strlen(lines), place, err);
    gr_free(lines);
    return status == GR_OK ? gr__audit_samples(out->group, j, out->rows, place, err) : status;
}

gr_status gr__audit_profile(gr_tables **off, const gr_made *made, gr_error *err) {
    *off = NULL;
    return made->off ? gr_profile_new(off, made->bundle->model, made->off, made->off_count, err) : GR_OK;
}

/* Whether a measure is one of data like these. */
static bool knows(const gr_measure *measure, const gr_project *p) {
    for (int i = 0; measure->tasks && measure->tasks[i]; i++)
        if (!strcmp(measure->tasks[i], p->task->name))
            return true;
    return !measure->tasks;
}

/* Adds the rows of one measure, by its own defaults; none where it does not fit the data. */
static gr_status take(const job *j, gr_ledger *rows, const char *name, const gr_subject *subject, gr_error *err) {
    const gr_measure *measure = gr_registry_measure(j->registry, name);
    gr_settings *settings;
    if (!knows(measure, j->project))
        return GR_OK;
    GR_TRY(gr__options_read(&settings, measure->option, measure->preset, j->project->recipe, NULL, err));
    gr_error why = {0};
    gr_status status = measure->run(rows, subject, settings, &why);
    gr_settings_free(settings);

    /* Whoever asked to stop is told what becomes of the folder. */
    if (status == GR_ERR_INTERRUPTED)
        return gr__audit_stopped(j, err);
    return status == GR_OK ? GR_OK : gr_error_set(err, status, why.place, why.hint, "%s", why.message);
}

gr_subject gr__audit_subject(const job *j, const char *name, const gr_made *made, const char *doing,
                             gr__follow *follow) {
    static const gr_made nothing;
    const gr_project *p = j->project;
    made = made ? made : &nothing;
    gr__follow_begin(follow, j->control, j->folder, doing, name);

    /* A profile and a pass are the caller's. */
    return (gr_subject){.name = name,
                        .recipe = p->recipe,
                        .model = made->bundle ? made->bundle->model : NULL,
                        .off = made->off,
                        .off_count = made->off_count,
                        .bundle = made->path,
                        .data = p->data,
                        .labels = p->labels,
                        .tokenizer = p->tokenizer,
                        .groups = &j->groups,
                        .units = GR_UNITS_DOCUMENTS,
                        .seed = p->recipe->split_seed,
                        .after = gr__follow_told,
                        .user = follow};
}

/* One pass over the test serves both measures; figures read rows as they would lie in a file. */
static gr_status measure(job *j, gr__losses_of *out, const gr_subject *subject, gr_error *err) {
    out->rows = gr_ledger_new();
    GR_TRY(take(j, out->rows, "loss", subject, err));
    GR_TRY(take(j, out->rows, "accuracy", subject, err));
    return through_text(j, out, err);
}

/* Losses, right answers and completions of one model, with the regions of its profile off. */
static gr_status evaluate(job *j, gr__losses_of *out, const char *name, const gr_made *made, gr_error *err) {
    GR_TRY(gr__audit_stopped(j, err));
    gr__audit_note_part(j, gr_registry_measure(j->registry, "loss")->doing, name, true);

    gr__follow follow;
    gr_subject subject = gr__audit_subject(j, name, made, "measuring", &follow);
    gr_tables *off;
    GR_TRY(gr__audit_profile(&off, made, err));
    subject.profile = off;
    subject.pass = gr_pass_new();
    gr_status status = measure(j, out, &subject, err);
    gr_pass_free(subject.pass);
    gr_tables_free(off);
    return status;
}

/* Every model as it is, the routed one and the placebo with their regions off too. */
static gr_status evaluate_all(job *j, gr_error *err) {
    j->part = 0;
    GR_TRY(evaluate(j, &j->on, "routed", &j->arm[GR__ARM_ROUTED], err));
    GR_TRY(evaluate(j, &j->off, "routed with its regions off", &j->routed_off, err));
    for (int k = GR__ARM_PLAIN; k < GR__ARM_PLACEBO; k++)
        if (j->has[k])
            GR_TRY(evaluate(j, &j->twin[k], gr__arms[k].name, &j->arm[k], err));
    if (j->has[GR__ARM_PLACEBO]) /* it is asked what its region took along */
        GR_TRY(evaluate(j, &j->twin[GR__ARM_PLACEBO], "placebo with its regions off", &j->placebo_off, err));
    return GR_OK;
}

/* ---- completions ---- */

/* Completions of all prompts, in the items of the list. */
static gr_status complete_each(const job *j, const gr_made *made, json_t *list, const char *key, gr_error *err) {
    gr__follow follow;
    gr_subject subject = gr__audit_subject(j, "routed", made, "completing", &follow);
    gr_tables *off;
    GR_TRY(gr__audit_profile(&off, made, err));
    subject.profile = off;
    subject.after = gr__follow_asked; /* it takes no time to speak of */
    gr_ledger *rows = gr_ledger_new();
    gr_status status = take(j, rows, "complete", &subject, err);
    for (size_t i = 0; status == GR_OK && i < gr_ledger_size(rows); i++)
        json_object_set_new(json_array_get(list, i), key, json_string(gr_entry_text(gr_ledger_at(rows, i), "text")));
    gr_ledger_free(rows);
    gr_tables_free(off);
    return status;
}

/* The same prompts with the regions on and with them off. */
static gr_status complete_all(const job *j, json_t *list, gr_error *err) {
    const gr_recipe *r = j->project->recipe;
    for (int i = 0; i < r->prompts; i++)
        json_array_append_new(list, json_pack("{s:o}", "prompt", gr_json_text(r->prompt[i])));
    if (r->prompts == 0)
        return GR_OK;
    GR_TRY(complete_each(j, &j->arm[GR__ARM_ROUTED], list, "on", err));
    return complete_each(j, &j->routed_off, list, "off", err);
}

/* ---- the whole ---- */

/* Counts of the data, as the rows of the task have them. */
static json_t *data_figures(const gr_project *p) {
    static const char *const counts[] = {"documents", "read", "duplicates", "train", "validation", "test"};
    gr_ledger *rows = gr_ledger_new();
    json_t *data = json_object(), *groups = json_object(), *known = json_object();
    p->task->rows(rows, p, NULL);

    for (size_t i = 0; i < gr_ledger_size(rows); i++) {
        const gr_entry *row = gr_ledger_at(rows, i);
        const char *kind = gr_entry_text(row, "row"), *name = gr_entry_text(row, "name");
        if (!strcmp(kind, "group"))
            json_object_set_new(groups, name, json_integer((json_int_t)gr_entry_number(row, "documents")));
        if (!strcmp(kind, "label"))
            json_object_set_new(known, name, json_integer((json_int_t)gr_entry_number(row, "known")));
        if (strcmp(kind, "data") != 0)
            continue;
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
            json_object_set_new(data, counts[k], json_integer((json_int_t)gr_entry_number(row, counts[k])));
        json_object_set_new(data, "used_fallback", json_boolean(gr_entry_number(row, "used_fallback") != 0));
        json_object_set_new(data, "vocab", json_integer((json_int_t)gr_entry_number(row, "vocab")));
        json_object_set_new(data, "counted", json_string(gr_entry_text(row, "counted")));
        json_object_set_new(data, "unit", json_string(gr_entry_text(row, "unit")));
    }
    json_object_set_new(data, "groups", groups);
    json_object_set_new(data, "known", known);
    gr_ledger_free(rows);
    return data;
}

/* What may refuse an arm, before a file has changed and hours of training. */
static gr_status check_arm(const job *j, int k, gr_error *err) {
    gr_making making = {.project = j->project, .settings = j->settings[k], .name = gr__arms[k].name};
    return gr_registry_method(j->registry, "train")->check(&making, err);
}

/* Twins that would say more: what the audit prints a command for. */
static json_t *missing_twins(const job *j) {
    gr_error no = {0};
    json_t *list = json_array();
    if (!j->has[GR__ARM_PLACEBO] && check_arm(j, GR__ARM_PLACEBO, &no) == GR_OK)
        json_array_append_new(list, json_string(gr__arms[GR__ARM_PLACEBO].name));
    return list;
}

/* Figures, sizes and times into the result. */
static gr_status figures(job *j, json_t *result, double seconds, gr_error *err) {
    const gr_project *p = j->project;
    int count = p->recipe->model.region_count;
    size_t core, *region = gr_alloc(((size_t)count + 1) * sizeof *region);
    gr_status status = gr_arch_parameters(&p->recipe->model, &core, region, err);
    json_t *regions = json_object(), *completions = json_array();
    int64_t tokens = 0;
    double trained = 0;
    for (int i = 0; i < count; i++)
        json_object_set_new(regions, p->recipe->model.regions[i].name, json_integer((json_int_t)region[i]));
    gr_free(region);

    /* What training took, over all arms. */
    for (int k = 0; k < GR__ARMS; k++) {
        tokens += j->arm[k].tokens;
        trained += j->arm[k].seconds;
    }

    /* The figures, then what they were made of. */
    gr__audit_figures(j, result);
    json_object_set_new(result, "seconds", json_real(trained + seconds));
    json_object_set_new(result, "tokens_per_s", json_real(trained > 0 ? (double)tokens / trained : 0));
    json_object_set_new(result, "models", gr__audit_models(j));
    json_object_set_new(result, "parameters", json_pack("{s:I, s:o}", "core", (json_int_t)core, "regions", regions));
    json_object_set_new(result, "data", data_figures(p));
    json_object_set_new(result, "relearn",
                        json_pack("{s:I, s:I, s:i}", "documents", (json_int_t)j->off_relearned.documents, "tokens",
                                  (json_int_t)j->off_relearned.tokens, "steps", p->recipe->relearn.steps));
    if (status == GR_OK)
        status = complete_all(j, completions, err);
    json_object_set_new(result, "completions", completions);
    json_object_set_new(result, "missing_twins", missing_twins(j));
    json_object_set_new(result, "folder", gr_json_text(j->folder));
    return status;
}

/* In a folder that is claimed. */
static gr_status work_in(job *j, json_t *result, gr_error *err) {
    GR_TRY(gr_project_keep(j->project, err));
    GR_TRY(gr__forecast_begin(&j->forecast, j->project, j->folder, j->control, err));
    j->control = &j->forecast.control;
    GR_TRY(train_arms(j, err));
    double start = gr__now();
    GR_TRY(evaluate_all(j, err));
    GR_TRY(gr__audit_attack(j, err));
    return figures(j, result, gr__now() - start, err);
}

/* What it was made of, and the file. */
static gr_status finish(const job *j, json_t *result, gr_error *err) {
    char *path = gr_format("%s/result.json", j->folder), *recipe;
    gr_status status = gr_recipe_text(j->project->recipe, &recipe, err);
    if (status == GR_OK) {
        json_object_set_new(result, "digest", json_string(j->project->digest));
        json_object_set_new(result, "recipe", json_string(recipe));
        status = gr_json_write(result, path, err);
        gr_free(recipe);
    }
    gr_free(path);
    return status;
}

/* Everything that may refuse, then the folder, then the models. */
static gr_status work(job *j, json_t *result, gr_error *err) {
    gr__output out;

    /* First what may refuse. */
    for (int k = 0; k < GR__ARMS; k++) {
        GR_TRY(gr__arm_settings(&j->settings[k], k, err));
        j->has[k] = gr__arm_wanted(j->project->recipe, k);
        if (j->has[k])
            GR_TRY(check_arm(j, k, err));
    }
    GR_TRY(pick_documents(j, err));
    GR_TRY(gr__audit_attack_check(j, err));
    GR_TRY(gr__output_claim(&out, j->folder, &gr__folder_of_audits, j->project, true, err));
    gr_status status = work_in(j, result, err);
    if (status == GR_OK)
        status = finish(j, result, err);
    gr__output_release(&out);
    return status;
}

static void free_samples(gr_sample group[GR__GROUPS]) {
    for (int g = 0; g < GR__GROUPS; g++)
        gr_sample_free(&group[g]);
}

static void free_losses(gr__losses_of *l) {
    free_samples(l->group);
    gr_ledger_free(l->rows);
}

/* What an audit holds, as far as it came. */
static void free_job(job *j) {
    for (int k = 0; k < GR__ARMS; k++) {
        gr_made_free(&j->arm[k]);
        gr_settings_free(j->settings[k]);
        free_losses(&j->twin[k]);
        free_samples(j->relearned[k].group);
    }
    gr_made_free(&j->routed_off);
    gr_made_free(&j->placebo_off);
    free_losses(&j->on);
    free_losses(&j->off);
    free_samples(j->off_relearned.group);
    gr_groups_free(&j->groups);
    gr_settings_free(j->attack_settings);
    gr_registry_free(j->registry);
}

/* A result that an earlier call finished, if it is of the same settings. */
static json_t *finished(const char *path, const char *recipe, const char *digest) {
    json_t *result = NULL;
    const char *text = NULL, *made_by = NULL;
    if (gr_file_exists(path) && gr_json_read(&result, path, NULL) == GR_OK &&
        json_unpack(result, "{s:s, s:s}", "recipe", &text, "digest", &made_by) == 0 && strcmp(text, recipe) == 0 &&
        strcmp(made_by, digest) == 0)
        return result;
    json_decref(result);
    return NULL;
}

gr_status gr_audit_run(gr_audit **audit, gr_project *p, const char *folder, const gr_control *control, gr_error *err) {
    static const gr_control none;
    *audit = NULL;
    char *path = gr_format("%s/result.json", folder), *recipe = NULL;

    /* An audit that is done is read, not made again. */
    gr_status status = gr_recipe_text(p->recipe, &recipe, err);
    json_t *result = status == GR_OK ? finished(path, recipe, p->digest) : NULL;
    if (result)
        gr__output_sweep(folder);

    /* Else all of it. */
    if (status == GR_OK && !result) {
        job j = {.project = p, .registry = gr_registry_new(), .folder = folder, .control = control ? control : &none};
        result = json_object();
        status = work(&j, result, err);
        free_job(&j);
    }
    if (status == GR_OK) {
        *audit = gr_alloc(sizeof **audit);
        (*audit)->result = result;
    } else {
        json_decref(result);
    }
    gr_free(path);
    gr_free(recipe);
    return status;
}

char *gr_audit_json(const gr_audit *audit) {
    char *text = json_dumps(audit->result, JSON_INDENT(2)), *copy = gr_strdup(text);
    free(text);
    return copy;
}

void gr_audit_free(gr_audit *audit) {
    if (!audit)
        return;
    json_decref(audit->result);
    gr_free(audit);
}

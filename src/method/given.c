/* A model that was made elsewhere takes its place in an experiment: copied as it is, and known by the digest of its
 * folder.
 *
 *     {"row": "model", "parameters", "core"}       its sizes, and by_truth where it is known what it was told
 *     {"row": "region", "name", "parameters"}      for each of its regions
 *     {"row": "given", "sha256"}                   the digest of the manifest that was given
 *
 * What it was trained on and for how long is not known here; by_truth says what was left out of it, by true labels or
 * by those that are revealed.
 *
 * The manifest holds the digests of all files of the model: it alone decides the cell's key, wherever the folder lies.
 * The copy's manifest has a digest of its own, since it also names the cell. */
#include "method/given.h"

#include <string.h>

#include "arch/kind.h"
#include "base/mem.h"
#include "gradroute/method.h"
#include "gradroute/task.h"
#include "io/digest.h"
#include "io/file.h"

const char *const gr__given_words[] = {"unknown", "revealed", "true_labels", NULL};

static const gr_setting options[] = {{.key = "model",
                                      .help = "folder of the model, or of the run that made it",
                                      .kind = GR_SETTING_FILE,
                                      .free = true}, /* where it lies decides nothing: what it holds is digested */
                                     {.key = "told",
                                      .help = "by which labels its training left documents out, where some are hidden",
                                      .kind = GR_SETTING_WORD,
                                      .word = gr__given_words},
                                     {0}};

/* What the folder holds, without opening a file of numbers: gr_arch_free, and a new string. */
static gr_status look(gr_arch_def **def, char sha256[65], char **path, const gr_making *m, gr_error *err) {
    const char *said = gr_settings_get(m->settings, "model")->text;
    if (!said)
        return gr_error_set(err, GR_ERR_USAGE, m->name, "given: {model: FOLDER}",
                            "the model that is given is not named");
    GR_TRY(gr_bundle_find(path, said, err));

    /* Described by its manifest, whose digest is checked. */
    gr_status status = gr_bundle_describe(def, sha256, *path, err);
    if (status != GR_OK)
        gr_free(*path);
    return status;
}

/* ---- whether it fits ---- */

static gr_status refuse(const gr_making *m, const char *path, const char *hint, const char *why, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, path, hint, "as %s it cannot be compared: %s", m->name, why);
}

/* Losses in tokens of another vocabulary would be losses of something else. */
static gr_status check_vocabulary(const gr_making *m, const gr_arch_def *def, const char *path, gr_error *err) {
    const gr_project *p = m->project;
    char why[160], *file = gr_format("%s/tokenizer.json", path);
    gr_tokenizer *own = NULL;
    gr_status status = gr_file_exists(file) ? gr_tokenizer_open(&own, file, err) : GR_OK;
    gr_free(file);
    GR_TRY(status);

    /* A folder without a vocabulary is taken at its size. */
    const bool same =
        own ? p->tokenizer && gr_tokenizer_equal(own, p->tokenizer) : def->vocab == p->recipe->model.vocab;
    gr_tokenizer_free(own);
    if (same)
        return GR_OK;
    snprintf(why, sizeof why, "its vocabulary (%d tokens) is not that of the data (%d)", def->vocab,
             p->recipe->model.vocab);
    return refuse(m, path, "read the data by its own: data.tokenizer={file: FOLDER/tokenizer.json}", why, err);
}

/* All models of a comparison read the same rows of the same tokens, or the same samples. */
static gr_status check_fits(const gr_making *m, const gr_arch_def *def, const char *path, gr_error *err) {
    const gr_recipe *r = m->project->recipe;
    const bool sized = gr__arch_of(def)->sized;
    char why[160];
    if (sized != gr__arch_of(&r->model)->sized)
        return refuse(m, path, "choose data of its kind", sized ? "it reads no text" : "it reads text alone", err);
    if (!sized && def->context != r->data.context) {
        snprintf(why, sizeof why, "it was trained on rows of %d tokens, the data are in rows of %d", def->context,
                 r->data.context);
        return refuse(m, path, "models that are compared have one context; data.context says that of the data", why,
                      err);
    }
    if (!sized)
        return check_vocabulary(m, def, path, err);

    /* Samples: what goes in, and what comes out. */
    const int *want = r->model.sizes, last = r->model.size_count - 1;
    if (def->sizes[0] == want[0] && def->sizes[def->size_count - 1] == want[last])
        return GR_OK;
    snprintf(why, sizeof why, "it reads %d numbers and knows %d classes, the data have %d and %d", def->sizes[0],
             def->sizes[def->size_count - 1], want[0], want[last]);
    return refuse(m, path, "choose the data that it was trained on", why, err);
}

static gr_status check(const gr_making *m, gr_error *err) {
    gr_arch_def *def;
    char sha256[65], *path;
    GR_TRY(look(&def, sha256, &path, m, err));
    gr_status status = check_fits(m, def, path, err);
    gr_arch_free(def);
    gr_free(path);
    return status;
}

/* ---- what it is known by ---- */

/* The manifest's digest: that holds the digests of all files of the model. */
static gr_status digest(const gr_making *m, gr_digest *to, gr_error *err) {
    gr_arch_def *def;
    char sha256[65], *path;
    GR_TRY(look(&def, sha256, &path, m, err));
    gr_digest_add(to, sha256, strlen(sha256));
    gr_arch_free(def);
    gr_free(path);
    return GR_OK;
}

/* Its sizes, and which model it was. What it was trained on and for how long is not known here; what it was told is, if
 * somebody says so. */
static void add_rows(gr_ledger *rows, const gr_made *made, int told, const char *sha256) {
    const gr_arch_def *def = made->bundle->def;
    size_t core, *region = gr_alloc(((size_t)def->region_count + 1) * sizeof *region);
    const bool known = gr_arch_parameters(def, &core, region, NULL) == GR_OK;

    /* Sizes of the whole, of the core, of each region. */
    gr_ledger_begin(rows, "model");
    gr_ledger_count(rows, "parameters", (int64_t)gr_model_size(made->bundle->model));
    if (known)
        gr_ledger_count(rows, "core", (int64_t)core);
    if (told != GR__GIVEN_UNKNOWN)
        gr_ledger_count(rows, "by_truth", told == GR__GIVEN_TRUE_LABELS);
    for (int i = 0; known && i < def->region_count; i++) {
        gr_ledger_begin(rows, "region");
        gr_ledger_text(rows, "name", def->regions[i].name);
        gr_ledger_count(rows, "parameters", (int64_t)region[i]);
    }
    gr_free(region);

    /* By which anybody can tell which model was measured. */
    gr_ledger_begin(rows, "given");
    gr_ledger_text(rows, "sha256", sha256);
}

/* ---- the model ---- */

static gr_status make(gr_made *made, const gr_making *m, gr_error *err) {
    gr_arch_def *def;
    char sha256[65], *path;
    gr_bundle *bundle;
    *made = (gr_made){0};

    /* The folder may be another one than when the experiment was opened. */
    GR_TRY(check(m, err));
    GR_TRY(look(&def, sha256, &path, m, err));
    gr_arch_free(def);
    gr_status status = gr_bundle_load(&bundle, path, NULL, 0, err);
    gr_free(path);
    GR_TRY(status);

    /* A copy, so that the experiment stands by itself; its manifest says what the given one says. */
    gr_made given = {.bundle = bundle};
    gr_making from = *m;
    from.parent = &given;
    status = gr_made_save(made, &from, bundle->def, bundle->model, err);
    gr_bundle_free(bundle);
    if (status == GR_OK && m->rows)
        add_rows(m->rows, made, (int)gr_settings_get(m->settings, "told")->number, sha256);
    return status;
}

static gr_status draft(gr_made *made, const gr_making *m, gr_error *err) {
    char *path;
    *made = (gr_made){0};
    GR_TRY(gr_bundle_find(&path, gr_settings_get(m->settings, "model")->text, err));
    gr_status status = gr_made_load(made, path, m->project->recipe->precision, err);
    gr_free(path);
    return status;
}

const gr_method gr__method_given = {
    .name = "given",
    .help = "a model that was made elsewhere",
    .doing = "copying",
    .revision = 1,
    .sees = GR_SEES_REVEALED,
    .option = options,
    .check = check,
    .digest = digest,
    .make = make,
    .draft = draft,
};

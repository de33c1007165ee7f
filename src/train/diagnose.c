/* Diagnostics: for a few rows of each kind the gradient of their mean loss under their own routes, by region; and the
 * loss of a few held-out documents with each region on and off.
 *
 * Both take turns where there are many kinds or regions, so that a measurement costs about the same in every model. The
 * figures are put together as text for the step's line of metrics. Nothing here writes a parameter. */
#include "train/diagnose.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "io/json.h"

enum {
    POSITIONS = 512,    /* of a sample: one block of rows */
    DOCUMENTS = 512,    /* that rows of a kind are taken from, in turn */
    KINDS_A_TIME = 4,   /* more take turns, so that the cost does not grow with them */
    REGIONS_A_TIME = 2, /* the same for regions that are switched off */
    LABELS_A_TIME = 4,  /* groups of labels without a region of their own */
    WARNING = 160       /* bytes of a warning */
};
/* When to warn, nats per token, and after which share of the steps; docs/measures.md says why. */
static const double retain_most = 1.0, forget_least = 0.02, forget_after = 0.25;

/* Rows of one true label: core rows, rows whose label is revealed, or rows whose label is hidden. */
typedef struct kind {
    char *key;     /* as JSON */
    int label;     /* 0: the core */
    bool hidden;   /* the label is not revealed to training */
    gr_scan *scan; /* a sample of such documents */
    int batches;   /* of the scan; measurements take them in turn */
} kind;

typedef struct group { /* held-out documents as the labels group them */
    char *key;         /* as JSON */
    gr_scan *scan;     /* NULL: there are none */
} group;

struct gr__diagnosis {
    const gr_model *model;
    const gr_labels *labels;
    gr_run *run; /* the trainer's */
    const gr_optim *optim;
    int64_t every, probe, steps; /* steps between gradients, between probes; steps of the run */
    int regions;
    char **owner; /* [1 + regions] keys as JSON */

    /* Gradients. */
    gr__assembly *assembly;
    gr__norms *norms;
    kind *kind;
    int kinds;
    double *gradient, *update; /* [KINDS_A_TIME * (1 + regions)] sums of squares */

    /* Losses with regions on and off. */
    group *group; /* [groups] as the labels have them */
    int groups, width;
    gr_tables *profiles; /* class 0: all on; 1 + r: region r off */
    gr_run *eval;
    gr_value row_loss;
    int32_t *start, *cls;
    double *loss; /* [groups * (1 + regions)] NaN: not measured this time */

    /* What is said of the last step. */
    char *json;                        /* members after a comma */
    size_t size, used;                 /* bytes of json */
    double absorption, forget, retain; /* the latest, NaN: none yet */
    bool warned, was_warned;           /* by this probe, by the one before */
    bool fresh_warning;
    char warning[WARNING];
};

/* ---- text ---- */

/* Appends to the text of this step. It was taken large enough; what would not fit is left out. */
static void add(gr__diagnosis *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends to the line of metrics; what has no room is left out whole. */
static void add(gr__diagnosis *d, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = gr__vprint(d->json + d->used, d->size - d->used, format, list);
    va_end(list);
    d->used += n > 0 && (size_t)n < d->size - d->used ? (size_t)n : 0;
}

/* A member of the object; what is not finite is null, for JSON has no word for it. */
static void add_number(gr__diagnosis *d, const char *key, double value, bool first) {
    if (isfinite(value))
        add(d, "%s%s: %.6g", first ? "" : ", ", key, value);
    else
        add(d, "%s%s: null", first ? "" : ", ", key);
}

/* A name and what is added to it as a quoted JSON text; the caller frees it. */
static char *key_of(const char *name, const char *more) {
    char *text = gr_format("%s%s", name, more), *key = gr_json_quoted(text);
    gr_free(text);
    return key;
}

/* ---- making one ---- */

/* Kinds are numbered 2 * label + hidden (gr__sample_wants). */
static bool wants_kind(const gr_labels *labels, uint32_t doc, int which) {
    int label = which / 2;
    bool hidden = which % 2;
    return labels->truth[doc] == label && (labels->revealed[doc] != label) == hidden;
}

static bool wants_group(const gr_labels *labels, uint32_t doc, int which) { return labels->group[doc] == which; }

/* The region that is there for a label: of its name, or the only one. */
static int region_of(const gr__diagnosis *d, int label) {
    int r = gr_model_find_region(d->model, d->labels->label_names[label - 1]);
    return r != GR_NONE ? r : d->regions == 1 ? 0 : GR_NONE;
}

/* Samples of each kind that occurs, and what their gradients are measured with. */
static gr_status open_kinds(gr__diagnosis *d, const gr_train_def *def, gr_error *err) {
    const gr_diagnostics_def *own = &def->diagnostics;

    /* One block of positions in all: with second showings half as many rows. */
    int copies = gr_router_copies(def->router), rows = POSITIONS / def->width / (copies ? 2 : 1);
    rows = rows < 1 ? 1 : rows > def->rows ? def->rows : rows;

    d->kind = gr_alloc(sizeof *d->kind * 2 * (size_t)(1 + d->labels->label_count));
    for (int which = 0; which < 2 * (1 + d->labels->label_count); which++) {
        kind *k = &d->kind[d->kinds];
        k->label = which / 2;
        k->hidden = which % 2;
        GR_TRY(gr__sample_new(&k->scan, &k->batches, own->data, d->labels, own->data->train, own->data->train_count,
                              wants_kind, which, DOCUMENTS, own->seed, (uint32_t)which, rows, def->width, err));
        if (!k->scan || (k->hidden && !k->label)) { /* core rows without a label are core rows */
            gr_scan_free(k->scan);
            k->scan = NULL;
            continue;
        }
        k->key = key_of(k->label ? d->labels->label_names[k->label - 1] : "core", k->hidden ? " hidden" : "");
        d->kinds++;
    }

    d->assembly = gr__assembly_new(rows, def->width, def->micro, def->router);
    d->norms = gr__norms_new(def->model, gr_run_tables(d->run));
    d->gradient = gr_alloc(sizeof *d->gradient * KINDS_A_TIME * (size_t)(1 + d->regions));
    d->update = gr_alloc(sizeof *d->update * KINDS_A_TIME * (size_t)(1 + d->regions));
    return GR_OK;
}

/* Tables to run with regions switched off: class 0 has all on, class 1 + r all but region r. */
static gr_tables *profiles(const gr_model *model) {
    int n = gr_model_regions(model);
    gr_tables *tables = gr_tables_new(model, 1 + n);
    double *on = gr_alloc(sizeof *on * (size_t)(1 + n));
    for (int r = 0; r < n; r++) {
        for (int c = 0; c <= n; c++)
            on[c] = c != 1 + r;
        gr_tables_gate(tables, r, on);
    }
    gr_free(on);
    gr_tables_finish(tables);
    return tables;
}

static int probe_rows(int width) { return POSITIONS / width < 1 ? 1 : POSITIONS / width; }

size_t gr_diagnostics_plan(const gr_model *model, const gr_diagnostics_def *def, const gr_labels *labels, int width) {
    const gr_dataset *data = def->data;
    const int rows = probe_rows(width);
    if (def->probe <= 0 || !gr_model_regions(model) || !data || !labels)
        return 0;
    gr_tables *tables = profiles(model);
    gr_memory memory = gr_run_plan(model, tables, &(gr_run_def){.positions = rows * width});
    gr_tables_free(tables);

    /* Beside the run a sample of each group, of documents that have one token at least. */
    size_t documents = data->validation_count < POSITIONS ? data->validation_count : POSITIONS;
    return memory.total - memory.parameters + 2 * (size_t)rows * (size_t)width * sizeof(int32_t) +
           (size_t)labels->group_count * gr_scan_plan(data, documents, rows, width);
}

/* For each group of documents a sample of those that are held out. */
static gr_status open_groups(gr__diagnosis *d, const gr_train_def *def, gr_error *err) {
    enum { KEYS = 1 << 16 }; /* apart from those of kinds */
    const gr_dataset *data = def->diagnostics.data;
    int rows = probe_rows(def->width), batches;
    size_t n = (size_t)rows * (size_t)def->width;

    /* A sample of held-out documents for each group. */
    d->groups = d->labels->group_count;
    d->group = gr_alloc(sizeof *d->group * (size_t)d->groups);
    for (int g = 0; g < d->groups; g++) {
        d->group[g].key = key_of(d->labels->group_names[g], "");
        GR_TRY(gr__sample_new(&d->group[g].scan, &batches, data, d->labels, data->validation, data->validation_count,
                              wants_group, g, POSITIONS, def->diagnostics.seed, (uint32_t)(KEYS + g), rows, def->width,
                              err));
    }

    /* One batch of them, under each profile. */
    d->width = def->width;
    d->start = gr_alloc(sizeof *d->start * n);
    d->cls = gr_alloc(sizeof *d->cls * n);
    d->loss = gr_alloc(sizeof *d->loss * (size_t)d->groups * (size_t)(1 + d->regions));
    d->profiles = profiles(def->model);
    return gr_run_new(&d->eval, def->model, d->profiles, &(gr_run_def){.positions = (int)n}, err);
}

/* Every key with a number, at most once in each of: gradient, update (kinds x owners), absorption, losses. */
static size_t text_most(const gr__diagnosis *d) {
    enum { NUMBER = 24 };
    size_t owners = 0, kinds = 0, groups = 0;
    for (int o = 0; o <= d->regions; o++)
        owners += strlen(d->owner[o]) + NUMBER;
    for (int k = 0; k < d->kinds; k++)
        kinds += strlen(d->kind[k].key) + NUMBER;
    for (int g = 0; g < d->groups; g++)
        groups += strlen(d->group[g].key) + NUMBER;
    return 3 * kinds + 2 * (size_t)d->kinds * owners + (size_t)(1 + d->regions) * groups + owners + 2 * WARNING + 512;
}

/* What is due at any time of this run; the other parts stay empty. */
static gr_status open_all(gr__diagnosis *d, const gr_train_def *def, gr_error *err) {
    if (d->every > 0)
        GR_TRY(open_kinds(d, def, err));
    d->row_loss = gr_model_output(def->model, "row_loss");
    if (d->row_loss == GR_NONE || !def->diagnostics.data->validation_count)
        d->probe = 0;
    if (d->probe > 0)
        GR_TRY(open_groups(d, def, err));

    d->size = text_most(d);
    d->json = gr_alloc(d->size);
    return GR_OK;
}

gr_status gr__diagnosis_new(gr__diagnosis **diagnosis, const gr_train_def *def, gr_run *run, const gr_optim *optim,
                            gr_error *err) {
    const gr_diagnostics_def *own = &def->diagnostics;
    int regions = gr_model_regions(def->model);

    /* Nothing to measure is no error. */
    *diagnosis = NULL;
    if (!own->data || !def->labels || !def->labels->label_count || !def->router || !regions ||
        (own->every <= 0 && own->probe <= 0))
        return GR_OK;

    gr__diagnosis *d = gr_alloc(sizeof *d);
    d->model = def->model;
    d->labels = def->labels;
    d->run = run;
    d->optim = optim;
    d->every = own->every;
    d->probe = own->probe;
    d->steps = def->steps;
    d->regions = regions;
    d->absorption = d->forget = d->retain = NAN;

    /* The core and the regions as keys. */
    d->owner = gr_alloc(sizeof *d->owner * (size_t)(1 + regions));
    for (int o = 0; o <= regions; o++)
        d->owner[o] = key_of(o ? gr_model_region(def->model, o - 1)->name : "core", "");

    gr_status status = open_all(d, def, err);
    if (status != GR_OK) {
        gr__diagnosis_free(d);
        return status;
    }

    *diagnosis = d;
    return GR_OK;
}

void gr__diagnosis_free(gr__diagnosis *d) {
    if (!d)
        return;
    for (int k = 0; k < d->kinds; k++) {
        gr_scan_free(d->kind[k].scan);
        gr_free(d->kind[k].key);
    }
    for (int g = 0; g < d->groups; g++) {
        gr_scan_free(d->group[g].scan);
        gr_free(d->group[g].key);
    }
    for (int o = 0; o <= d->regions; o++)
        gr_free(d->owner[o]);

    /* What measures; d->run is the trainer's. */
    gr__assembly_free(d->assembly);
    gr__norms_free(d->norms);
    gr_run_free(d->eval);
    gr_tables_free(d->profiles);

    /* Lists. */
    void *owned[] = {d->kind, d->group, d->owner, d->gradient, d->update, d->start, d->cls, d->loss, d->json};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        gr_free(owned[i]);
    gr_free(d);
}

/* ---- gradients ---- */

/* The gradient of the mean loss of these rows, second showings included, as a step would have it; its sums of squares
 * by owner go to `place` of d->gradient and d->update. */
static void differentiate(gr__diagnosis *d, const gr_rows *rows, int64_t step, int place) {
    size_t at = (size_t)place * (size_t)(1 + d->regions);

    gr__assembly_fill(d->assembly, rows, step);
    gr_run_zero(d->run);
    for (int i = 0; i < gr__assembly_batches(d->assembly); i++) {
        gr_batch batch = gr__assembly_batch(d->assembly, i);
        gr_run_forward(d->run, &batch);
        gr_run_backward(d->run);
    }
    gr_run_reduce(d->run);

    gr__norms_measure(d->norms, d->run, d->optim, d->gradient + at, d->update + at);
}

/* Share of a sum of squares that lies in the label's region; in all regions where none is its own. */
static double share(const gr__diagnosis *d, const double *squares, int label) {
    int own = region_of(d, label);
    double all = 0, in = 0;
    for (int o = 0; o <= d->regions; o++) {
        all += squares[o];
        in += o && (own == GR_NONE || own == o - 1) ? squares[o] : 0;
    }
    return all > 0 ? in / all : NAN;
}

/* ', "NAME": {KIND: {OWNER: norm, ..}, ..}' */
static void add_norms(gr__diagnosis *d, const char *name, const double *squares, const int *which, int count) {
    add(d, ", \"%s\": {", name);
    for (int i = 0; i < count; i++) {
        add(d, "%s%s: {", i ? ", " : "", d->kind[which[i]].key);
        for (int o = 0; o <= d->regions; o++)
            add_number(d, d->owner[o], sqrt(squares[i * (1 + d->regions) + o]), !o);
        add(d, "}");
    }
    add(d, "}");
}

/* ', "absorption": {KIND: share, ..}' of all kinds but the core; docs/measures.md says what it means. */
static void add_absorption(gr__diagnosis *d, const int *which, int count) {
    bool first = true, hidden = false;
    add(d, ", \"absorption\": {");
    for (int i = 0; i < count; i++) {
        /* Each kind's batches come in turn, too. */
        const kind *k = &d->kind[which[i]];
        if (!k->label)
            continue;

        double value = share(d, d->gradient + (size_t)i * (size_t)(1 + d->regions), k->label);
        add_number(d, k->key, value, first);
        first = false;

        /* The caller's progress gets one of them: the first of hidden rows, else the last. Hidden rows say more,
         * because the labelled ones are often routed to the region altogether. */
        if (!hidden)
            d->absorption = value;
        hidden = hidden || k->hidden;
    }
    add(d, "}");
}

/* Takes the kinds whose turn it is, a batch of each, and writes down their figures. */
static void measure_gradients(gr__diagnosis *d, int64_t step) {
    int which[KINDS_A_TIME] = {0}, count = d->kinds < KINDS_A_TIME ? d->kinds : KINDS_A_TIME;
    int64_t turn = step / d->every;
    for (int i = 0; i < count; i++) {
        gr_rows rows;
        which[i] = (int)((turn * count + i) % d->kinds);
        const kind *k = &d->kind[which[i]];
        gr__sample_at(k->scan, (int)(turn % k->batches), &rows);
        differentiate(d, &rows, step, i);
    }

    /* Norms of the gradient and of the update it would cause, then what of the gradient lies in the regions. */
    add_norms(d, "gradient", d->gradient, which, count);
    add_norms(d, "update", d->update, which, count);
    add_absorption(d, which, count);
}

/* ---- losses ---- */

/* The mean loss of a group's sample with the regions as the profile has them; NaN without targets. */
static double loss_of(gr__diagnosis *d, int g, int profile) {
    gr_rows rows;
    gr__sample_at(d->group[g].scan, 0, &rows);

    /* Every row has the class of the profile: the regions on or off. */
    int n = rows.sequences * rows.width, stride;
    for (int i = 0; i < n; i++) {
        d->start[i] = i / rows.width * rows.width + rows.start[i];
        d->cls[i] = rows.doc[i] < 0 ? -1 : profile;
    }

    gr_batch batch = {.positions = n,
                      .ids = rows.ids,
                      .targets = rows.targets,
                      .x = {rows.x},
                      .start = d->start,
                      .cls = d->cls,
                      .denominator = rows.present > 0 ? (double)rows.present : 1};
    gr_run_forward(d->eval, &batch);
    const gr_real *loss = gr_run_value(d->eval, d->row_loss, &stride);

    /* The mean over targets that count for this label: of a label of tokens these tokens alone. */
    double sum = 0, targets = 0;
    for (int i = 0; i < n; i++) {
        if (rows.doc[i] < 0 || rows.targets[i] < 0 ||
            !gr_labels_counts(d->labels, (uint32_t)rows.doc[i], rows.truth[i]))
            continue;
        sum += (double)loss[(size_t)i * (size_t)stride];
        targets++;
    }
    return targets > 0 ? sum / targets : NAN;
}

/* Whether a group is measured while the regions [first, first + count) (round about) have their turn. */
static bool group_due(const gr__diagnosis *d, int g, int first, int count) {
    if (!d->group[g].scan)
        return false;
    if (g >= d->labels->label_count) /* retain text, and groups of topics that are no labels */
        return true;

    /* A label's own region decides; labels without one are measured always, the first few of them. */
    int own = region_of(d, 1 + g);
    if (own == GR_NONE)
        return g < LABELS_A_TIME;
    return (own - first + d->regions) % d->regions < count;
}

static double *loss_at(const gr__diagnosis *d, int profile, int g) { return &d->loss[profile * d->groups + g]; }

/* Members "GROUP": loss of the groups that were measured. */
static void add_losses(gr__diagnosis *d, int profile) {
    bool first = true;
    for (int g = 0; g < d->groups; g++) {
        double loss = *loss_at(d, profile, g);
        if (isnan(loss))
            continue;
        add_number(d, d->group[g].key, loss, first);
        first = false;
    }
}

bool gr__diagnosis_judge(char *text, size_t size, const char *region, double forget, double retain, double passed) {
    double own = retain > 0 ? forget - retain : forget; /* what any text loses is no sign of the topic */
    if (retain > retain_most)
        gr__print(text, size, "without region %.60s retain text costs %.2f nats a token more", region, retain);
    else if (passed >= forget_after && own < forget_least)
        gr__print(text, size, "without region %.60s its topic costs only %.3f nats a token more than other text",
                  region, own);
    else
        return false;
    return true;
}

/* What switching a region off adds to losses, and whether that is a reason to warn: one at a time, the first. */
static void judge(gr__diagnosis *d, int r, int64_t step, bool first) {
    int last = d->groups - 1; /* retain text */
    double passed = (double)step / (double)(d->steps > 0 ? d->steps : 1);

    /* What it adds to the loss of retain text, which is the last group, and of its topics: the least of its labels. */
    double retain = *loss_at(d, 1 + r, last) - *loss_at(d, 0, last), forget = NAN;
    for (int k = 1; k <= d->labels->label_count; k++) {
        double more = *loss_at(d, 1 + r, k - 1) - *loss_at(d, 0, k - 1);
        if (region_of(d, k) == r && !isnan(more))
            forget = forget < more ? forget : more;
    }

    /* Progress shows the region whose turn comes first. */
    if (first)
        d->retain = retain, d->forget = forget;
    if (!d->warned)
        d->warned = gr__diagnosis_judge(d->warning, sizeof d->warning, gr_model_region(d->model, r)->name, forget,
                                        retain, passed);

    /* The warning stands in JSON as it is, and a region's name may hold anything. */
    for (char *c = d->warning; *c; c++)
        *c = *c == '"' || *c == '\\' || (unsigned char)*c < ' ' ? '?' : *c;
}

/* Losses with all regions on, then with each region off whose turn it is, and what these say of the region. */
static void measure_losses(gr__diagnosis *d, int64_t step) {
    int count = d->regions < REGIONS_A_TIME ? d->regions : REGIONS_A_TIME;
    int first = (int)(step / d->probe * count % d->regions);

    /* Profile 0 has all on. Then the regions whose turn it is, each off by itself. */
    for (int i = 0; i < d->groups * (1 + d->regions); i++)
        d->loss[i] = NAN;
    for (int i = 0; i <= count; i++)
        for (int g = 0; g < d->groups; g++) {
            int profile = i ? 1 + (first + i - 1) % d->regions : 0;
            if (group_due(d, g, first, count))
                *loss_at(d, profile, g) = loss_of(d, g, profile);
        }

    /* The figures, and whether they are a reason to warn. */
    add(d, ", \"probe\": {\"on\": {");
    add_losses(d, 0);
    add(d, "}, \"off\": {");

    /* A warning is fresh when the probe before had none. */
    d->was_warned = d->warned;
    d->warned = false;
    for (int i = 0; i < count; i++) {
        int r = (first + i) % d->regions;
        judge(d, r, step, !i);
        add(d, "%s%s: {", i ? ", " : "", d->owner[1 + r]);
        add_losses(d, 1 + r);
        add(d, "}");
    }
    add(d, "}}");
    if (d->warned)
        add(d, ", \"warning\": \"%s\"", d->warning);
}

/* ---- steps ---- */

/* At multiples of `every`, and at the end. */
static bool due(int64_t every, int64_t step, int64_t steps) {
    return every > 0 && (step % every == 0 || step == steps);
}

void gr__diagnosis_step(gr__diagnosis *d, int64_t step) {
    if (!d)
        return;

    /* The figures are those of this step alone. */
    d->used = 0;
    d->json[0] = 0;
    d->fresh_warning = false;

    if (d->kinds && due(d->every, step, d->steps))
        measure_gradients(d, step);
    if (!due(d->probe, step, d->steps))
        return;
    measure_losses(d, step);
    d->fresh_warning = d->warned && !d->was_warned;
}

const char *gr__diagnosis_json(const gr__diagnosis *d) { return d ? d->json : ""; }
size_t gr__diagnosis_json_most(const gr__diagnosis *d) { return d ? d->size : 0; }

void gr__diagnosis_progress(const gr__diagnosis *d, gr_progress *p) {
    p->absorption = d ? d->absorption : NAN;
    p->off_forget = d ? d->forget : NAN;
    p->off_retain = d ? d->retain : NAN;
    p->warning = d && d->fresh_warning ? d->warning : NULL;
}

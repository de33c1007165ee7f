#include "tune_preset.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/file.h"
#include "plan_experiment.h"

/* ---- the folder ---- */

/* Whether a folder holds the experiment with this preset: what was begun is gone on with, whatever else would fit. */
static gr_status is_begun(bool *begun, const gr_experiment *e, const char *folder, gr_error *err) {
    char *path = gr_format("%s/experiment.yaml", folder), *text = NULL;
    unsigned char *there = NULL;
    size_t length;
    gr_status status = GR_OK;
    *begun = false;

    /* It is kept with its preset in place of all of them. */
    if (gr_file_exists(path)) {
        status = gr_experiment_text(e, &text, err);
        if (status == GR_OK)
            status = gr_file_read(path, &there, &length, err);
        *begun = status == GR_OK && length == strlen(text) && memcmp(there, text, length) == 0;
    }
    gr_free(path);
    gr_free(text);
    gr_free(there);
    return status;
}

/* ---- one preset ---- */

/* What it takes. */
typedef struct size {
    int points;
    double seconds;
} size;

/* Points are counted without the data. */
static gr_status look(size *of, bool *begun, const gr_lab_def *def, const gr_registry *registry, gr_error *err) {
    gr_experiment *e;
    GR_TRY(gr_experiment_open(&e, def->experiment, def->preset, registry, err));
    of->points = gr_experiment_points(e);
    gr_status status = is_begun(begun, e, def->folder, err);
    gr_experiment_free(e);
    return status;
}

static gr_status refuse(const gr_plan *p, const gr_lab *lab, const gr_lab_def *def, const gr__budget *b,
                        gr_error *err) {
    char clock[32], *hint = gr__budget_what_fits(p, lab, b, "an --experiment with fewer values");
    gr_error_set(err, GR_ERR_USAGE, "--budget", hint, "the smallest grid, %s, takes about %s, more than %g %s",
                 def->preset, gr__text_time(clock, gr__budget_seconds(p, b)), b->minutes,
                 b->minutes == 1 ? "minute" : "minutes");
    gr_free(hint);
    return GR_ERR_USAGE;
}

/* Times a preset as if nothing of it were done: what is there already is no reason to try more. first: it is the
 * smallest, and must fit. */
static gr_status measure(size *of, const gr_lab_def *def, const gr__budget *b, bool first, const gr_control *control,
                         gr_error *err) {
    gr_lab_def whole = *def;
    gr_lab *lab;
    gr_plan p = {0};
    whole.folder = NULL;

    /* All of its cells. */
    GR_TRY(gr_lab_open(&lab, &whole, control, err));
    gr_status status = gr__budget_plan(&p, lab, b, control, err);
    if (status == GR_OK)
        status = gr__plan_fits(&p, "--budget", err);
    of->seconds = gr__budget_seconds(&p, b);
    if (status == GR_OK && first && of->seconds > 60 * b->minutes)
        status = refuse(&p, lab, def, b, err);
    gr_plan_free(&p);
    gr_lab_free(lab);
    return status;
}

/* ---- all of them ---- */

/* "preset quick: about 41:00; the next one, large, takes about 3:10:00 and more than --budget 60" */
static void say(const char *taken, double seconds, const char *next, double more, const gr__budget *b,
                const gr_control *control) {
    char clock[32], longer[32];
    char *beyond = next ? gr_format("; the next one, %s, would take about %s, more than --budget %g", next,
                                    gr__text_time(longer, more), b->minutes)
                        : gr_strdup("; there is none that is larger");
    char *text = gr_format("preset %s: about %s%s", taken, gr__text_time(clock, seconds), beyond);
    control->note(control->user, text);
    gr_free(text);
    gr_free(beyond);
}

/* From the smallest on, up to the first that does not fit. What a point took says beforehand of one that is far too
 * large; it need not be opened for that. */
static gr_status fit(gr_lab_def *def, const char *const *preset, const int *points, int presets, const gr__budget *b,
                     const gr_control *control, gr_error *err) {
    size here = {0}, next = {0};
    int taken = 0;
    def->preset = preset[0];
    GR_TRY(measure(&here, def, b, true, control, err));
    here.points = points[0];

    for (; taken + 1 < presets; taken++) {
        next.points = points[taken + 1];
        next.seconds = here.seconds / here.points * next.points;
        if (next.seconds > 3 * 60 * b->minutes)
            break;
        def->preset = preset[taken + 1];
        GR_TRY(measure(&next, def, b, false, control, err));
        if (next.seconds > 60 * b->minutes)
            break;
        here = (size){next.points, next.seconds};
    }
    def->preset = preset[taken];
    say(preset[taken], here.seconds, taken + 1 < presets ? preset[taken + 1] : NULL, next.seconds, b, control);
    return GR_OK;
}

/* Names that outlive the experiment. */
static const char **keep_names(const gr_experiment *e, struct gr_arena *arena) {
    const char **names = gr_arena_alloc(arena, ((size_t)e->choose.presets + 1) * sizeof *names);
    for (int i = 0; i < e->choose.presets; i++)
        names[i] = gr_arena_strdup(arena, e->choose.preset[i]);
    return names;
}

/* Whichever the folder was begun with, else what fits. */
static gr_status find(gr_lab_def *def, const char *const *preset, int presets, const gr_registry *registry,
                      const gr__budget *b, const gr_control *control, gr_error *err) {
    int *points = gr_alloc((size_t)presets * sizeof *points);
    bool begun = false;
    gr_status status = GR_OK;

    /* None is timed where one of them is there. */
    for (int i = 0; i < presets && status == GR_OK && !begun; i++) {
        size of = {0};
        def->preset = preset[i];
        status = look(&of, &begun, def, registry, err);
        points[i] = of.points;
    }
    if (status == GR_OK && !begun)
        status = fit(def, preset, points, presets, b, control, err);
    gr_free(points);
    return status;
}

/* The experiment is asked for their names, and closed: each preset is read anew. */
gr_status gr__tune_preset(gr_lab_def *def, const gr__budget *b, struct gr_arena *arena, const gr_control *control,
                          gr_error *err) {
    gr_registry *registry = gr_registry_new();
    gr_experiment *e = NULL;
    gr_status status = gr_experiment_open(&e, def->experiment, NULL, registry, err);
    const char **preset = e ? keep_names(e, arena) : NULL;
    const int presets = e ? e->choose.presets : 0;
    if (status == GR_OK && presets == 0)
        status = gr_error_set(err, GR_ERR_USAGE, e->file ? e->file : e->name,
                              "choose: {presets: [SMALL, LARGE]}; or say which one to take: --preset NAME",
                              "the experiment names no presets of which a budget could take one");
    gr_experiment_free(e);

    /* One of them. */
    if (status == GR_OK)
        status = find(def, preset, presets, registry, b, control, err);
    gr_registry_free(registry);
    return status;
}

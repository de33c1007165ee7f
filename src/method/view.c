/* The lists of views, out of views.h, and the project as the chosen ones show it. */
#include "method/view.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "task/token_scores.h"

#define GR_VIEW_LABELS(name) extern const gr_choice gr__view_##name;
#define GR_VIEW_WITHOUT(name) extern const gr_choice gr__view_##name;
#include "method/views.h"
#undef GR_VIEW_LABELS
#undef GR_VIEW_WITHOUT

#define GR_VIEW_LABELS(name) &gr__view_##name,
#define GR_VIEW_WITHOUT(name)
const gr_choice *const gr__views_labels[] = {
#include "method/views.h"
    NULL};
#undef GR_VIEW_LABELS
#undef GR_VIEW_WITHOUT

#define GR_VIEW_LABELS(name)
#define GR_VIEW_WITHOUT(name) &gr__view_##name,
const gr_choice *const gr__views_without[] = {
#include "method/views.h"
    NULL};
#undef GR_VIEW_LABELS
#undef GR_VIEW_WITHOUT

/* Labels first: what is left out may go by them. */
enum { OPTIONS = 2 };
static const char *const keys[OPTIONS] = {"labels", "without"};
static const gr_choice *const *const choices[OPTIONS] = {gr__views_labels, gr__views_without};

static const gr__view *chosen(int option, const gr_settings *settings) {
    return choices[option][(int)gr_settings_get(settings, keys[option])->number]->entry;
}

gr_status gr__shown_check(const gr_project *project, const gr_settings *settings, gr_error *err) {
    for (int i = 0; i < OPTIONS; i++) {
        const gr__view *view = chosen(i, settings);
        if (view->check)
            GR_TRY(view->check(project, gr_settings_get(settings, keys[i])->inner, err));
    }
    return GR_OK;
}

static gr_status open_views(gr__shown *shown, bool given, const gr_project *project, const gr_settings *settings,
                            const volatile sig_atomic_t *stop, gr_error *err) {
    gr_status status = GR_OK;
    *shown = (gr__shown){.project = *project, .stop = stop};
    for (int i = 0; i < OPTIONS && status == GR_OK; i++) {
        const gr__view *view = chosen(i, settings);
        if (view->apply && !(given && view->derived))
            status = view->apply(shown, gr_settings_get(settings, keys[i])->inner, err);
    }
    if (status != GR_OK)
        gr__shown_close(shown);
    return status;
}

gr_status gr__shown_open(gr__shown *shown, const gr_project *project, const gr_settings *settings,
                         const volatile sig_atomic_t *stop, gr_error *err) {
    return open_views(shown, false, project, settings, stop, err);
}

gr_status gr__shown_open_given(gr__shown *shown, const gr_project *project, const gr_settings *settings,
                               gr_error *err) {
    return open_views(shown, true, project, settings, NULL, err);
}

void gr__shown_digest_derived(gr_digest *d, const gr_settings *settings) {
    for (int i = 0; i < OPTIONS; i++) {
        const gr__view *view = chosen(i, settings);
        if (view->derived)
            gr_digest_add(d, &view->revision, sizeof view->revision);
    }
}

/* The label of a name; label_count where there is none. */
static int label_named(const gr_labels *labels, const char *name) {
    int k = 0;
    while (k < labels->label_count && strcmp(labels->label_names[k], name) != 0)
        k++;
    return k;
}

gr_status gr__view_labels(bool *of, const gr_project *p, const gr_settings *settings, gr_error *err) {
    const gr_setting_value *asked = gr_settings_get(settings, "labels");
    const gr_labels *l = p->labels;
    /* None named is all of them. */
    for (int k = 0; k < l->label_count; k++)
        of[k] = !asked->count;

    for (int i = 0; i < asked->count; i++) {
        int k = label_named(l, asked->texts[i]);
        if (k < l->label_count) {
            of[k] = true;
            continue;
        }

        /* A slip of the pen, or a name that the recipe does not have. */
        const char *near = gr_nearest(asked->texts[i], (const char *const *)l->label_names, (size_t)k, NULL);
        char hint[128];
        snprintf(hint, sizeof hint, near ? "did you mean '%.100s'?" : "labels are those of the recipe", near);
        return gr_error_set(err, GR_ERR_USAGE, "labels", hint, "no label is called '%.100s'", asked->texts[i]);
    }
    return GR_OK;
}

gr_status gr__view_labels_check(const gr_project *p, const gr_settings *settings, gr_error *err) {
    bool *of = gr_alloc((size_t)p->labels->label_count + 1);
    gr_status status = gr__view_labels(of, p, settings, err);
    gr_free(of);
    return status;
}

gr_status gr__shown_filter(gr__shown *shown, const gr_settings *settings, bool by_truth, double share, gr_error *err) {
    int count = shown->project.labels->label_count;
    bool *of = gr_alloc((size_t)count + 1);
    gr_status status = gr__view_labels(of, &shown->project, settings, err);

    /* Labels are numbered from 1 in documents. */
    shown->filtered = true;
    shown->by_truth = by_truth;
    shown->drop = gr_alloc(((size_t)count + 1) * sizeof *shown->drop);
    for (int k = 0; k < count; k++)
        if (of[k])
            shown->drop[shown->drops++] = (int16_t)(k + 1);
    gr_free(of);

    /* Which of their documents stay all the same. */
    if (status == GR_OK)
        shown->spared = gr__shown_spared(shown, share);
    return status;
}

gr_status gr__shown_relabel(gr__shown *shown, gr_labels *labels, gr_error *err) {
    gr_project *p = &shown->project;
    if (shown->owns) /* else what is counted is the caller's */
        gr__token_scores_close(p);
    p->labels = shown->owned[shown->owns++] = labels;
    p->frequency = NULL;
    return gr__token_scores_open(p, err);
}

void gr__shown_close(gr__shown *shown) {
    if (shown->owns)
        gr__token_scores_close(&shown->project);
    while (shown->owns)
        gr_labels_free(shown->owned[--shown->owns]);
    gr_free(shown->report);
    gr_free(shown->drop);
    gr_free(shown->spared);
    shown->spared = NULL;
    shown->report = NULL;
    shown->drop = NULL;
}

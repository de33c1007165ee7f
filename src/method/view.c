/* The lists of views, out of views.h, and the project as the chosen ones show it. */
#include "method/view.h"

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
                            gr_error *err) {
    gr_status status = GR_OK;
    *shown = (gr__shown){.project = *project};
    for (int i = 0; i < OPTIONS && status == GR_OK; i++) {
        const gr__view *view = chosen(i, settings);
        if (view->apply && !(given && view->derived))
            status = view->apply(shown, gr_settings_get(settings, keys[i])->inner, err);
    }
    if (status != GR_OK)
        gr__shown_close(shown);
    return status;
}

gr_status gr__shown_open(gr__shown *shown, const gr_project *project, const gr_settings *settings, gr_error *err) {
    return open_views(shown, false, project, settings, err);
}

gr_status gr__shown_open_given(gr__shown *shown, const gr_project *project, const gr_settings *settings,
                               gr_error *err) {
    return open_views(shown, true, project, settings, err);
}

void gr__shown_digest_derived(gr_digest *d, const gr_settings *settings) {
    for (int i = 0; i < OPTIONS; i++) {
        const gr__view *view = chosen(i, settings);
        if (view->derived)
            gr_digest_add(d, &view->revision, sizeof view->revision);
    }
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
    shown->report = NULL;
}

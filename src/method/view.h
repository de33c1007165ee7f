/* view.h - how a method is shown the data: with which labels, and without which documents.
 *
 *     gr__shown shown;
 *     GR_TRY(gr__shown_open(&shown, project, settings, stop, err));    settings with the options labels and without
 *     ... shown.project.labels ...
 *     gr__shown_close(&shown);
 *
 * A view is a choice of one of these options, with options of its own; what it does is the entry of the choice. */
#ifndef GR_METHOD_VIEW_H
#define GR_METHOD_VIEW_H

#include "gradroute/classify.h"
#include "gradroute/setting.h"
#include "gradroute/task.h"
#include "io/digest.h"

/* The project as it is shown; what is not said is the project's own. */
typedef struct gr__shown {
    gr_project project;
    bool filtered, by_truth; /* without documents of labels: true ones, or those that are revealed */
    int16_t *drop;           /* [drops] which labels */
    int drops;
    bool *spared;             /* [documents] that stay though they have such a label; NULL: none does */
    gr_spread_report *report; /* [labels] of a classifier that the labels are by; NULL: they are by none */
    gr_labels *owned[2];      /* [owns] labels that views made, each of the one before; the last are the project's, and
                               * what is counted by them is of this view alone */
    int owns;
    const volatile sig_atomic_t *stop; /* ends what takes long; NULL: nothing does */
} gr__shown;

typedef struct gr__view {
    int revision; /* from 1; another one where the same settings show other data. In keys of derived ones alone: what
                   * others show is digested itself */
    bool derived; /* what it shows takes long to find, and follows from what is shown without it, its settings and
                   * split_seed: keys have these three */

    /* What refuses it. NULL: nothing does. */
    gr_status (*check)(const gr_project *project, const gr_settings *settings, gr_error *err);

    /* Changes what is shown. NULL: it shows all as it is. */
    gr_status (*apply)(gr__shown *shown, const gr_settings *settings, gr_error *err);
} gr__view;

/* The choices of the two options, ended by NULL. */
extern const gr_choice *const gr__views_labels[], *const gr__views_without[];

/* Errors: those of the views; GR_ERR_INTERRUPTED once *stop is set (stop NULL: never). */
gr_status gr__shown_check(const gr_project *project, const gr_settings *settings, gr_error *err);
gr_status gr__shown_open(gr__shown *shown, const gr_project *project, const gr_settings *settings,
                         const volatile sig_atomic_t *stop, gr_error *err);
/* Without views whose data are derived; and which of these there are, for keys. */
gr_status gr__shown_open_given(gr__shown *shown, const gr_project *project, const gr_settings *settings, gr_error *err);
void gr__shown_digest_derived(gr_digest *digest, const gr_settings *settings);
void gr__shown_close(gr__shown *shown);

/* For views that go by labels: an option that names them, a check of the names, and a table of[label_count] of those
 * that are asked for, which are all where none is named. */
#define GR__VIEW_OF_LABELS \
    { .key = "labels", .help = "of these labels alone; of all where it is left out", .kind = GR_SETTING_TEXTS }
gr_status gr__view_labels_check(const gr_project *project, const gr_settings *settings, gr_error *err);
gr_status gr__view_labels(bool *of, const gr_project *project, const gr_settings *settings, gr_error *err);

/* For views that leave out a share of the documents with a label; and its check, which refuses rows that are packed. */
#define GR__VIEW_SHARE                                                                                      \
    {                                                                                                       \
        .key = "share", .help = "of the documents of each label that is left out", .kind = GR_SETTING_REAL, \
        .initial = {.number = 1}, .max = 1                                                                  \
    }
gr_status gr__view_share_check(const gr_project *project, const gr_settings *settings, gr_error *err);

/* Documents of the labels in drop that a share of them spares. Of each label the training documents that are read stand
 * in an order keyed by (split_seed, label, document), from whose front the share is left out: so a larger share leaves
 * out all that a smaller one does. Pieces of a document go together. NULL: a share of 1 spares none. gr_free. */
bool *gr__shown_spared(const gr__shown *shown, double share);

/* For views: documents of the labels that are asked for are left out, of each label this share of them. */
gr_status gr__shown_filter(gr__shown *shown, const gr_settings *settings, bool by_truth, double share, gr_error *err);

/* For views: other labels, which are shown's from now on; what routes count by them is counted anew. */
gr_status gr__shown_relabel(gr__shown *shown, gr_labels *labels, gr_error *err);

#endif

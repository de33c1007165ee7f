/* views.h - every way to show a method the data, one line each, for gr__view_name in view_name.c: GR_VIEW_LABELS(name)
 * is one of `labels`, what labels it is told of; GR_VIEW_WITHOUT(name) one of `without`, what it does not read. The
 * first of each is the default. */
GR_VIEW_LABELS(as_given)
GR_VIEW_LABELS(permuted)
GR_VIEW_LABELS(spread)
GR_VIEW_WITHOUT(none)
GR_VIEW_WITHOUT(revealed)
GR_VIEW_WITHOUT(true_labels)
GR_VIEW_WITHOUT(classified)

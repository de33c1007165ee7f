/* list.h - every source of labels, one line each: GR_LABEL(name) for gr__label_by_name in name.c. Messages
 * name them in this order. */
GR_LABEL(is)
GR_LABEL(words)
GR_LABEL(pattern)
GR_LABEL(scores)
GR_LABEL(tokens)

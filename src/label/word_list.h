/* word_list.h - whole words and phrases, and where a text has them.
 *
 * Any case is as good as another (Unicode case folding, composed or not). A word is a run of letters, marks, numbers
 * and connectors such as _; a phrase is words with what stands between them, where white space is as good as any other.
 * "tree" is in "Tree's" and "tree-top", not in "trees".
 */
#ifndef GR_LABEL_WORD_LIST_H
#define GR_LABEL_WORD_LIST_H

#include "label/text.h"

typedef struct gr__words gr__words;

/* The entries are arg->texts, or those of the file arg->text: one a line; empty lines and lines that begin with # are
 * left out. owner: the label's name, for messages. GR_ERR_USAGE for an entry that no text can match, GR_ERR_FORMAT
 * (file:line) for one of a file. */
gr_status gr__words_new(gr__words **words, const gr_label_arg *arg, const char *owner, gr_error *err);
void gr__words_free(gr__words *words);

/* Appends a span of score 1 for each place where an entry stands, and counts it; entries may overlap. Bytes that are no
 * UTF-8 belong to no word. */
void gr__words_find(gr__words *words, gr__spans *spans, const char *text, size_t length);

/* Entries, those that are spelt alike once, in the order of the list. */
size_t gr__words_count(const gr__words *words);
gr_label_match gr__words_match(const gr__words *words, size_t entry);

#endif

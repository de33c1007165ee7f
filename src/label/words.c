/* words.c - labels by words: what has a word or phrase of a list. */
#include "base/mem.h"
#include "base/number.h"
#include "label/labelling.h"
#include "label/word_list.h"

/* Reads the list of words. */
static gr_status open_words(gr__label_draft *label, gr__labelling *m, gr_error *err) {
    gr__words *words;
    GR_TRY(gr__label_need_text(m, label, err));
    m->texts = true;
    GR_TRY(gr__words_new(&words, &label->arg[0], label->def->name, err));
    label->state = words;
    return GR_OK;
}

static void close_words(void *state) { gr__words_free(state); }

/* Where the words stand, as spans, and from those scores of tokens or of the document. */
static gr_status score(gr__label_draft *label, gr__labelling *m, size_t doc, size_t positions, gr_error *err) {
    (void)doc, (void)err;
    m->spans.count = 0;
    gr__words_find(label->state, &m->spans, m->text.text, m->text.length);
    gr__label_mark(label, m, positions);
    return GR_OK;
}

/* The error of a label whose words occur nowhere. */
static gr_status error_if_empty(const gr__label_draft *label, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, label->def->name,
                        "check spelling and language; words match whole, in any case",
                        "no document has any of the label's %zu %s", gr__words_count(label->state),
                        gr__plural((int64_t)gr__words_count(label->state), "word", "words"));
}

/* How often each word of the list was found, in texts that outlive the source. */
static gr_label_match *matches(const gr__label_draft *label, gr_arena *arena, size_t *count) {
    *count = gr__words_count(label->state);
    gr_label_match *list = gr_arena_alloc(arena, *count * sizeof *list);
    for (size_t i = 0; i < *count; i++) {
        gr_label_match match = gr__words_match(label->state, i);
        list[i] = (gr_label_match){gr_arena_strdup(arena, match.text), match.count};
    }
    return list;
}

const gr__label_source gr__label_by_words = {
    .arg = {{.key = "words", .kind = GR__ARG_TEXTS_OR_FILE}},
    .form = "words: [WORD, ...]",
    .example = "words: [tree, \"oak tree\"], or a file",
    .unit = GR__UNIT_ANY,
    .rule = true,
    .open = open_words,
    .close = close_words,
    .score = score,
    .error_if_empty = error_if_empty,
    .matches = matches,
};

/* questions.h - questions with several answers, and which of these a model thinks likeliest.
 *
 *     gr__questions *questions;
 *     GR_TRY(gr__questions_open(&questions, "wmdp-bio.jsonl", GR__FORM_LETTERS, err));
 *     gr__chosen *chosen = gr_alloc(questions->count * sizeof *chosen);
 *     GR_TRY(gr__questions_ask(chosen, subject, questions, err));
 *     if (chosen[0].plain == questions->list[0].answer)
 *         ...
 *     gr_free(chosen);
 *     gr__questions_free(questions);
 */
#ifndef GR_MEASURE_QUESTIONS_H
#define GR_MEASURE_QUESTIONS_H

#include "gradroute/measure.h"

/* A text, and how it may go on. */
typedef struct gr__question {
    const char *context;
    const char *const *choice; /* [choices] as they stand behind the context, white space included */
    int choices, answer;       /* answer: 0..choices-1 */
} gr__question;

typedef struct gr__questions {
    gr__question *list;
    size_t count, room;
    struct gr_arena *arena; /* of the texts */
} gr__questions;

/* How a question of a file is put. TEXT: "QUESTION", then " CHOICE". QUESTION: "Question: QUESTION\nAnswer:", then
 * " CHOICE". LETTERS: the question and all choices as "A. CHOICE" on lines of their own, "Answer:", then " A". */
typedef enum gr__question_form { GR__FORM_TEXT, GR__FORM_QUESTION, GR__FORM_LETTERS } gr__question_form;

/* A file of JSON Lines, plain or gzip: {"question": TEXT, "choices": [TEXT, ..], "answer": INDEX or LETTER}, the form
 * of WMDP (Li et al. 2024, arXiv 2403.03218) and MMLU; or {"question", "choices": {"text": [..], "label": [..]},
 * "answerKey": LABEL}, that of ARC (Clark et al. 2018, arXiv 1803.05457). Other members are not read. GR_ERR_FORMAT, at
 * the line: no such object, fewer than 2 choices or more than 26, an answer that is none of them. GR_ERR_INPUT: the
 * file is missing or has no line. */
gr_status gr__questions_open(gr__questions **questions, const char *path, gr__question_form form, gr_error *err);
void gr__questions_free(gr__questions *questions); /* NULL is fine */

/* One more, of texts that are copied. */
void gr__questions_add(gr__questions *questions, const char *context, const char *const *choice, int choices,
                       int answer);
gr__questions *gr__questions_new(void);

/* The likeliest choice of a question by the sum of log p of its tokens, and by that sum over its characters; the first
 * of equals. cut: the beginning of the context did not fit. */
typedef struct gr__chosen {
    int plain, normalised;
    double nll;  /* -log p of the answer, nats */
    bool greedy; /* each token of the answer is the likeliest where it stands: what greedy decoding would write */
    bool cut;
} gr__chosen;

/* Tokens of a choice are those of context and choice together behind as many as the context alone has. The subject's
 * context is the window: what is longer is cut at its beginning. GR_ERR_USAGE: a choice that no window holds, or one of
 * no token. Errors: those of gr__pass_test. */
gr_status gr__questions_ask(gr__chosen *chosen, const gr_subject *subject, const gr__questions *questions,
                            gr_error *err);

/* What asking takes. */
gr_status gr__questions_cost(gr_cost *cost, const gr_subject *subject, const gr__questions *questions,
                             gr_timings *timings, gr_error *err);

#endif

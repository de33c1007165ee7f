/* Questions out of files, as other programs have them. */
#include "measure/questions.h"

#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "io/line_reader.h"

enum { LETTERS = 26 };

gr__questions *gr__questions_new(void) {
    gr__questions *q = gr_alloc(sizeof *q);
    q->arena = gr_arena_new();
    return q;
}

void gr__questions_free(gr__questions *q) {
    if (!q)
        return;
    gr_free(q->list);
    gr_arena_free(q->arena);
    gr_free(q);
}

void gr__questions_add(gr__questions *q, const char *context, const char *const *choice, int choices, int answer) {
    const char **copy = gr_arena_alloc(q->arena, (size_t)choices * sizeof *copy);
    for (int i = 0; i < choices; i++)
        copy[i] = gr_arena_strdup(q->arena, choice[i]);
    GR_PUSH(q->list, q->count, q->room) = (gr__question){gr_arena_strdup(q->arena, context), copy, choices, answer};
}

/* ---- a line ---- */

static const char example[] = "{\"question\": \"..\", \"choices\": [\"..\", \"..\"], \"answer\": 0}";

static gr_status wrong(const char *what, const char *place, gr_error *err) {
    return gr_error_set(err, GR_ERR_FORMAT, place, example, "%s", what);
}

/* The texts of a list; -1: they are not all texts, or too few or many. */
static int read_texts(const char *text[LETTERS], const json_t *list) {
    size_t count = json_array_size(list);
    if (count < 2 || count > LETTERS)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!(text[i] = json_string_value(json_array_get(list, i))))
            return -1;
    return (int)count;
}

/* Which choice is right: by its number from 0, its label, or its letter. -1: none. */
static int find_answer(const json_t *answer, const json_t *labels, int choices) {
    const char *text = json_string_value(answer);
    if (json_is_integer(answer)) {
        json_int_t number = json_integer_value(answer);
        return number >= 0 && number < choices ? (int)number : -1;
    }
    for (int i = 0; text && i < choices; i++) {
        const char *label = json_string_value(json_array_get(labels, (size_t)i));
        if (label ? !strcmp(label, text) : !labels && text[0] == 'A' + i && !text[1])
            return i;
    }
    return -1;
}

/* The question as it is put, and its choices as they go on from it. */
static void put(gr__questions *q, gr__question_form form, const char *question, const char *const *choice, int choices,
                int answer) {
    char *context = form == GR__FORM_TEXT ? gr_strdup(question) : gr_format("Question: %s\nAnswer:", question);
    char *behind[LETTERS];

    /* All choices stand before the answer, which is a letter. */
    if (form == GR__FORM_LETTERS) {
        gr_free(context);
        context = gr_strdup(question);
        for (int i = 0; i < choices; i++) {
            char *longer = gr_format("%s\n%c. %s", context, 'A' + i, choice[i]);
            gr_free(context);
            context = longer;
        }
        char *whole = gr_format("%s\nAnswer:", context);
        gr_free(context);
        context = whole;
    }

    for (int i = 0; i < choices; i++)
        behind[i] = form == GR__FORM_LETTERS ? gr_format(" %c", 'A' + i) : gr_format(" %s", choice[i]);
    gr__questions_add(q, context, (const char *const *)behind, choices, answer);
    for (int i = 0; i < choices; i++)
        gr_free(behind[i]);
    gr_free(context);
}

/* White space around a question is none of it, as in the harness that these files are made for. */
static char *stripped(const char *text) {
    static const char space[] = " \t\n\r\v\f";
    text += strspn(text, space);
    char *copy = gr_strdup(text);
    size_t n = strlen(copy);
    while (n > 0 && strchr(space, copy[n - 1]))
        copy[--n] = 0;
    return copy;
}

/* One object, in either form. */
static gr_status read_object(gr__questions *q, const json_t *object, gr__question_form form, const char *place,
                             gr_error *err) {
    const char *question = json_string_value(json_object_get(object, "question")), *choice[LETTERS];
    const json_t *choices = json_object_get(object, "choices"), *labels = NULL, *answer;
    if (!question)
        return wrong("no question", place, err);

    /* Choices, and by what the right one is named. */
    if (json_is_object(choices)) {
        labels = json_object_get(choices, "label");
        choices = json_object_get(choices, "text");
    }
    answer = json_object_get(object, labels ? "answerKey" : "answer");
    int count = read_texts(choice, choices);
    if (count < 0)
        return wrong("'choices' are 2 to 26 texts", place, err);
    if (labels && json_array_size(labels) != (size_t)count)
        return wrong("'label' has one for each choice", place, err);
    int right = find_answer(answer, labels, count);
    if (right < 0)
        return wrong("the answer is none of the choices", place, err);

    char *text = stripped(question);
    put(q, form, text, choice, count, right);
    gr_free(text);
    return GR_OK;
}

/* ---- a file ---- */

/* One line, at its place; empty ones are skipped. */
static gr_status read_line(gr__questions *q, const gr__passage *line, const char *path, gr__question_form form,
                           gr_error *err) {
    json_t *object = NULL;
    if (line->length == 0)
        return GR_OK;
    char *place = gr_format("%s:%zu", path, line->number);
    gr_status status = gr_json_parse(&object, line->text, line->length, place, err);
    if (status == GR_OK)
        status = read_object(q, object, form, place, err);
    json_decref(object);
    gr_free(place);
    return status;
}

gr_status gr__questions_open(gr__questions **questions, const char *path, gr__question_form form, gr_error *err) {
    gr__line_reader *reader;
    gr__passage line = {0};
    *questions = NULL;
    GR_TRY(gr__line_reader_open_text(&reader, path, "file: PATH of JSON Lines", err));

    /* Each line is a question. */
    gr__questions *q = gr__questions_new();
    gr_status status;
    while ((status = gr__line_reader_next(reader, &line, "\n", 1, err)) == GR_OK && line.text) {
        status = read_line(q, &line, path, form, err);
        if (status != GR_OK)
            break;
    }
    gr__line_reader_close(reader);
    if (status == GR_OK && q->count == 0)
        status = gr_error_set(err, GR_ERR_FORMAT, path, example, "no question");
    if (status != GR_OK) {
        gr__questions_free(q);
        q = NULL;
    }
    *questions = q;
    return status;
}

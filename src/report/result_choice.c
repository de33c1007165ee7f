/* What was chosen of the settings that were tried: the frontier as a table, the choice in the words of a recipe, and
 * where the grid should go on. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "gradroute/report.h"
#include "lab/result.h"
#include "report/lines.h"
#include "report/result_text.h"

enum { LEAST = 9 }; /* width of a column of figures */

/* A width that a text fits into, with blanks beside it. */
static int longer(int width, const char *text) {
    const int length = (int)strlen(text) + 2;
    return length > width ? length : width;
}

/* ---- the frontier ---- */

/* The width of an axis: its name, or its longest value. */
static int axis_width(const json_t *frontier, const char *axis) {
    int width = longer(0, axis);
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)frontier, i, one)
        width = longer(width, gr__text_of(json_object_get(one, "axes"), axis));
    return width;
}

static int figure_width(const json_t *goal) { return longer(LEAST, gr__text_of(goal, "key")); }

/* Columns of axes to the left, figures to the right. */
static void print_heading(FILE *out, const json_t *frontier, const json_t *goals) {
    const char *axis;
    json_t *value, *goal;
    size_t i;
    fputs("\n  ", out);
    json_object_foreach(json_object_get(json_array_get(frontier, 0), "axes"), axis, value)
        fprintf(out, "%-*s", axis_width(frontier, axis), axis);
    json_array_foreach((json_t *)goals, i, goal)
        fprintf(out, "%*s", figure_width(goal), gr__text_of(goal, "key"));
    fputc('\n', out);
}

/* One setting; what is beyond a bound is said, for it was not to be chosen. */
static void print_setting(FILE *out, const json_t *frontier, const json_t *one, const json_t *goals) {
    const char *axis;
    json_t *value, *goal;
    size_t i;
    fputs("  ", out);
    json_object_foreach(json_object_get(one, "axes"), axis, value)
        fprintf(out, "%-*s", axis_width(frontier, axis), json_string_value(value));
    json_array_foreach((json_t *)goals, i, goal) {
        char number[64];
        gr__print(number, sizeof number, "%.3f",
                  gr__number_of(json_object_get(one, "figures"), gr__text_of(goal, "key")));
        fprintf(out, "%*s", figure_width(goal), number);
    }
    const char *note = gr__choice_note(one);
    if (note)
        fprintf(out, "  %s", note);
    fputc('\n', out);
}

/* All of them below each other. */
static void print_frontier(FILE *out, const json_t *choice) {
    const json_t *frontier = json_object_get(choice, "frontier"), *goals = json_object_get(choice, "goals");
    size_t i;
    json_t *one;
    if (json_array_size(frontier) == 0)
        return;
    print_heading(out, frontier, goals);
    json_array_foreach((json_t *)frontier, i, one)
        print_setting(out, frontier, one, goals);
}

/* ---- the choice ---- */

/* What it is in the recipe: options for a try, and sections to be kept. */
static void print_words(FILE *out, const json_t *one) {
    const char *recipe = gr__text_of(one, "recipe"), *line = recipe;
    const json_t *sets = json_object_get(one, "set");
    size_t i;
    json_t *set;
    if (json_array_size(sets) == 0)
        return;
    fputs("\n  As options:\n", out);
    json_array_foreach((json_t *)sets, i, set) {
        fputs("    --set ", out);
        gr__print_word(out, json_string_value(set));
        fputs(i + 1 < json_array_size(sets) ? " \\\n" : "\n", out);
    }

    /* Line by line, so that they stand apart from what surrounds them. */
    fputs("\n  In the recipe, in the place of these sections:\n", out);
    while (line && *line) {
        const int length = (int)strcspn(line, "\n");
        char *text = gr_format("%.*s", length, line);
        fputs("    ", out);
        gr__print_line(out, text);
        gr_free(text);
        line += length + (line[length] == '\n');
    }
}

/* A paragraph that is a new string. */
static void print_paragraph(FILE *out, char *text) {
    gr__print_wrapped(out, text, 2, 2);
    gr_free(text);
}

/* From what was tried over what is to be taken to what it does not say. */
void gr__print_choice(FILE *out, const json_t *result) {
    const json_t *choice = json_object_get(result, "choice");
    size_t i;
    json_t *remark;
    if (!choice)
        return;

    /* What it rests on, and the choice. */
    fputs("\nSettings\n", out);
    print_paragraph(out, gr__choice_tried(choice));
    print_frontier(out, choice);
    fputc('\n', out);
    print_paragraph(out, gr__choice_taken(choice));
    if (json_is_object(json_object_get(choice, "chosen")))
        print_words(out, json_object_get(choice, "chosen"));

    /* Where there may be better ones, and what not to make of it. */
    json_t *remarks = gr__choice_remarks(choice);
    json_array_foreach(remarks, i, remark) {
        fputc('\n', out);
        gr__print_wrapped(out, json_string_value(remark), 2, 2);
    }
    json_decref(remarks);
}

void gr_result_print_choice(const gr_result *result, FILE *out) {
    const char *folder = gr__text_of(result->object, "folder");
    gr__print_choice(out, result->object);
    if (folder)
        fprintf(out, "\nResult   %s/result.json\n", folder);
}

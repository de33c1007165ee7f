/* What was chosen of the settings that were tried, in the words of a recipe, and where the grid should go on. */
#include <string.h>

#include "base/mem.h"
#include "gradroute/report.h"
#include "lab/result.h"
#include "report/lines.h"
#include "report/result_text.h"

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
    gr__print_frontier(out, choice);
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

/* The part of a report about settings that were tried. */
#include "base/mem.h"
#include "report/report_page.h"
#include "report/table.h"

/* A paragraph that is a new string. */
static void put_paragraph(gr__page *page, char *text) {
    gr__page_element(page, "p", NULL, text);
    gr_free(text);
}

void gr__put_choice(gr__page *page, const json_t *result) {
    const json_t *choice = json_object_get(result, "choice");
    const json_t *chosen = json_object_get(choice, "chosen");
    size_t i;
    json_t *remark;
    if (!choice)
        return;

    /* What it rests on, and the choice with the sections that are to be pasted. */
    gr__page_raw(page, "<h3>Settings</h3>\n");
    put_paragraph(page, gr__choice_tried(choice));
    gr__table *t = gr__table_of_frontier(choice);
    if (t->rows > 0)
        gr__page_table(page, t, "setting", NULL, NULL, NULL);
    gr__table_free(t);
    put_paragraph(page, gr__choice_taken(choice));
    if (json_is_object(chosen))
        gr__page_element(page, "pre", NULL, gr__text_of(chosen, "recipe"));

    /* Where there may be better ones, and what not to make of it. */
    json_t *remarks = gr__choice_remarks(choice);
    json_array_foreach(remarks, i, remark)
        gr__page_element(page, "p", "class=\"reading\"", json_string_value(remark));
    json_decref(remarks);
}

/* html.h - a page that grows: everything from outside is escaped, so that no text can become a part of the page.
 *
 *     gr__page page = {.charts = json_array()};
 *     gr__page_raw(&page, "<p class=\"note\">");
 *     gr__page_text(&page, label);                      "<script>" of a label becomes "&lt;script&gt;"
 *     gr__page_raw(&page, "</p>\n");
 *     gr__page_free(&page);
 */
#ifndef GR_REPORT_HTML_H
#define GR_REPORT_HTML_H

#include <jansson.h>
#include <stdbool.h>

#include "report/table.h"

typedef struct gr__page {
    char *text; /* NULL at first */
    size_t length, room;
    json_t *charts; /* what the canvases are drawn from */
} gr__page;

/* Our own words, as they are; and text of whatever origin, NULL for none. */
void gr__page_raw(gr__page *page, const char *html);
void gr__page_text(gr__page *page, const char *text);

/* An element that holds text alone; attributes ("class=\"note\"") are our own words, or NULL. */
void gr__page_element(gr__page *page, const char *name, const char *attributes, const char *text);

/* Numbers and counts among our own words; no text goes through this one. */
void gr__page_numbers(gr__page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A table in a box of its own, in which it scrolls where it is wider than the page. first: the heading above titles.
 * readings: of rows, what stands in a last column and how that is called; NULL: no such column. */
typedef const char *(*gr__reading_of)(void *user, const gr__table_row *row);
void gr__page_table(gr__page *page, const gr__table *t, const char *first, const char *last, gr__reading_of reading,
                    void *user);

/* A value as text that may stand within <script>: no "<" is in it. A new string, gr_free. */
char *gr__script_json(const json_t *value);

void gr__page_free(gr__page *page);

#endif

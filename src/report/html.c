/* A page that grows, and what keeps texts from becoming parts of it. */
#include "report/html.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "io/json.h"

/* ---- text ---- */

static void append(gr__page *page, const char *text, size_t length) {
    page->text = gr__grow(page->text, &page->room, page->length + length + 1, 1);
    memcpy(page->text + page->length, text, length);
    page->length += length;
    page->text[page->length] = '\0';
}

void gr__page_raw(gr__page *page, const char *html) { append(page, html, strlen(html)); }

/* What stands for a character with a meaning of its own; control characters have no place in HTML. NULL: itself. */
static const char *escaped(char c) {
    static const char signs[] = "&<>\"'";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    const char *found = c ? strchr(signs, c) : NULL;
    if (found)
        return names[found - signs];
    return ((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == 127 ? "\xEF\xBF\xBD" : NULL;
}

void gr__page_text(gr__page *page, const char *text) {
    for (; text && *text; text++) {
        const char *name = escaped(*text);
        append(page, name ? name : text, name ? strlen(name) : 1);
    }
}

void gr__page_element(gr__page *page, const char *name, const char *attributes, const char *text) {
    gr__page_raw(page, "<");
    gr__page_raw(page, name);
    if (attributes) {
        gr__page_raw(page, " ");
        gr__page_raw(page, attributes);
    }
    gr__page_raw(page, ">");
    gr__page_text(page, text);
    gr__page_raw(page, "</");
    gr__page_raw(page, name);
    gr__page_raw(page, ">\n");
}

void gr__page_numbers(gr__page *page, const char *format, ...) {
    char text[400];
    va_list list;
    va_start(list, format);
    gr__vprint(text, sizeof text, format, list);
    va_end(list);
    gr__page_raw(page, text);
}

void gr__page_free(gr__page *page) {
    gr_free(page->text);
    json_decref(page->charts);
    *page = (gr__page){0};
}

/* ---- tables ---- */

static void put_heading(gr__page *page, const gr__table *t, const char *first, const char *last) {
    gr__page_raw(page, "<thead><tr>");
    gr__page_element(page, "th", "scope=\"col\"", first);

    /* Two words above each other where a column has two. */
    for (int c = 0; c < t->columns; c++) {
        gr__page_raw(page, "<th scope=\"col\" class=\"number\">");
        gr__page_text(page, t->column[c].above);
        if (*t->column[c].below) {
            gr__page_raw(page, "<br>");
            gr__page_text(page, t->column[c].below);
        }
        gr__page_raw(page, "</th>\n");
    }

    if (last)
        gr__page_element(page, "th", "scope=\"col\"", last);
    gr__page_raw(page, "</tr></thead>\n");
}

/* A number with its interval; a dash for one that was refused or never measured, nothing where nothing was to be. */
static void put_cell(gr__page *page, const gr__table_cell *cell, int digits) {
    gr__page_raw(page, "<td class=\"number\">");
    if (isfinite(cell->value))
        gr__page_numbers(page, "%.*f", digits, cell->value);
    else if (!cell->blank)
        gr__page_raw(page, "&ndash;");
    if (isfinite(cell->low) && isfinite(cell->high))
        gr__page_numbers(page, " <span class=\"interval\">[%.*f, %.*f]</span>", digits, cell->low, digits, cell->high);
    gr__page_raw(page, "</td>");
}

/* A title that begins with blanks goes on with the row above it. */
static void put_title(gr__page *page, const gr__table_row *row) {
    const char *title = row->title ? row->title : "";
    size_t blanks = strspn(title, " ");
    gr__page_raw(page, blanks > 0 ? "<tr><th scope=\"row\" class=\"further\">" : "<tr><th scope=\"row\">");
    gr__page_text(page, title + blanks);
    if (row->note) {
        gr__page_raw(page, "<br>");
        gr__page_element(page, "small", NULL, row->note);
    }
    gr__page_raw(page, "</th>");
}

void gr__page_table(gr__page *page, const gr__table *t, const char *first, const char *last, gr__reading_of reading,
                    void *user) {
    if (t->rows == 0)
        return;

    /* Scrolled by keys too, so it can be focused. */
    gr__page_raw(page, "<div class=\"scroll\" tabindex=\"0\"><table>\n");
    gr__page_element(page, "caption", NULL, t->title);
    put_heading(page, t, first, reading ? last : NULL);

    gr__page_raw(page, "<tbody>\n");
    for (int r = 0; r < t->rows; r++) {
        put_title(page, &t->row[r]);
        for (int c = 0; c < t->columns; c++)
            put_cell(page, &t->row[r].cell[c], t->column[c].counts ? 0 : t->digits);
        if (reading)
            gr__page_element(page, "td", "class=\"reading\"", reading(user, &t->row[r]));
        gr__page_raw(page, "</tr>\n");
    }
    gr__page_raw(page, "</tbody></table></div>\n");
}

/* ---- data ---- */

/* JSON has "<" in texts alone, where \u003c is the same; so neither </script> nor <!-- can end or open anything. */
char *gr__script_json(const json_t *value) {
    char *line = gr_json_line(value, false);
    gr__page out = {0};
    append(&out, "", 0);
    for (const char *at = line; *at; at++)
        append(&out, *at == '<' ? "\\u003c" : at, *at == '<' ? 6 : 1);
    gr_free(line);
    return out.text;
}

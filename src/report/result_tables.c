/* Tables of a result as lines of text: as many columns beside each other as fit. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "report/lines.h"
#include "report/result_text.h"

/* Widths of the first column, and of numbers: "-12.345" and two blanks fit into GROUP. ATTACKED is wider for its
 * heading, the name of what an attack did. */
enum { TITLE = 18, GROUP = 9, ATTACKED = 12, CLASS = 16, FIGURE = 26, SEED = 9, DOCUMENTS = 9 };

/* Right-aligned, cut where it is too long for its column. */
static void print_right(FILE *out, const char *text, int width) {
    int length = (int)strlen(text);

    /* A heading as wide as its column would touch the one before: a blank is kept free. */
    if (length >= width) {
        fputc(' ', out);
        gr__print_name(out, text, width - 1);
    } else {
        fprintf(out, "%*s", width, text);
    }
}

/* A number, or a dash where there is none: it was refused, or never measured. */
static void print_number(FILE *out, double value, int width, int digits) {
    char text[64] = "-";
    if (!isnan(value))
        gr__print(text, sizeof text, "%.*f", digits, value);
    fprintf(out, "%*s", width, text);
}

/* ---- losses ---- */

static int width_of(const gr__table *t, int column) { return t->column[column].attacked ? ATTACKED : GROUP; }

/* One at least, or a column too wide for the terminal would keep the caller going round forever; width: of them and the
 * titles. */
static int fitting(const gr__table *t, int begin, int *width) {
    int end = begin;
    *width = 2 + TITLE;
    while (end < t->columns && (end == begin || *width + width_of(t, end) <= GR__COLUMNS))
        *width += width_of(t, end++);
    return end;
}

/* One model. */
static void print_model(FILE *out, const gr__table *t, int begin, int end, const gr__table_row *row) {
    int width, blanks = 0;
    fitting(t, begin, &width);
    fputs("  ", out);
    gr__print_name(out, row->title, TITLE);
    for (int i = begin; i < end; i++) {
        blanks += width_of(t, i);
        if (row->cell[i].blank)
            continue;
        print_number(out, row->cell[i].value, blanks, t->digits);
        blanks = 0;
    }

    /* Blanks stand in front of something alone: lines do not end in them, so that texts of two runs compare by `diff`.
     * A note that does not fit is left out; it explains, and the docs have it. */
    if (row->note && width + 2 + (int)strlen(row->note) <= GR__COLUMNS)
        fprintf(out, "%*s%s", blanks + 2, "", row->note);
    fputc('\n', out);
}

/* Of what and for which columns. */
static void print_heading(FILE *out, const gr__table *t, int begin, int end) {
    for (int line = 0; line < 2; line++) {
        fprintf(out, "  %*s", TITLE, "");
        for (int i = begin; i < end; i++)
            print_right(out, line ? t->column[i].below : t->column[i].above, width_of(t, i));
        fputc('\n', out);
    }
}

/* Columns that do not fit beside each other stand below each other. */
void gr__print_losses(FILE *out, const json_t *table, const json_t *point) {
    gr__table *t = gr__table_of_losses(table, point);
    if (t->rows > 0)
        fprintf(out, "\n%s\n", t->title);
    for (int begin = 0, end, width; begin < t->columns && t->rows > 0; begin = end) {
        end = fitting(t, begin, &width);
        print_heading(out, t, begin, end);
        for (int r = 0; r < t->rows; r++)
            print_model(out, t, begin, end, &t->row[r]);
    }
    gr__table_free(t);
}

/* ---- what attacks brought back ---- */

/* Of a column of a ladder: all eight fit, and "recovery" is whole. */
static int width_on_ladder(const gr__table *t, int column) {
    return strlen(t->column[column].above) < GROUP - 1 ? GROUP - 1 : GROUP;
}

/* Headings in two lines, the lower of whom. */
static void print_ladder(FILE *out, const gr__table *t, const char *counted) {
    const bool beside = t->columns > 0 && *t->column[t->columns - 1].below;
    for (int line = 0; line < 1 + beside; line++) {
        fprintf(out, "  %*s", DOCUMENTS, line ? "" : counted);
        for (int c = 0; c < t->columns; c++)
            print_right(out, line ? t->column[c].below : t->column[c].above, width_on_ladder(t, c));
        fputc('\n', out);
    }

    for (int r = 0; r < t->rows; r++) {
        fprintf(out, "  %*s", DOCUMENTS, t->row[r].title);
        for (int c = 0; c < t->columns && !t->row[r].cell[c].blank; c++) /* the twin stands last */
            print_number(out, t->row[r].cell[c].value, width_on_ladder(t, c), t->column[c].counts ? 0 : t->digits);
        fputc('\n', out);
    }
}

void gr__print_ladders(FILE *out, const json_t *table, const json_t *point) {
    int count;
    gr__ladder *ladder = gr__ladders_of(&count, table, point);
    for (int i = 0; i < count; i++) {
        fputc('\n', out);
        gr__print_wrapped(out, ladder[i].table->title, 0, 2);
        print_ladder(out, ladder[i].table, gr__counted(point));
        if (ladder[i].savings)
            gr__print_wrapped(out, ladder[i].savings, 2, 2);
    }
    gr__ladders_free(ladder, count);
}

/* ---- right answers, figures by seed: columns of one width ---- */

typedef struct shape {
    const char *of;   /* heading of the titles */
    int title, width; /* of them, and of each column */
    bool whole;       /* headings are never cut: half the number of a seed is another seed */
} shape;

/* The columns from `begin` to before `end`. */
static void print_block(FILE *out, const gr__table *t, int begin, int end, const shape *s) {
    fprintf(out, "  %-*s", s->title, s->of);
    for (int c = begin; c < end; c++)
        if (s->whole)
            fprintf(out, " %*s", s->width - 1, t->column[c].above);
        else
            print_right(out, t->column[c].above, s->width);
    fputc('\n', out);

    for (int r = 0; r < t->rows; r++) {
        fputs("  ", out);
        gr__print_name(out, t->row[r].title, s->title);
        for (int c = begin; c < end; c++)
            print_number(out, t->row[r].cell[c].value, s->width, t->digits);
        fputc('\n', out);
    }
}

/* As many columns as fit, and the others below. Takes the table. */
static void print_blocks(FILE *out, gr__table *t, const shape *s) {
    const int across = (GR__COLUMNS - 2 - s->title) / s->width;
    if (t->columns > 0)
        fprintf(out, "\n%s\n", t->title);
    for (int begin = 0; begin < t->columns; begin += across)
        print_block(out, t, begin, begin + across < t->columns ? begin + across : t->columns, s);
    gr__table_free(t);
}

void gr__print_classes(FILE *out, const json_t *table, const json_t *point) {
    print_blocks(out, gr__table_of_classes(table, point), &(shape){"class", CLASS, 1 + GROUP, false});
}

void gr__print_seeds(FILE *out, const json_t *table, const json_t *point) {
    print_blocks(out, gr__table_of_seeds(table, point), &(shape){"", FIGURE, SEED, true});
}

/* ---- figures ---- */

/* A figure with its interval; "-" for one that was refused. */
static void print_figure(FILE *out, const gr__table_row *row) {
    const gr__table_cell *cell = row->cell;
    char number[64] = "-", brackets[160] = "";
    if (!isnan(cell->value))
        gr__print(number, sizeof number, "%.3f", cell->value);
    if (!isnan(cell->low))
        gr__print(brackets, sizeof brackets, " [%6.3f, %6.3f]", cell->low, cell->high);
    fputs("  ", out);
    gr__print_name(out, row->title, FIGURE);
    int width = 2 + FIGURE + fprintf(out, "%7s%s", number, brackets);

    /* What it means, behind the interval or where that would end; large numbers leave it less room. */
    int blanks = width < FIGURE + 26 ? FIGURE + 26 - width : 0;
    if (row->note && width + blanks + 2 + (int)strlen(row->note) <= GR__COLUMNS + 1)
        fprintf(out, "%*s%s", blanks + 2, "", row->note);
    fputc('\n', out);
}

void gr__print_figures(FILE *out, const json_t *table, const json_t *point) {
    gr__table *t = gr__table_of_figures(table, point);
    json_t *remarks = gr__remarks_of(table, point), *remark;
    size_t i;
    if (t->rows > 0)
        fprintf(out, "\n%s\n", t->title);
    for (int r = 0; r < t->rows; r++)
        print_figure(out, &t->row[r]);

    /* What they rest on; of no figure nothing is to be said. */
    json_array_foreach(t->rows > 0 ? remarks : NULL, i, remark)
        gr__print_wrapped(out, json_string_value(remark), 2, 2);
    json_decref(remarks);
    gr__table_free(t);
}

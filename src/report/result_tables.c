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

/* How a table is set. */
typedef struct shape {
    const char *of;      /* heading of the titles */
    int title;           /* width of them */
    int width, attacked; /* of a column, and of one after an attack; 0: what its heading takes */
    int lines;           /* of headings */
    bool whole;          /* headings are never cut: half the number of a seed is another seed */
    bool apart;          /* titles stand in lines of their own */
    bool noted;          /* a note that does not fit stands in the next line; else it is left out: the docs have it */
} shape;

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

/* ---- any table: as many columns as fit, and the others below ---- */

static int width_of_heading(const char *heading) {
    const int width = (int)strlen(heading) + 1;
    return width > GROUP ? width : GROUP;
}

static int width_of(const gr__table *t, int column, const shape *s) {
    if (s->width == 0)
        return width_of_heading(t->column[column].above);
    return t->column[column].attacked ? s->attacked : s->width;
}

/* One at least, or a column too wide for the terminal would keep the caller going round forever; width: of them and the
 * titles. */
static int fitting(const gr__table *t, int begin, const shape *s, int *width) {
    int end = begin;
    *width = 2 + s->title;
    while (end < t->columns && (end == begin || *width + width_of(t, end, s) <= GR__COLUMNS))
        *width += width_of(t, end++, s);
    return end;
}

/* Of what and for which columns. */
static void print_heading(FILE *out, const gr__table *t, int begin, int end, const shape *s) {
    for (int line = 0; line < s->lines; line++) {
        fprintf(out, "  %-*s", s->title, line ? "" : s->of);
        for (int c = begin; c < end; c++) {
            const char *heading = line ? t->column[c].below : t->column[c].above;
            if (s->whole)
                fprintf(out, " %*s", width_of(t, c, s) - 1, heading);
            else
                print_right(out, heading, width_of(t, c, s));
        }
        fputc('\n', out);
    }
}

/* Behind `width` columns and so many blanks that are due. */
static void print_note(FILE *out, const char *note, int width, int blanks, const shape *s) {
    const bool fits = width + 2 + (int)strlen(note) <= GR__COLUMNS;
    if (fits)
        fprintf(out, "%*s%s", blanks + 2, "", note);
    else if (s->noted)
        fprintf(out, "\n%*s", width, note);
}

/* The title and the columns from `begin` to before `end`. */
static void print_row(FILE *out, const gr__table *t, int begin, int end, const gr__table_row *row, const shape *s) {
    int width, blanks = 0;
    fitting(t, begin, s, &width);
    if (s->apart)
        gr__print_wrapped(out, row->title, 2, 4);
    fputs("  ", out);
    gr__print_name(out, s->apart ? "" : row->title, s->title);

    /* Blanks stand in front of something alone: no line ends in them, so that texts of two runs compare by `diff`. */
    for (int c = begin; c < end; c++) {
        blanks += width_of(t, c, s);
        if (row->cell[c].blank)
            continue;
        print_number(out, row->cell[c].value, blanks, t->digits);
        blanks = 0;
    }
    if (row->note)
        print_note(out, row->note, width, blanks, s);
    fputc('\n', out);
}

/* All of it below its title, `indent` blanks from the left. Takes the table. */
static void print_table(FILE *out, gr__table *t, int indent, const shape *s) {
    if (t->rows > 0 && t->columns > 0)
        fprintf(out, "\n%*s%s\n", indent, "", t->title);
    for (int begin = 0, end, width; begin < t->columns && t->rows > 0; begin = end) {
        end = fitting(t, begin, s, &width);
        print_heading(out, t, begin, end, s);
        for (int r = 0; r < t->rows; r++)
            print_row(out, t, begin, end, &t->row[r], s);
    }
    gr__table_free(t);
}

void gr__print_losses(FILE *out, const json_t *table, const json_t *point) {
    print_table(out, gr__table_of_losses(table, point), 0,
                &(shape){.of = "", .title = TITLE, .width = GROUP, .attacked = ATTACKED, .lines = 2});
}

void gr__print_classes(FILE *out, const json_t *table, const json_t *point) {
    print_table(out, gr__table_of_classes(table, point), 0,
                &(shape){.of = "class", .title = CLASS, .width = 1 + GROUP, .lines = 1});
}

void gr__print_seeds(FILE *out, const json_t *table, const json_t *point) {
    print_table(out, gr__table_of_seeds(table, point), 0,
                &(shape){.of = "", .title = FIGURE, .width = SEED, .lines = 1, .whole = true});
}

/* ---- settings that were tried ---- */

/* Two blanks behind the longest value of an axis, or its name. */
static int width_of_axis(const json_t *frontier, const char *axis) {
    size_t width = strlen(axis), i;
    json_t *one;
    json_array_foreach((json_t *)frontier, i, one) {
        const size_t length = strlen(gr__text_of(json_object_get(one, "axes"), axis));
        width = length > width ? length : width;
    }
    return (int)width + 2;
}

/* Names of the axes of one setting, or its values, below those of the others; a new string. */
static char *align(const json_t *frontier, const json_t *one, bool names) {
    const char *axis;
    json_t *value;
    char *text = gr_strdup("");
    json_object_foreach(json_object_get(one, "axes"), axis, value) {
        char *longer =
            gr_format("%s%-*s", text, width_of_axis(frontier, axis), names ? axis : json_string_value(value));
        gr_free(text);
        text = longer;
    }
    return text;
}

/* Titles by columns, so that settings compare; where that takes too much of a line in words, above the figures. */
void gr__print_frontier(FILE *out, const json_t *choice) {
    /* What a line must hold: the settings, and the widest figure. */
    const json_t *frontier = json_object_get(choice, "frontier");
    gr__table *t = gr__table_of_frontier(choice);
    char *axes = align(frontier, json_array_get(frontier, 0), true);
    int widest = 0;
    for (int c = 0; c < t->columns; c++)
        widest = width_of_heading(t->column[c].above) > widest ? width_of_heading(t->column[c].above) : widest;

    /* Side by side, or one above the other. */
    shape s = {.of = axes, .title = (int)strlen(axes), .lines = 1, .noted = true};
    if (2 + s.title + widest > GR__COLUMNS) {
        s.of = "setting";
        s.title = (int)strlen(s.of);
        s.apart = true;
    }
    for (int r = 0; r < t->rows && !s.apart; r++) {
        gr_free(t->row[r].title);
        t->row[r].title = align(frontier, json_array_get(frontier, (size_t)r), false);
    }
    print_table(out, t, 2, &s);
    gr_free(axes);
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

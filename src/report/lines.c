/* Lines of text for people: nothing is wider than the terminal, and nothing from outside leaves its line. */
#include "report/lines.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"

/* A piece longer than the buffer is cut: names of regions and labels have at most 64 characters, so none is by itself.
 */
void gr__append(char **text, const char *format, ...) {
    char more[600];
    va_list list;
    va_start(list, format);
    gr__vprint(more, sizeof more, format, list);
    va_end(list);

    char *longer = gr_format("%s%s", *text ? *text : "", more);
    gr_free(*text);
    *text = longer;
}

/* Characters of UTF-8: every byte but those that continue one, 10xxxxxx (RFC 3629). Each is taken for one column, which
 * is too few for East Asian letters: such a line may stand out, and nothing is lost. */
static int width_of(const char *text, size_t length) {
    int width = 0;
    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)text[i] & 0xC0) != 0x80;
    return width;
}

void gr__print_wrapped(FILE *out, const char *text, int first, int indent) {
    int column = fprintf(out, "%*s", first, "");
    bool begins = true;
    while (*text) {
        size_t length = strcspn(text, " ");
        int width = width_of(text, length);

        /* A word that does not fit goes to the next line, unless it has this one for itself. The
         * line feed is counted by fprintf and takes no column. */
        if (!begins && column + 1 + width > GR__COLUMNS)
            column = fprintf(out, "\n%*s", indent, "") - 1;
        else if (!begins)
            column += fprintf(out, " ");
        fprintf(out, "%.*s", (int)length, text);
        column += width;
        begins = false;

        /* Several blanks count as one: texts are put together of parts that may be empty. */
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void gr__print_name(FILE *out, const char *name, int width) {
    size_t rest = strlen(name);
    int column = 0;

    /* Character by character; a byte that is part of none takes a column for itself. */
    while (rest > 0 && column < width) {
        size_t length = gr_utf8_length(name, rest);
        if (length == 0)
            length = 1;

        /* Line feeds and tabs would leave the column. */
        if (length == 1 && (unsigned char)*name < ' ')
            fputc(' ', out);
        else
            fwrite(name, 1, length, out);

        name += length;
        rest -= length;
        column++;
    }
    fprintf(out, "%*s", width - column, "");
}

/* POSIX, Shell Command Language, 2.2.2: in single quotes nothing is read but the quote that ends them. */
char *gr__shell_word(const char *text) {
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+@%-";
    if (*text && !text[strspn(text, bare)])
        return gr_strdup(text);

    /* Such a quote ends them, stands alone behind a backslash, and begins them anew: four characters. */
    char *word = gr_alloc(4 * strlen(text) + sizeof "''"), *to = word;
    *to++ = '\'';
    for (; *text; text++)
        if (*text == '\'')
            to = stpcpy(to, "'\\''");
        else
            *to++ = *text;
    strcpy(to, "'");
    return word;
}

void gr__print_word(FILE *out, const char *text) {
    char *word = gr__shell_word(text);
    fputs(word, out);
    gr_free(word);
}

/* Escape is replaced too, or a model could colour, move and erase what stands on the terminal already. */
void gr__print_line(FILE *out, const char *text) {
    for (; text && *text; text++)
        fputc(*text == '\n' || *text == '\r' || *text == '\033' ? ' ' : *text, out);
    fputc('\n', out);
}

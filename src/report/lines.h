/* lines.h - text for terminals of 80 columns.
 *
 *     gr__print_wrapped(out, "  Data: ..", 2, 2);
 *     gr__print_name(out, "perfect filter", 18);
 */
#ifndef GR_REPORT_LINES_H
#define GR_REPORT_LINES_H

#include <stdio.h>

enum { GR__COLUMNS = 79 }; /* of a line */

/* Text that grows: *text is a new string, or NULL at first. */
void gr__append(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A paragraph in lines of at most GR__COLUMNS; the first begins with `first` blanks, others with `indent`. */
void gr__print_wrapped(FILE *out, const char *text, int first, int indent);

/* A name in so many columns, cut or filled up. Names from outside are made visible. */
void gr__print_name(FILE *out, const char *name, int width);

/* A text as one word of a command that is pasted into a shell: in quotes where it has more than letters, digits and
 * signs that no shell reads anything into. A new string; or printed. */
char *gr__shell_word(const char *text);
void gr__print_word(FILE *out, const char *text);

/* One line, so that a line break in a text cannot look like output of the program. */
void gr__print_line(FILE *out, const char *text);

#endif

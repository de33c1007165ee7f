/* number.h - numbers as text that do not depend on the locale of the program: the decimal point is a point; and the
 * words that go with them.
 *
 * Files, recipes and messages are read and written through these, so that a program with a decimal comma can use the
 * library. printf and strtod of the C library follow the locale.
 */
#ifndef GR_BASE_NUMBER_H
#define GR_BASE_NUMBER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* strtod. */
double gr__parse_real(const char *text, char **end);

/* snprintf and vsnprintf. */
int gr__print(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int gr__vprint(char *text, size_t size, const char *format, va_list list);

/* The word that goes with a number: "1 document", "0 documents"; "1 is", "2 are". */
static inline const char *gr__plural(int64_t n, const char *one, const char *many) { return n == 1 ? one : many; }

/* A noun that adds an s in the plural, given as one: "pieces" is "piece" for 1. At most 15 letters; text is room. */
#define gr__unit(unit, n) gr__singular((char[16]){0}, (unit), (n))
const char *gr__singular(char text[16], const char *plural, int64_t n);

#endif

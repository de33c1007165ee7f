/* number.h - numbers as text that do not depend on the locale of the program: the decimal point is a point.
 *
 * Files, recipes and messages are read and written through these, so that a program with a decimal comma can use the
 * library. printf and strtod of the C library follow the locale.
 */
#ifndef GR_BASE_NUMBER_H
#define GR_BASE_NUMBER_H

#include <stdarg.h>
#include <stddef.h>

/* strtod. */
double gr__parse_real(const char *text, char **end);

/* snprintf and vsnprintf. */
int gr__print(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int gr__vprint(char *text, size_t size, const char *format, va_list list);

#endif

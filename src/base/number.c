/* Numbers as text with a decimal point, whatever the program's locale: the thread's locale is "C" for the call. */
#include "base/number.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The locale "C" for this thread, until it is given back. */
static locale_t enter(locale_t *plain) {
    *plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return *plain ? uselocale(*plain) : (locale_t)0;
}

/* The thread gets back the locale that it had. */
static void leave(locale_t plain, locale_t before) {
    if (!plain)
        return;
    uselocale(before);
    freelocale(plain);
}

double gr__parse_real(const char *text, char **end) {
    locale_t plain, before = enter(&plain);
    double value = strtod(text, end);
    leave(plain, before);
    return value;
}

int gr__vprint(char *text, size_t size, const char *format, va_list list) {
    locale_t plain, before = enter(&plain);
    int n = vsnprintf(text, size, format, list);
    leave(plain, before);
    return n;
}

int gr__print(char *text, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = gr__vprint(text, size, format, list);
    va_end(list);
    return n;
}

const char *gr__singular(char text[16], const char *plural, int64_t n) {
    if (n != 1)
        return plural;
    snprintf(text, 16, "%.*s", (int)strlen(plural) - 1, plural);
    return text;
}

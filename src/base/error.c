/* The error object: filled once, at the source; what comes later does not overwrite it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/visible.h"
#include "gradroute/base.h"

gr_status gr_error_set(gr_error *err, gr_status status, const char *place, const char *hint, const char *format, ...) {
    if (!err || err->status != GR_OK)
        return status;
    err->status = status;
    snprintf(err->place, sizeof err->place, "%s", place ? place : "");
    snprintf(err->hint, sizeof err->hint, "%s", hint ? hint : "");
    va_list list;
    va_start(list, format);
    gr__vprint(err->message, sizeof err->message, format, list);
    va_end(list);
    return status;
}

/* Names and values in an error come from outside. */
static void show(char *to, const char *text) { to[gr__visible(to, text, strlen(text), false, NULL)] = 0; }

const char *gr_error_text(const gr_error *err, char *text, size_t size) {
    char place[GR__VISIBLE_MOST * sizeof err->place], message[GR__VISIBLE_MOST * sizeof err->message],
        hint[GR__VISIBLE_MOST * sizeof err->hint];
    show(place, err->place);
    show(message, err->message);
    show(hint, err->hint);
    snprintf(text, size, "%s%s%s%s%s", place, place[0] ? ": " : "", message, hint[0] ? "\n  hint: " : "", hint);
    return text;
}

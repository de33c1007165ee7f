#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"
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

const char *gr_error_text(const gr_error *err, char *text, size_t size) {
    snprintf(text, size, "%s%s%s%s%s", err->place, err->place[0] ? ": " : "", err->message,
             err->hint[0] ? "\n  hint: " : "", err->hint);
    return text;
}

/* Seconds as people read them. */
#include "base/clock.h"

#include <math.h>
#include <stdio.h>

const char *gr__text_date(char *text, size_t size, const char *format) {
    time_t now = time(NULL);
    struct tm utc;
    if (!strftime(text, size, format, gmtime_r(&now, &utc)))
        text[0] = 0;
    return text;
}

const char *gr__text_time(char *text, double seconds) {
    long long s = isfinite(seconds) && seconds > 0 ? (long long)(seconds + 0.5) : 0;
    if (s >= 3600)
        snprintf(text, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, 32, "%lld:%02lld", s / 60, s % 60);
    return text;
}

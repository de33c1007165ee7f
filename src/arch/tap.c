#include "arch/tap.h"

#include <stdio.h>
#include <string.h>

static const char layers[] = "layers.", write[] = ".write";

void gr__tap_name(char *text, size_t size, const char *region, int layer, const char *name) {
    snprintf(text, size, "%s%s%s%d.%s", region ? region : "", region ? "." : "", layers, layer, name);
}

const char *gr__tap_in_core(const char *tap, const char *region) {
    size_t length = strlen(region);
    return strncmp(tap, region, length) == 0 && tap[length] == '.' ? tap + length + 1 : NULL;
}

void gr__tap_write_name(char *text, size_t size, int layer, const char *block) {
    snprintf(text, size, "%s%d.%s%s", layers, layer, block, write);
}

bool gr__tap_is_write(const char *tap) {
    size_t n = strlen(tap), end = sizeof write - 1;
    return strncmp(tap, layers, sizeof layers - 1) == 0 && n > end && strcmp(tap + n - end, write) == 0;
}

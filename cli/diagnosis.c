/* What the last measurements of a run said, read from its metrics. */
#include "diagnosis.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"

/* Members of a line that the result lacks still. */
static void take(json_t *result, const json_t *line) {
    static const char *const wanted[] = {"absorption", "probe"};
    for (int i = 0; i < 2; i++) {
        json_t *member = json_object_get(line, wanted[i]);
        if (!json_is_object(member) || json_object_get(result, wanted[i]))
            continue;
        json_object_set(result, wanted[i], member);
        if (i && json_object_get(line, "warning"))
            json_object_set(result, "warning", json_object_get(line, "warning"));
    }
}

json_t *gr__diagnosis_read(const char *run) {
    json_t *result = json_object();
    char *path = gr_format("%s/metrics.jsonl", run);
    unsigned char *data = NULL;
    size_t size = 0;
    if (gr_file_read(path, &data, &size, NULL) != GR_OK)
        size = 0;

    /* Backwards, line by line, until both members were met. Only lines that may have one are parsed. */
    size_t end = size;
    while (end > 0 && json_object_size(result) < 2) {
        size_t at = end - 1; /* a line ends at end */
        while (at > 0 && data[at - 1] != '\n')
            at--;

        json_t *line = NULL;
        if (memmem(data + at, end - at, "\"absorption\"", 12) || memmem(data + at, end - at, "\"probe\"", 7))
            if (gr_json_parse(&line, data + at, end - at, path, NULL) == GR_OK)
                take(result, line);
        json_decref(line);
        end = at;
    }
    gr_free(data);
    gr_free(path);
    return result;
}

/* What switching a region off adds to the loss of each group that was measured with it on and off. */
static void print_off(const json_t *on, const char *region, const json_t *off) {
    const char *group;
    json_t *value;
    printf("off      %s:", region);
    json_object_foreach((json_t *)off, group, value) {
        const json_t *before = json_object_get(on, group);
        if (json_is_number(value) && json_is_number(before))
            printf(" %s %+.2f", group, json_number_value(value) - json_number_value(before));
    }
    printf(" (nats per token, a sample)\n");
}

void gr__diagnosis_print(const json_t *diagnosis) {
    const char *key;
    json_t *value, *absorption = json_object_get(diagnosis, "absorption"), *probe = json_object_get(diagnosis, "probe");

    /* How much of each kind's gradient lies in its region. */
    if (json_object_size(absorption)) {
        printf("absorbed");
        json_object_foreach(absorption, key, value) {
            if (json_is_number(value))
                printf(" %s %.2f", key, json_number_value(value));
        }
        printf(" (share of the gradient in the region)\n");
    }

    /* What each region that was probed last is good for. */
    json_object_foreach(json_object_get(probe, "off"), key, value) {
        print_off(json_object_get(probe, "on"), key, value);
    }

    const char *warning = json_string_value(json_object_get(diagnosis, "warning"));
    if (warning)
        printf("warning  %s\n", warning);
}

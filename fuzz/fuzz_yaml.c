/* A recipe from anywhere: it is refused with a reason, or can be read in every way, changed, and written stably. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

/* Every typed read of every node keeps its promises. */
static void read_all(gr_yaml *node) {
    int64_t whole = 5;
    double real = 0.5;
    bool truth;
    const char *text, *const *texts;
    int count;
    char path[64];
    gr_yaml_path(node, path, sizeof path);
    if (gr_yaml_as_count(node, &whole, -1000, 1000, NULL) == GR_OK)
        check(whole >= -1000 && whole <= 1000);
    gr_yaml_as_int(node, &whole, 0, INT64_MAX, NULL);
    if (gr_yaml_as_real(node, &real, -DBL_MAX, DBL_MAX, NULL) == GR_OK)
        check(isfinite(real));
    gr_yaml_as_bool(node, &truth, NULL);
    if (gr_yaml_as_text(node, &text, NULL) == GR_OK)
        check(text && node->kind == GR_YAML_SCALAR);
    if (node->parent && node->parent->kind == GR_YAML_MAP)
        gr_yaml_texts(node->parent, &texts, &count, node->key, NULL);
    for (gr_yaml *child = gr_yaml_first(node); child; child = gr_yaml_next(child))
        read_all(child);
}

/* A key that is not UTF-8 can come from a --set only, and then the writer says so. */
static void round_trip(const gr_yaml *root, bool set) {
    gr_error err = {0};
    gr_yaml *again;
    char *first, *second;
    if (gr_yaml_write(root, &first, &err) != GR_OK) {
        check(set && err.status == GR_ERR_USAGE && !first);
        return;
    }
    check(gr_yaml_parse(&again, first, strlen(first), "again", &err) == GR_OK);
    check(gr_yaml_write(again, &second, &err) == GR_OK && !strcmp(first, second));
    gr_yaml_free(again);
    gr_free(first);
    gr_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_error err = {0};
    gr_yaml *root = NULL;
    if (gr_yaml_parse(&root, (const char *)data, size, "fuzz", &err) != GR_OK) {
        check(!root && err.status == GR_ERR_FORMAT && err.place[0] && err.message[0]);
        root = gr_yaml_new("fuzz");
    }
    round_trip(root, false);
    char *assignment = gr_alloc(size + 1); /* the same bytes as a --set */
    memcpy(assignment, data, size);
    gr_yaml_set(root, assignment, NULL);
    gr_free(assignment);
    gr_yaml_finish(root, NULL);
    round_trip(root, true);
    read_all(root);
    check(gr_yaml_finish(root, NULL) == GR_OK);
    gr_yaml_free(root);
    return 0;
}

/* experiment_said.c - settings of a point in the words of its recipe, so that they can be taken over. */
#include <math.h>
#include <string.h>

#include "io/json.h"
#include "lab/experiment_read.h"
#include "recipe/graft.h"

/* An axis while its keys are looked up. */
typedef struct axis_said {
    json_t *values;
    double sum; /* NaN: something of it is no number */
    gr_status status;
    gr_error *err;
} axis_said;

/* The number that stands there, also 64k; NaN: none. */
static double number_of(const gr_yaml *node) {
    gr_error none = {0};
    int64_t count;
    double number;
    if (node->kind != GR_YAML_SCALAR)
        return NAN;
    if (gr_yaml_as_real(node, &number, -1e300, 1e300, &none) == GR_OK)
        return number;
    return gr_yaml_as_count(node, &count, 0, INT64_MAX / 2, &none) == GR_OK ? (double)count : NAN;
}

/* A value as --set takes it; of lists and maps what was said, without the defaults that were filled in, unless it is
 * one of them itself. */
static gr_status write_value(char **text, const gr_yaml *node, gr_error *err) {
    gr_yaml *given = gr_yaml_copy(node, !node->added);
    gr_status status = gr_yaml_write_line(given, text, err);
    gr_yaml_free(given);
    return status;
}

/* One key; what several values of the axis set is said once. */
static void tell(void *user, const char *path, const gr_yaml *node) {
    axis_said *said = user;
    char *text;
    if (said->status != GR_OK || json_object_get(said->values, path))
        return;
    said->status = write_value(&text, node, said->err);
    if (said->status != GR_OK)
        return;
    json_object_set_new(said->values, path, gr_json_text(text));
    said->sum += number_of(node);
    gr_free(text);
}

/* Whatever some value of the axis sets. */
static axis_said look_up(const gr_axis *axis, const gr_recipe *recipe, gr_error *err) {
    axis_said said = {json_object(), 0, GR_OK, err};
    for (int r = 0; r < axis->runs; r++)
        for (int i = 0; i < axis->sets[axis->run[r]]; i++)
            gr__recipe_each(recipe->root, axis->set[axis->run[r]][i].key, tell, &said);
    return said;
}

/* The sections in which the keys stand, as they were said. Labels are those of topics to develop on, if at all: nobody
 * should take these for his own. */
static gr_status write_sections(char **text, const json_t *values, const gr_recipe *recipe, gr_error *err) {
    gr_yaml *whole = gr__recipe_said(recipe), *some = gr_yaml_new("settings");
    const char *axis, *path;
    json_t *keys, *value;
    gr_status status = GR_OK;

    json_object_foreach((json_t *)values, axis, keys) {
        json_object_foreach(keys, path, value) {
            char *top = gr_format("%.*s", (int)strcspn(path, "."), path);
            const gr_yaml *section = gr__yaml_child(whole, top);
            if (section && strcmp(top, "labels") != 0 && !gr__yaml_child(some, top) && status == GR_OK)
                status = gr_yaml_graft(some, top, section, err);
            gr_free(top);
        }
    }
    if (status == GR_OK)
        status = gr_yaml_write(some, text, err);
    gr_yaml_free(some);
    gr_yaml_free(whole);
    return status;
}

/* Axis by axis in the order of the experiment, by which whoever prints goes too. */
gr_status gr__experiment_said(json_t **out, const gr_experiment *e, const gr_recipe *recipe, gr_error *err) {
    json_t *values = json_object(), *places = json_object();
    gr_status status = GR_OK;
    for (int a = 0; a < e->axes; a++) {
        axis_said said = look_up(&e->axis[a], recipe, err);
        const bool ordered = json_object_size(said.values) > 0 && isfinite(said.sum);
        json_object_set_new(values, e->axis[a].name, said.values);
        json_object_set_new(places, e->axis[a].name, ordered ? json_real(said.sum) : json_null());
        status = status == GR_OK ? said.status : status;
    }

    /* Together with what a reader would paste. */
    char *text = NULL;
    if (status == GR_OK)
        status = write_sections(&text, values, recipe, err);
    *out = json_pack("{s:o, s:o, s:o}", "values", values, "places", places, "recipe", gr_json_text(text ? text : ""));
    gr_free(text);
    return status;
}

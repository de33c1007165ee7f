/* By whose routes arms are trained: noted while keys are made, for whoever draws who opens what.
 *
 *     [{"recipe": text, "of": [{"arm", "axes": {AXIS: VALUE}, "at": the knob's value}]}]
 *
 * axes and at stand where there are any.
 *
 * An arm that sets a preset or routes, and a point whose axes do, have other ones than the recipe of the experiment. */
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "lab/lab_state.h"
#include "lab/result.h"

/* Who is trained by routes: an arm, and where there are axes or a knob the point and the value. */
static json_t *routed_one(const gr_lab *lab, const gr__use *use) {
    const gr_experiment *e = lab->experiment;
    json_t *one = json_pack("{s:s}", "arm", e->arm[use->arm].name);
    if (e->axes > 0)
        json_object_set_new(one, "axes", gr__result_axes(e, use->point));
    if (gr_experiment_knobs(e, use->arm) > 1)
        json_object_set_new(one, "at", gr_json_text(gr__knob_word(e, use->arm, use->knob)));
    return one;
}

gr_status gr__lab_note_routes(gr_lab *lab, const gr__use *use, const gr_recipe *recipe, gr_error *err) {
    char *text;
    json_t *found = NULL, *list;
    size_t i;
    if (use->seed > 0 || use->knob > 0 || recipe->routes->count == 0)
        return GR_OK;
    GR_TRY(gr_recipe_text(recipe, &text, err));

    /* The list of those that have it. */
    lab->routes = lab->routes ? lab->routes : json_array();
    json_array_foreach(lab->routes, i, list)
        if (!strcmp(json_string_value(json_object_get(list, "recipe")), text))
            found = json_object_get(list, "of");
    if (!found) {
        found = json_array();
        json_array_append_new(lab->routes, json_pack("{s:o, s:o}", "recipe", gr_json_text(text), "of", found));
    }

    /* In the order of the uses, which is that of arms within places. */
    json_array_append_new(found, routed_one(lab, use));
    gr_free(text);
    return GR_OK;
}

/* The key model.from: a trained model to go on from. What its folder holds becomes the default of the recipe. */
#include <string.h>

#include "arch/kind.h"
#include "gradroute/bundle.h"
#include "recipe/read.h"

/* Which network the folder holds; a run or an audit stands for its model. */
static gr_status describe(gr_recipe *recipe, gr_error *err) {
    char *path;
    GR_TRY(gr_bundle_find(&path, recipe->from.path, err));
    recipe->from.path = gr_arena_strdup(recipe->arena, path);
    gr_free(path);
    return gr_bundle_describe(&recipe->from.def, recipe->from.sha256, recipe->from.path, err);
}

gr_status gr__recipe_read_from(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *map;
    GR_TRY(gr_yaml_map(root, &map, "model", err));
    if (!map)
        return GR_OK;

    /* Absent: the recipe begins with a new network. */
    GR_TRY(gr__recipe_path(recipe, map, &recipe->from.path, "from", err));
    if (!recipe->from.path)
        return GR_OK;

    /* What is wrong with the folder is told at the recipe's line. */
    GR_TRY(gr_yaml_bool(map, &recipe->from.fresh, "fresh", err));
    gr_error why = {0};
    if (describe(recipe, &why) != GR_OK)
        return gr_yaml_fail(gr_yaml_find(map, "from"), err, why.hint[0] ? why.hint : NULL, "%s: %s", why.place,
                            why.message);
    if (gr__arch_of(recipe->from.def)->sized)
        return gr_yaml_fail(gr_yaml_find(map, "from"), err, "name a llama or gpt2 model",
                            "%s is no network that reads text", recipe->from.path);
    return GR_OK;
}

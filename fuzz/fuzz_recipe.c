/* Any bytes as a recipe: an error or a recipe that can be written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_recipe *recipe, *again;
    gr_error err = {0};
    char *text;
    if (gr_recipe_parse(&recipe, (const char *)data, size, "fuzz", NULL, 0, &err) != GR_OK)
        return 0;
    if (gr_recipe_text(recipe, &text, &err) != GR_OK)
        abort();
    if (gr_recipe_parse(&again, text, strlen(text), "again", NULL, 0, &err) != GR_OK)
        abort();
    gr_recipe_free(again);
    gr_recipe_free(recipe);
    gr_free(text);
    return 0;
}

/* The fields of a description: each row survives a copy and a model folder's JSON, and is what docs/recipes.md says. */
#include <stdio.h>
#include <string.h>

#include "arch/field.h"
#include "arch_helpers.h"
#include "format/arch_json.h"

/* The page has a row for each field that recipes name, in the order of the fields, and no other rows. */
static void page_has_every_field(void **state) {
    (void)state;
    FILE *in = fopen("docs/recipes.md", "r");
    char line[4096];
    assert_non_null(in);

    /* To the table under the heading, and past its two lines of head and the style, which is no field. */
    bool found = false;
    while (fgets(line, sizeof line, in) && strcmp(line, "## model\n") != 0)
        continue;
    while (!found && fgets(line, sizeof line, in))
        found = strncmp(line, "| `arch` |", 10) == 0;
    assert_true(found);

    for (const gr__arch_field *f = gr__fields; f->name; f++) {
        if (!f->key)
            continue;
        char *row = gr__field_row(f);
        assert_non_null(fgets(line, sizeof line, in));
        line[strcspn(line, "\n")] = 0;
        assert_string_equal(line, row);
        gr_free(row);
    }
    assert_non_null(fgets(line, sizeof line, in));
    assert_string_equal(line, "\n");
    fclose(in);
}

/* A value that no other field has and that is not the default. */
static void disturb_field(gr_arch_def *def, const gr__arch_field *f, int *list, int i) {
    void *at = (char *)def + f->at;
    if (f->type == GR__FIELD_REAL)
        *(double *)at = 0.5 + i;
    else if (f->type == GR__FIELD_FLAG)
        *(bool *)at = !*(bool *)at;
    else if (f->type == GR__FIELD_WORD)
        *(int *)at = 1;
    else if (f->type == GR__FIELD_WHOLE)
        *(int *)at = 100 + i;
    else
        gr__field_set_list(f, def, list, 3);
}

static void assert_field_equal(const gr__arch_field *f, const gr_arch_def *a, const gr_arch_def *b) {
    int na, nb;
    if (f->type < GR__FIELD_LIST) {
        if (gr__field_number(f, a) != gr__field_number(f, b))
            fail_msg("%s is %g, not %g", f->name, gr__field_number(f, b), gr__field_number(f, a));
        return;
    }
    const int *la = gr__field_list(f, a, &na), *lb = gr__field_list(f, b, &nb);
    if (na != nb || na != 3 || la == lb || memcmp(la, lb, (size_t)na * sizeof *la) != 0)
        fail_msg("the list %s is another one", f->name);
}

/* Each field by itself, since not all of them go together. */
static void every_field_is_copied_and_written(void **state) {
    (void)state;
    int i = 0, list[] = {7, 8, 9};
    for (const gr__arch_field *f = gr__fields; f->name; f++, i++) {
        gr_arch_def def = gr_arch_default();
        def.layers = 3;
        if (strcmp(f->name, "layers") != 0 && strcmp(f->name, "kind") != 0)
            disturb_field(&def, f, list, i);
        gr_arch_def *copy = gr_arch_copy(&def);
        assert_field_equal(f, &def, copy);
        gr_arch_free(copy);

        /* As a member of the JSON, whose value is the field's. */
        json_t *value = gr__arch_to_json(&def);
        json_t *member = json_object_get(value, f->name);
        if (!member)
            fail_msg("%s is not written", f->name);
        if (json_is_number(member))
            assert_true(json_number_value(member) == gr__field_number(f, &def));
        else if (json_is_boolean(member))
            assert_int_equal(json_is_true(member), gr__field_number(f, &def) != 0);
        else if (json_is_string(member))
            assert_string_equal(json_string_value(member), gr_arch_word(f->name, (int)gr__field_number(f, &def)));
        else
            assert_int_equal(json_array_size(member), 3);
        json_decref(value);
    }
}

/* What is read back is what was written, of both kinds of networks with many fields off their defaults. */
static void what_is_written_is_read(void **state) {
    (void)state;
    gr_arch_def transformer = small_def(), mlp = gr_arch_default();
    gr_arch_style(&transformer, "gptneo");
    transformer.kv_heads = 2;
    transformer.no_gain = transformer.out_bias = true;
    transformer.dropout = 0.1;
    transformer.l1 = 0.01;
    transformer.l1_layers = (int[]){1};
    transformer.l1_count = 1;
    transformer.layer_mlp = (int[]){24, 16};
    mlp.kind = GR_ARCH_MLP;
    mlp.sizes = (int[]){4, 5, 3};
    mlp.size_count = 3;
    mlp.activation = GR_ACTIVATION_RELU;
    mlp.loss = GR_LOSS_SQUARED;

    const gr_arch_def *defs[] = {&transformer, &mlp};
    for (int k = 0; k < 2; k++) {
        gr_error err = {0};
        gr_arch_def *back;
        json_t *value = gr__arch_to_json(defs[k]);
        gr_test_ok(gr__arch_from_json(&back, value, "test", &err), &err);
        json_t *again = gr__arch_to_json(back);
        assert_true(json_equal(value, again));
        json_decref(value);
        json_decref(again);
        gr_arch_free(back);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_has_every_field),
        cmocka_unit_test(every_field_is_copied_and_written),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

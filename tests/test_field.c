/* The fields of a description: each row survives a copy and a model folder's JSON, and is what docs/recipes.md says. */
#include <stdio.h>
#include <string.h>

#include "arch/field.h"
#include "arch_helpers.h"
#include "format/arch_json.h"

/* Under the heading, behind the row that begins so: one for each field that recipes name, in the order of the fields,
 * and no other rows. */
static void assert_page(const char *heading, const char *row_before, const gr__arch_field *fields) {
    FILE *in = fopen("docs/recipes.md", "r");
    char line[4096];
    assert_non_null(in);

    bool found = false;
    while (fgets(line, sizeof line, in) && strcmp(line, heading) != 0)
        continue;
    while (!found && fgets(line, sizeof line, in))
        found = strncmp(line, row_before, strlen(row_before)) == 0;
    assert_true(found);

    for (const gr__arch_field *f = fields; f->name; f++) {
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

/* The style is no field; nor are units, which have rows of their own (arch/unit.h). */
static void page_has_every_field(void **state) {
    (void)state;
    assert_page("## model\n", "| `arch` |", gr__fields);
    assert_page("## regions\n", "| `mlp`, `heads`, `residual`, `experts` |", gr__region_fields);
}

/* A value that no other field has and that is not the default. */
static void disturb_field(void *in, const gr__arch_field *f, int *list, int i) {
    static const char *const texts[] = {"a", "b*", "c"};
    void *at = (char *)in + f->at;
    if (f->type == GR__FIELD_REAL)
        *(double *)at = 0.5 + i;
    else if (f->type == GR__FIELD_FLAG)
        *(bool *)at = !*(bool *)at;
    else if (f->type == GR__FIELD_WORD)
        *(int *)at = 1;
    else if (f->type == GR__FIELD_WHOLE)
        *(int *)at = 100 + i;
    else if (f->type == GR__FIELD_BITS)
        *(unsigned *)at = 5;
    else if (f->type == GR__FIELD_TEXTS)
        gr__field_set_texts(f, in, texts, 3);
    else
        gr__field_set_list(f, in, list, 3);
}

static void assert_texts_equal(const gr__arch_field *f, const void *a, const void *b) {
    int na, nb;
    const char *const *ta = gr__field_texts(f, a, &na), *const *tb = gr__field_texts(f, b, &nb);
    assert_true(na == 3 && nb == 3 && ta != tb);
    for (int i = 0; i < 3; i++) {
        assert_ptr_not_equal(ta[i], tb[i]);
        assert_string_equal(ta[i], tb[i]);
    }
}

/* Of equal value, and lists are not the same memory. */
static void assert_field_equal(const gr__arch_field *f, const void *a, const void *b) {
    int na, nb;
    if (f->type == GR__FIELD_TEXTS) {
        assert_texts_equal(f, a, b);
        return;
    }
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

/* A description with a region that says nothing but this, and what that goes with. */
static gr_arch_def def_with(gr_arch_region *region, const gr__arch_field *f, int *list) {
    gr_arch_def def = gr_arch_default();
    *region = (gr_arch_region){.name = "r"};
    disturb_field(region, f, list, 1);
    if (f->with)
        disturb_field(region, gr__region_field_find(f->within, f->with), list, 2);
    def.regions = region;
    def.region_count = 1;
    return def;
}

/* Fields of regions: each is copied, written where it is said, alone, and told from a region without it. */
static void every_field_of_a_region_is_copied_and_written(void **state) {
    (void)state;
    int list[] = {7, 8, 9};
    for (const gr__arch_field *f = gr__region_fields; f->name; f++) {
        gr_arch_region region, empty = {.name = "r"};
        gr_arch_def def = def_with(&region, f, list);
        gr_arch_def *copy = gr_arch_copy(&def);
        assert_field_equal(f, &region, copy->regions);
        assert_true(gr__field_same(f, &region, copy->regions));
        if (gr__field_same(f, &region, &empty))
            fail_msg("%s makes no difference", f->name);
        gr_arch_free(copy);

        /* Its name, and one more member; in a map, all that the map has. */
        json_t *value = gr__arch_to_json(&def), *in = json_array_get(json_object_get(value, "regions"), 0);
        assert_int_equal(json_object_size(in), 2);
        if (f->within)
            in = json_object_get(in, f->within);
        json_t *member = json_object_get(in, f->name);
        if (!member)
            fail_msg("%s of a region is not written", f->name);
        if (json_is_array(member))
            assert_int_equal(json_array_size(member), f->type == GR__FIELD_BITS ? 2 : 3);
        json_decref(value);
    }
}

/* What a region may be, written and read: the second writing is the first. */
static void regions_are_read_as_they_were_written(void **state) {
    (void)state;
    gr_arch_def def = small_def();
    def.layers = 3;
    def.regions = (gr_arch_region[]){
        {.name = "a", .mlp.add = 4, .layers = (int[]){0, 2}, .layer_count = 2, .strength = GR_STRENGTH_SIGMOID},
        {.name = "b", .adapter = {.rank = 2, .scale = 0.5}, .layers = (int[]){0}, .layer_count = 1, .stop = true},
        {.name = "c", .whole = (int[]){1}, .whole_count = 1},
        {.name = "d", .patterns = (const char *const[]){"*.norm", "embed"}, .pattern_count = 2},
        {.name = "e", .residual.add = 3},
        {.name = "f", .residual.add = 2, .group = {GR_GROUP_NORM_APART, GR_GROUP_WRITES_OWN}}};
    def.region_count = 6;
    gr_error err = {0};
    gr_arch_def *back;
    json_t *value = gr__arch_to_json(&def);
    gr_test_ok(gr__arch_from_json(&back, value, "test", &err), &err);
    for (int r = 0; r < 6; r++)
        for (const gr__arch_field *f = gr__region_fields; f->name; f++)
            if (!gr__field_same(f, &def.regions[r], &back->regions[r]))
                fail_msg("%s of region %d comes back as another", f->name, r);

    /* Byte by byte as folders have it, members in their order. */
    char *line = json_dumps(json_object_get(value, "regions"), JSON_COMPACT);
    assert_string_equal(line, "[{\"name\":\"a\",\"mlp\":{\"add\":4},\"layers\":[0,2],\"strength\":\"sigmoid\"},"
                              "{\"name\":\"b\",\"layers\":[0],\"adapter\":{\"rank\":2,\"scale\":0.5,\"dropout\":0.0,"
                              "\"maps\":[]},\"stop\":true},"
                              "{\"name\":\"c\",\"whole\":[1]},"
                              "{\"name\":\"d\",\"params\":[\"*.norm\",\"embed\"]},"
                              "{\"name\":\"e\",\"residual\":{\"add\":3}},"
                              "{\"name\":\"f\",\"residual\":{\"add\":2,\"norm\":\"apart\",\"writes\":\"own\"}}]");
    free(line);
    json_decref(value);
    gr_arch_free(back);
}

/* What a region cannot say is refused, by the name of the member. */
static void what_a_region_cannot_say_is_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"{\"speed\":1}", "unknown member 'speed' of a region"},
        {"{\"strength\":\"much\"}", "'strength' is not one of its words"},
        {"{\"stop\":1}", "'stop' is neither true nor false"},
        {"{\"layers\":[]}", "'layers' is not a list"},
        {"{\"params\":[1]}", "an entry of 'params' is not a text"},
        {"{\"adapter\":{\"rank\":2,\"speed\":1}}", "unknown member 'speed' of 'adapter'"},
        {"{\"adapter\":{\"rank\":2,\"maps\":[\"side\"]}}", "'maps' names 'side', which is no map"},
        {"{\"adapter\":{\"rank\":2,\"scale\":\"x\"}}", "'scale' is not a number"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gr_error err = {0};
        gr_arch_region plain = {.name = "r", .mlp.add = 4};
        gr_arch_def def = small_def(), *back;
        def.regions = &plain;
        def.region_count = 1;
        json_t *value = gr__arch_to_json(&def), *more = json_loads(wrong[i][0], 0, NULL);
        json_object_update(json_array_get(json_object_get(value, "regions"), 0), more);
        assert_int_equal(gr__arch_from_json(&back, value, "test", &err), GR_ERR_FORMAT);
        if (!strstr(err.message, wrong[i][1]))
            fail_msg("%s: %s", wrong[i][0], err.message);
        json_decref(more);
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
        cmocka_unit_test(every_field_of_a_region_is_copied_and_written),
        cmocka_unit_test(regions_are_read_as_they_were_written),
        cmocka_unit_test(what_a_region_cannot_say_is_refused),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

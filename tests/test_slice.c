/* Ablation of a random slice: as many neurons and heads of the core as a region has. */
#include <string.h>

#include "method/slice.h"
#include "method_helpers.h"

static gr_made parent; /* trained by routes, with a region of neurons and heads */

/* What is gone is as large as the region, which stays; the draw decides which units. */
static void a_slice_is_as_large_as_the_region(void **state) {
    (void)state;
    gr_made region = make("ablate", "{how: remove}", &parent, NULL),
            one = make("ablate", "{how: remove, random: 1}", &parent, NULL);
    gr_made again = make("ablate", "{how: remove, random: 1}", &parent, NULL), other;
    assert_int_equal(gr_model_size(one.bundle->model), gr_model_size(region.bundle->model));
    assert_int_equal(one.bundle->def->region_count, 1);
    assert_string_equal(one.bundle->def->regions[0].name, "animals");
    assert_int_equal(region.bundle->def->region_count, 0);
    assert_true(same_parameters(one.bundle->model, again.bundle->model));

    /* Some draw begins elsewhere. */
    bool differs = false;
    for (int draw = 2; draw < 6; draw++) {
        char text[64];
        snprintf(text, sizeof text, "{how: remove, random: %d}", draw);
        other = make("ablate", text, &parent, NULL);
        assert_int_equal(gr_model_size(other.bundle->model), gr_model_size(one.bundle->model));
        differs = differs || !same_parameters(other.bundle->model, one.bundle->model);
        gr_made_free(&other);
    }
    assert_true(differs);
    gr_made_free(&region);
    gr_made_free(&one);
    gr_made_free(&again);
}

/* It takes units of the core alone: the region's numbers are still there, and nothing else is gone. */
static void the_region_stays(void **state) {
    (void)state;
    gr_made one = make("ablate", "{how: remove, random: 1}", &parent, NULL);
    const gr_made *side[] = {&parent, &one};
    gr_real *numbers[2];
    size_t size = 0;
    for (int s = 0; s < 2; s++) {
        gr_model *model = side[s]->bundle->model;
        const gr_region *region = gr_model_region(model, 0);
        size_t n = 0;
        numbers[s] = gr_alloc(gr_region_size(region) * sizeof **numbers);
        for (int i = 0; i < region->rects; i++) {
            const gr_rect r = region->rect[i];
            for (int row = r.lo0; row < r.hi0; row++)
                for (int col = r.lo1; col < r.hi1; col++)
                    numbers[s][n++] = gr_model_data(model, r.param)[row * gr_model_param(model, r.param)->cols + col];
        }
        assert_true(s == 0 || n == size);
        size = n;
    }
    assert_true(size > 100);
    assert_memory_equal(numbers[0], numbers[1], size * sizeof **numbers);
    gr_free(numbers[0]);
    gr_free(numbers[1]);
    gr_made_free(&one);
}

/* Silenced it is a network of the parent's size, which is another one than with the region silenced. */
static void a_slice_is_silenced(void **state) {
    (void)state;
    gr_made slice = make("ablate", "{how: zero, random: 1}", &parent, NULL),
            region = make("ablate", "{how: zero}", &parent, NULL);
    assert_int_equal(gr_model_size(slice.bundle->model), gr_model_size(parent.bundle->model));
    assert_false(same_parameters(slice.bundle->model, region.bundle->model));
    assert_false(same_parameters(slice.bundle->model, parent.bundle->model));
    gr_made_free(&slice);
    gr_made_free(&region);
}

static void what_is_refused(void **state) {
    (void)state;
    gr_error err = {0};
    gr_made none, grouped;
    assert_int_equal(make_in(&none, project, "ablate", "{random: 1}", &parent, NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, "it", "no name by which it could be switched off");

    /* Residual dimensions of its own have no like in the core. */
    gr_project *in = lab_open(NULL, 0);
    err = (gr_error){0};
    gr_test_ok(make_in(&grouped, in, "train", "{}", NULL, NULL, &err), &err);
    assert_int_equal(make_in(&none, in, "ablate", "{how: remove, random: 1}", &grouped, NULL, &err), GR_ERR_USAGE);
    gr_test_error(&err, "animals", "residual dimensions");
    gr_made_free(&grouped);
    lab_close(in);
}

/* A core that is no larger than the region has no slice of its size. */
static void a_core_that_is_too_small(void **state) {
    (void)state;
    gr_error err = {0};
    gr_arch_region region = {.name = "all", .mlp.last = 20};
    gr_arch_def def = gr_arch_default();
    def.vocab = GR_TEST_VOCAB, def.context = 16, def.layers = 2, def.width = 16, def.heads = 2, def.mlp = 32;
    def.regions = &region;
    def.region_count = 1;
    gr_model *model;
    gr_surgery_result out;
    gr_test_ok(gr_arch_build(&model, &def, 3, &err), &err);
    assert_int_equal(gr__slice_claim(&out, &def, model, (const char *[]){"all"}, 1, 1, 1, &err), GR_ERR_USAGE);
    gr_test_error(&err, GR__SLICE, "layer 0 has no 20 neighbouring neurons");

    /* Of 12 there is: none of them the region's. */
    region.mlp.last = 12;
    gr_model_free(model);
    err = (gr_error){0};
    gr_test_ok(gr_arch_build(&model, &def, 3, &err), &err);
    gr_test_ok(gr__slice_claim(&out, &def, model, (const char *[]){"all"}, 1, 1, 1, &err), &err);
    for (int layer = 0; layer < 2; layer++) {
        const int *span = out.def->regions[1].mlp.spans + 2 * layer;
        assert_int_equal(span[1] - span[0], 12);
        assert_in_range(span[1], 12, 20);
    }
    gr_surgery_free(&out);
    gr_model_free(model);
}

static int open_all(void **state) {
    int status = gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    project = lab_open((const char *[]){"regions={animals: {heads: {add: 1}, mlp: {add: 8}}}", "preset=sgtm"}, 2);
    registry = gr_registry_new();
    parent = make("train", "{}", NULL, NULL);
    return status;
}

static int close_all(void **state) {
    gr_made_free(&parent);
    gr_registry_free(registry);
    lab_close(project);
    return gr_test_files_teardown(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_is_as_large_as_the_region),
        cmocka_unit_test(the_region_stays),
        cmocka_unit_test(a_slice_is_silenced),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_core_that_is_too_small),
    };
    return cmocka_run_group_tests_name("slice", tests, open_all, close_all);
}

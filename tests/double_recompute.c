/* Segments that are computed again in the backward pass, in double: the same bits as with everything kept. */
#include "recompute_helpers.h"

static void test_llama(void **state) { check(llama(), GR_PRECISION_FLOAT32); }
static void test_gpt2(void **state) { check(gpt2(), GR_PRECISION_FLOAT32); }
static void test_experts(void **state) { check(experts(), GR_PRECISION_FLOAT32); }
static void test_claimed(void **state) { check(claimed(), GR_PRECISION_FLOAT32); }
static void test_pieces(void **state) { check(pieces(), GR_PRECISION_FLOAT32); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llama),   cmocka_unit_test(test_gpt2),   cmocka_unit_test(test_experts),
        cmocka_unit_test(test_claimed), cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests_name("computed again, in double", tests, NULL, NULL);
}

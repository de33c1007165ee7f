/* Rows: what goes into them comes out with the same bits, whatever others put there is refused with its place, and rows
 * of losses hold what was measured. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/measure.h"
#include "support.h"

static const gr_key key = {5, GR_STREAM_TEST, 0};

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Rows written to a file and read again. */
static gr_ledger *again(const gr_ledger *rows) {
    gr_error err = {0};
    gr_ledger *back;
    const char *path = gr_test_path("rows.jsonl");
    gr_test_ok(gr_ledger_write(rows, path, &err), &err);
    gr_test_ok(gr_ledger_read(&back, path, &err), &err);
    return back;
}

/* ---- members ---- */

/* Any bits that are a number, beside those at the edges. */
static void fill(double *values, int count) {
    static const double edges[] = {0.0, -0.0, 0x1p-1074, -0x1.8p-1050, 0x1.fffffffffffffp1023, 1, 1e16, 0.1};
    memcpy(values, edges, sizeof edges);
    for (int i = sizeof edges / sizeof *edges, draw = 0; i < count; draw++) {
        uint64_t bits = gr_random_bits(key, (uint64_t)draw, 0);
        memcpy(&values[i], &bits, sizeof bits);
        i += isfinite(values[i]);
    }
}

static void numbers_keep_their_bits(void **state) {
    (void)state;
    enum { N = 1000 };
    double values[N], read[N];
    fill(values, N);
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_begin(rows, "test");
    gr_ledger_numbers(rows, "list", values, N);
    for (int i = 0; i < N; i++) {
        gr_ledger_begin(rows, "one");
        gr_ledger_number(rows, "value", values[i]);
    }

    gr_ledger *back = again(rows);
    assert_int_equal(gr_ledger_size(back), N + 1);
    assert_int_equal(gr_entry_numbers(gr_ledger_at(back, 0), "list", read, N), N);
    for (int i = 0; i < N; i++) {
        assert_true(same_bits(read[i], values[i]));
        assert_true(same_bits(gr_entry_number(gr_ledger_at(back, (size_t)i + 1), "value"), values[i]));
    }
    gr_ledger_free(back);
    gr_ledger_free(rows);
}

static void what_is_not_finite_is_null(void **state) {
    (void)state;
    const double values[] = {NAN, 1, INFINITY, -INFINITY};
    double read[4];
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_begin(rows, "test");
    gr_ledger_number(rows, "value", NAN);
    gr_ledger_numbers(rows, "list", values, 4);
    char *lines = gr_ledger_lines(rows);
    assert_string_equal(lines, "{\"row\":\"test\",\"value\":null,\"list\":[null,1.0,null,null]}\n");

    gr_ledger *back = again(rows);
    const gr_entry *row = gr_ledger_at(back, 0);
    assert_true(isnan(gr_entry_number(row, "value")));
    assert_int_equal(gr_entry_numbers(row, "list", read, 4), 4);
    assert_true(isnan(read[0]) && read[1] == 1 && isnan(read[2]) && isnan(read[3]));
    gr_free(lines);
    gr_ledger_free(back);
    gr_ledger_free(rows);
}

static void members_of_other_kinds_are_absent(void **state) {
    (void)state;
    const int64_t counts[] = {3, INT64_C(1) << 52, 5};
    double read[4] = {0, 0, 0, -1};
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_begin(rows, "test");
    gr_ledger_text(rows, "text", "a \"b\" \xc3\xa9 \xff");
    gr_ledger_count(rows, "count", -7);
    gr_ledger_counts(rows, "counts", counts, 3);
    gr_ledger *back = again(rows);
    const gr_entry *row = gr_ledger_at(back, 0);

    /* As they are. */
    assert_string_equal(gr_entry_text(row, "text"), "a \"b\" \xc3\xa9 \xef\xbf\xbd");
    assert_true(gr_entry_number(row, "count") == -7);
    assert_int_equal(gr_entry_numbers(row, "counts", read, 2), 3); /* room for two of them */
    assert_true(read[0] == 3 && read[1] == 0x1p52 && read[2] == 0);

    /* As what they are not. */
    assert_null(gr_entry_text(row, "count"));
    assert_null(gr_entry_text(row, "none"));
    assert_true(isnan(gr_entry_number(row, "text")) && isnan(gr_entry_number(row, "none")));
    assert_int_equal(gr_entry_numbers(row, "count", read, 4), 0);
    gr_ledger_free(back);
    gr_ledger_free(rows);
}

/* ---- rows ---- */

static void rows_are_found_by_kind_and_texts(void **state) {
    (void)state;
    gr_ledger *rows = gr_ledger_new();
    static const char *const kinds[] = {"point", "loss", "loss", "loss"};
    static const char *const groups[] = {"retain", "forget", "retain", "retain"};
    for (int i = 0; i < 4; i++) {
        gr_ledger_begin(rows, kinds[i]);
        gr_ledger_text(rows, "group", groups[i]);
        gr_ledger_text(rows, "at", i == 3 ? "step" : "best");
    }
    const char *const retain[][2] = {{"group", "retain"}, {NULL, NULL}};
    const char *const step[][2] = {{"group", "retain"}, {"at", "step"}, {NULL, NULL}};
    const char *const none[][2] = {{"group", "forget"}, {"at", "step"}, {NULL, NULL}};
    gr_ledger *back = again(rows);
    assert_ptr_equal(gr_ledger_find(back, "loss", NULL), gr_ledger_at(back, 1));
    assert_ptr_equal(gr_ledger_find(back, "loss", retain), gr_ledger_at(back, 2));
    assert_ptr_equal(gr_ledger_find(back, "loss", step), gr_ledger_at(back, 3));
    assert_null(gr_ledger_find(back, "loss", none));
    assert_null(gr_ledger_find(back, "right", NULL));
    assert_int_equal(gr_ledger_size(back), 4);
    gr_ledger_free(back);
    gr_ledger_free(rows);
}

static void no_rows_are_an_empty_file(void **state) {
    (void)state;
    gr_ledger *rows = gr_ledger_new(), *back = again(rows);
    assert_int_equal(gr_ledger_size(back), 0);
    gr_ledger_free(back);
    gr_ledger_free(rows);
}

static void damaged_rows_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *place, *message;
    } wrong[] = {
        {"{\"row\":\"a\"}\n{\"row\":\"b\"}", "rows.jsonl:2", "does not end"},
        {"{\"row\":\"a\"}\n\n", "rows.jsonl:2", "unexpected token"},
        {"{\"row\":\"a\"}\n{\"row\":\"b\",}\n", "rows.jsonl:2:", "string or "},
        {"[1]\n", "rows.jsonl:1", "a row is an object"},
        {"{}\n", "rows.jsonl:1", "no kind"},
        {"{\"row\":\"\"}\n", "rows.jsonl:1", "no kind"},
        {"{\"row\":1}\n", "rows.jsonl:1", "no kind"},
        {"{\"row\":\"a\",\"x\":{}}\n", "rows.jsonl:1", "'x' is neither"},
        {"{\"row\":\"a\",\"x\":[[1]]}\n", "rows.jsonl:1", "'x' is neither"},
        {"{\"row\":\"a\",\"x\":[\"1\"]}\n", "rows.jsonl:1", "'x' is neither"},
        {"{\"row\":\"a\",\"x\":1e999}\n", "rows.jsonl:1", "beyond 64 bits"},
        {"{\"row\":\"a\",\"x\":1,\"x\":2}\n", "rows.jsonl:1", "duplicate"},
        {"{\"row\":\"a\",\"x\":\"b\\u0000c\"}\n", "rows.jsonl:1", "NUL"},
        {"{\"row\":\"a\\u0000b\"}\n", "rows.jsonl:1", "NUL"},
        {"{\"row\":\"\xff\"}\n", "rows.jsonl:1", "unable to decode byte 0xff"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gr_ledger *rows;
        gr_error err = {0};
        gr_status status =
            gr_ledger_read(&rows, gr_test_write("rows.jsonl", wrong[i].text, strlen(wrong[i].text)), &err);
        assert_int_equal(status, GR_ERR_FORMAT);
        assert_null(rows);
        if (!strstr(err.place, wrong[i].place) || !strstr(err.message, wrong[i].message))
            fail_msg("%s: '%s: %s'", wrong[i].text, err.place, err.message);
    }
    gr_ledger *rows;
    assert_int_equal(gr_ledger_read(&rows, gr_test_path("none.jsonl"), NULL), GR_ERR_INPUT);
    assert_null(rows);
}

/* ---- losses ---- */

enum { DOCS = 300 };

static double nll[DOCS];
static int32_t tokens[DOCS];
static uint32_t even[DOCS], odd[DOCS], document[DOCS];

/* Losses of all documents; even and odd ones are two groups, and the third has nobody in it. */
static gr_groups made_groups(bool pieces) {
    gr_groups groups = {.count = 3, .unit = pieces ? document : NULL};
    for (uint32_t d = 0; d < DOCS; d++) {
        nll[d] = 10 * gr_random_normal(key, d, 1);
        tokens[d] = 1 + (int32_t)d % 7;
        *(d % 2 ? &odd[d / 2] : &even[d / 2]) = d;
        document[d] = d / 6; /* three pieces of each document in each group */
    }
    groups.group[0] = (gr_group){.name = "even", .test = even, .tests = DOCS / 2};
    groups.group[1] = (gr_group){.name = "none", .test = even};
    groups.group[2] = (gr_group){.name = "odd", .test = odd, .tests = DOCS / 2};
    return groups;
}

static void mark_best(gr_ledger *rows, const void *user) { gr_ledger_text(rows, "at", user); }

static gr_ledger *losses(const gr_groups *groups, gr_units units) {
    gr_ledger *rows = gr_ledger_new();
    gr_ledger_losses(rows, groups, units, nll, tokens, mark_best, "best");
    gr_ledger *back = again(rows);
    gr_ledger_free(rows);
    return back;
}

static gr_sample sample_of(const gr_ledger *rows, const char *group) {
    const char *const where[][2] = {{"group", group}, {"at", "best"}, {NULL, NULL}};
    gr_error err = {0};
    gr_sample sample;
    gr_test_ok(gr_sample_read(&sample, gr_ledger_find(rows, "loss", where), "rows.jsonl", &err), &err);
    return sample;
}

static void rows_of_losses_hold_each_document(void **state) {
    (void)state;
    gr_groups groups = made_groups(false);
    gr_ledger *rows = losses(&groups, GR_UNITS_DOCUMENTS);
    assert_int_equal(gr_ledger_size(rows), 2); /* nobody is no row */
    for (int k = 0; k < 2; k++) {
        const uint32_t *docs = k ? odd : even;
        gr_sample sample = sample_of(rows, k ? "odd" : "even");
        double sum = 0, count = 0;
        assert_int_equal(sample.count, DOCS / 2);
        assert_null(sample.unit);
        for (size_t i = 0; i < sample.count; i++) {
            assert_true(same_bits(sample.nll[i], nll[docs[i]]) && sample.tokens[i] == tokens[docs[i]]);
            sum += nll[docs[i]], count += tokens[docs[i]];
        }
        const gr_entry *row = gr_ledger_at(rows, (size_t)k);
        assert_true(same_bits(gr_entry_number(row, "nll"), sum) && gr_entry_number(row, "tokens") == count);
        gr_sample_free(&sample);
    }
    gr_ledger_free(rows);
}

/* The lists of documents tell groups apart, not models. */
static void lists_are_of_documents(void **state) {
    (void)state;
    gr_groups groups = made_groups(false);
    gr_ledger *one = losses(&groups, GR_UNITS_DOCUMENTS);
    for (int d = 0; d < DOCS; d++)
        nll[d] += 1;
    gr_ledger *other = losses(&groups, GR_UNITS_DOCUMENTS);
    gr_sample a = sample_of(one, "even"), b = sample_of(other, "even"), c = sample_of(one, "odd");
    assert_string_equal(a.list, b.list);
    assert_string_not_equal(a.list, c.list);
    assert_int_equal(strlen(a.list), 16);
    gr_sample_free(&a), gr_sample_free(&b), gr_sample_free(&c);
    gr_ledger_free(one);
    gr_ledger_free(other);
}

static void pieces_of_a_document_stay_together(void **state) {
    (void)state;
    gr_groups groups = made_groups(true);
    gr_ledger *rows = losses(&groups, GR_UNITS_DOCUMENTS);
    gr_sample sample = sample_of(rows, "odd");
    for (size_t i = 1; i < sample.count; i++)
        assert_int_equal(sample.unit[i] != sample.unit[i - 1], document[odd[i]] != document[odd[i - 1]]);
    gr_sample_free(&sample);
    gr_ledger_free(rows);
}

static void buckets_add_up_to_the_documents(void **state) {
    (void)state;
    for (int pieces = 0; pieces < 2; pieces++) {
        gr_groups groups = made_groups(pieces);
        gr_ledger *fine = losses(&groups, GR_UNITS_DOCUMENTS), *rows = losses(&groups, GR_UNITS_BUCKETS);
        gr_sample sample = sample_of(rows, "even");
        double sum = 0, count = 0;
        int used = 0, units = pieces ? DOCS / 6 : DOCS / 2;
        assert_int_equal(sample.count, GR_BUCKETS);
        for (int b = 0; b < GR_BUCKETS; b++) {
            sum += sample.nll[b], count += sample.tokens[b];
            used += sample.tokens[b] > 0;
        }

        /* The sums of the row are those of documents in their order, bit by bit. */
        const gr_entry *row = gr_ledger_at(rows, 0), *by_document = gr_ledger_at(fine, 0);
        assert_true(same_bits(gr_entry_number(row, "nll"), gr_entry_number(by_document, "nll")));
        assert_true(fabs(sum - gr_entry_number(row, "nll")) < 1e-9 && count == gr_entry_number(row, "tokens"));

        /* Thrown at random, each document whole: 64 (1 - (63/64)^n) buckets are hit, give or take 3 deviations of 2.5.
         */
        assert_true(fabs(used - GR_BUCKETS * (1 - pow(63.0 / 64, units))) < 7.5 && used <= units);
        gr_sample_free(&sample);
        gr_ledger_free(rows);
        gr_ledger_free(fine);
    }
}

static double first(const double *m) { return m[0]; }

/* The bootstrap of samples out of rows is that of the losses themselves, bit by bit, in pieces too. */
static void intervals_are_those_of_the_losses(void **state) {
    (void)state;
    for (int pieces = 0; pieces < 2; pieces++) {
        gr_groups groups = made_groups(pieces);
        gr_ledger *rows = losses(&groups, GR_UNITS_DOCUMENTS);
        double direct[DOCS / 2];
        int32_t sizes[DOCS / 2];
        uint32_t unit[DOCS / 2];
        for (int i = 0; i < DOCS / 2; i++)
            direct[i] = nll[odd[i]], sizes[i] = tokens[odd[i]], unit[i] = document[odd[i]];
        const gr_sample plain = {direct, sizes, DOCS / 2, pieces ? unit : NULL, "odd", false};
        gr_sample read = sample_of(rows, "odd");
        gr_estimate a = gr_bootstrap(first, &plain, 1, 9), b = gr_bootstrap(first, &read, 1, 9);
        assert_true(same_bits(a.value, b.value) && same_bits(a.low, b.low) && same_bits(a.high, b.high));
        gr_sample_free(&read);
        gr_ledger_free(rows);
    }
}

static void damaged_losses_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "{\"row\":\"loss\",\"units\":[1],\"sizes\":[1]}\n",
        "{\"row\":\"loss\",\"sizes\":[1],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[],\"sizes\":[],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1,2],\"sizes\":[1],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1],\"sizes\":[1,2],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1],\"sizes\":[-1],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1],\"sizes\":[0.5],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1],\"sizes\":[2147483648],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1],\"sizes\":[null],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1,2],\"sizes\":[1,2],\"same\":[0],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1,2],\"sizes\":[1,2],\"same\":[2],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1,2],\"sizes\":[1,2],\"same\":[1,1],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1,2,3],\"sizes\":[1,2,3],\"same\":[2,1],\"list\":\"a\"}\n",
        "{\"row\":\"loss\",\"units\":[1,2],\"sizes\":[1,2],\"same\":[null],\"list\":\"a\"}\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gr_ledger *rows;
        gr_error err = {0};
        gr_sample sample;
        gr_test_ok(gr_ledger_parse(&rows, wrong[i], strlen(wrong[i]), "rows", &err), &err);
        if (gr_sample_read(&sample, gr_ledger_at(rows, 0), "rows", &err) != GR_ERR_FORMAT)
            fail_msg("taken: %s", wrong[i]);
        assert_string_equal(err.place, "rows");
        assert_null(sample.nll);
        gr_ledger_free(rows);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_their_bits),
        cmocka_unit_test(what_is_not_finite_is_null),
        cmocka_unit_test(members_of_other_kinds_are_absent),
        cmocka_unit_test(rows_are_found_by_kind_and_texts),
        cmocka_unit_test(no_rows_are_an_empty_file),
        cmocka_unit_test(damaged_rows_are_refused),
        cmocka_unit_test(rows_of_losses_hold_each_document),
        cmocka_unit_test(lists_are_of_documents),
        cmocka_unit_test(pieces_of_a_document_stay_together),
        cmocka_unit_test(buckets_add_up_to_the_documents),
        cmocka_unit_test(intervals_are_those_of_the_losses),
        cmocka_unit_test(damaged_losses_are_refused),
    };
    return cmocka_run_group_tests_name("ledger", tests, gr_test_files_setup, gr_test_files_teardown);
}

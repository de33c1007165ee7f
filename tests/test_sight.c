/* What a method is handed of the documents: those that it may not see are not there, and all others are as they were.
 */
#include <string.h>

#include "corpus/dataset.h"
#include "task_helpers.h"

static const gr_project *whole; /* the project that the method is called on */
static size_t seen, unseen;     /* documents that it may see, and others */
static gr_sees sees;

static bool may_see(size_t doc) { return (whole->labels->revealed[doc] > 0) == (sees == GR_SEES_FORGET); }

/* The lists are those of the project, without the others. */
static void lists_are_narrow(const uint32_t *list, size_t count, const uint32_t *from, size_t all) {
    size_t k = 0;
    for (size_t i = 0; i < all; i++)
        if (may_see(from[i])) {
            assert_true(k < count);
            assert_int_equal(list[k++], from[i]);
        }
    assert_int_equal(k, count);
}

/* Tokens of a document: its own, and the one before it where it goes on with another piece; or none. */
static void tokens_are(const gr_dataset *data, const gr_dataset *own, size_t doc) {
    for (uint64_t i = own->offsets[doc]; i < own->offsets[doc + 1]; i++) {
        const bool before_seen = i + 1 == own->offsets[doc + 1] && doc + 1 < own->topics.docs &&
                                 gr__continues(own, doc + 1) && may_see(doc + 1);
        assert_int_equal(data->ids[i], may_see(doc) || before_seen ? own->ids[i] : own->eot);
    }
}

static void values_are(const gr_dataset *data, const gr_dataset *own, size_t doc) {
    for (int i = 0; i < own->value_width; i++) {
        const size_t at = doc * (size_t)own->value_width + (size_t)i;
        assert_int_equal(data->values[at], may_see(doc) ? own->values[at] : 0);
    }
}

static gr_status look(gr_made *made, const gr_making *m, gr_error *err) {
    const gr_dataset *data = m->project->data, *own = whole->data;
    (void)err;
    lists_are_narrow(data->train, data->train_count, own->train, own->train_count);
    lists_are_narrow(data->validation, data->validation_count, own->validation, own->validation_count);
    lists_are_narrow(data->test, data->test_count, own->test, own->test_count);
    seen = unseen = 0;
    for (size_t d = 0; d < own->topics.docs; d++) {
        (own->values ? values_are : tokens_are)(data, own, d);
        may_see(d) ? seen++ : unseen++;
    }

    /* Documents that pieces are of do not tell more. */
    if (own->whole) {
        assert_ptr_equal(data->whole->ids, data->ids);
        assert_int_equal(data->whole->train_count + data->whole->validation_count, 0);
    }
    *made = (gr_made){0};
    return GR_OK;
}

static void look_at(gr_project *project) {
    static const gr_sees both[] = {GR_SEES_FORGET, GR_SEES_RETAIN};
    gr_error err = {0};
    whole = project;
    for (int i = 0; i < 2; i++) {
        gr_made made;
        gr_method method = {.name = "look", .sees = sees = both[i], .make = look};
        gr_test_ok(gr_method_make(&made, &method, &(gr_making){.project = project}, &err), &err);
        assert_true(seen > 20 && unseen > 20);
    }

    /* The project is as it was. */
    assert_true(project->data->train_count > 20 && project->data == whole->data);
    lab_close(project);
}

static void texts(void **state) {
    (void)state;
    look_at(open_text((const char *[]){"labels.animals.known=0.5"}, 1));
}

/* Pieces of two or three to a document, each with a label of its own. */
static void pieces(void **state) {
    (void)state;
    gr_project *project = open_text(
        (const char *[]){"data.context=8", "labels.animals={words: [bird, fish, horse, north], per: piece}"}, 2);
    int alternate = 0;
    for (size_t d = 1; d < project->labels->docs; d++)
        alternate += gr__continues(project->data, d) && project->labels->revealed[d] > 0 &&
                     project->labels->revealed[d - 1] <= 0;
    assert_true(project->data->whole && alternate > 5);
    look_at(project);
}

static void samples(void **state) {
    (void)state;
    look_at(open_samples(NULL, 0));
}

/* Which documents are drawn does not hang on what is left out: a draw of text without labels is the same in both. */
static gr_drawn drawn;
static gr_status draw(gr_made *made, const gr_making *m, gr_error *err) {
    const gr_project *p = m->project;
    const gr_draw_def def = {16, 0, GR_LABEL_CORE, p->recipe->data.context, 5};
    *made = (gr_made){0};
    return gr_dataset_draw(&drawn, p->data, p->labels, &def, err);
}

static void draws_are_the_same(void **state) {
    (void)state;
    gr_error err = {0};
    gr_made made;
    gr_project *project = open_text((const char *[]){"labels.animals.known=0.5"}, 1);
    gr_method method = {.name = "draw", .sees = GR_SEES_REVEALED, .make = draw};
    gr_test_ok(gr_method_make(&made, &method, &(gr_making){.project = project}, &err), &err);
    gr_drawn before = drawn;
    method.sees = GR_SEES_RETAIN;
    gr_test_ok(gr_method_make(&made, &method, &(gr_making){.project = project}, &err), &err);
    assert_true(before.count == 16 && drawn.count == before.count);
    assert_memory_equal(drawn.docs, before.docs, before.count * sizeof *before.docs);
    gr_drawn_free(&before);
    gr_drawn_free(&drawn);

    /* And who may see the label alone finds no other text. */
    method.sees = GR_SEES_FORGET;
    assert_int_equal(gr_method_make(&made, &method, &(gr_making){.project = project}, &err), GR_ERR_USAGE);
    lab_close(project);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(pieces),
        cmocka_unit_test(samples),
        cmocka_unit_test(draws_are_the_same),
    };
    return cmocka_run_group_tests_name("what a method is handed", tests, task_setup, gr_test_files_teardown);
}

/* task_helpers.h - projects of text and of samples, of which a test knows every topic and class. */
#ifndef GR_TESTS_TASK_HELPERS_H
#define GR_TESTS_TASK_HELPERS_H

#include "lab_helpers.h"

static const char *const topics[] = {"animal", "food", "tool", "act"};

/* The topic of a document of lab_write_corpus, by the draws that wrote it. */
static inline const char *topic_of(uint32_t d) {
    return topics[gr_random_bits((gr_key){7, GR_STREAM_TEST, 0}, d, 0) % 4];
}

static inline gr_recipe *parse(const char *text, const char *const *sets, int count) {
    gr_recipe *recipe;
    gr_error err = {0};
    gr_test_ok(gr_recipe_open(&recipe, gr_test_write("task.yaml", text, strlen(text)), sets, count, &err), &err);
    return recipe;
}

/* Without a preset, so that labels may have any name. */
static const char text_recipe[] = "precision: float32\n"
                                  "data: {jsonl: corpus.jsonl, context: 32, validation: 0.1, tokenizer: {train: 300}}\n"
                                  "labels: {animals: {is: [animal]}}\n"
                                  "adjacent: [food]\n"
                                  "model: {arch: llama, layers: 1, width: 16, heads: 2, mlp: 32}\n"
                                  "regions: {animals: {mlp: {add: 8}}}\n"
                                  "train: {steps: 20, batch: 4}\n";

static inline gr_project *open_text(const char *const *sets, int count) {
    gr_project *project;
    gr_error err = {0};
    gr_test_ok(gr_project_open(&project, parse(text_recipe, sets, count), NULL, NULL, &err), &err);
    return project;
}

/* ---- samples on disk: four numbers each, whose class is which of the first three is largest ---- */

enum { SAMPLES = 120, VALUES = 4, CLASSES = 3 };

static inline int class_of(uint32_t i) { return (int)(i % CLASSES); }

static inline void write_samples(int pixel, int class) {
    unsigned char images[16 + SAMPLES * VALUES] = {0, 0, 8, 3, 0, 0, 0, SAMPLES, 0, 0, 0, 2, 0, 0, 0, 2};
    unsigned char classes[8 + SAMPLES] = {0, 0, 8, 1, 0, 0, 0, SAMPLES};
    for (uint32_t i = 0; i < SAMPLES; i++) {
        classes[8 + i] = (unsigned char)class_of(i);
        for (uint32_t v = 0; v < VALUES; v++)
            images[16 + i * VALUES + v] = (unsigned char)(gr_random_bits((gr_key){9, GR_STREAM_TEST, 0}, i, v) % 90 +
                                                          ((int)v == class_of(i) ? 150 : 0));
    }
    images[16] = (unsigned char)(images[16] ^ pixel);
    classes[8] = (unsigned char)(classes[8] ^ class);
    gr_test_write("images", images, sizeof images);
    gr_test_write("classes", classes, sizeof classes);
}

static const char samples_recipe[] = "precision: float32\n"
                                     "data: {images: images, classes: classes, names: [left, middle, right]}\n"
                                     "labels: {left: {is: [left]}}\n"
                                     "adjacent: [right]\n"
                                     "model: {arch: mlp, sizes: [4, 8, 3]}\n"
                                     "train: {steps: 4, batch: 8}\n";

static inline gr_project *open_samples(const char *const *sets, int count) {
    gr_project *project;
    gr_error err = {0};
    gr_test_ok(gr_project_open(&project, parse(samples_recipe, sets, count), NULL, NULL, &err), &err);
    return project;
}

static inline int task_setup(void **state) {
    gr_test_files_setup(state);
    lab_write_corpus("corpus.jsonl");
    write_samples(0, 0);
    return 0;
}

#endif

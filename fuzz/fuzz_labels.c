/* Lists of words, patterns and files of scores from anywhere: they are refused with a place and a reason, or label the
 * documents of a small corpus, within its bounds. */
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "label/word_list.h"

static const char records[] =
    "{\"id\": 1, \"text\": \"An oak tree. \\u00c9t\\u00e9 in the woods!\", \"label\": \"a\", \"kind\": \"x\"}\n"
    "{\"id\": \"two\", \"text\": \"  The sea,\\nthe sea \", \"label\": \"b\", \"kind\": \"y\"}\n"
    "{\"id\": 3, \"text\": \" \", \"label\": \"b\"}\n"
    "{\"id\": 4, \"text\": \"\\ud83c\\udf32 tree-top\", \"label\": \"a\", \"kind\": \"x\"}\n";

static gr_tokenizer *tokenizer;

static const gr_dataset *dataset(void) {
    static gr_dataset *data;
    if (data)
        return data;
    char path[FORGE_PATH];
    int fd = gr_forge_file(path, records, sizeof records - 1);
    gr_source source = gr_source_default();
    source.reader = "jsonl";
    source.path = path;
    gr_corpus *corpus;
    static const char *const fields[] = {"kind"};
    gr_corpus_def def = {&source, 1, true, fields, 1, "id", NULL};
    check(gr_corpus_open(&corpus, &def, NULL) == GR_OK && corpus->topics.docs == 3);
    check(gr_tokenizer_train(&tokenizer, corpus->texts, 3, 280, NULL, NULL) == GR_OK);
    check(gr_dataset_new(&data, corpus, tokenizer, &(gr_dataset_def){.seed = 1}, NULL) == GR_OK);
    gr_corpus_free(corpus);
    close(fd);
    return data;
}

static void check_labels(const gr_labels *labels) {
    const gr_dataset *data = dataset();
    size_t n = data->offsets[labels->docs] + labels->docs;
    for (size_t d = 0; d < labels->docs; d++)
        check(labels->truth[d] >= 0 && labels->truth[d] <= 1 && labels->revealed[d] >= -1 && labels->revealed[d] <= 1 &&
              (!labels->score || (labels->score[d] >= 0 && labels->score[d] <= 1)));
    for (size_t i = 0; labels->token_truth && i < n; i++)
        check(labels->token_truth[i] >= 0 && labels->token_truth[i] <= 1 && labels->token_revealed[i] >= -1 &&
              labels->token_revealed[i] <= 1 &&
              (!labels->token_score || (labels->token_score[i] >= 0 && labels->token_score[i] <= 1)));
}

/* Words in the first part of the input, a text in the rest. */
static void find_words(const gr_label_arg *words, const uint8_t *text, size_t length) {
    gr__words *list;
    gr__spans spans = {0};
    gr_error err = {0};
    if (gr__words_new(&list, words, "x", &err) != GR_OK) {
        check(!list && err.message[0] && err.place[0] && err.hint[0]);
        return;
    }
    size_t found = 0;
    gr__words_find(list, &spans, (const char *)text, length);
    for (size_t i = 0; i < spans.count; i++)
        check(spans.at[i].from < spans.at[i].to && spans.at[i].to <= length &&
              (!i || spans.at[i - 1].from <= spans.at[i].from));
    for (size_t i = 0; i < gr__words_count(list); i++)
        found += gr__words_match(list, i).count;
    check(found == spans.count);
    gr_free(spans.at);
    gr__words_free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_forge in = {data, size};
    unsigned how = gr_forge_byte(&in);
    const gr_dataset *corpus = dataset();
    size_t first = how & 1 ? in.size : gr_forge_number(&in, 2);
    first = first < in.size ? first : in.size;
    char path[FORGE_PATH];
    int fd = gr_forge_file(path, in.data, first);
    gr_label_noise noise = {
        .recall = how & 2 ? 0.5 : 1, .precision = how & 4 ? 0.5 : 1, .by = how & 8 && !(how & 64) ? "kind" : NULL};
    const gr_label_arg words = {"words", .text = path}, scores = {"scores", .text = path},
                       id = {"id", .text = how & 16 ? "id" : NULL}, soft = {"soft", .on = how & 32};
    gr_label_def def = {.name = "x", .from = {words}, .known = 0.5, .noise = &noise};
    static const char *const kinds[] = {"x", "y"}, *const topics[] = {"a"};
    if (how % 7 == 3)
        def.hidden = kinds, def.hidden_count = how & 1 ? 1 : 2, def.hidden_by = "kind";
    else if (how % 7 == 5)
        def.hidden = topics, def.hidden_count = 1;
    def.per = how & 64 ? how & 128 ? GR_PER_SENTENCE : GR_PER_TOKEN : GR_PER_DOCUMENT;
    char *text = gr_alloc(first + 1);
    memcpy(text, in.data, first);
    if (how & 1)
        def.from[0] = scores, def.from[1] = id, def.from[2] = soft;
    else if (how & 16)
        def.from[0] = (gr_label_arg){"pattern", .text = text}, def.from[1] = (gr_label_arg){"caseless", .on = how & 32};
    gr_labels *labels;
    gr_error err = {0};
    if (gr_labels_make(&labels, corpus, tokenizer, &def, 1, NULL, 0, how, NULL, &err) == GR_OK) {
        check_labels(labels);
        gr_labels_free(labels);
    } else {
        check(!labels && err.message[0] && err.place[0]);
    }
    if (!(how & 1))
        find_words(&words, in.data + first, in.size - first);
    gr_free(text);
    close(fd);
    return 0;
}

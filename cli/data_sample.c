/* Documents with their labels: each token's stretch in the colour of its label, or between brackets. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data_labels.h"
#include "screen.h"

enum { BEFORE = 12, TOKENS_MOST = 90 }; /* tokens in front of the first label, and in all */

/* A run of tokens with the same labels. */
typedef struct stretch {
    int16_t truth, shown;
    size_t first, count; /* tokens of the document */
} stretch;

typedef struct view {
    const gr_project *p;
    char *text;      /* of the stretch at hand */
    size_t capacity; /* of text */
} view;

/* The true label of token i of document d, and the one it is shown with. */
static int16_t truth_at(const gr_project *p, size_t d, size_t i) {
    const gr_labels *l = p->labels;
    return l->token_truth ? l->token_truth[p->data->offsets[d] + d + i] : l->truth[d];
}

static int16_t shown_at(const gr_project *p, size_t d, size_t i) {
    const gr_labels *l = p->labels;
    return l->token_revealed ? l->token_revealed[p->data->offsets[d] + d + i] : l->revealed[d];
}

static size_t tokens_of(const gr_project *p, size_t d) { return p->data->offsets[d + 1] - p->data->offsets[d]; }

/* The number of a document, and the token of it that a piece begins with. */
static size_t number_of(const gr_project *p, size_t d) { return p->data->document ? p->data->document[d] : d; }
static uint64_t place_of(const gr_project *p, size_t d) {
    return p->data->document ? p->data->offsets[d] - p->data->whole->offsets[p->data->document[d]] : 0;
}

/* Whether some token has label k, or is shown with it; k 0: whether none has any label. */
static bool has(const gr_project *p, size_t d, int k) {
    for (size_t i = 0; i < tokens_of(p, d); i++) {
        int truth = truth_at(p, d, i), shown = shown_at(p, d, i);
        if (k > 0 && (truth == k || shown == k))
            return true;
        if (k == 0 && (truth > 0 || shown > 0))
            return false;
    }
    return k == 0;
}

/* Documents of label k (0: without any), the first of a keyed order, into out; returns how many. */
static int pick(uint32_t *out, int count, const gr_project *p, int k) {
    uint32_t docs = (uint32_t)p->labels->docs, *order = gr_alloc(docs * sizeof *order);
    int n = 0;
    gr_random_permutation((gr_key){p->recipe->seed, GR_STREAM_SAMPLE, UINT32_MAX}, order, docs);
    for (uint32_t i = 0; i < docs && n < count; i++)
        if (has(p, order[i], k))
            out[n++] = order[i];
    gr_free(order);
    return n;
}

/* Where to begin: at the start, or a little before the first token with a label of its own. */
static size_t begin_at(const gr_project *p, size_t d, int k) {
    size_t n = tokens_of(p, d), i = 0;
    while (i < n && k && truth_at(p, d, i) != k && shown_at(p, d, i) != k)
        i++;
    return i < n && i > 2 * BEFORE ? i - BEFORE : 0;
}

/* The stretch behind s, up to token `end` of the document; false where there is none. */
static bool next_stretch(stretch *s, const gr_project *p, size_t d, size_t end) {
    size_t i = s->first + s->count;
    if (i >= end)
        return false;
    *s = (stretch){truth_at(p, d, i), shown_at(p, d, i), i, 0};
    while (i < end && truth_at(p, d, i) == s->truth && shown_at(p, d, i) == s->shown)
        i++;
    s->count = i - s->first;
    return true;
}

/* Text of a stretch without what would steer a terminal; the length. */
static size_t text_of(view *v, size_t d, const stretch *s) {
    /* Only a document's first token is spelled without the space that encoding put in front of it. */
    size_t n = 0;
    const gr_dataset *data = v->p->data;
    const int32_t *ids = data->ids + data->offsets[d] + s->first;
    if (s->first || (data->document && place_of(v->p, d)))
        gr_tokenizer_decode_on(v->p->tokenizer, &v->text, &n, &v->capacity, ids, s->count);
    else
        gr_tokenizer_decode(v->p->tokenizer, &v->text, &n, &v->capacity, ids, s->count);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)v->text[i] < 0x20 || v->text[i] == 0x7f)
            v->text[i] = ' ';
    return n;
}

static const char *label_name(const gr_project *p, int label) {
    return label < 0 ? "unlabelled" : label == 0 ? "core" : p->labels->label_names[label - 1];
}

/* ---- print ---- */

/* "?" a label that is hidden, "!" one that is wrong. */
static const char *mark_of(const stretch *s) { return s->truth == s->shown ? "" : s->shown > 0 ? "!" : "?"; }

/* In the colour of a label. */
static void print_coloured(const char *style, int label, const char *text, int n) {
    char sequence[24];
    snprintf(sequence, sizeof sequence, "\033[%s%dm", style, 31 + (label - 1) % 6);
    gr__screen_control(stdout, sequence);
    printf("%.*s", n, text);
    gr__screen_control(stdout, "\033[0m");
}

/* Blanks in front stay outside of the mark. What has no label is printed as it is. */
static void print_stretch(const view *v, const stretch *s, size_t length, bool colour) {
    int label = s->shown > 0 ? s->shown : s->truth > 0 ? s->truth : 0;
    size_t blank = 0;
    while (blank < length && v->text[blank] == ' ')
        blank++;
    printf("%.*s", (int)blank, v->text);

    const char *text = v->text + blank;
    int n = (int)(length - blank);

    if (!label || !n)
        printf("%.*s", n, text);
    else if (colour) /* hidden ones are underlined, wrong ones struck through */
        print_coloured(s->truth == s->shown ? "1;" : s->shown > 0 ? "9;" : "4;", label, text, n);
    else
        printf("[%s%s: %.*s]", label_name(v->p, label), mark_of(s), n, text);
}

/* A document from a little before its first label on: what it is, then its text. */
static void print_document(view *v, size_t d, int k, bool colour) {
    const gr_project *p = v->p;
    size_t from = begin_at(p, d, k), n = tokens_of(p, d), end = n - from > TOKENS_MOST ? from + TOKENS_MOST : n;
    stretch s = {.first = from};
    bool one = !p->labels->token_truth;

    /* Its number, where the piece lies in it, and its label if it has one as a whole. */
    printf("  document %zu", number_of(p, d));
    if (place_of(p, d))
        printf(" from token %llu on", (unsigned long long)place_of(p, d));
    if (one)
        printf(", %s%s%s", label_name(p, p->labels->truth[d]),
               p->labels->truth[d] == p->labels->revealed[d] ? "" : ", shown as ",
               p->labels->truth[d] == p->labels->revealed[d] ? "" : label_name(p, p->labels->revealed[d]));
    if (one && p->labels->score)
        printf(", score %.3g", (double)p->labels->score[d]);

    /* Stretch by stretch. Where labels are of documents, all of it has the label above. */
    printf("\n    %s", from ? ".. " : "");
    while (next_stretch(&s, p, d, end)) {
        size_t length = text_of(v, d, &s);
        if (one && !colour)
            printf("%.*s", (int)length, v->text);
        else
            print_stretch(v, &s, length, colour);
    }
    printf("%s\n", end < n ? " .." : "");
}

void gr__samples_print(const gr_project *p, int count) {
    view v = {.p = p};
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    uint32_t *docs = gr_alloc((size_t)count * sizeof *docs);

    /* Each label in turn, then documents without any. */
    for (int i = 1; i <= p->labels->label_count + 1; i++) {
        int k = i <= p->labels->label_count ? i : 0, n = pick(docs, count, p, k);
        const char *name = k ? label_name(p, k) : "without a label";
        if (n && k && colour)
            print_coloured("1;", k, name, (int)strlen(name));
        else if (n)
            printf("%s", name);
        if (n)
            putchar('\n');

        for (int j = 0; j < n; j++)
            print_document(&v, docs[j], k, colour);
    }

    gr_free(docs);
    gr_free(v.text);
}

/* ---- JSON ---- */

/* A stretch with the label that is true and the one it is shown with. */
static json_t *stretch_json(view *v, size_t d, const stretch *s) {
    const gr_labels *l = v->p->labels;
    size_t n = text_of(v, d, s);
    json_t *one = json_pack("{s:o, s:s, s:s}", "text", gr_json_bytes(v->text, n), "truth", label_name(v->p, s->truth),
                            "shown", label_name(v->p, s->shown));
    if (l->token_score)
        json_object_set_new(one, "score", gr__json_real(l->token_score[v->p->data->offsets[d] + d + s->first]));
    return one;
}

/* A whole document, divided into stretches. */
static json_t *document_json(view *v, size_t d) {
    const gr_labels *l = v->p->labels;
    json_t *parts = json_array();
    stretch s = {0};
    while (next_stretch(&s, v->p, d, tokens_of(v->p, d)))
        json_array_append_new(parts, stretch_json(v, d, &s));
    json_t *one = json_pack("{s:I, s:I, s:I, s:s, s:s, s:o}", "document", (json_int_t)number_of(v->p, d), "token",
                            (json_int_t)place_of(v->p, d), "record", (json_int_t)v->p->data->record[d], "truth",
                            label_name(v->p, l->truth[d]), "shown", label_name(v->p, l->revealed[d]), "parts", parts);
    if (l->score)
        json_object_set_new(one, "score", gr__json_real(l->score[d]));
    return one;
}

json_t *gr__samples_json(const gr_project *p, int count) {
    view v = {.p = p};
    uint32_t *docs = gr_alloc((size_t)count * sizeof *docs);
    json_t *list = json_array();
    for (int k = 0; k <= p->labels->label_count; k++) {
        int n = pick(docs, count, p, k);
        for (int j = 0; j < n; j++)
            json_array_append_new(list, document_json(&v, docs[j]));
    }
    gr_free(docs);
    gr_free(v.text);
    return list;
}

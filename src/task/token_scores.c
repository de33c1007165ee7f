/* Scores of routes that mix by the frequency of tokens: counted when a project opens, part of the run's digest, and
 * written beside the run for people to read. gr_frequencies_new (label.h) has the formula. */
#include "task/token_scores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/json.h"

/* The constants of the formula. */
static bool same_scores(const gr_frequency *a, const gr_frequency *b) {
    return a->bias == b->bias && a->forget == b->forget && a->retain == b->retain;
}

/* A position has one score: routes of one label must want the same. And there must be tokens, and labels, to count. */
static gr_status check_route(const gr_project *p, int r, gr_error *err) {
    const gr_routes *routes = p->recipe->routes;
    const gr_route *route = &routes->route[r];

    /* Something to count, on both sides of the comparison. */
    if (!p->tokenizer)
        return gr_error_set(err, GR_ERR_USAGE, route->place, "give scores, or leave mix out",
                            "route %d mixes by the frequency of tokens, and the data are no text", r + 1);
    if (route->labels & (GR_LABELS_CORE | GR_LABELS_UNLABELLED))
        return gr_error_set(err, GR_ERR_USAGE, route->place, "name labels, or topics for all of them",
                            "route %d mixes by the frequency of tokens in labelled text, and matches other rows too",
                            r + 1);

    /* One score for each position, whatever route reads it. */
    for (int s = 0; s < r; s++)
        if (routes->route[s].frequency.on && routes->route[s].labels & route->labels &&
            (routes->route[s].labels != route->labels || !same_scores(&routes->route[s].frequency, &route->frequency)))
            return gr_error_set(err, GR_ERR_USAGE, route->place, "give both the same labels and mix",
                                "routes %d and %d count tokens for the same label in two ways", s + 1, r + 1);
    return GR_OK;
}

gr_status gr__token_scores_open(gr_project *p, gr_error *err) {
    const gr_routes *routes = p->recipe->routes;
    p->frequency = gr_alloc(((size_t)p->recipe->labels + 1) * sizeof *p->frequency);

    /* A table for each set of labels that some route asks for. */
    for (int r = 0; r < routes->count; r++) {
        const gr_route *route = &routes->route[r];
        if (!route->mix || !route->frequency.on)
            continue;
        GR_TRY(check_route(p, r, err));

        /* The route's labels are one side of the comparison, all other text is the other. */
        int16_t label[GR_ROUTE_LABELS_MAX];
        gr_frequency_def def = {
            label, 0, p->recipe->data.context, route->frequency.bias, route->frequency.forget, route->frequency.retain};
        for (int k = 1; k <= p->recipe->labels; k++)
            if (route->labels & gr_label_bit(k))
                label[def.count++] = (int16_t)k;
        if (!def.count || p->frequency[label[0] - 1])
            continue;

        /* Each position of these labels has the score of its target from now on. */
        gr_frequencies *table;
        GR_TRY(gr_frequencies_new(&table, p->data, p->labels, &def, err));
        p->frequency[label[0] - 1] = table; /* under the first of its labels */
        for (int i = 0; i < def.count; i++)
            gr_labels_weigh(p->labels, label[i], table);
    }
    return GR_OK;
}

/* Factors in the labels are the labels' own. */
void gr__token_scores_close(gr_project *p) {
    for (int k = 0; p->frequency && k < p->recipe->labels; k++)
        gr_frequencies_free(p->frequency[k]);
    gr_free(p->frequency);
}

void gr__token_scores_digest(const gr_project *p, gr_digest *digest) {
    for (int k = 0; k < p->recipe->labels; k++)
        if (p->frequency[k])
            gr_digest_add(digest, p->frequency[k]->w, (size_t)p->frequency[k]->vocab * sizeof(double));
}

/* ---- the file ---- */

/* A token and what others keep of its gradient. */
typedef struct line {
    double w;
    int32_t token;
} line;

/* Small weights first; equal ones by id, so that the file is the same on every machine. */
static int by_weight(const void *a, const void *b) {
    const line *x = a, *y = b;
    return x->w != y->w ? (x->w > y->w) - (x->w < y->w) : (x->token > y->token) - (x->token < y->token);
}

/* As a JSON string; a token that is only part of a character byte by byte. */
static void print_token(FILE *out, const gr_tokenizer *tokenizer, int32_t token) {
    size_t length;
    const char *bytes = gr_tokenizer_token(tokenizer, token, &length);
    json_t *text = json_stringn(bytes ? bytes : "", length);
    char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
    if (quoted)
        fputs(quoted, out);
    for (size_t i = 0; !quoted && i < length; i++)
        fprintf(out, "\\x%02x", (unsigned char)bytes[i]);
    free(quoted);
    json_decref(text);
}

/* A line for each token, the most of the label first. */
static gr_status write_table(const gr_project *p, const gr_frequencies *table, const char *path, gr_error *err) {
    char *text = NULL;
    size_t size = 0;
    line *order = gr_alloc((size_t)table->vocab * sizeof *order);
    for (int32_t v = 0; v < table->vocab; v++)
        order[v] = (line){table->w[v], v};
    qsort(order, (size_t)table->vocab, sizeof *order, by_weight);

    /* In memory first: a file is written whole or not at all. */
    FILE *out = open_memstream(&text, &size);
    if (!out)
        gr__refused(0);

    fputs("token\tid\tlabelled\tother\tf\tr\tw\n", out);
    for (int32_t i = 0; i < table->vocab; i++) {
        int32_t v = order[i].token;
        print_token(out, p->tokenizer, v);
        char *numbers = gr_format("\t%d\t%llu\t%llu\t%.6g\t%.6g\t%.6g\n", v, (unsigned long long)table->forget[v],
                                  (unsigned long long)table->retain[v], table->f[v], table->r[v], table->w[v]);
        fputs(numbers, out);
        gr_free(numbers);
    }

    if (fclose(out))
        gr__refused(size);
    gr_status status = gr_file_write(path, text, size, err);
    free(text);
    gr_free(order);
    return status;
}

/* A file for each label that leads a table; the others of the table have the same scores. */
gr_status gr__token_scores_write(const gr_project *p, const char *folder, gr_error *err) {
    for (int k = 0; k < p->recipe->labels; k++) {
        if (!p->frequency[k])
            continue;
        char *path = gr_format("%s/tokens-%s.tsv", folder, p->recipe->label[k].name);
        gr_status status = write_table(p, p->frequency[k], path, err);
        gr_free(path);
        GR_TRY(status);
    }
    return GR_OK;
}

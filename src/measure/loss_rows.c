/* Losses of documents as rows, and samples out of rows. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gradroute/measure.h"
#include "io/digest.h"

/* Of the digest of a list of documents: two lists of one experiment do not agree by chance. */
enum { LIST_DIGITS = 16 };

/* ---- into rows ---- */

/* What is drawn as one: a document, of which there may be pieces. */
static uint32_t unit_of(const gr_groups *groups, uint32_t doc) { return groups->unit ? groups->unit[doc] : doc; }

/* The same for every model and seed, so that buckets can be compared. */
static int bucket_of(uint32_t unit) {
    return (int)(gr_random_bits((gr_key){0, GR_STREAM_BUCKET, 0}, unit, 0) & (GR_BUCKETS - 1));
}

/* Of the whole group, in the order of its documents: sums over buckets have other last bits. */
static void add_sums(gr_ledger *rows, const gr_group *g, const double *nll, const int32_t *tokens) {
    double sum = 0;
    int64_t all = 0;
    for (size_t i = 0; i < g->tests; i++) {
        sum += nll[g->test[i]];
        all += tokens[g->test[i]];
    }
    gr_ledger_number(rows, "nll", sum);
    gr_ledger_count(rows, "tokens", all);
}

/* Every document of the group with its loss and tokens. */
static void add_documents(gr_ledger *rows, const gr_groups *groups, const gr_group *g, const double *nll,
                          const int32_t *tokens) {
    double *units = gr_alloc((g->tests + 1) * sizeof *units);
    int64_t *sizes = gr_alloc(2 * (g->tests + 1) * sizeof *sizes), *same = sizes + g->tests + 1;
    size_t pieces = 0;

    /* Each by itself; a further piece of the document before it is told from a new one. */
    for (size_t i = 0; i < g->tests; i++) {
        uint32_t doc = g->test[i];
        units[i] = nll[doc];
        sizes[i] = tokens[doc];
        if (i && unit_of(groups, doc) == unit_of(groups, g->test[i - 1]))
            same[pieces++] = (int64_t)i;
    }
    gr_ledger_text(rows, "unit", "document");
    gr_ledger_numbers(rows, "units", units, g->tests);
    gr_ledger_counts(rows, "sizes", sizes, g->tests);
    if (pieces)
        gr_ledger_counts(rows, "same", same, pieces);
    gr_free(units);
    gr_free(sizes);
}

/* The same in GR_BUCKETS sums: a row of the same length however many documents there are. Empty ones are 0. */
static void add_buckets(gr_ledger *rows, const gr_groups *groups, const gr_group *g, const double *nll,
                        const int32_t *tokens) {
    double units[GR_BUCKETS] = {0};
    int64_t sizes[GR_BUCKETS] = {0};
    for (size_t i = 0; i < g->tests; i++) {
        int b = bucket_of(unit_of(groups, g->test[i]));
        units[b] += nll[g->test[i]];
        sizes[b] += tokens[g->test[i]];
    }
    gr_ledger_text(rows, "unit", "bucket");
    gr_ledger_numbers(rows, "units", units, GR_BUCKETS);
    gr_ledger_counts(rows, "sizes", sizes, GR_BUCKETS);
}

/* Which documents the row is of, whatever measured them. */
static void add_list(gr_ledger *rows, const gr_group *g) {
    char hex[GR_DIGEST_HEX];
    gr_digest_data(hex, g->test, g->tests * sizeof *g->test);
    hex[LIST_DIGITS] = 0;
    gr_ledger_text(rows, "list", hex);
}

void gr_ledger_losses(gr_ledger *rows, const gr_groups *groups, gr_units units, const double *nll,
                      const int32_t *tokens, void (*extra)(gr_ledger *rows, const void *user), const void *user) {
    gr_ledger_losses_as(rows, "loss", groups, units, nll, tokens, extra, user);
}

void gr_ledger_losses_as(gr_ledger *rows, const char *row, const gr_groups *groups, gr_units units, const double *nll,
                         const int32_t *tokens, void (*extra)(gr_ledger *rows, const void *user), const void *user) {
    for (int k = 0; k < groups->count; k++) {
        const gr_group *g = &groups->group[k];
        if (g->tests == 0)
            continue;

        /* Of what. */
        gr_ledger_begin(rows, row);
        gr_ledger_text(rows, "group", g->name);
        if (extra)
            extra(rows, user);

        /* How much, in all and by units. */
        add_sums(rows, g, nll, tokens);
        if (units == GR_UNITS_DOCUMENTS)
            add_documents(rows, groups, g, nll, tokens);
        else
            add_buckets(rows, groups, g, nll, tokens);
        add_list(rows, g);
    }
}

/* ---- out of rows ---- */

/* Rows may come from files of others: each fault is told by what is wrong, at the caller's place. */
static gr_status damaged(const char *what, const char *place, gr_error *err) {
    return gr_error_set(err, GR_ERR_FORMAT, place, NULL, "a row of losses: %s", what);
}

/* Whether the value is a whole number from low on and below end. */
static bool is_count(double value, double low, double end) {
    return value >= low && value < end && value == floor(value);
}

/* Numbers of tokens out of numbers of JSON. */
static gr_status read_sizes(int32_t *tokens, const double *sizes, size_t count, const char *place, gr_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (!is_count(sizes[i], 0, 0x1p31))
            return damaged("'sizes' are numbers of tokens", place, err);
        tokens[i] = (int32_t)sizes[i];
    }
    return GR_OK;
}

/* Numbers of units, from the entries that go on with the one before: ascending, and none of them the first. */
static gr_status read_same(uint32_t *unit, const double *same, size_t pieces, size_t count, const char *place,
                           gr_error *err) {
    size_t next = 0;
    for (size_t i = 1; i < count; i++) {
        bool goes_on = next < pieces && same[next] == (double)i;
        next += goes_on;
        unit[i] = unit[i - 1] + !goes_on;
    }
    return next == pieces ? GR_OK : damaged("'same' are ascending numbers of its entries", place, err);
}

/* The lists, of entries that are counted already; numbers has room for all of them. */
static gr_status read_lists(gr_sample *sample, const gr_entry *row, double *numbers, size_t pieces, const char *place,
                            gr_error *err) {
    size_t count = sample->count;
    double *nll = gr_alloc((count + 1) * sizeof *nll);
    int32_t *tokens = gr_alloc((count + 1) * sizeof *tokens);
    uint32_t *unit = pieces ? gr_alloc((count + 1) * sizeof *unit) : NULL;
    sample->nll = nll;
    sample->tokens = tokens;
    sample->unit = unit;

    /* Losses and tokens of each. */
    gr_entry_numbers(row, "units", nll, count);
    gr_entry_numbers(row, "sizes", numbers, count);
    GR_TRY(read_sizes(tokens, numbers, count, place, err));
    if (!unit)
        return GR_OK;

    /* Which go on with the one before. */
    gr_entry_numbers(row, "same", numbers, pieces);
    return read_same(unit, numbers, pieces, count, place, err);
}

/* The reader trusts no length: lists are allocated by what they have, and compared before they are read. */
gr_status gr_sample_read(gr_sample *sample, const gr_entry *row, const char *place, gr_error *err) {
    *sample = (gr_sample){0};
    const char *list = gr_entry_text(row, "list"), *unit = gr_entry_text(row, "unit");
    bool buckets = unit && !strcmp(unit, "bucket");
    size_t count = gr_entry_numbers(row, "units", NULL, 0), pieces = gr_entry_numbers(row, "same", NULL, 0);

    /* Lengths, before anything is taken for them. */
    if (!list)
        return damaged("it does not say of which documents ('list')", place, err);
    if (count == 0 || count > UINT32_MAX || gr_entry_numbers(row, "sizes", NULL, 0) != count)
        return damaged("'units' and 'sizes' are lists of one length", place, err);
    if (pieces >= count)
        return damaged("'same' are ascending numbers of its entries", place, err);
    if (unit && !buckets && strcmp(unit, "document") != 0)
        return damaged("'unit' is document or bucket", place, err);
    if (buckets && (count != GR_BUCKETS || pieces > 0))
        return damaged("'units' of buckets are 64, none of which goes on with another", place, err);

    /* The numbers. */
    sample->count = count;
    sample->buckets = buckets;
    sample->list = gr_strdup(list);
    double *numbers = gr_alloc(count * sizeof *numbers);
    gr_status status = read_lists(sample, row, numbers, pieces, place, err);
    gr_free(numbers);
    if (status != GR_OK)
        gr_sample_free(sample);
    return status;
}

void gr_sample_free(gr_sample *sample) {
    gr_free((void *)sample->nll);
    gr_free((void *)sample->tokens);
    gr_free((void *)sample->unit);
    gr_free((void *)sample->list);
    *sample = (gr_sample){0};
}

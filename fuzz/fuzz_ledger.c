/* Rows of a cell: what is taken is written and read again as the same rows, each found by its kind, and samples out of
 * rows of losses are in range. */
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "gradroute/measure.h"
#include "io/json.h"

/* Entries ascend by units of one, and tokens are no less than 0. */
static void check_sample(const gr_sample *s) {
    check(s->count > 0 && s->list);
    for (size_t i = 0; i < s->count; i++) {
        check(s->tokens[i] >= 0);
        check(!s->unit || (i == 0 ? s->unit[0] == 0 : s->unit[i] - s->unit[i - 1] <= 1));
    }
}

static void check_row(const gr_ledger *rows, const gr_entry *row) {
    double numbers[4];
    gr_sample sample;
    gr_error err = {0};

    /* It has a kind, by which one before it may be found. */
    const char *kind = gr_entry_text(row, "row");
    check(kind && kind[0] && gr_ledger_find(rows, kind, NULL));
    gr_entry_number(row, "nll");
    gr_entry_numbers(row, "units", numbers, 4);

    /* Losses that it may hold. */
    if (gr_sample_read(&sample, row, "rows", &err) == GR_OK) {
        check_sample(&sample);
        gr_sample_free(&sample);
    } else {
        check(err.message[0] && !sample.nll);
    }
}

static void try_rows(const char *text, size_t length) {
    gr_ledger *rows, *back;
    gr_error err = {0};
    if (gr_ledger_parse(&rows, text, length, "rows", &err) != GR_OK) {
        check(!rows && err.message[0]);
        return;
    }
    for (size_t i = 0; i < gr_ledger_size(rows); i++)
        check_row(rows, gr_ledger_at(rows, i));

    /* Once more through text. */
    char *lines = gr_ledger_lines(rows);
    check(gr_ledger_parse(&back, lines, strlen(lines), "lines", &err) == GR_OK);
    char *same = gr_ledger_lines(back);
    check(!strcmp(lines, same));
    gr_free(lines);
    gr_free(same);
    gr_ledger_free(back);
    gr_ledger_free(rows);
}

/* Rows as measures write them, of documents in pieces and of buckets. */
static json_t *good(void) {
    json_t *rows = json_array(), *units = json_array(), *sizes = json_array();
    for (int i = 0; i < GR_BUCKETS; i++) {
        json_array_append_new(units, json_real(0.5 * i));
        json_array_append_new(sizes, json_integer(i));
    }
    json_array_append_new(rows,
                          json_pack("{s:s, s:s, s:f, s:i, s:s, s:[f, f, f], s:[i, i, i], s:[i], s:s}", "row", "loss",
                                    "group", "forget", "nll", 3.5, "tokens", 9, "unit", "document", "units", 1.0, 2.0,
                                    0.5, "sizes", 4, 5, 0, "same", 2, "list", "0123456789abcdef"));
    json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "row", "loss", "group", "retain", "unit",
                                          "bucket", "units", units, "sizes", sizes, "list", "fedcba9876543210"));
    json_array_append_new(rows, json_pack("{s:s, s:s, s:n}", "row", "text", "text", "a bird", "loss"));
    return rows;
}

/* Good rows, edited. */
static void try_forged(gr_forge *in) {
    json_t *rows = good(), *row;
    char *text = gr_strdup("");
    size_t i;
    gr_forge_json(rows, in);
    json_array_foreach(rows, i, row) {
        char *line = gr_json_line(row, false), *longer = gr_format("%s%s\n", text, line);
        gr_free(text);
        gr_free(line);
        text = longer;
    }
    try_rows(text, strlen(text));
    gr_free(text);
    json_decref(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    gr_forge in = {bytes, size};
    if (gr_forge_byte(&in) % 4)
        try_forged(&in);
    else
        try_rows((const char *)in.data, in.size);
    return 0;
}

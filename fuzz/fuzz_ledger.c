/* Rows of a cell: what is taken is written and read again as the same rows, each found by its kind, and samples out of
 * rows of losses are in range. */
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "gradroute/measure.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    gr_ledger *rows, *back;
    gr_error err = {0};
    if (gr_ledger_parse(&rows, (const char *)bytes, size, "rows", &err) != GR_OK) {
        check(!rows && err.message[0]);
        return 0;
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
    return 0;
}

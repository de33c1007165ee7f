/* table.h - tables of a result before they are lines of text or a part of a page: models against groups of text,
 * classes against models, figures, figures against seeds.
 *
 *     gr__table *t = gr__table_of_losses(table, point);
 *     for (int r = 0; r < t->rows; r++)
 *         show(t->row[r].title, t->row[r].cell);                      [t->columns]
 *     gr__table_free(t);
 */
#ifndef GR_REPORT_TABLE_H
#define GR_REPORT_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct gr__table_cell {
    bool blank;       /* nothing was to be measured: a loss after an attack that the model was not given */
    double value;     /* NaN: refused, or never measured */
    double low, high; /* NaN: no interval */
} gr__table_cell;

typedef struct gr__table_column {
    char *above, *below; /* two lines of heading */
    bool attacked;       /* after an attack */
    bool counts;         /* whole numbers */
} gr__table_column;

typedef struct gr__table_row {
    char *title;
    const char *note;     /* NULL: none */
    const json_t *about;  /* the arm or figure of the result's `table` that it is of; NULL: none */
    gr__table_cell *cell; /* [columns] */
} gr__table_row;

/* Nothing is to be shown of one without rows. */
typedef struct gr__table {
    char *title;
    int digits; /* behind the point */
    gr__table_column *column;
    gr__table_row *row;
    int columns, rows;
    size_t column_room, row_room;
} gr__table;

/* Of one point; table is the result's, and both are borrowed as long as the table lives. */
gr__table *gr__table_of_losses(const json_t *table, const json_t *point);
gr__table *gr__table_of_classes(const json_t *table, const json_t *point);
gr__table *gr__table_of_figures(const json_t *table, const json_t *point);
gr__table *gr__table_of_seeds(const json_t *table, const json_t *point);
void gr__table_free(gr__table *t); /* NULL is fine */

/* One model after an attack that was made at several strengths: at each the losses and what came back, beside those of
 * the model that was never trained on what was taken out. */
typedef struct gr__ladder {
    gr__table *table; /* columns in two lines: of the model, then those of the twin, which say so below */
    char *savings;    /* the figure of that name, "savings 0.120 [0.050, 0.190]"; NULL: the experiment has none of it */
} gr__ladder;

/* Those of all models and attacks: a list of *count, NULL where there is none. gr__ladders_free. */
gr__ladder *gr__ladders_of(int *count, const json_t *table, const json_t *point);
void gr__ladders_free(gr__ladder *ladder, int count);

/* The name of the model that was never trained on it: the role, or the one that stands for 1; NULL: none. */
const char *gr__never_of(const json_t *table, const json_t *point);

/* ---- any table ---- */

/* Titles and headings are copied; notes and what a row is about are borrowed. A new row is cells of 0. */
gr__table *gr__table_new(const char *title, int digits);
void gr__table_column_add(gr__table *t, const char *above, const char *below, bool attacked);
gr__table_cell *gr__table_row_add(gr__table *t, const char *title, const char *note, const json_t *about);

/* A number of a result with its interval, a list of two or NULL. */
gr__table_cell gr__table_cell_of(const json_t *value, const json_t *interval);

/* ---- sentences around the tables ---- */

/* What there was to learn from; that the corpus was the small one that ships with the project; sizes of the models; how
 * long it took. gr_free; NULL: there is nothing to say. */
char *gr__data_sentence(const json_t *point);
const char *gr__fallback_sentence(const json_t *point);
char *gr__sizes_sentence(const json_t *point);
char *gr__times_sentence(const json_t *point);

/* What else a reader must know of the figures: a new list of sentences. */
json_t *gr__remarks_of(const json_t *table, const json_t *point);

/* What classifiers found, where trainings went by one: a new list of lines, and what stands above them. */
json_t *gr__found_of(const json_t *table, const json_t *point);
extern const char gr__found_heading[];

/* The same of what methods say of their making (`made` of models): numbers, over seeds. */
json_t *gr__made_of(const json_t *table, const json_t *point);
extern const char gr__made_heading[];
/* The curves that losses were looked up on, a line each: a new list, and what stands above it. */
json_t *gr__curves_of(const json_t *table, const json_t *point);
extern const char gr__curves_heading[];

/* Whether a figure that stands before this one looks losses up on the same curve; and what tables call a figure,
 * without the blanks that set it under another. */
bool gr__curve_is_again(const json_t *curves, const json_t *curve);
const char *gr__figure_title(const json_t *table, const char *key);
/* "compute ratio (routed_off after relearn)": a figure on a curve, and whose loss is looked up; a new string. */
char *gr__looked_up_title(const json_t *table, const char *key, const json_t *curve);

/* Of settings that were tried (`choice` of a result): how many, and for what; which one is taken, or why none; what
 * else is to be said, a new list of sentences; of a setting of the frontier whether it is chosen or out of bounds
 * (NULL: neither). gr_free. And the frontier as a table. */
char *gr__choice_tried(const json_t *choice);
char *gr__choice_taken(const json_t *choice);
json_t *gr__choice_remarks(const json_t *choice);
const char *gr__choice_note(const json_t *setting);
gr__table *gr__table_of_frontier(const json_t *choice);

/* How many values were tried of each arm that has a knob; NULL: none has one. gr_free. */
char *gr__trials_sentence(const json_t *table);

/* "known half": what a point or ruling is at, in the order of the axes; NULL where there is no axis. gr_free. */
char *gr__place_of(const json_t *object);

/* Numbers and texts of objects: 0 and NULL where there are none. */
double gr__number_of(const json_t *object, const char *key);
const char *gr__text_of(const json_t *object, const char *key);

/* "documents", or what stands in their place. */
const char *gr__counted(const json_t *point);

#endif

/* measure.h - rows of what was measured, and figures made of them.
 *
 *     gr_ledger *rows = gr_ledger_new();
 *     gr_ledger_losses(rows, &groups, GR_UNITS_DOCUMENTS, nll, tokens, NULL, NULL);   // a row for each group
 *     GR_TRY(gr_ledger_write(rows, "rows.jsonl", err));
 *
 *     const char *const forget[][2] = {{"group", "forget"}, {NULL, NULL}};
 *     gr_sample sample;
 *     GR_TRY(gr_sample_read(&sample, gr_ledger_find(rows, "loss", forget), "rows.jsonl", err));
 *     gr_estimate loss = gr_bootstrap(formula, &sample, 1, seed);                     // value and interval
 *     gr_sample_free(&sample);
 *     gr_ledger_free(rows);
 */
#ifndef GRADROUTE_MEASURE_H
#define GRADROUTE_MEASURE_H

#include "gradroute/recipe.h"
#include "gradroute/setting.h"
#include "gradroute/tokenizer.h"
#include "gradroute/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Rows: what was measured ------------------------------------------------------------------------------------- */

/* Rows in the order in which they were added; each has a kind ("loss", ..) and members with names of their own: texts,
 * numbers, lists of numbers. On disk and in text a row is a line of JSON, its kind the first member, "row". */
typedef struct gr_ledger gr_ledger;
gr_ledger *gr_ledger_new(void);
void gr_ledger_free(gr_ledger *rows); /* NULL is fine */

/* Begins a row; the others add a member to the row that was begun last (one is asserted, and so is a new name). Texts
 * are copied; bytes that are no UTF-8 become U+FFFD. Numbers keep their bits; one that is not finite is null. */
void gr_ledger_begin(gr_ledger *rows, const char *row);
void gr_ledger_text(gr_ledger *rows, const char *key, const char *text);
void gr_ledger_bytes(gr_ledger *rows, const char *key, const char *bytes, size_t length); /* a 0 becomes U+FFFD too */
void gr_ledger_number(gr_ledger *rows, const char *key, double value);
void gr_ledger_count(gr_ledger *rows, const char *key, int64_t value);
void gr_ledger_numbers(gr_ledger *rows, const char *key, const double *values, size_t count);
void gr_ledger_counts(gr_ledger *rows, const char *key, const int64_t *values, size_t count);

/* Rows are borrowed from their ledger. */
typedef struct gr_entry gr_entry;
size_t gr_ledger_size(const gr_ledger *rows);
const gr_entry *gr_ledger_at(const gr_ledger *rows, size_t i);

/* The first row of a kind whose texts are these: {{"group", "forget"}, {NULL, NULL}}. where NULL: any row of the kind.
 * NULL: there is none. */
const gr_entry *gr_ledger_find(const gr_ledger *rows, const char *row, const char *const (*where)[2]);

/* Members: NULL or NaN where there is none of this kind or it is null. A list gives at most `most` values, null as NaN,
 * and returns how many it has: 0 where there is no list. Counts are read as numbers, exact below 2^53. */
const char *gr_entry_text(const gr_entry *row, const char *key);
double gr_entry_number(const gr_entry *row, const char *key);
size_t gr_entry_numbers(const gr_entry *row, const char *key, double *values, size_t most);

/* All rows as lines of JSON, a new string, and back: gr_ledger_parse of gr_ledger_lines gives equal rows. The place of
 * an error is "place:line:column". GR_ERR_FORMAT: not JSON, a line that does not end or is no object, no kind, a member
 * of another kind than those above. */
char *gr_ledger_lines(const gr_ledger *rows);
gr_status gr_ledger_parse(gr_ledger **rows, const char *text, size_t length, const char *place, gr_error *err);

/* The same as a file, which is written beside its name and renamed: whole or not at all. Errors of files beside those.
 */
gr_status gr_ledger_write(const gr_ledger *rows, const char *path, gr_error *err);
gr_status gr_ledger_read(gr_ledger **rows, const char *path, gr_error *err);

/* ---- Rows of losses ---------------------------------------------------------------------------------------------- */

enum { GR_GROUPS_MAX = 16, GR_BUCKETS = 64 };

/* Documents of the test, and of validation, that measures tell apart; groups may overlap. */
typedef struct gr_group {
    const char *name;
    const uint32_t *test;       /* [tests] numbers of documents (or of pieces, neighbours of one document together) */
    const uint32_t *validation; /* [validations] */
    size_t tests, validations;
} gr_group;

typedef struct gr_groups {
    gr_group group[GR_GROUPS_MAX];
    int count;
    const uint32_t *unit; /* [docs] the document of each piece: gr_dataset_drawn_by; NULL: each is alone */
} gr_groups;

/* What rows of losses keep: sums of 64 buckets, into which documents fall by their number (of a piece by that of its
 * document), the same for every model; or each document by itself. */
typedef enum gr_units { GR_UNITS_BUCKETS, GR_UNITS_DOCUMENTS } gr_units;

/* A row for each group that has documents in the test:
 *
 *     {"row": "loss", "group": NAME, .., "nll": SUM, "tokens": SUM, "unit": "document" or "bucket",
 *      "units": [NLL, ..], "sizes": [TOKENS, ..], "same": [INDEX, ..], "list": "16 digits"}
 *
 * nll, in nats, and tokens are by document number; sums are added in the order of the group. same: which entries go on
 * with the document of the entry before them; left out where none does. list: of the documents' numbers, equal for one
 * group of all models alone. extra (NULL: none) adds members behind the group's name, given user. */
void gr_ledger_losses(gr_ledger *rows, const gr_groups *groups, gr_units units, const double *nll,
                      const int32_t *tokens, void (*extra)(gr_ledger *rows, const void *user), const void *user);

/* The same as rows of another kind, by which figures find them: of a measure with `losses` its name. */
void gr_ledger_losses_as(gr_ledger *rows, const char *row, const gr_groups *groups, gr_units units, const double *nll,
                         const int32_t *tokens, void (*extra)(gr_ledger *rows, const void *user), const void *user);

/* ---- Measures ---------------------------------------------------------------------------------------------------- */

/* Losses and right answers of a model on the whole test, which several measures read and the first of them takes. */
typedef struct gr_pass gr_pass;
gr_pass *gr_pass_new(void);
void gr_pass_free(gr_pass *pass); /* NULL is fine */

/* A model to be measured, all of it borrowed. */
typedef struct gr_subject {
    const char *name;         /* for errors: "plain" */
    const gr_recipe *recipe;  /* sizes of batches, prompts */
    gr_model *model;          /* its parameters are as they were after each call */
    const char *const *off;   /* [off_count] names of the regions that are off */
    int off_count;            /* 0: none is */
    const gr_tables *profile; /* of these; NULL: none is */
    const char *bundle;       /* the folder it was loaded from, for who loads it without regions; NULL: nowhere */
    const gr_dataset *data;
    const gr_labels *labels;
    const gr_tokenizer *tokenizer; /* NULL: the data are samples */
    const gr_groups *groups;       /* that rows tell apart */
    gr_units units;                /* that rows of losses keep */
    gr_pass *pass;                 /* of this model and profile alone */
    uint64_t seed;                 /* of what is drawn, as the documents of an attack */

    /* Told after each part of the work (batches of a pass, prompts, steps), given user. `all` 0: no more is done than
     * before, it is only asked whether to go on. False: stop. NULL: nobody listens. */
    bool (*after)(void *user, int64_t done, int64_t all);
    void *user;
} gr_subject;

/* How long one step, or one position of a pass, takes. */
typedef struct gr_timing {
    double seconds; /* NaN: it needs more memory than there is */
    int rows;     /* sequences of the largest step timed: where they are fewer than a batch the rest is extrapolated */
    double cores; /* processor time by wall time meanwhile; NaN: too short to say */
} gr_timing;

/* What was timed already, each under a text that says all that decides it: what has one shape is timed once. */
typedef struct gr_timings gr_timings;
gr_timings *gr_timings_new(void);
void gr_timings_free(gr_timings *timings); /* NULL is fine */

/* Whether there is one; timings NULL: there is none. */
bool gr_timings_find(gr_timing *timing, const gr_timings *timings, const char *of);
void gr_timings_put(gr_timings *timings, const char *of, gr_timing timing); /* NULL: it is forgotten */
int gr_timings_count(const gr_timings *timings);

/* What making or measuring something takes here and now. All zero: next to nothing, or nobody can say. */
typedef struct gr_cost {
    double seconds; /* at the speed of a few steps and passes timed now; NaN: a step finds no memory, or no end */
    int64_t tokens; /* positions that go through the network, each time counted; where regions train alone, targets */

    /* Of training alone. */
    int64_t steps;
    double flops;     /* matrix products, forward and backward, all rows with everything on; where regions train alone,
                       * those that the rows of the model will say */
    gr_memory memory; /* of the run */
    size_t optimiser; /* bytes, beside it */
    gr_timing timing; /* of a step */
} gr_cost;

/* One way to measure a model. */
typedef struct gr_measure {
    const char *name;         /* the word of recipes and rows: "loss" */
    const char *help;         /* one line */
    const char *doing;        /* of the note about what begins now: "counting right answers" */
    int revision;             /* from 1; another one where the same settings give other rows */
    const gr_setting *option; /* NULL: it has none */
    const char *const *tasks; /* "text", "samples"; ended by NULL. NULL: any data */
    bool losses; /* its rows of its own name are losses by group (gr_ledger_losses_as), which figures may be of */

    /* Puts what the recipe says of this measure in place of the defaults of the table. What decides rows and is no part
     * of the model (prompts) must come this way: a cell's key has the settings alone. NULL: recipes say nothing of it.
     */
    void (*preset)(gr_settings *settings, const gr_recipe *recipe);

    /* `doing` where settings change what it says: "measuring losses of validation". NULL: it is the same for all. */
    const char *(*doing_with)(const gr_settings *settings);

    /* Adds the rows. Errors: those of gr_evaluator_new, gr_scan_new, gr_losses_check, gr_complete; GR_ERR_INTERRUPTED
     * where `after` said so. */
    gr_status (*run)(gr_ledger *rows, const gr_subject *subject, const gr_settings *settings, gr_error *err);

    /* What run would take of a model of this shape; what another measure has taken of subject->pass is not counted
     * again. NULL: next to nothing. Errors: those of run. */
    gr_status (*cost)(gr_cost *cost, const gr_subject *subject, const gr_settings *settings, gr_timings *timings,
                      gr_error *err);
} gr_measure;

/* ---- Figures ----------------------------------------------------------------------------------------------------- */

/* Losses of one model on one group of documents. */
typedef struct gr_sample {
    const double *nll;     /* [count] nats */
    const int32_t *tokens; /* [count] */
    size_t count;
    const uint32_t *unit; /* [count] ascending: neighbours of one unit are drawn together; NULL: each alone */
    const char *list;     /* which documents: samples of one list and count share each draw */
    bool buckets;         /* each entry is a bucket of documents */
} gr_sample;

/* A sample out of a row of losses, with memory of its own: gr_sample_free. GR_ERR_FORMAT, at place: lists that are
 * missing, of different lengths or out of range; units that are neither documents nor GR_BUCKETS buckets. */
gr_status gr_sample_read(gr_sample *sample, const gr_entry *row, const char *place, gr_error *err);
void gr_sample_free(gr_sample *sample); /* one that is all zero is fine */

/* A figure with its 95 % interval; the borders are NaN where there is none. */
typedef struct gr_estimate {
    double value, low, high;
} gr_estimate;

/* A figure of mean losses, one per sample: total nll over total tokens, in nats per token. */
typedef double (*gr_formula)(const double *mean);

/* Draws documents with replacement, 1,000 times; samples of one list share the draw, so models are paired. At most
 * GR_OPERANDS samples; their order decides what is drawn. */
gr_estimate gr_bootstrap(gr_formula formula, const gr_sample *sample, int samples, uint64_t seed);

/* Leaves out the entries one by one, each in all samples at once (a bucket has the same documents for every model), and
 * takes the interval of Student's t: the jackknife over groups of documents (Tukey 1958; Kott, "The delete-a-group
 * jackknife", 2001). What no sample has a token in counts as no entry. No interval: samples of different counts, fewer
 * than two entries, or a figure that is not finite without one of them. */
gr_estimate gr_jackknife(gr_formula formula, const gr_sample *sample, int samples);

/* The interval that the samples allow: by documents, or by buckets. Of both mixed there is none. */
gr_estimate gr_interval(gr_formula formula, const gr_sample *sample, int samples, uint64_t seed);

/* The mean over seeds, with the interval of Student's t. One seed: its value, without an interval. A value that is not
 * finite, of any seed: all NaN. */
gr_estimate gr_over_seeds(const double *value, int count);

/* The coefficient of variation over seeds, s / |mean|, with a 95 % interval as of normal values (Vangel 1996), which
 * has no upper end (infinity) where few seeds vary much: above .49 with 5. All NaN: fewer than two seeds, a mean of 0,
 * a value that is not finite. */
gr_estimate gr_variation(const double *value, int count);

/* Half of the interval of gr_over_seeds in standard deviations of the values: 8.98, 2.48, 1.24 for 2, 3, 5 seeds. NaN
 * below 2. */
double gr_half_width(int count);

/* Where Student's t with so many degrees of freedom (1 or more) is below with probability p, in (0, 1). Relative error
 * below 1e-9 for p from 1e-6 to 1 - 1e-6. */
double gr_student(double p, int freedom);

/* Whose losses: of the model that is asked about, of the one that stands for 0, of the one that stands for 1, or of the
 * one that was never trained on what is taken out. */
typedef enum gr_role { GR_ROLE_OF, GR_ROLE_ZERO, GR_ROLE_ONE, GR_ROLE_NEVER, GR_ROLES } gr_role;

typedef struct gr_operand {
    gr_role role;
    bool retain;   /* on the group "retain"; else on the group that is asked for */
    bool attacked; /* after the attack, where the figure is asked for after one */
    int documents; /* that the attack had; 0: as many as its last measurement. Such a figure is asked for after an
                    * attack that is measured at this number too, as its row "point" says */
} gr_operand;

/* A figure that looks a loss up on the curve of the losses of an arm's knob (docs/measures.md): over what, and as a
 * share of what. */
typedef enum gr_along {
    GR_ALONG_NONE,
    GR_ALONG_OPERATIONS, /* operations of the training; of those of the model for 0 */
    GR_ALONG_LABELLED    /* text of the label that the training read; of what the model's own read unlabelled */
} gr_along;

/* A figure that compares models. The order of its operands is part of it: bootstrap draws are by their places. */
enum { GR_OPERANDS = 12 };
typedef struct gr_figure {
    const char *name, *help;
    const char *group; /* that is asked for where nobody says otherwise */
    int operands;
    gr_operand operand[GR_OPERANDS];
    gr_formula formula;  /* of their mean losses, in this order */
    gr_along along;      /* else: its one operand is looked up, on the curve of models as they were left by their
                          * training; formula is NULL */
    const char *over;    /* a ratio: the figure it is taken over, whose interval must lie above 0; NULL: none. After the
                          * attack where its models for 0 are */
    bool least;          /* and whose value must reach the least gap of the data */
    const char *reading; /* a sentence for readers of reports: what it means, and its control; NULL: help is all */
} gr_figure;

/* ---- Directions -------------------------------------------------------------------------------------------------- */

typedef struct gr_token_cosine {
    int32_t token;
    double cosine; /* of the token's row of the output matrix with a residual dimension: U_td / |U_t|, sign included */
} gr_token_cosine;
/* All tokens, the largest |cosine| first: what a dimension that gradients were routed to stands for (Cloud et al. 2024,
 * arXiv 2410.04332, section 4.2.1). Dimensions are those of the core. *list has *count entries; gr_free. */
gr_status gr_token_cosines(gr_token_cosine **list, int *count, gr_model *model, int dimension, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

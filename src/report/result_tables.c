/* Tables of a result: models against groups of text, classes against models, figures. */
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "report/lines.h"
#include "report/result_text.h"

/* Widths of the first column, and of numbers: "-12.345" and two blanks fit into GROUP. ATTACKED is wider for its
 * heading, the name of what an attack did, and is never that of a group: print_model tells the two apart by it. */
enum { TITLE = 18, GROUP = 9, ATTACKED = 12, CLASS = 16, FIGURE = 26, SEED = 9 };

double gr__number_of(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

const char *gr__text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* Pieces and samples have their own word; without a row of data, as a result of claims alone, it is documents. */
const char *gr__counted(const json_t *point) {
    const char *unit = gr__text_of(json_object_get(point, "data"), "counted");
    return unit && *unit ? unit : "documents";
}

/* ---- losses ---- */

/* A column: the key of a model, two lines of heading, and how wide it is. */
typedef struct column {
    char *key;
    const char *above, *below;
    int width;
} column;

typedef struct columns {
    column *list;
    int count;
    size_t room;
} columns;

/* A column for each group, and for the first of them one after each attack. */
static columns loss_columns(const json_t *table) {
    columns c = {0};
    size_t i;
    json_t *group, *attack;

    json_array_foreach(json_object_get(table, "groups"), i, group) {
        const char *name = json_string_value(group);
        GR_PUSH(c.list, c.count, c.room) = (column){gr_strdup(name), name, "", GROUP};
    }

    /* The first group is what was to be removed: what comes back of it is what an attack is for. Others after an attack
     * stay in result.json (`retain_relearned`): what fine-tuning costs them is no sign of what a model knew. */
    const char *first = json_string_value(json_array_get(json_object_get(table, "groups"), 0));
    json_array_foreach(json_object_get(table, "attacks"), i, attack) {
        const char *done = gr__text_of(attack, "done");
        char *key = gr_format("%s_%s", first ? first : "", done);
        GR_PUSH(c.list, c.count, c.room) = (column){key, first ? first : "", done, ATTACKED};
    }
    return c;
}

/* The columns' names; cells are the result's. */
static void columns_free(columns *c) {
    for (int i = 0; i < c->count; i++)
        gr_free(c->list[i].key);
    gr_free(c->list);
}

/* Where the columns from `begin` on that fit beside the titles end; width: of them and the titles. One at least, or a
 * column too wide for the terminal would keep the caller going round forever. */
static int fitting(const columns *c, int begin, int *width) {
    int end = begin;
    *width = 2 + TITLE;
    while (end < c->count && (end == begin || *width + c->list[end].width <= GR__COLUMNS))
        *width += c->list[end++].width;
    return end;
}

/* Right-aligned, cut where it is too long for its column. */
static void print_right(FILE *out, const char *text, int width) {
    int length = (int)strlen(text);

    /* A heading as wide as its column would touch the one before: a blank is kept free. */
    if (length >= width) {
        fputc(' ', out);
        gr__print_name(out, text, width - 1);
    } else {
        fprintf(out, "%*s", width, text);
    }
}

/* A number, or a dash where there is none: it was refused, or never measured. */
static void print_number(FILE *out, const json_t *value, int width, int digits) {
    char text[64] = "-";
    if (json_is_number(value))
        gr__print(text, sizeof text, "%.*f", digits, json_number_value(value));
    fprintf(out, "%*s", width, text);
}

/* Whether one of the columns is of this model: one that was attacked alone, or only completes prompts, has no row. null
 * counts: the loss was to be measured and is no number, which a reader should see as "-". */
static bool has_losses(const columns *c, const json_t *model) {
    for (int i = 0; i < c->count; i++)
        if (json_object_get(model, c->list[i].key))
            return true;
    return false;
}

/* One model; a loss after an attack that it was not given is left out, others are "-": not every model is attacked, by
 * the experiment's own words, while every model with a row is measured on all groups. */
static void print_model(FILE *out, const columns *c, int begin, int end, const char *title, const json_t *model,
                        const char *note) {
    int width, blanks = 0;
    fitting(c, begin, &width);
    fputs("  ", out);
    gr__print_name(out, title, TITLE);
    for (int i = begin; i < end; i++) {
        const json_t *value = json_object_get(model, c->list[i].key);
        if (!value && c->list[i].width == ATTACKED) {
            blanks += ATTACKED;
            continue;
        }
        print_number(out, value, blanks + c->list[i].width, 3);
        blanks = 0;
    }

    /* Blanks stand in front of something alone: lines do not end in them, so that texts of two runs compare by `diff`.
     * A note that does not fit is left out; it explains, and the docs have it. */
    if (note && width + 2 + (int)strlen(note) <= GR__COLUMNS)
        fprintf(out, "%*s%s", blanks + 2, "", note);
    fputc('\n', out);
}

/* A model, or with a knob one for each value that was tried. */
static void print_arm(FILE *out, const columns *c, int begin, int end, const json_t *arm, const json_t *model) {
    const char *name = gr__text_of(arm, "name"), *title = gr__text_of(arm, "title"), *note = gr__text_of(arm, "note");
    const json_t *values = json_object_get(model, "values");
    size_t i;
    json_t *one;

    /* The note once: it holds for the arm, whatever the value. */
    if (!values && has_losses(c, model))
        print_model(out, c, begin, end, title ? title : name, model, note);
    json_array_foreach(values, i, one) {
        char *at = gr_format("%s %s", title ? title : name, gr__text_of(one, "at"));
        if (has_losses(c, one))
            print_model(out, c, begin, end, at, one, i == 0 ? note : NULL);
        gr_free(at);
    }
}

/* Whether there is a table to print at all: experiments may measure something else. */
static bool any_losses(const columns *c, const json_t *models) {
    const char *name;
    json_t *model, *one;
    size_t i;
    json_object_foreach((json_t *)models, name, model) {
        if (has_losses(c, model))
            return true;
        json_array_foreach(json_object_get(model, "values"), i, one) if (has_losses(c, one)) return true;
    }
    return false;
}

/* Of what and for which columns. */
static void print_heading(FILE *out, const columns *c, int begin, int end) {
    for (int line = 0; line < 2; line++) {
        fprintf(out, "  %*s", TITLE, "");
        for (int i = begin; i < end; i++)
            print_right(out, line ? c->list[i].below : c->list[i].above, c->list[i].width);
        fputc('\n', out);
    }
}

/* Models against groups, and against what an attack brought back. */
void gr__print_losses(FILE *out, const json_t *table, const json_t *point) {
    const json_t *models = json_object_get(point, "models");
    columns c = loss_columns(table);
    if (!any_losses(&c, models)) {
        columns_free(&c);
        return;
    }

    const char *unit = gr__text_of(json_object_get(point, "data"), "unit");
    fprintf(out, "\nLoss of the test, %s (lower = knows more)\n", unit ? unit : "nats per token");

    /* Columns that do not fit beside each other stand below each other. */
    for (int begin = 0, end, width; begin < c.count; begin = end) {
        size_t i;
        json_t *arm;
        end = fitting(&c, begin, &width);
        print_heading(out, &c, begin, end);
        json_array_foreach(json_object_get(table, "arms"), i, arm) {
            const json_t *model = json_object_get(models, gr__text_of(arm, "name"));
            if (model)
                print_arm(out, &c, begin, end, arm, model);
        }
    }
    columns_free(&c);
}

/* ---- right answers ---- */

/* Arms that have a column: with a short title, which an experiment gives to those that it wants compared, and classes,
 * which samples alone have. */
static json_t *shown_arms(const json_t *table, const json_t *models) {
    json_t *list = json_array(), *arm;
    size_t i;
    json_array_foreach(json_object_get(table, "arms"), i,
                       arm) if (gr__text_of(arm, "shown") &&
                                json_object_get(json_object_get(models, gr__text_of(arm, "name")), "classes"))
        json_array_append(list, arm);
    return list;
}

/* A block of columns: classes against a few of the arms. */
static void print_block(FILE *out, const json_t *arms, size_t begin, size_t end, const json_t *models) {
    const json_t *first =
        json_object_get(json_object_get(models, gr__text_of(json_array_get(arms, 0), "name")), "classes");
    const char *name;
    json_t *value;

    /* Which arms. */
    fprintf(out, "  %-*s", CLASS, "class");
    for (size_t i = begin; i < end; i++)
        print_right(out, gr__text_of(json_array_get(arms, i), "shown"), 1 + GROUP);
    fputc('\n', out);

    /* Classes as the first of all arms has them. */
    json_object_foreach((json_t *)first, name, value) {
        fputs("  ", out);
        gr__print_name(out, name, CLASS);

        /* The share of the class's own samples that get it right (its recall), which the result has from 0 to 1. */
        for (size_t i = begin; i < end; i++) {
            const json_t *model = json_object_get(models, gr__text_of(json_array_get(arms, i), "name"));
            char share[64];
            gr__print(share, sizeof share, "%.1f", 100 * gr__number_of(json_object_get(model, "classes"), name));
            fprintf(out, " %*s", GROUP, share);
        }
        fputc('\n', out);
    }
}

/* Classes of samples against models, as many of them as fit beside each other. */
void gr__print_classes(FILE *out, const json_t *table, const json_t *point) {
    enum { ACROSS = (GR__COLUMNS - 2 - CLASS) / (1 + GROUP) };
    const json_t *models = json_object_get(point, "models");
    json_t *arms = shown_arms(table, models);
    size_t count = json_array_size(arms);
    if (count > 0)
        fprintf(out, "\nRight answers, per cent of the samples of the test\n");
    for (size_t begin = 0; begin < count; begin += ACROSS)
        print_block(out, arms, begin, begin + ACROSS < count ? begin + ACROSS : count, models);
    json_decref(arms);
}

/* ---- figures ---- */

/* A figure with its interval; "-" for one that was refused. */
static void print_figure(FILE *out, const char *title, const json_t *value, const json_t *interval, const char *note) {
    char number[64] = "-", brackets[160] = "";
    if (json_is_number(value))
        gr__print(number, sizeof number, "%.3f", json_number_value(value));
    if (interval)
        gr__print(brackets, sizeof brackets, " [%6.3f, %6.3f]", json_number_value(json_array_get(interval, 0)),
                  json_number_value(json_array_get(interval, 1)));
    fputs("  ", out);
    gr__print_name(out, title, FIGURE);
    int width = 2 + FIGURE + fprintf(out, "%7s%s", number, brackets);

    /* What it means, behind the interval or where that would end; large numbers leave it less room. */
    int blanks = width < FIGURE + 26 ? FIGURE + 26 - width : 0;
    if (note && *note && width + blanks + 2 + (int)strlen(note) <= GR__COLUMNS + 1)
        fprintf(out, "%*s%s", blanks + 2, "", note);
    fputc('\n', out);
}

/* A figure at each value of the knob of its arm. */
static void print_knob(FILE *out, const char *title, const json_t *values, const char *note) {
    size_t i;
    json_t *one;
    /* Every value that was tried, not the best alone: the best of many draws is better than it will be next time. */
    json_array_foreach(values, i, one) {
        char *at = gr_format("%s, %s", title, gr__text_of(one, "at"));
        print_figure(out, at, json_object_get(one, "value"), json_object_get(one, "interval"), i == 0 ? note : NULL);
        gr_free(at);
    }
}

/* What the brackets are. Over seeds: mean -+ t s / sqrt(n), t of n - 1 degrees of freedom (Student, "The probable error
 * of a mean", 1908). Of one seed: percentiles of 1,000 draws of documents (Efron, "Bootstrap methods", 1979), or, where
 * a cell keeps sums of buckets in place of documents, leaving out one bucket after the other (Tukey 1958): see
 * measure/interval.c. The kinds say different things, so the heading names its own. */
static void print_figures_heading(FILE *out, const json_t *table, const json_t *point) {
    const char *intervals = gr__text_of(table, "intervals");
    if (intervals && !strcmp(intervals, "seeds"))
        fprintf(out, "\nFigures, means of %zu seeds with 95 %% intervals (Student's t over seeds)\n",
                json_array_size(json_object_get(point, "seeds")));
    else if (intervals && !strcmp(intervals, "buckets"))
        fprintf(out, "\nFigures, with 95 %% jackknife intervals over 64 buckets of %s\n", gr__counted(point));
    else
        fprintf(out, "\nFigures, with 95 %% bootstrap intervals over %s of the test\n", gr__counted(point));
}

/* Whether the result has it, as a number, null or by values of a knob. */
static bool has_figure(const json_t *point, const char *key) {
    return json_object_get(point, key) || json_object_get(json_object_get(point, "knobs"), key);
}

/* What the attacks were made of, and what else a reader must know. */
static void print_remarks(FILE *out, const json_t *table, const json_t *point) {
    const char *scale = gr__text_of(table, "scale");
    size_t i;
    json_t *attack;

    /* Which filter the ratios are over: the perfect and the known one are two scales. */
    if (scale)
        gr__print_wrapped(out, scale, 2, 2);

    /* The budget: "not recovered" holds for so many tokens and no more. */
    json_array_foreach(json_object_get(table, "attacks"), i, attack) {
        const json_t *made = json_object_get(point, gr__text_of(attack, "name"));
        json_int_t documents = (json_int_t)gr__number_of(made, "documents");
        json_int_t tokens = (json_int_t)gr__number_of(made, "tokens");
        if (json_object_get(made, "documents")) /* it may have trained on none, and say nothing of them */
            fprintf(out, "  Attack %s: %lld %s, %lld %s.\n", gr__text_of(attack, "name"), (long long)documents,
                    gr__unit(gr__counted(point), documents), (long long)tokens, gr__plural(tokens, "token", "tokens"));
    }

    /* Two warnings that docs/measures.md gives the reasons of. A removal above 1 is worse than a model that never read
     * the topic; with a tax too, the core was hurt as a whole. */
    if (json_is_true(json_object_get(point, "known_labels_only")))
        fprintf(out, "  On known labels only: the filter may have read text of the topic.\n");
    if (json_is_true(json_object_get(point, "damage")))
        fprintf(out, "  Removal above 1 together with a tax above 0.1 is damage, not removal.\n");
}

/* In the order of the experiment, which puts first what matters most. */
void gr__print_figures(FILE *out, const json_t *table, const json_t *point) {
    const json_t *intervals = json_object_get(point, "intervals"), *knobs = json_object_get(point, "knobs");
    bool begun = false;
    size_t i;
    json_t *figure;
    json_array_foreach(json_object_get(table, "figures"), i, figure) {
        const char *key = gr__text_of(figure, "key"), *title = gr__text_of(figure, "title");
        const char *note = gr__text_of(figure, "note");
        if (!has_figure(point, key))
            continue;

        /* A heading only where something follows. */
        if (!begun)
            print_figures_heading(out, table, point);
        begun = true;

        if (json_object_get(point, key))
            print_figure(out, title, json_object_get(point, key), json_object_get(intervals, key), note);
        else
            print_knob(out, title, json_object_get(knobs, key), note);
    }
    if (begun)
        print_remarks(out, table, point);
}

/* ---- by seed ---- */

/* Figures against a few of the seeds; one that none of them has, as those of arms with knobs, has no row. */
static void print_seed_block(FILE *out, const json_t *table, const json_t *seeds, size_t begin, size_t end) {
    size_t i;
    json_t *figure;

    /* Their numbers, a blank in front of each: a seed may fill its column. */
    fprintf(out, "  %*s", FIGURE, "");
    for (size_t s = begin; s < end; s++)
        fprintf(out, " %*.0f", SEED - 1, gr__number_of(json_array_get(seeds, s), "seed"));
    fputc('\n', out);

    json_array_foreach(json_object_get(table, "figures"), i, figure) {
        const char *key = gr__text_of(figure, "key");
        bool any = false;

        /* Also null: a seed whose figure was refused is what a mean of the others hides. */
        for (size_t s = begin; s < end; s++)
            any |= json_object_get(json_array_get(seeds, s), key) != NULL;
        if (!any)
            continue;

        fputs("  ", out);
        gr__print_name(out, gr__text_of(figure, "title"), FIGURE);
        for (size_t s = begin; s < end; s++)
            print_number(out, json_object_get(json_array_get(seeds, s), key), SEED, 3);
        fputc('\n', out);
    }
}

/* Whoever reads a mean should see what it is the mean of. */
void gr__print_seeds(FILE *out, const json_t *table, const json_t *point) {
    enum { ACROSS = (GR__COLUMNS - 2 - FIGURE) / SEED };
    const json_t *seeds = json_object_get(point, "seeds");
    size_t count = json_array_size(seeds);
    if (count > 0)
        fprintf(out, "\nFigures by seed\n");
    for (size_t begin = 0; begin < count; begin += ACROSS)
        print_seed_block(out, table, seeds, begin, begin + ACROSS < count ? begin + ACROSS : count);
}

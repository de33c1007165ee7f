/* The whole page: what each run came to, then each of its points. */
#include "report/report_page.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "chart_library.h"
#include "gradroute/lab.h"
#include "io/json.h"
#include "page_parts.h"

/* ---- spots ---- */

void gr__spot_misses(const gr__spot *spot, const char *sentence) {
    size_t i;
    json_t *said;
    json_array_foreach(spot->missing, i, said)
        if (strcmp(json_string_value(said), sentence) == 0)
            return;
    json_array_append_new(spot->missing, json_string(sentence));
}

bool gr__spot_has(const gr__spot *spot, const json_t *row) {
    const char *axis;
    json_t *value;
    json_object_foreach(json_object_get(spot->point, "axes"), axis, value)
        if (!json_equal(value, json_object_get(row, axis)))
            return false;
    return true;
}

static const json_t *arm_of(const gr__spot *spot, const char *name) {
    size_t i;
    json_t *arm;
    json_array_foreach(json_object_get(spot->table, "arms"), i, arm)
        if (name && strcmp(gr__text_of(arm, "name"), name) == 0)
            return arm;
    return NULL;
}

char *gr__arm_title(const gr__spot *spot, const char *name, int knob) {
    const char *title = gr__text_of(arm_of(spot, name), "title");
    const json_t *model = json_object_get(json_object_get(spot->point, "models"), name ? name : "");
    const json_t *one = knob < 0 ? NULL : json_array_get(json_object_get(model, "values"), (size_t)knob);
    const char *at = gr__text_of(one, "at");
    title = title ? title : name ? name : "";
    return gr_format("%s%s%s", title, at ? " " : "", at ? at : "");
}

/* With a verdict each point says its own; else the table says the one of all. */
const char *gr__scale_of(const gr__spot *spot) {
    const char *scale = gr__text_of(spot->point, "scale");
    return scale ? scale : gr__text_of(spot->table, "one");
}

bool gr__arm_is_reference(const gr__spot *spot, const char *name) {
    const char *scale = gr__scale_of(spot), *never = gr__text_of(spot->table, "never");
    return name && ((scale && strcmp(name, scale) == 0) || (never && strcmp(name, never) == 0));
}

/* ---- what a run came to ---- */

static void put_verdict(gr__page *page, const json_t *point) {
    const char *verdict = gr__text_of(point, "verdict");
    if (!verdict)
        return;
    char *text = gr_format("Verdict: %s.", verdict);
    gr__page_element(page, "p", "class=\"verdict\"", text);
    gr_free(text);
}

/* A state is a word of ours where it is one of the three, else text. */
static void put_state(gr__page *page, const char *state) {
    static const char *const states[] = {"holds", "fails", "undecided"};
    static const char *const classes[] = {"class=\"state holds\"", "class=\"state fails\"",
                                          "class=\"state undecided\""};
    int found = -1;
    for (int i = 0; i < 3; i++)
        if (state && strcmp(state, states[i]) == 0)
            found = i;
    gr__page_element(page, "span", found >= 0 ? classes[found] : "class=\"state\"", state);
}

static void put_claim(gr__page *page, const json_t *claim) {
    const json_t *points = json_object_get(claim, "points");
    size_t i;
    json_t *one;
    gr__page_raw(page, "<li>");
    put_state(page, gr__text_of(claim, "state"));
    gr__page_element(page, "strong", NULL, gr__text_of(claim, "say"));

    /* Its ruling at each point, in words. */
    json_array_foreach(points, i, one) {
        char *place = gr__place_of(one);
        char *text = gr_format("%s%s%s.", place ? place : "", place ? ": " : "", gr__text_of(one, "text"));
        gr__page_element(page, "p", "class=\"reading\"", text);
        gr_free(text);
        gr_free(place);
    }
    gr__page_raw(page, "</li>\n");
}

/* The claim that was made before there were figures stands apart from those that may be hindsight. */
static void put_claims(gr__page *page, const json_t *result) {
    for (int primary = 1; primary >= 0; primary--) {
        size_t i;
        json_t *claim;
        bool begun = false;
        json_array_foreach(json_object_get(result, "claims"), i, claim) {
            if (json_is_true(json_object_get(claim, "primary")) != primary)
                continue;
            if (!begun)
                gr__page_raw(page, primary ? "<h3>Claim</h3>\n<ul class=\"claims\">\n"
                                           : "<h3>Exploratory claims</h3>\n<ul class=\"claims\">\n");
            begun = true;
            put_claim(page, claim);
        }
        if (begun)
            gr__page_raw(page, "</ul>\n");
    }
}

/* ---- a point ---- */

/* What readings of figures are made of. */
typedef struct readings {
    const gr__spot *spot;
    const gr__table *figures;
    gr_registry *registry;
    char *text; /* the last one */
} readings;

/* The first row of the same formula before this one; NULL: it is the first. */
static const gr__table_row *first_of(const gr__table *figures, const gr__table_row *row, const char *formula) {
    for (int r = 0; r < figures->rows && &figures->row[r] != row; r++) {
        const char *other = gr__text_of(figures->row[r].about, "figure");
        if (other && strcmp(other, formula) == 0)
            return &figures->row[r];
    }
    return NULL;
}

/* Once in full, then by what is other about it. */
static char *reading_text(const readings *all, const gr__table_row *row) {
    const char *name = gr__text_of(row->about, "figure"), *after = gr__text_of(row->about, "after");
    const char *group = gr__text_of(row->about, "group");
    const gr_figure *figure = name ? gr_registry_figure(all->registry, name) : NULL;
    const gr__table_row *first = name ? first_of(all->figures, row, name) : NULL;
    if (!figure)
        return gr_format("%s", gr__text_of(row->about, "measure") ? "A number that was measured, its mean over rows; "
                                                                    "its control is the same of another model."
                                                                  : "");
    if (!first)
        return gr_strdup(figure->reading ? figure->reading : figure->help);
    if (first->about == row->about) /* at another value of the knob */
        return gr_strdup("");
    if (after)
        return gr_format("The same on losses after %s; its control is the figure before it.", after);

    /* Of another model, on other text, or by other losses. */
    const char *measure = gr__text_of(row->about, "measure");
    char *title = gr__arm_title(all->spot, gr__text_of(row->about, "of"), -1);
    char *text = gr_format("As \"%s\"%s%s%s%s%s%s, with the same control.", first->title, *title ? ", of " : "", title,
                           group ? ", on " : "", group ? group : "", measure ? ", by losses of the measure " : "",
                           measure ? measure : "");
    gr_free(title);
    return text;
}

static const char *reading_of(void *user, const gr__table_row *row) {
    readings *all = user;
    gr_free(all->text);
    all->text = reading_text(all, row);
    return all->text;
}

/* Lines below the tables, with what stands above them. */
static void put_lines(const gr__spot *spot, const char *heading, json_t *list) {
    json_t *line;
    size_t i;
    if (json_array_size(list) > 0)
        gr__page_element(spot->page, "p", NULL, heading);
    json_array_foreach(list, i, line)
        gr__page_element(spot->page, "p", "class=\"data\"", json_string_value(line));
    json_decref(list);
}

/* What attacks brought back at each of their strengths. */
static void put_ladders(const gr__spot *spot) {
    int count;
    gr__ladder *ladder = gr__ladders_of(&count, spot->table, spot->point);
    for (int i = 0; i < count; i++) {
        gr__page_table(spot->page, ladder[i].table, gr__counted(spot->point), NULL, NULL, NULL);
        if (ladder[i].savings)
            gr__page_element(spot->page, "p", "class=\"data\"", ladder[i].savings);
    }
    gr__ladders_free(ladder, count);
}

static void put_tables(const gr__spot *spot) {
    gr__table *figures = gr__table_of_figures(spot->table, spot->point);
    gr__table *losses = gr__table_of_losses(spot->table, spot->point);
    gr__table *classes = gr__table_of_classes(spot->table, spot->point);
    gr__table *seeds = gr__table_of_seeds(spot->table, spot->point);
    json_t *remarks = gr__remarks_of(spot->table, spot->point), *remark;
    readings all = {spot, figures, gr_registry_new(), NULL};
    size_t i;

    /* What matters most comes first. */
    gr__page_table(spot->page, figures, "figure", "what it means, and its control", reading_of, &all);
    json_array_foreach(figures->rows > 0 ? remarks : NULL, i, remark)
        gr__page_element(spot->page, "p", "class=\"data\"", json_string_value(remark));
    gr__page_table(spot->page, losses, "model", NULL, NULL, NULL);
    put_ladders(spot);
    gr__page_table(spot->page, classes, "class", NULL, NULL, NULL);
    gr__page_table(spot->page, seeds, "figure", NULL, NULL, NULL);
    put_lines(spot, gr__curves_heading, gr__curves_of(spot->table, spot->point));
    gr__put_curves(spot);
    put_lines(spot, gr__found_heading, gr__found_of(spot->table, spot->point));
    put_lines(spot, gr__made_heading, gr__made_of(spot->table, spot->point));

    json_decref(remarks);
    gr__table_free(figures);
    gr__table_free(losses);
    gr__table_free(classes);
    gr__table_free(seeds);
    gr_registry_free(all.registry);
    gr_free(all.text);
}

/* Each prompt as the arms go on with it. */
static void put_samples(const gr__spot *spot) {
    const json_t *list = json_object_get(spot->point, "completions");
    size_t i, k;
    json_t *item, *arm;
    if (json_array_size(list) == 0) {
        gr__spot_misses(spot, "Samples: nothing was completed; `prompts` of the recipe and the measure complete bring "
                              "them.");
        return;
    }

    gr__page_raw(spot->page, "<h3>Samples side by side</h3>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>"
                             "<th scope=\"col\">prompt</th>");
    json_array_foreach(json_object_get(spot->table, "arms"), k, arm)
        if (json_object_get(json_array_get(list, 0), gr__text_of(arm, "name"))) {
            char *title = gr__arm_title(spot, gr__text_of(arm, "name"), -1);
            gr__page_element(spot->page, "th", "scope=\"col\"", title);
            gr_free(title);
        }
    gr__page_raw(spot->page, "</tr></thead>\n<tbody>\n");

    json_array_foreach(list, i, item) {
        gr__page_raw(spot->page, "<tr>");
        gr__page_element(spot->page, "th", "scope=\"row\"", gr__text_of(item, "prompt"));
        json_array_foreach(json_object_get(spot->table, "arms"), k, arm)
            if (json_object_get(json_array_get(list, 0), gr__text_of(arm, "name")))
                gr__page_element(spot->page, "td", "class=\"sample\"", gr__text_of(item, gr__text_of(arm, "name")));
        gr__page_raw(spot->page, "</tr>\n");
    }
    gr__page_raw(spot->page,
                 "</tbody></table></div>\n<p class=\"reading\">The most likely word each time, of the first "
                 "seed: an illustration that proves nothing. What a model still knows is told by its losses, "
                 "above all after relearning.</p>\n");
}

/* What it was learned from and what it took. */
static void put_data(const gr__spot *spot) {
    char *data = gr__data_sentence(spot->point), *sizes = gr__sizes_sentence(spot->point);
    char *times = gr__times_sentence(spot->point);
    const char *const said[] = {data, gr__fallback_sentence(spot->point), sizes, times};
    for (int i = 0; i < 4; i++)
        if (said[i])
            gr__page_element(spot->page, "p", i == 1 ? "class=\"warning\"" : "class=\"data\"", said[i]);
    gr_free(data);
    gr_free(sizes);
    gr_free(times);
}

/* A heading that is taken back where nothing follows it. */
typedef void (*section)(const gr__spot *spot);
static void put_section(const gr__spot *spot, const char *opening, section put, const char *closing) {
    gr__page *page = spot->page;
    size_t before = page->length;
    gr__page_raw(page, opening);
    size_t begun = page->length;
    put(spot);
    if (page->length == begun) {
        page->length = before;
        page->text[before] = '\0';
    } else {
        gr__page_raw(page, closing);
    }
}

static void put_curves(const gr__spot *spot) {
    gr__put_frontier(spot);
    gr__put_relearning(spot);
    gr__put_learning(spot);
}

/* One point, from its verdict to what it rests on. */
static void put_point(const gr__spot *spot) {
    char *place = gr__place_of(spot->point);
    if (place) {
        gr__page_element(spot->page, "h2", NULL, place);
        put_verdict(spot->page, spot->point);
    }
    gr_free(place);
    put_tables(spot);
    put_section(spot, "<h3>Curves</h3>\n<div class=\"charts\">\n", put_curves, "</div>\n");
    put_samples(spot);
    put_section(spot, "<h3>Diagnostics</h3>\n<div class=\"charts\">\n", gr__put_diagnostics, "</div>\n");
    put_data(spot);
}

/* ---- runs ---- */

static const char *name_of(const gr__report_run *run) {
    const char *name = gr__text_of(run->result, "experiment");
    return name ? name : "an experiment";
}

static void put_missing(gr__page *page, const json_t *missing) {
    size_t i;
    json_t *sentence;
    if (json_array_size(missing) == 0)
        return;
    gr__page_raw(page, "<h3>What is not here</h3>\n<ul>\n");
    json_array_foreach(missing, i, sentence)
        gr__page_element(page, "li", "class=\"data\"", json_string_value(sentence));
    gr__page_raw(page, "</ul>\n");
}

/* All of one run. */
static void put_run(gr__page *page, const gr__report_run *run, bool several) {
    const json_t *points = json_object_get(run->result, "points");
    gr__spot spot = {run, json_object_get(run->result, "table"), run->result, page, json_array()};
    size_t i;
    json_t *point;

    gr__page_raw(page, "<section>\n<p class=\"kind\">experiment</p>\n");
    char *title = gr_format("%s%s%s", name_of(run), several ? ": " : "", several ? run->name : "");
    gr__page_element(page, "h1", NULL, title);
    gr_free(title);
    gr__page_element(page, "p", NULL, gr__text_of(run->result, "question"));
    put_verdict(page, run->result);
    put_claims(page, run->result);
    gr__put_choice(page, run->result);
    char *trials = gr__trials_sentence(spot.table);
    if (trials)
        gr__page_element(page, "p", "class=\"data\"", trials);
    gr_free(trials);
    put_section(&spot, "<h3>Over the axes</h3>\n<div class=\"charts\">\n", gr__put_sweeps, "</div>\n");

    /* With one point the result itself is the point; with more each has its part. */
    if (!points)
        put_point(&spot);
    json_array_foreach(points, i, point) {
        spot.point = point;
        put_point(&spot);
    }
    put_section(&spot, "<h3>Map of the regions</h3>\n", gr__put_map, "");
    put_missing(page, spot.missing);
    gr__page_raw(page, "</section>\n");
    json_decref(spot.missing);
}

/* ---- several runs ---- */

/* A column for each point of each run. */
static void add_columns(gr__table *t, json_t *points, const gr__report_run *run) {
    const json_t *list = json_object_get(run->result, "points");
    size_t i;
    json_t *point;
    if (!list) {
        gr__table_column_add(t, run->name, "", false);
        json_array_append(points, (json_t *)run->result);
    }
    json_array_foreach(list, i, point) {
        char *place = gr__place_of(point);
        gr__table_column_add(t, run->name, place ? place : "", false);
        json_array_append(points, point);
        gr_free(place);
    }
}

/* Figures by name against runs; those of arms with knobs are left to the runs. */
static void put_comparison(gr__page *page, const gr__report_run *run, int runs) {
    gr__table *t = gr__table_new("Figures of the runs side by side", 3);
    json_t *points = json_array(), *done = json_object(), *figure, *point;
    size_t i, p;
    for (int r = 0; r < runs; r++)
        add_columns(t, points, &run[r]);

    /* In the order of the runs, each name once. */
    for (int r = 0; r < runs; r++)
        json_array_foreach(json_object_get(json_object_get(run[r].result, "table"), "figures"), i, figure) {
            const char *key = gr__text_of(figure, "key"), *title = gr__text_of(figure, "title");
            bool any = false;
            json_array_foreach(points, p, point)
                any |= json_object_get(point, key) != NULL;
            if (!any || json_object_get(done, key))
                continue;
            json_object_set_new(done, key, json_true());
            gr__table_cell *cell = gr__table_row_add(t, title ? title : key, NULL, figure);
            json_array_foreach(points, p, point) {
                const json_t *value = json_object_get(point, key);
                cell[p] = gr__table_cell_of(value, json_object_get(json_object_get(point, "intervals"), key));
                cell[p].blank = !value;
            }
        }
    gr__page_raw(page, "<h1>Runs side by side</h1>\n");
    gr__page_table(page, t, "figure", NULL, NULL, NULL);
    gr__page_raw(page, "<p class=\"reading\">Figures of one name may be of other data, sizes or scales: compare runs "
                       "that differ in one thing.</p>\n");
    gr__table_free(t);
    json_decref(points);
    json_decref(done);
}

/* ---- the whole ---- */

/* Whether a list has objects alone, each with a text of this name: what tables go by. */
static bool is_named(const json_t *list, const char *key) {
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
        if (!gr__text_of(one, key))
            return false;
    return true;
}

bool gr__report_fits(const json_t *result) {
    const json_t *table = json_object_get(result, "table"), *choice = json_object_get(result, "choice");
    const char *format = gr__text_of(result, "format");
    return format && strcmp(format, "gradroute-result-2") == 0 && is_named(json_object_get(table, "arms"), "name") &&
           is_named(json_object_get(table, "figures"), "key") && is_named(json_object_get(table, "attacks"), "name") &&
           is_named(json_object_get(choice, "goals"), "key") && is_named(json_object_get(choice, "edges"), "axis") &&
           is_named(json_object_get(choice, "edges"), "end");
}

/* Text of a file that was built in. */
static const char *part(const char *name) {
    for (size_t i = 0; i < sizeof page_parts / sizeof *page_parts; i++)
        if (strcmp(page_parts[i].name, name) == 0)
            return page_parts[i].text;
    return "";
}

/* What the page's "{{word}}" stand for. */
typedef struct slot {
    const char *word, *text;
    bool escape;
} slot;

/* Goes through the page once, so that nothing that was put in is looked at again. */
static void fill(gr__page *out, const char *html, const slot *slots, int count) {
    const char *open;
    while ((open = strstr(html, "{{"))) {
        const char *close = strstr(open, "}}");
        char *before = gr_format("%.*s", (int)(open - html), html);
        gr__page_raw(out, before);
        gr_free(before);
        for (int i = 0; i < count; i++)
            if (strlen(slots[i].word) == (size_t)(close - open - 2) &&
                strncmp(slots[i].word, open + 2, (size_t)(close - open - 2)) == 0)
                (slots[i].escape ? gr__page_text : gr__page_raw)(out, slots[i].text);
        html = close + 2;
    }
    gr__page_raw(out, html);
}

char *gr__report_page(const gr__report_run *run, int runs) {
    gr__page body = {.charts = json_array()}, out = {0};
    gr__page_raw(&body, "");
    if (runs > 1)
        put_comparison(&body, run, runs);
    for (int r = 0; r < runs; r++)
        put_run(&body, &run[r], runs > 1);

    /* The title is that of the first; windows have room for no more. */
    char *charts = gr__script_json(body.charts);
    char *title = gr_format("%s: gradroute report", name_of(&run[0]));
    const slot slots[] = {{"title", title, true},       {"style", part("style"), false},
                          {"body", body.text, false},   {"version", GR_VERSION, true},
                          {"charts", charts, false},    {"library", chart_library[0].text, false},
                          {"draw", part("draw"), false}};
    fill(&out, part("page"), slots, sizeof slots / sizeof *slots);
    gr_free(charts);
    gr_free(title);
    gr__page_free(&body);
    return out.text;
}

/* Reports as a page: the data that charts are drawn from, texts that stay texts, and what is said of what is missing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/report.h"
#include "io/json.h"
#include "measure/measure.h"
#include "report/report_page.h"
#include "support.h"

/* Text that would become part of a page, in whatever place it stands. */
#define EVIL "</script><script>alert(1)</script>\\\"'&"

/* An experiment with two models, one of which stands for 1, an attack, and names that nobody should trust. */
static const char result_text[] =
    "{\"format\": \"gradroute-result-2\", \"experiment\": \"" EVIL "\", \"question\": \"" EVIL "\","
    " \"verdict\": \"so it is\", \"scale\": \"filter\", \"tax\": 0.5, \"gone\": 0.75, \"left\": null,"
    " \"intervals\": {\"gone\": [0.5, 1.0]},"
    " \"models\": {\"routed\": {\"forget\": 3.5, \"retain\": 2.5}, \"filter\": {\"forget\": 4.5, \"retain\": 2.25}},"
    " \"completions\": [{\"prompt\": \"" EVIL "\", \"routed\": \"" EVIL "\"}],"
    " \"data\": {\"groups\": {\"" EVIL "\": 3}, \"known\": {\"" EVIL "\": 2}},"
    " \"table\": {\"arms\": [{\"name\": \"routed\", \"title\": \"" EVIL "\", \"note\": \"" EVIL "\"},"
    " {\"name\": \"filter\", \"title\": \"filtered\"}], \"groups\": [\"forget\", \"retain\"], \"attacks\": [],"
    " \"figures\": [{\"key\": \"gone\", \"title\": \"" EVIL "\", \"figure\": \"removal_specific\", \"of\": \"routed\"},"
    " {\"key\": \"tax\", \"title\": \"tax\", \"figure\": \"tax_off\", \"of\": \"routed\"},"
    " {\"key\": \"left\", \"title\": \"left\", \"figure\": \"removal_specific\", \"of\": \"routed\","
    " \"after\": \"relearn\"}]}}";

/* Two seeds of the routed model, one of the other; the attack knows two sizes. */
static const char *const row_lines[] = {
    "{'row': 'model', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'a1'}",
    "{'row': 'model', 'arm': 'routed', 'seed': 2, 'knob': 0, 'cell': 'a2'}",
    "{'row': 'model', 'arm': 'filter', 'seed': 1, 'knob': 0, 'cell': 'b1'}",
    "{'row': 'loss', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'm', 'group': 'forget', 'nll': 8, 'tokens': 2}",
    "{'row': 'loss', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'm', 'group': 'retain', 'nll': 9, 'tokens': 1}",
    "{'row': 'loss', 'arm': 'filter', 'seed': 1, 'knob': 0, 'cell': 'n', 'group': 'forget', 'nll': 10, 'tokens': 2}",
    "{'row': 'point', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'x', 'attack': 'relearn', 'documents': 8, 'step': "
    "5}",
    "{'row': 'loss', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'x', 'attack': 'relearn', 'group': 'forget', "
    "'at': 'best', 'nll': 7, 'tokens': 2}",
    "{'row': 'loss', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'x', 'attack': 'relearn', 'group': 'retain', "
    "'at': 'best', 'nll': 1, 'tokens': 2}",
    "{'row': 'point', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'y', 'attack': 'relearn', 'documents': 64, "
    "'step': 5}",
    "{'row': 'loss', 'arm': 'routed', 'seed': 1, 'knob': 0, 'cell': 'y', 'attack': 'relearn', 'group': 'forget', "
    "'at': 'best', 'nll': 6, 'tokens': 2}",
    "{'row': 'point', 'arm': 'filter', 'seed': 1, 'knob': 0, 'cell': 'z', 'attack': 'relearn', 'documents': 8, 'step': "
    "5}",
    "{'row': 'loss', 'arm': 'filter', 'seed': 1, 'knob': 0, 'cell': 'z', 'attack': 'relearn', 'group': 'forget', "
    "'at': 'best', 'nll': 9, 'tokens': 2}",
};
static const char metrics_text[] =
    "{'a1': [{'step': 1, 'heldout': 4, 'probe': {'on': {'t': 2}, 'off': {'r': {'t': 3}}}, 'absorption': {'t': 0.5}}, "
    "{'step': 2, 'heldout': 3, 'warning': '<b>slow</b>'}], 'a2': [{'step': 2, 'heldout': 1}], 'b1': [{'step': 1, "
    "'heldout': 9}]}";

/* JSON with ' in place of ". */
static json_t *json_of(const char *text) {
    char *copy = gr_strdup(text);
    for (char *at = copy; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *value = json_loads(copy, 0, NULL);
    assert_non_null(value);
    gr_free(copy);
    return value;
}

static gr__report_run run_new(void) {
    json_t *rows = json_array(), *result = json_loads(result_text, 0, NULL);
    for (size_t i = 0; i < sizeof row_lines / sizeof *row_lines; i++)
        json_array_append_new(rows, json_of(row_lines[i]));
    assert_non_null(result);
    return (gr__report_run){"runs/it", result, rows, json_of(metrics_text)};
}

static void run_free(gr__report_run *run) {
    json_decref((json_t *)run->result);
    json_decref((json_t *)run->rows);
    json_decref((json_t *)run->metrics);
}

static const char opens[] = "<script type=\"application/json\" id=\"charts\">";

/* The data block; a new object. */
static json_t *charts_of(const char *page) {
    const char *at = strstr(page, opens);
    assert_non_null(at);
    at += sizeof opens - 1;
    const char *end = strstr(at, "</script>");
    assert_non_null(end);
    assert_null(memchr(at, '<', (size_t)(end - at)));
    json_t *charts = json_loadb(at, (size_t)(end - at), 0, NULL);
    assert_non_null(charts);
    return charts;
}

/* A series of the chart whose title begins so; NULL: there is none. */
static const json_t *series_of(const json_t *charts, const char *title, const char *name) {
    size_t i, k;
    json_t *chart, *series;
    json_array_foreach(charts, i, chart)
        if (strncmp(gr__text_of(chart, "title"), title, strlen(title)) == 0)
            json_array_foreach(json_object_get(chart, "series"), k, series)
                if (strcmp(gr__text_of(series, "name"), name) == 0)
                    return series;
    return NULL;
}

/* Its points are these, x and y by turns. */
static void has_points(const json_t *series, int count, const double *xy) {
    const json_t *points = json_object_get(series, "points");
    assert_int_equal(json_array_size(points), count);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 2; k++)
            assert_true(json_number_value(json_array_get(json_array_get(points, (size_t)i), (size_t)k)) ==
                        xy[2 * i + k]);
}

static const char evil_name[] = "</script><script>alert(1)</script>\"'&";

static void charts_have_the_rows(void **state) {
    (void)state;
    gr__report_run run = run_new();
    char *page = gr__report_page(&run, 1);
    json_t *charts = charts_of(page);
    const json_t *one, *interval;

    /* One line an arm: of seeds the mean at each step. */
    has_points(series_of(charts, "Held-out", evil_name), 2, (double[]){1, 4, 2, 2});
    has_points(series_of(charts, "Held-out", "filtered"), 1, (double[]){1, 9});

    /* From the loss before, at 0, by documents; the model that stands for 1 is what they are read against. */
    has_points(series_of(charts, "What comes back: loss on the topic after relearn", evil_name), 3,
               (double[]){0, 4, 8, 3.5, 64, 3});
    has_points(one = series_of(charts, "What comes back", "filtered"), 2, (double[]){0, 5, 8, 4.5});
    assert_true(json_is_true(json_object_get(one, "reference")));
    assert_true(json_is_false(json_object_get(series_of(charts, "What comes back", evil_name), "reference")));

    /* Removal across with its interval, tax up. */
    has_points(one = series_of(charts, "What removal costs", evil_name), 1, (double[]){0.75, 0.5});
    interval = json_array_get(json_object_get(one, "points"), 0);
    assert_true(json_number_value(json_array_get(interval, 4)) == 0.5);
    assert_true(json_is_null(json_array_get(interval, 2)));

    /* What was measured while training, by label and region. */
    char *behind = gr_format("%s: t without r", evil_name), *label = gr_format("%s: t", evil_name);
    has_points(series_of(charts, "What switching", behind), 1, (double[]){1, 1});
    has_points(series_of(charts, "Share of the gradient", label), 1, (double[]){1, 0.5});
    gr_free(behind);
    gr_free(label);
    json_decref(charts);
    gr_free(page);

    /* So is one in the role never_trained, where another one stands for 1. */
    json_object_set_new(json_object_get(run.result, "table"), "never", json_string("routed"));
    page = gr__report_page(&run, 1);
    charts = charts_of(page);
    assert_true(json_is_true(json_object_get(series_of(charts, "What comes back", evil_name), "reference")));
    assert_true(json_is_true(json_object_get(series_of(charts, "What comes back", "filtered"), "reference")));
    json_decref(charts);
    gr_free(page);
    run_free(&run);
}

/* How often a word stands in a text. */
static int times(const char *text, const char *word) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

static void texts_stay_texts(void **state) {
    (void)state;
    gr__report_run run = run_new();
    char *page = gr__report_page(&run, 1), *again = gr__report_page(&run, 1);
    assert_string_equal(page, again);
    assert_null(strstr(page, "<script>alert"));
    assert_null(strstr(page, "<b>slow"));

    /* Titles, questions, groups, labels, prompts, completions, notes, arms: all of them are there to be read. */
    assert_true(times(page, "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;") >= 10);
    assert_non_null(strstr(page, "&lt;b&gt;slow&lt;/b&gt;"));

    /* Our own scripts alone: data, library, drawing. Nothing is fetched. */
    const char *data = strstr(page, opens);
    char *body = gr_format("%.*s", (int)(data - page), page);
    assert_int_equal(times(body, "<script"), 0);
    assert_int_equal(times(page, "</script>"), 3);
    assert_int_equal(times(body, " src=") + times(body, "href=") + times(body, "@import"), 0);
    gr_free(body);
    gr_free(page);
    gr_free(again);
    run_free(&run);
}

/* A section without data is left out, and a sentence says what would bring it. */
static void what_is_missing_is_said(void **state) {
    (void)state;
    json_t *result = json_of("{'format': 'gradroute-result-2', 'experiment': 'e', 'table': {'arms': [], 'groups': [], "
                             "'attacks': [], 'figures': []}}");
    json_t *none = json_array(), *metrics = json_object();
    gr__report_run run = {"e", result, none, metrics};
    char *page = gr__report_page(&run, 1);
    static const char *const said[] = {"<li class=\"data\">Learning curves: ",   "<li class=\"data\">Trade-off: ",
                                       "<li class=\"data\">Relearning curves: ", "<li class=\"data\">Label sweep: ",
                                       "<li class=\"data\">Samples: ",           "<li class=\"data\">Diagnostics: ",
                                       "<li class=\"data\">Map of the regions: "};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (times(page, said[i]) != 1)
            fail_msg("not there once: %s", said[i]);
    assert_null(strstr(page, "<canvas"));
    assert_null(strstr(page, "<h3>Curves"));
    json_t *charts = charts_of(page);
    assert_int_equal(json_array_size(charts), 0);
    json_decref(charts);
    gr_free(page);
    json_decref(result);
    json_decref(none);
    json_decref(metrics);
}

/* Models of a ladder, the law through them, and what was found: one chart for all that is looked up on it. */
static void curves_are_drawn(void **state) {
    (void)state;
    json_t *result =
        json_of("{'format': 'gradroute-result-2', 'experiment': 'e', 'curves': {"
                "'r': {'x': 'operations', 'of': 'on', 'along': 'lengths', 'group': 'retain', 'points': [{'x': 100, "
                "'loss': 2.8}, {'x': 400, "
                "'loss': 2.4}], 'a': 2, 'b': 8, 'c': 0.5, 'shift': 0, 'loss': 2.5, 'found': 256}, "
                "'s': {'x': 'operations', 'of': 'off', 'along': 'lengths', 'group': 'retain', 'points': [{'x': 100, "
                "'loss': 2.8}, {'x': 400, "
                "'loss': 2.4}], 'a': 2, 'b': 8, 'c': 0.5, 'shift': 0, 'loss': 2.9, 'found': null, 'why': 'above all of "
                "the curve'}, "
                "'u': {'x': 'operations', 'of': 'off', 'after': 'relearn', 'along': 'lengths', 'group': 'retain', "
                "'points': [{'x': 100, "
                "'loss': 2.8}, {'x': 400, "
                "'loss': 2.4}], 'a': 2, 'b': 8, 'c': 0.5, 'shift': 0, 'loss': 2.7, 'found': 130}, "
                "'t': {'x': 'text', 'of': 'off', 'along': 'shares', 'group': 'forget', 'points': [{'x': 0, 'loss': 3}, "
                "{'x': 5, 'loss': 4}], "
                "'loss': 3.5}}, 'table': {'arms': [], 'groups': [], 'attacks': [], 'figures': [{'key': "
                "'r', 'title': '  ratio'}, "
                "{'key': 's', 'title': 'other'}, {'key': 'u', 'title': '  ratio'}, {'key': 't', 'title': 'leak'}]}}");
    json_t *none = json_array(), *metrics = json_object();
    gr__report_run run = {"e", result, none, metrics};
    char *page = gr__report_page(&run, 1);
    json_t *charts = charts_of(page);
    assert_int_equal(json_array_size(charts), 2);
    has_points(series_of(charts, "Loss on retain along lengths", "lengths"), 2, (double[]){100, 2.8, 400, 2.4});
    has_points(series_of(charts, "Loss on retain along lengths", "ratio (on)"), 1, (double[]){256, 2.5});
    has_points(series_of(charts, "Loss on retain along lengths", "ratio (off after relearn)"), 1, (double[]){130, 2.7});
    assert_null(series_of(charts, "Loss on retain along lengths", "other (off)"));

    /* The law from one end to the other. */
    const json_t *law = json_object_get(series_of(charts, "Loss on retain along lengths", "curve"), "points");
    assert_int_equal(json_array_size(law), 25);
    for (size_t i = 0; i < 25; i++) {
        const double x = json_number_value(json_array_get(json_array_get(law, i), 0));
        assert_true(fabs(x - (100 + 300.0 * (double)i / 24)) < 1e-9);
        assert_true(fabs(json_number_value(json_array_get(json_array_get(law, i), 1)) - (2 + 8 / sqrt(x))) < 1e-9);
    }

    /* Losses that do not fall have none; what lies beyond is told in words. */
    has_points(series_of(charts, "Loss on forget along shares", "shares"), 2, (double[]){0, 3, 5, 4});
    assert_null(series_of(charts, "Loss on forget along shares", "curve"));
    assert_null(series_of(charts, "Loss on forget along shares", "leak (off)"));
    assert_non_null(strstr(page, "other (off) 2.900, above all of the curve"));
    json_decref(charts);
    gr_free(page);
    json_decref(result);
    json_decref(none);
    json_decref(metrics);
}

/* Axes whose values are numbers are drawn to scale, others by their names. */
static void axes_become_sweeps(void **state) {
    (void)state;
    json_t *result = json_of(
        "{'format': 'gradroute-result-2', 'experiment': 'e', 'points': [{'axes': {'known': 'half', 'kind': 'a'}, 'r': "
        "0.5, 'intervals': {'r': [0, 1]}}, {'axes': {'known': 'all', 'kind': 'a'}, 'r': 1}, {'axes': {'known': 'all', "
        "'kind': 'b'}, 'r': 2}], 'table': {'arms': [], 'groups': [], 'attacks': [], 'figures': [{'key': 'r', 'title': "
        "'gone', 'figure': 'removal', 'unit': 'ratio'}], 'axes': [{'name': 'known', 'key': 'labels.x.known', 'values': "
        "[{'name': 'all', 'value': 1.0}, {'name': 'half', 'value': 0.5}]}, {'name': 'kind', 'values': [{'name': 'a'}, "
        "{'name': 'b'}]}]}}");
    json_t *none = json_array(), *metrics = json_object();
    gr__report_run run = {"e", result, none, metrics};
    char *page = gr__report_page(&run, 1);
    json_t *charts = charts_of(page);
    has_points(series_of(charts, "Label sweep: ratios by known", "gone, kind a"), 2, (double[]){0.5, 0.5, 1, 1});
    has_points(series_of(charts, "Label sweep: ratios by known", "gone, kind b"), 1, (double[]){1, 2});
    has_points(series_of(charts, "Sweep: ratios by kind", "gone, known all"), 2, (double[]){0, 1, 1, 2});
    assert_non_null(strstr(page, "<h2>known half, kind a</h2>"));
    json_decref(charts);
    gr_free(page);
    json_decref(result);
    json_decref(none);
    json_decref(metrics);
}

/* Several runs have a table of figures side by side, each its own name. */
static void runs_stand_side_by_side(void **state) {
    (void)state;
    gr__report_run run[2] = {run_new(), run_new()};
    run[1].name = "runs/<other>";
    char *page = gr__report_page(run, 2);
    assert_non_null(strstr(page, "Figures of the runs side by side"));
    assert_int_equal(times(page, "<th scope=\"col\" class=\"number\">runs/&lt;other&gt;</th>"), 1);
    assert_int_equal(times(page, "<section>"), 2);
    gr_free(page);
    run_free(&run[0]);
    run_free(&run[1]);
}

/* The map says for each label with which chance what is on and open. */
static void routes_become_a_map(void **state) {
    (void)state;
    gr__report_run run = run_new();
    json_object_set_new(
        (json_t *)run.result, "recipe",
        json_string("data: {text: none.txt}\nlabels: {b: {is: [a]}}\nmodel: {width: 32, heads: 2, layers: 1, mlp: 32}\n"
                    "regions: {r: {mlp: {add: 4}}}\nroutes:\n  - {label: b, open: [r], rest: closed}\n"
                    "  - {label: core, chance: 0.75, without: [r]}\ntrain: {steps: 5}\n"));
    char *page = gr__report_page(&run, 1);
    if (!strstr(page, "<th scope=\"row\">b</th>\n<td class=\"number\">100 %</td>"
                      "<td class=\"field closed\">closed</td>\n<td class=\"field open\">on, open</td>"))
        fail_msg("%s", strstr(page, "Map of the regions"));
    assert_non_null(strstr(page, "<th scope=\"row\">core</th>\n<td class=\"number\">75 %</td>"));
    assert_non_null(strstr(page, "<td class=\"field off\">off, closed</td>"));
    gr_free(page);
    run_free(&run);
}

/* A recipe whose core rows have the region off with this chance. */
static json_t *routed_by(const char *chance, const char *more) {
    char *text =
        gr_format("data: {text: none.txt}\nlabels: {b: {is: [a]}}\nmodel: {width: 32, heads: 2, layers: 1, mlp: 32}"
                  "\nregions: {r: {mlp: {add: 4}}}\nroutes:\n  - {label: b, open: [r], rest: closed}\n"
                  "  - {label: core, chance: %s, without: [r]}\ntrain: {steps: 5%s}\n",
                  chance, more);
    json_t *string = json_string(text);
    gr_free(text);
    return string;
}

/* Each arm has the map of the routes that it is trained by; those that come to the same share one. */
static void arms_have_maps_of_their_own(void **state) {
    (void)state;
    gr__report_run run = run_new();
    json_object_set_new((json_t *)run.result, "recipe", routed_by("0.9", ""));
    json_object_set_new(
        (json_t *)run.result, "routes",
        json_pack("[{s:o, s:[{s:s}]}, {s:o, s:[{s:s, s:s}, {}]}, {s:o, s:[{s:s, s:{s:s}}]}, {s:o, s:[{s:s, "
                  "s:{s:s}}]}, {s:s}, {s:i}]",
                  "recipe", routed_by("0.5", ""), "of", "arm", "filter", "recipe", routed_by("0.5", ", lr: 0.5"), "of",
                  "arm", "<b>", "at", "0.5", "recipe", routed_by("0.25", ""), "of", "arm", "late", "axes", "known",
                  "half", "recipe", routed_by("0.125", ""), "of", "arm", "late", "axes", "known", "all", "recipe",
                  "none", "recipe", 5));
    char *page = gr__report_page(&run, 1);
    static const char *const whose[] = {"filtered, &lt;b&gt; 0.5", "late (known half)", "late (known all)"};
    static const char *const chance[] = {"50 %", "25 %", "12.5 %"};
    const char *at = strstr(page, "Map of the regions");
    for (int i = 0; i < 3; i++) {
        char *line = gr_format(">Routes of %s</p>", whose[i]);
        char *cell = gr_format("<th scope=\"row\">core</th>\n<td class=\"number\">%s</td>", chance[i]);
        at = strstr(at, line);
        if (!at || !(at = strstr(at, cell)))
            fail_msg("not there: %s, %s\n%s", line, cell, strstr(page, "Map of the regions"));
        gr_free(line);
        gr_free(cell);
    }

    /* The recipe of the experiment is that of no arm here. */
    assert_null(strstr(page, "<td class=\"number\">90 %</td>"));
    assert_int_equal(times(page, "<table class=\"map\">"), 3);
    gr_free(page);
    run_free(&run);
}

/* Every figure of the library says what it means and what its control is. */
static void figures_say_how_to_read_them(void **state) {
    (void)state;
    for (const gr_figure *figure = gr__figure_list; figure->name; figure++)
        if (!figure->reading || strlen(figure->reading) < 40 || figure->reading[strlen(figure->reading) - 1] != '.')
            fail_msg("%s has no sentence for readers of reports", figure->name);
}

static void folders_are_checked(void **state) {
    (void)state;
    gr_error err = {0};
    char *folder = gr_test_folder(), *page = gr_format("%s/page.html", folder);
    const char *const list[] = {folder};
    char *result = gr_format("%s/result.json", folder), *rows = gr_format("%s/results.jsonl", folder);

    /* Nothing there, another form, a line that is none; nothing is written. */
    assert_int_equal(gr_report_write(list, 1, page, &err), GR_ERR_INPUT);
    FILE *out = fopen(result, "w");
    fputs("{\"format\": \"other\"}", out);
    fclose(out);
    err = (gr_error){0};
    assert_int_equal(gr_report_write(list, 1, page, &err), GR_ERR_FORMAT);
    out = fopen(result, "w");
    fputs(result_text, out);
    fclose(out);
    assert_int_equal(gr_report_write(list, 1, page, &err), GR_ERR_INPUT);
    out = fopen(rows, "w");
    fputs("{\"row\": \"view\"}\nnothing\n", out);
    fclose(out);
    err = (gr_error){0};
    assert_int_equal(gr_report_write(list, 1, page, &err), GR_ERR_FORMAT);
    if (!strstr(err.place, "results.jsonl:2"))
        fail_msg("%s: %s", err.place, err.message);
    assert_null(fopen(page, "r"));

    /* A line that does not end is still being written. */
    out = fopen(rows, "w");
    fputs("{\"row\": \"view\"}\n{\"row\": \"vi", out);
    fclose(out);
    err = (gr_error){0};
    gr_test_ok(gr_report_write(list, 1, page, &err), &err);
    gr_free(result);
    gr_free(rows);
    gr_free(page);
    gr_test_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charts_have_the_rows),         cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(what_is_missing_is_said),      cmocka_unit_test(curves_are_drawn),
        cmocka_unit_test(axes_become_sweeps),           cmocka_unit_test(runs_stand_side_by_side),
        cmocka_unit_test(routes_become_a_map),          cmocka_unit_test(arms_have_maps_of_their_own),
        cmocka_unit_test(figures_say_how_to_read_them), cmocka_unit_test(folders_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

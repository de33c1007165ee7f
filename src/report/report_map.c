/* The map of regions: for each label the chances of what its rows run with and train, by the routes of each arm. */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "gradroute/recipe.h"
#include "report/lines.h"
#include "report/report_page.h"
#include "route/opened.h"

typedef struct map {
    const gr_recipe *recipe;
    const gr_model *model;
    const gr_router *router;
} map;

/* A field: on or off, open or closed; its class is drawn by the style sheet. region GR_NONE: the core, always on. */
static void put_field(gr__page *page, const map *m, int region, int cls) {
    gr__openness o = gr__openness_of(m->model, gr_router_tables(m->router), region, cls);
    double forward = region == GR_NONE ? 1 : gr_router_forward(m->router, region, cls);
    char *text = region == GR_NONE ? gr_strdup(gr__openness_text((char[32]){0}, o))
                                   : gr_format("%s, %s", gr__forward_text((char[32]){0}, forward),
                                               gr__openness_text((char[32]){0}, o));
    gr__page_element(page, "td",
                     forward == 0 ? "class=\"field off\""
                     : o.open > 0 ? "class=\"field open\""
                                  : "class=\"field closed\"",
                     text);
    gr_free(text);
}

/* A line: a class that rows of a label have with a chance. */
static void put_class(gr__page *page, const map *m, int label, int cls, int64_t step) {
    gr__page_raw(page, "<tr>");
    gr__page_element(page, "th", "scope=\"row\"", gr__label_text(m->recipe->routes, label));
    gr__page_numbers(page, "<td class=\"number\">%.4g %%</td>", 100 * gr_router_chance_at(m->router, label, cls, step));
    put_field(page, m, GR_NONE, cls);
    for (int r = 0; r < gr_model_regions(m->model); r++)
        put_field(page, m, r, cls);
    gr__page_raw(page, "</tr>\n");
}

/* One stretch of steps in which the same routes act. */
static void put_phase(gr__page *page, const map *m, int phase) {
    int64_t step = gr_router_phase(m->router, phase);
    gr__page_raw(page, "<div class=\"scroll\" tabindex=\"0\"><table class=\"map\">\n<caption>");
    if (gr_router_phases(m->router) > 1)
        gr__page_numbers(page, "Who opens what, from step %lld", (long long)step);
    else
        gr__page_raw(page, "Who opens what");
    gr__page_raw(page, "</caption>\n<thead><tr><th scope=\"col\">rows of</th><th scope=\"col\" class=\"number\">chance"
                       "</th><th scope=\"col\">core</th>");
    for (int r = 0; r < gr_model_regions(m->model); r++)
        gr__page_element(page, "th", "scope=\"col\"", gr_model_region(m->model, r)->name);
    gr__page_raw(page, "</tr></thead>\n<tbody>\n");

    for (int label = -1; label <= m->recipe->routes->labels; label++)
        for (int c = 0; c < gr_router_classes(m->router); c++)
            if (gr_router_chance_at(m->router, label, c, step) > 0)
                put_class(page, m, label, c, step);
    gr__page_raw(page, "</tbody></table></div>\n");
}

static void put_map(gr__page *page, const map *m) {
    for (int i = 0; i < gr_router_phases(m->router); i++)
        put_phase(page, m, i);

    /* Second showings are no class of their own. */
    for (int i = 0; i < gr_router_copies(m->router); i++)
        gr__page_numbers(page, "<p>%.3g %% of the sequences of a route with repeat are shown a second time.</p>\n",
                         100 * gr_router_repeat_chance(m->router, i));
}

/* The network of the recipe, with a small vocabulary: sizes do not decide about routes. */
static gr_status open_map(map *m, gr_recipe *recipe, gr_model **model, gr_router **router, gr_error *err) {
    enum { BYTES = 257 };
    gr_arch_def def = recipe->model;
    def.vocab = def.vocab ? def.vocab : BYTES;
    GR_TRY(gr_arch_build(model, &def, recipe->seed, err));
    GR_TRY(gr_router_new(router, *model, recipe->routes, recipe->seed, err));
    *m = (map){recipe, *model, *router};
    return GR_OK;
}

/* The place of an error is of no use to readers; a recipe that goes on from a model needs that where it was. */
static void misses_recipe(const gr__spot *spot, const char *why) {
    char *sentence = gr_format("Map of the regions: the recipe cannot be read here (%s).", why);
    gr__spot_misses(spot, sentence);
    gr_free(sentence);
}

/* The map of a recipe as a piece of the page; NULL: there is none, which is said. Free with gr_free. */
static char *draw(const gr__spot *spot, const char *text) {
    gr_recipe *recipe = NULL;
    gr_model *model = NULL;
    gr_router *router = NULL;
    gr__page piece = {0};
    gr_error err = {0};
    map m = {0};

    /* The routes are compiled as training does it, so that the map shows what acts, not what is written. */
    gr_status status = GR_ERR_INPUT;
    if (text)
        status = gr_recipe_parse(&recipe, text, strlen(text), "recipe", NULL, 0, &err);
    if (status == GR_OK && recipe->routes->count > 0 && recipe->model.region_count > 0)
        status = open_map(&m, recipe, &model, &router, &err);
    if (status == GR_OK && router)
        put_map(&piece, &m);
    else if (status == GR_OK)
        gr__spot_misses(spot,
                        "Map of the regions: the recipe has no regions or no routes, which are what it would show.");
    else
        misses_recipe(spot, text ? err.message : "the result has none");

    gr_router_free(router);
    gr_model_free(model);
    gr_recipe_free(recipe);
    return piece.text;
}

/* ---- whose it is ---- */

/* Maps that differ, each with those that it is of: {"map": piece of a page, "of": [{"arm", "axes", "at"}]}. */
static json_t *draw_all(const gr__spot *spot) {
    const json_t *routes = json_object_get(spot->run->result, "routes");
    json_t *maps = json_array(), *one, *other;
    size_t i, k;
    json_array_foreach(routes, i, one) {
        char *piece = draw(spot, gr__text_of(one, "recipe"));
        json_t *found = NULL;
        json_array_foreach(maps, k, other)
            if (piece && !strcmp(gr__text_of(other, "map"), piece))
                found = json_object_get(other, "of");

        /* The first that looks like this. */
        if (piece && !found) {
            found = json_array();
            json_array_append_new(maps, json_pack("{s:s, s:o}", "map", piece, "of", found));
        }
        if (piece)
            json_array_extend(found, json_object_get(one, "of"));
        gr_free(piece);
    }

    /* Nobody says whose routes there are of models that were given, and results of earlier versions do not either:
     * those of the recipe are shown. */
    if (!routes) {
        char *piece = draw(spot, gr__text_of(spot->run->result, "recipe"));
        if (piece)
            json_array_append_new(maps, json_pack("{s:s, s:[]}", "map", piece, "of"));
        gr_free(piece);
    }
    return maps;
}

/* Whether an arm has the same map wherever it is: then it needs no place. */
static bool is_same_everywhere(const json_t *maps, const char *arm) {
    int count = 0;
    size_t i, k;
    json_t *one, *of;
    json_array_foreach(maps, i, one) {
        bool has = false;
        json_array_foreach(json_object_get(one, "of"), k, of)
            has = has || (gr__text_of(of, "arm") && !strcmp(gr__text_of(of, "arm"), arm));
        count += has;
    }
    return count == 1;
}

/* "routed, sgtm p_off 0.25 (known half)": whose the map is; a new string, empty where nobody is named. */
static char *owners(const gr__spot *spot, const json_t *maps, const json_t *one) {
    json_t *said = json_object(), *of;
    char *text = gr_strdup("");
    size_t i;
    json_array_foreach(json_object_get(one, "of"), i, of) {
        const char *arm = gr__text_of(of, "arm"), *at = gr__text_of(of, "at");
        if (!arm) /* a file that is damaged */
            continue;
        char *title = gr__arm_title(spot, arm, -1), *place = is_same_everywhere(maps, arm) ? NULL : gr__place_of(of);
        char *name = gr_format("%s%s%s%s%s%s", title, at ? " " : "", at ? at : "", place ? " (" : "",
                               place ? place : "", place ? ")" : "");

        /* An arm without a place stands for all of its points. */
        if (!json_object_get(said, name))
            gr__append(&text, "%s%s", *text ? ", " : "", name);
        json_object_set_new(said, name, json_true());
        gr_free(title);
        gr_free(place);
        gr_free(name);
    }
    json_decref(said);
    return text;
}

void gr__put_map(const gr__spot *spot) {
    json_t *maps = draw_all(spot), *one;
    size_t i;
    json_array_foreach(maps, i, one) {
        char *whose = owners(spot, maps, one);
        char *line = gr_format("Routes of %s", *whose ? whose : "the recipe");
        gr__page_element(spot->page, "p", "class=\"data\"", line);
        gr__page_raw(spot->page, gr__text_of(one, "map"));
        gr_free(line);
        gr_free(whose);
    }

    /* How it is read, once for all of them. */
    if (json_array_size(maps) > 0)
        gr__page_raw(spot->page,
                     "<p class=\"reading\">A region that is on takes part in the forward pass; what is open is trained "
                     "by these rows. What rows of the topic leave closed cannot hold what they teach: rows whose "
                     "label is hidden go the way of the unlabelled, which is where a topic leaks. Arms whose routes "
                     "come to the same share a map; of several values of a knob the first is shown.</p>\n");
    json_decref(maps);
}

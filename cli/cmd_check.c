/* gradroute check: what the routes of a recipe do with the rows of each label, and what looks wrong. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "commands.h"
#include "common.h"
#include "route/opened.h"

static const char doc[] =
    "Prints what the routes of RECIPE do with the rows of each label (with which chance which regions are on, and "
    "what is open, that is trained), then what looks wrong: routes that contradict, cannot act or begin too late, "
    "regions that never learn, are never off, too large or too small for their text, labels that never occur or are "
    "everywhere, too few documents, rows that teach nothing."
    "\v"
    "Examples:\n"
    "  gradroute check recipes/demo.yaml\n"
    "  gradroute check recipes/demo.yaml --expand --set preset.p_cr=0.1\n"
    "\n"
    "Exit status: 0 no error was found (warnings may be), 2 an error was found or the recipe cannot be read, 1 "
    "anything else failed.\n";

enum { KEY_EXPAND = GR__KEY_OWN };

static const struct argp_option options[] = {
    {"expand", KEY_EXPAND, NULL, 0, "Print the routes, those of the preset included, as a recipe would spell them", 0},
    GR__OPTION_SET,
    GR__OPTION_JSON,
    {0}};

typedef struct check_options {
    gr__common common; /* first: parsing hands it on */
    bool expand;
} check_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
    check_options *own = state->input;
    if (key != KEY_EXPAND)
        return gr__common_parse(key, arg, state, &own->common);
    own->expand = true;
    return 0;
}

/* ---- classes ---- */

/* What the report is about. */
typedef struct view {
    const gr_model *model;
    const gr_routes *routes;
    const gr_router *router;
    const size_t *documents;   /* [K + 2]; NULL: unknown */
    const gr_project *project; /* NULL: its data cannot be had */
} view;

/* The share that is open, and its weight if there is one. */
static json_t *openness_json(gr__openness o) {
    return json_pack("{s:o, s:o}", "open", gr__json_real(o.all > 0 ? o.open / o.all : 0), "weight",
                     o.mixed ? json_null() : gr__json_real(o.weight));
}

/* A class of a label from a step on, for programs. */
static json_t *class_json(const view *v, int label, int cls, int64_t step) {
    const gr_tables *tables = gr_router_tables(v->router);
    json_t *regions = json_object();
    for (int r = 0; r < gr_model_regions(v->model); r++) {
        json_t *one = openness_json(gr__openness_of(v->model, tables, r, cls));
        json_object_set_new(one, "forward", gr__json_real(gr_router_forward(v->router, r, cls)));
        json_object_set_new(regions, gr_model_region(v->model, r)->name, one);
    }
    return json_pack("{s:i, s:s, s:I, s:o, s:o, s:o, s:o}", "class", cls, "label", gr__label_text(v->routes, label),
                     "from", (json_int_t)step, "documents",
                     v->documents ? json_integer((json_int_t)v->documents[label + 1]) : json_null(), "chance",
                     gr__json_real(gr_router_chance_at(v->router, label, cls, step)), "core",
                     openness_json(gr__openness_of(v->model, tables, GR_NONE, cls)), "regions", regions);
}

/* A line of the table: a class of a label from a step on; `first`: the label's first, which names it. */
static void print_class(const view *v, int label, int cls, int64_t step, bool first) {
    const gr_tables *tables = gr_router_tables(v->router);
    char text[32];
    printf("  %-16.16s %10s %6.4g %%  %-14s", first ? gr__label_text(v->routes, label) : "",
           first && v->documents ? gr__text_count(text, (int64_t)v->documents[label + 1]) : "",
           100 * gr_router_chance_at(v->router, label, cls, step),
           gr__openness_text((char[32]){0}, gr__openness_of(v->model, tables, GR_NONE, cls)));
    for (int r = 0; r < gr_model_regions(v->model); r++)
        printf("  %s: %s, %s", gr_model_region(v->model, r)->name,
               gr__forward_text((char[32]){0}, gr_router_forward(v->router, r, cls)),
               gr__openness_text((char[32]){0}, gr__openness_of(v->model, tables, r, cls)));
    putchar('\n');
}

/* What the training documents are counted in: where they are in pieces, each of these is one. */
static const char *unit(const view *v) {
    const gr_dataset *data = v->project && !v->project->shards ? v->project->data : NULL;
    return data && data->document ? "pieces" : data && data->values ? "samples" : "documents";
}

/* Each label that occurs, each class that its rows can have in a step. */
static void print_step(const view *v, int64_t step) {
    for (int label = -1; label <= v->routes->labels; label++) {
        if (v->documents && v->documents[label + 1] == 0)
            continue;
        bool first = true;
        for (int c = 0; c < gr_router_classes(v->router); c++)
            if (gr_router_chance_at(v->router, label, c, step) > 0) {
                print_class(v, label, c, step, first);
                first = false;
            }
    }
}

/* The table of classes: for each stretch of steps as it begins, and where chances move as they end. */
static void print_classes(const view *v) {
    int64_t last = gr_router_moves(v->router);
    printf("classes: %d\n  %-16s %10s %8s  %-14s  %s\n", gr_router_classes(v->router), "label", unit(v), "chance",
           "core", "regions");

    /* Steps are told apart only where it makes a difference. */
    for (int i = 0; i < gr_router_phases(v->router); i++) {
        if (gr_router_phases(v->router) > 1 || last)
            printf("  from step %lld:\n", (long long)gr_router_phase(v->router, i));
        print_step(v, gr_router_phase(v->router, i));
    }
    if (last) {
        printf("  in step %lld, up to which chances move:\n", (long long)last);
        print_step(v, last);
    }

    for (int i = 0; i < gr_router_copies(v->router); i++)
        printf("  %.3g %% of the sequences of a route with `repeat` are shown a second time\n",
               100 * gr_router_repeat_chance(v->router, i));
}

/* All lines of the table; here labels that do not occur have theirs as well. */
static json_t *classes_json(const view *v) {
    json_t *list = json_array();
    int phases = gr_router_phases(v->router), more = gr_router_moves(v->router) > 0;
    for (int i = 0; i < phases + more; i++) {
        int64_t step = i < phases ? gr_router_phase(v->router, i) : gr_router_moves(v->router);
        for (int label = -1; label <= v->routes->labels; label++)
            for (int c = 0; c < gr_router_classes(v->router); c++)
                if (gr_router_chance_at(v->router, label, c, step) > 0)
                    json_array_append_new(list, class_json(v, label, c, step));
    }
    return list;
}

/* ---- findings ---- */

/* Findings in the order in which they were found, and how many there are of each level. */
static void print_findings(const gr_findings *findings) {
    int errors = gr_findings_count(findings, GR_LEVEL_ERROR);
    int warnings = gr_findings_count(findings, GR_LEVEL_WARNING) - errors;
    for (int i = 0; i < findings->count; i++) {
        const gr_finding *f = &findings->finding[i];
        printf("%s: %s\n", gr_level_name(f->level), f->text);
        if (f->hint)
            printf("  hint: %s\n", f->hint);
    }
    int notes = findings->count - errors - warnings;
    printf("%d %s, %d %s, %d %s\n", errors, gr__plural(errors, "error", "errors"), warnings,
           gr__plural(warnings, "warning", "warnings"), notes, gr__plural(notes, "note", "notes"));
}

/* The same for programs. */
static json_t *findings_json(const gr_findings *findings) {
    json_t *list = json_array();
    for (int i = 0; i < findings->count; i++) {
        const gr_finding *f = &findings->finding[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:o}", "level", gr_level_name(f->level), "text",
                                        gr_json_text(f->text), "hint", f->hint ? gr_json_text(f->hint) : json_null()));
    }
    return list;
}

/* The routes as a recipe would spell them, as one text. */
static json_t *routes_json(const gr_routes *routes) {
    char *text = NULL;
    size_t size = 0;

    /* The printer writes to a stream; one in memory fails only for want of it. */
    FILE *memory = open_memstream(&text, &size);
    if (memory)
        gr_route_print(routes, memory, 0);
    if (!memory || fclose(memory))
        gr__refused(size);
    json_t *value = gr_json_bytes(text, size);
    free(text);
    return value;
}

/* Everything that was found out, for programs or for people. */
static void report(const check_options *own, const view *v, const gr_findings *findings) {
    /* For programs one object, .. */
    if (own->common.json) {
        json_t *object = json_pack("{s:o, s:b, s:o, s:o}", "recipe", gr_json_text(own->common.input), "ok",
                                   gr_findings_count(findings, GR_LEVEL_ERROR) == 0, "classes",
                                   v->router ? classes_json(v) : json_array(), "findings", findings_json(findings));
        if (v->project)
            json_object_set_new(object, "precision", gr__json_precision(v->project));
        if (own->expand)
            json_object_set_new(object, "routes", routes_json(v->routes));
        gr__print_json(object);
        return;
    }

    /* .. for people the routes if they are asked for, the table of classes, and the findings. */
    if (own->expand) {
        puts("routes:");
        gr_route_print(v->routes, stdout, 2);
    }
    if (v->router)
        print_classes(v);
    if (v->project)
        gr__print_precision(v->project);
    print_findings(findings);
}

/* ---- all ---- */

/* Labels that the data do not have are a finding: the rest can still be checked. */
static gr_status open_project(gr_project **project, gr_findings *findings, gr_recipe *recipe, gr_error *err) {
    gr_error own = {0};
    *project = NULL;
    if (gr_project_open(project, recipe, NULL, &(gr_control){0}, &own) == GR_OK)
        return GR_OK;

    /* A file that is missing or damaged ends it; what the recipe says wrongly is a finding. */
    if (own.status != GR_ERR_USAGE) {
        *err = own;
        return own.status;
    }
    gr_finding_add(findings, GR_LEVEL_ERROR, own.hint[0] ? own.hint : NULL, "%s%s%s", own.place,
                   own.place[0] ? ": " : "", own.message);
    return GR_OK;
}

/* The recipe's network, which the routes are checked against. */
static gr_status build(gr_model **model, const gr_recipe *recipe, gr_error *err) {
    enum { BYTES = 257 }; /* the smallest vocabulary, for want of a tokenizer: sizes do not decide about routes */
    gr_arch_def def = recipe->model;
    if (def.vocab == 0)
        def.vocab = recipe->data.tokenizer_train ? recipe->data.tokenizer_train : BYTES;
    return gr_arch_build(model, &def, recipe->seed, err);
}

/* Looks at everything, and reports what was found. project: NULL where its data cannot be had. */
static gr_status check_routes(const check_options *own, const gr_recipe *recipe, gr_project *project,
                              gr_findings *findings, gr_error *err) {
    const size_t *documents = project ? project->documents : NULL;
    gr_model *model;
    if (project)
        GR_TRY(gr_project_choose_precision(project, err));
    GR_TRY(build(&model, recipe, err));

    gr_route_check(findings, model, recipe->routes, documents);
    if (project) {
        gr_labels_check(findings, project);
        gr_recipe_check(findings, project);
    }

    /* Routes that make no router have a finding that says why. */
    gr_router *router;
    if (gr_router_new(&router, model, recipe->routes, recipe->seed, NULL) != GR_OK)
        router = NULL;
    report(own, &(view){model, recipe->routes, router, documents, project}, findings);
    gr_router_free(router);
    gr_model_free(model);
    return GR_OK;
}

static gr_status check(const check_options *own, gr_recipe *recipe, bool *wrong, gr_error *err) {
    gr_findings findings = {0};
    gr_project *project;
    gr_status status = open_project(&project, &findings, recipe, err);
    if (status == GR_OK)
        status = check_routes(own, recipe, project, &findings, err);
    *wrong = gr_findings_count(&findings, GR_LEVEL_ERROR) > 0;
    gr_project_free(project);
    gr_findings_free(&findings);
    return status;
}

static gr_status open_and_check(const check_options *own, bool *wrong, gr_error *err) {
    gr_recipe *recipe;
    GR_TRY(gr__open_recipe(&recipe, &own->common, err));
    gr_status status = check(own, recipe, wrong, err);
    gr_recipe_free(recipe);
    return status;
}

int gr__cmd_check(int argc, char **argv) {
    check_options own = {.common.what = "RECIPE"};
    gr_error err = {0};
    bool wrong = false;
    gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &own);
    int code = gr__end_command(&own.common, open_and_check(&own, &wrong, &err), &err);
    return code ? code : wrong ? 2 : 0;
}

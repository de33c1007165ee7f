/* The result of an experiment for a terminal: what stands around its tables, and their order. */
#include "report/result_text.h"
#include "task/output.h"

#include <dirent.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "gradroute/report.h"
#include "io/file.h"
#include "lab/result.h"
#include "report/lines.h"

/* ---- above the tables ---- */

/* One sentence; what it goes on with stands below its beginning. */
static void print_verdict(FILE *out, const json_t *point) {
    const char *verdict = gr__text_of(point, "verdict");
    if (!verdict)
        return;
    char *text = gr_format("Verdict: %s.", verdict);
    fputc('\n', out);
    gr__print_wrapped(out, text, 0, 9);
    gr_free(text);
}

/* One claim, at each of its points. */
static void print_claim(FILE *out, const json_t *claim) {
    const json_t *points = json_object_get(claim, "points");
    size_t i;
    json_t *one;

    json_array_foreach(points, i, one) {
        char *place = gr__place_of(one);
        char *text = gr_format("%s%s%s.", place ? place : "", place ? ": " : "", gr__text_of(one, "text"));
        gr__print_wrapped(out, text, 2, 4);
        gr_free(text);
        gr_free(place);
    }

    /* At none of those that it is about. */
    if (json_array_size(points) == 0) {
        char *text = gr_format("%s: %s; it is about points that are not made here.", gr__text_of(claim, "state"),
                               gr__text_of(claim, "say"));
        gr__print_wrapped(out, text, 2, 4);
        gr_free(text);
    }

    /* Over several points it holds only if it does at each, which needs no correction for their number (Berger,
     * "Multiparameter hypothesis testing and acceptance sampling", 1982). */
    if (json_array_size(points) > 1)
        fprintf(out, "  All together: %s.\n", gr__text_of(claim, "state"));
}

/* The claim that was made before there were figures stands apart from those that may be hindsight. */
static void print_claims(FILE *out, const json_t *result) {
    const json_t *claims = json_object_get(result, "claims");
    for (int primary = 1; primary >= 0; primary--) {
        size_t i;
        json_t *claim;
        bool begun = false;

        json_array_foreach(claims, i, claim) {
            if (json_is_true(json_object_get(claim, "primary")) != primary)
                continue;

            if (!begun)
                fprintf(out, "\n%s\n", primary ? "Claim" : "Exploratory");
            begun = true;
            print_claim(out, claim);
        }
    }
}

static void print_trials(FILE *out, const json_t *table) {
    char *text = gr__trials_sentence(table);
    if (text) {
        fputc('\n', out);
        gr__print_wrapped(out, text, 0, 2);
    }
    gr_free(text);
}

/* ---- of one point ---- */

/* What there was to learn from. */
static void print_data(FILE *out, const json_t *point) {
    char *text = gr__data_sentence(point);
    const char *fallback = gr__fallback_sentence(point);
    if (text) {
        fputc('\n', out);
        gr__print_wrapped(out, text, 0, 2);
    }
    if (fallback)
        gr__print_wrapped(out, fallback, 0, 6);
    gr_free(text);
}

/* " 3.2e+13 on 600000 tokens" */
static void append_effort(char **text, const json_t *of) {
    char flops[32];
    gr__print(flops, sizeof flops, "%.3g", gr__number_of(of, "flops"));
    gr__append(text, " %s on %.0f tokens", flops, gr__number_of(of, "tokens"));
}

/* What each training multiplied, and on how many tokens. */
static void print_efforts(FILE *out, const json_t *point) {
    const char *name, *region;
    json_t *model, *of;
    char *text = NULL;

    /* Of several trials the first stands for the others: they differ little. */
    json_object_foreach(json_object_get(point, "models"), name, model) {
        const json_t *values = json_object_get(model, "values");
        const json_t *one = values ? json_array_get(values, 0) : model;
        if (!json_object_get(one, "flops"))
            continue;
        gr__append(&text, "%s %s", text ? ";" : "Operations:", name);
        append_effort(&text, one);

        /* A region that all tokens trained says nothing: without routes each is such a one. */
        json_object_foreach(json_object_get(one, "regions"), region, of) {
            if (gr__number_of(of, "tokens") == gr__number_of(one, "tokens"))
                continue;
            gr__append(&text, ", of them region %s", region);
            append_effort(&text, of);
        }
        if (values)
            gr__append(&text, ", the first of %zu trials", json_array_size(values));
    }
    if (text)
        gr__print_wrapped(out, text, 0, 2);
    gr_free(text);
}

/* How large the models are, and how long it took. */
static void print_sizes(FILE *out, const json_t *point) {
    char *sizes = gr__sizes_sentence(point), *times = gr__times_sentence(point);
    fputc('\n', out);
    if (sizes)
        gr__print_wrapped(out, sizes, 0, 2);
    gr__print_wrapped(out, times, 0, 2);
    print_efforts(out, point);
    gr_free(sizes);
    gr_free(times);
}

/* Each prompt as the arms go on with it, by their short titles. */
static void print_completions(FILE *out, const json_t *table, const json_t *point) {
    const json_t *list = json_object_get(point, "completions");
    size_t i, k;
    json_t *item, *arm;
    if (json_array_size(list) > 0)
        fprintf(out, "\nCompletions (most likely words)\n");

    /* The most likely word each time, so that a reader who tries it gets the same. */
    json_array_foreach(list, i, item) {
        fputs("  ", out);
        gr__print_name(out, gr__text_of(item, "prompt"), (int)strlen(gr__text_of(item, "prompt")));
        fputs(" ...\n", out);

        json_array_foreach(json_object_get(table, "arms"), k, arm) {
            const char *text = gr__text_of(item, gr__text_of(arm, "name")), *shown = gr__text_of(arm, "shown");
            if (!text)
                continue;

            char *title = gr_format("%s:", shown ? shown : gr__text_of(arm, "name"));
            fprintf(out, "    %-4s ", title);
            gr__print_line(out, text);
            gr_free(title);
        }
    }
}

/* From what it was learned, over what came out, to what it cost. */
static void print_point(FILE *out, const json_t *table, const json_t *point) {
    print_data(out, point);
    gr__print_losses(out, table, point);
    gr__print_ladders(out, table, point);
    gr__print_classes(out, table, point);
    gr__print_figures(out, table, point);
    gr__print_seeds(out, table, point);
    gr__print_curves(out, table, point);
    gr__print_found(out, table, point);
    print_sizes(out, point);
    print_completions(out, table, point);
}

/* ---- below the tables: where things are, and commands to go on with ---- */

/* A prompt that the user may paste between double quotes: the recipe's first, if a shell leaves it as it is. */
static const char *example_prompt(const json_t *point) {
    const char *prompt = gr__text_of(json_array_get(json_object_get(point, "completions"), 0), "prompt");
    return prompt && *prompt && !strpbrk(prompt, "\"$`\\!\n\r\033") ? prompt : "TEXT";
}

/* A command in one line, or where that would be too long with its options in a second one. */
static void print_command(FILE *out, const char *title, const char *command, const char *options) {
    /* 9 are the title's; a line that a backslash ends is one command for a shell that it is pasted into. */
    bool fits = 9 + strlen(command) + 1 + strlen(options) <= GR__COLUMNS;
    fprintf(out, "%-9s%s%s%s\n", title, command, fits ? " " : " \\\n           ", options);
}

/* What one may do with the model of which it is all about, which is at FOLDER/AT: samples generate nothing. */
static void print_next(FILE *out, const char *folder, const char *at, const char *region, const json_t *point) {
    const char *subject = gr__text_of(json_object_get(point, "table"), "subject");
    const json_t *model = json_object_get(json_object_get(point, "models"), subject);
    char *path = gr_format("%s/%s/model", folder, at), *off = gr_format("--off %s", region);

    /* Whoever answers classes reads images: it can be measured, and there is nothing to ask it in words. */
    if (json_object_get(model, "classes")) {
        char *eval = gr_format("gradroute eval %s", path);
        print_command(out, "Next", eval, off);
        gr_free(eval);
    } else {
        /* With the region off, without it for good, and what is in it. */
        char *generate = gr_format("gradroute generate %s", path), *ablate = gr_format("gradroute ablate %s", path);
        char *prompt = gr_format("--prompt \"%s\" %s", example_prompt(point), off);
        char *remove = gr_format("--remove %s --how remove -o %s/removed", region, folder);

        print_command(out, "Next", generate, prompt);
        print_command(out, "", ablate, remove);
        fprintf(out, "         gradroute inspect %s\n", path);

        gr_free(generate), gr_free(ablate);
        gr_free(prompt), gr_free(remove);
    }
    gr_free(path), gr_free(off);
}

/* The command of the whole once more with the arms that would say more: it goes on from what is there. */
static void print_suggested(FILE *out, const json_t *result, const char *folder) {
    const json_t *suggested = json_object_get(result, "suggested");
    const char *name, *go_on = "\\\n           ";
    size_t i;
    json_t *arm, *model;
    if (json_array_size(suggested) == 0)
        return;

    /* The copies in the folder, not the files that were given: those may have changed or gone since. */
    fprintf(out, "More     gradroute reproduce %s/experiment.yaml -o %s %s", folder, folder, go_on);
    if (json_is_true(json_object_get(json_object_get(result, "table"), "needs_base")))
        fprintf(out, "--base %s/recipe.yaml %s", folder, go_on);

    /* Whoever names arms names all of them; those that are there cost nothing. */
    const char *sign = "--arms ";
    json_object_foreach(json_object_get(result, "models"), name, model) {
        fprintf(out, "%s%s", sign, name);
        sign = ",";
    }
    json_array_foreach(suggested, i, arm)
        fprintf(out, ",%s", json_string_value(arm));
    fputc('\n', out);
}

/* Whether there are several models of an arm: at points, seeds or values of its knob. */
static bool has_several(const json_t *result, const char *name) {
    return json_object_get(result, "points") || json_object_get(result, "seeds") ||
           json_object_get(json_object_get(json_object_get(result, "models"), name), "values");
}

/* Models that are not kept, or whose rows were committed, are not in the folder. */
static const char no_model[] = "none is there: it was not kept, or its rows were committed";
static const char no_models[] = "none is there: they were not kept, or their rows were committed";

/* Whether the folder has the model of an arm. */
static bool has_model(const char *folder, const char *arm) {
    char *model = gr_format("%s/%s/model", folder, arm);
    bool found = gr__folder_holds(model, "manifest.json");
    gr_free(model);
    return found;
}

/* Whether a link of the folder of links leads to a model. */
static bool has_any_model(const char *folder) {
    char *arms = gr_format("%s/arms", folder);
    DIR *dir = opendir(arms);
    bool found = false;
    for (struct dirent *e; dir && !found && (e = readdir(dir));)
        found = e->d_name[0] != '.' && has_model(arms, e->d_name);
    if (dir)
        closedir(dir);
    gr_free(arms);
    return found;
}

static void print_models(FILE *out, const char *folder) {
    if (has_any_model(folder))
        fprintf(out, "Models   %s/arms\n", folder);
    else
        fprintf(out, "Models   %s\n", no_models);
}

/* A model that was not trained, as one with regions taken out, has no metrics. */
static void print_model(FILE *out, const char *folder, const char *at, bool there) {
    char *metrics = gr_format("%s/%s/metrics.jsonl", folder, at);
    if (there)
        fprintf(out, "Model    %s/%s/model\n", folder, at);
    else
        fprintf(out, "Model    %s\n", no_model);
    if (gr_file_exists(metrics))
        fprintf(out, "Metrics  %s\n", metrics);
    gr_free(metrics);
}

/* The name under which the folder has the weights of what it is all about: that of its arm, or where the arm is a view,
 * which has no folder of its own, that of its part. */
static const char *place_of_subject(const char *folder, const char *arm) {
    static const char part[] = "subject";
    return !has_model(folder, arm) && has_model(folder, part) ? part : arm;
}

/* Without a folder nothing was kept, and there is nothing to point at. */
static void print_places(FILE *out, const json_t *result) {
    const char *folder = gr__text_of(result, "folder");
    const char *subject = gr__text_of(json_object_get(result, "table"), "subject");
    const char *region =
        json_object_iter_key(json_object_iter(json_object_get(json_object_get(result, "parameters"), "regions")));
    if (!folder)
        return;

    /* Of several models none is the one that commands should go on with: the folder of links has them all. */
    const bool several = has_several(result, subject ? subject : "");
    const char *at = subject && !several ? place_of_subject(folder, subject) : NULL;
    const bool there = at && has_model(folder, at);
    fputc('\n', out);
    if (several)
        print_models(out, folder);
    else if (at)
        print_model(out, folder, at, there);
    fprintf(out, "Result   %s/result.json\n", folder);
    if (gr__folder_holds(folder, "report.html"))
        fprintf(out, "Report   %s/report.html\n", folder);

    if (there && region)
        print_next(out, folder, at, region, result);
    if (!json_object_get(result, "points"))
        print_suggested(out, result, folder);
}

/* What was asked, above the answers to it. An audit has the verdict for that, and claims nothing. */
static void print_question(FILE *out, const json_t *result) {
    const char *question = gr__text_of(result, "question");
    if (!question || json_array_size(json_object_get(result, "claims")) == 0)
        return;
    fputc('\n', out);
    gr__print_wrapped(out, question, 0, 0);
}

void gr__result_text_print(const json_t *result, FILE *out) {
    const json_t *points = json_object_get(result, "points"), *table = json_object_get(result, "table");
    size_t i;
    json_t *point;

    /* What it is all about, then what it rests on. */
    print_verdict(out, result);
    print_question(out, result);
    print_claims(out, result);
    print_trials(out, table);
    gr__print_choice(out, result);

    /* With one point the result itself is the point; with more each has a verdict of its own. */
    if (!points)
        print_point(out, table, result);
    json_array_foreach(points, i, point) {
        char *place = gr__place_of(point);
        fprintf(out, "\n==== %s\n", place);
        gr_free(place);
        print_verdict(out, point);
        print_point(out, table, point);
    }
    print_places(out, result);
}

void gr_result_print(const gr_result *result, FILE *out) { gr__result_text_print(result->object, out); }

/* common.h - what subcommands share: options of the same name, opening inputs, errors and exit status, output.
 *
 *     static const struct argp_option options[] = {GR__OPTION_SET, GR__OPTION_JSON, {0}};
 *     static error_t parse(int key, char *arg, struct argp_state *state) {
 *         return gr__common_parse(key, arg, state, state->input);
 *     }
 *     int gr__cmd_x(int argc, char **argv) {
 *         gr__common common = {.what = "RECIPE"};
 *         gr_error err = {0};
 *         gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &common);
 *         return gr__end_command(&common, work(&common, &err), &err);
 *     }
 *
 * Wrong options end the program with status 2 while parsing.
 */
#ifndef GR_CLI_COMMON_H
#define GR_CLI_COMMON_H

#include <argp.h>

#include "gradroute/bundle.h"
#include "gradroute/lab.h"
#include "io/json.h"

/* ---- options ---- */

typedef struct gr__strings { /* borrowed texts; the list is freed by its owner */
    const char **at;
    int count;
    size_t capacity;
} gr__strings;

typedef struct gr__common {
    const char *what, *input; /* the one argument: "RECIPE" or "MODEL", for messages; what was given */
    const char *out;          /* of -o; NULL: not said */
    bool placed;              /* the command line has -o: out may be of the command's own choice */
    gr__strings set, off;     /* KEY=VALUE; names of regions */
    int threads;              /* 0: not said */
    bool json, resume;
    struct gr_arena *arena; /* of split lists; made when needed */
} gr__common;

/* Keys of options without a letter; those of a command's own begin at GR__KEY_OWN. */
enum { GR__KEY_SET = 256, GR__KEY_JSON, GR__KEY_RESUME, GR__KEY_OFF, GR__KEY_OWN };

#define GR__OPTION_OUT(what) \
    { "output", 'o', "PATH", 0, what, 0 }
#define GR__OPTION_SET \
    { "set", GR__KEY_SET, "KEY=VALUE", 0, "Override a value of the recipe, as train.lr=0.001 (may be repeated)", 0 }
#define GR__OPTION_THREADS \
    { "threads", 't', "N", 0, "Threads (default: as the recipe says, else as many cores as are granted)", 0 }
#define GR__OPTION_JSON \
    { "json", GR__KEY_JSON, NULL, 0, "Print one JSON object and nothing else", 0 }
#define GR__OPTION_RESUME \
    { "resume", GR__KEY_RESUME, NULL, 0, "Go on with the run that the folder holds", 0 }
#define GR__OPTION_OFF                                                                              \
    {                                                                                               \
        "off", GR__KEY_OFF, "REGION,...", 0,                                                        \
            "Switch these regions off; all: each of them (default: all are on; may be repeated)", 0 \
    }

#define GR__EXIT_STATUS "\nExit status: 0 success, 1 it failed or was stopped, 2 wrong usage or bad input.\n"

/* argp_parse for a command of our own: with -h for --help, which every command takes. `own` has no children. */
void gr__parse(const struct argp *own, int argc, char **argv, void *input);

/* For parsers: handles the options above, the one argument, and complains when it is missing. */
error_t gr__common_parse(int key, char *arg, struct argp_state *state, gr__common *common);

/* Numbers of options; anything else, or out of [min, max], is a usage error. */
int64_t gr__option_int(struct argp_state *state, const char *name, const char *arg, int64_t min, int64_t max);
double gr__option_real(struct argp_state *state, const char *name, const char *arg, double min, double max);

/* Splits "a,b" and appends the names. */
void gr__option_list(gr__common *common, gr__strings *list, const char *arg);

/* Where the word "all" is among the names of regions, they become those of all regions of the model. */
void gr__expand_all(gr__strings *regions, const gr_model *model);

/* ---- errors and the end ---- */

/* The exit status for an error: 2 for wrong usage, bad files and inputs that are missing, else 1. */
int gr__exit_status(const gr_error *err);

/* "gradroute: place: message\n  hint: ..." on standard error. */
void gr__print_error(const gr_error *err);

/* Prints the error if there is one, frees what parsing took, and returns the exit status. */
int gr__end_command(gr__common *common, gr_status status, const gr_error *err);

/* ---- inputs ---- */

/* The recipe with --set and --threads applied. */
gr_status gr__open_recipe(gr_recipe **recipe, const gr__common *common, gr_error *err);

/* "runs/demo" of "recipes/demo.yaml", or -o; a new string. */
char *gr__run_folder(const gr__common *common);

/* The one of PATH, PATH/model (a run) and PATH/routed/model (an audit) that holds a model; a new string, NULL with
 * GR_ERR_USAGE or GR_ERR_INPUT. */
gr_status gr__model_path(char **path, const char *given, gr_error *err);
gr_status gr__open_model(gr_bundle **bundle, const char *given, gr_error *err);

/* Refuses an output that is one of the inputs, or a folder that directly holds one, through whatever links. */
gr_status gr__output_apart(const char *out, const char *const *inputs, int count, gr_error *err);

/* Refuses an output that is a part of something else, however deep and through whatever links: in a folder with a
 * manifest (a model, shards), among the data or checkpoints of a run or an audit, or in the place of the model that a
 * run has trained. For commands whose output stands by itself. */
gr_status gr__output_alone(const char *out, gr_error *err);

/* Passes over the training tokens, and what becomes of long documents: lines that begin with `title`. */
void gr__print_lengths(const gr_lengths *lengths, int context, const char *title);

/* ---- output ---- */

/* Prints and frees an object. */
void gr__print_json(json_t *value);
json_t *gr__json_real(double value);           /* null when it is not finite */
json_t *gr__json_strings(const gr__strings *); /* a list */

/* What `precision: auto` would take and why; the precision of the recipe alone where it says one. */
json_t *gr__json_precision(const gr_project *project);
void gr__print_precision(const gr_project *project); /* a line, only where the recipe says auto */

/* Numbers for people, written into text[32], which is returned: 117,659; 12.3 MB (times: base/clock.h). */
const char *gr__text_count(char *text, int64_t n);
const char *gr__text_bytes(char *text, double n);

/* "got 0.6 of 2 cores" where that is far below (under 0.6 of the threads), else empty; into text[48]. */
const char *gr__text_cores(char *text, double cores, int threads);
/* What to do about it. */
#define GR__CORES_HINT "other work or a limit takes the rest, or the steps are short; --threads 1 may be as fast"

#endif

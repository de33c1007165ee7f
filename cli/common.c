/* What the commands share (common.h). */
#include "common.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "base/number.h"
#include "base/utf8.h"
#include "io/file.h"
#include "io/json.h"
#include "recipe/read.h"
#include "task/precision.h"

/* ---- options ---- */

void gr__option_list(gr__common *common, gr__strings *list, const char *arg) {
    if (!common->arena)
        common->arena = gr_arena_new();

    /* Empty names, as in "a,,b", are none. */
    while (*arg) {
        size_t length = strcspn(arg, ",");
        if (length)
            GR_PUSH(list->at, list->count, list->capacity) = gr_arena_strndup(common->arena, arg, length);
        arg += length + (arg[length] == ',');
    }
}

/* A wrong number ends the program: argp_error does not return. */
int64_t gr__option_int(struct argp_state *state, const char *name, const char *arg, int64_t min, int64_t max) {
    char *end;
    errno = 0;
    long long value = strtoll(arg, &end, 10);
    if (errno || end == arg || *end || value < min || value > max)
        argp_error(state, "--%s is '%s', expected a number from %lld to %lld", name, arg, (long long)min,
                   (long long)max);
    return value;
}

double gr__option_real(struct argp_state *state, const char *name, const char *arg, double min, double max) {
    char *end;
    double value = strtod(arg, &end);
    if (end == arg || *end || !(value >= min && value <= max))
        argp_error(state, "--%s is '%s', expected a number from %g to %g", name, arg, min, max);
    return value;
}

void gr__expand_all(gr__strings *regions, const gr_model *model) {
    if (!gr__has_text(regions->at, regions->count, "all")) /* no region may be called so */
        return;

    regions->count = 0;
    for (int r = 0; r < gr_model_regions(model); r++)
        GR_PUSH(regions->at, regions->count, regions->capacity) = gr_model_region(model, r)->name;
}

/* A parser of its own, so that each command takes -h. */
static error_t parse_help(int key, char *arg, struct argp_state *state) {
    (void)arg;
    if (key != 'h')
        return ARGP_ERR_UNKNOWN;
    argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
    return 0;
}

/* The option of a command that a word names, as --name (or a beginning of it) or -n; NULL: none. */
static const struct argp_option *option_of(const struct argp_option *options, const char *word) {
    if (word[0] != '-' || !word[1])
        return NULL;
    size_t length = strcspn(word + 2, "=");
    for (const struct argp_option *o = options; o->name || o->key; o++)
        if (word[1] == '-' ? o->name && strncmp(o->name, word + 2, length) == 0 : o->key == word[1])
            return o;
    return NULL;
}

/* What recipes have in the place of an option that other programs have; NULL: nothing is known of it. */
static const char *recipe_word_of(const char *word) {
    char name[64];
    if (word[0] != '-' || word[1] != '-')
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (char *at = name; *at; at++)
        *at = *at == '-' ? '_' : *at; /* as recipes spell it */
    return gr__recipe_word(name);
}

/* Ends the program where an option is a key of recipes, with the hint that the key would get there. All others are left
 * to argp, which knows them or not. */
static void refuse_recipe_words(const struct argp_option *options, int argc, char **argv) {
    if (!option_of(options, "--set"))
        return; /* a command that takes no recipe */
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const struct argp_option *known = option_of(options, argv[i]);
        const char *said = known ? NULL : recipe_word_of(argv[i]);

        /* The next word may be its value. */
        if (known && known->arg && (argv[i][1] == '-' ? !strchr(argv[i], '=') : !argv[i][2]))
            i++;
        if (said) {
            gr_error err = {0};
            char hint[320];
            snprintf(hint, sizeof hint, "%s; keys of recipes are set by --set KEY=VALUE", said);
            gr_error_set(&err, GR_ERR_USAGE, argv[0], hint, "unrecognized option '%.100s'", argv[i]);
            gr__print_error(&err);
            exit(gr__exit_status(&err));
        }
    }
}

void gr__parse(const struct argp *own, int argc, char **argv, void *input) {
    static const struct argp_option help_options[] = {{NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0}, {0}};
    static const struct argp help = {.options = help_options, .parser = parse_help};
    const struct argp_child children[] = {{&help, 0, NULL, 0}, {0}};
    struct argp whole = *own;
    whole.children = children;
    refuse_recipe_words(own->options, argc, argv);
    argp_parse(&whole, argc, argv, 0, NULL, input);
}

error_t gr__common_parse(int key, char *arg, struct argp_state *state, gr__common *common) {
    switch (key) {
    /* Options that several commands list: a command that does not list one never gets its key. */
    case 'o':
        common->out = arg;
        common->placed = true;
        return 0;
    case 't':
        common->threads = (int)gr__option_int(state, "threads", arg, 1, 1024);
        return 0;
    case GR__KEY_SET:
        GR_PUSH(common->set.at, common->set.count, common->set.capacity) = arg;
        return 0;
    case GR__KEY_JSON:
        common->json = true;
        return 0;
    case GR__KEY_RESUME:
        common->resume = true;
        return 0;
    case GR__KEY_OFF:
        gr__option_list(common, &common->off, arg);
        return 0;

    /* The one argument: given once, and not missing at the end. */
    case ARGP_KEY_ARG:
        if (common->input)
            argp_error(state, "unexpected argument '%s' after '%s'", arg, common->input);
        common->input = arg;
        return 0;
    case ARGP_KEY_END:
        if (!common->input)
            argp_error(state, "%s is missing", common->what);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- errors and the end ---- */

int gr__exit_status(const gr_error *err) {
    switch (err->status) {
    case GR_OK:
        return 0;
    case GR_ERR_USAGE:
    case GR_ERR_FORMAT:
    case GR_ERR_INPUT:
        return 2;
    default:
        return 1;
    }
}

void gr__print_error(const gr_error *err) {
    char text[sizeof err->place + sizeof err->message + sizeof err->hint + 32];
    fprintf(stderr, "gradroute: %s\n", gr_error_text(err, text, sizeof text));
}

int gr__end_command(gr__common *common, gr_status status, const gr_error *err) {
    /* Errors go to standard error, once, at the very end. */
    int code = 0;
    if (status != GR_OK) {
        gr__print_error(err);
        code = gr__exit_status(err);
    }

    gr_free(common->set.at);
    gr_free(common->off.at);
    if (common->arena)
        gr_arena_free(common->arena);
    return code;
}

/* ---- inputs ---- */

gr_status gr__open_recipe(gr_recipe **recipe, const gr__common *common, gr_error *err) {
    GR_TRY(gr_recipe_open(recipe, common->input, common->set.at, common->set.count, err));

    /* --threads over the recipe's, which trainers set. */
    if (common->threads)
        (*recipe)->threads = common->threads;
    if ((*recipe)->threads)
        omp_set_num_threads((*recipe)->threads);
    return GR_OK;
}

char *gr__run_folder(const gr__common *common) {
    if (common->out)
        return gr_strdup(common->out);

    /* The recipe's name without folder and ending; a dot in front is no ending. */
    const char *slash = strrchr(common->input, '/'), *name = slash ? slash + 1 : common->input;
    const char *dot = strrchr(name, '.');
    return gr_format("runs/%.*s", dot && dot > name ? (int)(dot - name) : (int)strlen(name), name);
}

gr_status gr__model_path(char **path, const char *given, gr_error *err) { return gr_bundle_find(path, given, err); }

gr_status gr__open_model(gr_bundle **bundle, const char *given, gr_error *err) {
    /* A run or an audit holds its model one or two folders down. */
    char *path;
    *bundle = NULL;
    GR_TRY(gr__model_path(&path, given, err));
    gr_status status = gr_bundle_load(bundle, path, NULL, 0, err);
    gr_free(path);
    return status;
}

/* Whether a file is one of a folder's entries. */
static bool is_entry(const char *folder, const char *file) {
    DIR *dir = opendir(folder);
    struct dirent *e;
    bool found = false;
    while (dir && !found && (e = readdir(dir))) {
        char *entry = gr_format("%s/%s", folder, e->d_name);
        found = e->d_name[0] != '.' && gr_file_same(entry, file);
        gr_free(entry);
    }
    if (dir)
        closedir(dir);
    return found;
}

gr_status gr__output_apart(const char *out, const char *const *inputs, int count, gr_error *err) {
    for (int i = 0; i < count; i++)
        if (inputs[i] && (gr_file_same(out, inputs[i]) || is_entry(out, inputs[i])))
            return gr_error_set(err, GR_ERR_USAGE, out, "choose another name for the output",
                                "the output is also an input, which would be lost (%.200s)", inputs[i]);
    return GR_OK;
}

static bool folder_has(const char *folder, const char *name) {
    char *path = gr_format("%s/%s", folder, name);
    bool there = gr_file_exists(path);
    gr_free(path);
    return there;
}

/* The path without a slash at its end, and with links followed as far as it is there; a new string. */
static char *resolved(const char *out) {
    char *path = gr_strdup(out), *real = NULL;
    size_t head = strlen(path);
    while (head > 1 && path[head - 1] == '/')
        path[--head] = 0;

    /* What is not there has no links: the nearest folder that is there, and the rest behind it. */
    while (!real) {
        char *part = head ? gr_format("%.*s", (int)head, path) : gr_strdup(path[0] == '/' ? "/" : ".");
        real = realpath(part, NULL);
        gr_free(part);
        if (!head)
            break;
        while (!real && head > 0 && path[--head] != '/')
            ;
    }
    const char *rest = path + head + strspn(path + head, "/");
    char *joined = gr_format("%s%s%s", real ? real : "", *rest || !real ? "/" : "", rest);
    free(real);
    gr_free(path);
    return joined;
}

/* Whether the folder has a manifest of ours: one that vouches for itself, or one that is damaged. Other programs have
 * manifests too. */
static bool has_manifest(const char *folder) {
    char *path = gr_format("%s/manifest.json", folder);
    json_t *manifest = NULL;
    bool ours = gr_file_exists(path);
    if (ours && gr_json_read(&manifest, path, NULL) == GR_OK)
        ours = json_object_get(manifest, "sha256") != NULL;
    json_decref(manifest);
    gr_free(path);
    return ours;
}

/* Whether the file of this name in the folder is ours: what it holds begins so, or it cannot be read. */
static bool begins_with(const char *folder, const char *name, const char *text) {
    char *path = gr_format("%s/%s", folder, name);
    unsigned char *held = NULL;
    size_t length;
    bool ours = gr_file_exists(path);
    if (ours && gr_file_read(path, &held, &length, NULL) == GR_OK)
        ours = length >= strlen(text) && memcmp(held, text, strlen(text)) == 0;
    gr_free(held);
    gr_free(path);
    return ours;
}

/* What the output would be a part of: its words, or NULL. `folder` stands above it, `name` leads to it from there. */
static const char *whole_of(const char *folder, const char *name) {
    if (begins_with(folder, "stamp.txt", "seed "))
        return "shards";
    if (has_manifest(folder))
        return "model";
    if (folder_has(folder, "cell.json"))
        return "cell";

    /* Parts of a run, and of an experiment. */
    static const char *const parts[] = {"model", "data", "checkpoints", "cells", "work"};
    bool ours = folder_has(folder, "folder.json");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (ours && strcmp(name, parts[i]) == 0)
            return "run";
    return NULL;
}

gr_status gr__output_alone(const char *out, gr_error *err) {
    const char *whole = NULL;
    char *path = resolved(out), *slash;

    /* Folder after folder, up to the root: what is not there yet would be made on the way. */
    while (!whole && (slash = strrchr(path, '/'))) {
        *slash = 0;
        whole = whole_of(path, slash + 1);
    }
    gr_status status =
        whole ? gr_error_set(err, GR_ERR_USAGE, out, "choose another name for the output",
                             "the place belongs to the %s in %.200s, which would not be whole any more", whole, path)
              : GR_OK;
    gr_free(path);
    return status;
}

/* ---- output ---- */

/* How documents fit into rows, a line for each thing that is worth saying. */
void gr__print_lengths(const gr_lengths *l, int context, const char *title) {
    printf("%s%.3g passes over the training tokens\n", title, l->passes);

    /* Pieces, or what is lost where documents are cut. */
    if (l->documents && l->pieces)
        printf("%s%s %s longer than the context of %d: in %s pieces\n", title,
               gr__text_count((char[32]){0}, l->documents), gr__plural(l->documents, "document is", "documents are"),
               context, gr__text_count((char[32]){0}, l->pieces));
    if (l->lost)
        printf("%s%s %s longer than the context of %d and cut: %s of %s tokens (%.1f %%) are lost\n", title,
               gr__text_count((char[32]){0}, l->documents), gr__plural(l->documents, "document is", "documents are"),
               context, gr__text_count((char[32]){0}, l->lost), gr__text_count((char[32]){0}, l->all),
               100 * (double)l->lost / (double)l->all);

    if (l->runs)
        printf("%sfewer than %d documents: %s %s of their pieces %s held out, %s %s beside them left out\n", title,
               GR_FEW_DOCUMENTS, gr__text_count((char[32]){0}, l->runs), gr__plural(l->runs, "run", "runs"),
               gr__plural(l->runs, "is", "are"), gr__text_count((char[32]){0}, l->gaps),
               gr__plural(l->gaps, "piece", "pieces"));
}

void gr__print_json(json_t *value) {
    assert(value); /* json_pack fails only on a wrong call */
    char *text = json_dumps(value, JSON_INDENT(2));
    puts(text);
    free(text);
    json_decref(value);
}

json_t *gr__json_real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *gr__json_strings(const gr__strings *list) {
    json_t *array = json_array();
    for (int i = 0; i < list->count; i++)
        json_array_append_new(array, gr_json_text(list->at[i]));
    return array;
}

json_t *gr__json_precision(const gr_project *project) {
    const gr_precision_choice *c = &project->precision;
    json_t *object = json_pack("{s:s, s:b}", "taken", gr__precision_word(project->recipe->precision), "auto",
                               c->taken != GR_PRECISION_MODEL);

    /* What was measured to decide, where it was. */
    if (c->why[0])
        json_object_set_new(object, "why", gr_json_text(c->why));
    if (c->bf16 > 0) {
        json_object_set_new(object, "float32_ms", gr__json_real(1e3 * c->float32));
        json_object_set_new(object, "bf16_ms", gr__json_real(1e3 * c->bf16));
    }
    return object;
}

void gr__print_precision(const gr_project *project) {
    if (project->precision.why[0])
        printf("precision: auto takes %s\n", project->precision.why);
}

const char *gr__text_count(char *text, int64_t n) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), used = 0;

    /* A comma before each group of three, counted from the end. */
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-')
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = 0;
    return text;
}

/* Three digits, in steps of a thousand. */
const char *gr__text_bytes(char *text, double n) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    for (; n >= 999.5 && unit < 4; unit++)
        n /= 1000;
    snprintf(text, 32, unit && n < 99.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
    return text;
}

const char *gr__text_cores(char *text, double cores, int threads) {
    text[0] = 0;
    if (cores < 0.6 * threads) /* false for NaN */
        snprintf(text, 48, "got %.1f of %d core%s", cores, threads, threads > 1 ? "s" : "");
    return text;
}

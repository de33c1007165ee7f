/* gradroute audit: the routed model beside its twins, measured and attacked: the experiment of that name on a recipe.
 */
#include "audit_models.h"
#include "base/mem.h"
#include "commands.h"
#include "lab_run.h"

static const char doc[] =
    "Trains the routed model of RECIPE and its twins, all from the same start, switches the regions off, fine-tunes "
    "each model on a few forget documents, and prints one table: losses, removal before and after relearning, "
    "retention, tax. Which twins: plain and filtered, a perfect filter where labels are hidden; --arms and the "
    "recipe's twins say otherwise. With --seeds N all of it N times, with intervals over seeds. Writes "
    "DIR/result.json and a folder for each model. Called again it goes on where it stopped; when all is done it only "
    "prints.\n"
    "\n"
    "With --models nothing is trained: models that were made elsewhere are copied into DIR, measured and attacked. "
    "Each is named by the arm of the audit that it is (routed, plain, filtered, perfect); the data are those of the "
    "routed model's recipe. What is not given is left out, with the figures that need it. By which labels a filter was "
    "made is known of the models of an export (--export); of others --told says it, where labels are hidden."
    "\v"
    "Examples:\n"
    "  gradroute audit recipes/demo.yaml -o runs/demo\n"
    "  gradroute audit recipes/demo.yaml -o runs/small --set train.tokens=400k\n"
    "  gradroute audit recipes/demo.yaml -o runs/small --seeds 5 --jobs 2\n"
    "  gradroute audit recipes/demo.yaml -o runs/small --seeds 5 --budget 60\n"
    "  gradroute audit recipes/demo.yaml -o runs/demo --export runs/for-others\n"
    "  gradroute audit --models routed=a plain=b filtered=c -o runs/mine\n"
    "  gradroute audit --models routed=a plain=b --data new.jsonl -o runs/new\n"
    "  gradroute audit --models routed=a perfect=b --told perfect=true_labels -o c\n"
    "To start anew choose another folder, or remove DIR yourself.\n" GR__EXIT_STATUS;

enum { KEY_MODELS = GR__KEY_OWN, KEY_TEXT, KEY_LABEL, KEY_EXPORT, KEY_TOLD };

static const struct argp_option options[] = {
    GR__OPTION_OUT("The folder DIR (default: runs/NAME for recipe NAME.yaml)"),
    GR__OPTION_SEEDS,
    GR__OPTION_ARMS,
    GR__OPTION_JOBS,
    GR__OPTION_BUDGET,
    GR__OPTION_WORKER,
    {"export", KEY_EXPORT, "DIR", 0, "Also write the models to DIR, for others to attack, with what was held out", 0},
    {"models", KEY_MODELS, "ARM=DIR ...", 0, "Audit these models, and train none: folders of models, or of runs", 0},
    {"recipe", 'r', "RECIPE", 0, "Of --models: the recipe of the data (default: that of the routed model)", 0},
    {"data", 'd', "FILE", 0, "Of --models: read this file by the routed model's recipe, in place of its data", 0},
    {"told", KEY_TOLD, "ARM=LABELS", 0,
     "Of --models: documents were left out of this model's training by labels that are `revealed`, or by `true_labels`",
     0},
    {"text-field", KEY_TEXT, "FIELD", 0, "Member of --data that holds the text (default: as in the recipe)", 0},
    {"label-field", KEY_LABEL, "FIELD", 0, "Member that holds the topic (default: as in the recipe)", 0},
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct audit_options {
    gr__lab_run run; /* first: parsing hands it on */
    gr__audit_models models;
} audit_options;

/* Whatever makes no sense together ends the program. */
static void check_models(const audit_options *own, struct argp_state *state) {
    const gr__audit_models *m = &own->models;
    if (!m->said.count && (m->recipe || m->data || m->text_field || m->label_field || m->told.count))
        argp_error(state, "--recipe, --data, --told, --text-field and --label-field are of --models");
    if (m->recipe && m->data)
        argp_error(state, "--data and --recipe exclude each other");
    if (!m->data && (m->text_field || m->label_field))
        argp_error(state, "--text-field and --label-field are of --data");
    if (m->said.count && !own->run.common.out)
        argp_error(state, "--models takes a folder for the audit: -o DIR");
    if (m->said.count && (own->run.def.seeds || own->run.arms.count))
        argp_error(state, "--models says which models there are: --seeds and --arms are for those that are trained");
}

/* Options into their fields. */
static error_t parse(int key, char *arg, struct argp_state *state) {
    audit_options *own = state->input;
    gr__audit_models *m = &own->models;
    switch (key) {
    case KEY_MODELS:
        GR_PUSH(m->said.at, m->said.count, m->said.capacity) = arg;
        return 0;
    case KEY_TOLD:
        GR_PUSH(m->told.at, m->told.count, m->told.capacity) = arg;
        return 0;
    case KEY_EXPORT:
        own->run.export = arg;
        return 0;
    case 'r':
        m->recipe = arg;
        return 0;
    case 'd':
        m->data = arg;
        return 0;
    case KEY_TEXT:
        m->text_field = arg;
        return 0;
    case KEY_LABEL:
        m->label_field = arg;
        return 0;

    /* The models behind the first of them are arguments; argp hands these over behind all options. */
    case ARGP_KEY_ARG:
        if (m->said.count) {
            GR_PUSH(m->said.at, m->said.count, m->said.capacity) = arg;
            return 0;
        }
        return gr__lab_run_parse(key, arg, state, &own->run);
    case ARGP_KEY_END:
        check_models(own, state);
        return m->said.count ? 0 : gr__lab_run_parse(key, arg, state, &own->run);
    default:
        return gr__lab_run_parse(key, arg, state, &own->run);
    }
}

/* Of models that are there. */
static int audit_models(audit_options *own, int argc, char **argv) {
    gr_error err = {0};
    own->run.common.input = "--models ..";
    gr_status status = gr__audit_models_open(&own->models, &own->run.def, &err);
    int code =
        status == GR_OK ? gr__lab_run_all(&own->run, argc, argv) : gr__end_command(&own->run.common, status, &err);
    gr__audit_models_close(&own->models);
    return code;
}

int gr__cmd_audit(int argc, char **argv) {
    audit_options own = {.run = {.common = {.what = "RECIPE"}, .command = "audit", .jobs = 1, .yes = true}};
    gr__parse(&(struct argp){options, parse, "RECIPE\n--models ARM=DIR ...", doc, NULL, NULL, NULL}, argc, argv, &own);
    own.run.def.experiment = "audit";
    if (own.models.said.count)
        return audit_models(&own, argc, argv);
    own.run.def.base = own.run.common.input;
    own.run.def.twins = true;
    return gr__lab_run_all(&own.run, argc, argv);
}

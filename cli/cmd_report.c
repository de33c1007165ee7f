/* gradroute report: finished experiments as one page. */
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "common.h"
#include "gradroute/report.h"

static const char doc[] =
    "Writes FILE, a page with the results of finished folders of audit or reproduce side by side: verdict, claims, "
    "figures with what they mean, curves, the map of the regions, samples. It is made of result.json, results.jsonl "
    "and the metrics of models that are there, and needs neither a network nor other files. The commands themselves "
    "write report.html beside result.json."
    "\v"
    "Examples:\n"
    "  gradroute report runs/demo -o demo.html\n"
    "  gradroute report runs/all runs/half -o labels.html\n" GR__EXIT_STATUS;

static const struct argp_option options[] = {GR__OPTION_OUT("The page FILE.html"), {0}};

typedef struct report_options {
    const char *out;    /* NULL: not said */
    gr__strings folder; /* borrowed names */
} report_options;

/* A page is known by its ending, so that no result is written over by mistake. */
static error_t parse(int key, char *arg, struct argp_state *state) {
    report_options *own = state->input;
    size_t length;
    switch (key) {
    case 'o':
        own->out = arg;
        length = strlen(arg);
        if (length < 6 || strcmp(arg + length - 5, ".html") != 0)
            argp_error(state, "-o is '%s', expected a name that ends in .html", arg);
        return 0;
    case ARGP_KEY_ARG:
        GR_PUSH(own->folder.at, own->folder.count, own->folder.capacity) = arg;
        return 0;
    case ARGP_KEY_END:
        if (own->folder.count == 0)
            argp_error(state, "RUN is missing: the folder of an audit or an experiment that is done");
        if (!own->out)
            argp_error(state, "-o FILE.html is missing: the page to write");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static gr_status write_report(const report_options *own, gr_error *err) {
    GR_TRY(gr__output_alone(own->out, err));
    GR_TRY(gr_report_write(own->folder.at, own->folder.count, own->out, err));
    printf("Report   %s\n", own->out);
    return GR_OK;
}

int gr__cmd_report(int argc, char **argv) {
    report_options own = {0};
    gr__common common = {0};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "RUN...", doc, NULL, NULL, NULL}, argc, argv, &own);
    gr_status status = write_report(&own, &err);
    gr_free(own.folder.at);
    return gr__end_command(&common, status, &err);
}

/* data fetch: one file over HTTP. */
#include <string.h>

#include "base/mem.h"
#include "common.h"
#include "data_actions.h"
#include "io/fetch.h"
#include "io/file.h"
#include "process.h"
#include "progress.h"

static const char doc[] =
    "Fetches URL into FILE. What arrives is kept in FILE.part, and gets its name when its SHA-256 is the one given; a "
    "fetch that was stopped, killed or cut goes on when the same command is given again. Without --sha256 nothing is "
    "gone on with, and the digest is printed for the next time."
    "\v"
    "Examples:\n"
    "  gradroute data fetch https://example.org/corpus.jsonl.gz -o corpus.jsonl.gz\n"
    "  gradroute data fetch https://example.org/a.gz -o a.gz --sha256 DIGEST\n" GR__EXIT_STATUS;

enum { KEY_SHA = GR__KEY_OWN };

static const struct argp_option options[] = {GR__OPTION_OUT("The file to write"),
                                             {"sha256", KEY_SHA, "DIGEST", 0, "The SHA-256 that the file must have", 0},
                                             GR__OPTION_JSON,
                                             {0}};

typedef struct fetch_options {
    gr__common common;  /* first: parsing hands it on */
    const char *sha256; /* NULL: any */
} fetch_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
    fetch_options *own = state->input;
    if (key == KEY_SHA) {
        own->sha256 = arg;
        return 0;
    }
    error_t status = gr__common_parse(key, arg, state, &own->common);
    if (key == ARGP_KEY_END && !own->common.out)
        argp_error(state, "-o FILE is missing");
    return status;
}

/* Fetches the file with progress, then says what came and its digest. */
static gr_status fetch(const fetch_options *own, gr_error *err) {
    gr__progress_bar progress;
    gr_fetched got;
    GR_TRY(gr__file_replaceable(own->common.out, err));

    /* Signals set the flag from here on: what has come is kept, and the next call goes on with it. */
    gr__progress_begin(&progress, stderr);
    gr__stop_saves();
    gr_fetch_def def = {own->common.input,  own->common.out, own->sha256,
                        gr__progress_bytes, &progress,       gr__stop_flag()};
    gr_status status = gr_fetch(&got, &def, err);
    gr__progress_end(&progress);
    GR_TRY(status);
    if (own->common.json)
        gr__print_json(json_pack("{s:o, s:o, s:s, s:I, s:I, s:b}", "url", gr_json_text(own->common.input), "file",
                                 gr_json_text(own->common.out), "sha256", got.sha256, "bytes", (json_int_t)got.size,
                                 "resumed", (json_int_t)got.resumed, "kept", got.kept));
    else
        printf("%s: %s%s\nsha256 %s%s\n", own->common.out, gr__text_bytes((char[32]){0}, (double)got.size),
               got.kept ? ", there already" : "", got.sha256, own->sha256 ? ", as expected" : "");
    return GR_OK;
}

int gr__data_fetch(int argc, char **argv) {
    fetch_options own = {.common.what = "URL"};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "URL", doc, NULL, NULL, NULL}, argc, argv, &own);
    return gr__end_command(&own.common, fetch(&own, &err), &err);
}

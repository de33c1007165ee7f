/* gradroute data pack: the corpus of a recipe as shards. */
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "common.h"
#include "data_actions.h"
#include "process.h"
#include "progress.h"

static const char doc[] =
    "Encodes the corpus of RECIPE and packs it into rows, in files that training maps instead of loading: for corpora "
    "larger than memory. The recipe `data: {shards: FOLDER}` reads them. A pack that was stopped or killed goes on "
    "when the same command is given again; other labels, context or mixed over the same text keep the tokens and pack "
    "new rows."
    "\v"
    "Examples:\n"
    "  gradroute data pack recipes/demo.yaml -o shards/demo\n"
    "  gradroute train recipes/demo.yaml --set data.shards=shards/demo\n"
    "  gradroute data pack books.yaml -o shards/books --shard 256\n" GR__EXIT_STATUS;

enum { KEY_SHARD = GR__KEY_OWN };

static const struct argp_option options[] = {
    GR__OPTION_OUT("The folder of shards"),
    {"shard", KEY_SHARD, "MIB", 0, "Text of a shard in MiB; it is in memory while the shard is made (default: 64)", 0},
    GR__OPTION_SET,
    GR__OPTION_THREADS,
    GR__OPTION_JSON,
    {0}};

typedef struct pack_options {
    gr__common common; /* first: parsing hands it on */
    double mib;        /* text of a shard; 0: as by default */
} pack_options;

static error_t parse(int key, char *arg, struct argp_state *state) {
    enum { MOST = 65536 };
    pack_options *own = state->input;
    if (key == KEY_SHARD) {
        own->mib = gr__option_real(state, "shard", arg, 1.0 / 1024, MOST);
        return 0;
    }
    error_t status = gr__common_parse(key, arg, state, &own->common);
    if (key == ARGP_KEY_END && !own->common.out)
        argp_error(state, "-o FOLDER is missing");
    return status;
}

/* What the folder holds by now, read from itself. */
static gr_status report(const gr__common *common, gr_error *err) {
    gr_shards *s;
    GR_TRY(gr_shards_open(&s, common->out, NULL, err));
    double fill = (double)s->positions / ((double)s->rows * s->context); /* share of the rows that is text */

    if (common->json)
        gr__print_json(json_pack("{s:o, s:i, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:s}", "shards",
                                 gr_json_text(common->out), "count", s->count, "documents", (json_int_t)s->documents,
                                 "held_out", (json_int_t)s->held->validation_count, "tokens", (json_int_t)s->tokens,
                                 "rows", (json_int_t)s->rows, "fill", fill, "cut", (json_int_t)s->cut, "duplicates",
                                 (json_int_t)s->duplicates, "read", (json_int_t)s->read, "sha256", s->digest));
    else
        printf("%s: %d %s, %s %s, %s held out, %s tokens, %s %s of %d, %.1f %% full\n", common->out, s->count,
               gr__plural(s->count, "shard", "shards"), gr__text_count((char[32]){0}, s->documents),
               gr__plural(s->documents, "document", "documents"),
               gr__text_count((char[32]){0}, (int64_t)s->held->validation_count),
               gr__text_count((char[32]){0}, s->tokens), gr__text_count((char[32]){0}, s->rows),
               gr__plural(s->rows, "row", "rows"), s->context, 100 * fill);

    gr_shards_free(s);
    return GR_OK;
}

/* Packs, then says what the folder holds. A signal keeps what is done: the same command goes on. */
static gr_status pack(const pack_options *own, gr_error *err) {
    gr_recipe *recipe;
    gr__progress_bar progress;
    GR_TRY(gr__output_alone(own->common.out, err));
    GR_TRY(gr__open_recipe(&recipe, &own->common, err));
    gr__progress_begin(&progress, stderr);
    gr__stop_saves();
    gr_control control = {.stop = gr__stop_flag(), .note = gr__progress_note, .user = &progress};
    gr_status status = gr_project_pack(recipe, own->common.out, (size_t)(own->mib * 0x1p20), &control, err);
    gr__progress_end(&progress);
    gr_recipe_free(recipe);
    return status == GR_OK ? report(&own->common, err) : status;
}

int gr__data_pack(int argc, char **argv) {
    pack_options own = {.common.what = "RECIPE"};
    gr_error err = {0};
    gr__parse(&(struct argp){options, parse, "RECIPE", doc, NULL, NULL, NULL}, argc, argv, &own);
    return gr__end_command(&own.common, pack(&own, &err), &err);
}

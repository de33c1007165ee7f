/* gradroute-bench: how fast training steps and generation are beside something timed in the same run. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/number.h"
#include "bench/bench.h"
#include "cli/common.h"
#include "cli/process.h"
#include "cli/progress.h"
#include "cli/waiting.h"
#include "kernel/kernel.h"

static const char doc[] =
    "Measures how fast training steps and generation are on this machine, each benchmark against something timed in "
    "the "
    "same run, in turns: PyTorch, the step's own matrix products by themselves (the bound), the plain step, one "
    "thread. "
    "Prints a table, then where the time of each network's step goes, by operation. Without NAME runs all of them; "
    "NAME "
    "also stands for all that begin with \"NAME-\"."
    "\v"
    "Times are medians over rounds, with the smallest and the largest; the ratio says how many times as fast we are as "
    "what we are measured against (1: alike). Each side computes in the precision that is faster for it here. PyTorch "
    "is run by the scripts in the folder that GRADROUTE_PEERS names, "
    "and by torch_routed.py in ./bench; without them or python3-torch its rows are skipped. Leave the machine alone "
    "meanwhile.\n"
    "\n"
    "Examples:\n"
    "  gradroute-bench --quick routed-sgtm\n"
    "  GRADROUTE_PEERS=peers gradroute-bench --csv bench/results\n"
    "  gradroute-bench gpt-small-bound generate --json\n" GR__EXIT_STATUS;

enum { KEY_CSV = GR__KEY_OWN, KEY_QUICK };

static const struct argp_option options[] = {
    {"threads", 't', "N", 0, "Threads on both sides (default: 2, or one if there is one core)", 0},
    {"json", GR__KEY_JSON, NULL, 0, "Print one JSON list of the rows and nothing else", 0},
    {"csv", KEY_CSV, "FILE", 0,
     "Append the rows to FILE; if it is a folder, to a file in it named as the processor and the instruction set", 0},
    {"quick", KEY_QUICK, NULL, 0, "A few small steps each, to see that it works: no figures to rely on", 0},
    {0}};

/* A call of the command: what was asked for, and what has come of it so far. */
typedef struct session {
    gr__common common;    /* first: parsing hands it on */
    gr__strings names;    /* of benchmarks, or of groups of them; none: all */
    const char *csv_path; /* of --csv; NULL: none */
    bool quick;
    FILE *csv;             /* NULL: not open */
    char machine[128];     /* the processor's name */
    int threads;           /* on both sides */
    int measured, skipped; /* rows */
    int profiles;          /* networks whose time was divided among their operations */
    json_t *rows;          /* of --json */
    gr__progress_bar progress;
} session;

/* Options and names of benchmarks. No name is no mistake: it stands for all. */
static error_t parse(int key, char *arg, struct argp_state *state) {
    session *s = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        GR_PUSH(s->names.at, s->names.count, s->names.capacity) = arg;
        return 0;
    case ARGP_KEY_END:
        return 0;

    case KEY_CSV:
        s->csv_path = arg;
        return 0;
    case KEY_QUICK:
        s->quick = true;
        return 0;
    default:
        return gr__common_parse(key, arg, state, &s->common);
    }
}

/* Adds the names to --help. */
static char *with_names(int key, const char *text, void *input) {
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)text;
    char *all = NULL;
    size_t size;
    FILE *out = open_memstream(&all, &size);
    if (!out)
        return (char *)text;

    fputs("Names:\n", out);
    for (int i = 0; i < gr_benches(); i++)
        fprintf(out, "  %-16s %s\n", gr_bench_name(i), gr_bench_help(i));
    fprintf(out, "\n%s", text);
    fclose(out);
    return all; /* argp frees it */
}

/* ---- which ------------------------------------------------------------------------------------------------------- */

/* Adds the benchmark of that name, else all whose names begin with it and a hyphen. */
static gr_status choose(int **which, int *count, size_t *room, const char *name, gr_error *err) {
    const char **names = gr_alloc((size_t)gr_benches() * sizeof *names);
    size_t length = strlen(name);
    int before = *count;
    for (int i = 0; i < gr_benches(); i++)
        names[i] = gr_bench_name(i);

    /* The exact name first; a group only where no benchmark is called so. */
    for (int i = 0; i < gr_benches(); i++)
        if (strcmp(names[i], name) == 0)
            GR_PUSH(*which, *count, *room) = i;
    bool exact = *count > before;
    for (int i = 0; i < gr_benches(); i++)
        if (!exact && strncmp(names[i], name, length) == 0 && names[i][length] == '-')
            GR_PUSH(*which, *count, *room) = i;

    const char *near = gr_nearest(name, names, (size_t)gr_benches(), NULL);
    gr_free(names);
    if (*count > before)
        return GR_OK;

    char hint[96];
    snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    return gr_error_set(err, GR_ERR_USAGE, "bench", near ? hint : "gradroute-bench --help lists them",
                        "there is no benchmark '%.100s'", name);
}

/* ---- the file of results ----------------------------------------------------------------------------------------- */

/* The model of the processor as the system names it. */
static void find_machine(char *name, size_t size) {
    FILE *in = fopen("/proc/cpuinfo", "r");
    char line[512];
    snprintf(name, size, "unknown processor");

    /* The first line "model name : ..."; not every processor has one. */
    while (in && fgets(line, sizeof line, in)) {
        char *value = strchr(line, ':');
        if (!value || strncmp(line, "model name", 10))
            continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = 0;
        snprintf(name, size, "%s", value);
        break;
    }

    if (in)
        fclose(in);
}

/* FOLDER/AMD-EPYC-avx2.csv for a folder, else the path itself: machines of one name may differ in what they have. */
static char *csv_file(const char *path, const char *machine, const char *isa) {
    struct stat info;
    if (stat(path, &info) || !S_ISDIR(info.st_mode))
        return gr_strdup(path);

    /* Letters and digits of the processor's name; what lies between them is one hyphen. */
    char name[128];
    size_t n = 0;
    for (const char *c = machine; *c && n + 1 < sizeof name; c++)
        if (isalnum((unsigned char)*c))
            name[n++] = *c;
        else if (n && name[n - 1] != '-')
            name[n++] = '-';
    n -= n && name[n - 1] == '-';
    return gr_format("%s/%.*s-%s.csv", path, (int)n, name, isa);
}

static const char header[] = "machine,isa,date,version,threads,name,precision,against,ratio,ours,ours_low,ours_high,"
                             "theirs,theirs_low,theirs_high,unit\n";

/* Whether rows may follow what the file holds: nothing, or rows of the same columns. */
static gr_status check_header(const char *path, gr_error *err) {
    char line[sizeof header] = "";
    FILE *in = fopen(path, "r");
    bool other = in && fgets(line, sizeof line, in) && strcmp(line, header) != 0;
    if (in)
        fclose(in);
    return other ? gr_error_set(err, GR_ERR_USAGE, path, "name another file", "it has other columns") : GR_OK;
}

/* Opens the file for appending; a new one gets its line of column names. */
static gr_status open_csv(session *s, gr_error *err) {
    if (!s->csv_path)
        return GR_OK;

    /* Before anything is measured: rows that do not fit there are refused. */
    char *path = csv_file(s->csv_path, s->machine, gr_kernel_isa());
    gr_status status = check_header(path, err);
    if (status == GR_OK) {
        s->csv = fopen(path, "a");
        if (!s->csv)
            status = gr_error_set(err, GR_ERR_IO, path, NULL, "cannot open it for writing: %s", strerror(errno));
        else if (fseek(s->csv, 0, SEEK_END) == 0 && ftell(s->csv) == 0)
            fputs(header, s->csv);
    }
    gr_free(path);
    return status;
}

static void write_csv(session *s, const gr_bench_row *r) {
    char date[16];
    gr__text_date(date, sizeof date, "%Y-%m-%d");
    fprintf(s->csv, "\"%s\",%s,%s,%s,%d,%s,%s,%s,%.4g,%.5g,%.5g,%.5g,%.5g,%.5g,%.5g,%s\n", s->machine, gr_kernel_isa(),
            date, GR_VERSION, s->threads, r->name, r->precision, r->against, r->ratio, r->ours.median, r->ours.low,
            r->ours.high, r->theirs.median, r->theirs.low, r->theirs.high, r->unit);
    fflush(s->csv);
}

/* What could not be written is said at the end, when the rows have been printed. */
static gr_status close_csv(session *s, gr_error *err) {
    if (!s->csv)
        return GR_OK;
    bool failed = ferror(s->csv);
    failed = fclose(s->csv) || failed;
    return failed ? gr_error_set(err, GR_ERR_IO, s->csv_path, NULL, "cannot write the rows") : GR_OK;
}

/* ---- rows for people and programs -------------------------------------------------------------------------------- */

/* Three or four digits. */
static const char *digits(char *text, double ms) {
    snprintf(text, 16, "%.*f", ms >= 1000 ? 0 : ms >= 100 ? 1 : ms >= 1 ? 2 : 3, ms);
    return text;
}

/* "median (low..high)" into text[64]. */
static const char *text_spread(char *text, const gr_spread *s) {
    char m[16], low[16], high[16];
    snprintf(text, 64, "%s (%s..%s)", digits(m, s->median), digits(low, s->low), digits(high, s->high));
    return text;
}

static void print_row(const session *s, const gr_bench_row *r) {
    char ours[64], theirs[64];
    if (s->measured + s->skipped == 1)
        printf("%-16s %-27s %-9s %-8s %-20s %-27s %6s\n", "benchmark", "ours: median (low..high)", "", "", "against",
               "median (low..high)", "ratio");
    if (r->skipped[0])
        printf("%-16s %-46s %-20s skipped: %s\n", r->name, "", r->against, r->skipped);
    else
        printf("%-16s %-27s %-9s %-8s %-20s %-27s %6.2f\n", r->name, text_spread(ours, &r->ours), r->unit, r->precision,
               r->against, text_spread(theirs, &r->theirs), r->ratio);
    fflush(stdout);
}

/* A benchmark is done (gr_bench_def.row): it is counted, printed, and written to the file. */
static void on_row(void *user, const gr_bench_row *r) {
    session *s = user;
    if (r->skipped[0])
        s->skipped++;
    else
        s->measured++;

    /* Programs get the rows that were measured; people are told why others were not. */
    if (s->common.json && !r->skipped[0])
        json_array_append_new(s->rows, json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:s}", "name", r->name,
                                                 "machine", s->machine, "isa", gr_kernel_isa(), "precision",
                                                 r->precision, "ratio", gr__json_real(r->ratio), "against", r->against,
                                                 "ours", gr__json_real(r->ours.median), "theirs",
                                                 gr__json_real(r->theirs.median), "unit", r->unit));
    else if (!s->common.json)
        print_row(s, r);

    if (s->csv && !r->skipped[0])
        write_csv(s, r);
}

/* Where the time of a network's step goes (gr_bench_def.profile). */
static void on_profile(void *user, const gr_bench_profile *p) {
    session *s = user;
    char a[16], b[16];
    if (s->profiles++ == 0)
        printf("\nWhere the time of a step goes, in ms (means)\n");

    /* What computes products of matrices, all of it: the bound has that of experts too. */
    double products = 0;
    int largest = -1;
    for (int i = p->ops - 1; i >= 0; i--)
        if (p->op[i].products) {
            products += p->op[i].forward + p->op[i].backward;
            largest = i;
        }

    /* A line for each operation; the one with most of the products says how fast they are beside the bound. */
    printf("\n%s, %s: %s ms a step\n  %-18s %9s %9s %7s\n", p->name, p->half ? "bf16" : "float32", digits(a, p->step),
           "operation", "forward", "backward", "share");
    for (int i = 0; i < p->ops; i++) {
        double both = p->op[i].forward + p->op[i].backward;
        if (both <= 0)
            continue;
        printf("  %-18s %9s %9s %5.1f %%", p->op[i].op, digits(a, p->op[i].forward), digits(b, p->op[i].backward),
               100 * both / p->step);
        if (p->bound > 0 && i == largest)
            printf("   %.2f of the speed of its products alone (%s ms)", p->bound / products, digits(a, p->bound));
        putchar('\n');
    }
    printf("  %-18s %9s %9s %5.1f %%\n", "optimiser and rest", digits(a, p->other), "", 100 * p->other / p->step);
}

static void on_note(void *user, const char *text) { gr__progress_note(&((session *)user)->progress, text); }

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static gr_status run(session *s, const int *which, int count, gr_error *err) {
    gr_bench_def def = {.threads = s->common.threads,
                        .quick = s->quick,
                        .peers = getenv("GRADROUTE_PEERS"),
                        .stop = gr__stop_flag(),
                        .row = on_row,
                        .profile = s->common.json ? NULL : on_profile,
                        .note = on_note,
                        .user = s};
    s->threads = gr_bench_threads(&def);

    /* Rows that were measured stay, also where a later one fails. */
    GR_TRY(open_csv(s, err));
    gr__progress_begin(&s->progress, stderr);
    gr__stop_saves();
    gr_status status = gr_bench_run(which, count, &def, err);
    gr__progress_end(&s->progress);
    gr_status closed = close_csv(s, err);
    return status == GR_OK ? closed : status;
}

/* The benchmarks that the names stand for, in the order of the names; without a name all of them. */
static gr_status bench(session *s, gr_error *err) {
    int *which = NULL, count = 0;
    size_t room = 0;
    gr_status status = GR_OK;
    find_machine(s->machine, sizeof s->machine);
    for (int i = 0; i < s->names.count && status == GR_OK; i++)
        status = choose(&which, &count, &room, s->names.at[i], err);
    if (s->names.count == 0)
        for (int i = 0; i < gr_benches(); i++)
            GR_PUSH(which, count, room) = i;

    if (status == GR_OK)
        status = run(s, which, count, err);
    gr_free(which);
    return status;
}

static void print_version(FILE *out, struct argp_state *state) {
    (void)state;
    fprintf(out, "gradroute-bench %s\ninstruction set: %s\n", GR_VERSION, gr_kernel_isa());
}

int main(int argc, char **argv) {
    session s = {0};
    gr_error err = {0};
    gr__process_begin();
    argp_err_exit_status = 2;
    argp_program_version_hook = print_version;
    gr__settle_waiting(argv);
    gr__settle_threads();
    gr__parse(&(struct argp){options, parse, "[NAME...]", doc, NULL, with_names, NULL}, argc, argv, &s);

    /* Rows appear as they are measured, JSON and what was skipped at the end. */
    s.rows = json_array();
    gr_status status = bench(&s, &err);
    if (s.measured + s.skipped)
        fprintf(s.common.json ? stderr : stdout, "%s%d measured, %d skipped; %s, kernels for %s, %d %s\n",
                s.common.json ? "" : "\n", s.measured, s.skipped, s.machine, gr_kernel_isa(), s.threads,
                gr__plural(s.threads, "thread", "threads"));
    if (status == GR_OK && s.common.json)
        gr__print_json(json_incref(s.rows));
    json_decref(s.rows);
    gr_free(s.names.at);
    return gr__end_command(&s.common, status, &err);
}

/* gradroute: finds the subcommand and hands over. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "built_from.h" /* made by the build */
#include "commands.h"
#include "common.h"
#include "kernel/kernel.h"
#include "process.h"
#include "waiting.h"

typedef struct command {
    const char *name, *purpose;
    int (*run)(int argc, char **argv);
} command;

#define COMMAND(name, purpose) {#name, purpose, gr__cmd_##name},
static const command commands[] = {GR_COMMANDS(COMMAND)};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Every command with its purpose; argp knows only one command at a time. */
static void print_help(FILE *out) {
    fputs("Usage: gradroute COMMAND ...\n"
          "Trains networks whose knowledge of a topic lives in a region that can be\n"
          "removed, and measures it.\n\n",
          out);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].purpose);
    fputs("\n`gradroute COMMAND --help` tells everything about a command, and\n"
          "`gradroute --version` the version.\n"
          "A first run: gradroute audit recipes/demo.yaml -o runs/demo\n"
          "How fast training is here is measured by gradroute-bench.\n" GR__EXIT_STATUS,
          out);
}

/* The command of this name, NULL if there is none. */
static const command *find(const char *word) {
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, word) == 0)
            return &commands[i];
    return NULL;
}

/* The error for a command that there is none of, with the one that was perhaps meant. */
static int unknown(const char *word) {
    const char *names[COMMANDS], *near;
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;

    near = gr_nearest(word, names, COMMANDS, NULL);

    /* A longer word that begins with a command: evaluate, generation. */
    for (int i = 0; i < COMMANDS && !near; i++)
        near = strncmp(word, names[i], strlen(names[i])) == 0 ? names[i] : NULL;

    gr_error err = {0};
    char hint[128] = "gradroute --help lists the commands";
    if (strcmp(word, "bench") == 0)
        snprintf(hint, sizeof hint, "it is a program of its own: gradroute-bench");
    else if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    gr_error_set(&err, GR_ERR_USAGE, "command", hint, "there is no command '%.100s'", word);
    gr__print_error(&err);
    return 2;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c) {
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* What is no command, help for one, or the command itself. It sees "gradroute COMMAND" as the program's name. */
static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    const char *word = argv[1];
    if (is_one_of(word, "--help", "-h", "-?") || (strcmp(word, "help") == 0 && argc == 2)) {
        print_help(stdout);
        return 0;
    }
    if (is_one_of(word, "--version", "-V", "version")) {
        printf("gradroute %s\ninstruction set: %s\n", GR_VERSION, gr_kernel_isa());
        if (*GR__BUILT_FROM)
            puts("commit: " GR__BUILT_FROM);
        return 0;
    }

    bool help = strcmp(word, "help") == 0; /* gradroute help train */
    const command *found = find(help ? argv[2] : word);
    if (!found)
        return unknown(help ? argv[2] : word);
    char name[64];
    snprintf(name, sizeof name, "gradroute %s", found->name);
    if (help)
        return found->run(2, (char *[]){name, "--help", NULL});

    /* From here on there is something to compute. */
    gr__settle_waiting(argv);
    gr__settle_threads();
    argv[1] = name;
    return found->run(argc - 1, argv + 1);
}

int main(int argc, char **argv) {
    gr__process_begin();
    argp_err_exit_status = 2;
    return dispatch(argc, argv);
}

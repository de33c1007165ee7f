/* gradroute data ACTION: a table of actions, each a command of its own. */
#include <string.h>

#include "base/nearest.h"
#include "commands.h"
#include "common.h"
#include "data_actions.h"

typedef struct action {
    const char *name, *purpose;
    int (*run)(int argc, char **argv);
} action;

static const action actions[] = {
    {"show", "documents, labels, known shares and packing of a recipe", gr__data_show},
    {"tokenizer", "train a byte-level BPE tokenizer on files", gr__data_tokenizer},
    {"encode", "the tokens of a text", gr__data_encode},
    {"fetch", "a file over HTTP, checked against its digest", gr__data_fetch},
    {"pack", "encode and pack a corpus into shards, for those larger than memory", gr__data_pack},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

static void print_help(FILE *out) {
    fputs("Usage: gradroute data ACTION ...\n\n", out);
    for (int i = 0; i < ACTIONS; i++)
        fprintf(out, "  %-10s %s\n", actions[i].name, actions[i].purpose);
    fputs("\nExamples:\n"
          "  gradroute data show recipes/demo.yaml\n"
          "  gradroute data tokenizer a.jsonl b.txt --vocab 4096 -o tokenizer.json\n"
          "  gradroute data encode tokenizer.json --text 'a small bird'\n"
          "  gradroute data pack recipes/demo.yaml -o shards/demo\n"
          "`gradroute data ACTION --help` tells the options of each.\n" GR__EXIT_STATUS,
          out);
}

/* The error for an action that there is none of, with the one that was perhaps meant. */
static int unknown(const char *word) {
    const char *names[ACTIONS];
    for (int i = 0; i < ACTIONS; i++)
        names[i] = actions[i].name;
    const char *near = gr_nearest(word, names, ACTIONS, NULL);
    char hint[128];
    gr_error err = {0};
    snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    gr_error_set(&err, GR_ERR_USAGE, "data", near ? hint : "gradroute data --help lists them",
                 "there is no action '%.100s'", word);
    gr__print_error(&err);
    return 2;
}

int gr__cmd_data(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }

    /* The action sees "gradroute data ACTION" as the program's name, for its help and errors. */
    for (int i = 0; i < ACTIONS; i++)
        if (strcmp(argv[1], actions[i].name) == 0) {
            char name[64];
            snprintf(name, sizeof name, "gradroute data %s", actions[i].name);
            argv[1] = name;
            return actions[i].run(argc - 1, argv + 1);
        }
    return unknown(argv[1]);
}

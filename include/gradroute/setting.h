/* setting.h - options of measures, attacks and other entries of a registry: a table that reads YAML, checks it, fills
 * defaults in, and says what of it is part of a cell's key.
 *
 *     static const gr_setting options[] = {
 *         {.key = "tokens", .help = "of a completion", .kind = GR_SETTING_COUNT, .initial = {.number = 24}, .min = 1,
 *          .max = 4096},
 *         {0}};
 *     gr_settings *settings;
 *     GR_TRY(gr_settings_read(&settings, options, NULL, map, err));    {tokens: 1k}
 *     int tokens = (int)gr_settings_get(settings, "tokens")->number;
 *     gr_settings_free(settings);
 */
#ifndef GRADROUTE_SETTING_H
#define GRADROUTE_SETTING_H

#include "gradroute/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct gr_yaml;

typedef enum gr_setting_kind {
    GR_SETTING_NONE,   /* behind the last of a table */
    GR_SETTING_BOOL,   /* true, false */
    GR_SETTING_INT,    /* a whole number, at most 2^53 as all numbers here */
    GR_SETTING_COUNT,  /* the same, also 64k, 4M */
    GR_SETTING_REAL,   /* finite */
    GR_SETTING_WORD,   /* one of word[] */
    GR_SETTING_TEXT,   /* any text */
    GR_SETTING_TEXTS,  /* a list of texts, or one text */
    GR_SETTING_COUNTS, /* a list of counts, or one */
    GR_SETTING_REALS,  /* a list of numbers, or one */
    GR_SETTING_FILE,   /* a path, relative to the file that says it; a key holds the digest of what is in it */
    GR_SETTING_CHOICE, /* WORD or {WORD: {OPTION: VALUE}}: one of choice[], which has options of its own */
    GR_SETTING_SETS    /* {RECIPE.KEY: VALUE, ..}, which the reader leaves to its caller; no part of a key */
} gr_setting_kind;

/* What an option holds. */
typedef struct gr_setting_value {
    double number;                   /* bool: 0 or 1; int, count, real; word and choice: which of them */
    const char *text;                /* text, file; NULL: not set. Of a word and a choice its name */
    const char *const *texts;        /* [count] */
    const double *numbers;           /* [count] counts, reals */
    int count;                       /* of lists; of a word that is none, but a list, above 0 */
    const struct gr_settings *inner; /* of a choice: its own options */
    const struct gr_yaml *node;      /* sets: the map, which belongs to the tree that was read; NULL: none */
} gr_setting_value;

typedef struct gr_choice gr_choice;

/* A table is ended by an entry of kind NONE. */
typedef struct gr_setting {
    const char *key, *help;
    gr_setting_kind kind;
    gr_setting_value initial;       /* the default; of a word and a choice the number alone */
    double min, max;                /* of numbers, and of each number of a list; min DBL_MIN: above 0 */
    const char *const *word;        /* ended by NULL */
    const gr_choice *const *choice; /* ended by NULL */
    bool list;                      /* of a word: a list of texts may stand in its place */
    bool each;                      /* a list asks for as many measurements, one for each of its values */
    bool free;                      /* does not decide what is measured: no part of a key */
} gr_setting;

struct gr_choice {
    const char *name, *help;
    const gr_setting *option; /* NULL: it has none */
    const void *entry;        /* what the name stands for, of whoever made the list */
};

/* Values of one table. */
typedef struct gr_settings gr_settings;

/* Reads map (NULL: nothing is said); what it does not say is as in preset, values of the same table (NULL: the table's
 * defaults). GR_ERR_USAGE, with the place in the file: an unknown key (the nearest known one is the hint), a value of
 * another kind, out of range, or an unknown word. On failure *settings is NULL. */
gr_status gr_settings_read(gr_settings **settings, const gr_setting *table, const gr_settings *preset,
                           struct gr_yaml *map, gr_error *err);
void gr_settings_free(gr_settings *settings); /* NULL is fine */

/* The value of a key, which is asserted to be in the table; it holds until it is put anew, or the settings are freed.
 */
const gr_setting_value *gr_settings_get(const gr_settings *settings, const char *key);

/* Sets a value, of which a copy is kept; of a choice its number, with the defaults of its own options. For presets. */
void gr_settings_put(gr_settings *settings, const char *key, const gr_setting_value *value);

/* What of the values is part of a key: compact JSON, keys sorted, of all that is not free and differs from the table's
 * default, a file by its digest, a choice as [NAME, {OPTION: VALUE}]. A new string; gr_free. So a new option leaves the
 * keys of what was measured before it as they are. Errors: those of reading a file. */
gr_status gr_settings_key(char **text, const gr_settings *settings, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

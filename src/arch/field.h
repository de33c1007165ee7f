/* field.h - the fields of a description of a network, and of a region but for its units: one row each, in field.c and
 * region_field.c (kinds of units: unit.h).
 *
 * Recipes, model folders, copies, comparisons, checks of words and the page docs/recipes.md all walk these rows, so a
 * field is one member of gr_arch_def or gr_arch_region and one row, and code where it means something.
 */
#ifndef GR_ARCH_FIELD_H
#define GR_ARCH_FIELD_H

#include "arch/kind.h"

typedef enum gr__field_type {
    GR__FIELD_WHOLE,  /* int */
    GR__FIELD_REAL,   /* double */
    GR__FIELD_FLAG,   /* bool */
    GR__FIELD_WORD,   /* an enumeration, kept as int */
    GR__FIELD_BITS,   /* unsigned, a bit 1 << value for each of some words */
    GR__FIELD_LIST,   /* const int * and the number of its entries */
    GR__FIELD_LAYERS, /* const int *, an entry for each layer; NULL: all layers are alike */
    GR__FIELD_TEXTS   /* const char *const * and the number of its entries */
} gr__field_type;

enum { GR__FIELD_WORDS = 8 };

typedef struct gr__arch_field {
    const char *name; /* of the member, and in model folders */
    gr__field_type type;
    size_t at, count_at;               /* where it is in a description; LIST, TEXTS: where the number of entries is */
    const char *word[GR__FIELD_WORDS]; /* WORD, BITS: of each value; none: asked of the list of kinds */
    const char *one;                   /* BITS: what one of its words is called */
    bool kept;                         /* a network that goes on from another one must agree with it */

    /* Of regions. within: the member that holds it beside others, in recipes and model folders a map, or a kind of
     * units (unit.h) whose map it stands in. owns: a region that has it owns parameters. */
    const char *within;
    bool owns;

    /* In recipes. key: under `model`, or under the region; NULL: recipes do not say it there. of: names of the kinds of
     * networks that have it, NULL: all. first: what a style sets may depend on it. inverse: the key says the opposite
     * of the field. with: another field without which (0) this one has no meaning. min, max: of numbers and of the
     * entries of lists; a min of DBL_MIN: above 0. */
    const char *key, *of, *with;
    bool first, inverse;
    double min, max;
    double value; /* the default; 0 where it follows from others, which `shown` then says */

    /* In docs/recipes.md, where the numbers do not say it; and what the field is. */
    const char *shown, *range, *help;
} gr__arch_field;

/* In the order in which recipes are read; both end with a NULL name. */
extern const gr__arch_field gr__fields[], gr__region_fields[];

/* The word of a value (WORD), NULL where there is none, and the value of a word, -1 where there is none. Rows say them,
 * for names are shared: `norm` of networks and of regions. */
const char *gr__field_word(const gr__arch_field *field, int value);
int gr__field_value(const gr__arch_field *field, const char *word);

/* NULL if there is none; of regions by the map that it is within (NULL: by itself). */
const gr__arch_field *gr__field_find(const char *name);
const gr__arch_field *gr__region_field_find(const char *within, const char *name);
bool gr__field_of(const gr__arch_field *field, const gr__arch *arch); /* whether recipes of this kind have it */

/* ---- values: `in` is the gr_arch_def, or the gr_arch_region, that the row is of ---- */

double gr__field_number(const gr__arch_field *field, const void *in); /* of WHOLE, REAL, FLAG, WORD, BITS */
void gr__field_default(const gr__arch_field *field, void *in);        /* sets it, unless it is a list */

/* The list of a LIST or LAYERS and how many entries it has: 0 where there is none. */
const int *gr__field_list(const gr__arch_field *field, const void *in, int *count);
void gr__field_set_list(const gr__arch_field *field, void *in, const int *list, int count);

/* The same of TEXTS. */
const char *const *gr__field_texts(const gr__arch_field *field, const void *in, int *count);
void gr__field_set_texts(const gr__arch_field *field, void *in, const char *const *texts, int count);

bool gr__field_same(const gr__arch_field *field, const void *a, const void *b);     /* number by number, text by text */
void gr__field_keep(const gr__arch_field *field, void *in, struct gr_arena *arena); /* its list becomes a copy */

/* ---- regions ---- */

/* Whether a region says something of it: it is not 0, not empty; within a map, whether the map is there at all. */
bool gr__region_says(const gr__arch_field *field, const gr_arch_region *region);

/* Whether it stands in the map of a kind of units, beside them. */
bool gr__field_of_units(const gr__arch_field *field);

/* Whether it owns parameters: by units, or by what a row says, except by the member `but` (NULL: none). */
bool gr__region_owns(const gr_arch_region *region, const char *but);

/* The row of docs/recipes.md on a field with a key: "| `layers` | 4 | 1 to 256 | .. |", gr_free. */
char *gr__field_row(const gr__arch_field *field);

#endif

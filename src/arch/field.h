/* field.h - the fields of a description of a network, but for its regions: one row each, in field.c.
 *
 * Recipes, model folders, copies, comparisons, checks of words and the page docs/recipes.md all walk these rows, so a
 * field is one member of gr_arch_def and one row, and code where it means something.
 */
#ifndef GR_ARCH_FIELD_H
#define GR_ARCH_FIELD_H

#include "arch/kind.h"

typedef enum gr__field_type {
    GR__FIELD_WHOLE, /* int */
    GR__FIELD_REAL,  /* double */
    GR__FIELD_FLAG,  /* bool */
    GR__FIELD_WORD,  /* an enumeration, kept as int */
    GR__FIELD_LIST,  /* const int * and the number of its entries */
    GR__FIELD_LAYERS /* const int *, an entry for each layer; NULL: all layers are alike */
} gr__field_type;

enum { GR__FIELD_WORDS = 8 };

typedef struct gr__arch_field {
    const char *name; /* of the member of gr_arch_def, and in model folders */
    gr__field_type type;
    size_t at, count_at;               /* where it is in a description; LIST: where the number of entries is */
    const char *word[GR__FIELD_WORDS]; /* WORD: of each value; none: asked of the list of kinds */
    bool kept;                         /* a network that goes on from another one must agree with it */

    /* In recipes. key: under `model`; NULL: recipes do not say it there. of: names of the kinds of networks that have
     * it, NULL: all. first: what a style sets may depend on it. inverse: the key says the opposite of the field. with:
     * another field without which (0) this one has no meaning. min, max: of numbers and of the entries of lists; a min
     * of DBL_MIN: above 0. */
    const char *key, *of, *with;
    bool first, inverse;
    double min, max;
    double value; /* the default; 0 where it follows from others, which `shown` then says */

    /* In docs/recipes.md, where the numbers do not say it; and what the field is. */
    const char *shown, *range, *help;
} gr__arch_field;

extern const gr__arch_field gr__fields[]; /* in the order in which recipes are read; ends with a NULL name */

const gr__arch_field *gr__field_find(const char *name);                       /* NULL if there is none */
bool gr__field_of(const gr__arch_field *field, const gr__arch *arch);         /* whether recipes of this kind have it */
double gr__field_number(const gr__arch_field *field, const gr_arch_def *def); /* of WHOLE, REAL, FLAG, WORD */

/* The list of a LIST or LAYERS and how many entries it has: 0 where there is none. */
const int *gr__field_list(const gr__arch_field *field, const gr_arch_def *def, int *count);
void gr__field_set_list(const gr__arch_field *field, gr_arch_def *def, const int *list, int count);

void gr__field_default(const gr__arch_field *field, gr_arch_def *def); /* sets it, unless it is a list */

/* The row of docs/recipes.md on a field with a key: "| `layers` | 4 | 1 to 256 | .. |", gr_free. */
char *gr__field_row(const gr__arch_field *field);

#endif

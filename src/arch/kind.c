/* kind.c - the lists of architectures and of styles, and what the words of recipes and files mean by them. A word names
 * a style (and so an architecture), or an architecture without styles. */
#include "arch/kind.h"

#include <string.h>

static const gr__arch *const kinds[] = {
#define GR_ARCH(name) &gr__arch_##name,
#include "arch/kinds.h"
#undef GR_ARCH
};

enum {
#define GR_ARCH(name) kind_##name,
#include "arch/kinds.h"
#undef GR_ARCH
    KINDS
};
_Static_assert(kind_transformer == (int)GR_ARCH_TRANSFORMER && kind_mlp == (int)GR_ARCH_MLP, "the order of kinds.h");

const gr__arch *gr__arch_of(const gr_arch_def *def) {
    return kinds[def->kind >= 0 && def->kind < KINDS ? def->kind : (int)GR_ARCH_TRANSFORMER];
}

int gr__arch_layers(const gr_arch_def *def) { return gr__arch_of(def)->sized ? def->size_count - 2 : def->layers; }

const char *gr__kind_word(int kind) { return kind >= 0 && kind < KINDS ? kinds[kind]->name : NULL; }

/* The number of an architecture, which is its place in kinds.h. */
static int kind_of(const gr__arch *arch) {
    int kind = 0;
    while (kinds[kind] != arch)
        kind++;
    return kind;
}

/* Whether recipes name the architecture by its styles alone. */
static bool has_style(const gr__arch *arch) {
    for (const gr__style *s = gr__styles; s->name; s++)
        if (s->arch == arch)
            return true;
    return false;
}

const char *gr__arch_name(int value) {
    for (const gr__style *s = gr__styles; s->name; s++)
        if (value-- == 0)
            return s->name;

    /* Behind the styles: architectures that have none. */
    for (int kind = 0; kind < KINDS; kind++)
        if (!has_style(kinds[kind]) && value-- == 0)
            return kinds[kind]->name;
    return NULL;
}

/* The style of this name; NULL: there is none. */
static const gr__style *find_style(const char *name) {
    for (const gr__style *s = gr__styles; s->name; s++)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

gr__defaults *gr__arch_named(gr_arch_def *def, const char *word) {
    const gr__style *style = find_style(word);
    def->kind = style ? kind_of(style->arch) : gr_arch_value("kind", word);
    return style ? style->set : gr__arch_of(def)->defaults;
}

bool gr_arch_style(gr_arch_def *def, const char *name) {
    const gr__style *style = find_style(name);
    if (!style)
        return false;
    def->kind = kind_of(style->arch);
    style->set(def);
    return true;
}

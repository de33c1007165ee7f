/* is.c - labels by topics, or by the values of another member of the records. */
#include "base/mem.h"
#include "label/labelling.h"

enum { IS, FIELD };

typedef struct owned {
    const gr_topics *values;
    bool *of; /* [values] the value is the label's */
} owned;

/* Marks the values that the label names; each must occur in some document. */
static gr_status own_values(gr__label_draft *label, owned *o, const size_t *size, gr_error *err) {
    const gr_label_arg *is = &label->arg[IS];
    for (int i = 0; i < is->count; i++) {
        int32_t value = 0;
        GR_TRY(gr__label_value(&value, o->values, size, is->texts[i], label->arg[FIELD].text, label->def->name, err));
        o->of[value] = true;
    }
    return GR_OK;
}

/* Looks the label's values up once: what is left for each document is a look into a table. */
static gr_status open_is(gr__label_draft *label, gr__labelling *m, gr_error *err) {
    const char *field = label->arg[FIELD].text;
    owned *o = label->state = gr_alloc(sizeof *o);

    /* The label goes by topics, or by the field that it names. */
    o->values = m->topics;
    if (field)
        GR_TRY(gr__label_field(m, &o->values, field, label->def->name, err));

    /* How many documents have each value is counted for topics already, and for a field counted here. */
    o->of = gr_alloc(((size_t)o->values->count + 1) * sizeof *o->of);
    size_t *size = field ? gr__label_sizes(o->values) : m->size;
    gr_status status = own_values(label, o, size, err);
    if (field)
        gr_free(size);
    return status;
}

/* Frees what open_is made. */
static void close_is(void *state) {
    owned *o = state;
    if (o)
        gr_free(o->of);
    gr_free(o);
}

/* A document has one value, so all of its positions get the same score. -1: it has none. */
static gr_status score(gr__label_draft *label, gr__labelling *m, size_t doc, size_t positions, gr_error *err) {
    (void)m, (void)err;
    const owned *o = label->state;
    int32_t value = o->values->of[doc];
    for (size_t i = 0; i < positions; i++)
        label->score[i] = value >= 0 && o->of[value];
    return GR_OK;
}

const gr__label_source gr__label_by_is = {
    .arg = {[IS] = {.key = "is", .kind = GR__ARG_TEXTS}, [FIELD] = {"field", GR__ARG_FIELD}},
    .form = "is: [TOPIC, ...]",
    .example = "is: [noun.animal, noun.plant]",
    .unit = GR__UNIT_DOCUMENT,
    .hint_if_taken = "a topic belongs to the first label that names it",
    .open = open_is,
    .close = close_is,
    .score = score,
};

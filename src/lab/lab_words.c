/* Names of models, and what is being done. */
#include "lab/lab_words.h"

#include "base/mem.h"

/* ---- names ---- */

/* Takes the name. */
static char *add(char *name, char separator, const char *key, const char *value) {
    char *longer = gr_format("%s%c%s=%s", name, separator, key, value);
    gr_free(name);
    return longer;
}

static char *add_number(char *name, char separator, const char *key, int64_t number) {
    char *value = gr_format("%lld", (long long)number), *longer = add(name, separator, key, value);
    gr_free(value);
    return longer;
}

/* Whether an arm is several models, which are to be told apart. */
static bool is_several(const gr_lab *lab, const gr__use *use) {
    return gr__lab_places(lab) > 1 || gr_experiment_knobs(lab->experiment, use->arm) > 1;
}

/* The one spelling: ARM, and KEY=VALUE with one character before the first and one before all others. */
static char *spell(const gr_lab *lab, const gr__use *use, char first, char other) {
    const gr_experiment *e = lab->experiment;
    char *name = gr_strdup(e->arm[use->arm].name), separator = first;
    if (!is_several(lab, use))
        return name;

    for (int i = 0; i < e->axes; i++, separator = other)
        name = add(name, separator, e->axis[i].name, e->axis[i].value[gr_experiment_value(e, use->point, i)]);
    if (gr_experiment_knobs(e, use->arm) > 1) {
        name = add_number(name, separator, "knob", use->knob + 1);
        separator = other;
    }
    return lab->seeds > 1 ? add_number(name, separator, "seed", lab->first_seed + use->seed) : name;
}

char *gr__lab_name(const gr_lab *lab, const gr__use *use) { return spell(lab, use, ' ', ' '); }

char *gr__lab_link_name(const gr_lab *lab, const gr__use *use) {
    char *name = spell(lab, use, '@', ',');
    if (!is_several(lab, use))
        return name;
    char *link = gr_format("arms/%s", name);
    gr_free(name);
    return link;
}

/* ---- what is done ---- */

const char *gr__lab_doing(const gr_lab *lab, const gr__use *use) {
    const gr_experiment *e = lab->experiment;
    if (use->kind == GR_CELL_DATA || use->view)
        return NULL;
    if (use->kind == GR_CELL_MODEL)
        return e->arm[use->arm].method->doing;
    const gr_reading *reading = &e->use[use->reading];
    return reading->attack ? reading->attack->doing : reading->measure->doing;
}

const char *gr__reading_briefly(const gr_reading *reading) {
    return reading->attack ? reading->attack->doing : "measuring";
}

/* By settings that the recipe of the open place has nothing against, or in general. Static. */
static const char *doing_with(const gr_lab *lab, const gr__use *use) {
    const gr_reading *reading = use->reading < 0 ? NULL : &lab->experiment->use[use->reading];
    const gr_measure *measure = reading ? reading->measure : NULL;
    gr_settings *settings;
    gr_error none = {0};
    if (!measure || !measure->doing_with || gr__lab_settings(&settings, lab, use, lab->recipe, &none) != GR_OK)
        return gr__lab_doing(lab, use);
    const char *doing = measure->doing_with(settings);
    gr_settings_free(settings);
    return doing;
}

bool gr__lab_takes_time(const gr_lab *lab, int cell) {
    return !lab->cells->cell[cell].left_out && gr__lab_doing(lab, &lab->cells->use[lab->cells->cell[cell].use]) != NULL;
}

char *gr__lab_begins(const gr_lab *lab, int cell) {
    const gr__cells *cells = lab->cells;
    const gr__use *use = &cells->use[cells->cell[cell].use];
    int number = 0, all = 0;
    if (!gr__lab_takes_time(lab, cell))
        return NULL;

    /* Which of its kind, of those that the folder will hold. */
    for (int c = 0; c < cells->cells; c++)
        if (cells->use[cells->cell[c].use].kind == use->kind && gr__lab_takes_time(lab, c)) {
            all++;
            number += c <= cell;
        }
    char *name = gr__lab_name(lab, use);
    char *text = gr_format("%s: %s (%d of %d)", doing_with(lab, use), name, number, all);
    gr_free(name);
    return text;
}

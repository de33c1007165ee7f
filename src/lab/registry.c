/* What experiments are made of, by name. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "gradroute/lab.h"
#include "lab/registry.h"
#include "measure/measure.h"
#include "task/task.h"

#define GR_MEASURE(name) extern const gr_measure gr__measure_##name;
#include "measure/measures.h"
#undef GR_MEASURE
#define GR_METHOD(name) extern const gr_method gr__method_##name;
#include "method/methods.h"
#undef GR_METHOD
#define GR_ATTACK(name) extern const gr_attack gr__attack_##name;
#include "attack/attacks.h"
#undef GR_ATTACK

struct gr_registry {
    const gr_measure **measure;
    int measures;
    size_t measure_room;
    const gr_figure **figure;
    int figures;
    size_t figure_room;
    const gr_method **method;
    int methods;
    size_t method_room;
    const gr_attack **attack;
    int attacks;
    size_t attack_room;
    const gr_task **task;
    int tasks;
    size_t task_room;
};

/* What the library brings has names that differ. */
static void own(gr_status status) {
    assert(status == GR_OK);
    (void)status;
}

gr_registry *gr_registry_new(void) {
    gr_registry *registry = gr_alloc(sizeof *registry);

    /* Each list is a header of lines that say which entries there are. */
#define GR_MEASURE(name) own(gr_registry_add_measure(registry, &gr__measure_##name, NULL));
#include "measure/measures.h"
#undef GR_MEASURE
#define GR_METHOD(name) own(gr_registry_add_method(registry, &gr__method_##name, NULL));
#include "method/methods.h"
#undef GR_METHOD
#define GR_ATTACK(name) own(gr_registry_add_attack(registry, &gr__attack_##name, NULL));
#include "attack/attacks.h"
#undef GR_ATTACK

    /* These are tables, ended by an entry without a name, and by NULL. */
    for (int i = 0; gr__figure_list[i].name; i++)
        own(gr_registry_add_figure(registry, &gr__figure_list[i], NULL));
    for (int i = 0; gr__task_list[i]; i++)
        own(gr_registry_add_task(registry, gr__task_list[i], NULL));
    return registry;
}

void gr_registry_free(gr_registry *registry) {
    if (!registry)
        return;
    gr_free(registry->measure);
    gr_free(registry->figure);
    gr_free(registry->method);
    gr_free(registry->attack);
    gr_free(registry->task);
    gr_free(registry);
}

/* Experiments ask by name, so a second one of it would never be found. */
static gr_status taken(const char *kind, const char *name, gr_error *err) {
    return gr_error_set(err, GR_ERR_USAGE, "registry", "give yours another name, in experiments and recipes too",
                        "the name '%s' is taken: there is such %s %s already", name,
                        strchr("aeiou", *kind) ? "an" : "a", kind);
}

gr_status gr_registry_add_measure(gr_registry *registry, const gr_measure *measure, gr_error *err) {
    if (gr_registry_measure(registry, measure->name))
        return taken("measure", measure->name, err);
    GR_PUSH(registry->measure, registry->measures, registry->measure_room) = measure;
    return GR_OK;
}

const gr_measure *gr_registry_measure(const gr_registry *registry, const char *name) {
    for (int i = 0; i < registry->measures; i++)
        if (!strcmp(registry->measure[i]->name, name))
            return registry->measure[i];
    return NULL;
}

gr_status gr_registry_add_figure(gr_registry *registry, const gr_figure *figure, gr_error *err) {
    if (gr_registry_figure(registry, figure->name))
        return taken("figure", figure->name, err);
    GR_PUSH(registry->figure, registry->figures, registry->figure_room) = figure;
    return GR_OK;
}

const gr_figure *gr_registry_figure(const gr_registry *registry, const char *name) {
    for (int i = 0; i < registry->figures; i++)
        if (!strcmp(registry->figure[i]->name, name))
            return registry->figure[i];
    return NULL;
}

gr_status gr_registry_add_method(gr_registry *registry, const gr_method *method, gr_error *err) {
    if (gr_registry_method(registry, method->name))
        return taken("method", method->name, err);
    GR_PUSH(registry->method, registry->methods, registry->method_room) = method;
    return GR_OK;
}

const gr_method *gr_registry_method(const gr_registry *registry, const char *name) {
    for (int i = 0; i < registry->methods; i++)
        if (!strcmp(registry->method[i]->name, name))
            return registry->method[i];
    return NULL;
}

gr_status gr_registry_add_attack(gr_registry *registry, const gr_attack *attack, gr_error *err) {
    if (gr_registry_attack(registry, attack->name))
        return taken("attack", attack->name, err);
    GR_PUSH(registry->attack, registry->attacks, registry->attack_room) = attack;
    return GR_OK;
}

const gr_attack *gr_registry_attack(const gr_registry *registry, const char *name) {
    for (int i = 0; i < registry->attacks; i++)
        if (!strcmp(registry->attack[i]->name, name))
            return registry->attack[i];
    return NULL;
}

gr_status gr_registry_add_task(gr_registry *registry, const gr_task *task, gr_error *err) {
    if (gr_registry_task(registry, task->name))
        return taken("task", task->name, err);
    GR_PUSH(registry->task, registry->tasks, registry->task_room) = task;
    return GR_OK;
}

const gr_task *gr_registry_task(const gr_registry *registry, const char *name) {
    for (int i = 0; i < registry->tasks; i++)
        if (!strcmp(registry->task[i]->name, name))
            return registry->task[i];
    return NULL;
}

gr_status gr_registry_task_of(const gr_task **task, const gr_registry *registry, const gr_recipe *recipe,
                              gr_error *err) {
    const gr_task **list = gr_alloc(((size_t)registry->tasks + 1) * sizeof *list);
    for (int i = 0; i < registry->tasks; i++)
        list[i] = registry->task[i];
    gr_status status = gr__task_choose(task, list, recipe, err);
    gr_free(list);
    return status;
}

const char **gr__registry_names(const gr_registry *registry, gr__registry_part part, int *count) {
    /* Lists of four types, whose only likeness is that each entry has a name. */
    const int counts[] = {[GR__REGISTRY_METHODS] = registry->methods,
                          [GR__REGISTRY_ATTACKS] = registry->attacks,
                          [GR__REGISTRY_MEASURES] = registry->measures,
                          [GR__REGISTRY_FIGURES] = registry->figures};
    *count = counts[part];
    const char **names = gr_alloc(((size_t)*count + 1) * sizeof *names);

    /* The names are the entries' own. */
    for (int i = 0; i < *count; i++) {
        if (part == GR__REGISTRY_METHODS)
            names[i] = registry->method[i]->name;
        else if (part == GR__REGISTRY_ATTACKS)
            names[i] = registry->attack[i]->name;
        else if (part == GR__REGISTRY_MEASURES)
            names[i] = registry->measure[i]->name;
        else
            names[i] = registry->figure[i]->name;
    }
    return names;
}

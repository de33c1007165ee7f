/* The list of tasks: which of them a recipe is of. */
#include "task/task.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "label/source.h"
#include "recipe/read.h"

/* Each entry of the list stands in a file of its own. */
#define GR_TASK(name) extern const gr_task gr__task_##name;
#include "task/tasks.h"
#undef GR_TASK

#define GR_TASK(name) &gr__task_##name,
const gr_task *const gr__task_list[] = {
#include "task/tasks.h"
    NULL};
#undef GR_TASK

/* The name is none that is known: the nearest one is the hint. */
static gr_status unknown(const gr_task *const *tasks, const gr_recipe *recipe, gr_error *err) {
    int count = 0;
    while (tasks[count])
        count++;

    /* All there are, those of the caller too. */
    const char **known = gr_alloc(((size_t)count + 1) * sizeof *known);
    for (int i = 0; i < count; i++)
        known[i] = tasks[i]->name;
    gr_status status = gr__recipe_unknown(gr_yaml_find(recipe->own, "task"), "task", recipe->task, known, count, err);
    gr_free(known);
    return status;
}

gr_status gr__task_choose(const gr_task **task, const gr_task *const *tasks, const gr_recipe *recipe, gr_error *err) {
    /* By its name where the recipe says it, else the first that takes it. */
    for (int i = 0; tasks[i]; i++) {
        const gr_task *t = tasks[i];
        if (recipe->task ? !strcmp(recipe->task, t->name) : t->fits && t->fits(recipe)) {
            *task = t;
            return GR_OK;
        }
    }
    assert(recipe->task); /* text takes whatever names none */
    return unknown(tasks, recipe, err);
}

void gr__task_note(const gr_control *control, const char *text) {
    if (control && control->note)
        control->note(control->user, text);
}

gr_status gr__task_check_scores(const gr_recipe *r, gr_error *err) {
    /* Soft scores of some label, or counts of tokens, which are made once the data are read. */
    bool soft = false;
    for (int k = 0; k < r->labels; k++)
        soft |= gr__label_is_soft(&r->label[k]);
    for (int i = 0; i < r->routes->count; i++)
        if (r->routes->route[i].mix && !r->routes->route[i].frequency.on && !soft)
            return gr_error_set(err, GR_ERR_USAGE, r->routes->route[i].place,
                                "leave mix out, or give a label scores: FILE with soft: true, or count tokens: mix: {}",
                                "the route weighs rows by a score, and no label has soft scores");
    return GR_OK;
}

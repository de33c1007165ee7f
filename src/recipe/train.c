/* Sections train, diagnostics, twins, relearn and prompts. */
#include <float.h>
#include <string.h>

#include "recipe/read.h"

static const int64_t steps_most = 1000000000;

/* ---- train ---- */

/* The optimiser and its schedule; what is left out is as gr_optim_default says, but for a warm-up of 100 steps. */
static gr_status read_optimizer(gr_yaml *map, gr_optim_def *def, gr_error *err) {
    static const char *const kinds[] = {"adamw", "adam", "sgd", NULL};
    static const char *const schedules[] = {"constant", "linear", "cosine", NULL};
    int kind = GR_OPTIM_ADAMW, schedule = GR_SCHEDULE_COSINE, count = 2;
    double betas[2] = {def->beta1, def->beta2};

    GR_TRY(gr_yaml_choice(map, &kind, "optimizer", kinds, err));
    GR_TRY(gr_yaml_real(map, &def->lr, "lr", DBL_MIN, 100, err));
    def->warmup = 100;
    GR_TRY(gr_yaml_count(map, &def->warmup, "warmup", 0, steps_most, err));
    GR_TRY(gr_yaml_choice(map, &schedule, "schedule", schedules, err));
    GR_TRY(gr_yaml_real(map, &def->final, "final", 0, 1, err));

    /* Both moments' factors, which are one key. */
    GR_TRY(gr__recipe_reals(map, betas, &count, 2, "betas", 0, 1 - 1e-9, err));
    if (count != 2)
        return gr_yaml_fail(gr_yaml_find(map, "betas"), err, "betas: [0.9, 0.95]", "betas has one number, expected 2");

    GR_TRY(gr_yaml_real(map, &def->eps, "eps", DBL_MIN, 1, err));
    GR_TRY(gr_yaml_real(map, &def->decay, "decay", 0, 100, err));
    GR_TRY(gr_yaml_real(map, &def->momentum, "momentum", 0, 1 - 1e-9, err));
    GR_TRY(gr_yaml_real(map, &def->clip, "clip", 0, 1e12, err));

    def->kind = (gr_optim_kind)kind;
    def->schedule = (gr_schedule)schedule;
    def->beta1 = betas[0], def->beta2 = betas[1];
    return GR_OK;
}

/* A multiple of the rate, or one that moves over the run: {from: 1, to: 0.1}. */
static gr_status read_share(gr_yaml *map, gr_optim_group *group, gr_error *err) {
    gr_yaml *node = gr_yaml_find(map, "lr");
    if (!node || node->kind != GR_YAML_MAP)
        return gr_yaml_real(map, &group->lr, "lr", 0, 1000, err);

    group->moves = true;
    group->lr = group->to = -1;
    GR_TRY(gr_yaml_real(node, &group->lr, "from", 0, 1000, err));
    GR_TRY(gr_yaml_real(node, &group->to, "to", 0, 1000, err));
    return group->lr < 0 || group->to < 0
               ? gr_yaml_fail(node, err, "lr: {from: 1, to: 0.1}", "a rate that moves has a beginning and an end")
               : GR_OK;
}

/* Parameters with a rate of their own, as a multiple, and their own decay; below 0: that of all. */
static gr_status read_groups(gr_recipe *recipe, gr_yaml *map, gr_optim_def *def, gr_error *err) {
    gr_yaml *list;
    GR_TRY(gr_yaml_list(map, &list, "groups", err));
    if (!list)
        return GR_OK;
    gr_optim_group *groups = gr_arena_alloc(recipe->arena, sizeof *groups * ((size_t)list->count + 1));

    for (gr_yaml *c = gr_yaml_first(list); c; c = gr_yaml_next(c)) {
        gr_optim_group *group = &groups[def->groups++];
        *group = (gr_optim_group){.lr = 1, .decay = -1};
        GR_TRY(gr_yaml_expect(c, GR_YAML_MAP, err));
        GR_TRY(gr_yaml_text(c, &group->pattern, "parameters", err));
        if (!group->pattern || !group->pattern[0])
            return gr_yaml_fail(c, err, "{parameters: \"*.norm\", lr: 0.5}", "a group names no parameters");
        GR_TRY(read_share(c, group, err));
        GR_TRY(gr_yaml_real(c, &group->decay, "decay", 0, 100, err));
    }
    def->group = groups;
    return GR_OK;
}

/* Steps as such, or enough for the tokens; steps win, so that --set train.steps=10 shortens any recipe. */
static gr_status read_length(gr_yaml *map, gr_recipe_train *t, int context, gr_error *err) {
    /* What is left out is not written into the resolved recipe, or the other one would be contradicted there. */
    t->steps = t->tokens = -1;
    GR_TRY(gr_yaml_count(map, &t->steps, "steps", 1, steps_most, err));
    t->tokens = t->steps > 0 ? -1 : 4000000;
    GR_TRY(gr_yaml_count(map, &t->tokens, "tokens", 1, (int64_t)1 << 50, err));

    int64_t step = (int64_t)t->batch * context;
    if (t->steps < 0) {
        t->steps = (t->tokens + step - 1) / step;
        if (t->steps > steps_most)
            return gr_yaml_fail(gr_yaml_find(map, "tokens"), err, "fewer tokens, or a larger batch",
                                "%lld tokens are %lld steps, expected at most %lld", (long long)t->tokens,
                                (long long)t->steps, (long long)steps_most);
    }
    t->tokens = t->steps * step;
    return GR_OK;
}

/* Rows and steps, the optimiser, and what is kept while training. */
gr_status gr__recipe_read_train(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *map;
    gr_recipe_train *t = &recipe->train;
    GR_TRY(gr_yaml_section(root, &map, "train", err));

    /* Rows of a step; more than 16 million positions are a slip of the pen. */
    t->batch = 32;
    t->checkpoint = 200;
    t->optim = gr_optim_default();
    GR_TRY(gr__recipe_int(map, &t->batch, "batch", 1, 65536, err));
    if ((int64_t)t->batch * recipe->data.context > 1 << 24)
        return gr_yaml_fail(map, err, "a smaller batch or context", "a step has %d rows of %d tokens, above 16 million",
                            t->batch, recipe->data.context);

    /* Rows of a pass: the step in equal parts, one by default. */
    t->micro = t->batch;
    GR_TRY(gr__recipe_int(map, &t->micro, "micro", 1, t->batch, err));
    if (t->batch % t->micro)
        return gr_yaml_fail(gr_yaml_find(map, "micro"), err, NULL,
                            "micro is %d, which does not divide a batch of %d rows", t->micro, t->batch);

    GR_TRY(gr_yaml_bool(map, &t->recompute, "recompute", err));
    if (t->recompute && recipe->model.kind == GR_ARCH_MLP)
        return gr_yaml_fail(gr_yaml_find(map, "recompute"), err, "leave recompute out",
                            "an mlp has no layers to compute again: recompute is for transformers");

    /* How long, and with it the schedule. A run that --set cuts short of its warm-up warms up all the time. */
    GR_TRY(read_length(map, t, recipe->data.context, err));
    GR_TRY(read_optimizer(map, &t->optim, err));
    t->optim.total = t->steps;
    if (t->optim.warmup > t->steps)
        t->optim.warmup = t->steps;
    GR_TRY(read_groups(recipe, map, &t->optim, err));

    /* Checkpoints every so many steps; by default only as often as saving them takes 1 % of the time, but whoever gives
     * a number gets it. */
    t->checkpoint_share = gr_yaml_find(map, "checkpoint") ? 0 : 0.01;
    GR_TRY(gr_yaml_count(map, &t->checkpoint, "checkpoint", 0, steps_most, err));
    return gr_yaml_real(map, &t->checkpoint_share, "checkpoint_share", 0, 1, err);
}

/* ---- diagnostics, twins, relearn, prompts ---- */

/* A set of gradients is 512 positions for each kind of rows (core, labels, hidden labels; at most 4 at a time),
 * whatever the size of a step: it may cost half a step in 50. */
static int64_t usual_interval(const gr_recipe *recipe) {
    int64_t positions = (int64_t)recipe->train.batch * recipe->data.context, kinds = 1 + recipe->labels;
    for (int k = 0; k < recipe->labels; k++)
        kinds += recipe->label[k].known < 1;
    int64_t steps = 50 * 1024 * (kinds < 4 ? kinds : 4);
    return steps > 50 * positions ? (steps + positions - 1) / positions : 50;
}

/* How often gradients and losses are looked at while training. */
static gr_status read_diagnostics(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *map;
    gr_recipe_diagnostics *d = &recipe->diagnostics;
    int64_t every = usual_interval(recipe);
    *d = (gr_recipe_diagnostics){.every = every, .probe = 4 * every, .heldout = 200};
    GR_TRY(gr_yaml_section(root, &map, "diagnostics", err));
    GR_TRY(gr_yaml_count(map, &d->every, "every", 0, steps_most, err));
    GR_TRY(gr_yaml_count(map, &d->probe, "probe", 0, steps_most, err));
    return gr_yaml_count(map, &d->heldout, "heldout", 0, steps_most, err);
}

/* Names of models that an experiment knows. Nothing is said where there is no list: then it is no default either. */
static gr_status read_twins(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    recipe->twins_said = gr_yaml_find(root, "twins") != NULL;
    return recipe->twins_said ? gr_yaml_texts(root, &recipe->twin, &recipe->twins, "twins", err) : GR_OK;
}

/* The attack: text to learn the topic back from, and how. */
static gr_status read_relearn(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    gr_yaml *map;
    gr_recipe_relearn *r = &recipe->relearn;
    *r = (gr_recipe_relearn){.documents = 64, .steps = 30, .batch = 32, .every = 5, .lr = {0.0003, 0.001}, .rates = 2};

    GR_TRY(gr_yaml_section(root, &map, "relearn", err));

    /* As much text as so many documents or so many tokens. */
    if (gr_yaml_find(map, "tokens") && gr_yaml_find(map, "documents"))
        return gr_yaml_fail(map, err, "keep one of them", "relearn has both documents and tokens");
    if (gr_yaml_find(map, "tokens"))
        GR_TRY(gr_yaml_count(map, &r->tokens, "tokens", 1, (int64_t)1 << 40, err));
    else
        GR_TRY(gr__recipe_int(map, &r->documents, "documents", 1, 1 << 24, err));

    GR_TRY(gr__recipe_int(map, &r->steps, "steps", 1, 1000000, err));
    GR_TRY(gr__recipe_int(map, &r->batch, "batch", 1, 65536, err));
    GR_TRY(gr__recipe_int(map, &r->every, "every", 1, 1000000, err));
    return gr__recipe_reals(map, r->lr, &r->rates, GR_RECIPE_RATES, "lr", DBL_MIN, 100, err);
}

/* Sections of the comparison, which training does not read. */
gr_status gr__recipe_read_lab(gr_recipe *recipe, gr_yaml *root, gr_error *err) {
    GR_TRY(read_diagnostics(recipe, root, err));
    GR_TRY(read_twins(recipe, root, err));
    GR_TRY(read_relearn(recipe, root, err));
    return gr_yaml_texts(root, &recipe->prompt, &recipe->prompts, "prompts", err);
}

/* As many steps as take the operations of another training. */
#include <math.h>

#include "method/training.h"
#include "task/project_stream.h"

/* Operations of the recipe's steps by its routes, on a network with all its regions. */
static gr_status routed_flops(double *flops, const gr__training *like, gr_model *model, gr_error *err) {
    const gr_project *p = &like->shown.project;
    const gr_recipe *r = p->recipe;
    gr_router *router;
    gr_stream *stream = NULL;
    gr_tally tally;

    /* Its router and its rows: all of them, once more. */
    GR_TRY(gr_router_new(&router, model, r->routes, r->seed, err));
    gr_status status = gr__project_stream(&stream, p, &(gr__read_def){0}, err);
    if (status == GR_OK) {
        gr_train_def def = like->def;
        def.model = model;
        def.router = router;
        def.stream = stream;
        status = gr_train_tally(&tally, &def, err);
    }
    if (status == GR_OK) {
        *flops = tally.all.flops;
        gr_tally_free(&tally);
    }
    gr_stream_free(stream);
    gr_router_free(router);
    return status;
}

gr_status gr__training_match(gr__training *own, const gr_settings *settings, gr_error *err) {
    const gr_project *p = &own->shown.project;
    gr_arch_def *def;
    gr_model *model;
    gr_tally tally;
    double wanted;
    if (!gr__train_matched(settings))
        return GR_OK;

    /* What the other takes, and what this one takes for as many steps. */
    GR_TRY(p->task->network(&def, &model, p, err));
    gr_status status = routed_flops(&wanted, own, model, err);
    gr_model_free(model);
    gr_arch_free(def);
    GR_TRY(status);
    GR_TRY(gr_train_tally(&tally, &own->def, err));
    const double ratio = tally.all.flops > 0 ? wanted / tally.all.flops : 1;
    gr_tally_free(&tally);

    /* The schedule ends with the steps. */
    const int64_t steps = llround((double)own->def.steps * ratio);
    own->def.optim.total += steps - own->def.steps;
    own->def.steps = steps;
    return GR_OK;
}

/* What a run would cost, from the compiled network; and the speed of this machine's products, from a short measurement.
 */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "gradroute/lab.h"
#include "kernel/kernel.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Operations per second of the forward product of an MLP-like layer in blocks of 512 rows: the best of a fifth of a
 * second, so that a moment of other load does not count. */
static double product_speed(void) {
    enum { M = 512, N = 768, K = 256 };
    gr_real *a = gr_alloc(M * K * sizeof *a), *b = gr_alloc(N * K * sizeof *b), *c = gr_alloc(M * N * sizeof *c);
    gr_gemm *gemm = gr_gemm_new(&(gr_gemm_def){M, N, K, .trans_b = true, .lda = K, .ldb = K, .ldc = N});
    double best = 1e9, begin = now();
    for (int i = 0; i < 20 || now() - begin < 0.2; i++) {
        double start = now();
        gr_gemm_run(gemm, c, a, b);
        double spent = now() - start;
        best = i >= 5 && spent < best ? spent : best; /* the first runs wake threads and caches */
    }
    gr_gemm_free(gemm);
    gr_free(a);
    gr_free(b);
    gr_free(c);
    return 2.0 * M * N * K / best;
}

/* Numbers of the matrices that every row is multiplied by: everything but vectors and tables that are only looked up.
 */
static double multiplied(const gr_model *model, const gr_arch_def *def) {
    double n = 0;
    for (int p = 0; p < gr_model_params(model); p++) {
        const gr_param_def *d = gr_model_param(model, p);
        size_t length = strlen(d->name);
        bool output = length >= 7 && strcmp(d->name + length - 7, "unembed") == 0;
        bool embed = length >= 5 && strcmp(d->name + length - 5, "embed") == 0 && !output;
        if (d->kind == GR_KIND_WEIGHT || output || (embed && def->tied))
            n += (double)d->rows * d->cols;
    }
    return n;
}

gr_status gr_plan_new(gr_plan *plan, const gr_project *project, gr_arm_kind kind, gr_error *err) {
    const gr_recipe *r = project->recipe;
    gr_arch_def *def;
    gr_model *model;
    gr_router *router = NULL;
    *plan = (gr_plan){.steps = r->train.steps, .tokens_per_step = (int64_t)r->train.batch * r->data.context};
    GR_TRY(gr_arm_build(&def, &model, project, kind, err));
    gr_status status = GR_OK;
    if (kind == GR_ARM_ROUTED && r->routes->count > 0)
        status = gr_router_new(&router, model, r->routes, r->seed, err);
    if (status == GR_OK) {
        size_t *regions = gr_alloc(((size_t)def->region_count + 1) * sizeof *regions);
        status = gr_arch_parameters(def, &plan->core, regions, err);
        for (int i = 0; i < def->region_count; i++)
            plan->region += regions[i];
        gr_free(regions);
        int rows = r->train.micro ? r->train.micro : r->train.batch;
        gr_run_def run = {.rows = rows * r->data.context, .train = true};
        plan->memory = gr_run_plan(model, router ? gr_router_tables(router) : NULL, &run);
        plan->optimiser = gr_optim_plan(model, &r->train.optim);
        plan->flops_per_step = 6 * multiplied(model, def) * (double)plan->tokens_per_step;
        plan->seconds_per_step = plan->flops_per_step / product_speed();
    }
    gr_router_free(router);
    gr_model_free(model);
    gr_arch_free(def);
    return status;
}

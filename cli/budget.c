/* budget.c - what fits into so many minutes, by steps and passes that are timed before anything is begun. */
#include "budget.h"

#include <math.h>
#include <omp.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/yaml.h"
#include "lab/claims.h"
#include "plan_experiment.h"

gr_status gr__budget_plan(gr_plan *p, gr_lab *lab, const gr__budget *b, const gr_control *control, gr_error *err) {
    const int share = gr_cores() / b->jobs, before = omp_get_max_threads();
    if (b->threads || b->jobs > 1)
        omp_set_num_threads(b->threads ? b->threads : share > 0 ? share : 1);
    gr_status status = gr_plan_new(p, lab, control, err);
    omp_set_num_threads(before);
    return status;
}

double gr__budget_seconds(const gr_plan *p, const gr__budget *b) { return gr__planned_seconds(p) / b->jobs; }

/* ---- nothing fits ---- */

/* As many digits of a count as an estimate is worth. */
static double rounded(double count) {
    const double unit = pow(10, fmax(0, floor(log10(fmax(1, count))) - 1));
    return floor(count / unit) * unit;
}

char *gr__budget_what_fits(const gr_plan *p, const gr_lab *lab, const gr__budget *b, const char *fewer) {
    /* Training scales with the text that is read; measuring and attacks take what they take. */
    const gr_recipe *r = gr_lab_project(lab)->recipe;
    const double fixed = (p->measuring + p->attacking) / b->jobs, left = 60 * b->minutes - fixed;
    const double share = p->training > 0 ? left * b->jobs / p->training : 0;

    /* In the unit in which the recipe says how long it trains. */
    const gr_yaml *train = gr__yaml_child(r->root, "train");
    const bool by_tokens = train && gr__yaml_child(train, "tokens");
    const double most = share * (double)(by_tokens ? r->train.tokens : r->train.steps);
    char clock[32];
    if (most >= 1)
        return gr_format("about --set train.%s=%.0f would fit, or %s; nothing was begun",
                         by_tokens ? "tokens" : "steps", rounded(most), fewer);
    return gr_format("measuring and attacks alone take about %s: %s, fewer documents (data.test), a smaller network; "
                     "nothing was begun",
                     gr__text_time(clock, fixed), fewer);
}

static gr_status refuse(const gr_plan *p, const gr_lab *lab, const gr__budget *b, gr_error *err) {
    char clock[32], *hint = gr__budget_what_fits(p, lab, b, "fewer --arms");
    gr_error_set(err, GR_ERR_USAGE, "--budget", hint, "one seed takes about %s, more than %g %s",
                 gr__text_time(clock, gr__budget_seconds(p, b)), b->minutes, b->minutes == 1 ? "minute" : "minutes");
    gr_free(hint);
    return GR_ERR_USAGE;
}

/* ---- fewer seeds ---- */

void gr__budget_say(const gr__budget *b, const gr_control *control) {
    char all[32], cut[32];
    if (b->seeds == b->asked)
        return;
    char *text = gr_format(
        "--budget %g: cut to %d of %d seeds, which take about %s in place of %s%s", b->minutes, b->seeds, b->asked,
        gr__text_time(cut, b->cut), gr__text_time(all, b->all),
        b->seeds < GR__CLAIM_SEEDS && b->asked >= GR__CLAIM_SEEDS ? "; claims take 5 and will stay undecided" : "");
    control->note(control->user, text);
    gr_free(text);
}

/* The same experiment with this many seeds, in place of *lab. */
static gr_status open_again(gr_lab **lab, gr_lab_def *def, int seeds, const gr_control *control, gr_error *err) {
    gr_lab_free(*lab);
    *lab = NULL;
    def->seeds = seeds;
    return gr_lab_open(lab, def, control, err);
}

gr_status gr__budget_fit(gr_lab **lab, gr_lab_def *def, gr__budget *b, const gr_control *control, gr_error *err) {
    gr_plan p = {0};
    const double most = 60 * b->minutes;
    GR_TRY(gr__budget_plan(&p, *lab, b, control, err));
    b->asked = b->seeds = p.seeds;
    b->all = b->cut = gr__budget_seconds(&p, b);

    /* As many as would fit if each took the same; what is done already may leave room for fewer than that. */
    gr_status status = gr__plan_fits(&p, "--budget", err);
    while (status == GR_OK && b->cut > most && b->seeds > 1) {
        const int fit = (int)fmin(b->seeds - 1, floor(b->seeds * most / b->cut));
        b->seeds = fit > 1 ? fit : 1;
        gr_plan_free(&p);
        status = open_again(lab, def, b->seeds, control, err);
        if (status == GR_OK)
            status = gr__budget_plan(&p, *lab, b, control, err);
        b->cut = status == GR_OK ? gr__budget_seconds(&p, b) : 0;
    }
    if (status == GR_OK && b->cut > most)
        status = refuse(&p, *lab, b, err);
    gr_plan_free(&p);
    if (status == GR_OK)
        gr__budget_say(b, control);
    return status;
}

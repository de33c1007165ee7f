/* bench.h - how fast training is, measured against something in the same run.
 *
 *     int which[] = {0, 1};                            gr_bench_name(0), gr_bench_name(1)
 *     gr_bench_def def = {.threads = 2, .peers = getenv("GRADROUTE_PEERS"), .row = print_row, .user = out};
 *     GR_TRY(gr_bench_run(which, 2, &def, err));
 *
 * A benchmark times whole training steps (forward, backward, optimiser; or tokens of generated text) beside what they
 * are measured against: PyTorch doing the same, the step's own matrix products by themselves (the bound), the same
 * network without routes, one thread. Both sides take turns, round after round. A round's sample is the median of a few
 * steps after one that does not count; a row gives the median of the samples and the smallest and largest of them.
 *
 * The bound is the time of the matrix products of linear layers alone (forward, gradient of the input, gradient of the
 * weights), each in the layout in which oneDNN is fastest: bound.h.
 */
#ifndef GR_BENCH_BENCH_H
#define GR_BENCH_BENCH_H

#include <signal.h>

#include "gradroute/model.h"

/* Milliseconds: the median over rounds, the smallest and the largest. */
typedef struct gr_spread {
    double median, low, high;
} gr_spread;

typedef struct gr_bench_row {
    char name[48], against[48];
    const char *unit; /* of ours and theirs: "ms/step" or "ms/token" */
    gr_spread ours, theirs;
    const char *precision; /* of ours: "float32" or "bf16" */
    double ratio;          /* theirs / ours: how many times as fast as what it is measured against */
    char skipped[96];      /* why there are no figures; empty: there are */
} gr_bench_row;

/* Where the time of a timed network's step goes. */
enum { GR_BENCH_OPS = 32 };
typedef struct gr_bench_profile {
    char name[48];
    bool half;   /* products in bfloat16 */
    double step; /* milliseconds a step, as are all below; means over all timed steps */
    int ops;
    gr_op_time op[GR_BENCH_OPS]; /* the longest first */
    double other;                /* optimiser, clearing, assembling the batch */
    double bound;                /* of all products on all rows; 0: not measured (routed steps leave products out) */
} gr_bench_profile;

/* All zero is fine but for row. */
typedef struct gr_bench_def {
    int threads;         /* 0: 2, or all cores if there are fewer */
    bool quick;          /* a few small steps, to see that it works */
    const char *peers;   /* folder of the scripts that time PyTorch; NULL: rows that need it are skipped */
    const char *scripts; /* folder of our own such scripts; NULL: "bench" */
    const volatile sig_atomic_t *stop;
    void (*row)(void *user, const gr_bench_row *row);             /* as soon as it is measured */
    void (*profile)(void *user, const gr_bench_profile *profile); /* at the end, one for a network; NULL: none */
    void (*note)(void *user, const char *text);                   /* what begins now; NULL: none */
    void *user;
} gr_bench_def;

/* Threads that gr_bench_run would use. */
int gr_bench_threads(const gr_bench_def *def);

int gr_benches(void);
const char *gr_bench_name(int index);
const char *gr_bench_help(int index);

/* Runs the listed benchmarks in their order. Sets OpenMP's threads. What a benchmark needs and the machine lacks makes
 * a skipped row. GR_ERR_INTERRUPTED: stopped between two steps; rows reported so far hold. GR_ERR_MEMORY. */
gr_status gr_bench_run(const int *which, int count, const gr_bench_def *def, gr_error *err);

#endif

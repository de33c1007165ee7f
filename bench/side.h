/* side.h - what can be timed in turns: networks, their bound, scripts of PyTorch, memory, generated text.
 *
 *     gr__net *net;
 *     GR_TRY(gr__net_transformer(&net, &(gr__net_def){.name = "gpt-small", .arch = arch, .batch = 16}, err));
 *     gr__side ours = {gr__net_sample, net};
 *     double seconds;
 *     GR_TRY(ours.sample(ours.self, &seconds, err));
 *     gr__net_free(net);
 */
#ifndef GR_BENCH_SIDE_H
#define GR_BENCH_SIDE_H

#include "bench/bench.h"
#include "gradroute/arch.h"
#include "gradroute/route.h"

/* Seconds of one step (or token): the median of a few after one that does not count. */
typedef struct gr__side {
    gr_status (*sample)(void *self, double *seconds, gr_error *err);
    void *self;
} gr__side;

/* ---- networks (net.c) -------------------------------------------------------------------------------------------- */

/* The conditions of all timing. */
typedef struct gr__conditions {
    int threads;
    bool quick, time; /* time: by op */
    const volatile sig_atomic_t *stop;
} gr__conditions;

gr_status gr__bench_stopped(const gr__conditions *conditions, gr_error *err); /* GR_ERR_INTERRUPTED if asked to */

typedef struct gr__net gr__net;

typedef struct gr__net_def {
    const char *name;
    gr_arch_def arch;        /* of a transformer: one document of arch.context tokens a row */
    int batch;               /* rows of a step */
    double labelled;         /* share of the rows that have label 1, spread over the batch; the others are core */
    const gr_routes *routes; /* NULL: the plain step */
    gr_precision precision;  /* AUTO: whichever is faster, tried when the network is made (but for quick) */
    gr__conditions conditions;
} gr__net_def;

gr_status gr__net_transformer(gr__net **net, const gr__net_def *def, gr_error *err);

/* 784-2048-512-32 and back with split gradients, and two decoders that each see half of the code and pass nothing on:
 * losses and optimiser as in the MNIST experiment of the gradient routing paper. */
gr_status gr__net_autoencoder(gr__net **net, const gr__net_def *def, gr_error *err);
void gr__net_free(gr__net *net);

gr_status gr__net_sample(void *net, double *seconds, gr_error *err);
gr_status gr__net_bound_sample(void *net, double *seconds, gr_error *err); /* of its products; 0: cannot be */
bool gr__net_half(const gr__net *net);                                     /* its products are in bfloat16 */
void gr__net_profile(gr_bench_profile *profile, const gr__net *net);       /* all but the bound */

/* ---- PyTorch (peer.c) -------------------------------------------------------------------------------------------- */

/* A script that prints a line of JSON a setting: {"bf16": true, "routed": false, "ms_median": 12.3, ...}. The first
 * sample tries both ways in which threads can wait and keeps the faster, and of its lines the faster precision. */
typedef struct gr__peer {
    const char *peers, *script; /* peers: run by its run.sh; NULL: script is a path, run by python3 */
    const char *args;           /* separated by blanks */
    int routed;                 /* the value that its lines must have; -1: they have none */
    gr__conditions conditions;
    /* Filled by sampling. */
    bool chosen, half;
    const char *wait;
    char failed[96]; /* why it has no figures; empty: it has */
} gr__peer;

/* A script that fails gives 0 seconds and fills `failed`. */
gr_status gr__peer_sample(void *peer, double *seconds, gr_error *err);

/* ---- generated text (text.c) ------------------------------------------------------------------------------------- */

typedef struct gr__generation gr__generation;
gr_status gr__generation_new(gr__generation **text, const gr_arch_def *arch, const gr__conditions *conditions,
                             gr_error *err);
void gr__generation_free(gr__generation *text);
gr_status gr__generation_sample(void *text, double *seconds, gr_error *err); /* of one token */
gr_status gr__generation_read_sample(void *text, double *seconds,
                                     gr_error *err); /* reading what it reads for a token */

#endif

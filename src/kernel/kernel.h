/* kernel.h - loops over floats and sizes: no graph, no threads, no allocation.
 *
 * vec_*.c are compiled once per instruction set; gr_kernel() returns the table that this processor (or GRADROUTE_ISA:
 * base, avx2, avx512, bf16, amx) should use. Outputs first, sizes last; strides are in numbers.
 */
#ifndef GR_KERNEL_KERNEL_H
#define GR_KERNEL_KERNEL_H

#include "base/half.h"
#include "gradroute/base.h"

/* GR_NAME(add) is gr__avx2_add in the file compiled for AVX2. */
#ifdef GR_ISA
#define GR_JOIN(a, b, c) a##b##_##c
#define GR_PASTE(a, b, c) GR_JOIN(a, b, c)
#define GR_NAME(name) GR_PASTE(gr__, GR_ISA, name)
#endif

/* A product C = A B (+ bias) or C += A B on row-major matrices, with A or B read transposed: made once for fixed sizes,
 * run often. A is [m x k] ([k x m] if trans_a), B [k x n] ([n x k] if trans_b), C [m x n], bias [n]; lda, ldb, ldc are
 * row strides as stored. half: A and B are bfloat16, summed in float; half_c: C is too. float: oneDNN (dnnl_gemm.c);
 * double: gr__gemm_reference. single_thread: the calling thread computes all of it, and as many threads as OpenMP had
 * when it was made may run it at the same time; otherwise runs of one product must not overlap. */
typedef struct gr_gemm_def {
    int m, n, k;
    bool trans_a, trans_b;
    int lda, ldb, ldc;
    bool accumulate, bias;
    bool half, half_c;
    bool single_thread;
} gr_gemm_def;
typedef struct gr_gemm gr_gemm;
/* Working memory that products share, each thread its own: as much as the largest of them needs. Made of zeros; ready
 * (false: memory was refused, products then run in plain loops) once all its products are made. */
typedef struct gr_gemm_pool {
    size_t bytes; /* of one thread */
    int threads;  /* threads */
    void *data;
} gr_gemm_pool;
bool gr_gemm_pool_ready(gr_gemm_pool *pool);
void gr_gemm_pool_free(gr_gemm_pool *pool);
gr_gemm *gr_gemm_new(const gr_gemm_def *def, gr_gemm_pool *pool); /* pool NULL: memory of its own */
void gr_gemm_free(gr_gemm *gemm);
void gr_gemm_run(gr_gemm *gemm, void *c, const void *a, const void *b, const gr_real *bias);
void gr__gemm_reference(const gr_gemm_def *def, void *c, const void *a, const void *b, const gr_real *bias);
bool gr_gemm_has_half(void); /* whether this processor (and GRADROUTE_ISA) has instructions for it */

/* What an update multiplies by, settled once a step. With d = scale g + l2 keep p:
 * adam: m = b1 m + c1 d; v = b2 v + c2 d^2; p = keep p - rate m / (root sqrt(v) + eps)
 * sgd (keep = 1): m = momentum m + d; p -= rate m, or rate d without m. */
typedef struct gr_adam {
    gr_real scale, keep, l2, b1, c1, b2, c2, rate, root, eps;
} gr_adam;
typedef struct gr_sgd {
    gr_real scale, l2, momentum, rate;
} gr_sgd;

/* A head of keys and values and the `group_size` query heads that read it, in one document. Strides are in numbers of
 * either kind. Where values are bfloat16 and the instruction set multiplies it, products of q, k, v and gradients take
 * bfloat16 operands; sums and softmax are always gr_real. */
typedef struct gr_head {
    const void *qkv;     /* row 0: each q, then k, then v, of `size` columns each */
    bool half, half_out; /* qkv and dqkv; out and dout: gr_half in place of gr_real */
    int stride, stride_out;
    const gr_real *turn; /* [rows x size] cos and sin of each pair's angle, NULL: no rotation */
    int apart;           /* 0: pairs are neighbours; else (i, i + apart), the others stay: turn has cos, then sin */
    int window;          /* a row sees this many, the last of which is itself; 0: all before it */
    gr_real scale;       /* of scores */
    int rows, size;
    int group_size; /* query heads, at least 1; out has `size` columns for each */
    int lse_stride; /* from the log-sum-exps of a query head to those of the next */
} gr_head;

/* Attention in plain loops, in double (attention/attention_reference.c): the specification of the fast one. rows
 * [rows x (group_size + 2) size] is qkv with q and k turned; out and dout [rows x group_size size], lse [group_size x
 * rows], the probabilities p [group_size x rows x rows], dqkv as rows, but of what is not turned. All packed, all
 * overwritten. */
void gr__attention_reference_rows(double *rows, const gr_head *head);
void gr__attention_reference(double *out, double *lse, double *p, const gr_head *head);
void gr__attention_backward_reference(double *dqkv, const double *dout, const double *p, const gr_head *head);

/* The vectorised loops. Pointers may be equal where that makes sense (y = x), but must not overlap shifted. `add`
 * says whether a result is added to (true) or overwritten (false). */
typedef struct gr_kernels {
    const char *isa;

    /* ---- arithmetic on n numbers (vec_arith.c) */
    void (*add)(gr_real *y, const gr_real *a, const gr_real *b, int n);                /* y = a + b */
    void (*scale)(gr_real *y, gr_real s, const gr_real *x, int n, bool add);           /* y (+)= s x */
    void (*mul)(gr_real *y, const gr_real *a, const gr_real *b, int n, bool add);      /* y (+)= a b */
    void (*mul_add)(gr_real *y, gr_real s, const gr_real *a, const gr_real *b, int n); /* y += s a b */
    gr_real (*dot)(const gr_real *a, const gr_real *b, int n);
    gr_real (*sum)(const gr_real *x, int n);

    /* ---- n numbers between float and bfloat16 (vec_half.c); not in the double library */
    void (*widen)(gr_real *y, const gr_half *x, int n);
    void (*narrow)(gr_half *y, const gr_real *x, int n);

    /* ---- w [rows x cols], row stride ld, times one vector (vec_gemv.c): y[rows] (+)= w x, and y[cols] (+)= w^T x. An
     * element of y is summed alike whatever part of y is asked for. The last two not in the double library. */
    void (*gemv)(gr_real *y, const gr_real *w, int ld, const gr_real *x, int rows, int cols, bool add);
    void (*gemv_t)(gr_real *y, const gr_real *w, int ld, const gr_real *x, int rows, int cols, bool add);
    void (*gemv_half)(gr_real *y, const gr_half *w, int ld, const gr_real *x, int rows, int cols, bool add);
    void (*gemv_t_half)(gr_real *y, const gr_half *w, int ld, const gr_real *x, int rows, int cols, bool add);

    /* ---- activations on n numbers (vec_activation.c): of each line of elementwise.h y = f(x), and dx (+)= f'(x) dy */
#define GR_ELEMENTWISE(name, ...)                       \
    void (*name)(gr_real * y, const gr_real *x, int n); \
    void (*name##_backward)(gr_real * dx, const gr_real *dy, const gr_real *x, int n, bool add);
#include "kernel/elementwise.h"
#undef GR_ELEMENTWISE
    void (*swiglu)(gr_real *y, const gr_real *gate, const gr_real *up, int n);
    /* dgate or dup may be NULL; when they are one buffer, dgate is written first. */
    void (*swiglu_backward)(gr_real *dgate, bool add_gate, gr_real *dup, bool add_up, const gr_real *dy,
                            const gr_real *gate, const gr_real *up, int n);

    /* ---- one row of a norm: xhat = (x - mean) inv, y = gain xhat + shift (vec_norm.c); gain, shift may be NULL */
    void (*moments)(gr_real *mean, gr_real *variance, const gr_real *x, int n);
    void (*norm)(gr_real *y, const gr_real *x, gr_real mean, gr_real inv, const gr_real *gain, const gr_real *shift,
                 int n);
    /* xhat again; adds sum(gain dy) to sums[0] and sum(gain dy xhat) to sums[1]. */
    void (*norm_sums)(gr_real sums[2], gr_real *xhat, const gr_real *dy, const gr_real *x, gr_real mean, gr_real inv,
                      const gr_real *gain, int n);
    /* dx (+)= inv (gain dy - m0 - m1 xhat), m the means that belong to the sums. */
    void (*norm_backward)(gr_real *dx, const gr_real *dy, const gr_real *xhat, gr_real inv, gr_real m0, gr_real m1,
                          const gr_real *gain, int n, bool add);

    /* ---- one row of a loss (vec_loss.c) */
    gr_real (*log_sum_exp)(const gr_real *x, int n);
    void (*softmax)(gr_real *y, const gr_real *x, int n); /* y = exp(x) / sum exp(x) */
    /* dx (+)= d (exp(x - lse) - [j == target]); target may lie outside, in another part of the row */
    void (*cross_entropy_backward)(gr_real *dx, const gr_real *x, gr_real lse, int target, gr_real d, int n, bool add);
    gr_real (*squared_error)(const gr_real *a, const gr_real *b, int n); /* sum (a - b)^2 */
    void (*difference)(gr_real *y, gr_real s, const gr_real *a, const gr_real *b, int n,
                       bool add);                                                             /* y (+)= s (a - b) */
    gr_real (*absolute_error)(const gr_real *a, const gr_real *b, int n);                     /* sum |a - b| */
    void (*sign)(gr_real *y, gr_real s, const gr_real *a, const gr_real *b, int n, bool add); /* y (+)= s sgn(a - b) */
    gr_real (*l1)(const gr_real *x, int n);                                                   /* sum |x| */
    void (*l1_backward)(gr_real *y, gr_real s, const gr_real *x, int n, bool add);            /* y (+)= s sgn(x) */

    /* ---- the query heads of one head of keys in one document (vec_attention.c). dqkv lies as head->qkv does, and may
     * be head->qkv unless added to; dout lies as out; lse: [group_size x rows], the log-sum-exp of each row's scores;
     * scratch: attention_scratch(rows, size) numbers for either pass. */
    void (*attention)(void *out, gr_real *lse, const gr_head *head, gr_real *scratch);
    void (*attention_backward)(void *dqkv, bool add, const void *dout, const gr_real *lse, const gr_head *head,
                               gr_real *scratch);
    size_t (*attention_scratch)(int rows, int size);

    /* ---- n numbers of a parameter and its moments, updated in one pass (vec_optim.c) */
    double (*squares)(const gr_real *x, int n); /* sum of x^2 */
    void (*adam)(gr_real *p, gr_real *m, gr_real *v, const gr_real *g, const gr_adam *constants, int n);
    void (*sgd)(gr_real *p, gr_real *m, const gr_real *g, const gr_sgd *constants, int n); /* m may be NULL */
} gr_kernels;

const gr_kernels *gr_kernel(void);                 /* chosen once, by processor and GRADROUTE_ISA */
const char *gr_kernel_isa(void);                   /* its name */
const gr_kernels *gr__kernel_get(const char *isa); /* a table by name; NULL: not built or this processor lacks it */

#endif

/* vec.h - each vec_*.c fills its part of a table; compiled once per instruction set. */
#ifndef GR_KERNEL_VEC_H
#define GR_KERNEL_VEC_H

#include "kernel/kernel.h"

#define GR_VEC_FILL(isa)                             \
    void gr__##isa##_fill_arith(gr_kernels *k);      \
    void gr__##isa##_fill_half(gr_kernels *k);       \
    void gr__##isa##_fill_gemv(gr_kernels *k);       \
    void gr__##isa##_fill_activation(gr_kernels *k); \
    void gr__##isa##_fill_norm(gr_kernels *k);       \
    void gr__##isa##_fill_loss(gr_kernels *k);       \
    void gr__##isa##_fill_attention(gr_kernels *k);  \
    void gr__##isa##_fill_optim(gr_kernels *k)

GR_VEC_FILL(base);
GR_VEC_FILL(avx2);
GR_VEC_FILL(avx512);
GR_VEC_FILL(bf16);
GR_VEC_FILL(amx);

#endif

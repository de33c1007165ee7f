/* dnnl_shim.h - products as oneDNN describes them, alike for its versions 2 and 3, whose C interfaces differ. */
#ifndef GR_KERNEL_DNNL_SHIM_H
#define GR_KERNEL_DNNL_SHIM_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>

enum { GR__DNNL_A, GR__DNNL_B, GR__DNNL_C, GR__DNNL_BIAS, GR__DNNL_MATRICES };

/* A matrix as oneDNN sees it: [rows x cols] at two strides, so that a transposed one is only read differently. */
typedef struct gr__dnnl_matrix {
    dnnl_dims_t dims, strides; /* no rows: there is none (a bias) */
    dnnl_data_type_t type;
    bool any_layout; /* whatever oneDNN likes best, in place of strides */
} gr__dnnl_matrix;

/* Whether a call of oneDNN did what it should. One that was refused memory ends as our own allocations do: a product
 * that another loop computed instead would have other bits. */
bool gr__dnnl_done(dnnl_status_t status);

/* Strict float32 whatever oneDNN's environment variables say; C += A B as a sum that follows the product. */
bool gr__dnnl_attr_new(dnnl_primitive_attr_t *attr, bool accumulate);

/* C = A B (+ bias). */
bool gr__dnnl_product_new(dnnl_primitive_desc_t *product, dnnl_engine_t engine,
                          const gr__dnnl_matrix m[GR__DNNL_MATRICES], const_dnnl_primitive_attr_t attr);

#endif

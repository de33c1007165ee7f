/* dnnl_attr.h - attributes of the products that dnnl_*.c make. */
#ifndef GR_KERNEL_DNNL_ATTR_H
#define GR_KERNEL_DNNL_ATTR_H

#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>

static inline bool gr__dnnl_append_sum(dnnl_post_ops_t ops) {
#if DNNL_VERSION_MAJOR >= 3
    return !dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
#else
    return !dnnl_post_ops_append_sum(ops, 1.0f);
#endif
}

/* Strict float32 whatever oneDNN's environment variables say; C += A B as a sum that follows the product. */
static inline bool gr__dnnl_attr_new(dnnl_primitive_attr_t *attr, bool accumulate) {
    dnnl_post_ops_t ops = NULL;
    bool ok = !dnnl_primitive_attr_create(attr) &&
              !dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user) &&
              !dnnl_primitive_attr_set_fpmath_mode(*attr, dnnl_fpmath_mode_strict);
    if (ok && accumulate) {
        ok = !dnnl_post_ops_create(&ops) && gr__dnnl_append_sum(ops) && !dnnl_primitive_attr_set_post_ops(*attr, ops);
        if (ops)
            dnnl_post_ops_destroy(ops);
    }
    return ok;
}

#endif

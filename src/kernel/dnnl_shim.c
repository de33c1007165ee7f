/* dnnl_shim.c - the one place that knows oneDNN's versions. Functions of oneDNN return a status; here they return
 * whether they did what they should, so that calls can be joined by &&. */
#ifndef GR_DOUBLE
#include "kernel/dnnl_shim.h"

#include "base/mem.h"

#include <stddef.h>

bool gr__dnnl_done(dnnl_status_t status) {
    if (status == dnnl_out_of_memory)
        gr__refused(0);
    return status == dnnl_success;
}

#if DNNL_VERSION_MAJOR >= 3

/* Descriptions are objects with an owner, and products are described in one call. */
static bool describe(dnnl_memory_desc_t *desc, const gr__dnnl_matrix *m) {
    if (m->any_layout)
        return gr__dnnl_done(dnnl_memory_desc_create_with_tag(desc, 2, m->dims, m->type, dnnl_format_tag_any));
    return gr__dnnl_done(dnnl_memory_desc_create_with_strides(desc, 2, m->dims, m->type, m->strides));
}

bool gr__dnnl_product_new(dnnl_primitive_desc_t *product, dnnl_engine_t engine,
                          const gr__dnnl_matrix m[GR__DNNL_MATRICES], const_dnnl_primitive_attr_t attr) {
    dnnl_memory_desc_t desc[GR__DNNL_MATRICES] = {NULL};
    bool ok = true;

    /* A matrix without rows is a bias that is not there. */
    for (int i = 0; i < GR__DNNL_MATRICES && ok; i++)
        ok = !m[i].dims[0] || describe(&desc[i], &m[i]);
    ok = ok && gr__dnnl_done(dnnl_matmul_primitive_desc_create(product, engine, desc[GR__DNNL_A], desc[GR__DNNL_B],
                                                               desc[GR__DNNL_BIAS], desc[GR__DNNL_C], attr));

    for (int i = 0; i < GR__DNNL_MATRICES; i++)
        if (desc[i])
            dnnl_memory_desc_destroy(desc[i]);
    return ok;
}

static bool append_sum(dnnl_post_ops_t ops) {
    return gr__dnnl_done(dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef));
}

#else

/* Descriptions are plain structs, and a product is described before it is made for an engine. */
static bool describe(dnnl_memory_desc_t *desc, const gr__dnnl_matrix *m) {
    if (m->any_layout)
        return gr__dnnl_done(dnnl_memory_desc_init_by_tag(desc, 2, m->dims, m->type, dnnl_format_tag_any));
    return gr__dnnl_done(dnnl_memory_desc_init_by_strides(desc, 2, m->dims, m->type, m->strides));
}

bool gr__dnnl_product_new(dnnl_primitive_desc_t *product, dnnl_engine_t engine,
                          const gr__dnnl_matrix m[GR__DNNL_MATRICES], const_dnnl_primitive_attr_t attr) {
    dnnl_memory_desc_t desc[GR__DNNL_MATRICES];
    dnnl_matmul_desc_t matmul;

    /* A matrix without rows is a bias that is not there. */
    for (int i = 0; i < GR__DNNL_MATRICES; i++)
        if (m[i].dims[0] && !describe(&desc[i], &m[i]))
            return false;
    return gr__dnnl_done(dnnl_matmul_desc_init(&matmul, &desc[GR__DNNL_A], &desc[GR__DNNL_B],
                                               m[GR__DNNL_BIAS].dims[0] ? &desc[GR__DNNL_BIAS] : NULL,
                                               &desc[GR__DNNL_C])) &&
           gr__dnnl_done(dnnl_primitive_desc_create(product, &matmul, attr, engine, NULL));
}

static bool append_sum(dnnl_post_ops_t ops) { return gr__dnnl_done(dnnl_post_ops_append_sum(ops, 1.0f)); }

#endif

/* What all products are made with. */
bool gr__dnnl_attr_new(dnnl_primitive_attr_t *attr, bool accumulate) {
    bool ok = gr__dnnl_done(dnnl_primitive_attr_create(attr)) &&
              gr__dnnl_done(dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user)) &&
              gr__dnnl_done(dnnl_primitive_attr_set_fpmath_mode(*attr, dnnl_fpmath_mode_strict));

    /* C += A B is a sum that follows the product. */
    if (ok && accumulate) {
        dnnl_post_ops_t ops = NULL;
        ok = gr__dnnl_done(dnnl_post_ops_create(&ops)) && append_sum(ops) &&
             gr__dnnl_done(dnnl_primitive_attr_set_post_ops(*attr, ops));
        if (ops)
            dnnl_post_ops_destroy(ops);
    }
    return ok;
}
#endif

/* tensor_cut.h - how the parameters of a model are cut into the tensors of a model folder. */
#ifndef GR_FORMAT_TENSOR_CUT_H
#define GR_FORMAT_TENSOR_CUT_H

#include "arch/blueprint.h"
#include "io/json.h"

/* One tensor: a rectangle of parameter `rect.param` of the blueprint, in the file of region `file` (GR_NONE: the
 * core's). */
typedef struct gr__tensor {
    gr_rect rect;
    int file;
    const char *name; /* in the list's arena */
} gr__tensor;

typedef struct gr__tensor_cut {
    gr_arena *arena;
    gr__tensor *tensor;
    int count;
    size_t capacity;
} gr__tensor_cut;

void gr__tensor_cut_free(gr__tensor_cut *cut);

/* As this library cuts. */
void gr__tensor_cut_make(gr__tensor_cut *cut, const gr__blueprint *blueprint);

/* As a manifest says; GR_ERR_FORMAT unless the pieces tile every parameter of the blueprint exactly. */
gr_status gr__tensor_cut_read(gr__tensor_cut *cut, const gr__blueprint *blueprint, const json_t *value,
                              const char *place, gr_error *err);

json_t *gr__tensor_cut_json(const gr__tensor_cut *cut, const gr__blueprint *blueprint);
json_t *gr__regions_json(const gr__blueprint *blueprint);

/* "model.safetensors" or "REGION.safetensors"; gr_free it. */
char *gr__tensor_cut_file(const gr__blueprint *blueprint, int file);

#endif

/* A safetensors file from anywhere: it is refused with a reason, or every array it names lies inside it, once. */
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gr_error err = {0};
    gr_safetensors *file = NULL;
    if (gr_safetensors_parse(&file, data, size, "fuzz", &err) != GR_OK) {
        check(!file && err.status == GR_ERR_FORMAT && err.place[0] && err.message[0]);
        return 0;
    }
    int n;
    size_t total, sum = 0;
    const gr_array *arrays = gr_safetensors_arrays(file, &n);
    const uint8_t *all = gr_safetensors_data(file, &total);
    for (int i = 0; i < n; i++) {
        size_t bytes = 0;
        check(gr_array_bytes(arrays + i, &bytes) && arrays[i].data == all + sum);
        sum += bytes;
        check(gr_safetensors_find(file, arrays[i].name) == arrays + i);
    }
    check(sum == total && all + total == data + size);
    gr_safetensors_meta(file, "format");
    gr_safetensors_close(file);
    return 0;
}

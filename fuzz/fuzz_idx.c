/* IDX files from anywhere: refused with a reason, or every sample can be read. The first byte says where the classes
 * begin and whether a valid pair of files is damaged instead. */
#include <string.h>

#include "base/mem.h"
#include "forge.h"
#include "gradroute/samples.h"

enum { COUNT = 5, WIDTH = 6, ROOM = 4096 };

static size_t whole(uint8_t *out, bool images) {
    static const uint8_t image_head[] = {0, 0, 8, 3, 0, 0, 0, COUNT, 0, 0, 0, 2, 0, 0, 0, 3};
    static const uint8_t class_head[] = {0, 0, 8, 1, 0, 0, 0, COUNT};
    size_t head = images ? sizeof image_head : sizeof class_head, size = images ? COUNT * WIDTH : COUNT;
    memcpy(out, images ? image_head : class_head, head);
    for (size_t i = 0; i < size; i++)
        out[head + i] = (uint8_t)(i % 3);
    return head + size;
}

static void damage(uint8_t *bytes, size_t *size, gr_forge *in) {
    for (unsigned edits = gr_forge_byte(in) % FORGE_EDITS; edits > 0; edits--) {
        size_t at = gr_forge_byte(in) % *size;
        bytes[at] = (uint8_t)gr_forge_byte(in);
    }
    *size = (size_t)((int64_t)*size + (int8_t)(gr_forge_byte(in) % 4) - 1);
}

static void use(const gr_samples *samples) {
    gr_dataset *data;
    gr_error err = {0};
    for (size_t i = 0; i < samples->count; i++)
        check(samples->cls[i] >= 0 && samples->cls[i] < samples->classes);
    if (gr_dataset_samples(&data, samples, &(gr_dataset_def){0.2, 1, NULL, NULL}, &err) == GR_OK)
        check(data->values[data->topics.docs * (size_t)data->value_width - 1] ==
              samples->values[samples->count * (size_t)samples->width - 1]);
    else
        check(err.message[0]);
    gr_dataset_free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t images[ROOM], classes[ROOM];
    gr_forge in = {data, size};
    unsigned how = gr_forge_byte(&in);
    size_t image_size = whole(images, true), class_size = whole(classes, false);
    if (how & 1) {
        image_size = in.size < how / 2 ? in.size : how / 2;
        memcpy(images, in.data, image_size);
        class_size = in.size - image_size < ROOM ? in.size - image_size : ROOM;
        memcpy(classes, in.data + image_size, class_size);
    } else {
        damage(images, &image_size, &in);
        damage(classes, &class_size, &in);
    }
    char path[2][FORGE_PATH];
    int fd[2] = {gr_forge_file(path[0], images, image_size), gr_forge_file(path[1], classes, class_size)};
    gr_idx_def def = {.images = path[0], .classes = path[1], .std = 1};
    gr_samples *samples;
    gr_error err = {0};
    if (gr_idx_open(&samples, &def, &err) == GR_OK)
        use(samples);
    else
        check(!samples && err.status == GR_ERR_FORMAT && err.place[0] && err.message[0]);
    gr_samples_free(samples);
    close(fd[0]);
    close(fd[1]);
    return 0;
}

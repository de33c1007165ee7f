/* read_idx.c - images and their classes from IDX files, as MNIST and its successors have them.
 *
 * A file is: two zeros, the type of the values, the number of dimensions, the size of each (4 bytes, big-endian), and
 * the values. Images and classes are two files of the same count. Everything in the header is a claim that is checked
 * before memory is asked for. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "gradroute/samples.h"
#include "io/line_reader.h"

enum { DIMENSIONS = 4, VALUES_MOST = 1 << 24, CLASSES_MOST = 256, GZIP_MOST = 1032 /* bytes from one, at best */ };

typedef struct idx {
    size_t count, width; /* samples, and values of each */
    uint8_t *bytes;      /* [count * width] */
} idx;

/* An error of the file's format. */
static gr_status wrong(const char *path, gr_error *err, const char *what) {
    return gr_error_set(err, GR_ERR_FORMAT, path, "an IDX file of unsigned bytes is expected, plain or gzip", "%s",
                        what);
}

/* Reads `size` bytes; fewer are an error that says how many there are. */
static gr_status read_exactly(gr__line_reader *reader, void *to, size_t size, const char *path, const char *what,
                              gr_error *err) {
    size_t got;
    GR_TRY(gr__line_reader_read(reader, to, size, &got, err));
    if (got < size)
        return gr_error_set(err, GR_ERR_FORMAT, path, "the file is cut: fetch it again",
                            "%s: %zu of %zu bytes are there", what, got, size);
    return GR_OK;
}

/* The sizes behind the magic: how many, and how large each is. */
static gr_status read_sizes(idx *out, gr__line_reader *reader, int least, int most, const char *path, gr_error *err) {
    unsigned char magic[4], size[4];
    GR_TRY(read_exactly(reader, magic, 4, path, "the start", err));
    if (magic[0] || magic[1])
        return wrong(path, err, "the first two bytes are not 0");

    /* Other types exist, but images have bytes. */
    if (magic[2] != 8)
        return gr_error_set(err, GR_ERR_FORMAT, path, "unsigned bytes are type 8", "the values are of type %d",
                            magic[2]);
    if (magic[3] < least || magic[3] > most)
        return gr_error_set(err, GR_ERR_FORMAT, path,
                            most == 1 ? "classes have one dimension: are the two files exchanged?"
                                      : "images have 2 to 4 dimensions: are the two files exchanged?",
                            "%d dimension(s), expected %d to %d", magic[3], least, most);

    /* The first dimension counts the images; the others make up the values of one. */
    out->width = 1;
    for (int i = 0; i < magic[3]; i++) {
        GR_TRY(read_exactly(reader, size, 4, path, "the sizes", err));
        size_t n = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
        if (!n || n > INT32_MAX)
            return gr_error_set(err, GR_ERR_FORMAT, path, NULL, "dimension %d is %zu", i, n);
        if (i == 0)
            out->count = n;
        else if (n > VALUES_MOST / out->width)
            return wrong(path, err, "more than 2^24 values in one image");
        else
            out->width *= n;
    }
    return GR_OK;
}

/* The header may claim anything: no more is asked for than the file can hold. */
static gr_status read_values(idx *out, gr__line_reader *reader, const char *path, gr_error *err) {
    struct stat info;
    size_t size = out->count * out->width, more;
    if (stat(path, &info) || size / GZIP_MOST > (size_t)info.st_size)
        return gr_error_set(err, GR_ERR_FORMAT, path, "the file is cut: fetch it again",
                            "it claims %zu x %zu values, more than it can hold", out->count, out->width);

    /* The values, and nothing behind them. */
    out->bytes = gr_alloc_try(size);
    if (!out->bytes)
        return gr_error_set(err, GR_ERR_MEMORY, path, NULL, "no memory for %zu x %zu values", out->count, out->width);
    GR_TRY(read_exactly(reader, out->bytes, size, path, "the values", err));
    char byte;
    GR_TRY(gr__line_reader_read(reader, &byte, 1, &more, err));
    return more ? wrong(path, err, "there is more behind the last value") : GR_OK;
}

/* out->bytes is the caller's, also after a failure. */
static gr_status read_idx(idx *out, const char *path, int least, int most, gr_error *err) {
    gr__line_reader *reader;
    GR_TRY(gr__line_reader_open(&reader, path, "check the path; dataset-fashion-mnist is a Debian package", err));
    gr_status status = read_sizes(out, reader, least, most, path, err);
    if (status == GR_OK)
        status = read_values(out, reader, path, err);
    gr__line_reader_close(reader);
    return status;
}

/* ---- images and classes together ---- */

/* Two files are of the same samples, and go on with those that are there. */
static gr_status check_files(const gr_samples *s, const idx *image, const idx *cls, const char *images,
                             const char *classes, gr_error *err) {
    if (image->count != cls->count)
        return gr_error_set(err, GR_ERR_FORMAT, classes, "do the two files belong together?",
                            "%zu classes for %zu images of %s", cls->count, image->count, images);
    if (s->count && (size_t)s->width != image->width)
        return gr_error_set(err, GR_ERR_FORMAT, images, "do the files belong together?",
                            "images of %zu values after images of %d", image->width, s->width);
    if (s->count + image->count > INT32_MAX)
        return wrong(images, err, "more than 2^31 - 1 images");
    return GR_OK;
}

/* Appends the samples, which were checked. */
static void append(gr_samples *s, const idx *image, const idx *cls) {
    size_t old = s->count, all = old + image->count;
    s->width = (int32_t)image->width;
    s->values = gr_realloc(s->values, all * image->width);
    s->cls = gr_realloc(s->cls, all * sizeof *s->cls);
    memcpy(s->values + old * image->width, image->bytes, image->count * image->width);

    /* There are as many classes as the largest number says. */
    for (size_t i = 0; i < image->count; i++) {
        s->cls[old + i] = cls->bytes[i];
        s->classes = cls->bytes[i] >= s->classes ? cls->bytes[i] + 1 : s->classes;
    }
    s->count = all;
}

/* Both files as they are; their bytes are the caller's, also after a failure. */
static gr_status read_both(idx *image, idx *cls, const gr_samples *s, const char *images, const char *classes,
                           gr_error *err) {
    GR_TRY(read_idx(image, images, 2, DIMENSIONS, err));
    GR_TRY(read_idx(cls, classes, 1, 1, err));
    return check_files(s, image, cls, images, classes, err);
}

/* Appends the samples of two files. */
static gr_status add_files(gr_samples *s, const char *images, const char *classes, gr_error *err) {
    idx image = {0}, cls = {0};
    gr_status status = read_both(&image, &cls, s, images, classes, err);
    if (status == GR_OK)
        append(s, &image, &cls);
    gr_free(image.bytes);
    gr_free(cls.bytes);
    return status;
}

/* Names of the classes: those given, or their numbers. Names are topics later, so each must be another one. */
static gr_status name_classes(gr_samples *s, const gr_idx_def *def, gr_error *err) {
    if (def->name_count && (def->name_count < s->classes || def->name_count > CLASSES_MOST))
        return gr_error_set(err, GR_ERR_USAGE, def->classes, "name every class, in the order of their numbers",
                            "%d names for %d classes", def->name_count, s->classes);

    /* More names than classes that occur are fine: a class may have no sample. */
    s->classes = def->name_count ? def->name_count : s->classes;
    s->arena = gr_arena_new();
    s->names = gr_arena_alloc(s->arena, sizeof *s->names * (size_t)s->classes);
    for (int k = 0; k < s->classes; k++) {
        char number[16];
        snprintf(number, sizeof number, "%d", k);
        s->names[k] = gr_arena_strdup(s->arena, def->name_count ? def->names[k] : number);
        for (int i = 0; i < k; i++)
            if (strcmp(s->names[i], s->names[k]) == 0)
                return gr_error_set(err, GR_ERR_USAGE, def->classes, "rename one of them",
                                    "two classes are named \"%s\"", s->names[k]);
    }
    return GR_OK;
}

/* Samples to train on, then those of the test, which are the last ones (`held`). */
static gr_status open_idx(gr_samples *s, const gr_idx_def *def, gr_error *err) {
    if (!(def->std > 0))
        return gr_error_set(err, GR_ERR_USAGE, def->images, "std 1 leaves values in [0, 1]", "std is %g", def->std);
    GR_TRY(add_files(s, def->images, def->classes, err));
    size_t train = s->count;
    if (def->test_images)
        GR_TRY(add_files(s, def->test_images, def->test_classes, err));
    s->held = s->count - train;
    s->mean = def->mean;
    s->std = def->std;
    return name_classes(s, def, err);
}

gr_status gr_idx_open(gr_samples **out, const gr_idx_def *def, gr_error *err) {
    *out = NULL;
    gr_samples *s = gr_alloc(sizeof *s);
    gr_status status = open_idx(s, def, err);
    if (status == GR_OK)
        *out = s;
    else
        gr_samples_free(s);
    return status;
}

void gr_samples_free(gr_samples *s) {
    if (!s)
        return;
    gr_free(s->values);
    gr_free(s->cls);
    if (s->arena)
        gr_arena_free(s->arena);
    gr_free(s);
}

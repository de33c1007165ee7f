/* llama2.c's networks in our parameters: a head of keys stands together with its queries and values, and what writes
 * the stream has a row for each unit, so wo and w2 are turned. Rotation is of neighbouring pairs in both. */
#include <stdio.h>

#include "base/mem.h"
#include "format/import.h"
#include "format/llama2c.h"
#include "io/file.h"

/* Whether the file is as long as its first bytes say: there is no mark that would tell it from other files. */
static bool fits(const char *path) {
    unsigned char header[GR_LLAMA2C_HEADER];
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    bool whole = fread(header, sizeof header, 1, file) == 1 && fseek(file, 0, SEEK_END) == 0;
    long size = whole ? ftell(file) : -1;
    fclose(file);
    return size >= 0 && gr_llama2c_fits(header, (uint64_t)size);
}

/* The same sizes in our words. Zero heads of keys are as many as heads. */
static gr_arch_def describe(const gr_llama2c *f) {
    gr_arch_def def = gr_arch_default();
    def.vocab = f->vocab;
    def.context = f->positions;
    def.layers = f->layers;
    def.width = f->dim;
    def.heads = f->heads;
    def.kv_heads = f->kv_heads < f->heads ? f->kv_heads : 0;
    def.mlp = f->hidden;
    def.tied = f->tied;
    return def;
}

typedef struct filler {
    const gr_llama2c *file;
    gr_model *model;
    int layer;
} filler;

/* The numbers of a parameter of the layer at hand, or of one outside of layers (layer -1). */
static gr_real *param(const filler *f, const char *name) {
    char text[64];
    if (f->layer >= 0)
        snprintf(text, sizeof text, "layers.%d.%s", f->layer, name);
    return gr_model_data(f->model, gr_model_find(f->model, f->layer >= 0 ? text : name));
}

/* All of a part. */
static void fill(const filler *f, const char *name, gr_llama2c_part part) {
    int layer = f->layer > 0 ? f->layer : 0;
    gr_llama2c_copy(f->file, param(f, name), part, layer, 0, f->file->layer_numbers[part]);
}

/* Rows and columns exchanged; the file has `rows` rows. */
static void fill_turned(const filler *f, const char *name, gr_llama2c_part part, int rows, int cols) {
    gr_real *to = param(f, name), *row = gr_alloc((size_t)cols * sizeof *row);
    for (int i = 0; i < rows; i++) {
        gr_llama2c_copy(f->file, row, part, f->layer, (size_t)i * (size_t)cols, (size_t)cols);
        for (int k = 0; k < cols; k++)
            to[(size_t)k * (size_t)rows + (size_t)i] = row[k];
    }
    gr_free(row);
}

/* For each head of keys the heads of queries that read it, then its k, then its v. */
static void fill_qkv(const filler *f) {
    const gr_llama2c *file = f->file;
    const size_t block = (size_t)(file->dim / file->heads) * (size_t)file->dim; /* of one head */
    const size_t group_size = (size_t)(file->heads / file->kv_heads);
    gr_real *to = param(f, "attn.qkv");
    for (size_t u = 0; u < (size_t)file->kv_heads; u++) {
        gr_llama2c_copy(file, to, GR_LLAMA2C_WQ, f->layer, u * group_size * block, group_size * block);
        gr_llama2c_copy(file, to + group_size * block, GR_LLAMA2C_WK, f->layer, u * block, block);
        gr_llama2c_copy(file, to + (group_size + 1) * block, GR_LLAMA2C_WV, f->layer, u * block, block);
        to += (group_size + 2) * block;
    }
}

/* Every array of the file into the parameter of ours that it is; maps back into the stream are stored transposed here.
 */
static void fill_model(gr_model *model, const gr_llama2c *file) {
    filler f = {file, model, -1};

    /* What is outside of layers; with tied embeddings there is no matrix of its own behind them. */
    fill(&f, "embed", GR_LLAMA2C_EMBED);
    fill(&f, "norm", GR_LLAMA2C_RMS_FINAL);
    if (!file->tied)
        fill(&f, "unembed", GR_LLAMA2C_WCLS);

    for (f.layer = 0; f.layer < file->layers; f.layer++) {
        fill(&f, "attn.norm", GR_LLAMA2C_RMS_ATT);
        fill_qkv(&f);
        fill_turned(&f, "attn.out", GR_LLAMA2C_WO, file->dim, file->dim);
        fill(&f, "mlp.norm", GR_LLAMA2C_RMS_FFN);
        fill(&f, "mlp.gate", GR_LLAMA2C_W1);
        fill(&f, "mlp.up", GR_LLAMA2C_W3);
        fill_turned(&f, "mlp.down", GR_LLAMA2C_W2, file->dim, file->hidden);
    }
}

/* Parses the file, builds a network of its sizes, and fills it. The seed draws numbers that are all replaced. */
static gr_status read_network(gr_import *in, const char *path, gr_error *err) {
    gr_llama2c file;
    unsigned char *bytes;
    size_t size;
    GR_TRY(gr_file_read(path, &bytes, &size, err));

    gr_status status = gr_llama2c_parse(&file, bytes, size, path, err);
    if (status == GR_OK) {
        gr_arch_def def = describe(&file);
        in->def = gr_arch_copy(&def);
        status = gr_arch_build(&in->model, in->def, 1, err);
    }

    if (status == GR_OK)
        fill_model(in->model, &file);
    gr_free(bytes);
    return status;
}

/* The checkpoint, and the vocabulary that it does not have in itself. */
static gr_status read_files(gr_import *in, const char *path, const char *vocabulary, gr_error *err) {
    if (!vocabulary)
        return gr_error_set(err, GR_ERR_USAGE, path, "name its vocabulary too, as tok512.bin or tokenizer.bin",
                            "the checkpoint holds no vocabulary");
    GR_TRY(read_network(in, path, err));
    return gr_tokenizer_open(&in->tokenizer, vocabulary, err);
}

const gr__import_format gr__import_llama2c = {"llama2.c", fits, read_files};

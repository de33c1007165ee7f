/* style.c - what published families of networks have in common, whatever their sizes: one function each, and one line
 * in styles.h. It changes gr_arch_default, with the sizes set. docs/architectures.md has them side by side. */
#include "arch/kind.h"

/* Touvron et al. 2023: what gr_arch_default is. */
static void llama(gr_arch_def *def) { (void)def; }

/* Radford et al. 2019. */
static void gpt2(gr_arch_def *def) {
    def->norm = GR_NORM_LAYER;
    def->position = GR_POSITION_LEARNED;
    def->activation = GR_ACTIVATION_GELU_TANH;
    def->bias = true;
}

/* Black et al. 2021, as the TinyStories networks are trained in TransformerLens. */
static void gptneo(gr_arch_def *def) {
    static const int windows[] = {0, 256};
    gpt2(def);
    def->qkv_bias = GR_QKV_WITHOUT_BIAS;
    def->logit_bias = true;
    def->tied = false;
    def->attention_scale = 1;
    def->windows = windows;
    def->window_count = 2;
    def->init = GR_ARCH_INIT_FLAT;
}

/* Steering and virology experiments of arXiv 2410.04332. */
static void nanogpt(gr_arch_def *def) {
    int size = def->head_size;
    if (!size && def->heads)
        size = def->width / def->heads;
    def->eps = 1e-6;
    def->rotary_size = size / 4 * 2; /* half of it, even */
    def->activation = GR_ACTIVATION_GELU;
    def->bias = true;
}

/* Yang et al. 2024: Llama with biases of q, k and v. The published weights have the columns that turn as halves. */
static void qwen2(gr_arch_def *def) {
    def->eps = 1e-6;
    def->rotary_base = 1e6;
    def->rotary_halves = true;
    def->qkv_bias = GR_QKV_WITH_BIAS;
}

const gr__style gr__styles[] = {
#define GR_STYLE(name, arch) {#name, &gr__arch_##arch, name},
#include "arch/styles.h"
#undef GR_STYLE
    {NULL, NULL, NULL}};

/* What published families of networks have in common. */
#include <string.h>

#include "gradroute/arch.h"

static void gpt2(gr_arch_def *def) {
    def->norm = GR_NORM_LAYER;
    def->position = GR_POSITION_LEARNED;
    def->activation = GR_ACTIVATION_GELU_TANH;
    def->bias = true;
}

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

static void nanogpt(gr_arch_def *def) {
    const int size = def->head_size ? def->head_size : def->heads ? def->width / def->heads : 0;
    def->eps = 1e-6;
    def->rotary_size = size / 4 * 2; /* half of it, even */
    def->activation = GR_ACTIVATION_GELU;
    def->bias = true;
}

bool gr_arch_style(gr_arch_def *def, const char *name) {
    if (!strcmp(name, "gpt2"))
        gpt2(def);
    else if (!strcmp(name, "gptneo"))
        gptneo(def);
    else if (!strcmp(name, "nanogpt"))
        nanogpt(def);
    else
        return !strcmp(name, "llama");
    return true;
}

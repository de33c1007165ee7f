/* field.c - the rows of field.h, and what is read off one row. */
#include "arch/field.h"

#include <float.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

#define AT(field) .name = #field, .at = offsetof(gr_arch_def, field)
#define KEY(field) AT(field), .key = #field
#define WHOLE .type = GR__FIELD_WHOLE
#define REAL .type = GR__FIELD_REAL
#define FLAG .type = GR__FIELD_FLAG
#define WORD .type = GR__FIELD_WORD
#define LIST(field) .type = GR__FIELD_LIST, .count_at = offsetof(gr_arch_def, field)
#define LAYERS .type = GR__FIELD_LAYERS
#define RANGE(lo, hi) .min = (lo), .max = (hi)

_Static_assert(sizeof(gr_norm) == sizeof(int) && sizeof(gr_positions) == sizeof(int) &&
                   sizeof(gr_activation) == sizeof(int) && sizeof(gr_qkv_bias) == sizeof(int) &&
                   sizeof(gr_arch_init) == sizeof(int) && sizeof(gr_arch_loss) == sizeof(int),
               "words are kept as int");

const gr__arch_field gr__fields[] = {
    {AT(kind), WORD, .kept = true, .help = "the architecture"},
    {AT(vocab), WHOLE, .help = "tokens"},
    {AT(context), WHOLE, .value = 256, .help = "positions of a row"},

    /* ---- sizes ---- */
    {KEY(layers), WHOLE, .of = "transformer", .first = true, RANGE(1, 256), .value = 4,
     .help = "blocks of attention and neurons"},
    {KEY(width), WHOLE, .of = "transformer", .first = true, RANGE(1, 65536), .value = 192,
     .help = "residual dimensions of the core"},
    {KEY(heads), WHOLE, .of = "transformer", .first = true, RANGE(0, 1024), .value = 6,
     .help = "attention heads of a layer"},
    {KEY(kv_heads), WHOLE, .of = "transformer", .first = true, RANGE(1, 1024), .shown = "heads",
     .range = "1 to heads, divides heads",
     .help = "heads of keys and values, each shared by heads / kv_heads query heads"},
    {KEY(head_size), WHOLE, .of = "transformer", .first = true, RANGE(1, 4096), .shown = "width / heads",
     .help = "even with rotary positions"},
    {KEY(mlp), WHOLE, .of = "transformer", .first = true, RANGE(1, 65536), .shown = "8/3 or 4 width",
     .help = "neurons of a layer; the default is 8/3 width (swiglu) or 4 width, rounded up to a multiple of 32"},
    {KEY(experts), WHOLE, .of = "transformer", .first = true, RANGE(1, 1024), .shown = "none",
     .help = "the MLP of a layer is this many experts of `mlp` neurons each (at most 1024), of which a row uses some"},
    {KEY(top), WHOLE, .of = "transformer", .first = true, .with = "experts", .kept = true, RANGE(1, 1024), .value = 1,
     .range = "1 to experts", .help = "experts that a row uses: the likeliest"},
    {KEY(balance), REAL, .of = "transformer", .first = true, .with = "experts", RANGE(0, 1e5), .value = 0.01,
     .help = "weight of the load-balance loss of each layer"},
    {KEY(sizes), LIST(size_count), .of = "mlp", .first = true, RANGE(1, 65536), .shown = "", .range = "list",
     .help = "inputs, hidden .., outputs; `activation` is relu by default"},

    /* ---- what a style may set ---- */
    {KEY(norm), WORD, .of = "transformer", .word = {"rms", "layer"}, .kept = true, .value = GR_NORM_RMS,
     .help = "what the blocks and the logits read is normed so"},
    {KEY(position), WORD, .of = "transformer", .word = {"rotary", "learned", "none"}, .kept = true,
     .value = GR_POSITION_ROTARY, .help = "how a row knows its position"},
    {KEY(activation), WORD, .of = "transformer mlp", .word = {"swiglu", "relu", "gelu", "gelu_tanh", "silu"},
     .kept = true, .value = GR_ACTIVATION_SWIGLU, .help = "of the neurons; swiglu, which has a gate, not for mlp"},
    {KEY(positions), WHOLE, .of = "transformer", RANGE(1, 1 << 24), .shown = "context", .range = "context and more",
     .help = "learned positions in the table"},
    {KEY(eps), REAL, .of = "transformer", .kept = true, RANGE(DBL_MIN, 1), .value = 1e-5, .shown = "0.00001",
     .range = "above 0, below 1", .help = "of the norms; 0.000001 for nanogpt and qwen2"},
    {AT(no_gain), FLAG, .key = "norm_gain", .of = "transformer", .inverse = true,
     .help = "norms have a gain (and layer norm a shift)"},
    {KEY(rotary_base), REAL, .of = "transformer", .kept = true, RANGE(1, 1e12), .value = 10000, .range = "above 1",
     .help = "1000000 for qwen2"},
    {KEY(rotary_size), WHOLE, .of = "transformer", .kept = true, RANGE(1, 4096), .shown = "head size",
     .range = "even, 2 to head size", .help = "rotary: the first columns of a head, which turn"},
    {KEY(rotary_halves), FLAG, .of = "transformer", .kept = true,
     .help = "pairs that turn are (i, i + `rotary_size`/2) as in Hugging Face's code, not neighbours; true for qwen2"},
    {KEY(attention_scale), REAL, .of = "transformer", .kept = true, RANGE(DBL_MIN, 1e5), .shown = "1/sqrt(head size)",
     .help = "of q.k"},
    {AT(windows), LIST(window_count), .key = "window", .of = "transformer", RANGE(0, 1 << 24), .shown = "all",
     .range = "positions from 1; 0: all",
     .help = "positions that a row sees, itself included: a number, or a list that repeats over the layers (`[0, "
             "256]`: every second layer is local)"},
    {KEY(loss), WORD, .of = "mlp", .word = {"cross_entropy", "squared", "absolute"}, .kept = true,
     .value = GR_LOSS_CROSS_ENTROPY, .help = "of a row: by its class, or by the differences from a row of targets"},
    {KEY(bias), FLAG, .of = "transformer mlp",
     .help = "biases in every linear map but the output matrix; true for gpt2, gptneo, nanogpt and mlp"},
    {KEY(qkv_bias), WORD, .of = "transformer", .word = {"as_bias", "without", "with"}, .shown = "as `bias`",
     .range = "", .help = "biases of q, k and v; false for gptneo, true for qwen2"},
    {KEY(out_bias), FLAG, .of = "transformer", .help = "biases in the projections into the stream"},
    {KEY(logit_bias), FLAG, .of = "transformer", .help = "a bias of the logits"},
    {KEY(tied), FLAG, .of = "transformer", .kept = true, .value = true, .help = "the output matrix is the embedding"},

    /* ---- training ---- */
    {KEY(dropout), REAL, RANGE(0, 0.99),
     .help = "of the embedding and of what each block writes; mlp: of hidden units"},
    {KEY(init), WORD, .word = {"scaled", "flat", "uniform"}, .value = GR_ARCH_INIT_SCALED,
     .help = "initial values, see `docs/architectures.md`; flat for gptneo, uniform for mlp only"},
    {KEY(init_std), REAL, RANGE(DBL_MIN, 10), .shown = "0.02",
     .help = "of initial values; with `init: scaled` projections into the stream get this divided by sqrt(2 layers), "
             "`flat` has 0.8/sqrt(width) by default"},
    {KEY(l1), REAL, RANGE(0, 1e6), .help = "weight of the L1 penalty on hidden activations, before their taps"},
    {KEY(l1_layers), LIST(l1_count), RANGE(0, 255), .shown = "all", .range = "list of layers from 0", .help = "where"},

    /* ---- where layers differ: what surgery leaves ---- */
    {AT(layer_heads), LAYERS, .help = "query heads instead of heads"},
    {AT(layer_mlp), LAYERS, .help = "neurons instead of mlp"},
    {AT(layer_experts), LAYERS, .help = "experts instead of experts"},
    {.name = NULL},
};

const gr__arch_field *gr__field_find(const char *name) {
    for (const gr__arch_field *f = gr__fields; f->name; f++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

const char *gr__field_word(const gr__arch_field *f, int value) {
    if (!f->word[0])
        return gr_arch_word(f->name, value);
    return value >= 0 && value < GR__FIELD_WORDS ? f->word[value] : NULL;
}

int gr__field_value(const gr__arch_field *f, const char *word) {
    const char *known;
    for (int value = 0; (known = gr__field_word(f, value)); value++)
        if (!strcmp(known, word))
            return value;
    return -1;
}

/* Whether a list of words, with spaces between, has this one. */
static bool has_word(const char *list, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

bool gr__field_of(const gr__arch_field *f, const gr__arch *arch) { return !f->of || has_word(f->of, arch->name); }

double gr__field_number(const gr__arch_field *f, const void *in) {
    const void *at = (const char *)in + f->at;
    switch (f->type) {
    case GR__FIELD_REAL:
        return *(const double *)at;
    case GR__FIELD_FLAG:
        return *(const bool *)at;
    case GR__FIELD_BITS:
        return *(const unsigned *)at;
    default:
        return *(const int *)at;
    }
}

const int *gr__field_list(const gr__arch_field *f, const void *in, int *count) {
    const int *list = *(const int *const *)((const char *)in + f->at);
    const int length =
        f->type == GR__FIELD_LAYERS ? gr__arch_layers(in) : *(const int *)((const char *)in + f->count_at);
    *count = list && length > 0 ? length : 0;
    return *count ? list : NULL;
}

void gr__field_set_list(const gr__arch_field *f, void *in, const int *list, int count) {
    *(const int **)((char *)in + f->at) = list;
    if (f->type == GR__FIELD_LIST)
        *(int *)((char *)in + f->count_at) = count;
}

const char *const *gr__field_texts(const gr__arch_field *f, const void *in, int *count) {
    *count = *(const int *)((const char *)in + f->count_at);
    return *(const char *const *const *)((const char *)in + f->at);
}

void gr__field_set_texts(const gr__arch_field *f, void *in, const char *const *texts, int count) {
    *(const char *const **)((char *)in + f->at) = texts;
    *(int *)((char *)in + f->count_at) = count;
}

bool gr__field_same(const gr__arch_field *f, const void *a, const void *b) {
    int na = 0, nb = 0;
    if (f->type < GR__FIELD_LIST)
        return gr__field_number(f, a) == gr__field_number(f, b);

    /* Lists entry by entry: their pointers say nothing. */
    if (f->type == GR__FIELD_TEXTS) {
        const char *const *x = gr__field_texts(f, a, &na), *const *y = gr__field_texts(f, b, &nb);
        bool same = na == nb;
        for (int i = 0; same && i < na; i++)
            same = !strcmp(x[i], y[i]);
        return same;
    }
    const int *x = gr__field_list(f, a, &na), *y = gr__field_list(f, b, &nb);
    return na == nb && (!na || !memcmp(x, y, (size_t)na * sizeof *x));
}

void gr__field_keep(const gr__arch_field *f, void *in, gr_arena *arena) {
    /* Numbers and flags are in the struct itself: only what it points to needs a copy that lasts. */
    int count;

    if (f->type == GR__FIELD_TEXTS) {
        const char *const *texts = gr__field_texts(f, in, &count);
        const char **copy = count ? gr_arena_alloc(arena, (size_t)count * sizeof *copy) : NULL;
        for (int i = 0; i < count; i++)
            copy[i] = gr_arena_strdup(arena, texts[i]);
        gr__field_set_texts(f, in, copy, count);
    } else if (f->type >= GR__FIELD_LIST) {
        const int *list = gr__field_list(f, in, &count);
        int *copy = count ? gr_arena_alloc(arena, (size_t)count * sizeof *copy) : NULL;
        if (count)
            memcpy(copy, list, (size_t)count * sizeof *copy);
        gr__field_set_list(f, in, copy, count);
    }
}

void gr__field_default(const gr__arch_field *f, void *in) {
    void *at = (char *)in + f->at;
    if (f->type == GR__FIELD_REAL)
        *(double *)at = f->value;
    else if (f->type == GR__FIELD_FLAG)
        *(bool *)at = f->value != 0;
    else if (f->type == GR__FIELD_WHOLE || f->type == GR__FIELD_WORD)
        *(int *)at = (int)f->value;
}

/* What has no meaning without another field stays 0: recipes set it with that one. */
gr_arch_def gr_arch_default(void) {
    gr_arch_def def = {0};
    for (const gr__arch_field *f = gr__fields; f->name; f++)
        if (!f->with)
            gr__field_default(f, &def);
    return def;
}

/* ---- the page ---- */

/* The default as a recipe would say it. */
static char *default_text(const gr__arch_field *f) {
    if (f->shown)
        return gr_strdup(f->shown);
    if (f->type == GR__FIELD_FLAG)
        return gr_strdup((f->value != 0) != f->inverse ? "true" : "false");
    return f->type == GR__FIELD_WORD ? gr_strdup(f->word[(int)f->value]) : gr_format("%.15g", f->value);
}

/* Between which numbers, or which words there are. */
static char *range_text(const gr__arch_field *f) {
    if (f->range || f->type == GR__FIELD_FLAG)
        return gr_strdup(f->range ? f->range : "");
    if (f->type != GR__FIELD_WORD && f->type != GR__FIELD_BITS)
        return f->min == DBL_MIN ? gr_format("above 0, to %.15g", f->max) : gr_format("%.15g to %.15g", f->min, f->max);

    /* rms, layer */
    char *text = gr_strdup(f->word[0]);
    for (int i = 1; i < GR__FIELD_WORDS && f->word[i]; i++) {
        char *longer = gr_format("%s, %s", text, f->word[i]);
        gr_free(text);
        text = longer;
    }
    return text;
}

char *gr__field_row(const gr__arch_field *f) {
    char *value = default_text(f), *range = range_text(f);

    /* What one kind of networks alone has is said unless it is the usual kind. */
    const bool only = f->of && !has_word(f->of, "transformer");
    char *key = f->within ? gr_format("`%s`: `%s`", f->within, f->key)
                : f->with ? gr_format("`%s`, with `%s`", f->key, f->with)
                          : gr_format("`%s`%s%s%s", f->key, only ? ", " : "", only ? f->of : "", only ? " only" : "");
    char *row =
        gr_format("| %s | %s%s| %s%s| %s |", key, value, value[0] ? " " : "", range, range[0] ? " " : "", f->help);
    gr_free(key);
    gr_free(value);
    gr_free(range);
    return row;
}

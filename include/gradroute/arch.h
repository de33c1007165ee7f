/* arch.h - describing a network by its sizes and regions, and building it.
 *
 *     gr_arch_def def = gr_arch_default();
 *     def.vocab = 4096;
 *     def.regions = (gr_arch_region[]){{.name = "biology", .residual.add = 64, .mlp.add = 256, .heads.add = 2}};
 *     def.region_count = 1;
 *     gr_model *model;
 *     GR_TRY(gr_arch_build(&model, &def, seed, err));
 *
 * Transformer: pre-norm decoder. With x the stream [N x width], per layer
 *     x += out^T heads(qkv norm(x)),   x += down^T act(up norm(x)),   logits = unembed norm(x).
 * Parameters are unit-major: what a unit owns is a row. V vocab, D width, H heads, S head size, M neurons, layer i:
 *     embed [V x D]                   position [context x D] (learned)
 *     norm [1 x D]                    unembed [V x D] (untied)
 *     layers.i.attn.norm [1 x D]      layers.i.attn.qkv [H*3*S x D]: per head its q, k, v
 *     layers.i.attn.out [H*S x D]
 *     layers.i.mlp.norm [1 x D]       layers.i.mlp.up, .gate (swiglu) [M x D]
 *     layers.i.mlp.down [M x D]
 * and NAME.bias [1 x outputs], NAME.norm.shift (layer norm). The output matrix is `embed` where tied. A layer without
 * heads has no attention block, one without neurons no MLP block.
 * Taps, each on all that reads the value: embed, layers.i.attn.heads [H*S] (before out), layers.i.attn.stream (after
 * attention wrote), layers.i.mlp.hidden [M] (before down), layers.i.stream (after the MLP wrote).
 *
 * Experts (experts > 0): the MLP of a layer is E of them, M neurons each; expert e has rows e M to (e + 1) M - 1 of up,
 * gate and down. With l = router norm(x), layers.i.mlp.router [E x D], p = softmax(l) over the experts that are on for
 * the row, x += sum over the `top` largest p_e of p_e down_e^T act(up_e norm(x)) (Shazeer et al. 2017, Fedus et al.
 * 2022). Tap layers.i.mlp.experts [E]: what exp(l) is multiplied by, so that weight 0 takes the expert out of the row's
 * softmax; layers.i.mlp.hidden [E M] holds the units times their p_e, 0 where not chosen.
 *
 * MLP (kind mlp): hidden.0 .. [sizes[i + 1] x sizes[i]], out [last x last hidden], NAME.bias; taps hidden.0 .. . It
 * reads the batch's real input 0; targets are class numbers (cross-entropy) or real input 1.
 *
 * Outputs (gr_model_output): "logits" and "row_loss" [N x 1]. The loss is gr_mean(row_loss) and, if asked for, L1.
 * Initial values: see gr_arch_init; norms 1, biases and shifts 0 unless said otherwise there.
 *
 * Regions
 * -------
 * Neurons and heads, `add` or claim, without `residual.add`: rows of the core's own parameters. Added units follow the
 * claimable ones, in the order of the regions, so the others start as in a network without the region. Gates: columns
 * of layers.i.mlp.hidden and layers.i.attn.heads.
 *
 * Experts, `add` or claim: their rows of router, up, gate, down and of the biases of the units. Gates: columns of
 * layers.i.mlp.experts. A network with experts has no regions of single neurons, but for those of residual groups.
 *
 * `residual` claim: columns of all core parameters that read or write the stream. Gates: columns of the stream taps
 * (embed, layers.i.attn.stream, layers.i.stream). A region's `layers` do not restrict it.
 *
 * `residual.add` (a residual group): the stream is [core | group | group ..]. The group has parameters of its own,
 * named REGION.NAME: embed, position, unembed [V x n], norms [1 x n], and where heads or neurons are added attn.qkv
 * [H*3*S x D+n], attn.out [H*S x D+n], mlp.up, .gate, .down [M x D+n], which read and write core and own group. The
 * core reads and writes the first D columns only. RMS norm counts the dimensions that are on, so with the region off
 * the network computes, bit for bit, what it would without the region (outside training with dropout, whose draws are
 * keyed by node). Gates: taps REGION.embed, REGION.layers.i.attn.heads, REGION.layers.i.mlp.hidden and REGION.final
 * (the group's slice of the final norm); the stream taps hold the core's dimensions. Groups have no biases into the
 * stream, and need RMS norm unless theirs is apart; at most 4 of them.
 *
 * `group.norm` APART: no norm that others read counts the group. Its own units and its logits read a norm of its own, x
 * / sqrt(mean over core and group of x^2 + eps), with the core's gains and its own; it has gains only where it has
 * units, and at the end. Layer norm likewise; there the group's output columns, too, begin at 0 after surgery.
 * `group.writes` OWN: attn.out is [H*S x n] and mlp.down [M x n], in the group's dimensions. With both, every value of
 * the core has the same bits with the group on or off, and logits are the core's and what each group adds.
 *
 * Shared keys (kv_heads, K of them): the unit is a head of keys and values with the H / K query heads that read it,
 * attn.qkv is [(H + 2 K)*S x D]: per unit its queries, then k, then v. Wherever a region counts heads, `add` included,
 * it counts these units, so that a region takes them whole.
 *
 * `patterns`: parameters owned whole, without a gate.
 *
 * `whole`: layers owned whole: every parameter of the core that is named layers.i. there, biases into the stream
 * included. Gates: taps layers.i.attn.write and layers.i.mlp.write, which such a layer has on what it adds to the
 * stream, so that off it adds nothing. No other region may have units or adapters in such a layer; the region's own
 * units are those of the other layers.
 *
 * `adapter`: low-rank adapters of linear maps of the core (Hu et al. 2021): with x what the map reads and y what it
 * puts out, y += scale B^T A dropout(x), B zero at first, A normal with std 1/sqrt(inputs). Parameters, a row for each
 * unit of the rank r: REGION.layers.i.attn.qkv.a [r x inputs], .b [r x outputs], and so for attn.out, mlp.up, mlp.gate,
 * mlp.down and unembed; REGION.embed.a is [V x r]. Gates: taps REGION.layers.i.attn.qkv.low and so on, [r], in front of
 * B. Off, the network computes, bit for bit, what it would without the adapter (but for dropout while training).
 *
 * `strength`: a parameter REGION.strength [1 x 1], g: everything that the region's heads, neurons and adapters put out,
 * and what its whole layers add, is multiplied by g (1 at first) or sigmoid(g) (1/2 at first) in front of its gates.
 *
 * `stop`: nothing that lies before the region learns from what the region's units send back (a cheap test of whether a
 * region teaches the layers below it). Forward values keep their bits, and so do the gradients of weights that the
 * units own; what the units read gets no gradient through them. A unit of the core reads the stream, so the same
 * region's units in lower layers get none either; a residual group's own stream carries gradient, within the group
 * alone. For heads, neurons, groups and adapters; experts and whole layers refuse it.
 */
#ifndef GRADROUTE_ARCH_H
#define GRADROUTE_ARCH_H

#include "gradroute/graph.h"
#include "gradroute/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first kinds by name; gr_arch_value("kind", word) has those and all others. */
typedef enum gr_arch_kind { GR_ARCH_TRANSFORMER, GR_ARCH_MLP } gr_arch_kind;
typedef enum gr_norm { GR_NORM_RMS, GR_NORM_LAYER } gr_norm;
typedef enum gr_positions { GR_POSITION_ROTARY, GR_POSITION_LEARNED, GR_POSITION_NONE } gr_positions;
typedef enum gr_activation {
    GR_ACTIVATION_SWIGLU,
    GR_ACTIVATION_RELU,
    GR_ACTIVATION_GELU,
    GR_ACTIVATION_GELU_TANH,
    GR_ACTIVATION_SILU
} gr_activation;
typedef enum gr_qkv_bias { GR_QKV_AS_BIAS, GR_QKV_WITHOUT_BIAS, GR_QKV_WITH_BIAS } gr_qkv_bias;
typedef enum gr_arch_init {
    GR_ARCH_INIT_SCALED, /* normal, std 0.02, projections into the stream 0.02/sqrt(2 layers) (Radford et al. 2019);
                          * MLP: normal, sqrt(2/inputs) (He et al. 2015), added neurons not counted */
    GR_ARCH_INIT_FLAT, /* transformer: normal, std 0.8/sqrt(width), every matrix alike, embeddings and positions too */
    GR_ARCH_INIT_UNIFORM /* MLP: weights and biases in +-1/sqrt(inputs), as PyTorch's linear maps */
} gr_arch_init;
typedef enum gr_arch_loss { GR_LOSS_CROSS_ENTROPY, GR_LOSS_SQUARED, GR_LOSS_ABSOLUTE } gr_arch_loss;

/* Units of one sort, in at most one of four ways; all zero: none. */
typedef struct gr_arch_units {
    int add;          /* new units */
    int lo, hi;       /* or existing ones [lo, hi); added units cannot be claimed */
    int last;         /* or the last ones of each layer */
    const int *spans; /* or a range for each layer, [layers][2] (what is left after surgery); not for residual */
} gr_arch_units;

/* Linear maps of the core. */
typedef enum gr_map {
    GR_MAP_QKV,
    GR_MAP_OUT,
    GR_MAP_UP,
    GR_MAP_GATE, /* swiglu alone */
    GR_MAP_DOWN,
    GR_MAP_EMBED,
    GR_MAP_UNEMBED,
    GR_MAPS
} gr_map;

typedef struct gr_arch_adapter {
    int rank;       /* 0: none */
    double scale;   /* of what it adds: the alpha / rank of Hu et al.; 0: 1 */
    double dropout; /* of what it reads while training; the embedding's adapter reads no numbers and has none */
    unsigned maps;  /* bits 1 << gr_map, each in some layer of the region; 0: all maps that its layers have */
} gr_arch_adapter;

/* A learned number that multiplies all that a region puts out. */
typedef enum gr_strength { GR_STRENGTH_NONE, GR_STRENGTH_LEARNED, GR_STRENGTH_SIGMOID } gr_strength;

/* What a residual group and the core have to do with each other; see the head of this file. */
typedef enum gr_group_norm { GR_GROUP_NORM_SHARED, GR_GROUP_NORM_APART } gr_group_norm;
typedef enum gr_group_writes { GR_GROUP_WRITES_BOTH, GR_GROUP_WRITES_OWN } gr_group_writes;
typedef struct gr_arch_group {
    gr_group_norm norm;     /* whether its dimensions count in the norm that the core reads */
    gr_group_writes writes; /* the dimensions that its heads and neurons write: the core's and its own, or its own */
} gr_arch_group;

typedef struct gr_arch_region {
    const char *name; /* letters, digits, _ and -; also the name of its file in a model folder */
    gr_arch_units residual, mlp, heads, experts;
    gr_arch_group group; /* with residual.add */
    const int *layers;   /* [layer_count] layers (MLP: hidden layers) in which it has units; layer_count 0: all */
    int layer_count;
    const char *const *patterns; /* [pattern_count] of fnmatch, against parameter names */
    int pattern_count;
    const int *whole; /* [whole_count] layers that it owns whole (transformer) */
    int whole_count;
    gr_arch_adapter adapter; /* in `layers` (transformer); not beside residual.add */
    gr_strength strength;
    bool stop; /* no gradient flows back through its units */
} gr_arch_region;

/* Start from gr_arch_default. All pointers are borrowed. */
typedef struct gr_arch_def {
    int kind;                 /* a gr_arch_kind or another number of gr_arch_value("kind", ..) */
    int vocab, context;       /* tokens; positions of a row (sets the size of learned positions only) */
    int positions;            /* learned positions there are, at least context; 0: context */
    int layers, width;        /* blocks; D, the core's residual dimensions */
    int heads, head_size;     /* per layer; head_size 0: width / heads */
    int kv_heads;             /* heads of keys and values, each shared by heads / kv_heads query heads; 0: as heads */
    int mlp;                  /* neurons per layer; 0: 8/3 width (swiglu) or 4 width, rounded up to a multiple of 32 */
    const int *layer_heads;   /* [layers] query heads instead of heads, where layers differ; NULL: alike */
    const int *layer_mlp;     /* [layers] instead of mlp */
    int experts;              /* of each MLP, with `mlp` neurons each; 0: none. Transformer */
    const int *layer_experts; /* [layers] instead of experts */
    int top;                  /* experts that a row uses: the likeliest, all where there are fewer */
    double balance;           /* weight of the load-balance loss of each layer (ops.h: gr_balance) */
    gr_norm norm;
    bool no_gain; /* norms without gain, and without shift */
    double eps;   /* of the norms */
    gr_positions position;
    double rotary_base;
    int rotary_size;        /* rotary: the first columns of a head that turn; 0: all */
    bool rotary_halves;     /* their pairs are (i, i + rotary_size/2), else neighbours */
    double attention_scale; /* of q.k; 0: 1/sqrt(head size) */
    const int *windows; /* [window_count] layer i sees windows[i % window_count] positions, the last of which is the */
    int window_count;   /* row's own; 0 positions: all; window_count 0: all in every layer */
    gr_activation activation;
    bool bias;     /* biases in every linear map but the output matrix */
    bool out_bias; /* biases, zero at first, in the projections into the stream (mean ablation needs them) */
    gr_qkv_bias qkv_bias;
    bool logit_bias; /* a bias of the logits, zero at first (calibration needs it) */
    bool tied;       /* the output matrix is the embedding */
    double dropout;  /* of the embedding and of what each block writes; MLP: of hidden units */
    gr_arch_init init;
    double init_std; /* in place of the 0.02, sqrt(2/inputs) or 0.8/sqrt(width) of init; 0: that */
    double l1;       /* weight of the mean L1 of the hidden activations before their tap, so that no route reaches it */
    const int *l1_layers; /* [l1_count]; l1_count 0: every layer. Neurons of residual groups are not counted. */
    int l1_count;
    const int *sizes; /* MLP: [size_count] inputs, hidden .., outputs */
    int size_count;
    gr_arch_loss loss; /* MLP; a transformer has cross-entropy */
    const gr_arch_region *regions;
    int region_count;
} gr_arch_def;

/* Transformer with 4 layers, width 192, 6 heads, context 256, RMS norm (eps 1e-5), rotary positions (base 10000),
 * swiglu, tied, no biases; vocab must be set. For an MLP set kind and sizes, and bias as you like. */
gr_arch_def gr_arch_default(void);

/* Sets the kind and what a published family of networks has in common, whatever their sizes, in a description as
 * gr_arch_default has it; false: there is none of that name. "llama" is gr_arch_default itself; docs/architectures.md
 * has all of them, and published sizes. What depends on sizes (nanogpt: half of a head turns) takes width, heads and
 * head_size as they are. */
bool gr_arch_style(gr_arch_def *def, const char *name);

/* GR_ERR_USAGE for what cannot be built, with the values. The other functions check too. */
gr_status gr_arch_check(const gr_arch_def *def, gr_error *err);

/* The network as a graph (gr_graph_free, or gr_model_new takes it over), and as a model whose parameters are drawn with
 * seed (gr_model_free). GR_ERR_USAGE as gr_arch_check, GR_ERR_MEMORY; on failure the output is NULL. */
gr_status gr_arch_graph(gr_graph **graph, const gr_arch_def *def, gr_error *err);
gr_status gr_arch_build(gr_model **model, const gr_arch_def *def, uint64_t seed, gr_error *err);

/* The network without the numbers of its parameters (gr_model_outline): what it would take is known by that. */
gr_status gr_arch_outline(gr_model **model, const gr_arch_def *def, gr_error *err);

/* Numbers in the core's parameters and in regions[region_count]; what several regions share counts for the first.
 * GR_ERR_USAGE as gr_arch_check. */
gr_status gr_arch_parameters(const gr_arch_def *def, size_t *core, size_t *regions, gr_error *err);

/* A copy that owns all it points to. */
gr_arch_def *gr_arch_copy(const gr_arch_def *def);
void gr_arch_free(gr_arch_def *def); /* of a copy, or of what surgery or a folder returned; NULL is fine */

/* Words of recipes and files for the enumerations: field is "kind", "norm", "position", "activation", "loss",
 * "qkv_bias", "init", "map" or "strength"; or "arch", what recipes call networks: every style, and the kinds of which
 * there is no style. gr_arch_word is NULL, gr_arch_value -1 where there is none. */
const char *gr_arch_word(const char *field, int value);
int gr_arch_value(const char *field, const char *word);

#ifdef __cplusplus
}
#endif

#endif

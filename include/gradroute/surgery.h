/* surgery.h - adding, silencing and removing the units of regions of a trained network, and changing its sizes.
 *
 *     gr_surgery_result out;
 *     gr_arch_def wider = def;                                  (the same with more regions)
 *     GR_TRY(gr_surgery_expand(&out, &def, model, &wider, &(gr_surgery_expand_def){0}, err));
 *     GR_TRY(gr_surgery_off(&out, &def, model, "biology", &(gr_surgery_off_def){.how = GR_OFF_ZERO}, err));
 *     GR_TRY(gr_surgery_remove(&out, &def, model, (const char *[]){"biology"}, 1, err));
 *     GR_TRY(gr_surgery_merge(&out, &def, model, (const char *[]){"adapter"}, 1, err));
 *     gr_surgery_resize_def larger = gr_surgery_resize_default();
 *     larger.layers = 6, larger.mlp = 768;
 *     GR_TRY(gr_surgery_resize(&out, &def, model, &larger, err));
 *     gr_surgery_free(&out);
 *
 * Each takes a description with its model, leaves both alone and returns a new pair.
 * Errors are GR_ERR_USAGE with the names and sizes that do not fit.
 */
#ifndef GRADROUTE_SURGERY_H
#define GRADROUTE_SURGERY_H

#include "gradroute/arch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gr_surgery_result {
    gr_arch_def *def; /* owned, gr_arch_free */
    gr_model *model;  /* owned, gr_model_free */
} gr_surgery_result;
void gr_surgery_free(gr_surgery_result *result); /* both; sets them to NULL */

/* ---- expand ---------------------------------------------------------------------------------------------------------
 *
 * `wider` describes the same network with more: new regions (added or claiming), added units, biases that start at
 * zero. What exists keeps its values. New units take their inputs from the draws of the new model; what they put out
 * (rows of attn.out and mlp.down, a group's embedding and positions) is zero unless `fresh`.
 *
 * What that means for the function computed, all regions on:
 * - neurons, heads, biases, claims: unchanged up to the rounding of longer sums (with zeros in them);
 * - adapters: unchanged, for B is zero at first;
 * - a residual group, off: unchanged, bit for bit, fresh or not;
 * - a residual group, on, not fresh: its dimensions are 0 everywhere, but RMS norm counts them (below);
 * - a residual group with its norm apart, on, not fresh: unchanged, bit for bit.
 *
 * With D dimensions before and g added, every norm divides by sqrt(sum/(D+g) + eps): the network is exactly the old one
 * with all norm gains times sqrt((D+g)/D) and eps times (D+g)/D. A gain cannot undo it without changing the network
 * with the group off. Training with the region on has to absorb a factor near 1.
 */
typedef struct gr_surgery_expand_def {
    bool fresh;    /* new units keep all their draws: the function changes */
    uint64_t seed; /* of the draws; 0: the model's own */
} gr_surgery_expand_def;
gr_status gr_surgery_expand(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const gr_arch_def *wider,
                            const gr_surgery_expand_def *how, gr_error *err);
/* Whether expand would take the two, before there is a model. */
gr_status gr_surgery_fits(const gr_arch_def *def, const gr_arch_def *wider, gr_error *err);

/* ---- off ------------------------------------------------------------------------------------------------------------
 *
 * Changes the weights of a region so that it is silent without a gate:
 *
 * - zero: what its units put out becomes 0 (see above). Of claimed residual dimensions these are all columns that write
 *   them, of an adapter B, of a layer owned whole what writes to the stream, its biases included. Parameters owned
 *   through patterns are zeroed whole.
 *
 * - reinit: all of its parameters are drawn again with another seed, as at the start (norms 1, biases 0).
 *
 * - mean: zero, and the mean of what its neurons and heads added, over calibration rows with every region on, goes to
 *   the bias behind them (which the new description gains: out_bias, or bias for an MLP). Only for regions of core
 *   neurons and heads, in a network without adapters on `out` or `down`. Rows whose class is -1 do not count; row
 *   weights do.
 *
 * Zero equals switching the region off, except for a residual group: its dimensions are 0 but stay counted by RMS norm,
 * unless that is apart. Gate or remove a group where the exact network without it is wanted.
 */
typedef enum gr_off { GR_OFF_ZERO, GR_OFF_REINIT, GR_OFF_MEAN } gr_off;
typedef struct gr_surgery_off_def {
    gr_off how;
    uint64_t seed;                                /* reinit */
    int positions;                                /* mean: the most in a batch */
    bool (*next)(void *context, gr_batch *batch); /* mean: the next calibration batch, false at the end */
    void *context;
} gr_surgery_off_def;
gr_status gr_surgery_off(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *region,
                         const gr_surgery_off_def *how, gr_error *err);

/* ---- remove ---------------------------------------------------------------------------------------------------------
 *
 * The units of the regions are gone from the tensors: neurons and heads, added or claimed, residual groups, adapters,
 * and whole layers, after which the next ones have the numbers that are free. The new description is that of the
 * smaller network (layers, layer_heads, layer_mlp or sizes where claimed units left; claims of other regions moved).
 * Computes what the network computes with the regions switched off: bit for bit for residual groups and adapters, up to
 * rounding for the others.
 *
 * Refused: claimed residual dimensions (the norm over them would divide by another count; switch them off instead),
 * whole parameters owned through patterns, layers while another region's patterns name parameters in layers, and all
 * layers.
 */
gr_status gr_surgery_remove(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *const *regions,
                            int count, gr_error *err);

/* ---- merge ----------------------------------------------------------------------------------------------------------
 *
 * The adapters of the regions go into the maps they are on: W += scale B^T A (so the other way round where W is stored
 * as outputs by inputs), and the regions leave the description. The network computes what it did with them on, outside
 * of training, up to rounding. Where the output matrix is the embedding (tied) and an adapter is on one of the two, the
 * new network is untied.
 *
 * Refused: regions that own more than an adapter.
 */
gr_status gr_surgery_merge(gr_surgery_result *out, const gr_arch_def *def, gr_model *model, const char *const *regions,
                           int count, gr_error *err);

/* ---- resize ---------------------------------------------------------------------------------------------------------
 *
 * More or fewer layers, neurons, heads and residual dimensions of the core. What is new puts out nothing at first and
 * takes its inputs from the draws, so growing leaves the function as it is: bit for bit for layers, up to the rounding
 * of longer sums (with zeros in them) otherwise. What shrinks loses its last units, or the layers from `at` on;
 * growing and shrinking back gives the bits that were there before.
 *
 * Residual dimensions: RMS norm divides by their number, so from D to W dimensions all gains are multiplied by
 * sqrt(D/W) and eps by D/W. That is exact where one width is 4, 16, .. times the other, and refused otherwise unless
 * `rounding` takes gains that are rounded. Refused: layer norm, whose mean would be over other dimensions too, and
 * networks with residual groups, whose norms count D alone or D and the group.
 *
 * Regions: claims stay with their units (`last` becomes a range); a region of all layers has units in new ones too. A
 * region that claims what would go, names no layer that stays, or owns parameters by a pattern that would mean others,
 * is GR_ERR_USAGE. So are other numbers of neurons where they are those of experts, and layers, heads and residual
 * dimensions of a multilayer perceptron.
 */
enum { GR_SURGERY_KEEP = -1, GR_SURGERY_END = -1 };
typedef struct gr_surgery_resize_def {
    int layers; /* as many, or GR_SURGERY_KEEP; so the next three */
    int at;     /* layer before which new ones come, or the first to go; GR_SURGERY_END: behind, or the last */
    int mlp, heads, width; /* neurons and (query) heads of every layer, residual dimensions */
    bool rounding;
    uint64_t seed; /* of the draws; 0: the model's own */
} gr_surgery_resize_def;
gr_surgery_resize_def gr_surgery_resize_default(void); /* keeps everything */
gr_status gr_surgery_resize(gr_surgery_result *out, const gr_arch_def *def, gr_model *model,
                            const gr_surgery_resize_def *how, gr_error *err);

/* ---- compare --------------------------------------------------------------------------------------------------------
 *
 * The largest |difference| of logits between two models over batches, each under its profile (tables whose class 0
 * every row uses; NULL: everything on). Rows whose class is -1 do not count. GR_ERR_USAGE: no positions, more than
 * `positions` of them in a batch, outputs of different widths. A difference that is no number is given as infinity. */
typedef struct gr_surgery_side {
    gr_model *model;
    const gr_tables *tables;
} gr_surgery_side;
gr_status gr_surgery_compare(double *largest, const gr_surgery_side side[2], int positions,
                             bool (*next)(void *context, gr_batch *batch), void *context, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

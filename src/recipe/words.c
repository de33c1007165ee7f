/* words.c - the keys at the top of a recipe, and keys that other programs have, or that recipes had once: what they are
 * called now and here. Both are looked at before anything is read, so that a slip is not answered with what is missing
 * because of it. */

#include <string.h>

#include "base/names.h"
#include "base/nearest.h"
#include "recipe/read.h"

/* A key that people bring along, the section where they write it (NULL: at the top; of a section that is a list, in any
 * of its maps and of their `options`), and a hint. */
typedef struct foreign_key {
    const char *section, *key, *hint;
} foreign_key;

#define LENGTH "train.steps or train.tokens say how long; `gradroute data show RECIPE` counts the tokens of a pass"

static const foreign_key keys[] = {
    {"train", "learning_rate", "here it is train.lr"},
    {"train", "lr_scheduler", "here it is train.schedule: constant, linear or cosine"},
    {"train", "lr_scheduler_type", "here it is train.schedule: constant, linear or cosine"},
    {"train", "warmup_steps", "here it is train.warmup, in steps"},
    {"train", "warmup_ratio", "here it is train.warmup, in steps"},
    {"train", "batch_size", "here it is train.batch, in rows of data.context tokens"},
    {"train", "per_device_train_batch_size", "here it is train.batch, in rows of data.context tokens"},
    {"train", "gradient_accumulation_steps", "here it is train.micro, the rows of a pass; the results are the same"},
    {"train", "gradient_checkpointing", "here it is train.recompute: true"},
    {"train", "epochs", LENGTH},
    {"train", "num_train_epochs", LENGTH},
    {"train", "max_steps", "here it is train.steps"},
    {"train", "max_iters", "here it is train.steps"},
    {"train", "iterations", "here it is train.steps"},
    {"train", "weight_decay", "here it is train.decay"},
    {"train", "grad_clip", "here it is train.clip"},
    {"train", "max_grad_norm", "here it is train.clip"},
    {"train", "adam_beta1", "here it is train.betas: [0.9, 0.999]"},
    {"train", "adam_beta2", "here it is train.betas: [0.9, 0.999]"},
    {"train", "adam_epsilon", "here it is train.eps"},
    {"train", "beta1", "here it is train.betas: [0.9, 0.999]"},
    {"train", "beta2", "here it is train.betas: [0.9, 0.999]"},
    {"train", "optim", "here it is train.optimizer"},
    {"train", "save_steps", "here it is train.checkpoint"},
    {"train", "eval_interval", "here it is diagnostics.heldout; with regions on and off diagnostics.probe"},
    {"train", "seed", "here it is seed, at the top of the recipe"},
    {"train", "dtype", "here it is precision, at the top of the recipe: auto, float32 or bf16"},
    {"train", "bf16", "here it is precision, at the top of the recipe: auto, float32 or bf16"},
    {"model", "vocab_size", "here it is data.tokenizer: {train: 4096}, or a tokenizer's file"},
    {"model", "hidden_size", "here it is model.width"},
    {"model", "d_model", "here it is model.width"},
    {"model", "dim", "here it is model.width"},
    {"model", "n_embd", "here it is model.width"},
    {"model", "embed_dim", "here it is model.width"},
    {"model", "num_hidden_layers", "here it is model.layers"},
    {"model", "num_layers", "here it is model.layers"},
    {"model", "n_layer", "here it is model.layers"},
    {"model", "n_layers", "here it is model.layers"},
    {"model", "depth", "here it is model.layers"},
    {"model", "num_attention_heads", "here it is model.heads"},
    {"model", "n_head", "here it is model.heads"},
    {"model", "n_heads", "here it is model.heads"},
    {"model", "num_key_value_heads", "here it is model.kv_heads"},
    {"model", "n_kv_heads", "here it is model.kv_heads"},
    {"model", "head_dim", "here it is model.head_size"},
    {"model", "intermediate_size", "here it is model.mlp"},
    {"model", "ffn_dim", "here it is model.mlp"},
    {"model", "d_ff", "here it is model.mlp"},
    {"model", "n_inner", "here it is model.mlp"},
    {"model", "hidden_act", "here it is model.activation"},
    {"model", "hidden_dropout_prob", "here it is model.dropout"},
    {"model", "rope_theta", "here it is model.rotary_base"},
    {"model", "sliding_window", "here it is model.window"},
    {"model", "tie_word_embeddings", "here it is model.tied"},
    {"model", "rms_norm_eps", "here it is model.eps"},
    {"model", "layer_norm_eps", "here it is model.eps"},
    {"model", "initializer_range", "here it is model.init_std"},
    {"model", "num_experts", "here it is model.experts"},
    {"model", "num_local_experts", "here it is model.experts"},
    {"model", "max_position_embeddings", "here it is data.context"},
    {"model", "n_positions", "here it is data.context"},
    {"model", "block_size", "here it is data.context"},
    {"model", "context", "here it is data.context"},
    {"data", "vocab_size", "here it is data.tokenizer: {train: 4096}"},
    {"data", "block_size", "here it is data.context"},
    {"data", "seq_len", "here it is data.context"},
    {"data", "sequence_length", "here it is data.context"},
    {"data", "max_length", "here it is data.context"},
    {"data", "max_seq_length", "here it is data.context"},
    {"data", "n_ctx", "here it is data.context"},
    {"data", "val_split", "here it is data.validation, a share of the documents"},
    {"data", "path", "here it is the kind of the file: data.text, jsonl, json, csv, tsv or folder"},
    {"data", "file", "here it is the kind of the file: data.text, jsonl, json, csv, tsv or folder"},
    {"data", "dataset", "here it is the kind of the file: data.text, jsonl, json, csv, tsv or folder"},
    {"routes", "again", "it is called repeat now: drawn sequences are shown a second time"},
    {"routes", "share", "it is called chance now: the probability of the option"},
    {"preset", "p_again", "it is called p_repeat now"},
    {NULL, "lr", "here it is train.lr"},
    {NULL, "learning_rate", "here it is train.lr"},
    {NULL, "epochs", LENGTH},
    {NULL, "steps", "here it is train.steps"},
    {NULL, "batch_size", "here it is train.batch, in rows of data.context tokens"},
    {NULL, "vocab_size", "here it is data.tokenizer: {train: 4096}"},
    {NULL, "training", "here it is train"},
    {NULL, "dataset", "here it is data"},
    {NULL, "dtype", "here it is precision: auto, float32 or bf16"},
};

/* The error for a key that is not known at its place. */
static gr_status unknown(const gr_yaml *node, const char *section, const char *hint, gr_error *err) {
    char place[256];
    return gr_error_set(err, GR_ERR_USAGE, gr__yaml_place(node->key_at, place, sizeof place), hint,
                        "unknown key '%.100s'%s%s", node->key, section ? " in " : "", section ? section : "");
}

/* The key in a map or in its options, or in the maps of a list; NULL where it is nowhere. */
static const gr_yaml *find_key(const gr_yaml *node, const char *key) {
    const gr_yaml *found = NULL;
    if (!node || node->kind == GR_YAML_SCALAR)
        return NULL;

    if (node->kind == GR_YAML_LIST) {
        for (const gr_yaml *child = node->first; child && !found; child = child->next)
            found = find_key(child, key);
        return found;
    }

    found = gr__yaml_child(node, key);
    return found ? found : find_key(gr__yaml_child(node, "options"), key);
}

/* Looks for each key of the list where people write it. */
static gr_status foreign(const gr_yaml *root, gr_error *err) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const foreign_key *k = &keys[i];
        const gr_yaml *found = find_key(k->section ? gr__yaml_child(root, k->section) : root, k->key);
        if (found)
            return unknown(found, k->section, k->hint, err);
    }
    return GR_OK;
}

static const char *const top[] = {"seed",  "split_seed",  "order_seed", "precision", "threads", "from",       "task",
                                  "data",  "labels",      "adjacent",   "model",     "regions", "preset",     "routes",
                                  "train", "diagnostics", "twins",      "relearn",   "prompts", "development"};
enum { TOP = sizeof top / sizeof *top };

/* Whether a recipe has a section or a key at the top of this name. */
static bool is_known(const char *key) { return gr__has_text(top, TOP, key); }

const char *gr__recipe_word(const char *word) {
    static const char *const sections[] = {NULL, "train", "data", "model"}; /* in the order in which they are meant */
    for (int s = 0; s < 4; s++)
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            const foreign_key *k = &keys[i];
            bool here = sections[s] ? k->section && strcmp(k->section, sections[s]) == 0 : !k->section;
            if (here && strcmp(k->key, word) == 0)
                return k->hint;
        }
    return is_known(word) ? "it is a key of recipes" : NULL;
}

/* The error for a key at the top: the nearest one that is known, or all of them. */
static gr_status unknown_at_top(const gr_yaml *node, gr_error *err) {
    char hint[384] = "at the top of a recipe: ";
    const char *near = gr_nearest(node->key, top, TOP, NULL);
    size_t used = strlen(hint);
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    for (int i = 0; i < TOP && !near && used < sizeof hint; i++)
        used += (size_t)snprintf(hint + used, sizeof hint - used, "%s%s", i ? ", " : "", top[i]);
    return unknown(node, NULL, hint, err);
}

gr_status gr__recipe_check_words(const gr_yaml *root, gr_error *err) {
    if (gr__yaml_child(root, "experiment") && gr__yaml_child(root, "arms"))
        return gr_yaml_fail(
            root, err, "`gradroute reproduce EXPERIMENT` makes one; a recipe for it is named beside it: --base RECIPE",
            "this is an experiment, not a recipe");
    GR_TRY(foreign(root, err));
    if (gr__yaml_child(root, "task")) /* which may have sections of its own: who reads them refuses the rest */
        return GR_OK;
    for (const gr_yaml *child = root->first; child; child = child->next)
        if (!is_known(child->key))
            return unknown_at_top(child, err);
    return GR_OK;
}

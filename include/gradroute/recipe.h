/* recipe.h - one YAML file that says everything about a run, parsed and checked.
 *
 *     gr_recipe *recipe;
 *     const char *sets[] = {"train.tokens=64k", "seed=2"};             --set of the command line
 *     GR_TRY(gr_recipe_open(&recipe, "recipes/demo.yaml", sets, 2, err));
 *     gr_corpus_def def = {recipe->data.source, recipe->data.sources, recipe->data.dedupe, recipe->data.field,
 *                          recipe->data.fields, recipe->data.id};
 *     gr_corpus_open(&corpus, &def, err);
 *     recipe->model.vocab = gr_tokenizer_size(tokenizer);
 *     gr_arch_build(&model, &recipe->model, recipe->seed, err);
 *     gr_router_new(&router, model, recipe->routes, recipe->seed, err);
 *     gr_recipe_write(recipe, "runs/demo/recipe.yaml", err);           resolved: every default filled in
 *     gr_recipe_free(recipe);
 *
 * The vocabulary (what is in brackets may be left out; = gives the default):
 *
 *     seed: 1, split_seed: SEED, order_seed: SEED        of the start and the draws of training; of what is held out,
 *                    hidden and attacked with; of the order of documents
 *     threads: 0 (all)        precision: auto | float32 | bf16
 *     task: text | samples    (or one that a program adds, which may have further sections) where the data do not tell
 *     data:
 *       wordnet: FOLDER, fallback: FOLDER          one or more of these three sources
 *       planted: {facts: 64}                       invented facts beside them
 *       jsonl, json, csv, tsv: FILES, and then
 *          text: FIELD = text, label: FIELD = label, topic: NAME (of records without label), id: FIELD
 *       folder: FOLDERS of text files, whose folders are topics
 *       text: FILES | [{file: FILES, separator: TEXT, topic: NAME}, ...]
 *                                    FILES: a file or pattern, or a list of them, each plain or gzip
 *       shards: FOLDER                             read instead of the sources (`gradroute data pack`)
 *       or samples of bytes: images: FILE, classes: FILE, test_images: FILE, test_classes: FILE, names: [NAME, ...],
 *       mean: 0, std: 1, validation: 0.05, test: VALIDATION; none of the other keys
 *       validation: 0.05, test: VALIDATION, context: 128, dedupe: none | exact | near
 *       mixed: false                               rows that mix labels
 *       long: split | cut                          documents longer than the context
 *       tokenizer: {train: 4096} | {file: FILE}    as gr_tokenizer_open reads it
 *     labels:   {NAME: {SOURCE, known: 1, hidden: [TOPIC, ...], hidden_by: FIELD,
 *                       hidden_as: unlabelled|core, recall: 1, precision: 1, false_from: [TOPIC, ...],
 *                       noise_by: FIELD,
 *                       spread: {recall: 0.9, lost: 0, from: 0, soft: false}}}
 *     SOURCE:   is: [TOPIC, ...], field: FIELD    values of the topic, or of another member of the records
 *               words: [TEXT, ...] | FILE, per: document|sentence|token
 *               pattern: REGEX, caseless: false, per
 *               scores: FILE | {file: FILE, score: score, spans: spans, id: FIELD}, threshold: 0.5, soft: false, per
 *               tokens: [TEXT, ...]               single tokens, spelt exactly
 *               all_of: [NAME, ...]               where several labels hold at once
 *     adjacent: [TOPIC, ...]                       trained on as core, reported apart
 *     development: {labels: {NAME: {is: [TOPIC, ...], hidden: [TOPIC, ...]}}}     to choose settings on
 *     model:    {arch: STYLE|mlp (architectures.md), and any of layers, width, heads, kv_heads, head_size, mlp, norm,
 *                norm_gain, eps, position, positions, rotary_base, rotary_size, rotary_halves, attention_scale,
 *                window: N | [N, ...], activation, experts, top, balance, bias, qkv_bias, out_bias,
 *                logit_bias, tied, dropout, init: scaled|flat|uniform, init_std, l1, l1_layers, sizes, loss}
 *               or {from: FOLDER, fresh: false}: a trained model, to which the regions are added; its sizes,
 *                context and tokenizer are the defaults
 *     regions:  {NAME: {residual|mlp|heads|experts: {add: N} | {last: N} | {claim: [LO, HI]}, layers: [I, ...],
 *                       residual: {add: N, norm: shared|apart, writes: both|own},
 *                       parameters: [PATTERN, ...], whole: [I, ...],
 *                       adapter: {rank: R, scale: 1, dropout: 0, maps: [MAP, ...]}, strength: learned|sigmoid,
 *                       stop: false}}
 *     preset:   NAME | {name: NAME, OPTION: VALUE, joint: [KIND|NAME, ...], draw: DRAW, from: STEP, until: STEP,
 *                       regions: {LABEL: REGION or list}}
 *     routes:   [ROUTE, ...]                       after those of the preset
 *     train:    {tokens: 4M | steps: N, batch: 32, micro: BATCH, recompute: false, optimizer: adamw|adam|sgd, lr,
 *                warmup, schedule: constant|linear|cosine, final, betas: [B1, B2], eps, decay, momentum, clip,
 *                groups: [{parameters: PATTERN, lr: SCALE, decay: VALUE}], checkpoint: STEPS,
 *                checkpoint_share: SHARE}
 *     diagnostics: {every: 50, probe: 200, heldout: 200}   steps between measurements; 0: none. More for short ones
 *     twins:    [plain, filtered]                   models that an audit makes (default: as the labels allow)
 *     relearn:  {documents: 64, steps: 30, lr: [0.0003, 0.001], batch: 32, every: 5}
 *     prompts:  [TEXT, ...]
 *
 *     ROUTE:    {label: any|unlabelled|core|topics|NAME or a list of them, draw: token|document|sequence|step,
 *                repeat: false, mix: false | {bias: 4, smooth_forget: 1, smooth_retain: 20}, from: STEP|50%,
 *                until: STEP|50%, one OPTION, or options: [OPTION, ...] of which at most one is drawn, or
 *                subset: CHANCE, of: [REGION, ..]}
 *     OPTION:   {chance: 1|{from, to}, forward|activation|parameter: {SCOPE: WEIGHT, ...}, joint: [KIND|NAME, ..]}
 *               and shorthands
 *               open: [SCOPE, ..]       parameter weight 1       closed: [SCOPE, ..]   parameter weight 0
 *               rest: open|closed       parameter weight of the rest
 *               without: [REGION, ..]   forward 0                only: [REGION, ..]    every other region forward 0
 *               mode: MODE with weights: {SCOPE: WEIGHT}         one_of: [REGION, ..]  one on at random, the others off
 *     SCOPE:    REGION, others, rest, all, embeddings, norms, biases, out_biases, "tap:PATTERN",
 *               "tap:PATTERN[LO:HI]", "tap:PATTERN[LO:]"; PATTERN may hold *, ? and {LO..HI}
 *     KIND:     embeddings, norms, biases, out_biases
 *
 * Relative paths of a file are relative to that file, those of --set to the working folder; the resolved recipe has
 * absolute ones. Every value is checked: errors are GR_ERR_USAGE (GR_ERR_FORMAT for YAML syntax) with
 * file:line:column as place; a recipe that cannot be opened is GR_ERR_INPUT.
 */
#ifndef GRADROUTE_RECIPE_H
#define GRADROUTE_RECIPE_H

#include "gradroute/arch.h"
#include "gradroute/label.h"
#include "gradroute/optim.h"
#include "gradroute/route.h"
#include "gradroute/samples.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { GR_RECIPE_RATES = 8 };

typedef struct gr_recipe_data {
    const gr_source *source; /* [sources] */
    int sources;
    double validation, test;    /* shares that are held out: to choose settings on, and to report */
    int context;                /* positions of a row */
    bool dedupe, mixed;         /* dedupe: drop exact duplicates */
    bool near;                  /* and held-out documents near a training document */
    bool cut;                   /* documents longer than the context are cut to it, not split into pieces */
    int tokenizer_train;        /* tokens to train; 0: from tokenizer_file */
    const char *tokenizer_file; /* NULL: trained */
    gr_idx_def samples;         /* instead of text; images NULL: text */
    const char *shards;         /* folder of shards that is read instead of the sources; NULL: none */
    const char *const *field;   /* [fields] members of records that labels ask for, beside the topic */
    int fields;
    const char *id; /* member that names a record; NULL: none */
} gr_recipe_data;

/* Topics that stand for those of a label while settings are chosen (gradroute tune). */
typedef struct gr_development {
    const char *label;
    const char *const *is;     /* [topics] */
    const char *const *hidden; /* [hiddens] of these, where the label hides some of its own */
    int topics, hiddens;
} gr_development;

typedef struct gr_recipe_from {
    const char *path; /* the model folder to go on from; NULL: a network of its own */
    bool fresh;       /* new units keep their draws instead of putting out 0 at first */
    gr_arch_def *def; /* what the folder holds */
    char sha256[65];  /* of its manifest */
} gr_recipe_from;

typedef struct gr_recipe_train {
    int64_t tokens, steps;   /* steps * batch * context, rounded up from the tokens of the file; what is asked for */
    int batch, micro;        /* rows of a step, and of a micro-batch (divides batch) */
    bool recompute;          /* layers keep less and are computed again: gr_run_def.recompute */
    gr_optim_def optim;      /* with total = steps */
    int64_t checkpoint;      /* steps between checkpoints; 0: at the end only */
    double checkpoint_share; /* of the time that they may take; 0: as long as they take */
} gr_recipe_train;

typedef struct gr_recipe_diagnostics {
    int64_t every, probe; /* steps between gradients by label and region, and between losses on and off; 0: never */
    int64_t heldout;      /* and between losses of held-out text, of every model */
} gr_recipe_diagnostics;

typedef struct gr_recipe_relearn {
    int documents, steps, batch, every;
    int64_t tokens; /* above 0: as many documents as hold that many tokens */
    double lr[GR_RECIPE_RATES];
    int rates;
} gr_recipe_relearn;

typedef struct gr_recipe {
    uint64_t seed;       /* of the start, and of the draws of training: routes, dropout */
    uint64_t split_seed; /* of the documents that are held out, whose labels are hidden, and of the attack */
    uint64_t order_seed; /* of the order in which training reads the documents */
    int threads;         /* 0: all */
    gr_precision precision;
    const char *task; /* its name (task.h); NULL: the recipe does not say */
    gr_recipe_data data;
    const gr_label_def *label; /* [labels]: labels 1..K */
    int labels;
    const char *const *adjacent; /* [adjacents] topics */
    int adjacents;
    /* [developments] whether labels and topics fit is asked where they are taken: experiments change the labels */
    const gr_development *development;
    int developments;
    gr_recipe_from from;
    gr_arch_def model;       /* with its regions, those of `from` first; vocab is 0 where the tokenizer decides */
    const gr_preset *preset; /* NULL: none */
    gr_routes *routes;       /* expanded */
    gr_recipe_train train;
    gr_recipe_diagnostics diagnostics;
    const char *const *twin; /* [twins] models that an audit makes beside the routed one */
    int twins;
    bool twins_said; /* else as the labels allow */
    gr_recipe_relearn relearn;
    const char *const *prompt; /* [prompts] */
    int prompts;
    struct gr_yaml
        *own; /* the recipe's tree, of whose sections a named task may read further ones; NULL: none is named */
    struct gr_yaml *root; /* private, from here */
    struct gr_arena *arena;
    const char *file;          /* that it was read from; NULL: from memory */
    const char *folder, *here; /* what relative paths of the file and of --set are relative to */
} gr_recipe;

/* sets: `count` assignments KEY=VALUE, applied before anything is read. On failure *recipe is NULL. */
gr_status gr_recipe_open(gr_recipe **recipe, const char *path, const char *const *sets, int count, gr_error *err);

/* The same from memory; source names it in errors, relative paths are relative to the working folder. */
gr_status gr_recipe_parse(gr_recipe **recipe, const char *text, size_t length, const char *source,
                          const char *const *sets, int count, gr_error *err);
void gr_recipe_free(gr_recipe *recipe); /* NULL is fine */

/* Regions of model from this one on are those under study: what the recipe adds to a model it goes on from, or all. */
int gr_recipe_first_region(const gr_recipe *recipe);

/* The resolved recipe as text (a new string, gr_free) and as a file; reading it gives the same recipe. */
gr_status gr_recipe_text(const gr_recipe *recipe, char **text, gr_error *err);
gr_status gr_recipe_write(const gr_recipe *recipe, const char *path, gr_error *err);

#ifdef __cplusplus
}
#endif

#endif

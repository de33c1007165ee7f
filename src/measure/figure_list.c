/* The figures that compare models, a row each: docs/measures.md says what they mean. */
#include "measure/measure.h"

/* On the group that is asked for, after the attack where one is named. */
#define ASKED(role) \
    { GR_ROLE_##role, false, true, 0 }

/* On the group that is asked for, as the models were left by their training. */
#define BEFORE(role) \
    { GR_ROLE_##role, false, false, 0 }

/* The same after an attack with so many documents. */
#define RUNG(role, documents) \
    { GR_ROLE_##role, false, true, documents }

/* From none of them up to 64. */
#define LADDER(role) BEFORE(role), RUNG(role, 8), RUNG(role, 16), RUNG(role, 32), RUNG(role, 64)

/* On retain text, before any attack: what an attack costs there is no sign of what a model knows. */
#define RETAIN(role) \
    { GR_ROLE_##role, true, false, 0 }

const gr_figure gr__figure_list[] = {
    /* How much was removed: ratios, which need something to be taken over. */
    {.name = "removal_specific",
     .help = "of the gap beyond what other text loses: 0 as the model for 0, 1 as that for 1",
     .reading = "The share of what the filter knows less of the topic, beyond other text, that this model knows "
                "less too: 0 is plain training, 1 the filter. Its control is the placebo, expected at 0.",
     .group = "forget",
     .operands = 6,
     .operand = {ASKED(OF), ASKED(ZERO), ASKED(ONE), RETAIN(OF), RETAIN(ZERO), RETAIN(ONE)},
     .formula = gr__formula_specific,
     .over = "gap_specific",
     .least = true},
    {.name = "removal",
     .help = "of the gap between the models for 0 and 1",
     .reading = "The same without taking off what other text loses, so damage counts as removal; its control is "
                "the specific figure, and a placebo shows what damage alone makes.",
     .group = "forget",
     .operands = 3,
     .operand = {ASKED(OF), ASKED(ZERO), ASKED(ONE)},
     .formula = gr__formula_removal,
     .over = "gap"},

    /* What there is to remove: of the models for 0 and 1 alone. */
    {.name = "gap_specific",
     .help = "what the model for 1 loses on the group beyond what it loses on other text, nats",
     .reading = "What there is to remove: what leaving the topic out costs its own text beyond other text. It is "
                "the control of every ratio, which means nothing where this is near 0.",
     .group = "forget",
     .operands = 4,
     .operand = {ASKED(ONE), ASKED(ZERO), RETAIN(ONE), RETAIN(ZERO)},
     .formula = gr__formula_specific_gap},
    {.name = "gap",
     .help = "what the model for 1 loses on the group, nats",
     .reading = "What leaving the topic out costs its own text; its control is the general gap, the part of it "
                "that other text loses too.",
     .group = "forget",
     .operands = 2,
     .operand = {ASKED(ONE), ASKED(ZERO)},
     .formula = gr__formula_difference},
    {.name = "gap_general",
     .help = "what the model for 1 loses on other text, nats",
     .reading = "What the filter loses on all other text by being narrower and having read less: the control of "
                "plain removal, which counts it in.",
     .group = "retain",
     .operands = 2,
     .operand = {RETAIN(ONE), RETAIN(ZERO)},
     .formula = gr__formula_difference},

    /* What the model with its regions still knows. */
    {.name = "retention",
     .help = "of what is known about the group: 1 as the model for 0",
     .reading = "What the model with its regions on still knows of the topic: 1 is plain training, 0 the filter. "
                "It is the control of every removal, which is easy for a region that learned nothing.",
     .group = "forget",
     .operands = 3,
     .operand = {BEFORE(OF), BEFORE(ZERO), BEFORE(ONE)},
     .formula = gr__formula_retention,
     .over = "gap"},

    /* What an attack brings back, of what there was to know before it. */
    {.name = "savings",
     .help = "how much sooner the topic comes back than in a model that never read of it: 0 not at all",
     .reading =
         "How much sooner the topic comes back than a model that never read of it learns it: 0 is no sooner. Its "
         "control is that model, and what plain training saves is that of a model that forgot nothing.",
     .group = "forget",
     .operands = 12,
     .operand = {LADDER(OF), LADDER(NEVER), BEFORE(ONE), BEFORE(ZERO)},
     .formula = gr__formula_savings,
     .over = "gap",
     .least = true},
    {.name = "recovery",
     .help = "of what is known about the group after the attack: 0 as the model for 1 before it, 1 as that for 0",
     .reading =
         "How far the last attack brought the topic back, or taught it: 0 is the filter before it, 1 plain training. "
         "Its control is the recovery of the filter, which had nothing to bring back.",
     .group = "forget",
     .operands = 3,
     .operand = {ASKED(OF), BEFORE(ZERO), BEFORE(ONE)},
     .formula = gr__formula_retention,
     .over = "gap",
     .least = true},

    /* What it costs other text, with the regions off and on. */
    {.name = "tax_off",
     .help = "loss above that of the model for 1, nats",
     .reading = "What the model without its regions pays on other text; its control is the filter, which never "
                "had to bother and stands at 0. Adjacent text shows leaks first.",
     .group = "retain",
     .operands = 2,
     .operand = {BEFORE(OF), BEFORE(ONE)},
     .formula = gr__formula_difference},
    {.name = "tax_on",
     .help = "loss above that of the model for 0, nats",
     .reading = "What routing costs the whole model on other text; its control is plain training of the same "
                "network on the same rows, at 0.",
     .group = "retain",
     .operands = 2,
     .operand = {BEFORE(OF), BEFORE(ZERO)},
     .formula = gr__formula_difference},

    /* What a model that is left is worth: its loss on the curve of plain models. */
    {.name = "compute_ratio",
     .help = "of the training of the model for 0, after which a plain model has the loss: 1 all of it",
     .reading = "The share of plain training's operations after which a plain model knows the text as well: 1 costs "
                "nothing, 0.5 is half of the training lost. Its control is the filter's ratio on the same text.",
     .group = "retain",
     .operands = 1,
     .operand = {ASKED(OF)},
     .along = GR_ALONG_OPERATIONS},
    {.name = "leakage",
     .help = "text of the topic that a plain model reads to have the loss, of what was read unlabelled: 0 nothing",
     .reading = "How much of the topic's unlabelled text the model has learned from, as a share of it: 0 is none, 1 "
                "is what a filter reads that leaves out what is labelled. That filter is its control.",
     .group = "forget",
     .operands = 1,
     .operand = {ASKED(OF)},
     .along = GR_ALONG_LABELLED},

    /* The loss itself: of two models, one `minus` the other, on one group. */
    {.name = "loss",
     .help = "the model's own loss on the group, nats",
     .reading =
         "The loss of one model, or the difference of two: nothing is divided by a gap. Its control is the model "
         "that is taken off, or beside which it stands.",
     .group = "retain",
     .operands = 1,
     .operand = {ASKED(OF)},
     .formula = gr__formula_loss},
    {0},
};

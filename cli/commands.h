/* commands.h - the table of subcommands: one line here and one file cmd_NAME.c make a command
 * (and its name in tests/cmd_usage.sh).
 *
 *     int gr__cmd_train(int argc, char **argv);     argv[0] is "gradroute train"; returns the exit status
 */
#ifndef GR_CLI_COMMANDS_H
#define GR_CLI_COMMANDS_H

/* clang-format off */
#define GR_COMMANDS(X) \
    X(train, "train the routed model of a recipe") \
    X(audit, "train it beside its twins, take the region out, measure the removal") \
    X(reproduce, "make and measure all models of an experiment, print its claims") \
    X(tune, "try settings of routing on topics to develop on, and choose") \
    X(report, "write a page about finished experiments, side by side") \
    X(plan, "parameters, memory, steps and minutes of a recipe beforehand") \
    X(check, "print what the routes of a recipe do, and what looks wrong") \
    X(eval, "loss of a model on text, by group or topic, with regions on or off") \
    X(ablate, "remove or silence regions of a model for good") \
    X(resize, "give a model more or fewer layers, neurons, heads or dimensions") \
    X(generate, "continue a prompt, with regions on or off") \
    X(import, "make a model folder of a network that another program trained") \
    X(inspect, "what a model folder, run or checkpoint holds, and its digests") \
    X(data, "show the data of a recipe, train a tokenizer, encode text")
/* clang-format on */

#define GR_COMMAND_DECLARE(name, purpose) int gr__cmd_##name(int argc, char **argv);
GR_COMMANDS(GR_COMMAND_DECLARE)
#undef GR_COMMAND_DECLARE

#endif

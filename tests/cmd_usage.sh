# Help, version, and what the command says to wrong usage.
. tests/cmd.inc

commands="train audit reproduce tune report plan check eval ablate resize generate import inspect data"
actions="show tokenizer encode fetch pack"
lists_all() { [ "$(gradroute --help | sed -n 's/^  \([a-z]*\)   *[a-z].*/\1/p' | xargs)" = "$commands" ]; }
ok 'these are all commands' lists_all

lists_commands() { for c in $commands; do gradroute --help | grep -q "^  $c " || return 1; done; }
ok 'help lists every command' lists_commands
fails 2 'generate' 'no command lists them too' gradroute
ok 'version' gradroute --version
fails 0 '^gradroute [0-9]' 'version has a number' gradroute --version
for c in $commands; do
    fails 0 'Exit status' "$c --help has the exit status" gradroute $c --help
    fails 0 'Example' "$c --help has examples" gradroute $c --help
    fails 0 'Usage: gradroute' "help $c" gradroute help $c
    [ $c = data ] || fails 2 '[A-Z] is missing' "$c without its argument" gradroute $c
    [ $c = data ] || fails 2 'unrecognized option' "$c with an unknown option" gradroute $c x --frobnicate
done
for a in $actions; do
    fails 0 'Exit status' "data $a --help has the exit status" gradroute data $a --help
    fails 2 '[A-Z] is missing' "data $a without its argument" gradroute data $a
done
# Nor is an example of a command line broken to fit: what follows one begins otherwise.
narrow() {
    gradroute "$@" >"$work/table" && ! grep '.\{81\}' "$work/table" &&
        awk 'line && /^[^ `A-Z]/ { print; bad = 1 } { line = /^  gradroute/ } END { exit bad }' "$work/table"
}
ok 'help fits a terminal of 80 columns' narrow --help
for c in $commands; do ok "help of $c too" narrow $c --help; done
for a in $actions; do ok "help of data $a too" narrow data $a --help; done
lists_actions() { [ "$(gradroute data --help | sed -n 's/^  \([a-z]*\)   *[a-z].*/\1/p' | sort | xargs)" = "$(echo $actions | xargs -n 1 | sort | xargs)" ]; }
ok 'these are all actions of data' lists_actions
fails 2 "did you mean 'train'" 'the nearest command' gradroute tarin x
fails 2 'gradroute --help' 'no command near' gradroute zzzzzzzz
fails 2 "did you mean 'show'" 'the nearest action' gradroute data shwo
fails 2 'unexpected argument' 'one recipe at a time' gradroute train a b
fails 2 'expected a number' 'threads that are no number' gradroute train a --threads many
fails 2 'expected a number' 'a negative temperature' gradroute generate a --prompt b --temperature=-1
fails 2 'hint: train.steps or train.tokens say how long' 'an option of other programs' gradroute train a --epochs 3
fails 2 'hint: here it is train.lr; keys of recipes are set by --set KEY=VALUE' 'with a value and dashes' gradroute audit a --learning-rate=0.1
fails 2 'cannot open' 'a value that looks like one' gradroute train a -o --epochs
fails 2 'cannot open' 'an argument that looks like one' gradroute train -- --epochs
fails 2 'Try .gradroute train --help' 'an option that nobody has' gradroute train a --frobnicate
fails 2 'Try .gradroute generate --help' 'one of recipes, where none is read' gradroute generate a --epochs 3
for c in audit reproduce tune plan; do
    for option in seeds jobs; do
        fails 2 "^gradroute $c: --$option is 'x', expected a number from 1 to 1000$" "--$option of $c" gradroute $c a --$option x
    done
    [ $c = plan ] || fails 2 "^gradroute $c: --budget is 'x', expected a number from 0.001 to 1e+06$" "--budget of $c" gradroute $c a --budget x
done
fails 2 '^gradroute tune: --budget 5 and --preset small exclude each other' 'tune with both' gradroute tune a --budget 5 --preset small
fails 0 'as options --set' 'tune says how to take its choice over' gradroute tune --help
fails 2 'exclude each other' 'eval with data and recipe' gradroute eval a --data b --recipe c
fails 2 'mean needs --data' 'a mean over nothing' gradroute ablate a --remove b --how mean -o c
fails 2 'expected remove, zero' 'an unknown way to ablate' gradroute ablate a --remove b --how burn -o c
fails 0 'Usage: gradroute' '-h is --help' gradroute train -h
fails 0 'Usage: gradroute' '-h of an action of data' gradroute data show -h
fails 2 "did you mean 'eval'" 'a longer word for a command' gradroute evaluate x
full_disk() { gradroute --help >/dev/full; }
fails 1 'cannot write' 'standard output that cannot be written' full_disk
finish

# A copy of the program alone, without the project beside it and without an environment: experiments that are shipped are
# a part of it, and a folder of the user's stands before them.
. tests/cmd.inc
t=$work/tiny.yaml
mkdir "$work/alone" "$work/in"
cp "$(command -v gradroute)" "$work/alone/gradroute"

# alone WORD ..: in an empty folder, with nothing in its environment.
alone() { (cd "$work/in" && env -i ../alone/gradroute "$@"); }
# shared WORD ..: the same with a folder of experiments.
shared() { (cd "$work/in" && env -i GRADROUTE_SHARE="$work/share" ../alone/gradroute "$@"); }

# Names of those that are shipped, in their order; without audit.
shipped=$(ls experiments | sed -n 's/\.yaml$//p' | LC_ALL=C sort | paste -s -d , | sed 's/,/, /g')
others=$(ls experiments | sed -n 's/\.yaml$//p' | grep -v '^audit$' | LC_ALL=C sort | paste -s -d , | sed 's/,/, /g')

fails 2 "there are: $shipped\$" 'a name that there is not: those that there are' alone reproduce nothing --base "$t" -o "$work/none"
fails 2 "did you mean 'audit'" 'a slip' alone plan audti --base "$t"
ok 'plan audit' alone plan audit --base "$t" --threads 1
fails 2 '^gradroute: audit (built in):[0-9]*' 'errors say where it stands' alone plan audit --base "$t" --preset nothing
ok 'nothing was written' test -z "$(ls "$work/in")"
ok 'audit' alone audit "$t" -o "$work/a" --set precision=float32 --threads 1
json 'reproduce audit' alone reproduce audit --base "$t" -o "$work/r" --set precision=float32 --threads 1 --json
ok 'the same' tools/same_figures.py "$work/a/result.json" "$work/r/result.json" --renamed tools/renamed_keys.txt

# ---- a folder of the user's ----
mkdir -p "$work/share/experiments"
ok 'a folder without experiments hides nothing' shared plan audit --base "$t" --threads 1
sed 's/^experiment: audit/experiment: mine/' experiments/audit.yaml >"$work/share/experiments/mine.yaml"
fails 0 'mine' 'an experiment of their own' shared plan mine --base "$t" --threads 1
fails 2 "there are: mine, $shipped\$" 'both are listed' shared plan nothing --base "$t"
cp "$work/share/experiments/mine.yaml" "$work/share/experiments/audit.yaml"
fails 0 'mine' 'theirs stands before the one that is shipped' shared plan audit --base "$t" --threads 1
fails 2 "there are: audit, mine, $others\$" 'and is listed once' shared plan nothing --base "$t"
finish

# Experiments: `plan` knows one from a recipe, counts what is made and how often it is used, and says what is wrong with it
# and where.
. tests/cmd.inc
e=$work/rates.yaml
cat >"$e" <<'YAML'
experiment: rates
base: tiny.yaml
seeds: 3
axes: {known: {all: {}, half: {labels.animals.known: 0.5}}}
presets: {quick: {seeds: 2, axes: {known: [all]}}}
arms:
  routed: {train: {set: {preset.p_cr: {knob: [0.1, 0.2]}}}}
  cut: {from: routed, ablate: {regions: all}}
  plain: {train: {routes: none}}
  perfect: {train: {without: true_labels}, when: hidden_labels}
measures: {loss: {of: [routed, cut, plain, perfect]}}
attacks: {relearn: {of: [cut, plain], documents: [4, 8]}}
groups: {forget: any_label, retain: retain}
YAML
plan() { timeout 60 gradroute plan "$@"; }
last() { get "$work/last.json" "$1"; }

# ---- counts: 5 models at each of two points, 3 of them attacked at 2 numbers of documents; and one
# more at the second, which hides labels ----
json 'a plan' plan "$e" --json
ok 'its models' same "$(last "['cells']['models']")" 33
ok 'its measurements' same "$(last "['cells']['measures']")" 33
ok 'its attacks' same "$(last "['cells']['attacks']")" 36
ok 'its data' same "$(last "['cells']['data']")" 6
ok 'all of it' same "$(last "['cells']['all']")" 108
ok 'its points' same "$(last "['points']")" "[{'known': 'all'}, {'known': 'half'}]"
ok 'an arm by its knob' same "$(last "['arms'][1]")" "{'name': 'cut', 'method': 'ablate', 'from': 'routed', 'points': 2, 'values': 2, 'models': 12, 'uses': 12}"
ok 'an arm by a fact of one point' same "$(last "['arms'][3]['points']") $(last "['arms'][3]['uses']")" '1 3'
fails 0 '^108 cells in 108 uses:$' 'and for people' plan "$e"
fails 0 '^  33 models$' 'without uses where they are as many' plan "$e"
fails 0 '^  cut  *ablate  *2  *2  *12  *12$' 'a line for each arm' plan "$e"

json 'a preset' plan "$e" --preset quick --json
ok 'has its seeds and points' same "$(last "['cells']['all']")" 34
json 'arms by name' plan "$e" --arms routed --json
ok 'bring what goes on from them' same "$(last "['cells']['models']")" 24
json 'the recipe of the command line' plan "$e" --set labels.animals.known=0.9 --json
ok 'may change a fact' same "$(last "['arms'][3]['points']")" 2
sed 's/\[animal\]/[animal], known: 0.7/' "$work/tiny.yaml" >"$work/hidden.yaml"
json 'another base' plan "$e" --base "$work/hidden.yaml" --json
ok 'is read instead' same "$(last "['arms'][3]['points']")" 2
json 'the audit, by its name, on a recipe' plan audit --base "$work/tiny.yaml" --json
ok 'has the arms of an audit' same "$(last "['cells']['models']")" 4
ok 'and what is measured of text' same "$(last "['cells']['measures']")" 6
counted=$(last "['cells']['all']")
ok 'the same, made' timeout 300 gradroute reproduce audit --base "$work/tiny.yaml" -o "$work/made"
ok 'is as many cells' same "$(ls "$work/made/cells" | wc -l)" "$counted"

# ---- what is the same is made once: two arms by one method, and an axis that is of attacks alone ----
s=$work/shared.yaml
cat >"$s" <<'YAML'
experiment: shared
base: tiny.yaml
axes: {attack: {short: {relearn.steps: 2}, long: {relearn.steps: 4}}}
arms:
  routed: {train: {}}
  plain: {train: {routes: none}}
  again: {train: {routes: none}}
measures: {loss: {of: [routed, plain, again]}}
attacks: {relearn: {of: [plain], documents: [4]}}
groups: {forget: any_label, retain: retain}
YAML
json 'two arms by one method' plan "$s" --json
ok 'are used at each point' same "$(last "['uses']")" "{'data': 2, 'models': 6, 'measures': 6, 'attacks': 2, 'all': 16}"
ok 'and made once' same "$(last "['cells']")" "{'data': 1, 'models': 2, 'measures': 2, 'attacks': 2, 'all': 7}"
ok 'by the first of them' same "$(last "['arms'][1]['models']") $(last "['arms'][2]['models']") $(last "['arms'][2]['uses']")" '1 0 2'
fails 0 '^7 cells in 16 uses; what several arms, points or seeds share is made once:$' 'and for people' plan "$s"
fails 0 '^  2 models in 6 uses$' 'a line for each kind' plan "$s"
fails 0 '^  1 of data in 2 uses$' 'and of the data' plan "$s"
ok 'the same, made' timeout 300 gradroute reproduce "$s" -o "$work/shared"
ok 'is as many cells' same "$(ls "$work/shared/cells" | wc -l)" 7

# ---- arms by facts of a point: the perfect filter stands for 1 where labels are hidden, else the known one ----
p=$work/facts.yaml
cat >"$p" <<'YAML'
experiment: facts
base: tiny.yaml
axes: {known: {all: {}, half: {labels.animals.known: 0.5}}}
arms:
  routed: {train: {}}
  plain: {train: {routes: none}}
  filtered: {train: {routes: none, without: revealed}}
  perfect: {train: {routes: none, without: true_labels}, when: hidden_labels}
roles: {subject: routed, zero: plain, one: [perfect, filtered]}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [routed, plain, filtered, perfect]}}
figures: [{key: gap, figure: gap}]
verdict: {missing: none, lead: {figure: gap, say: 'gap {gap}', refused: 'no'}}
YAML
ok 'an arm by a fact of one point' timeout 300 gradroute reproduce "$p" -o "$work/facts"
of_points() { python3 -c 'import json, sys
points = json.load(open(sys.argv[1]))["points"]
print(*[(p["scale"], "perfect" in p["models"], "gap" in p) for p in points])' "$work/facts/result.json"; }
ok 'is made there, and has the role there' same "$(of_points)" "('filtered', False, True) ('perfect', True, True)"

# ---- claims: what its seeds can tell ----
json 'without claims' plan "$e" --json
ok 'there are none' same "$(last "['claims']")" 0
cat >>"$e" <<'YAML'
claims: [{primary: true, say: small, figure: value, measure: loss, field: mean, of: plain, at_most: 1}]
YAML
json 'with one' plan "$e" --json
ok 'of three seeds' same "$(last "['half_width']" | cut -c 1-8)" 2.484137
fails 0 'over 3 seeds the interval is the mean -+ 2.48 standard deviations' 'a claim and three seeds' plan "$e"
fails 0 '^ *3 seeds are too few, it takes 5' 'are too few' plan "$e"
sed 's/^seeds: 3/seeds: 5/' "$e" >"$work/five.yaml"
fails 0 'over 5 seeds the interval is the mean -+ 1.24 standard deviations$' 'five are enough' plan "$work/five.yaml"
sed 's/^seeds: 3/seeds: 1/' "$e" >"$work/single.yaml"
fails 0 '^1 claim: 1 seed is too few, it takes 5$' 'one has no interval' plan "$work/single.yaml"

# ---- a filter by a classifier, and routes by labels that it spread ----
cat >"$work/classified.yaml" <<'YAML'
experiment: classified
base: tiny.yaml
set: {labels.animals.known: 0.5}
arms:
  known: {train: {routes: none, without: revealed, regions: out}}
  classifier: {train: {routes: none, without: {classified: {lost: {knob: [0.02, 0.3]}}}, regions: out}}
  guessed: {train: {labels: {spread: {recall: 0.8}}}}
  mended: {from: known, repair: {steps: 2}}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [known, classifier, guessed, mended]}}
YAML
fails 0 '^  classifier 0.02: animals [0-9]* found by [0-9]*, AUC 0' 'arms by a classifier' timeout 300 gradroute reproduce "$work/classified.yaml" -o "$work/by"
found() { get "$work/by/result.json" "['models']$1['found']['animals']$2"; }
between() { python3 -c 'import sys; x, low, high = map(float, sys.argv[1:]); sys.exit(not low <= x <= high)' "$@"; }
say_found() { get "$work/by/result.json" "['models']['known'].get('found')"; }
ok 'one that goes by what is known has none' same "$(say_found)" None
ok 'of the text that is not known at most a fiftieth is lost' between "$(found "['classifier']['values'][0]" "['lost']")" 0.001 0.02
ok 'a larger share finds more' between "$(found "['classifier']['values'][1]" "['hidden_recall']")" 0.8 1
ok 'who spreads labels finds as many as were asked for' between "$(found "['guessed']" "['recall']")" 0.8 0.85
ok 'and knows how well' between "$(found "['guessed']" "['hidden_auc']")" 0.9 1
mended() { get "$work/by/result.json" "['models']['mended']['made'][0]$1"; }
ok 'a repair says which step it has kept' between "$(mended "['step']")" 0 2
ok 'on the page too' grep -q '>mended: step [012], steps 2' "$work/by/report.html"
ok 'out of how many' same "$(mended "['steps']")" 2
sed 's/{lost: {/{losst: {/' "$work/classified.yaml" >"$work/slip.yaml"
fails 2 "slip.yaml:6:61: unknown key 'losst'" 'a slip in what a classifier is asked' plan "$work/slip.yaml"

# ---- relearning on text of a file ----
cat >"$work/stranger.yaml" <<'YAML'
experiment: stranger
base: tiny.yaml
set: {precision: float32, train.steps: 4}
arms:
  plain: {train: {routes: none}}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [plain]}}
attacks: {relearn_unrelated: {of: [plain], file: letters.txt, documents: [0, 3]}}
YAML
letter() { python3 -c 'import sys; print("<|endoftext|>".join("%s of letter %d" % (sys.argv[1], i) for i in range(4)))' "$1" >"$work/letters.txt"; }
stranger() { gradroute reproduce "$work/stranger.yaml" -o "$work/stranger" "$@"; }
attacked() { ls "$work/stranger/cells" | wc -l; }
letter 'Dear friend, this is all'
fails 0 '^After relearn_unrelated: plain' 'text of a file beside the experiment' stranger
ok 'is what is trained on' same "$(get "$work/stranger/result.json" "['relearn_unrelated']['documents']")" 3
before=$(attacked)
ok 'once' stranger
ok 'and not again' same "$(attacked)" "$before"
letter 'Dear Sir, with thanks'
ok 'another text under the same name' stranger
ok 'is another attack at each of its strengths' same "$(attacked)" $((before + 2))
rm "$work/letters.txt"
fails 2 'letters.txt' 'a file that is gone' stranger

# ---- one that is built in, with routes for a part of the run ----
fails 0 '^  withheld_off  *ablate ' 'the experiment of absorption is read' plan absorption --preset smoke --set data.wordnet="$PWD/recipes/wordnet-subset"

# ---- what is wrong ----
fails 2 "no preset is called 'quik'" 'another preset' plan "$e" --preset quik
fails 2 '  hint: did you mean .quick' 'with a hint' plan "$e" --preset quik
fails 2 "^gradroute: --arms: no arm is called 'plian'" 'another arm' plan "$e" --arms plian
fails 2 'experiment audit has no recipe of its own' 'no recipe' plan experiments/audit.yaml
fails 2 "no experiment is called 'audti'" 'another name' plan audti --base "$work/tiny.yaml"
fails 2 'none.yaml: cannot open' 'a file that is not there' plan none.yaml
fails 2 'no such file\|No such file' 'a recipe that is not there' plan "$e" --base "$work/none.yaml"
fails 2 'are of experiments, and this is none' 'a recipe with a preset' plan "$work/tiny.yaml" --preset quick
sed 's/half: {labels/half: {lables/' "$e" >"$work/slip.yaml"
fails 2 "slip.yaml:4:32: unknown key 'lables'" 'a slip in what is set' plan "$work/slip.yaml"
sed 's/from: routed/from: ruoted/' "$e" >"$work/slip.yaml"
fails 2 "slip.yaml:8:15: no arm is called 'ruoted'" 'a slip in an arm' plan "$work/slip.yaml"
printf 'experiment: [\n' >"$work/slip.yaml"
fails 2 'slip.yaml:2:1: not valid YAML' 'a file that is no YAML' plan "$work/slip.yaml" --preset quick
finish

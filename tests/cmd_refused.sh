# What is refused leaves every file as it was: each command that writes, with each kind of folder in its way.
. tests/cmd.inc
place=$work/place
mkdir "$place"
cp "$work/tiny.yaml" "$work/corpus.jsonl" "$place"
t=$place/tiny.yaml
cd "$place" || exit 1

train() { gradroute train "$t" "$@"; }
audit() { gradroute audit "$t" --set train.steps=4 --set 'twins=[plain]' --set 'relearn={documents: 4, steps: 2}' "$@"; }
short='train.steps=4'
other='data.tokenizer.train=290'

ok 'a run' train -o run --set $short
ok 'an audit' audit -o audit
ok 'shards' gradroute data pack "$t" -o shards --shard 0.01
ok 'a smaller model' gradroute ablate run --remove animals -o small
ok 'a tokenizer' gradroute data tokenizer corpus.jsonl --vocab 280 -o tok.json
ok 'a run with other files of the user beside it' sh -c 'mkdir mine && echo keep >mine/notes.txt && gradroute train tiny.yaml -o mine --set train.steps=4'

# ---- a label that is never shown ----
for share in 0 0.001; do
    hidden="labels.animals.known=$share"
    refused 2 "$hidden: label 'animals' is shown on no document that is trained on (known: $share): route 1 never acts" \
        "train: known: $share" train -o hidden --set "$hidden"
    refused 2 "$hidden: label 'animals' is shown on no document" "audit: known: $share" audit -o hidden --set "$hidden"
    refused 2 "error: label 'animals' never occurs in the data" "check: known: $share" gradroute check "$t" --set "$hidden"
done
refused 2 'tiny.yaml.*: label .animals. is shown on no document that is trained on (known: 1)' 'train: a label that errors hide' \
    train -o hidden --set labels.animals.recall=0
sed "s/^  animals: {is: .animal.}/&\n  foods: {is: [food], known: 0}/; s/^adjacent.*//; s/^preset.*//" tiny.yaml >measured.yaml
printf 'routes: [{label: animals, open: [animals], rest: closed}, {label: core, chance: 0.5, without: [animals]}]\n' >>measured.yaml
ok 'a label that no route needs is measured' gradroute train measured.yaml -o measured --set train.steps=4
fails 0 "note: label 'foods' never occurs" 'and check only notes it' gradroute check measured.yaml

# ---- another recipe ----
for how in --resume --json; do
    refused 2 'another recipe: data.tokenizer.train is 290 here, 300 there' "train $how: another vocabulary" train -o run --set $short --set $other $how
    refused 2 'another recipe: seed is 7 here, 3 there$' "train $how: another seed" train -o run --set $short --set seed=7 $how
    refused 2 'another recipe: train.steps is 5 here, 4 there' "train $how: more steps" train -o run --set train.steps=5 $how
done
refused 2 'another recipe: order_seed is 7 here, 3 there$' 'train: another order' train -o run --set $short --set order_seed=7
refused 2 'another recipe: seed is 7 here, 3 there; split_seed is 5 here, 3 there$' 'train: a seed and another split' \
    train -o run --set $short --set seed=7 --set split_seed=5
refused 2 'another recipe: seed is 7 here, 3 there$' 'train: a seed whose split stays' train -o run --set $short --set seed=7 --set split_seed=3
refused 2 'another recipe: train.batch is 8 here, 4 there$' 'train: a batch, and what follows it' train -o run --set $short --set train.batch=8
refused 2 'train.lr is 0.001 here, 0.003 there' 'train: two keys are both named' train -o run --set train.steps=5 --set train.lr=0.001 --resume
refused 2 'regions.animals.mlp.add is 4 here, 16 there' 'train: a key further inside' train -o run --set $short --set regions.animals.mlp.add=4 --resume
refused 2 'another recipe: seed is 7 here, 3 there' 'audit: another seed' audit -o audit --set seed=7
refused 2 'another recipe: data.tokenizer.train is 290 here' 'audit: another vocabulary' audit -o audit --set $other
refused 2 'run' 'train: a finished run, without --resume' train -o run --set $short

# The same recipe over another corpus.
mv corpus.jsonl kept.jsonl
sed '1,40d' kept.jsonl >corpus.jsonl
refused 2 'other data' 'train: the corpus has changed' train -o run --set $short --resume
refused 2 'other data' 'audit: the corpus has changed' audit -o audit
refused 2 'other text' 'data pack: the corpus has changed' gradroute data pack "$t" -o shards --shard 0.01
mv kept.jsonl corpus.jsonl

# ---- what only looks unfinished ----
cp -r run bare && rm -r bare/checkpoints
refused 2 'finished run' 'train: a finished run whose checkpoints are gone' train -o bare --set $short
refused 2 'train.steps is 3 here, 4 there' 'train: the same, with fewer steps' train -o bare --set train.steps=3
ok 'train: --resume reports it' train -o bare --set $short --resume
rm bare/done.json
for how in '' --resume; do
    refused 2 'bare/model' "train: a model is there and nothing to go on from $how" train -o bare --set $short $how
done
cp -r run half && rm half/done.json
refused 2 'run at step 4' 'train: a run without done.json' train -o half --set $short
echo mine >half/model/notes
refused 2 "'notes'" 'train --resume: a model that could not be replaced in the end' train -o half --set $short --resume
rm half/model/notes
ok 'train: --resume goes on with it' train -o half --set $short --resume

# ---- folders of another kind ----
refused 2 'holds an experiment' 'train into an audit' train -o audit --set $short
refused 2 'holds an experiment' 'train --resume into an audit' train -o audit --set $short --resume
refused 2 'holds a run' 'audit into a run' audit -o run
for into in small run/model; do
    refused 2 'a model\|belongs to the run' "train into the model $into" train -o $into --set $short
    refused 2 'a model\|belongs to the run' "audit into the model $into" audit -o $into
    refused 2 'no folder of shards\|belongs to the run' "data pack into the model $into" gradroute data pack "$t" -o $into
done
refused 2 'shards' 'train into shards' train -o shards --set $short
refused 2 'shards' 'audit into shards' audit -o shards
for into in run audit; do
    refused 2 'no folder of shards' "data pack into $into" gradroute data pack "$t" -o $into
    refused 2 'belongs to the run' "data pack into $into/data" gradroute data pack "$t" -o $into/data
done

# Models are saved over nothing but a model, and that holds only what its manifest lists.
ok 'a smaller model is replaced' gradroute ablate run --remove animals -o small --how zero --force
cp -r small more && cp run/checkpoints/*4.safetensors more/mine.safetensors
cp -r small torn && sed -i s/sha256/sha257/ torn/manifest.json
cp -r small lost && rm lost/manifest.json
mkdir empty void && : >file && mkdir -p sub/deep && echo a >sub/deep/note
for into in run audit shards run/checkpoints run/data mine more torn lost sub file; do
    refused '[12]' "$into" "ablate onto $into" gradroute ablate run --remove animals -o $into
    refused '[12]' "$into" "resize onto $into" gradroute resize run --layers 3 -o $into
done
refused 2 "'mine.safetensors'" 'ablate names the file in the way' gradroute ablate run --remove animals -o more
refused 2 'belongs to the run' 'ablate over checkpoints' gradroute ablate run --remove animals -o run/checkpoints
for out in run/model run/../run/model/; do
    refused 2 'would be lost' "ablate onto the model itself: $out" gradroute ablate run --remove animals -o $out
    refused 2 'would be lost' "resize onto the model itself: $out" gradroute resize run --layers 3 -o $out
done
ok 'an empty folder becomes a model' gradroute ablate run --remove animals -o empty

# ---- the user's own files ----
mkdir own && cp tiny.yaml own/recipe.yaml && cp corpus.jsonl own
for command in train audit; do
    (cd own && refused 2 "'recipe.yaml'" "$command over its own recipe" gradroute $command recipe.yaml -o .; exit $failed) || failed=1
done
for taken in metrics.jsonl data/tokenizer.json data/dataset.bin checkpoints/notes model/notes done.json folder.json tokens-animals.tsv; do
    rm -rf theirs && mkdir -p "theirs/$(dirname $taken)" && echo mine >theirs/$taken
    refused 2 "'${taken%%/*}'" "train over a $taken" train -o theirs --set $short
    refused 2 "'${taken%%/*}'" "train --resume over a $taken" train -o theirs --set $short --resume
done
for taken in data/tokenizer.json cells/notes work result.json results.jsonl experiment.yaml subject routed/notes plain; do
    rm -rf theirs && mkdir -p "theirs/$(dirname $taken)" && echo mine >theirs/$taken
    refused 2 "${taken%%/*}" "audit over a $taken" audit -o theirs
done
for taken in tokenizer.json manifest.json shard-00000.bin rows-00000.bin held.bin; do
    rm -rf theirs && mkdir theirs && echo mine >theirs/$taken
    refused 2 "'$taken'" "data pack over a $taken" gradroute data pack "$t" -o theirs
done
rm -rf theirs && mkdir theirs && echo mine >theirs/stamp.txt
refused 2 'other text' 'data pack over a stamp.txt' gradroute data pack "$t" -o theirs

# ---- one part of what belongs together ----
# A run keeps the model that it trained, and the figures of an audit are of its models: no other model takes their place.
for into in mine/model audit/routed/model audit/plain/model through; do
    [ $into != through ] || ln -s audit/plain/model through
    refused 2 'belongs to the run\|belongs to the cell' "ablate onto the model $into of a run" gradroute ablate run --remove animals -o $into
    refused 2 'belongs to the run\|belongs to the cell' "resize onto the model $into of a run" gradroute resize run --layers 3 -o $into
done
rm -r half/done.json half/model
refused 2 'belongs to the run' 'ablate into the place of a model that a run has not made yet' gradroute ablate run --remove animals -o half/model
# A vocabulary by which a model, a run, an audit or shards read is no file by itself.
for into in small run/model; do
    refused 2 'belongs to the model' "data tokenizer onto that of the model $into" gradroute data tokenizer corpus.jsonl -o $into/tokenizer.json
    refused 2 'belongs to the model' "data tokenizer beside it, in $into" gradroute data tokenizer corpus.jsonl -o $into/new.json
    refused 2 'belongs to the model' "ablate into the model $into" gradroute ablate run --remove animals -o $into/within
done
for into in run audit; do
    refused 2 'belongs to the' "data tokenizer onto that of $into" gradroute data tokenizer corpus.jsonl -o $into/data/tokenizer.json
done
refused 2 'belongs to the shards' 'data tokenizer onto that of shards' gradroute data tokenizer corpus.jsonl -o shards/tokenizer.json
# However deep, and whether or not there is a folder on the way.
for into in small run/model; do
    for out in new not/yet/there/; do
        refused 2 'belongs to the model' "data pack into $into/$out" gradroute data pack "$t" -o $into/$out
        refused 2 'belongs to the model' "ablate into $into/$out" gradroute ablate run --remove animals -o $into/$out
        refused 2 'belongs to the model' "train into $into/$out" train -o $into/$out --set $short
        refused 2 'belongs to the model' "audit into $into/$out" audit -o $into/$out
    done
done
refused 2 'belongs to the run' 'data pack deep into the data of a run' gradroute data pack "$t" -o run/data/not/yet
refused 2 'belongs to the run' 'data pack deep into the cells of an audit' gradroute data pack "$t" -o audit/cells/not/yet
ln -s run/model into_model
refused 2 'belongs to the model' 'data pack through a link' gradroute data pack "$t" -o into_model/not/yet
ln -s shards/tokenizer.json to_vocabulary
refused 2 'belongs to the shards' 'data tokenizer onto it through a link' gradroute data tokenizer corpus.jsonl -o to_vocabulary
mkdir web && echo '{"name": "a page", "files": []}' >web/manifest.json
ok 'a model beside the manifest of another program' gradroute ablate run --remove animals -o web/model
ok 'a model beside those of an audit' gradroute ablate audit --remove animals -o audit/removed

# ---- shards stay whole when a second pack is refused ----
refused 2 'nosuch' 'data pack: labels that fit nothing' gradroute data pack "$t" -o shards --shard 0.01 --set 'labels.animals={is: [nosuch]}'
ok 'the shards are still whole' train -o fromshards --set $short --set data.shards=shards

# ---- one file from another ----
ln corpus.jsonl hard.jsonl && ln -s corpus.jsonl soft.jsonl
for out in corpus.jsonl ./corpus.jsonl hard.jsonl soft.jsonl; do
    refused 2 'also an input' "data tokenizer onto its corpus as $out" gradroute data tokenizer corpus.jsonl -o $out
done
for command in train audit; do
    refused 2 'a file of this name is in the way' "$command onto a file" gradroute $command tiny.yaml -o corpus.jsonl
done
refused 2 'no tokenizer' 'data tokenizer over some other file' gradroute data tokenizer corpus.jsonl -o sub/deep/note
ok 'data tokenizer over a tokenizer' gradroute data tokenizer corpus.jsonl --vocab 280 -o tok.json
refused 2 'not a regular file' 'data tokenizer onto a device' gradroute data tokenizer corpus.jsonl -o /dev/null

# ---- links ----
mkdir real && ln -s real to_real && ln -s nowhere to_nothing && cp -r small target && ln -s target to_model
refused 2 'to_nothing' 'train into a link to nothing' train -o to_nothing --set $short
refused 2 'to_nothing' 'audit into a link to nothing' audit -o to_nothing
refused 2 'to_nothing' 'data pack into a link to nothing' gradroute data pack "$t" -o to_nothing
refused 2 'to_nothing' 'ablate into a link to nothing' gradroute ablate run --remove animals -o to_nothing
ok 'train through a link' train -o to_real --set $short
ok 'the link is still one, and the run where it points' test -L to_real -a -e real/done.json
ok 'ablate through a link' gradroute ablate run --remove animals -o to_model
ok 'the link is still one, and the model where it points' test -L to_model -a -e target/manifest.json
ln -s run/model to_input
refused 2 'would be lost' 'ablate onto the model itself through a link' gradroute ablate run --remove animals -o to_input
ok 'the folder through another link' sh -c 'ln -s "$PWD" around && gradroute ablate run --remove animals -o around/viaround'
rm around

# ---- wrong usage, bad recipes, data that are not there ----
new() { printf '%s' "fresh/$1"; }
for bad in --set=train.lr=-1 --set=trian.lr=1 --set=data.jsonl=missing.jsonl --set=data.tokenizer.train=3 --nosuch --threads=0 \
    --set=labels.animals.is=nosuch; do
    for command in train audit; do
        refused 2 . "$command $bad" gradroute $command "$t" -o fresh/x "$bad"
        refused 2 . "$command $bad over a run" gradroute $command "$t" -o run "$bad"
    done
    [ "$bad" = --set=labels.animals.is=nosuch ] || # known when the tokens are made, and those are kept
        refused 2 . "data pack $bad" gradroute data pack "$t" -o fresh/x "$bad"
    refused 2 . "data pack $bad over shards" gradroute data pack "$t" -o shards --shard 0.01 "$bad"
done
for bad in '--remove nosuch' '--remove animals --how nosuch' '--remove animals,animals' '--remove animals --how mean --data missing' \
    '--remove animals --verify missing'; do
    refused 2 . "ablate $bad" gradroute ablate run $bad -o fresh/x
    refused 2 . "ablate $bad over a model" gradroute ablate run $bad -o small
done
for bad in '--layers 0' '--layers 3 --verify missing'; do
    refused 2 . "resize $bad" gradroute resize run $bad -o fresh/x
    refused 2 . "resize $bad over a model" gradroute resize run $bad -o small
done
for bad in missing corpus.jsonl tok.json; do
    refused 2 . "import of $bad" gradroute import $bad -o fresh/x
    refused 2 . "import of $bad over a model" gradroute import $bad -o small
done
refused 2 . 'data tokenizer of nothing' gradroute data tokenizer missing.jsonl -o fresh.json
refused 2 . 'data tokenizer of nothing over a tokenizer' gradroute data tokenizer missing.jsonl -o tok.json

for url in ftp://example.org/x x file:///etc/passwd; do
    refused 2 'http://' "data fetch $url" gradroute data fetch "$url" -o fresh/x
done
refused 2 'the file is there' 'data fetch over a file' gradroute data fetch http://127.0.0.1:9/x -o corpus.jsonl
refused 2 'SHA-256' 'data fetch over a file of another digest' gradroute data fetch http://127.0.0.1:9/x -o corpus.jsonl --sha256 \
    0000000000000000000000000000000000000000000000000000000000000000
refused 2 'to_nothing' 'data fetch into a link to nothing' gradroute data fetch http://127.0.0.1:9/x -o to_nothing

refused 2 'other columns' 'bench into a file with something else' gradroute-bench threads --quick --csv corpus.jsonl
refused 2 'no benchmark' 'bench of nothing' gradroute-bench nosuch --csv fresh.csv

# ---- what only reads ----
for reads in 'eval run' 'eval audit' 'eval run --off nosuch' 'inspect run' 'generate run --prompt a --tokens 2' 'plan tiny.yaml' 'check tiny.yaml' \
    'data show tiny.yaml' 'eval small' 'audit tiny.yaml --help'; do
    refused '[02]' . "$reads changes nothing" gradroute $reads
done
finish

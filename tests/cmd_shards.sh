# The corpus as shards: data pack, killed and given again; training, evaluation and audit from them; what is refused.
. tests/cmd.inc
tiny=$work/tiny.yaml shards=$work/shards

json 'pack' gradroute data pack "$tiny" -o "$shards" --shard 0.01 --json
ok 'several shards' test "$(get "$work/last.json" "['count']")" -gt 1
ok 'every document is somewhere' test "$(get "$work/last.json" "['documents']")" = \
    "$((400 - $(get "$work/last.json" "['held_out']")))"
digest=$(get "$work/last.json" "['sha256']")
json 'again' gradroute data pack "$tiny" -o "$shards" --shard 0.01 --json
ok 'nothing new' same "$digest" "$(get "$work/last.json" "['sha256']")"
json 'show' gradroute data show "$tiny" --set data.shards="$shards" --json
ok 'labels' same "$(get "$work/last.json" "['labels'][1]['name']")" animals

# Killed while it works, as often as it takes.
killed=$work/killed
round=0
while [ ! -f "$killed/manifest.json" ] && [ $round -lt 60 ]; do
    gradroute data pack "$tiny" -o "$killed" --shard 0.01 >"$work/out" 2>"$work/err" &
    pid=$!
    sleep "0.0$((round % 9 + 1))"
    kill -9 $pid 2>"$work/null"
    wait $pid 2>"$work/null"
    round=$((round + 1))
done
ok 'a killed pack goes on' gradroute data pack "$tiny" -o "$killed" --shard 0.01
ok 'and ends with the same bytes' diff -r "$shards" "$killed"

ok 'train' gradroute train "$tiny" --set data.shards="$shards" -o "$work/run"
ok 'checked once' test -f "$work/run/data/shards.checked"
gradroute train "$tiny" --set data.shards="$shards" -o "$work/cut" >"$work/out" 2>"$work/err" &
pid=$!
wait_for_steps "$work/cut" 7 $pid
kill -9 $pid
wait $pid 2>"$work/null"
ok 'resume' gradroute train "$tiny" --set data.shards="$shards" -o "$work/cut" --resume
ok 'the same bits' same_run "$work/run" "$work/cut"
json 'what was held out' gradroute data show "$tiny" --set data.shards="$shards" --json
cp "$work/last.json" "$work/shown.json"
ok 'is for validation and the test' same "$(get "$work/shown.json" "['train'] + $(get "$work/shown.json" "['validation']") + $(get "$work/shown.json" "['test']")")" 400
json 'eval' gradroute eval "$work/run" --json
ok 'of the test' same "$(get "$work/last.json" "['all']['documents']")" "$(get "$work/shown.json" "['test']")"
ok 'audit' gradroute audit "$tiny" --set data.shards="$shards" -o "$work/audit"
ok 'its figures' is_json "$work/audit/result.json"

printf 'data: {shards: %s, context: 32}\nlabels: {animals: {is: [animal]}}\n' "$shards" >"$work/read.yaml"
ok 'a recipe of shards alone' gradroute data show "$work/read.yaml"
fails 2 'another context' 'other labels' gradroute data show "$work/read.yaml" --set labels.animals.known=0.5
fails 2 'shards keep topics' 'labels by words are refused' gradroute data show "$work/read.yaml" --set 'labels.animals={words: [bird]}'
fails 2 'shards keep topics' 'mistakes too' gradroute data show "$work/read.yaml" --set labels.animals.recall=0.5
fails 2 'shards keep topics' 'hidden topics too' gradroute data show "$work/read.yaml" --set 'labels.animals={is: [animal, food], hidden: [food]}'
fails 2 'shards keep topics' 'and nothing is packed for them' gradroute data pack "$tiny" -o "$work/none" --set labels.animals.precision=0.5
no_folder() { [ ! -e "$work/none/stamp.txt" ]; }
ok 'before a byte is written' no_folder
fails 2 'names no source' 'nothing to pack' gradroute data pack "$work/read.yaml" -o "$work/none"
fails 2 'other text or other settings' 'another seed' gradroute data pack "$tiny" -o "$shards" --shard 0.01 --set seed=9
fails 2 'no manifest' 'no shards' gradroute train "$tiny" --set data.shards="$work/nowhere" -o "$work/no"
ok 'new labels keep the tokens' gradroute data pack "$tiny" -o "$killed" --shard 0.01 --set labels.animals.known=0.5
ok 'the same tokens' cmp "$shards/shard-00000.bin" "$killed/shard-00000.bin"
ok 'read with new labels' gradroute data show "$tiny" --set data.shards="$killed" --set labels.animals.known=0.5
truncate -s -1 "$killed/shard-00001.bin"
fails 2 'shard-00001.bin: the file was cut' 'a cut shard' gradroute data show "$tiny" --set data.shards="$killed" \
    --set labels.animals.known=0.5
finish

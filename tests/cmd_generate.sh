# Continuing text: draws, stop strings, batches with a profile for each prompt, streaming, and wrong usage.
. tests/cmd.inc
t=$work/tiny.yaml r=$work/run
ok 'train' gradroute train "$t" -o "$r"
first() { get "$work/last.json" "['completions'][0]['$1']"; }
text() { get "$work/last.json" "['completions'][$1]['completion'].encode()"; } # of completion number $1
check() { name=$1; shift; ok "$name" python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))["completions"]
'"$1" "$work/last.json"; }

# ---- one prompt ----
fails 0 '^a small' 'generate' gradroute generate "$r" --prompt 'a small' --tokens 8
fails 0 '^a small' 'the prompt after the model' gradroute generate "$r" 'a small' --tokens 2
json 'all regions off' gradroute generate "$r" 'a' --off all --tokens 2 --json
check 'are named' 'assert c[0]["off"] == ["animals"]'
json 'generate --json' gradroute generate "$r" --prompt 'a small é' --off animals --tokens 8 --json
check 'it says what was made' 'x, = c
assert x["off"] == ["animals"] and x["tokens"] == len(x["ids"]) <= 8 and x["prompt"] == "a small é" and x["prompt_tokens"] > 3
assert x["finish"] in ("length", "end") and (x["tokens_per_s"] > 0 or x["tokens"] < 2) and "seed" not in x'
json 'generate draws' gradroute generate "$r" --prompt 'a' --temperature 2 --top-k 50 --seed 4 --tokens 20 --json
drawn=$(text 0)
json 'generate draws again' gradroute generate "$r" --prompt 'a' --temperature 2 --top-k 50 --seed 4 --tokens 20 --json
ok 'the same seed gives the same text' same "$drawn" "$(text 0)"
json 'generate with another seed' gradroute generate "$r" --prompt 'a' --temperature 2 --top-k 50 --seed 5 --tokens 20 --json
differ() { [ -n "$1" ] && [ "$1" != "$2" ]; }
ok 'another seed gives another text' differ "$drawn" "$(text 0)"
json 'generate greedily' gradroute generate "$r" --prompt 'a' --tokens 20 --json
greedy=$(text 0)
for cut in '--top-k 1' '--top-p 1e-9' '--min-p 1'; do
    # shellcheck disable=SC2086
    json "generate $cut" gradroute generate "$r" --prompt 'a' --temperature 2 $cut --tokens 20 --json
    ok 'only the most likely is left' same "$greedy" "$(text 0)"
done
json 'generate in bfloat16' gradroute generate "$r" --prompt 'a small' --precision bf16 --tokens 40 --json
json 'generate from nothing' gradroute generate "$r" --prompt '' --tokens 3 --json
printf '\377\303' >"$work/bytes"
json 'a prompt that is not UTF-8' gradroute generate "$r" --prompt "$(cat "$work/bytes")" --tokens 3 --json
check 'its bytes are read, and shown as U+FFFD' 'assert c[0]["prompt"] == "\ufffd\ufffd" and c[0]["prompt_tokens"] == 3'

# ---- what is written ----
valid() { "$@" >"$work/streamed" && python3 -c 'import sys; open(sys.argv[1], encoding="utf-8").read()' "$work/streamed"; }
ok 'wild draws are written as valid UTF-8' valid gradroute generate "$r" --prompt "$(cat "$work/bytes")" --temperature 50 --tokens 200
json 'the same as JSON' gradroute generate "$r" --prompt "$(cat "$work/bytes")" --temperature 50 --tokens 200 --json
check 'streamed text is the text of the object' "assert open('$work/streamed', encoding='utf-8', newline='').read() == c[0]['prompt'] + c[0]['completion'] + '\n'
assert '\ufffd' in c[0]['completion']"
full_disk() { gradroute generate "$r" --prompt a --tokens 500 >/dev/full; }
fails 1 'cannot write' 'standard output that is full' full_disk

# ---- stop strings ----
json 'a text to stop' gradroute generate "$r" --prompt 'a small' --tokens 30 --json
whole=$(text 0)
piece=$(get "$work/last.json" "['completions'][0]['completion'][4:9]")
json 'generate --stop' gradroute generate "$r" --prompt 'a small' --tokens 30 --stop 'never said' --stop "$piece" --json
check 'it is cut before the string' "w = $whole.decode(); stop = w[4:9]
assert c[0]['completion'] == w[:w.index(stop)] and c[0]['finish'] == 'stop' and c[0]['stop'] == stop, (w, c)"
before=$(first completion)
streamed() { [ "$(gradroute generate "$r" --prompt 'a small' --tokens 30 --stop "$piece")" = "a small$before" ]; }
ok 'it is not written' streamed

# ---- batches ----
json 'alone' gradroute generate "$r" --prompt 'an old' --temperature 1 --tokens 16 --json
alone=$(text 0)
json 'several prompts' gradroute generate "$r" --prompt 'a' --prompt 'an old' --prompt '' --prompt 'an old' --temperature 1 --tokens 16 --json
ok 'a text does not depend on the batch' same "$alone" "$(text 1)"
ok 'nor on its place' same "$alone" "$(text 3)"
printf 'an old\n\na small bird\r\n' >"$work/prompts.txt"
json 'a file of lines' gradroute generate "$r" --prompt x --prompts "$work/prompts.txt" --temperature 1 --tokens 16 --json
check 'its prompts follow' 'assert [x["prompt"] for x in c] == ["x", "an old", "a small bird"]'
ok 'with the same text' same "$alone" "$(text 1)"
cat >"$work/prompts.jsonl" <<'END'
{"prompt": "a small bird"}
{"prompt": "a small bird", "off": ["animals"]}
{"prompt": "a small bird", "off": [], "seed": 9}
{"prompt": "a small bird", "seed": 1}
END
json 'a profile for each prompt' gradroute generate "$r" --prompts "$work/prompts.jsonl" --temperature 1 --tokens 16 --json
check 'regions and seeds as said' 'assert [x["off"] for x in c] == [[], ["animals"], [], []] and [x["seed"] for x in c] == [1, 1, 9, 1]
assert c[0]["ids"] == c[3]["ids"] != c[1]["ids"] and c[2]["ids"] != c[0]["ids"]'
off=$(text 1)
json 'the region off for all' gradroute generate "$r" --prompts "$work/prompts.jsonl" --off animals --temperature 1 --tokens 16 --json
check 'is off for each' 'assert all(x["off"] == ["animals"] for x in c)'
ok 'with the text that has it off' same "$off" "$(text 0)"
paragraphs() { [ "$(gradroute generate "$r" --prompts "$work/prompts.jsonl" --tokens 1 --stop ' ' | grep -c '^a small bird')" = 4 ]; }
ok 'text for each of several prompts' paragraphs

# ---- mistakes ----
g="gradroute generate $r --prompt a"
fails 2 'expected a number' 'a temperature below 0' $g --temperature=-0.5
fails 2 'expected a number' 'a temperature that is no number' $g --temperature warm
fails 2 'top-p is 0' 'top-p 0' $g --top-p 0
fails 2 'expected a number' 'top-p above 1' $g --top-p 1.5
fails 2 'expected a number' 'min-p above 1' $g --min-p 1.5
fails 2 'expected a number' 'top-k below 0' $g --top-k=-1
fails 2 'stop is empty' 'an empty stop string' $g --stop ''
fails 2 'float32, bf16 or auto' 'an unknown precision' $g --precision half
fails 2 'animals' 'an unknown region' $g --off plants
fails 2 'prompts FILE' 'no prompt' gradroute generate "$r"
: >"$work/empty.txt"
fails 2 'no prompt in it' 'an empty file of prompts' gradroute generate "$r" --prompts "$work/empty.txt"
fails 2 'cannot open' 'a file that is missing' gradroute generate "$r" --prompts "$work/none.txt"
printf '{"prompt": "a"}\n{"prompt": "b", "off": ["plants"]}\n' >"$work/wrong.jsonl"
nothing_first() { gradroute generate "$r" --prompts "$work/wrong.jsonl" >"$work/made" 2>&1; code=$?; cat "$work/made"; [ $code = 2 ] && ! grep -q '^a' "$work/made"; }
fails 0 'animals' 'an unknown region is said before anything is made' nothing_first
printf '{"prompt": "a"}\n{"prompt": "b", "of": ["plants"]}\n' >"$work/wrong.jsonl"
fails 2 "wrong.jsonl:2:1: unknown member 'of'" 'an unknown member' gradroute generate "$r" --prompts "$work/wrong.jsonl"
finish

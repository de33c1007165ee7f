# Vocabularies and networks of others: encoding with them, training with them, importing.
. tests/cmd.inc
t=$work/tiny.yaml

# A random network in the form of llama2.c with eight heads that share four of keys, its vocabulary, and GPT-2's two files.
python3 - "$work" <<'PYTHON'
import json, random, struct, sys
draw, work = random.Random(7), sys.argv[1]
d, m, l, h, kv, v, t = 32, 40, 2, 8, 4, 288, 24
pieces = [b"<unk>", b"\n<s>\n", b"\n</s>\n"] + [b"<0x%02X>" % i for i in range(256)] + [b" "] + [bytes([c]) for c in range(97, 123)] + [b" a", b"bird"]
assert len(pieces) == v
with open(work + "/words.bin", "wb") as out:
    out.write(struct.pack("<i", 8))
    for i, p in enumerate(pieces): out.write(struct.pack("<fi", -i, len(p)) + p)
numbers = v*d + l*(2*d + 2*d*d + 2*d*d//h*kv + 3*m*d) + d + t*d//h
with open(work + "/net.bin", "wb") as out:
    out.write(struct.pack("<7i", d, m, l, h, kv, v, t))
    out.write(struct.pack("<%df" % numbers, *(draw.uniform(-0.3, 0.3) for _ in range(numbers))))
spelled = [chr(b) for b in [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]] + [chr(256 + i) for i in range(68)]
json.dump({s: i for i, s in enumerate(spelled + ["ab", "<|endoftext|>"])}, open(work + "/encoder.json", "w"))
open(work + "/vocab.bpe", "w").write("#version: 0.2\na b\n")
PYTHON

# ---- encode ----
json 'encode with merges that stand beside the vocabulary' gradroute data encode "$work/encoder.json" --text 'ab<|endoftext|>' --special --json
ok 'a special token is one id' same "$(get "$work/last.json" "['ids']")" '[256, 257]'
json 'encode by the merges' gradroute data encode "$work/vocab.bpe" --text 'ab<|endoftext|>' --json
ok 'without being asked it is text' same "$(get "$work/last.json" "['ids'][:2]")" '[256, 27]'
printf '"a b"\n"\\u0000\\ud83d\\ude00"\n""\n' >"$work/lines"
gradroute data encode "$work/words.bin" --lines "$work/lines" >"$work/ids"
ok 'encode of many texts' same "$(tr '\n' ' ' <"$work/ids")" '[286,259,261] [259,3,243,162,155,131] [] '
printf '"a"\n7\n' >"$work/lines"
fails 2 'lines:2: not a JSON string' 'a line that is no text' gradroute data encode "$work/words.bin" --lines "$work/lines"
fails 2 'give --text' 'text and lines' gradroute data encode "$work/words.bin" --lines a --text b
head -c 300 "$work/words.bin" >"$work/cut.bin"
fails 2 'cut.bin: byte 2[0-9][0-9]: ' 'a vocabulary that was cut' gradroute data encode "$work/cut.bin" --text a
rm "$work/encoder.json"
fails 2 'other half' 'half a vocabulary' gradroute data encode "$work/vocab.bpe" --text a

# ---- training with a vocabulary of pieces ----
ok 'train' gradroute train "$t" -o "$work/run" --set 'data.tokenizer={file: '"$work"'/words.bin}' --set train.steps=4
json 'the model folder keeps the vocabulary' gradroute data encode "$work/run" --text 'a bird' --json
ok 'with the same ids' same "$(get "$work/last.json" "['tokens']")" "[' a', ' ', 'b', 'i', 'r', 'd']"
fails 0 '^a small' 'generate' gradroute generate "$work/run" --prompt 'a small' --tokens 4

# ---- import ----
json 'import' gradroute import "$work/words.bin" "$work/net.bin" -o "$work/models/net" --json
ok 'it counts' same "$(get "$work/last.json" "['context']")" 24
ok 'import again, over it' gradroute import "$work/net.bin" "$work/words.bin" -o "$work/models/net"
fails 0 'net.bin' 'inspect says where it comes from' gradroute inspect "$work/models/net" --json
json 'eval of it' gradroute eval "$work/models/net" --data "$work/corpus.jsonl" --label-field topic --json
json 'generate with it' gradroute generate "$work/models/net" --prompt 'a bird' --tokens 8 --json
ok 'nothing is left beside it' same "$(ls "$work/models")" net
fails 2 'no vocabulary' 'import without a vocabulary' gradroute import "$work/net.bin" -o "$work/x"
fails 2 'cut or extended' 'import of a checkpoint that was extended' sh -c "cat '$work/net.bin' '$work/lines' >'$work/long.bin'; gradroute import '$work/long.bin' '$work/words.bin' -o '$work/x'"
fails 2 'no such file' 'import of nothing' gradroute import "$work/none" -o "$work/x"
fails 2 '-o MODEL is missing' 'import without an output' gradroute import "$work/net.bin"
mkdir "$work/full" && touch "$work/full/mine"
fails 2 'not a model folder' 'import over something else' gradroute import "$work/net.bin" "$work/words.bin" -o "$work/full"

# ---- a network that others trained ----
d=${GRADROUTE_DATA:-}
if [ -n "$d" ]; then
    ok 'import of stories260K' gradroute import "$d/llama2c/stories260K.bin" "$d/llama2c/tok512.bin" -o "$work/stories"
    fails 0 '^Once upon a time, there was a little girl named Lily' 'its story' gradroute generate "$work/stories" --prompt '' --tokens 60
    json 'its loss' gradroute eval "$work/stories" --data "$d/tinystories/tinystories_en_valid.txt" --json
    ok 'is below 1.6 nats per token' python3 -c 'import json, sys; sys.exit(not 1 < json.load(open(sys.argv[1]))["all"]["loss"] < 1.6)' "$work/last.json"
else
    for what in import story loss 'loss below 1.6'; do say "skip stories260K, $what: GRADROUTE_DATA is not set"; done
fi
finish

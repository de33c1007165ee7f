# The experiment `composition` in its smallest form: each part of it runs, though so small models say nothing.
. tests/cmd.inc
e=experiments/composition.yaml
json 'modules compose, in small' gradroute reproduce $e --preset smoke -o "$work/small" --json
compared() { python3 -c 'import json, sys
result = json.load(open(sys.argv[1]))
claims = {c["say"]: c["points"] for c in result["claims"]}
for own in claims["animals: the modules of animals, as its own model"]:             # of modules, and of residual groups
    assert 0 < abs(own["value"]) < 1 and own["state"] == "undecided", own           # one seed
assert len(claims["animals: the modules of animals, as its own model"]) == 2
assert len(claims) == 1 + 4 + 4 + 32 + 15, len(claims)              # topics and other text of 16 profiles
assert claims["other text: the modules of people, as its own model"][0]["value"] is None' "$1"; }
ok 'a profile is compared with the model that is trained for it' compared "$work/last.json"
finish

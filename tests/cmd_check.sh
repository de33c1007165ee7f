# Recipes with one fault each (tests/data/bad-*.yaml): check names it. Their first line is the exit status and what is said.
. tests/cmd.inc
for file in tests/data/bad-*.yaml; do
    name=$(basename "$file" .yaml)
    cp "$file" "$work/$name.yaml"
    expected=$(sed -n '1s/^# //p' "$file")
    fails "${expected%% *}" "^${expected#* }" "$name: $(sed -n '2s/^# //p' "$file")" gradroute check "$work/$name.yaml"
done

# What is right is not blamed.
ok 'a good recipe' gradroute check "$work/tiny.yaml"
fails 0 '^0 errors, 0 warnings' 'a good recipe has no warning' gradroute check "$work/tiny.yaml"
json 'findings as JSON' gradroute check "$work/bad-ascent.yaml" --json
ok 'findings have levels and hints' python3 -c 'import json, sys
findings = json.load(open(sys.argv[1]))["findings"]
assert any(f["level"] == "warning" and "ascent" in f["text"] and f["hint"] for f in findings)' "$work/last.json"
fails 0 'in step [0-9]*, up to which chances move' 'and chances that move' gradroute check "$work/tiny.yaml" \
    --set 'routes=[{label: core, chance: {from: 0.1, to: 0.9}, without: [animals]}]'
fails 0 'from step 10' 'steps of routes are shown apart' gradroute check "$work/tiny.yaml" --set preset.from=10
finish

# What twins train with: optimiser groups of nothing but a region's parameters are settings of the routing.
. tests/cmd.inc
t=$work/tiny.yaml
weights() { digests "$work/$1/$2" | grep safetensors; }
ok 'an audit' gradroute audit "$t" -o "$work/none"
ok 'with a rate of the region' gradroute audit "$t" -o "$work/region" --set 'train.groups=[{parameters: "animals.*", lr: 3}]'
ok 'with a rate of norms, the core'"'"'s too' gradroute audit "$t" -o "$work/norms" --set 'train.groups=[{parameters: "*norm", lr: 3}]'
for twin in plain filtered; do
    ok "$twin ignores a group of the region alone" same "$(weights none $twin)" "$(weights region $twin)"
    ok "$twin takes a group that matches the core" test "$(weights none $twin)" != "$(weights norms $twin)"
done
ok 'the routed model takes the first' test "$(weights none routed)" != "$(weights region routed)"
ok 'and the other' test "$(weights none routed)" != "$(weights norms routed)"
finish

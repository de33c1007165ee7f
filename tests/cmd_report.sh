# Reports: one page of results that needs nothing else, the same bytes for the same rows, and looked at in a browser.
. tests/cmd.inc

# Texts that would run if a page took them for its own: a topic, and a prompt.
evil='</script><script>alerted=true</script><img src=x onerror=alerted=true>'
python3 - "$work/corpus.jsonl" "$evil" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
with open(sys.argv[1], "w") as out:
    for line in lines:
        print(json.dumps(dict(line, topic=line["topic"].replace("food", sys.argv[2]))), file=out)
PYTHON
cat >"$work/tiny.yaml" <<YAML
$(grep -v '^prompts\|^adjacent' tests/data/tiny.yaml)
adjacent: ['$evil']
prompts: ['$evil', 'a small bird']
diagnostics: {every: 5, probe: 10, heldout: 10}
YAML
t=$work/tiny.yaml
a=$work/a

# What is on a page: its tags fit each other, only its own scripts are there, nothing is fetched.
page() { # FILE WORD ..: and its text has these
    python3 - "$@" <<'PYTHON'
import html.parser, sys

class Page(html.parser.HTMLParser):
    VOID = {"meta", "br", "img", "link"}
    def __init__(self):
        super().__init__()
        self.open, self.text, self.scripts, self.seen = [], "", 0, set()
    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.scripts += tag == "script"
        assert not {"src", "href", "onerror", "onclick"} & {name for name, _ in attributes}, (tag, attributes)
        if tag not in self.VOID: self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())
    def handle_data(self, data):
        if not {"script", "style"} & set(self.open): self.text += data

text = open(sys.argv[1], encoding="utf-8").read()
page = Page()
page.feed(text)
page.close()
assert not page.open and page.scripts == 3 and not {"img", "link", "iframe"} & page.seen, (page.open, page.scripts, page.seen)
for word in sys.argv[2:]: assert word in page.text, word
PYTHON
}

# ---- beside an audit ----
ok 'an audit' gradroute audit "$t" -o "$a" --set precision=float32 --set labels.animals.known=0.5
cp "$work/out" "$work/table"
ok 'says where its page is' grep -q "^Report   $a/report.html" "$work/table"
ok 'the page says what the table says' page "$a/report.html" "$(sed -n 's/^Verdict: \(specific removal [-0-9.]*\).*/\1/p' "$work/table")" 'what there is to remove' \
    'after relearning' 'Its control is' 'Who opens what' 'Samples side by side' 'Diagnostics' 'Held-out loss' 'What is not here' 'Label sweep'
ok 'topics and prompts stay texts' page "$a/report.html" "$evil"
ok 'no time but those of the result' sh -c "! grep -q '20[2-9][0-9]-[01][0-9]-[0-3][0-9]' '$a/report.html'"
touch "$work/then"
sleep 0.05
ok 'called again' gradroute audit "$t" -o "$a" --set precision=float32 --set labels.animals.known=0.5
ok 'it stays as it is' same "nothing $(find "$a" -newer "$work/then" | head -n 3)" 'nothing '
ok 'the command makes the same' gradroute report "$a" -o "$work/same.html"
ok 'byte for byte' cmp "$work/same.html" "$a/report.html"
cp -r "$a" "$work/moved"
rm -r "$work/moved/work" "$work/moved/data" && find "$work/moved/cells" -type d -name model -exec rm -r {} +
ok 'elsewhere, without models' gradroute report "$work/moved" -o "$work/moved.html"
ok 'too' cmp "$work/moved.html" "$a/report.html"
find "$work/moved/cells" -name metrics.jsonl -exec rm {} +
ok 'without metrics' gradroute report "$work/moved" -o "$work/bare.html"
ok 'says what would bring the curves' page "$work/bare.html" 'Learning curves: no model of the folder has metrics'

# ---- of an experiment with axes, knobs, claims, seeds ----
cat >"$work/sweep.yaml" <<'YAML'
experiment: sweep
question: Does a rate remove more?
base: tiny.yaml
seeds: 2
set: {precision: float32, train.steps: 6}
axes: {known: {all: {labels.animals.known: 1}, half: {labels.animals.known: 0.5}}}
arms:
  routed: {train: {set: {preset.p_cr: {knob: [0.1, 0.9]}}}}
  routed_off: {from: routed, ablate: {regions: all, how: switch}}
  plain: {train: {routes: none}}
  never: {train: {routes: none, without: true_labels, regions: out}, title: never trained on it}
roles: {subject: routed, zero: plain, one: never}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [routed_off, plain, never]}}
attacks: {relearn: {of: [routed_off, plain, never], documents: [2, 6], steps: 2}}
figures:
  - {key: tax, figure: tax_off, of: routed_off, title: tax}
  - {key: gone, figure: removal_specific, of: routed_off, title: gone}
  - {key: gap, figure: gap_specific, title: gap}
claims:
  - {primary: true, say: it is cheap, figure: tax_off, of: routed_off, at_most: 9}
YAML
ok 'an experiment' gradroute reproduce "$work/sweep.yaml" -o "$work/sweep"
ok 'its page has points, claims and the label sweep' page "$work/sweep/report.html" 'known all' 'known half' undecided 'it is cheap' 'Label sweep' 'Trials: routed 2' 'Figures by seed'
ok 'and ladders of relearning' page "$work/sweep/report.html" 'After relearn: routed_off 0.1, beside never trained on it, which never read of it' twin
ok 'relearning by documents, the model that never read of it apart' python3 -c 'import json, re, sys
charts = json.loads(re.search("id=\"charts\">(.*?)</script>", open(sys.argv[1]).read(), re.S)[1])
relearning = [chart for chart in charts if chart["title"].startswith("What comes back")]
assert len(relearning) == 2, [chart["title"] for chart in charts]
for chart in relearning:
    lines = {line["name"]: line for line in chart["series"]}
    assert [name for name, line in lines.items() if line["reference"]] == ["never trained on it"], lines
    assert all([point[0] for point in line["points"]] == [0, 2, 6] for line in lines.values()), lines
    assert len(lines) == 4, list(lines)' "$work/sweep/report.html"
cat >"$work/ways.yaml" <<'YAML'
experiment: ways
base: tiny.yaml
set: {precision: float32, train.steps: 4}
arms:
  routed: {train: {}}
  other: {train: {set: {preset: {name: sgtm, p_off: {knob: [0.25, 0.75]}}}}, title: another way}
  again: {train: {set: {train.lr: 0.01}}}
  plain: {train: {routes: none}}
  beside: {from: plain, finetune: {steps: 1}}
groups: {forget: any_label, retain: retain}
measures: {loss: {of: [routed, other, again, plain, beside]}}
YAML
ok 'arms with routes of their own' gradroute reproduce "$work/ways.yaml" -o "$work/ways"
ok 'have maps of their own' page "$work/ways/report.html" 'Routes of routed, again' 'Routes of another way 0.25' '25 %'
ok 'and no others' same "$(grep -c 'Routes of' "$work/ways/report.html") $(grep -c '75 %' "$work/ways/report.html")" '2 1'
ok 'points too' page "$work/sweep/report.html" 'Routes of routed 0.1'
ok 'several runs' gradroute report "$a" "$work/moved" "$work/sweep" -o "$work/three.html"
ok 'stand side by side' page "$work/three.html" 'Figures of the runs side by side' "$work/moved" 'known half'

# ---- in a browser ----
if command -v chromium >"$work/null"; then
    ok 'drawn on every screen and on paper, without an error' python3 tests/browser.py "$a/report.html" "$work/sweep/report.html" "$work/three.html" "$work/bare.html"
    cp "$work/out" "$work/seen"
    ok 'with a canvas for each chart' grep -q '^three.html print: 10 canvases, fine' "$work/seen"
else
    say 'skip how pages look: there is no chromium'
fi

# ---- what is refused ----
place=$a
refused 2 'RUN is missing' 'no folder' gradroute report -o "$work/x.html"
refused 2 'FILE.html is missing' 'no file' gradroute report "$a"
refused 2 'ends in .html' 'a file that is no page' gradroute report "$a" -o "$a/result.json"
refused 2 'result.json' 'a folder without a result' gradroute report "$a/cells" -o "$work/x.html"
cp -r "$a" "$work/old" && echo '{"format": "gradroute-result-1"}' >"$work/old/result.json"
fails 2 'not the result of an experiment' 'a result of another form' gradroute report "$work/old" -o "$work/x.html"
ok 'nothing was written' test ! -e "$work/x.html"
finish

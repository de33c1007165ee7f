#!/usr/bin/python3
"""Writes the figures that tests/test_reference.c compares the engine with: tests/reference/NAME.txt, one for each case.

An independent implementation in PyTorch, in double, slow and as literal as possible: every document is a sequence of its own and
gets its own forward and backward pass, routed gradients are sums of those passes times a weight for each element, and the
optimiser keeps a step count for each element. Nothing is random: parameters and tokens are closed formulas, the same in the test.

Needs: apt-get install python3-torch (1.13.1 made the stored files). The files are kept in the repository; nothing else needs this.
Run:   OMP_NUM_THREADS=1 /usr/bin/python3 tools/reference.py [NAME ..]
"""
import math, pathlib, sys
import torch
import torch.nn.functional as F

VOCAB, CONTEXT, LAYERS, WIDTH, HEADS, SIZE, MLP = 31, 16, 2, 16, 2, 8, 24
GROUP, GROUP_HEADS, GROUP_MLP = 6, 1, 10                # residual dimensions, heads and neurons of the residual group
EXPERTS, TOP, EACH = 4, 2, 6                            # of a layer, used by a row, neurons of each
EPS, BASE = 1e-5, 10000.0
STEPS, LR, BETA1, BETA2, ADAM_EPS, DECAY, CLIP = 10, 0.01, 0.9, 0.95, 1e-8, 0.1, 1.0
LENGTHS = [5, 8, 3, 16, 2, 9, 4]                        # of the documents; the test packs them one after the other
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def wave(count, phase):
    """sin(0.137 (i + 1)^2 + phase): neither random nor of low rank."""
    i = torch.arange(1, count + 1)
    return torch.sin(0.137 * i * i + phase)


def tokens(d, step):
    return [((d + 2) * (j + 1) + d * d + 5 * step) % VOCAB for j in range(LENGTHS[d])]


def class_of(d, step, classes):
    """All classes in most steps, but only one of them in steps 1, 2, 4, 6, 7 and 9."""
    return {1: 0, 2: 1 % classes, 4: classes - 1}.get(step % 5, (d + step) % classes)


def mix_of(d, case):
    return 0.25 * (d % 5) if case.mix else 1.0


# ---- cases ----------------------------------------------------------------------------------------------------------

class Case:
    """A network and its rules: gates and rectangles of parameters, each with a weight for every class."""

    def __init__(self, network, tied=True, classes=1, mix=False):
        self.network, self.tied, self.classes, self.mix = network, tied, classes, mix
        gpt = network in ("gpt2", "gptneo")
        self.layer_norm, self.learned, self.bias = gpt, gpt, gpt or network == "nanogpt"
        self.qkv_bias, self.logit_bias = (self.bias and network != "gptneo") or network == "qwen2", network == "gptneo"
        self.gain = network != "halves"
        self.activation_word = "gelu_tanh" if gpt else "gelu" if network == "nanogpt" else "swiglu"
        self.heads, self.share = (2, 2) if network in ("gqa", "qwen2") else (HEADS, 1)     # heads of keys, query heads of each
        self.windows = {"gptneo": [0, 3], "halves": [5]}.get(network, [0])
        self.scale = 1 if network == "gptneo" else 1 / math.sqrt(SIZE)
        self.turns, self.halves = {"nanogpt": SIZE // 2, "halves": SIZE - 2}.get(network, SIZE), network in ("halves", "qwen2")
        self.eps, self.base = (1e-6, 1e6) if network == "qwen2" else (EPS, BASE)
        self.group = "extra" if network == "group" else None
        self.experts = network == "experts"
        self.claims = {}                                # region: (neurons, heads), each a range
        self.activation, self.gates, self.param = [], [], []

    def shapes(self):
        """Name: (rows, columns), as the engine stores them: what a unit owns is a row."""
        out = {}

        def norm(name, width):
            if self.gain:
                out[name] = (1, width)
            if self.layer_norm:
                out[name + ".shift"] = (1, width)

        def linear(name, rows, cols, outputs):
            out[name] = (rows, cols)
            if self.qkv_bias if name.endswith("qkv") else self.bias:
                out[name + ".bias"] = (1, outputs)

        qkv, heads_out = (self.share + 2) * SIZE, self.share * SIZE
        for owner, own, heads, mlp in [("", WIDTH, self.heads, MLP), (f"{self.group}.", GROUP, GROUP_HEADS, GROUP_MLP)][:2 if self.group else 1]:
            seen = WIDTH + (own if owner else 0)
            out[owner + "embed"] = (VOCAB, own)
            if self.learned:
                out[owner + "position"] = (CONTEXT, own)
            for i in range(LAYERS):
                layer = f"{owner}layers.{i}."
                norm(layer + "attn.norm", own)
                linear(layer + "attn.qkv", heads * qkv, seen, heads * qkv)
                linear(layer + "attn.out", heads * heads_out, seen, seen)
                norm(layer + "mlp.norm", own)
                if self.experts:
                    out[layer + "mlp.router"] = (EXPERTS, WIDTH)
                linear(layer + "mlp.up", mlp, seen, mlp)
                if self.activation_word == "swiglu":
                    out[layer + "mlp.gate"] = (mlp, seen)
                linear(layer + "mlp.down", mlp, seen, seen)
            norm(owner + "norm", own)
            if not self.tied:
                out[owner + "unembed"] = (VOCAB, own)
        if self.logit_bias:
            out["unembed.bias"] = (1, VOCAB)
        return out

    def units(self, i, neurons=None, heads=None):
        """Rectangles that neurons or heads of a layer own."""
        found = []
        if neurons:
            lo, hi = neurons
            found += [(f"layers.{i}.mlp.{w}", lo, hi, 0, WIDTH) for w in (["up", "gate", "down"] if self.activation_word == "swiglu" else ["up", "down"])]
            found += [(f"layers.{i}.mlp.up.bias", 0, 1, lo, hi)] if self.bias else []
        if heads:
            (a, b), (lo, hi) = ([h * n * SIZE for h in heads] for n in (self.share + 2, self.share))
            found += [(f"layers.{i}.attn.qkv", a, b, 0, WIDTH), (f"layers.{i}.attn.out", lo, hi, 0, WIDTH)]
            found += [(f"layers.{i}.attn.qkv.bias", 0, 1, a, b)] if self.qkv_bias else []
        return found

    def owned(self, region):
        if region == self.group:
            return [(n, 0, r, 0, c) for n, (r, c) in self.shapes().items() if n.startswith(region + ".")]
        return [part for i in range(LAYERS) for part in self.units(i, *self.claims[region])]

    def gate_taps(self, region):
        """(tap, columns) that are weighted when the region is switched."""
        if region == self.group:
            taps = [(f"{region}.embed", 0, GROUP), (f"{region}.final", 0, GROUP)]
            for i in range(LAYERS):
                taps += [(f"{region}.layers.{i}.attn.heads", 0, GROUP_HEADS * SIZE), (f"{region}.layers.{i}.mlp.hidden", 0, GROUP_MLP)]
            return taps
        neurons, heads = self.claims[region]
        return [tap for i in range(LAYERS) for tap in ((f"layers.{i}.mlp.hidden", *neurons), (f"layers.{i}.attn.heads", *(h * self.share * SIZE for h in heads)))]


def cases():
    out = {}
    for network in ("llama", "gpt2"):
        out[network + "-plain"] = Case(network)

        c = out[network + "-activation"] = Case(network, classes=3)
        c.activation = [("layers.0.mlp.hidden", 0, 8, (1, 0, 0.3)), ("layers.0.mlp.hidden", 8, 16, (1, 1, -0.75)),
                        ("layers.0.mlp.hidden", 16, 24, (0, 1, 1)), ("layers.1.mlp.hidden", 4, 20, (0.3, -0.75, 0)),
                        ("layers.1.attn.heads", 8, 16, (1, 0.3, 0)), ("layers.0.stream", 3, 9, (1, 0.3, -0.75))]

        c = out[network + "-parameter"] = Case(network, classes=3)
        c.param = [(p, (1, 0, 0.3)) for p in c.units(0, neurons=(0, 7)) + c.units(1, heads=(1, 2))]
        c.param += [(p, (0, 1, -0.75)) for p in c.units(0, neurons=(7, 24)) + c.units(1, neurons=(5, 11))]
        c.param += [(("embed", 0, VOCAB, 4, 9), (0, 1, 0)), (("layers.1.mlp.norm", 0, 1, 0, WIDTH), (1, 0, 0))]

        c = out[network + "-forward"] = Case(network, classes=3)
        c.claims = {"claimed": ((17, 24), (1, 2))}
        c.gates = [("claimed", (1, 0, 0.5))]

    out["llama-untied"] = Case("llama", tied=False)

    out["gptneo-plain"] = Case("gptneo", tied=False)
    out["nanogpt-plain"] = Case("nanogpt")
    out["halves-plain"] = Case("halves")                        # also a window in every layer, and norms without gain
    out["gqa-plain"] = Case("gqa")
    out["qwen2-plain"] = Case("qwen2")
    c = out["gqa-parameter"] = Case("gqa", classes=3)
    c.param = [(p, (1, 0, 0.3)) for p in c.units(0, neurons=(0, 7)) + c.units(1, heads=(1, 2))]
    c.param += [(p, (0, 1, -0.75)) for p in c.units(0, heads=(0, 1))]
    c = out["gqa-forward"] = Case("gqa", classes=3)
    c.claims = {"claimed": ((17, 24), (1, 2))}
    c.gates = [("claimed", (1, 0, 0.5))]

    c = out["llama-mix"] = Case("llama", classes=3, mix=True)   # a row's weights are 1 + mix (T - 1)
    c.activation = [("layers.0.mlp.hidden", 0, 12, (1, 0, -0.75))]
    c.param = [(p, (1, 0, 0.3)) for p in c.units(1, neurons=(3, 15), heads=(0, 1))]

    out["experts-plain"] = Case("experts")
    c = out["experts-routed"] = Case("experts", classes=3)      # also weight 0 on scores that are the largest of their row
    c.activation = [("layers.0.mlp.experts", 0, 1, (1, 0, 0.3)), ("layers.0.mlp.experts", 2, 4, (0, 1, -0.75)),
                    ("layers.1.mlp.experts", 1, 3, (0.3, 0, 1)), ("layers.1.mlp.hidden", 3, 15, (1, 0.3, 0))]
    c.param = [(("layers.0.mlp.up", 6, 12, 0, WIDTH), (1, 0, 0.3)), (("layers.1.mlp.router", 1, 2, 0, WIDTH), (0, 1, -0.75))]

    for tied in (True, False):
        end = "" if tied else "-untied"
        out["group-plain" + end] = Case("group", tied)
        c = out["group-routed" + end] = Case("group", tied, classes=3)  # off; on with the core closed; all open
        c.gates = [("extra", (0, 1, 1))]
        c.param = [((n, 0, r, 0, w), (1, 0, 1)) for n, (r, w) in c.shapes().items() if not n.startswith("extra.")]
    return out


# ---- network --------------------------------------------------------------------------------------------------------

def rotate(x, turns, halves, base):
    """[heads, T, SIZE]: pairs among the first `turns` columns turned by position * base^(-2i / turns)."""
    angle = torch.arange(x.shape[1])[:, None] * base ** (-2.0 * torch.arange(turns // 2) / turns)
    pair = x[..., :turns].reshape(*x.shape[:2], 2, turns // 2).transpose(2, 3) if halves else x[..., :turns].reshape(*x.shape[:2], turns // 2, 2)
    pair = torch.view_as_real(torch.view_as_complex(pair.contiguous()) * torch.polar(torch.ones_like(angle), angle))
    return torch.cat([(pair.transpose(2, 3) if halves else pair).flatten(2), x[..., turns:]], 2)


class Pass:
    """One document through the network, for a class and a mix."""

    def __init__(self, case, p, cls, mix):
        self.case, self.p, self.weight = case, p, lambda w: 1 + mix * (w[cls] - 1)
        self.on = bool(case.group) and all(w[cls] != 0 for region, w in case.gates if region == case.group)

    def tap(self, name, v):
        for region, w in self.case.gates:
            for tap, lo, hi in self.case.gate_taps(region):
                if tap == name:
                    m = torch.ones(v.shape[1])
                    m[lo:hi] = self.weight(w)
                    v = v * m
        for tap, lo, hi, w in self.case.activation:
            if tap == name:
                m = torch.ones(v.shape[1])
                m[lo:hi] = self.weight(w)
                v = v * m + (v * (1 - m)).detach()
        return v

    def norm(self, name, x, group):
        """(core, group) -> (core, group); the mean square is over the dimensions that are on."""
        gain = self.p[name][0] if self.case.gain else 1
        if self.case.layer_norm:
            return F.layer_norm(x, (WIDTH,), gain, self.p[name + ".shift"][0], self.case.eps), None
        whole = torch.cat([x, group], 1) if self.on else x
        r = (whole.pow(2).mean(1, keepdim=True) + self.case.eps).rsqrt()
        return x * r * gain, group * r * self.p[f"{self.case.group}.{name}"][0] if self.on else None

    def linear(self, n, name):
        bias = self.p.get(name + ".bias")
        return F.linear(n, self.p[name], None if bias is None else bias[0])

    def heads(self, n, name):
        case, share = self.case, self.case.share
        qkv = self.linear(n, name + "attn.qkv").view(len(n), -1, share + 2, SIZE).permute(1, 2, 0, 3)
        q, k, v = qkv[:, :share].flatten(0, 1), qkv[:, share].repeat_interleave(share, 0), qkv[:, share + 1].repeat_interleave(share, 0)
        if not case.learned:
            q, k = (rotate(x, case.turns, case.halves, case.base) for x in (q, k))
        score = q @ k.transpose(1, 2) * case.scale
        window = case.windows[int(name.split(".")[-2]) % len(case.windows)] or len(n)
        age = torch.arange(len(n))[:, None] - torch.arange(len(n))
        score = score.masked_fill((age < 0) | (age >= window), -math.inf)
        return self.tap(name + "attn.heads", (score.softmax(2) @ v).transpose(0, 1).flatten(1))

    def chosen(self, n, name):
        """[T, EXPERTS]: probabilities of the TOP likeliest, 0 for the others."""
        p = self.tap(name + "mlp.experts", self.linear(n, name + "mlp.router").exp())
        p = p / p.sum(1, keepdim=True)
        return p * torch.zeros_like(p).scatter(1, p.topk(TOP, 1).indices, 1.0)

    def neurons(self, n, name):
        up = self.linear(n, name + "mlp.up")
        word = self.case.activation_word
        h = F.silu(self.linear(n, name + "mlp.gate")) * up if word == "swiglu" else F.gelu(up, approximate="tanh" if word == "gelu_tanh" else "none")
        if self.case.experts:
            h = h * self.chosen(n, name).repeat_interleave(EACH, 1)
        return self.tap(name + "mlp.hidden", h)

    def block(self, x, group, layer, units, kind, out):
        n, own = self.norm(f"{layer}{kind}.norm", x, group)
        y = units(n, layer) @ self.p[layer + out]
        if self.case.bias:
            y = y + self.p[f"{layer}{out}.bias"][0]
        if self.on:
            name = f"{self.case.group}.{layer}"
            z = units(torch.cat([n, own], 1), name) @ self.p[name + out]
            y, group = y + z[:, :WIDTH], group + z[:, WIDTH:]
        return x + y, group

    def loss(self, ids):
        """Summed cross-entropy of the next tokens."""
        p, g = self.p, self.case.group
        x = p["embed"][ids]
        if self.case.learned:
            x = x + p["position"][:len(ids)]
        x = self.tap("embed", x)
        group = self.tap(f"{g}.embed", p[f"{g}.embed"][ids]) if self.on else None
        for i in range(LAYERS):
            layer = f"layers.{i}."
            x, group = self.block(x, group, layer, self.heads, "attn", "attn.out")
            x = self.tap(layer + "attn.stream", x)
            x, group = self.block(x, group, layer, self.neurons, "mlp", "mlp.down")
            x = self.tap(layer + "stream", x)
        x, group = self.norm("norm", x, group)
        matrix = "embed" if self.case.tied else "unembed"
        logits = x @ p[matrix].T + (p["unembed.bias"][0] if self.case.logit_bias else 0)
        if self.on:
            logits = logits + self.tap(f"{g}.final", group) @ p[f"{g}.{matrix}"].T
        return F.cross_entropy(logits[:-1], torch.tensor(ids[1:]), reduction="sum")


# ---- training -------------------------------------------------------------------------------------------------------

def element_weights(case, cls, mix):
    """For each parameter the weight of every element's gradient; 0 too where its units are switched off."""
    out = {n: torch.ones(s) for n, s in case.shapes().items()}
    for (n, r0, r1, c0, c1), w in case.param:
        out[n][r0:r1, c0:c1] *= w[cls]
    out = {n: 1 + mix * (w - 1) for n, w in out.items()}
    for region, w in case.gates:
        for n, r0, r1, c0, c1 in case.owned(region) if 1 + mix * (w[cls] - 1) == 0 else []:
            out[n][r0:r1, c0:c1] = 0
    return out


def start(case):
    p = {}
    for k, (name, (rows, cols)) in enumerate(case.shapes().items()):
        w = wave(rows * cols, k + 1.0).view(rows, cols)
        p[name] = (1 + 0.3 * w if name.endswith("norm") else 0.4 * w).requires_grad_()
    return p


def gradients(case, p, step):
    """Loss, routed gradient and what is open, element by element."""
    total, denominator = 0.0, sum(n - 1 for n in LENGTHS)
    grad = {n: torch.zeros_like(w) for n, w in p.items()}
    opened = {n: torch.zeros_like(w).bool() for n, w in p.items()}
    for d in range(len(LENGTHS)):
        cls, mix = class_of(d, step, case.classes), mix_of(d, case)
        loss = Pass(case, p, cls, mix).loss(tokens(d, step)) / denominator
        weight = element_weights(case, cls, mix)
        for (n, w), g in zip(p.items(), torch.autograd.grad(loss, list(p.values()), allow_unused=True)):
            grad[n] += weight[n] * (0 if g is None else g)
            opened[n] |= weight[n] != 0
        total += loss.item()
    return total, grad, opened


class AdamW:
    def __init__(self, p):
        self.m, self.v, self.t = ({n: torch.zeros_like(w) for n, w in p.items()} for _ in range(3))

    def step(self, p, grad, opened):
        """Elements that are not open keep value, moments and step count. Returns the norm before clipping."""
        norm = math.sqrt(sum(grad[n][opened[n]].pow(2).sum().item() for n in p))
        with torch.no_grad():
            for n, w in p.items():
                g, o = grad[n] * min(1, CLIP / (norm + 1e-6)), opened[n]
                decay = DECAY if len(w) > 1 else 0
                t = self.t[n] + 1
                m, v = BETA1 * self.m[n] + (1 - BETA1) * g, BETA2 * self.v[n] + (1 - BETA2) * g * g
                new = w * (1 - LR * decay) - LR * (m / (1 - BETA1 ** t)) / ((v / (1 - BETA2 ** t)).sqrt() + ADAM_EPS)
                w.copy_(torch.where(o, new, w))
                self.m[n], self.v[n], self.t[n] = (torch.where(o, a, b) for a, b in ((m, self.m[n]), (v, self.v[n]), (t, self.t[n])))
        return norm


def check_plain(case, curve):
    """Without routes the optimiser above must be PyTorch's own."""
    p = start(case)
    groups = [{"params": [w for w in p.values() if (len(w) > 1) == decay], "weight_decay": DECAY * decay} for decay in (True, False)]
    adam = torch.optim.AdamW(groups, lr=LR, betas=(BETA1, BETA2), eps=ADAM_EPS)
    for step, (loss, _) in enumerate(curve):
        total, grad, _ = gradients(case, p, step)
        assert abs(total - loss) < 1e-9, (step, total, loss)
        for n, w in p.items():
            w.grad = grad[n]
        torch.nn.utils.clip_grad_norm_(list(p.values()), CLIP)
        adam.step()


# ---- files ----------------------------------------------------------------------------------------------------------

def settings(case):
    yield f"norm {'layer' if case.layer_norm else 'rms'}"
    yield f"position {'learned' if case.learned else 'rotary'}"
    yield f"activation {case.activation_word}"
    yield f"bias {int(case.bias)}"
    yield f"tied {int(case.tied)}"
    yield f"classes {case.classes}"
    yield f"mix {int(case.mix)}"
    if case.network == "qwen2":                         # the rest is what the style says
        yield f"style {case.network}"
        yield f"heads {case.heads * case.share} {case.heads} {SIZE}"
    if case.network in ("gptneo", "nanogpt", "halves", "gqa"):
        yield f"qkv_bias {'with' if case.qkv_bias else 'without'}"
        yield f"logit_bias {int(case.logit_bias)}"
        yield f"no_gain {int(not case.gain)}"
        yield f"heads {case.heads * case.share} {case.heads} {SIZE}"
        yield f"scale {case.scale:.17g}"
        yield f"rotary {case.turns} {int(case.halves)}"
        yield f"windows {' '.join(map(str, case.windows))}"
    if case.experts:
        yield f"experts {EXPERTS} {TOP} {EACH}"
    if case.group:
        yield f"group {case.group} {GROUP} {GROUP_HEADS} {GROUP_MLP}"
    for name, (neurons, heads) in case.claims.items():
        yield f"claim {name} {neurons[0]} {neurons[1]} {heads[0]} {heads[1]}"
    weights = lambda w: " ".join(f"{x:g}" for x in w)
    yield from (f"gate {region} {weights(w)}" for region, w in case.gates)
    yield from (f"tap {name} {lo} {hi} {weights(w)}" for name, lo, hi, w in case.activation)
    yield from (f"part {' '.join(map(str, part))} {weights(w)}" for part, w in case.param)


def figures(case):
    p, curve = start(case), []
    adam = AdamW(p)
    for step in range(STEPS):
        loss, grad, opened = gradients(case, p, step)
        for n, g in grad.items() if step == 0 else ():
            flat = g.flatten()
            yield (f"gradient {n} {g.shape[0]} {g.shape[1]} {g.norm():.9g} {(flat * wave(len(flat), 0.5)).sum():.9g} "
                   + " ".join(f"{i} {flat[i]:.9g}" for i in (flat.abs().argmax().item(), len(flat) // 3, len(flat) - 1)))
        curve.append((loss, adam.step(p, grad, opened)))
    yield from (f"step {i} {loss:.9g} {norm:.9g}" for i, (loss, norm) in enumerate(curve))
    if case.classes == 1:
        check_plain(case, curve)


HEADER = f"""# Made by tools/reference.py with PyTorch {torch.__version__.split('+')[0]} in double; read by tests/test_reference.c. Do not edit.
# vocab {VOCAB}, context {CONTEXT}, {LAYERS} layers, width {WIDTH}, {HEADS} heads of {SIZE}, mlp {MLP}; AdamW lr {LR}, betas {BETA1} {BETA2}, decay {DECAY} on matrices, clip {CLIP}
# gate REGION, tap NAME lo hi, part PARAM lo0 hi0 lo1 hi1: then a weight for each class
# gradient (first step, before clipping) NAME rows cols norm projection, three times index and value; step NUMBER loss norm
"""

if __name__ == "__main__":
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "reference"
    folder.mkdir(exist_ok=True)
    for name, case in cases().items():
        if len(sys.argv) == 1 or name in sys.argv:
            (folder / f"{name}.txt").write_text(HEADER + "\n".join([*settings(case), *figures(case)]) + "\n")

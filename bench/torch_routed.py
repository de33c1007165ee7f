#!/usr/bin/python3
"""Times training steps with selective gradient masking in PyTorch on the CPU: what `gradroute-bench routed-peer` is measured against.

Run:    python3 bench/torch_routed.py --threads 2           (needs python3-torch python3-numpy libopenblas0-pthread)
Prints one JSON line a precision: milliseconds a step (best and median).

A GPT-2 style model gives the last neurons and heads of each layer to a topic. A step is two passes whose gradients add up:
core rows run plainly, a tenth of them with the topic's units switched off; labelled rows run through everything and train the
topic's units alone. Their pass gets every other weight detached, so that no gradient is computed for it.
"""
import argparse, json, math, os, statistics, sys, time

# Where PyTorch on Debian is fast: glibc keeps big blocks instead of returning them after every step; OpenBLAS does not know every
# processor and then takes its oldest kernels, unless it is told.
CORE = "SkylakeX" if " avx512f" in open("/proc/cpuinfo").read() else "Haswell"
FAST = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_TOP_PAD_": "268435456",
        "OPENBLAS_CORETYPE": CORE}

p = argparse.ArgumentParser()
for name, value in dict(vocab=4096, width=256, layers=4, heads=8, context=256, batch=16, threads=2, repeat=5,
                        topic_neurons=64, topic_heads=1).items():
    p.add_argument("--" + name.replace("_", "-"), type=int, default=value)
p.add_argument("--labelled", type=float, default=0.11)
p.add_argument("--off", type=float, default=0.1)
a = p.parse_args()
if any(os.environ.get(k) != v for k, v in FAST.items()):
    kept = {k: v for k, v in os.environ.items() if k != "OPENBLAS_L2_SIZE"}
    threads = {"OMP_NUM_THREADS": str(a.threads), "OPENBLAS_NUM_THREADS": str(a.threads)}
    os.execve(sys.executable, [sys.executable, *sys.argv], {**kept, **FAST, **threads})

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(a.threads)


def split_linear(x, layer, first):
    """layer(x) where outputs below `first` pass no gradient to their weights: two products, so that none is computed in vain."""
    w, b = layer.weight, layer.bias
    return torch.cat([F.linear(x, w[:first].detach(), b[:first].detach()), F.linear(x, w[first:], b[first:])], -1)


def split_inputs(x, layer, first):
    """layer(x) where the weights of inputs below `first`, and the bias, get no gradient."""
    w = layer.weight
    return F.linear(x[..., :first], w[:, :first].detach(), layer.bias.detach()) + F.linear(x[..., first:], w[:, first:])


def frozen_norm(x, norm):
    return F.layer_norm(x, norm.normalized_shape, norm.weight.detach(), norm.bias.detach(), norm.eps)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        d = a.width
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)  # qkv head by head, so that a head's rows lie together
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x, causal, labelled, on):
        b, t, d = x.shape
        size = d // a.heads
        core_heads, core_neurons = a.heads - a.topic_heads, 4 * d - a.topic_neurons
        n = frozen_norm(x, self.ln1) if labelled else self.ln1(x)
        qkv = split_linear(n, self.qkv, core_heads * 3 * size) if labelled else self.qkv(n)
        q, k, v = (z.transpose(1, 2) for z in qkv.view(b, t, a.heads, 3, size).unbind(3))
        w = ((q @ k.transpose(-1, -2)) / math.sqrt(size) + causal).softmax(-1)
        h = (w @ v).transpose(1, 2).reshape(b, t, d)
        if on is not None:
            h = h * on[0]
        x = x + (split_inputs(h, self.out, core_heads * size) if labelled else self.out(h))
        n = frozen_norm(x, self.ln2) if labelled else self.ln2(x)
        u = F.gelu(split_linear(n, self.up, core_neurons) if labelled else self.up(n))
        if on is not None:
            u = u * on[1]
        return x + (split_inputs(u, self.down, core_neurons) if labelled else self.down(u))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.pos = nn.Embedding(a.vocab, a.width), nn.Embedding(a.context, a.width)
        self.blocks = nn.ModuleList(Block() for _ in range(a.layers))
        self.ln, self.head = nn.LayerNorm(a.width), nn.Linear(a.width, a.vocab, bias=False)
        self.register_buffer("causal", torch.full((a.context, a.context), -1e9).triu(1))

    def forward(self, ids, labelled, on=None):
        tok, pos, head = self.tok.weight, self.pos.weight, self.head.weight
        if labelled:
            tok, pos, head = tok.detach(), pos.detach(), head.detach()
        x = F.embedding(ids, tok) + pos
        for block in self.blocks:
            x = block(x, self.causal, labelled, on)
        return F.linear(frozen_norm(x, self.ln) if labelled else self.ln(x), head)


def switches(rows):
    """Factors of the head outputs and the neurons: 0 at the topic's units in rows that run without them; None if there are none."""
    off = torch.rand(rows, 1) < a.off
    if not off.any():
        return None
    heads, neurons = torch.ones(rows, 1, a.width), torch.ones(rows, 1, 4 * a.width)
    heads[:, 0, -a.topic_heads * (a.width // a.heads):].masked_fill_(off, 0)
    neurons[:, 0, -a.topic_neurons:].masked_fill_(off, 0)
    return heads, neurons


def measure(bf16):
    torch.manual_seed(0)
    net = Model()
    opt = torch.optim.AdamW(net.parameters(), lr=5e-4, betas=(0.9, 0.95), weight_decay=0.1)
    ids = torch.randint(0, a.vocab, (a.batch, a.context + 1))
    each, tokens = a.labelled * a.batch, a.batch * a.context

    def one_pass(rows, labelled, on):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = net(rows[:, :-1], labelled, on)
        loss = F.cross_entropy(logits.float().reshape(-1, a.vocab), rows[:, 1:].reshape(-1), reduction="sum") / tokens
        loss.backward()

    def step(number):
        count = math.floor(each * (number + 1)) - math.floor(each * number)
        opt.zero_grad()
        one_pass(ids[count:], False, switches(a.batch - count))
        if count:
            one_pass(ids[:count], True, None)
        opt.step()

    step(0)
    times = []
    for number in range(1, a.repeat + 1):
        start = time.perf_counter()
        step(number)
        times.append(time.perf_counter() - start)
    print(json.dumps({"peer": "pytorch " + torch.__version__, "bf16": bf16, "routed": True, "ms_best": round(min(times) * 1e3, 1),
                      "ms_median": round(statistics.median(times) * 1e3, 1)}), flush=True)


for precision in (False, True):
    measure(precision)

"""Recomputes dedup, score and concepts with NumPy in float64 and writes stages.json beside this file.

Run:  python3 Tests/PruneTests/oracle/stages.py      (needs numpy only)

Nothing here follows the Swift code: similarities are full matrices, quotas come from the greedy algorithm for
separable convex integer programmes, one unit at a time. Only the fixed order of the sums is shared, as the
contract asks for it (design.md, rule 1): np.cumsum adds in index order.
"""
import hashlib
import json
import pathlib

import numpy as np

N, D, K, M = 360, 24, 12, 3


def unit(x):
    return x / np.sqrt((x.astype(np.float64) ** 2).sum(1, keepdims=True))


def dots(a, b):
    """All dot products, each a float64 sum in index order; shape (len(a), len(b))."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.stack([np.cumsum(row * b, axis=1)[:, -1] for row in a])


def philox_first(seed, key, epoch):
    k = int.from_bytes(hashlib.sha256(key).digest()[:8], "little")
    g = np.random.Philox(key=np.array([seed, k], np.uint64), counter=np.array([0, epoch, 0, 0], np.uint64))
    return int(g.random_raw())


def order(members, rule, distance, rank, random, score):
    def place(i):
        if rule == "hard":
            return (-distance[i], rank[i])
        if rule == "easy":
            return (distance[i], rank[i])
        if rule == "random":
            return (random[i], rank[i])
        return (1, 0, rank[i]) if np.isnan(score[i]) else (0, -score[i], rank[i])
    return sorted(members, key=place)


def quotas(target, lower, upper, total):
    """Exact optimum of the integer programme: give one unit at a time to the least marginal cost."""
    x = list(lower)
    while sum(x) < total:
        cost = [2 * (x[j] - target[j]) + 1 if x[j] < upper[j] else np.inf for j in range(len(x))]
        x[int(np.argmin(cost))] += 1
    return x


def bits(x):
    return [int(v) for v in np.asarray(x, np.float32).view(np.uint32)]


def run(case, e, t, c, m, keys):
    n = len(e)
    reason = np.zeros(n, int)
    rank = np.empty(n, int)
    rank[sorted(range(n), key=lambda i: keys[i])] = np.arange(n)
    random = [philox_first(case["seed"], k, 2**64 - 1) for k in keys]
    score = np.array([np.nan if not t[i].any() else np.float32(dots(e[i : i + 1], t[i : i + 1])[0, 0])
                      for i in range(n)], np.float32)
    out = {"case": case}

    sims = dots(e, m)
    own = sims.astype(np.float32).argmax(1)
    distance = (1 - sims[np.arange(n), own]).astype(np.float32)
    pair = dots(e, e).astype(np.float32)
    similarity, earlier = np.zeros(n, np.float32), np.full(n, -1)
    for j in range(len(m)):
        line = order([i for i in range(n) if own[i] == j], case["dedup_rule"], distance, rank, random, score)
        for place, i in enumerate(line):
            for h in line[:place]:
                if pair[i, h] > similarity[i]:
                    similarity[i], earlier[i] = pair[i, h], h
    if "epsilon" in case:
        reason[similarity.astype(np.float64) > 1 - case["epsilon"]] = 1
    else:
        by = sorted(range(n), key=lambda i: (similarity[i], rank[i]))
        reason[by[int(case["dedup_keep"] * n):]] = 1
    out["similarity"], out["earlier"] = bits(similarity), [int(v) for v in earlier]

    live = [i for i in range(n) if reason[i] == 0]
    by = sorted(live, key=lambda i: (np.isnan(score[i]), -score[i] if not np.isnan(score[i]) else 0, rank[i]))
    keep = [i for i in by[: int(case["score_keep"] * len(live))] if not np.isnan(score[i])]
    seen = range(n) if case["dedup_rule"] == "score" else live
    shown = np.full(n, np.nan, np.float32)
    shown[list(seen)] = score[list(seen)]
    out["score"] = [None if np.isnan(s) else b for s, b in zip(shown, bits(shown))]
    for i in set(live) - set(keep):
        reason[i] = 2

    live = [i for i in range(n) if reason[i] == 0]
    sims = dots(e[live], c)
    own = np.full(n, -1)
    own[live] = sims.astype(np.float32).argmax(1)
    distance = np.full(n, np.nan, np.float32)
    distance[live] = (1 - sims[np.arange(len(live)), own[live]]).astype(np.float32)
    size = np.bincount(own[live], minlength=len(c))
    full = [j for j in range(len(c)) if size[j]]
    between = 1 - dots(c, c)
    intra, inter = np.full(len(c), np.nan), np.full(len(c), np.nan)
    for j in full:
        intra[j] = distance[[i for i in live if own[i] == j]].astype(np.float64).mean()
        near = np.sort([between[j, h] for h in full if h != j])[: case["neighbours"]]
        inter[j] = near.mean()
    complexity = intra * inter
    p = np.exp((complexity[full] - complexity[full].max()) / case["temperature"])
    share = np.zeros(len(c))
    share[full] = p / p.sum()
    total = int(case["keep"] * len(live))
    target = np.round(share * total * 2**20) / 2**20
    floor = max(1, int(total / len(full) * case["balance"]))
    quota = quotas(target, np.minimum(floor, size), size, total)
    threshold = np.full(len(c), -np.inf if case["rule"] == "easy" else np.inf, np.float32)
    for j in range(len(c)):
        line = order([i for i in live if own[i] == j], case["rule"], distance, rank, random, score)
        for i in line[quota[j]:]:
            reason[i] = 3
        if quota[j]:
            last = line[quota[j] - 1]
            threshold[j] = random[last] * 2.0**-64 if case["rule"] == "random" else distance[last]
    number = lambda x: [None if np.isnan(v) else float(v) for v in x]
    out |= {"cluster": [int(v) for v in own], "distance": [None if np.isnan(s) else b for s, b in
            zip(distance, bits(distance))], "size": [int(v) for v in size], "d_intra": number(intra),
            "d_inter": number(inter), "complexity": number(complexity), "target": number(target),
            "quota": [int(q) for q in quota], "threshold": bits(threshold),
            "reason": [int(r) for r in reason]}
    return out


def main():
    rng = np.random.default_rng(20240214)
    middle = rng.normal(size=(K, D))
    spread = rng.uniform(0.3, 1.2, size=K)
    label = rng.choice(K - 1, size=N, p=np.arange(1, K) / np.arange(1, K).sum())  # the last stays empty
    e = unit(middle[label] + spread[label, None] * rng.normal(size=(N, D)))
    for i in range(0, 90, 3):  # near-duplicates and copies
        e[i + 1] = unit((e[i] + 0.02 * rng.normal(size=D))[None])[0]
        if i % 2:
            e[i + 2] = e[i]
    e = e.astype(np.float16)
    t = unit(e.astype(np.float64) + 0.3 * rng.normal(size=(N, D))).astype(np.float16)
    t[[5, 77, 200]] = 0
    c = unit(middle).astype(np.float32)
    c[K - 1] = c[2]  # ties go to 2: this cluster stays empty
    m = unit(rng.normal(size=(M, D))).astype(np.float32)
    keys = [b"%s%04d" % (b"b" if i % 7 else b"a/", (i * 131) % 997) for i in range(N)]
    base = {"seed": 7, "dedup_rule": "hard", "epsilon": 0.07, "score_keep": 0.9, "neighbours": 5,
            "temperature": 0.1, "balance": 0.0, "keep": 0.4, "rule": "hard"}
    cases = [base, base | {"dedup_rule": "easy", "rule": "easy", "balance": 0.5, "temperature": 0.02},
             base | {"dedup_rule": "random", "rule": "random", "neighbours": 20, "keep": 0.06},
             {k: v for k, v in base.items() if k != "epsilon"}
             | {"dedup_rule": "score", "dedup_keep": 0.8, "keep": 0.95, "seed": 2**40}]
    golden = {"dimension": D, "image": [int(v) for v in e.view(np.uint16).ravel()],
              "text": [int(v) for v in t.view(np.uint16).ravel()], "centroids": bits(c.ravel()),
              "dedup_centroids": bits(m.ravel()), "keys": [k.decode() for k in keys],
              "hashes": [int.from_bytes(hashlib.sha256(k).digest()[:8], "little") for k in keys],
              "runs": [run(case, e, t, c, m, keys) for case in cases]}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    for r in golden["runs"]:
        print(np.bincount(r["reason"], minlength=4), r["size"], r["quota"])


main()

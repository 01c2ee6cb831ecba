"""Domain heads recomputed with NumPy and scikit-learn.

usage: domains.py make DIR
       domains.py head DIR HEAD.npz C CLASSES [PRECISION [HELD_OUT]]     names of CLASSES joined by commas
       domains.py prune DIR HEAD.npz OUT RULE.json                       prints "kept"
       domains.py some HEAD.npz D                                        a head for rows of D values
       domains.py label WS LABELS.tsv                                    labels for the samples of a workspace
       domains.py workspace WS HEAD.npz RULE.json [streamed]             prints "kept"
RULE: {"keep": [...], "ambiguous": false, "mix": {...}, "total": N, "seed": 0}
"""
import json
import os
import sys
from fractions import Fraction

import numpy as np
from pruning import dots, random_value, unit


def regression(**options):
    from sklearn.linear_model import LogisticRegression  # slow to load

    return LogisticRegression(**options)


def make(directory):
    rng = np.random.default_rng(7)
    n, d = 6000, 32
    kind = rng.choice(3, n, p=[0.45, 0.3, 0.25])
    centres = unit(rng.normal(size=(3, d)))
    # Some samples lie between two domains.
    other = rng.integers(0, 3, n)
    share = np.where(rng.random(n) < 0.15, rng.uniform(0, 0.6, n), 0)[:, None]
    rows = (1 - share) * centres[kind] + share * centres[other] + rng.normal(size=(n, d)) * 0.09
    rows = unit(rows).astype(np.float32)
    names = np.array(["natural", "rendition", "sketch"])
    keys = [f"k{v:06d}" for v in rng.permutation(n)]
    order = rng.permutation(n)
    np.save(f"{directory}/image.npy", rows)
    np.save(f"{directory}/half.npy", rows.astype(np.float16))
    np.save(f"{directory}/long.npy", rows * np.float32(3))
    np.save(f"{directory}/shuffled.npy", rows[order])
    for name, used in (("keys", keys), ("shuffled", [keys[i] for i in order])):
        open(f"{directory}/{name}.txt", "w").writelines(key + "\n" for key in used)
    labelled = rng.random(n) < 0.8
    lines = [f"{keys[i]}\t{names[kind[i]]}\n" for i in range(n) if labelled[i]]
    open(f"{directory}/labels.tsv", "w").writelines(lines)
    two = [f"{keys[i]}\t{'natural' if kind[i] == 0 else 'rest'}\n" for i in range(n) if labelled[i]]
    open(f"{directory}/two.tsv", "w").writelines(rng.permutation(two))
    open(f"{directory}/few.tsv", "w").writelines(lines[:400])
    np.save(f"{directory}/numbers.npy", np.where(labelled, kind, -1).astype(np.int32))
    # A head as scikit-learn users write it.
    model = regression(C=5).fit(rows[labelled], kind[labelled] == 1)
    np.savez(f"{directory}/sklearn.npz", weights=model.coef_, bias=model.intercept_,
             classes=np.array(["rest", "rendition"]), thresholds=np.array([0.9, 0.75]))
    np.savez_compressed(f"{directory}/bare.npz", weights=model.coef_.astype("f4"), bias=model.intercept_,
                        classes=np.array([b"rest", b"rendition"]))


def held_out(key, share, seed=0):
    return (random_value(seed, key, 2**64 - 4) >> 11) * 2.0**-53 < share


def wilson(right, called):
    z = 1.959963984540054
    p = right / called
    return (p + z * z / (2 * called) - z * np.sqrt(p * (1 - p) / called + z * z / (4 * called**2))) / (1 + z * z / called)


def load_head(path):
    head = np.load(path, allow_pickle=False)
    weights, bias = head["weights"].astype(np.float32), head["bias"].astype(np.float32)
    if len(weights) == 1:
        weights, bias = np.vstack([0 * weights, weights]), np.append(np.float32(0), bias)
    return [str(c, "utf8") if isinstance(c, bytes) else str(c) for c in head["classes"]], weights, bias, head


def probabilities(rows, weights, bias):
    logits = dots(rows, weights) + bias.astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return (powers / powers.sum(1, keepdims=True)).astype(np.float32)


def read_rows(directory):
    rows = unit(np.load(f"{directory}/image.npy"))
    return rows, open(f"{directory}/keys.txt", "rb").read().split(b"\n")[:-1]


def head(directory, path, c, classes, precision="0.98", share="0.25"):
    precision, share, classes = float(precision), float(share), classes.split(",")
    rows, keys = read_rows(directory)
    source = "two.tsv" if "rest" in classes else "labels.tsv"
    labels = dict(line.rstrip(b"\n").split(b"\t") for line in open(f"{directory}/{source}", "rb"))
    place = {key: i for i, key in enumerate(keys)}
    used = sorted(labels)
    x = rows[[place[key] for key in used]]
    y = np.array([classes.index(labels[key].decode()) for key in used])
    out = np.array([held_out(key, share) for key in used])
    found_classes, weights, bias, archive = load_head(path)
    assert found_classes == classes and archive["weights"].dtype == np.dtype("<f4")
    assert archive["thresholds"].dtype == np.dtype("<f8") and archive["classes"].dtype.kind == "U"

    # The solver: the same objective by scikit-learn, to a tight tolerance.
    model = regression(C=float(c), tol=1e-10, max_iter=100_000, solver="newton-cg").fit(
        x[~out].astype(np.float64), y[~out])
    if len(classes) == 2:
        assert np.allclose(weights[1] - weights[0], model.coef_[0], rtol=1e-5, atol=1e-5)
        assert np.allclose(bias[1] - bias[0], model.intercept_[0], rtol=1e-5, atol=1e-5)
        assert (weights[0] == -weights[1]).all()
    else:
        assert np.allclose(weights, model.coef_, rtol=1e-5, atol=1e-5), np.abs(weights - model.coef_).max()
        assert np.allclose(bias, model.intercept_ - model.intercept_.mean(), rtol=1e-5, atol=1e-5)

    # The thresholds: every probability that occurs, tried one by one.
    p, truth = probabilities(x[out], weights, bias), y[out]
    for j in range(len(classes)):
        best = None
        for t in np.unique(p[:, j]):
            called = p[:, j] >= t
            if wilson((truth[called] == j).sum(), called.sum()) >= precision:
                best = t
                break
        assert archive["thresholds"][j] == best, (classes[j], archive["thresholds"][j], best)
        called = p[:, j] >= best
        line = archive["calibration"][j]
        assert (line["positives"], line["called"], line["right"]) == (
            (truth == j).sum(), called.sum(), (truth[called] == j).sum())
        assert abs(line["bound"] - wilson(line["right"], line["called"])) < 1e-12 and line["target"] == precision


def seats(parts):
    """Sainte-Laguë, one seat after the other: the counts of total 0, 1, 2..."""
    won = [0] * len(parts)
    while True:
        yield list(won)
        won[max(range(len(parts)), key=lambda j: (Fraction(parts[j], 2 * won[j] + 1), -j))] += 1


def prune(directory, path, out, rule):
    rule = json.loads(rule)
    rows, keys = read_rows(directory)
    classes, weights, bias, archive = load_head(path)
    kind = kinds(rows, weights, bias, archive)
    keep = chosen(kind, keys, classes, rule)
    verdicts = np.load(out + "/verdicts.npy")
    assert (verdicts["kept"] == keep).all(), np.flatnonzero(verdicts["kept"] != keep)[:5]
    assert (verdicts["reason"] == np.where(keep, 0, 5)).all()
    plan = json.load(open(out + "/plan.json"))
    assert plan["dropped"] == {"domain": int((~keep).sum())}
    for j, line in enumerate(plan["domain"]):
        own = kind == (j if j < len(classes) else -1)
        assert (line["samples"], line["kept"]) == (own.sum(), keep[own].sum()), line
    print(keep.sum())


def kinds(rows, weights, bias, archive):
    p = probabilities(rows, weights, bias)
    reached = np.where(p >= archive["thresholds"], p, -1)
    return np.where(reached.max(1) < 0, -1, reached.argmax(1))


def chosen(kind, keys, classes, rule):
    keep = np.zeros(len(kind), bool)
    if "mix" in rule:
        parts = [rule["mix"].get(name, 0) for name in classes]
        members = [sorted(np.flatnonzero(kind == j), key=lambda i: random_value(rule.get("seed", 0), keys[i]))
                   for j in range(len(classes))]
        counts = []
        for total, won in enumerate(seats(parts)):
            if total > rule.get("total", total) or any(a > len(m) for a, m in zip(won, members)):
                break
            counts = won
        for count, own in zip(counts, members):
            keep[own[:count]] = True
        assert keep.sum() == rule.get("total", keep.sum())
    else:
        for name in rule.get("keep", classes[:1]):
            keep |= kind == classes.index(name)
        if rule.get("ambiguous"):
            keep |= kind < 0
    return keep


def some(path, d):
    rng = np.random.default_rng(3)
    w = rng.normal(size=int(d)) * 12
    np.savez(path, weights=np.array([w, -w]), bias=np.zeros(2), thresholds=np.array([0.6, 0.7]),
             classes=np.array(["natural", "rendition"]))


def columns(workspace, name):
    shards = open(workspace + "/verdicts/shards.txt").read().split() if name == "verdicts" else sorted(
        os.listdir(workspace + "/columns"))
    return shards, [f"{workspace}/columns/{shard}" for shard in shards]


def label(workspace, out):
    _, paths = columns(workspace, "columns")
    rows = np.vstack([np.load(path + "/image.npy").astype(np.float32) for path in paths])
    keys = [key for path in paths for key in open(path + "/keys.txt").read().split("\n")[:-1]]
    side = rows @ np.linspace(-1, 1, rows.shape[1]) > 0
    open(out, "w").writelines(f"{key}\t{'left' if s else 'right'}\n" for key, s in zip(keys, side))


def workspace(workspace, path, rule, streamed=None):
    rule = json.loads(rule)
    shards, paths = columns(workspace, "verdicts")
    rows = np.vstack([np.load(path + "/image.npy").astype(np.float32) for path in paths])
    keys = [key for path in paths for key in open(path + "/keys.txt", "rb").read().split(b"\n")[:-1]]
    verdicts = np.concatenate([np.load(f"{workspace}/verdicts/{shard}.npy") for shard in shards])
    classes, weights, bias, archive = load_head(path)
    kind = kinds(rows, weights, bias, archive)
    manifest = json.load(open(workspace + "/models/domain/manifest.json"))
    found, *stored = load_head(workspace + "/models/domain/head.npz")
    assert found == classes and (stored[0] == weights).all() and (stored[1] == bias).all()
    cuts = [line.get("cut", -1) for line in manifest["classes"]]
    by_cut = np.array([random_value(manifest["seed"], keys[i]) <= cuts[kind[i]] for i in range(len(keys))])
    keep = by_cut if streamed else chosen(kind, keys, classes, rule)
    assert (by_cut == keep).all()
    assert ((verdicts["reason"] == 5) == ~keep).all(), np.flatnonzero((verdicts["reason"] == 5) == keep)[:9]
    assert not verdicts["kept"][~keep].any() and 0 < keep.sum() < len(keep)
    if not streamed:
        assert [line["kept"] for line in manifest["classes"]] == [
            int(keep[kind == j].sum()) for j in [*range(len(classes)), -1]]
    print(verdicts["kept"].sum())


{"make": make, "head": head, "prune": prune, "some": some, "label": label, "workspace": workspace}[sys.argv[1]](*sys.argv[2:])

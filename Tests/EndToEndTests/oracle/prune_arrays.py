"""Recomputes `tamis prune` on bare arrays with NumPy and compares the whole output directory.

usage: prune_arrays.py ARRAYS DIR SETTINGS.json
SETTINGS names what was given: {"image": "image", "names": "keys.txt" | "uids.npy" | null, "seed": 0, "dedup": {...},
"score": {...}, "columns": {"text": ..., "joint": ..., "column": ...}, "reference": {...}, "concepts": {...}}.
Centroids are those of DIR. Prints "kept".
"""
import json
import os
import sys

import numpy as np
from pruning import REASONS, Pruning, same_model, same_verdicts

arrays, directory, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def load(name):
    return np.load(f"{arrays}/{name}.npy", allow_pickle=False)


def result(name):
    return np.load(f"{directory}/{name}.npy", allow_pickle=False)


names, uids = settings.get("names"), None
keys = None
if names == "uids.npy":
    uids = load("uids")
    keys = [b"%016x%016x" % (int(high), int(low)) for high, low in uids]
elif names:
    keys = open(f"{arrays}/{names}", "rb").read().split(b"\n")[:-1]
pruning = Pruning(load(settings["image"]), keys, settings.get("seed", 0))
columns = {name: load(path) for name, path in settings.get("columns", {}).items()}
early = settings.get("dedup", {}).get("rule") == "score"
if early:
    pruning.fill_scores(**columns)
if "dedup" in settings:
    pruning.dedup(result("dedup/centroids"), **settings["dedup"])
if "score" in settings:
    if not early:
        pruning.fill_scores(**columns)
    pruning.score(**settings["score"])
if "reference" in settings:
    given = dict(settings["reference"])
    gap = load("gap") if given["rule"] == "gap" else None
    pruning.reference(load("reference"), gap=gap, **given)
if not pruning.rows():
    assert not os.path.exists(directory + "/concepts"), "no row reaches the stage"
elif "concepts" in settings:
    centroids = result("concepts/centroids")
    same_model(directory + "/concepts", pruning.concepts(centroids, **settings["concepts"]), centroids)

expected = pruning.verdicts
same_verdicts(result("verdicts"), expected, pruning.keys)
keep = result("keep")
assert keep.dtype == np.bool_ and np.array_equal(keep, expected["kept"])
rows = np.flatnonzero(keep)
kept_keys = open(directory + "/kept_keys.txt", "rb").read()
assert kept_keys == b"".join(pruning.keys[i] + b"\n" for i in rows), "kept_keys.txt in input order"
assert os.path.exists(directory + "/subset.npy") == (uids is not None)
if uids is not None:
    wanted = np.array(sorted(uids[rows].tolist()), np.dtype("u8,u8"))
    assert result("subset").dtype == np.dtype("u8,u8") and np.array_equal(result("subset"), wanted)
    assert os.path.getsize(directory + "/subset.npy") == 128 + 16 * len(rows)
plan = json.load(open(directory + "/plan.json"))
assert (plan["rows"], plan["kept"]) == (len(keep), len(rows))
counts = {name: int((expected["reason"] == code).sum()) for name, code in REASONS.items()}
assert plan["dropped"] == {name: count for name, count in counts.items() if count}, plan
assert len(rows) + sum(counts.values()) == len(keep)
print(len(rows))

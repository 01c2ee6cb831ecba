"""Recomputes the verdicts and the concept model of a workspace with NumPy and compares them.

usage: prune_workspace.py WORKSPACE SETTINGS.json     as {"dedup": {...}, "reference": {...}, "concepts": {...}}
Columns and centroids are taken as they are stored. Prints "rows kept duplicates".
"""
import glob
import json
import os
import sys

import numpy as np
from pruning import Pruning, same_model, same_verdicts

workspace, settings = sys.argv[1], json.loads(sys.argv[2])
shards = sorted(os.listdir(workspace + "/columns"), key=os.fsencode)
assert open(workspace + "/verdicts/shards.txt").read().split("\n")[:-1] == shards
keys, origin, rows = [], [], []
for index, shard in enumerate(shards):
    names = open(f"{workspace}/columns/{shard}/keys.txt", "rb").read().split(b"\n")[:-1]
    image = np.load(f"{workspace}/columns/{shard}/image.npy", allow_pickle=False)
    assert image.dtype == np.dtype("<f2") and len(image) == len(names)
    keys += names
    origin += [(index, row) for row in range(len(names))]
    rows.append(image)
image = np.concatenate(rows)
lengths = np.sqrt((image.astype(np.float64) ** 2).sum(1))
assert np.abs(lengths - 1).max() < 1e-3, "unit rows"

pruning = Pruning(image, keys)


def centroids(name):
    array = np.load(f"{workspace}/models/{name}/centroids.npy", allow_pickle=False)
    assert array.dtype == np.dtype("<f4") and array.shape[1] == image.shape[1]
    assert np.allclose((array.astype(np.float64) ** 2).sum(1), 1, atol=1e-6)
    return array


if "dedup" in settings:
    pruning.dedup(centroids("dedup"), **settings["dedup"])
if "reference" in settings:
    reference = dict(settings["reference"])
    pruning.reference(np.load(reference.pop("file"), allow_pickle=False), **reference)
if "concepts" in settings:
    given = centroids("concepts")
    same_model(workspace + "/models/concepts", pruning.concepts(given, **settings["concepts"]), given)

expected = pruning.verdicts
for i in range(len(expected)):
    if expected["duplicate_row"][i] >= 0:
        expected["duplicate_shard"][i], expected["duplicate_row"][i] = origin[expected["duplicate_row"][i]]
assert len(glob.glob(workspace + "/verdicts/*.npy")) == len(shards)
found = np.concatenate([np.load(f"{workspace}/verdicts/{s}.npy", allow_pickle=False) for s in shards])
same_verdicts(found, expected, keys)
print(len(found), int(expected["kept"].sum()), int((expected["reason"] == 1).sum()))

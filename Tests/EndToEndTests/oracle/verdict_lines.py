"""Prints the verdicts of a workspace, read with NumPy.

usage: verdict_lines.py WORKSPACE           every verdict by key, duplicates named by key too, sorted
       verdict_lines.py WORKSPACE examples  for each reason one key, its place and what `explain` should say of it
"""
import sys

import numpy as np

workspace = sys.argv[1]
shards = open(workspace + "/verdicts/shards.txt").read().split("\n")[:-1]
keys = [open(f"{workspace}/columns/{shard}/keys.txt").read().split("\n")[:-1] for shard in shards]
verdicts = [np.load(f"{workspace}/verdicts/{shard}.npy", allow_pickle=False) for shard in shards]
assert all(len(k) == len(v) for k, v in zip(keys, verdicts))


def other(v):
    return keys[v["duplicate_shard"]][v["duplicate_row"]] if v["duplicate_row"] >= 0 else "-"


if len(sys.argv) == 2:
    lines = []
    for names, rows in zip(keys, verdicts):
        for name, v in zip(names, rows):
            bits = [v[field].tobytes().hex() for field in ("distance", "duplicate_similarity", "score")]
            lines.append(" ".join([name, str(v["kept"]), str(v["reason"]), str(v["cluster"]), other(v), *bits]))
    print("\n".join(sorted(lines)))
else:
    model = {name: np.load(f"{workspace}/models/concepts/{name}.npy") for name in ("size", "quota", "threshold")}
    seen = set()
    for shard, names, rows in zip(shards, keys, verdicts):
        for row, (name, v) in enumerate(zip(names, rows)):
            # A kept sample with a neighbour shows more.
            if v["reason"] in seen or v["duplicate_row"] < 0:
                continue
            seen.add(v["reason"])
            said = [f"similarity {v['duplicate_similarity']:.4f} to {other(v)} "]
            if v["cluster"] >= 0:
                c = v["cluster"]
                both = np.concatenate(verdicts)
                both = both[both["cluster"] == c]
                # The samples' distances have no ties.
                rank = 1 + (both["distance"] > v["distance"]).sum()
                said += [f"distance {v['distance']:.4f} ", f"rank {rank} of {len(both)};", f"from {model['threshold'][c]:.4f}",
                         f"concept {c}: {model['size'][c]} samples", f"quota {model['quota'][c]}"]
            print("\t".join([str(v["reason"]), name, shard, str(row), *said]))

"""Similarity to several sets of references, recomputed with NumPy.

usage: reference_sets.py split DIR            reference.npy and gap.npy of DIR become a.npy, b.npy, gap-a.npy, gap-b.npy
       reference_sets.py arrays DIR OUT RULE  matches.npy, report.json and the drops of OUT/ belong to image.npy
       reference_sets.py sample WORKSPACE DIR a.npy, b.npy, gap-a.npy, gap-b.npy from stored rows of a workspace
       reference_sets.py workspace WORKSPACE DIR RULE [fitted]
                         the verdicts belong to the rows; `fitted`: the cut is that of the plan, for all shards
"""
import json
import sys

import numpy as np

from pruning import dots, unit

MATCH = np.dtype([("similarity", "<f4"), ("set", "<i4"), ("row", "<i4")])
LEVELS = ("0.99", "0.95", "0.9", "0.8", "0.7", "0.5")


def load(path):
    return np.load(path, allow_pickle=False)


def both(folder):
    """All references, (set, row) of each, and their gaps."""
    a, b = load(folder + "/a.npy"), load(folder + "/b.npy")
    place = np.array([(0, i) for i in range(len(a))] + [(1, i) for i in range(len(b))])
    gaps = np.concatenate([load(folder + "/gap-a.npy"), load(folder + "/gap-b.npy")]).astype(np.float32)
    return unit(np.concatenate([a, b])), place, gaps


def expected(rows, references, place, gaps, rule):
    """matches, (n,)."""
    found = np.zeros(len(rows), MATCH)
    found["similarity"], found["set"], found["row"] = np.nan, -1, -1
    similarity = dots(rows, references).astype(np.float32)
    if rule == "gap":
        above = similarity > gaps
        which = above.argmax(1)
        hit = above.any(1)
    else:
        which, hit = similarity.argmax(1), np.ones(len(rows), bool)
    found["similarity"][hit] = similarity[np.arange(len(rows)), which][hit]
    found["set"][hit], found["row"][hit] = place[which[hit], 0], place[which[hit], 1]
    return found


def check_report(path, matches, reason, sizes):
    report = json.load(open(path + "/report.json"))
    assert report["samples"] == len(matches) and report["dropped"] == (reason == 4).sum() > 0
    for index, (entry, rows) in enumerate(zip(report["sets"], sizes)):
        mine = matches["set"] == index
        s = matches["similarity"][mine]
        assert entry["rows"] == rows and entry["nearest_of"] == mine.sum() and len(entry["sha256"]) == 64
        assert entry["dropped"] == (reason[mine] == 4).sum()
        for level in LEVELS:
            at = mine & (matches["similarity"] >= np.float32(level))
            assert entry["samples_at_least"].get(level, 0) == at.sum()
            assert entry["rows_at_least"].get(level, 0) == len(set(matches["row"][at]))
        assert np.allclose([p["similarity"] for p in entry["nearest"]], np.sort(s)[::-1][:50])
        for pair in entry["nearest"]:
            assert np.float32(pair["similarity"]) in s[matches["row"][mine] == pair["row"]]


mode, folder = sys.argv[1:3]
if mode == "split":
    reference, gap = load(folder + "/reference.npy"), load(folder + "/gap.npy")
    for name, part in (("a", slice(0, 2)), ("b", slice(2, None))):
        np.save(f"{folder}/{name}.npy", reference[part])
        np.save(f"{folder}/gap-{name}.npy", gap[part])
elif mode == "arrays":
    out, rule = sys.argv[3:]
    matches, verdicts = load(out + "/reference/matches.npy"), load(out + "/verdicts.npy")
    references, place, gaps = both(folder)
    want = expected(unit(load(folder + "/image.npy")), references, place, gaps, rule)
    assert matches.dtype == MATCH and matches.tobytes() == want.tobytes()
    if rule == "gap":
        assert ((verdicts["reason"] == 4) == (matches["row"] >= 0)).all()
    check_report(out + "/reference", matches, verdicts["reason"], [2, len(references) - 2])
else:
    shards = open(folder + "/verdicts/shards.txt").read().split()
    rows = np.concatenate([load(f"{folder}/columns/{shard}/image.npy") for shard in shards])
    if mode == "sample":
        target = sys.argv[3]
        rng = np.random.default_rng(3)
        for name, count in (("a", 4), ("b", 3)):
            chosen = rows[rng.choice(len(rows), count, replace=False)].astype(np.float64)
            noisy = chosen + 0.3 * rng.normal(size=chosen.shape) / np.sqrt(rows.shape[1])
            np.save(f"{target}/{name}.npy", noisy / np.linalg.norm(noisy, axis=1, keepdims=True))
            np.save(f"{target}/gap-{name}.npy", np.full(count, 0.55, np.float32))
            # In the space of another fit the references are like nothing.
            np.save(f"{target}/low-{name}.npy", np.full(count, 0.15, np.float32))
        sys.exit()
    rule = sys.argv[4]
    references, place, gaps = both(sys.argv[3])
    references = references.astype(np.float32)
    verdicts = np.concatenate([load(f"{folder}/verdicts/{shard}.npy") for shard in shards])
    want = expected(rows, references, place, gaps, rule)
    dropped = verdicts["reason"] == 4
    assert 0 < dropped.sum() < len(rows) and set(verdicts["reason"]) == {0, 4}
    cut = json.load(open(folder + "/models/reference/manifest.json")).get("cut")
    if rule == "near":
        assert (dropped == (want["similarity"].astype(np.float64) > cut)).all()
    elif rule == "far":
        assert (dropped == (want["similarity"].astype(np.float64) < cut)).all()
    else:
        assert (dropped == (want["row"] >= 0)).all()
    if sys.argv[5:] != ["fitted"]:
        matches = load(folder + "/models/reference/matches.npy")
        assert matches.tobytes() == want.tobytes()
        check_report(folder + "/models/reference", matches, verdicts["reason"], [4, 3])
        if rule != "gap":
            assert (~dropped).sum() == int(0.8 * len(rows))

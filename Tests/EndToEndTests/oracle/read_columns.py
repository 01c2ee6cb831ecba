"""Opens column shards in lock-step with the untouched input shards, in the manner of webdataset's column store.

usage: read_columns.py IN COLUMNS TARS
COLUMNS are the input's keys in the input's order, a shard for a shard; TARS is the same recipe published as whole
samples: a kept sample has the same arrays in both, any other one has zeros and a verdict that says why. Prints webdataset's
version and the number of kept samples.
"""
import glob
import json
import os
import sys

import numpy as np
import webdataset

from published import array, tars

source, columns, whole = sys.argv[1:4]
inputs = sorted(glob.glob(source + "/*.tar"))
assert [os.path.basename(path) for path in inputs] == [os.path.basename(path) for path in tars(columns)]


def read(paths):
    return iter(webdataset.WebDataset(paths, shardshuffle=False))


def with_columns(samples):
    """Adds the fields of the column shard of the same name to every sample."""
    shard, extra = None, iter(())
    for sample in samples:
        if sample["__url__"] != shard:
            assert next(extra, None) is None, f"more columns than samples in {shard}"
            shard = sample["__url__"]
            extra = read(f"{columns}/{os.path.basename(shard)}")
        more = next(extra)
        assert more["__key__"] == sample["__key__"], f"{more['__key__']} beside {sample['__key__']}"
        yield sample | {name: data for name, data in more.items() if not name.startswith("__")}
    assert next(extra, None) is None


published = {sample["__key__"]: sample for sample in read(tars(whole))}
names = sorted(name for name in next(iter(published.values())) if name.endswith(".npy"))
assert names, "no arrays"
kept = 0
for sample in with_columns(read(inputs)):
    verdict = json.loads(sample["verdict.json"])
    other = published.get(sample["__key__"])
    assert verdict["kept"] == (other is not None), sample["__key__"]
    assert verdict["kept"] or verdict["reject"] or verdict["reason"], sample["__key__"]
    kept += verdict["kept"]
    for name in names:
        if other:
            assert sample[name] == other[name], f"{sample['__key__']}.{name}"
        elif verdict["reject"]:
            assert not np.any(array(sample[name])), f"{sample['__key__']}.{name}"
assert kept == len(published)
print(webdataset.__version__, kept)

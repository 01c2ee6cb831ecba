"""The peer: read a shard with webdataset, keep the keys of a set, write with ShardWriter. No hashes, no fsync.

webdataset_filter.py IN OUT KEYS
"""
import os
import sys

import webdataset

source, output, keys = sys.argv[1:]
wanted = set(open(keys).read().split())
os.makedirs(output, exist_ok=True)
with webdataset.ShardWriter(output + "/%05d.tar", maxcount=1_000_000, maxsize=1 << 40, verbose=0) as sink:
    for sample in webdataset.WebDataset(source, shardshuffle=False):
        if sample["__key__"] in wanted:
            sink.write({name: value for name, value in sample.items() if not name.startswith("__") or name == "__key__"})

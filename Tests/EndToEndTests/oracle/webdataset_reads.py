"""Reads OUT with webdataset and compares it with the input shards, read by tarfile.

usage: webdataset_reads.py IN OUT WORKSPACE
Every accepted key must be there once, with the same bytes in every field; a sample without a caption has gained an
empty txt. Prints the number of samples.
"""
import glob
import os
import sys
import tarfile

import webdataset

source, out, workspace = sys.argv[1:4]
expected = {}
for path in sorted(glob.glob(source + "/*.tar")):
    shard = os.path.basename(path)[: -len(".tar")]
    accepted = open(f"{workspace}/columns/{shard}/keys.txt").read().split("\n")[:-1]
    samples = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, field = member.name.split(".", 1)
            samples.setdefault(key, {})[field] = tar.extractfile(member).read()
    for key in accepted:
        expected[key] = samples[key]
        expected[key].setdefault("txt", b"")

shards = sorted(glob.glob(out + "/*.tar"))
found = {}
order = []
for sample in webdataset.WebDataset(shards, shardshuffle=False, empty_check=False):
    key = sample["__key__"]
    assert key not in found, f"{key} twice"
    found[key] = {k: v for k, v in sample.items() if not k.startswith("__")}
    order.append(key)
assert order == list(expected), "another order"
for key, fields in expected.items():
    assert found[key] == fields, f"{key}: {sorted(found[key])} != {sorted(fields)}"
assert len(found) == int(open(out + "/__len__").read())
print(len(found))

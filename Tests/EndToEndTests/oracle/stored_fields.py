"""Compares added fields of published samples with the rows of the workspace's columns.

usage: stored_fields.py OUT COLUMNS
"""
import glob
import io
import os
import sys
import tarfile

import numpy as np

out, columns = sys.argv[1:3]
rows = {}
for directory in sorted(glob.glob(columns + "/*")):
    keys = open(directory + "/keys.txt").read().splitlines()
    embeddings, thumbnails = (np.load(f"{directory}/{name}.npy", allow_pickle=False) for name in ("image", "thumbnail"))
    rows.update(zip(keys, zip(embeddings, thumbnails)))
count = 0
for path in sorted(glob.glob(out + "/*.tar")):
    for member in (tar := tarfile.open(path)):
        key, field = member.name.split(".", 1)
        if field.endswith(".npy"):
            value = np.load(io.BytesIO(tar.extractfile(member).read()), allow_pickle=False)
            expected = rows[key][0 if field == "embedding.npy" else 1]
            assert value.dtype == expected.dtype and np.array_equal(value, expected), member.name
            count += 1
assert count == 2 * len(rows) == 2 * 497, count

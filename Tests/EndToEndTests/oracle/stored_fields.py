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
COLUMNS = {"embedding.npy": "image.npy", "text_embedding.npy": "text.npy", "thumbnail.npy": "thumbnail.npy"}
rows = {}
for directory in sorted(glob.glob(columns + "/*")):
    keys = open(directory + "/keys.txt").read().splitlines()
    for field, name in COLUMNS.items():
        if os.path.exists(f"{directory}/{name}"):
            values = np.load(f"{directory}/{name}", allow_pickle=False)
            rows.update(zip(((key, field) for key in keys), values))
found = set()
for path in sorted(glob.glob(out + "/*.tar")):
    for member in (tar := tarfile.open(path)):
        key, field = member.name.split(".", 1)
        if field.endswith(".npy"):
            value = np.load(io.BytesIO(tar.extractfile(member).read()), allow_pickle=False)
            expected = rows[key, field]
            assert value.dtype == expected.dtype and np.array_equal(value, expected), member.name
            found.add((key, field))
assert found == rows.keys() and len({key for key, _ in found}) == 497, len(found)

"""Reads bare columns with NumPy, memory-mapped, and compares them with the members of whole samples.

usage: read_arrays.py OUT TARS
OUT has a directory for each shard, or the arrays of all samples themselves; TARS is the same recipe published as whole
samples. Prints NumPy's version and the number of samples.
"""
import glob
import os
import sys
import tarfile

import numpy as np

from published import array, tars

out, whole = sys.argv[1:3]
samples = {}
for path in tars(whole):
    with tarfile.open(path) as tar:
        for member in tar:
            key, field = member.name.split(".", 1)
            if field.endswith(".npy"):
                samples.setdefault(key, {})[field] = array(tar.extractfile(member).read())
folders = sorted(glob.glob(out + "/[0-9]*/"))
assert [int(os.path.basename(folder[:-1])) for folder in folders] == list(range(len(folders)))
rest = iter(samples.items())
for folder in folders or [out + "/"]:
    keys = open(folder + "keys.txt").read().split("\n")
    assert keys.pop() == "" and keys, folder
    expected = [next(rest) for _ in keys]
    assert keys == [key for key, _ in expected], folder
    files = sorted(os.path.basename(path) for path in glob.glob(folder + "*.npy"))
    assert files == sorted(expected[0][1]), files
    for name in files:
        rows = np.load(folder + name, mmap_mode="r", allow_pickle=False)
        wanted = np.stack([arrays[name] for _, arrays in expected])
        assert rows.dtype == wanted.dtype and np.array_equal(rows, wanted), folder + name
assert next(rest, None) is None, "samples without rows"
print(np.__version__, len(samples))

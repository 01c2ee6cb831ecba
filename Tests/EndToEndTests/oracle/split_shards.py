"""Cuts the samples of all shards of a directory into seven uneven shards of other names.

usage: split_shards.py IN NEW
"""
import glob
import io
import os
import sys
import tarfile

source, target = sys.argv[1:3]
os.makedirs(target)
members = []
for path in sorted(glob.glob(source + "/*.tar")):
    with tarfile.open(path) as tar:
        members += [(member, tar.extractfile(member).read()) for member in tar]
keys = list(dict.fromkeys(member.name.split(".")[0] for member, _ in members))
cuts = [0, 3, 70, 71, 200, 333, 480, len(keys)]
for number, (first, last) in enumerate(zip(cuts, cuts[1:])):
    wanted = set(keys[first:last])
    with tarfile.open(f"{target}/s{9 - number}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, data in members:
            if member.name.split(".")[0] in wanted:
                tar.addfile(member, io.BytesIO(data))

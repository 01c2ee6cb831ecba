"""Writes the shards of a directory anew with Python's tarfile, with their keys in several parts.

usage: rearrange.py IN NEW interleave|repeat|copies
interleave: all members of a shard sorted by field, as `tar --sort` by extension would have them
repeat:     the first ten samples of each shard stand once more at its end, the same bytes
copies:     each of the first ten samples stands twice in a row
"""
import glob
import io
import os
import sys
import tarfile

source, target, mode = sys.argv[1:4]
os.makedirs(target)
for path in sorted(glob.glob(source + "/*.tar")):
    with tarfile.open(path) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]
    first = set(list(dict.fromkeys(member.name.split(".")[0] for member, _ in members))[:10])
    if mode == "interleave":
        members.sort(key=lambda m: m[0].name.split(".", 1)[::-1])
    elif mode == "repeat":
        members += [m for m in members if m[0].name.split(".")[0] in first]
    else:
        samples = {}
        for m in members:
            samples.setdefault(m[0].name.split(".")[0], []).append(m)
        members = [m for key, group in samples.items() for m in group * (2 if key in first else 1)]
    with tarfile.open(f"{target}/{os.path.basename(path)}", "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, data in members:
            tar.addfile(member, io.BytesIO(data))

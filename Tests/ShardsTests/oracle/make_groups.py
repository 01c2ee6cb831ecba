#!/usr/bin/env python3
"""Writes ../Goldens/names.tar.gz and names.json: how webdataset groups the members of a tar into samples.

    .venv/bin/python Tests/ShardsTests/oracle/make_groups.py     # made with webdataset 1.0.2

The tar holds the names of the table in spec B1, edge cases, and random names; names.json is a list of
[key, {field: text}] in the order in which webdataset's own functions give them.
"""
import gzip
import io
import json
import pathlib
import random
import re
import tarfile

from webdataset.tariterators import base_plus_ext, group_by_keys, tar_file_iterator

GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "Goldens"
TABLE = [
    "a/b.c/d.jpg", "./0001.jpg", "noext", "x..jpg", "v1.0/a.b.jpg", "dir.v1/1.seg.png", "x.JPG", ".hidden",
    "._1.jpg", "a/.foo", "x.", "2024-01-01T00:00:01.5.jpg",
]
EDGES = [
    "0001.jpg", "0001.txt", "noext", "0001.json", "0002.txt", "0001.cls", "__meta__/x.json", "__x__", "____", "___.txt",
    "__info__.json", "__a__b/x.txt", "_x_/a.txt", "x/__y__/z.txt", "dir.d/.foo", "deep/er/than/this.one.txt",
    "\u00fc.jpg", "sp ace.jpg", "a/b/.c.d", "....", "a...b", "k.jpg copy", "k.tar.gz", "K.jpg", "k.JPEG", "/abs.jpg",
    "../up.jpg", "a/../b.jpg", "back\\slash.jpg", "n" * 99 + ".txt", "l" * 160 + "/m.txt", "..", "../", "a/", "a/b./c", "a./b.c",
]


def names():
    rng = random.Random(1)
    chosen, group, fields = [], None, set()
    pool = TABLE + EDGES + [None] * 300
    for name in pool:
        if name is None:
            name = "".join(rng.choice("ab..A/_ -") for _ in range(rng.randint(2, 8)))
        match = re.match(r"^((?:.*/|)[^.]+)[.]([^/]*)$", name)
        if match:
            key, field = match[1], match[2].lower()
            if key != group:
                group, fields = key, set()
            if field in fields:
                continue  # webdataset raises an error there
            fields.add(field)
        chosen.append(name)
    return chosen


def main():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for index, name in enumerate(names()):
            data = b"%d" % index
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 0
            tar.addfile(info, io.BytesIO(data))
    samples = group_by_keys(
        {**item, "__url__": "names"} for item in tar_file_iterator(io.BytesIO(buffer.getvalue())))
    groups = [
        [sample["__key__"], {k: v.decode() for k, v in sample.items() if k not in ("__key__", "__url__")}] for sample in samples]
    (GOLDENS / "names.tar.gz").write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    (GOLDENS / "names.json").write_text(json.dumps(groups, indent=0) + "\n")
    print(len(groups), "groups;", base_plus_ext("a/b.c/d.jpg"))


if __name__ == "__main__":
    main()

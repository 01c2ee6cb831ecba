"""Checks a folder of `tamis export` against the workspace (NumPy) and the input tars (tarfile).

usage: export_folder.py WORKSPACE TARS DIR all|kept ROWS_PER_PART captions|keys
           prints the rows; writes DIR-keys.txt, the keys of the rows, and DIR-image.npy, the rows in one array
       export_folder.py parquet DIR
           that the Parquet files hold what the lines say
"""
import glob
import json
import math
import os
import sys
import tarfile

import numpy as np


def tar_captions(directory):
    found = {}
    for path in glob.glob(directory + "/*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, field = member.name.rpartition("/")[2].partition(".")
                if field == "txt":
                    shard = os.path.basename(path)[:-4]
                    found[shard, key] = tar.extractfile(member).read().decode("utf-8", "replace")
    return found


def lines(path):
    return [json.loads(line) for line in open(path, encoding="utf-8", newline="\n")]


def parts(directory, name, ending, count):
    width = int(math.log10(count)) + 1
    names = [f"{name}_{part:0{width}}{ending}" for part in range(count)]
    assert sorted(os.listdir(f"{directory}/{name}")) == names, os.listdir(f"{directory}/{name}")
    return [f"{directory}/{name}/{file}" for file in names]


def check(workspace, tars, directory, which, per_part, mode):
    captions = tar_captions(tars)
    want = {"image": [], "text": [], "lines": []}
    for columns in sorted(glob.glob(workspace + "/columns/*")):
        shard = os.path.basename(columns)
        keys = open(columns + "/keys.txt").read().splitlines()
        kept = np.ones(len(keys), bool)
        if which == "kept":
            kept = np.load(f"{workspace}/verdicts/{shard}.npy")["kept"]
        for column in ["image", "text"]:
            if os.path.exists(f"{columns}/{column}.npy"):
                want[column].append(np.load(f"{columns}/{column}.npy")[kept])
        for key in np.array(keys)[kept]:
            line = {"image_path": str(key)}
            if mode == "captions":
                line["caption"] = captions.get((shard, key), "")
            want["lines"].append(line)

    rows = len(want["lines"])
    count = math.ceil(rows / per_part)
    sizes = [min(per_part, rows - start) for start in range(0, rows, per_part)]
    names = {"export.json", "img_emb", "metadata"} | ({"text_emb"} if want["text"] else set())
    assert set(os.listdir(directory)) == names, os.listdir(directory)
    for column, name in [("image", "img_emb"), ("text", "text_emb")]:
        if want[column]:
            arrays = [np.load(path) for path in parts(directory, name, ".npy", count)]
            assert [len(array) for array in arrays] == sizes
            assert all(array.dtype == np.dtype("<f2") for array in arrays)
            got, expected = np.concatenate(arrays), np.concatenate(want[column])
            assert got.tobytes() == expected.tobytes() and got.shape == expected.shape
            if column == "image":
                np.save(directory + "-image.npy", got)
    found = [lines(path) for path in parts(directory, "metadata", ".jsonl", count)]
    assert [len(part) for part in found] == sizes
    found = sum(found, [])
    assert found == want["lines"], next((a, b) for a, b in zip(found, want["lines"]) if a != b)
    with open(directory + "-keys.txt", "w") as file:
        file.writelines(line["image_path"] + "\n" for line in found)
    manifest = json.load(open(directory + "/export.json"))
    assert (manifest["samples"], manifest["parts"]) == (rows, count)
    print(rows)


def parquet(directory):
    import pyarrow.parquet as pq

    rows = 0
    for path in sorted(glob.glob(directory + "/metadata/*.jsonl")):
        table = pq.read_table(path.removesuffix(".jsonl") + ".parquet")
        assert table.to_pylist() == lines(path)
        rows += table.num_rows
    print(rows)


if sys.argv[1] == "parquet":
    parquet(sys.argv[2])
else:
    check(*sys.argv[1:5], int(sys.argv[5]), sys.argv[6])

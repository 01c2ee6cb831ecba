"""Reads a published directory with Hugging Face `datasets`, streaming and not, and compares it with the input shards.

usage: read_datasets.py IN OUT WORKSPACE
Prints the version and the number of samples. Nothing is fetched: the files are local and the hub is switched off.
"""
import os
import sys
import tempfile

cache = tempfile.TemporaryDirectory()
os.environ |= {"HF_HOME": cache.name, "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}

import datasets

from published import compare, open_image, same_json, tars, wanted

source, out, workspace = sys.argv[1:4]
paths = tars(out)
expected = wanted(source, workspace)
for streaming in (True, False):
    loaded = datasets.load_dataset("webdataset", data_files={"train": paths}, split="train", streaming=streaming)
    names = list(loaded.features)
    assert names == ["jpg", "json", "txt", "__key__", "__url__"], names
    assert isinstance(loaded.features["jpg"], datasets.Image), loaded.features
    urls = []

    def samples():
        for sample in loaded.cast_column("jpg", datasets.Image(decode=False)):
            key = sample["__key__"]
            urls.append(sample["__url__"])
            # Its schema has the names in the first five samples' JSON; others are dropped by it, not by the tar.
            kept = same_json(sample["json"], expected[key]["json"], dropped_names=True)
            yield key, {
                "jpg": sample["jpg"]["bytes"],
                "txt": sample["txt"].encode(),
                "json": expected[key]["json"] if kept else repr(sample["json"]),
            }

    compare(samples(), expected)
    assert urls == sorted(urls) and {os.path.basename(url) for url in urls} == set(map(os.path.basename, paths))
    # Decoded by the library; it turns pictures upright, so a quarter turn may swap the sides.
    for sample in loaded:
        assert sorted(sample["jpg"].size) == sorted(open_image(expected[sample["__key__"]]["jpg"])), sample["__key__"]
print(datasets.__version__, len(expected))

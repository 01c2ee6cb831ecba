"""Reads a published directory with webdataset and compares it with the input shards.

usage: read_webdataset.py IN OUT WORKSPACE VERSION [TAMIS]
VERSION is 1.0 or 0.2 (installed beside it, in .venv/readers). Shards in .tar.zst are read through `pipe:TAMIS cat`.
Prints the version and the number of samples.
"""
import json
import os
import sys

from published import compare, open_image, tars, wanted

source, out, workspace, version = sys.argv[1:5]
if version == "0.2":
    sys.path.insert(0, os.path.join(sys.prefix, "readers"))
import webdataset

assert webdataset.__version__.startswith(version + "."), webdataset.__version__
paths = tars(out)
urls = [f"pipe:{sys.argv[5]} cat {path}" if path.endswith(".zst") else path for path in paths]
expected = wanted(source, workspace)


def samples(urls):
    for sample in webdataset.WebDataset(urls, shardshuffle=False):
        yield sample["__key__"], {name: data for name, data in sample.items() if not name.startswith("__")}


count = compare(samples(urls), expected)

# One by one the shards hold as many as sizes.json says, so none is lost or joined at a border.
sizes = json.load(open(out + "/sizes.json"))
assert sorted(sizes) == [os.path.basename(path) for path in paths], sizes
for path, url in zip(paths, urls):
    held = sum(1 for _ in samples([url]))
    assert held == sizes[os.path.basename(path)], f"{path}: {held}"
assert int(open(out + "/__len__").read()) == count

# Decoded by webdataset itself, as a training script does.
decoded = webdataset.WebDataset(urls, shardshuffle=False).decode("pil").to_tuple("__key__", "jpg", "txt", "json")
for key, image, text, meta in decoded:
    fields = expected[key]
    assert image.size == open_image(fields["jpg"]), key
    assert text.encode() == fields["txt"] and meta == json.loads(fields["json"]), key
    count -= 1
assert count == 0
print(webdataset.__version__, len(expected))

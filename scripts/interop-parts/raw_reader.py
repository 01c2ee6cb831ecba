"""Pictures as arrays (`image: raw`): MDS by upstream's MDSReader beside the .npy members of tars.

usage: raw_reader.py OUT TARS
"""
import json
import sys
import tarfile
import tempfile

import numpy as np

import upstream_mds as mds
from published import array, tars

out, whole = sys.argv[1:3]
expected = {}
for path in tars(whole):
    with tarfile.open(path) as tar:
        for member in tar:
            key, field = member.name.split(".", 1)
            if field == "image.npy":
                expected[key] = array(tar.extractfile(member).read())
shapes = {picture.shape for picture in expected.values()}
assert len(shapes) > 10 and all(min(shape[:2]) == 64 and shape[2] == 3 for shape in shapes), shapes

rest = iter(expected.items())
with tempfile.TemporaryDirectory() as scratch:
    for entry in json.load(open(out + "/index.json"))["shards"]:
        data = open(f"{out}/{entry['zip_data']['basename']}", "rb").read()
        with open(f"{scratch}/{entry['raw_data']['basename']}", "wb") as file:
            file.write(mds.decompress(entry["compression"], data))
        for sample in mds.reader_from_json(scratch, "", entry):
            key, picture = next(rest)
            assert sample["key"] == key, sample["key"]
            assert sample["image"].dtype == np.uint8 and np.array_equal(sample["image"], picture), key
assert next(rest, None) is None, "samples lost"
print(mds.version, len(expected))

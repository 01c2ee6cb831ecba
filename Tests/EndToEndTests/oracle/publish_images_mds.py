"""Published pictures in MDS, read by upstream's MDSReader, are those of the same publish in tars.

usage: publish_images_mds.py TARS MDS        prints the number of samples and the column of the pictures
"""
import glob
import io
import json
import sys
import tarfile

import numpy as np
from PIL import Image

import upstream_mds as mds

pictures = {}
for path in sorted(glob.glob(sys.argv[1] + "/*.tar")):
    with tarfile.open(path) as tar:
        for member in tar:
            key, field = member.name.split(".", 1)
            if field in ("jpg", "png", "image.npy"):
                pictures[key] = field, tar.extractfile(member).read()

columns, count = set(), 0
for entry in json.load(open(sys.argv[2] + "/index.json"))["shards"]:
    for sample in mds.reader_from_json(sys.argv[2], "", entry):
        field, data = pictures[sample["key"]]
        column = field.removesuffix(".npy")
        if field == "image.npy":
            array = np.load(io.BytesIO(data), allow_pickle=False)
            assert sample[column].dtype == np.uint8 and np.array_equal(sample[column], array), sample["key"]
        else:
            picture = Image.open(io.BytesIO(data))
            assert sample[column].format == picture.format, sample["key"]
            assert np.array_equal(np.asarray(sample[column]), np.asarray(picture)), sample["key"]
        columns.add(column)
        count += 1
assert count == len(pictures), f"{count} of {len(pictures)}"
print(count, *columns)

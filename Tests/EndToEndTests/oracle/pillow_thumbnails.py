"""Recomputes every thumbnail with Pillow (design rule 7) and compares bit for bit; checks samples.npy on the way.

usage: pillow_thumbnails.py IN WORKSPACE SIZE
"""
import glob
import os
import sys
import tarfile

import numpy as np
from PIL import Image

from upright import load

source, workspace, size = sys.argv[1], sys.argv[2], int(sys.argv[3])


def thumbnail(image):
    width, height = image.size
    if width <= height:
        new = (size, int(size * height / width))
    else:
        new = (int(size * width / height), size)
    image = image.resize(new, Image.Resampling.BICUBIC)
    left, top = int(round((new[0] - size) / 2.0)), int(round((new[1] - size) / 2.0))
    return np.asarray(image.crop((left, top, left + size, top + size)))


count = 0
wrong = []
for path in sorted(glob.glob(source + "/*.tar")):
    columns = f"{workspace}/columns/{os.path.basename(path)[:-4]}"
    keys = open(columns + "/keys.txt").read().split("\n")[:-1]
    thumbnails = np.load(columns + "/thumbnail.npy", allow_pickle=False)
    samples = np.load(columns + "/samples.npy", allow_pickle=False)
    assert thumbnails.dtype == np.uint8 and thumbnails.shape == (len(keys), size, size, 3)
    assert samples.dtype.itemsize == 28 and len(samples) == len(keys)
    images, captions = {}, {}
    raw = open(path, "rb").read()
    with tarfile.open(path) as tar:
        for member in tar:
            key, field = member.name.split(".", 1)
            data = raw[member.offset_data:member.offset_data + member.size]
            if field in ("jpg", "jpeg", "png", "webp", "gif"):
                images[key] = (member.offset_data, data)
            if field == "txt":
                captions[key] = len(data)
    for key, row, thumb in zip(keys, samples, thumbnails):
        offset, data = images[key]
        image, stored, fmt, orientation = load(data)
        assert (row["width"], row["height"]) == stored, key
        assert row["image_bytes"] == len(data) and row["image_offset"] == offset, key
        assert row["caption_bytes"] == captions.get(key, 0), key
        assert row["format"] == fmt and row["orientation"] == orientation, (key, row, fmt, orientation)
        if not np.array_equal(thumbnail(image), thumb):
            wrong.append(key)
        count += 1
assert not wrong, f"{len(wrong)} of {count} differ: {wrong[:10]}"
print(count)

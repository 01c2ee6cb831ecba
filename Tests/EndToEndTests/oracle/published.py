"""What a published directory must hold, from the input tars alone: read by tarfile, not by Tamis.

Used by read_webdataset.py, read_datasets.py and read_mds.py; scripts/interop-parts uses it too.
"""
import glob
import io
import json
import os
import tarfile

import numpy as np
from PIL import Image

IMAGES = ("jpg", "jpeg", "png", "webp")


def wanted(source, workspace, image_field="jpg"):
    """The accepted samples in input order: key -> field -> bytes, as they are to be published with
    `image_field: jpg` and `on_bad_caption: replace`: one name for the picture, a caption everywhere and in UTF-8.
    """
    samples = {}
    for path in sorted(glob.glob(source + "/*.tar")):
        shard = os.path.basename(path)[: -len(".tar")]
        found = {}
        with tarfile.open(path) as tar:
            for member in tar:
                key, field = member.name.split(".", 1)
                data = tar.extractfile(member).read()
                if field in IMAGES:
                    field = image_field
                elif field == "txt":
                    data = data.decode("utf-8", "replace").encode()
                found.setdefault(key, {"txt": b""})[field] = data
        with open(f"{workspace}/columns/{shard}/keys.txt") as keys:
            for key in keys.read().split("\n")[:-1]:
                assert key not in samples, f"{key} in two shards"
                samples[key] = dict(sorted(found[key].items()))
    return samples


def tars(out):
    """The shards of a directory in order; their names must be 00000, 00001, ... without a gap."""
    paths = sorted(path for suffix in ("tar", "tar.gz", "tar.zst") for path in glob.glob(f"{out}/*.{suffix}"))
    for number, path in enumerate(paths):
        assert int(os.path.basename(path).split(".")[0]) == number, path
    assert paths, "no shards"
    return paths


def compare(found, expected):
    """`found`: pairs of a key and field -> bytes, in the reader's order. Every sample once, in order, with every byte.

    Returns the number of samples.
    """
    count = 0
    rest = iter(expected.items())
    for key, fields in found:
        wanted_key, wanted_fields = next(rest, (None, None))
        assert key == wanted_key, f"sample {count}: {key}, wanted {wanted_key}"
        assert sorted(fields) == sorted(wanted_fields), f"{key}: {sorted(fields)}"
        for name, data in fields.items():
            assert data == wanted_fields[name], f"{key}.{name} differs"
        count += 1
    assert count == len(expected), f"{count} samples of {len(expected)}"
    return count


def open_image(data):
    """Decodes a picture with Pillow, to the last row."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.size


def same_json(found, data, dropped_names=False):
    """Whether a parsed value is the JSON of these bytes. With `dropped_names` an object may have lost names, or have
    them with null instead, which is what a reader with one schema for all samples does.
    """
    value = json.loads(data)
    if dropped_names:
        return all(value.get(name) == item for name, item in found.items())
    return found == value


def array(data):
    """The array of a .npy member; no object types."""
    return np.load(io.BytesIO(data), allow_pickle=False)

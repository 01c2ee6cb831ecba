"""StreamingDataset itself, hashes checked. usage: streaming_reader.py IN OUT WORKSPACE"""
import json
import sys
import tempfile

import torchvision_or_stand_in
import torch
import streaming
from streaming import StreamingDataset

from published import compare, open_image, wanted

source, out, workspace = sys.argv[1:4]
expected = wanted(source, workspace)
hashes = json.load(open(out + "/index.json"))["shards"][0]["hashes"]


def image_bytes(image):
    """What the column held: Pillow keeps the stream that it was opened from."""
    return image.fp.getvalue() if hasattr(image.fp, "getvalue") else image.fp.read()


def samples(dataset):
    for position in range(len(dataset)):
        sample = dataset[position]
        key = sample["key"]
        assert set(sample) == {"key", "jpg", "json", "txt"}, sorted(sample)
        assert sample["json"] == json.loads(expected[key]["json"]), key
        sample["jpg"].fp.seek(0)
        yield key, {
            "jpg": image_bytes(sample["jpg"]),
            "txt": sample["txt"].encode(),
            "json": expected[key]["json"],
        }
        assert sample["jpg"].size == open_image(expected[key]["jpg"]), key


# The shards are copied to `local` and unpacked there; with local=OUT it would unpack into the published directory.
with tempfile.TemporaryDirectory() as local:
    dataset = StreamingDataset(remote=out, local=local, batch_size=1, shuffle=False, validate_hash=hashes[0])
    compare(samples(dataset), expected)
    assert [sample["key"] for sample in dataset] == list(expected)
    shuffled = StreamingDataset(remote=out, local=local + "/again", batch_size=1, shuffle=True, shuffle_seed=7)
    keys = [sample["key"] for sample in shuffled]
    assert keys != list(expected) and sorted(keys) == sorted(expected)
print(f"{streaming.__version__}, torch {torch.__version__}, {torchvision_or_stand_in.words}", len(expected))

"""LitData's StreamingDataset over MDS. usage: litdata_reader.py IN OUT WORKSPACE

The column `jpeg` is given LitData's own serializer of bytes: its default decodes with torchvision, which does not load
beside torch without CUDA. It unpacks into the directory it reads and removes the .zstd, so it is given a copy.
"""
import json
import shutil
import sys
import tempfile

import litdata
import torch
from litdata.streaming.serializers import BytesSerializer

from published import compare, open_image, wanted

source, out, workspace = sys.argv[1:4]
expected = wanted(source, workspace)
with tempfile.TemporaryDirectory() as folder:
    shutil.copytree(out, folder + "/mds")
    dataset = litdata.StreamingDataset(folder + "/mds", serializers={"jpeg": BytesSerializer()})
    assert len(dataset) == len(expected)

    def samples(items):
        for sample in items:
            key = sample["key"]
            assert sample["json"] == json.loads(expected[key]["json"]), key
            open_image(sample["jpg"])
            fields = {"jpg": sample["jpg"], "txt": sample["txt"].encode(), "json": expected[key]["json"]}
            assert set(sample) == {"key", *fields}, sorted(sample)
            yield key, fields

    compare(samples(dataset), expected)
    compare(samples(dataset[position] for position in range(len(dataset))), expected)
print(f"{litdata.__version__}, torch {torch.__version__}", len(expected))

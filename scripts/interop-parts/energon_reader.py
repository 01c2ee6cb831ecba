"""Megatron-Energon: its own `prepare` on a copy, then its loader. usage: energon_reader.py IN OUT WORKSPACE"""
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile

from megatron.energon import DefaultTaskEncoder, WorkerConfig, get_loader, get_val_dataset

from published import compare, open_image, wanted

source, out, workspace = sys.argv[1:4]
expected = wanted(source, workspace)


class Stored(DefaultTaskEncoder):
    """Fields as they are stored."""

    decoder = None

    def batch(self, samples):
        return samples


with tempfile.TemporaryDirectory() as folder:
    shutil.copytree(out, folder + "/data")
    subprocess.run(
        [os.path.dirname(sys.executable) + "/energon", "prepare", "--non-interactive", "--no-progress", "--split-ratio",
         "1,0,0", "--sample-type", "CaptioningSample", "--field-map", '{"image": "jpg", "caption": "txt"}', folder + "/data"],
        check=True, stdout=subprocess.DEVNULL)
    info = json.load(open(folder + "/data/.nv-meta/.info.json"))
    assert info["shard_counts"] == json.load(open(out + "/sizes.json")), info
    dataset = get_val_dataset(
        folder + "/data", split_part="train", batch_size=16, task_encoder=Stored(),
        worker_config=WorkerConfig(rank=0, world_size=1, num_workers=0))

    def samples():
        for batch in get_loader(dataset):
            for sample in batch:
                open_image(sample.image)
                # It hands out the fields of the map alone.
                yield sample.__key__, {
                    "jpg": sample.image, "txt": sample.caption, "json": expected[sample.__key__]["json"]}

    compare(samples(), expected)
print(importlib.metadata.version("megatron-energon"), len(expected))

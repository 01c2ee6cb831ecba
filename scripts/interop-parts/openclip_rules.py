"""OpenCLIP's own data pipeline, from its package. usage: openclip_rules.py IN OUT WORKSPACE

Its functions for sizes, grouping and filtering alone, then `get_wds_dataset` whole, with two loader processes, as
training and as evaluation. The picture is "preprocessed" to its size and checksum, so that each sample can be told.
"""
import argparse
import importlib.metadata
import io
import os
import sys
import zlib
from collections import Counter

import torchvision_or_stand_in
import torch
import webdataset
from open_clip_train import data as open_clip
from PIL import Image

from published import compare, tars, wanted

source, out, workspace = sys.argv[1:4]
paths = tars(out)
expected = wanted(source, workspace)
last = os.path.basename(paths[-1]).removesuffix(".tar")
shards = f"{out}/{{{'0' * len(last)}..{last}}}.tar"
assert open_clip.get_dataset_size(shards) == (len(expected), len(paths)), open_clip.get_dataset_size(shards)

grouped = list(open_clip.tarfile_to_samples_nothrow({"url": path} for path in paths))
assert all(open_clip.filter_no_caption_or_no_image(sample) for sample in grouped)
# Its grouper sees the members of all shards in one row: two neighbours with one key would be one sample.
members = ((sample["__key__"], {n: d for n, d in sample.items() if not n.startswith("__")}) for sample in grouped)
compare(members, expected)


def preprocess(image):
    return torch.tensor([image.width, image.height, zlib.crc32(image.tobytes())])


def tokenizer(text):
    return torch.tensor([[zlib.crc32(text.encode())]])


def told(fields):
    image = Image.open(io.BytesIO(fields["jpg"])).convert("RGB")
    return (*preprocess(image).tolist(), *tokenizer(fields["txt"].decode())[0].tolist())


wanted_samples = Counter(map(told, expected.values()))
arguments = argparse.Namespace(
    train_data=shards, val_data=shards, train_num_samples=None, val_num_samples=len(expected), dataset_resampled=False,
    train_data_upsampling_factors=None, seed=7, workers=2, world_size=1, batch_size=20)


def read(is_train):
    info = open_clip.get_wds_dataset(arguments, preprocess, is_train, tokenizer=tokenizer)
    found = Counter()
    for images, texts in info.dataloader:
        found.update((*image.tolist(), *text.tolist()) for image, text in zip(images, texts))
    return info.dataloader, found


_, found = read(is_train=False)
assert found == wanted_samples, f"{found - wanted_samples} {wanted_samples - found}"
loader, found = read(is_train=True)
assert loader.num_samples >= len(expected) and sum(found.values()) == loader.num_samples
assert set(found) <= set(wanted_samples), "a sample that is not ours"
versions = importlib.metadata.version("open_clip_torch"), webdataset.__version__, torch.__version__
print("%s, webdataset %s, torch %s" % versions + f", {torchvision_or_stand_in.words}", len(expected))

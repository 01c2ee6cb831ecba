"""Embeds shards by Pillow and Python's onnxruntime and compares: onnx_embed.py MODEL PRESET OUTPUT POOLING EMB.npy SHARD…

Prints the lowest cosine of a row and its peer, times 10^6 rounded, if keys and shapes agree and rows have length 1.
"""
import io
import sys
import tarfile

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

model, preset, output, pooling, rows_path, *shards = sys.argv[1:]
session = onnxruntime.InferenceSession(model)
feed = next(i for i in session.get_inputs() if len(i.shape) == 4)
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PRESETS = {
    "clip": (224, 224, Image.BICUBIC, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "dinov2": (256, 224, Image.BICUBIC, *IMAGENET),
    "imagenet": (256, 224, Image.BILINEAR, *IMAGENET),
    "sscd": (None, 224 if feed.type == "tensor(uint8)" else 320, Image.BILINEAR, *IMAGENET),
    "efficientnet-lite0": (None, 224, Image.BICUBIC, (127 / 255,) * 3, (128 / 255,) * 3),
    "none": (None, 224, Image.BICUBIC, (0, 0, 0), (1, 1, 1)),
}
shorter, size, filter, mean, std = PRESETS[preset]
fixed = feed.shape[2] if isinstance(feed.shape[2], int) and feed.shape[1] == 3 else None
if fixed:
    shorter, size = shorter and round(shorter * fixed / size), fixed


def square(image):
    image = ImageOps.exif_transpose(image)
    if image.mode in ("P", "LA", "PA", "RGBA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    image = image.convert("RGB")
    if shorter is None:
        return np.asarray(image.resize((size, size), filter))
    w, h = image.size
    w, h = (shorter, int(shorter * h / w)) if w < h else (int(shorter * w / h), shorter)
    image = image.resize((w, h), filter)
    left, top = int(round((w - size) / 2.0)), int(round((h - size) / 2.0))
    return np.asarray(image.crop((left, top, left + size, top + size)))


def row(picture):
    if feed.type == "tensor(uint8)":
        x = picture[None]
    else:
        x = ((picture / 255 - np.array(mean)) / np.array(std)).astype(np.float32).transpose(2, 0, 1)[None]
        if feed.type == "tensor(float16)":
            x = x.astype(np.float16)
    if isinstance(feed.shape[0], int) and feed.shape[0] > 1:
        x = np.concatenate([x] * feed.shape[0])
    inputs = {feed.name: x}
    for other in session.get_inputs():
        if other.name != feed.name:
            inputs[other.name] = np.ones((1, 7), np.int64)
    y = session.run([output], inputs)[0][0].astype(np.float64)
    if y.ndim == 2:
        y = {"cls": y[0], "mean": y.mean(0), "patches": y[1:].mean(0)}[pooling]
    if y.ndim == 3:
        y = y.mean((1, 2))
    return y / np.linalg.norm(y)


rows = np.load(rows_path, allow_pickle=False)
keys = open(rows_path.removesuffix(".npy") + ".keys.txt").read().splitlines()
assert len(rows) == len(keys) and rows.dtype in ("<f4", "<f2"), (rows.shape, rows.dtype, len(keys))
wanted = dict(zip(keys, rows.astype(np.float64)))
assert list(wanted) == keys
tolerance = 1e-6 if rows.dtype == "<f4" else 2e-3
assert (abs(np.linalg.norm(rows.astype(np.float64), axis=1) - 1) < tolerance).all()
lowest, seen = 1.0, 0
for shard in shards:
    for member in tarfile.open(shard):
        key, _, field = member.name.partition(".")
        if field in ("jpg", "png", "webp") and key in wanted:
            data = tarfile.open(shard).extractfile(member).read()
            seen += 1
            if field == "png" and data[24] == 16:
                continue  # Pillow cuts 16 bits off where we round
            image = Image.open(io.BytesIO(data))
            lowest = min(lowest, wanted[key] @ row(square(image)) / np.linalg.norm(wanted[key]))
assert seen == len(keys), (seen, len(keys))
print(round(1e6 * lowest))

"""Redraws the pictures of models/pca with NumPy and compares them as Pillow reads them.

usage: pictures.py PCA [WORKSPACE]      with a workspace: masks.png as well. Prints "ok".
"""

import glob
import hashlib
import sys
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
from PIL import Image

folder = Path(sys.argv[1])
basis = np.load(folder / "pc_matrix.npy")
ratios = np.load(folder / "eigenvalues_ratio.npy")
mean, std = np.load(folder / "mean_reshaped.npy"), np.load(folder / "std_reshaped.npy")
channels, height, width = mean.shape
GAP, LINE = 4, 11


def opened(name):
    with Image.open(folder / name) as image:
        assert image.mode == "RGB" and not image.info, image.info
        return np.asarray(image).astype(int)


def tile(sheet, x, y, zoom):
    """The picture whose upper left corner is at (x, y), one pixel for each block of its zoom."""
    block = sheet[y : y + height * zoom, x : x + width * zoom].reshape(height, zoom, width, zoom, 3)
    assert (block == block[:, :1, :, :1]).all()
    return block[:, 0, :, 0].transpose(2, 0, 1)


def same(shown, values, what):
    wanted = np.round(255 * np.clip(values, 0, 1))
    assert np.abs(shown - wanted).max() <= 1, what


zoom = -(-64 // max(height, width))
sheet = opened("components.png")
count = min(64, len(basis))
rows = -(-count // 8)
assert sheet.shape == (GAP + rows * (height * zoom + GAP), GAP + min(8, count) * (width * zoom + GAP), 3)
for l in range(count):
    v = basis[l].reshape(channels, height, width)
    x, y = GAP + l % 8 * (width * zoom + GAP), GAP + l // 8 * (height * zoom + GAP)
    same(tile(sheet, x, y, zoom), 0.5 + 0.5 * v / np.abs(v).max(), l)

svg = xml.etree.ElementTree.parse(folder / "spectrum.svg")
texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
cumulative = np.cumsum(ratios.astype(np.float64))
for share in (50, 90, 95, 99):
    held = np.flatnonzero(cumulative >= share / 100 - 1e-9)
    if len(held):
        assert f"{share}%: {held[0] + 1}" in texts, (share, texts)
    else:
        assert not any(text.startswith(f"{share}%:") for text in texts)

if len(sys.argv) > 2:
    samples = []
    for directory in glob.glob(sys.argv[2] + "/columns/*"):
        keys = Path(directory, "keys.txt").read_bytes().splitlines()
        thumbnails = np.load(directory + "/thumbnail.npy")
        samples += [(hashlib.sha256(key).digest()[:16], image) for key, image in zip(keys, thumbnails)]
    words = lambda digest: (int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little"))
    samples.sort(key=lambda sample: words(sample[0]))
    sheet, zoom = opened("masks.png"), -(-96 // max(height, width))
    for row, (digest, image) in enumerate(samples[:4]):
        left = lambda column: GAP + column * (width * zoom + GAP) + (column + 1) // 2 * 2 * GAP
        y = GAP + 2 * LINE + row * (height * zoom + GAP + LINE)
        pixels = image.transpose(2, 0, 1) / 255
        same(tile(sheet, left(0), y, zoom), pixels, "original")
        z = ((pixels - mean) / std).ravel()
        for pair, share in enumerate((0.2, 0.5, 0.8)):
            generator = np.random.Philox(key=np.array([0, words(digest)[0]], np.uint64), counter=np.zeros(4, np.uint64))
            order = np.argsort(generator.random_raw(len(ratios) + 1)[1:], kind="stable")
            sums = np.cumsum(ratios.astype(np.float64)[order])
            masked = order[: 1 + np.argmin(np.abs(sums - share))]
            hidden = (basis[masked].T.astype(np.float64) @ (basis[masked] @ z)).reshape(mean.shape)
            same(tile(sheet, left(1 + 2 * pair), y, zoom), (z.reshape(mean.shape) - hidden) * std + mean, "visible")
            same(tile(sheet, left(2 + 2 * pair), y, zoom), hidden * std + mean, "masked")
print("ok")

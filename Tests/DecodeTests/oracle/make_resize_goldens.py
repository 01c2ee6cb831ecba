"""Writes ../Goldens: images brought to sizes as img2dataset does, and JPEG files as Pillow writes them.

    python3 -m venv /tmp/venv
    /tmp/venv/bin/pip install pillow==13.0.0 numpy albumentations==1.3.1 opencv-python-headless
    /tmp/venv/bin/python Tests/DecodeTests/oracle/make_resize_goldens.py

Sizes and places are asked of albumentations, by the calls in img2dataset's resizer; the pixels are Pillow's.

picture-sizes.txt   mode, size, only if bigger, width, height, then the width and height of the result, the first
                    column and row kept of the resized image, and the first column and row of the result that show it
resize-modes.txt    file, mode, size, only if bigger, filter, width and height of the result, hash of its pixels
encoded.txt         file, quality, offset and length of Pillow's JPEG of the upright picture
encoded.bin         the JPEG files
"""
import io
import pathlib
import random

import albumentations as A
import cv2
import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent.parent / "Goldens"
MODES = ("border", "keep_ratio", "keep_ratio_largest", "center_crop", "no")
FILTERS = {name.lower(): Image.Resampling[name] for name in ("BOX", "BILINEAR", "BICUBIC", "LANCZOS")}


def fnv1a(data):
    """The 64-bit FNV-1a hash: the pixels of all would be half a megabyte."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def placed(mode, size, only_if_bigger, width, height):
    """Resized (width, height), those of the result, first column and row kept, first of the result to show them."""
    longer = mode in ("border", "keep_ratio_largest")
    reference = max(width, height) if longer else min(width, height)
    if mode == "no" or (only_if_bigger and reference <= size):
        return (width, height), (width, height), (0, 0), (0, 0)
    # One byte a pixel: cv2 refuses many sizes of other types.
    blank = np.zeros((height, width), np.uint8)
    bring = A.longest_max_size if longer else A.smallest_max_size
    resized = bring(blank, size, cv2.INTER_NEAREST).shape[::-1]
    first, start, result = (0, 0), (0, 0), resized
    if mode == "center_crop":
        # Pixels that tell their column, then their row.
        grid = np.mgrid[0:resized[1], 0:resized[0]].astype(np.int32)
        first = tuple(int(A.center_crop(grid[axis], size, size)[0, 0]) for axis in (1, 0))
        result = (size, size)
    elif mode == "border":
        shown = A.pad(np.zeros(resized[::-1], np.uint8), size, size, cv2.BORDER_CONSTANT, 255)
        rows, columns = np.nonzero(shown == 0)
        start, result = (int(columns[0]), int(rows[0])), shown.shape[::-1]
    return resized, result, first, start


def write_sizes():
    rng = random.Random(11)
    shapes = [(1, 1), (1, 7), (500, 375), (375, 500), (1000, 999), (641, 427), (257, 256), (256, 256), (300, 255)]
    # One side of a size below: cut or set on white without being resized.
    shapes += [(255, 100), (100, 255), (255, 254), (64, 33), (33, 64), (64, 3), (3, 64), (65, 64), (64, 255)]
    shapes += [(rng.randint(1, 900), rng.randint(1, 900)) for _ in range(40)]
    lines = []
    for width, height in shapes:
        for mode in MODES:
            for size in (1, 3, 64, 255, 256):
                for bigger in (0, 1):
                    if mode == "no" and (size != 256 or bigger):
                        continue
                    try:
                        _, result, first, start = placed(mode, size, bigger, width, height)
                    except cv2.error:
                        continue  # a side of 0 pixels: img2dataset gives up
                    numbers = (mode, size, bigger, width, height, *result, *first, *start)
                    lines.append(" ".join(map(str, numbers)))
    (HERE / "picture-sizes.txt").write_text("\n".join(lines) + "\n")


def upright(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode in ("P", "PA", "LA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")
    return image.convert("RGB")


def brought(image, mode, size, bigger, filter):
    resized, result, (left, top), start = placed(mode, size, bigger, *image.size)
    image = image.resize(resized, filter)
    if mode == "border":
        canvas = Image.new("RGB", result, (255, 255, 255))
        canvas.paste(image, start)
        return canvas
    return image.crop((left, top, left + result[0], top + result[1]))


def write_pixels():
    names = [f"jpeg-orientation-{n}.jpg" for n in range(1, 9)]
    names += ["jpeg-420-progressive.jpg", "jpeg-cmyk.jpg", "jpeg-grey.jpg", "long-tower-420.jpg", "png-rgba.png"]
    names += ["png-orientation-xmp.png", "gif.gif", "webp-lossless-alpha.webp"]
    lines = []
    for name in names:
        image = upright(HERE / name)
        for mode in MODES:
            for size in (16, 33) if name[:4] in ("long", "png-", "gif.") else (16, 29):
                for bigger in (0, 1):
                    for label, filter in FILTERS.items():
                        if label != "bicubic" and (bigger or size != 16 or "orientation-6" not in name):
                            continue
                        if mode == "no" and (size != 16 or bigger or label != "bicubic"):
                            continue
                        result = brought(image, mode, size, bigger, filter)
                        line = f"{name} {mode} {size} {bigger} {label} {result.width} {result.height}"
                        lines.append(f"{line} {fnv1a(result.tobytes()):016x}")
    (HERE / "resize-modes.txt").write_text("\n".join(lines) + "\n")


def write_encoded():
    lines, blob = [], b""
    for name in ("jpeg-420.jpg", "jpeg-orientation-8.jpg", "jpeg-tiny.jpg", "png-rgba.png", "long-wide-420.jpg"):
        for quality in (0, 1, 50, 75, 90, 95, 100) if name == "jpeg-420.jpg" else (75, 95):
            out = io.BytesIO()
            upright(HERE / name).save(out, "JPEG", quality=quality)
            lines.append(f"{name} {quality} {len(blob)} {len(out.getvalue())}")
            blob += out.getvalue()
    (HERE / "encoded.txt").write_text("\n".join(lines) + "\n")
    (HERE / "encoded.bin").write_bytes(blob)


write_sizes()
write_pixels()
write_encoded()

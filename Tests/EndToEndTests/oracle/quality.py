"""Recomputes quality.npy with Pillow, ImageHash and NumPy.

usage: quality.py make SHARD.tar        crafted pictures and captions
       quality.py check IN WORKSPACE [replace]    compares every row; prints the number of rows
"""
import glob
import io
import os
import sys
import tarfile

import imagehash
import numpy as np
from PIL import Image, ImageStat

from upright import load

random = np.random.default_rng(6)


def encoded(pixels, format="PNG", **options):
    target = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(target, format, **options)
    return target.getvalue()


def noise(height, width, channels=3):
    small = random.integers(0, 256, (height // 7 + 2, width // 7 + 2, channels), dtype=np.uint8)
    planes = [np.asarray(Image.fromarray(small[:, :, c]).resize((width, height))) for c in range(channels)]
    return np.stack(planes, 2) if channels > 1 else planes[0]


def pictures():
    for value in (0, 1, 97, 128, 255):
        yield "png", encoded(np.full((40, 40, 3), value, np.uint8))
    # Symmetric pictures: half of the frequencies are rounding errors.
    for height, width in ((64, 64), (100, 60), (31, 33)):
        picture = noise(height, width)
        sideways = np.concatenate([picture, picture[:, ::-1]], 1)
        yield "png", encoded(sideways)
        yield "png", encoded(np.concatenate([picture, picture[::-1]], 0))
        yield "png", encoded(np.concatenate([sideways, sideways[::-1]], 0))
    # Checks, bars, a dot.
    grid = np.indices((64, 64)).sum(0) // 8 % 2 * 255
    yield "png", encoded(grid.astype(np.uint8))
    bars = np.indices((50, 70))[1] // 10 % 2 * 200
    yield "png", encoded(bars.astype(np.uint8))
    dot = np.zeros((90, 90, 3), np.uint8)
    dot[40:50, 40:50, 0] = 255
    yield "png", encoded(dot)
    # Sizes at which the order of the axes and the windows change.
    for height, width in ((1, 1), (1, 300), (300, 1), (2, 2), (32, 32), (32, 100), (100, 32), (31, 33), (33, 31),
                          (3000, 20), (20, 3000), (1500, 40), (97, 33), (98, 33), (99, 33), (96, 33), (641, 480)):
        yield "png", encoded(noise(height, width))
    # One pixel in many that is not grey.
    grey = np.repeat(noise(200, 200, 1)[:, :, None], 3, 2)
    grey[7, 7, 2] ^= 1
    yield "png", encoded(grey)
    picture = Image.fromarray(noise(70, 90))
    for quality in range(1, 101):
        yield "jpg", encoded(picture, "JPEG", quality=quality, subsampling=quality % 3)
    yield "jpg", encoded(picture, "JPEG", quality=88, subsampling="4:1:1")
    yield "jpg", encoded(picture.convert("L"), "JPEG", quality=61)
    yield "jpg", encoded(picture.convert("CMYK"), "JPEG", quality=71)
    yield "jpg", encoded(picture, "JPEG", quality=83, progressive=True)
    yield "jpg", encoded(picture, "JPEG", quality="web_low")
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "jpg", encoded(picture, "JPEG", quality=90, exif=exif)
    yield "webp", encoded(picture, "WEBP", quality=80)
    yield "gif", encoded(picture.convert("P"), "GIF")


CAPTIONS = [
    b"a cat", b"", None, " \t two\u00a0words\u3000three\n".encode(), "žluťoučký kůň 猫が 😀\u200b x".encode(),
    b"latin \xe9\xe8 1", b"\xef\xbb\xbfmark", b"nul\0 here", b"   ", "a\u0085b\u001cc\u2028d\u1680e\ufefff".encode(),
    b"cut \xf0\x9f\x98", b"line\r\nline",
]


def make(path):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, (field, data) in enumerate(pictures()):
            caption = CAPTIONS[number % len(CAPTIONS)]
            for name, bytes in ((field, data), ("txt", caption)):
                if bytes is not None:
                    member = tarfile.TarInfo(f"{number:05}.{name}")
                    member.size = len(bytes)
                    tar.addfile(member, io.BytesIO(bytes))


BASE = [  # ITU-T T.81 annex K, tables 1 and 2, in rows
    np.array([16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
              14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
              49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]),
    np.array([17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
              47, 66, 99, 99, 99, 99, 99, 99] + [99] * 32),
]


def jpeg(data):
    """Quality and subsampling by Pillow's reading of the headers."""
    image = Image.open(io.BytesIO(data))
    if image.format != "JPEG":
        return 0, 0
    layers = image.layer  # (id, h, v, table)
    order = []
    for layer in layers[:3]:
        if layer[3] not in order:
            order.append(layer[3])
    best = None
    for quality in range(100, 0, -1):
        scale = 5000 // quality if quality < 50 else 200 - 2 * quality
        off = 0
        for place, table in enumerate(order):
            steps = np.clip((BASE[min(place, 1)] * scale + 50) // 100, 1, 255)
            off += np.abs(np.array(image.quantization[table]) - steps).sum()
        if best is None or off < best[0]:
            best = off, quality
    if len(layers) < 3:
        return best[1], 400
    ratio = layers[0][1] // layers[1][1], layers[0][2] // layers[1][2]
    return best[1], {(1, 1): 444, (2, 1): 422, (2, 2): 420, (1, 2): 440, (4, 1): 411}[ratio]


def expected(data, caption, policy):
    picture = load(data)[0]
    grey = picture.convert("L")
    pixels, levels = np.asarray(picture).astype(np.int64), np.asarray(grey).astype(np.int64)
    red, green, blue = ImageStat.Stat(picture).mean
    edged = np.pad(levels, 1, mode="reflect")
    laplacian = edged[:-2, 1:-1] + edged[2:, 1:-1] + edged[1:-1, :-2] + edged[1:-1, 2:] - 4 * levels
    text = (caption or b"").decode("utf-8", "replace")
    if policy == "replace":
        text = text.removeprefix("\ufeff")
    quality, subsampling = jpeg(data)
    return {
        "brightness": np.sqrt(0.241 * red * red + 0.691 * green * green + 0.068 * blue * blue) / 255,
        "contrast": levels.std() / 255,
        "sharpness": laplacian.var(),
        "entropy": picture.entropy(),
        "greyness": 1 - (pixels.max(2) - pixels.min(2)).mean() / 255,
        "aspect": picture.width / picture.height,
        "phash": int(str(imagehash.phash(picture)), 16),
        "caption_length": len(text),
        "caption_words": len(text.split()),
        "jpeg_subsampling": subsampling,
        "jpeg_quality": quality,
    }


def check(source, workspace, policy):
    rows = 0
    for path in sorted(glob.glob(source + "/*.tar")):
        columns = os.path.join(workspace, "columns", os.path.basename(path)[:-4])
        column = np.load(columns + "/quality.npy", allow_pickle=False)
        fields = {}
        with tarfile.open(path) as tar:
            for member in tar:
                key, name = member.name.split(".", 1)
                fields.setdefault(key, {})[name] = tar.extractfile(member).read()
        keys = open(columns + "/keys.txt").read().splitlines()
        assert len(keys) == len(column), (len(keys), len(column))
        for key, row in zip(keys, column):
            data = next(fields[key][name] for name in ("jpg", "jpeg", "png", "webp", "gif") if name in fields[key])
            want = expected(data, fields[key].get("txt"), policy)
            assert set(want) == set(column.dtype.names)
            for name, value in want.items():
                exact = column.dtype[name].kind != "f"
                same = row[name] == value if exact else np.isclose(row[name], value, rtol=1e-6, atol=1e-6)
                assert same, (path, key, name, row[name], value)
            pixels = np.asarray(load(data)[0])
            assert (row["greyness"] == 1) == bool((pixels.max(2) == pixels.min(2)).all()), key
            rows += 1
    # What the documentation says of the dtype.
    assert column.dtype == np.dtype({"names": list(column.dtype.names), "formats": [
        "<f4", "<f4", "<f4", "<f4", "<f4", "<f4", "<u8", "<u4", "<u4", "<u2", "|u1"]}), column.dtype
    print(rows)


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    check(sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "keep")

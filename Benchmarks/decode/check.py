"""Compares Tamis's pixels with Pillow's over the pictures of `make bench-decode`: `make check-decode`.

    check.py WORKER FOLDER

Thumbnails (crop, BICUBIC) at several sizes must equal Resize + CenterCrop, and whole pictures resized to random
sizes with every filter must equal `Image.resize`, byte for byte. `fast` thumbnails of pictures that Pillow's
`draft` reduces by the same factor must equal those, and the difference of `fast` from exact is printed.
"""

import io
import random
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy
from PIL import Image

worker, folder = sys.argv[1], Path(sys.argv[2])
FILTERS = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR,
           "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


def ask(tar: Path, request: str) -> bytes:
    """What the worker writes when asked; the request ends where the file name goes."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([worker, tar], input=f"{request} {file.name}\n", text=True, check=True,
                       stdout=subprocess.DEVNULL)
        return Path(file.name).read_bytes()


def encoded(tar: Path) -> list[bytes]:
    with tarfile.open(tar) as shard:
        return [shard.extractfile(member).read() for member in shard]


def thumbnail(image: Image.Image, size: int, box=None, whole=None) -> Image.Image:
    """torchvision's Resize and CenterCrop; `whole` is the size the picture had before it was reduced."""
    width, height = whole or image.size
    shorter = min(width, height)
    target = [int(size * side / shorter) for side in (width, height)]
    resized = image.resize(target, Image.Resampling.BICUBIC, box=box)
    left, top = (int(round((side - size) / 2.0)) for side in target)
    return resized.crop((left, top, left + size, top + size))


def fast_thumbnail(data: bytes, size: int) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    whole = image.size
    divisor = max(d for d in (1, 2, 4, 8) if d == 1 or -(-min(whole) // d) >= size)
    image.draft("RGB", tuple(side // divisor for side in whole))
    return thumbnail(image, size, (0, 0, whole[0] / divisor, whole[1] / divisor), whole)


def main() -> None:
    draw = random.Random(4)
    pictures = thumbnails = 0
    print("| side | mean of abs. difference | p99 | max | pictures |\n|---|---|---|---|---|")
    for size in (32, 224):
        counts = numpy.zeros(256, numpy.int64)
        reduced = 0
        for tar in sorted(folder.glob("*.tar")):
            images = encoded(tar)
            shape = (len(images), size, size, 3)
            exact = numpy.frombuffer(ask(tar, f"write exact {size}"), numpy.uint8).reshape(shape)
            fast = numpy.frombuffer(ask(tar, f"write fast {size}"), numpy.uint8).reshape(shape)
            for data, ours, ours_fast in zip(images, exact, fast):
                image = Image.open(io.BytesIO(data)).convert("RGB")
                assert numpy.array_equal(ours, thumbnail(image, size)), f"{tar.name}: exact differs from Pillow"
                assert numpy.array_equal(ours_fast, fast_thumbnail(data, size)), f"{tar.name}: fast differs"
                thumbnails += 1
                if min(image.size) >= 2 * size:
                    difference = numpy.abs(ours.astype(numpy.int16) - ours_fast)
                    counts += numpy.bincount(difference.ravel(), minlength=256)
                    reduced += 1
        total = counts.sum()
        p99 = int(numpy.searchsorted(numpy.cumsum(counts), 0.99 * total))
        mean = (counts * numpy.arange(256)).sum() / total
        print(f"| {size} | {mean:.2f} | {p99} | {numpy.nonzero(counts)[0].max()} | {reduced} |")
    for tar in sorted(folder.glob("*-mixed.tar")):
        images = encoded(tar)
        for name, filter in FILTERS.items():
            width, height = draw.randint(1, 700), draw.randint(1, 700)
            ours = ask(tar, f"resize {width} {height} {name}")
            pillow = b"".join(
                Image.open(io.BytesIO(data)).convert("RGB").resize((width, height), filter).tobytes()
                for data in images)
            assert ours == pillow, f"{tar.name}: {name} to {width} x {height} differs from Pillow"
            pictures += len(images)
    print(f"\nEqual to Pillow: {thumbnails} exact and {thumbnails} fast thumbnails, {pictures} resized pictures.")


main()

"""Writes ../Goldens/fast.txt and fast.bin: thumbnails of the JPEGs there as Pillow makes them when it decodes at
a smaller scale (`draft`, then `resize` with a box that leaves out what the last column and row have too much).
And long-*.jpg, of which a square thumbnail shows but a part.

    /tmp/venv/bin/python Tests/DecodeTests/oracle/make_fast_goldens.py     (see make_goldens.py)

fast.txt    file, fit, filter, size, divisor of the scale (1: exact), offset into fast.bin
"""
import pathlib

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent.parent / "Goldens"
FILTERS = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
# What exif_transpose does to the box (left, top, right, bottom) of an image of the turned size (w, h).
BOXES = {
    2: lambda l, t, r, b, w, h: (w - r, t, w - l, b),
    3: lambda l, t, r, b, w, h: (w - r, h - b, w - l, h - t),
    4: lambda l, t, r, b, w, h: (l, h - b, r, h - t),
    5: lambda l, t, r, b, w, h: (t, l, b, r),
    6: lambda l, t, r, b, w, h: (w - b, l, w - t, r),
    7: lambda l, t, r, b, w, h: (w - b, h - r, w - t, h - l),
    8: lambda l, t, r, b, w, h: (t, h - r, b, h - l),
}


def sizes(stored, fit, size):
    """The size the stored picture is brought to, before the middle is cut out."""
    shorter = min(stored)
    return (size, size) if fit == "squash" else tuple(int(size * side / shorter) for side in stored)


def make_long_pictures():
    y, x = np.mgrid[0:360, 0:360]
    planes = [127 + 90 * np.sin(x / (9 + c) + y / (23 - c)) + 37 * ((x * y // 300 + c) % 2) for c in range(3)]
    square = Image.fromarray(np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8))
    for name, width, height, subsampling, options in (
        ("wide-420", 357, 83, 2, {}),
        ("wide-422-progressive", 301, 95, 1, {"progressive": True}),
        ("tall-420", 91, 203, 2, {}),
        ("tall-444", 120, 239, 0, {"restart_marker_blocks": 5}),
        ("tall-420-progressive", 77, 150, 2, {"progressive": True}),
        ("tower-420", 61, 359, 2, {}),
    ):
        picture = square.crop((0, 0, width, height))
        picture.save(HERE / f"long-{name}.jpg", quality=70, subsampling=subsampling, **options)


def fast_thumbnail(path, fit, filter, size, exact):
    image = Image.open(path)
    stored = image.size
    needed = sizes(stored, fit, size)
    divisor = 1
    for candidate in () if exact else (2, 4, 8):
        if all(-(-side // candidate) >= wanted for side, wanted in zip(stored, needed)):
            divisor = candidate
    if divisor > 1:
        # Pillow takes the largest reduction that leaves both sides at least this long.
        image.draft(None, tuple(max(side // divisor, 1) for side in stored))
        assert image.size == tuple(-(-side // divisor) for side in stored), (path.name, image.size)
    orientation = image.getexif().get(0x0112, 1)
    image = ImageOps.exif_transpose(image).convert("RGB")
    box = (0, 0, stored[0] / divisor, stored[1] / divisor)
    if orientation in BOXES:
        box = BOXES[orientation](*box, *image.size)
    target = needed[::-1] if orientation in (5, 6, 7, 8) else needed
    image = image.resize(target, filter, box=box)
    left, top = (int(round((side - size) / 2.0)) for side in target)
    return divisor, image.crop((left, top, left + size, top + size)).tobytes()


def main():
    lines = []
    blob = b""
    make_long_pictures()
    for path in sorted([*HERE.glob("jpeg-*.jpg"), *HERE.glob("long-*.jpg")]):
        for fit in ("crop", "squash"):
            for name, filter in FILTERS.items():
                if "long" in path.name and name != "bicubic":
                    continue
                for size in (17, 40) if "long" in path.name else (2, 3, 7, 14):
                    for exact in (False, True) if "long" in path.name else (False,):
                        divisor, pixels = fast_thumbnail(path, fit, filter, size, exact)
                        line = f"{path.name} {fit} {name} {size} {divisor} {len(blob)}"
                        if divisor > 1 or exact or "long" not in path.name:
                            lines.append(line)
                            blob += pixels
    (HERE / "fast.txt").write_text("\n".join(lines) + "\n")
    (HERE / "fast.bin").write_bytes(blob)


main()

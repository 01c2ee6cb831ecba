"""Published pictures, made once more with Pillow.

usage: publish_images.py make IN             two shards of pictures of every format, orientation and odd size
       publish_images.py strip IN            one shard of a picture of 300 x 1 pixels
       publish_images.py mds TARS MDS        the same pictures in both, by upstream's MDSReader; prints number and column
       publish_images.py check IN OUT SETTING...   compares every sample; prints their number and how many kept their bytes

A setting is key=value, named as in the recipe; what is not given has its default.
"""
import glob
import io
import os
import sys
import tarfile

import numpy as np
from PIL import Image

from upright import load, over_white, png_depth

random = np.random.default_rng(8)
SIZES = [(256, 200), (200, 256), (96, 96), (97, 96), (41, 300), (300, 41), (64, 64), (33, 64), (64, 63), (1, 1),
         (5, 90), (128, 300), (640, 480)]


def noise(width, height, channels=3):
    small = random.integers(0, 256, (height // 9 + 2, width // 9 + 2, channels), dtype=np.uint8)
    planes = [np.asarray(Image.fromarray(small[:, :, c]).resize((width, height))) for c in range(channels)]
    return Image.fromarray(np.stack(planes, 2) if channels > 1 else planes[0])


def saved(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def pictures():
    for number, (width, height) in enumerate(SIZES):
        exif = Image.Exif()
        exif[0x0112] = number % 8 + 1
        yield "jpg", saved(noise(width, height), "JPEG", quality=80 + number, exif=exif)
        yield "jpg", saved(noise(width, height), "JPEG", quality=90, progressive=True)
        yield "png", saved(noise(width, height), "PNG")
        yield "png", saved(noise(width, height, 4), "PNG", exif=exif)
    yield "jpeg", saved(noise(64, 64, 1), "JPEG")
    yield "jpg", saved(noise(64, 64, 4).convert("CMYK"), "JPEG")
    yield "png", saved(noise(64, 64).quantize(30), "PNG", transparency=3)
    yield "png", saved(noise(64, 64, 1), "PNG")
    yield "png", saved(noise(64, 64), "PNG", transparency=(1, 2, 3))
    yield "png", saved(Image.fromarray(random.integers(0, 65536, (64, 48), dtype=np.uint16)), "PNG")
    yield "webp", saved(noise(120, 80), "WEBP", lossless=True)
    yield "gif", saved(noise(70, 90).quantize(40), "GIF")


def make(folder, pictures, count):
    os.makedirs(folder, exist_ok=True)
    shards = [tarfile.open(f"{folder}/0000{i}.tar", "w", format=tarfile.USTAR_FORMAT) for i in range(count)]
    for number, (field, data) in enumerate(pictures):
        fields = {field: data, "txt": b"picture %d" % number, "json": b'{"width": 1, "n": %d}' % number}
        for name, value in fields.items():
            member = tarfile.TarInfo(f"{number:05d}.{name}")
            member.size = len(value)
            shards[number % count].addfile(member, io.BytesIO(value))
    for shard in shards:
        shard.close()


def samples(folder):
    found = {}
    for path in sorted(glob.glob(folder + "/*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, field = member.name.partition(".")
                found.setdefault(key, {})[field] = tar.extractfile(member).read()
    return found


def brought(image, mode, size, only_if_bigger, filter):
    """By img2dataset's rules; whether anything was done to it."""
    longer = mode in ("border", "keep_ratio_largest")
    reference = max(image.size) if longer else min(image.size)
    if mode == "no" or (only_if_bigger and reference <= size):
        return image
    scale = size / float(reference)
    target = tuple(max(1, round(side * scale)) for side in image.size)
    image = image.resize(target, filter)
    if mode == "center_crop":
        left, top = ((side - size) // 2 for side in target)
        return image.crop((left, top, left + size, top + size))
    if mode == "border":
        canvas = Image.new("RGB", (size, size), (255, 255, 255))
        canvas.paste(image, tuple((size - side) // 2 for side in target))
        return canvas
    return image


def plain(data):
    """Whether a reader of the stored bytes sees our pixels: what may stay as it is."""
    image = Image.open(io.BytesIO(data))
    if image.format == "JPEG":
        return image.mode != "CMYK"
    return image.mode == "RGB" and "transparency" not in image.info and png_depth(data) == 8


def pixels(data, turned):
    """The picture as it is looked at, and the orientation that was undone for it."""
    upright, _, _, orientation = load(data)
    if turned or orientation == 1:
        return upright, orientation
    image = Image.open(io.BytesIO(data))
    return (over_white(image) if image.mode == "RGBA" else image.convert("RGB")), 1


def check(source, target, settings):
    setting = dict(pair.split("=") for pair in settings)
    form = setting.get("image", "resize")
    mode = setting.get("resize_mode", "no" if form == "raw" and "image_size" not in setting else "border")
    size = int(setting.get("image_size", 256))
    bigger = setting.get("resize_only_if_bigger", "false") == "true"
    filter = Image.Resampling[setting.get("resize_filter", "bicubic").upper()]
    format = setting.get("encode_format", "jpg")
    quality = int(setting.get("encode_quality", 95))
    given, published = samples(source), samples(target)
    assert list(given) == list(published), "other keys"
    kept = 0
    for key, fields in given.items():
        name = next(field for field in ("jpg", "jpeg", "png", "webp", "gif") if field in fields)
        data = fields.pop(name)
        made = published[key]
        result = made.pop("image.npy" if form == "raw" else format)
        assert made == fields, f"{key}: other fields changed"
        upright, orientation = pixels(data, setting.get("apply_orientation", "true") == "true")
        wanted = brought(upright, mode, size, bigger, filter)
        if form == "raw":
            array = np.load(io.BytesIO(result), allow_pickle=False)
            assert array.dtype == np.uint8 and np.array_equal(array, np.asarray(wanted)), key
            continue
        is_format = Image.open(io.BytesIO(data)).format == {"jpg": "JPEG", "png": "PNG"}[format]
        unchanged = wanted is upright or (wanted.size == upright.size and wanted.tobytes() == upright.tobytes())
        if mode != "no" and is_format and orientation == 1 and unchanged and plain(data):
            assert result == data, f"{key}: encoded again for nothing"
            kept += 1
            continue
        decoded = Image.open(io.BytesIO(result))
        assert decoded.format == {"jpg": "JPEG", "png": "PNG"}[format] and decoded.mode == "RGB", key
        assert not decoded.getexif() and not decoded.info.get("icc_profile"), key
        if format == "jpg":
            pillow = saved(wanted, "JPEG", quality=quality)
            # The same pixels and tables, so the same decoded pixels: no difference is allowed.
            theirs = Image.open(io.BytesIO(pillow))
            assert decoded.quantization == theirs.quantization, f"{key}: other tables"
            wanted = theirs.convert("RGB")
        assert decoded.size == wanted.size, f"{key}: {decoded.size}, not {wanted.size}"
        assert np.array_equal(np.asarray(decoded), np.asarray(wanted)), f"{key}: other pixels"
    print(len(given), kept)


if sys.argv[1] == "make":
    make(sys.argv[2], pictures(), 2)
elif sys.argv[1] == "strip":
    make(sys.argv[2], [("png", saved(noise(300, 1), "PNG"))], 1)
else:
    check(sys.argv[2], sys.argv[3], sys.argv[4:])

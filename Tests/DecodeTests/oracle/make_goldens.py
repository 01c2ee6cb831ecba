"""Writes ../Goldens: small image files and what Pillow makes of them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install pillow==13.0.0 numpy
    /tmp/venv/bin/python Tests/DecodeTests/oracle/make_goldens.py

images.txt       file, then width, height, orientation, channels, depth, progressive, scans as stored
<file>.rgb       the pixels after orientation, alpha over white; <file>.fnv their hash where they are many
thumbnails.txt   file, fit, filter, size, offset into thumbnails.bin
resized.txt      file, width, height, filter, offset into resized.bin
"""
import io
import math
import pathlib
import struct

import numpy as np
from PIL import Image, ImageOps

from oddfiles import chosen
from pngfile import png

HERE = pathlib.Path(__file__).resolve().parent.parent / "Goldens"
FILTERS = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
rng = np.random.default_rng(20260401)
images = []


def picture(width, height, channels=3):
    """Smooth colours with edges and noise, so that every stage has something to get wrong."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        wave = 127 + 90 * np.sin(x / (3 + c) + c) * np.cos(y / (4 - c % 3) - c)
        wave += 60 * ((x + 2 * y + 5 * c) % 11 < 4) + rng.normal(0, 9, (height, width))
        planes.append(wave)
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def fnv1a(data):
    """The 64-bit FNV-1a hash, for images too large to keep."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def over_white(image):
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def pillow_pixels(data):
    """The oracle of the contract's rule 7."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode in ("P", "PA", "LA", "RGBA") or "transparency" in image.info:
        return over_white(image.convert("RGBA"))
    return image.convert("RGB")


def add(name, data, channels, depth=8, orientation=1, progressive=0, scans=1, expected=None):
    stored = Image.open(io.BytesIO(data)).size
    pixels = expected if expected is not None else pillow_pixels(data)
    (HERE / name).write_bytes(data)
    raw = pixels.tobytes()
    if len(raw) < 20_000:
        (HERE / (name + ".rgb")).write_bytes(raw)
    else:
        (HERE / (name + ".fnv")).write_text(f"{fnv1a(raw):016x}\n")
    images.append(f"{name} {stored[0]} {stored[1]} {orientation} {channels} {depth} {progressive} {scans}")


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation, endian="<", kind=3):
    """A TIFF structure with a few tags around Orientation."""
    entries = [(0x010F, 2, 4, b"abc\0"), (0x0112, kind, 1, None), (0x0128, 3, 1, struct.pack(endian + "HH", 2, 0))]
    body = struct.pack(endian + "H", len(entries))
    for tag, type_, count, value in entries:
        if value is None:
            value = struct.pack(endian + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
        body += struct.pack(endian + "HHI", tag, type_, count) + value
    return (b"II*\0" if endian == "<" else b"MM\0*") + struct.pack(endian + "I", 8) + body + b"\0\0\0\0"


def xmp(orientation):
    return f'<x:xmpmeta><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()


def jpegs():
    rgb = Image.fromarray(picture(37, 29))
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        add(f"jpeg-{name}.jpg", saved(rgb, "JPEG", quality=88, subsampling=sampling), 3)
        data = saved(rgb, "JPEG", quality=80, subsampling=sampling, progressive=True)
        add(f"jpeg-{name}-progressive.jpg", data, 3, progressive=1, scans=10)
    add("jpeg-restart.jpg", saved(rgb, "JPEG", quality=90, restart_marker_blocks=2), 3)
    add("jpeg-rgb.jpg", saved(rgb, "JPEG", quality=90, keep_rgb=True), 3)
    add("jpeg-tiny.jpg", saved(Image.fromarray(picture(1, 1)), "JPEG"), 3)
    add("jpeg-trailing.jpg", saved(rgb, "JPEG", quality=30) + b"trailing bytes \xff\xda\xff", 3)
    grey = Image.fromarray(picture(21, 18, 1)[:, :, 0])
    add("jpeg-grey.jpg", saved(grey, "JPEG", quality=85), 1)
    add("jpeg-grey-progressive.jpg", saved(grey, "JPEG", progressive=True), 1, progressive=1, scans=6)
    cmyk = Image.fromarray(picture(26, 19, 4), "CMYK")
    data = saved(cmyk, "JPEG", quality=90)
    add("jpeg-cmyk.jpg", data, 4)
    at = data.index(b"Adobe")
    add("jpeg-ycck.jpg", data[: at + 11] + b"\x02" + data[at + 12 :], 4)
    start = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[start + 2 : start + 4])[0]
    add("jpeg-cmyk-no-adobe.jpg", data[:start] + data[start + 2 + length :], 4)
    for o in range(1, 9):
        data = saved(rgb, "JPEG", quality=85, exif=b"Exif\0\0" + exif(o, "<" if o % 2 else ">", 3 if o < 6 else 4))
        add(f"jpeg-orientation-{o}.jpg", data, 3, orientation=o)
    add("jpeg-orientation-xmp.jpg", saved(rgb, "JPEG", xmp=xmp(6)), 3, orientation=6)
    add("jpeg-orientation-9.jpg", saved(rgb, "JPEG", exif=b"Exif\0\0" + exif(9)), 3)


def deep(samples, white_alpha=True):
    """8-bit RGB of 16-bit samples by the rule round(v / 257), alpha over white by Pillow."""
    eight = np.round(samples / 257).astype(np.uint8)
    channels = eight.shape[-1]
    if channels < 3:
        eight = np.concatenate([np.repeat(eight[:, :, :1], 3, -1), eight[:, :, 1:]], -1)
    if channels in (2, 4):
        return over_white(Image.fromarray(eight, "RGBA"))
    return Image.fromarray(eight, "RGB")


def pngs():
    for interlaced in (False, True):
        tail = "-interlaced" if interlaced else ""
        facts = dict(progressive=int(interlaced), scans=7 if interlaced else 1)
        for depth in (1, 2, 4, 8):
            grey = picture(19, 13, 1) >> (8 - depth)
            add(f"png-grey-{depth}{tail}.png", png(grey, 0, depth, interlaced), 1, depth, **facts)
            palette = rng.integers(0, 256, 3 << depth, dtype=np.uint8)
            data = png(grey, 3, depth, interlaced, palette)
            add(f"png-palette-{depth}{tail}.png", data, 1, depth, **facts)
            alpha = rng.integers(0, 256, (1 << depth) * 3 // 4 + 1, dtype=np.uint8)
            data = png(grey, 3, depth, interlaced, palette, alpha)
            add(f"png-palette-{depth}-trns{tail}.png", data, 1, depth, **facts)
        rgb, rgba, ga = picture(23, 17), picture(23, 17, 4), picture(23, 17, 2)
        add(f"png-rgb{tail}.png", png(rgb, 2, 8, interlaced), 3, **facts)
        add(f"png-rgba{tail}.png", png(rgba, 6, 8, interlaced), 4, **facts)
        add(f"png-grey-alpha{tail}.png", png(ga, 4, 8, interlaced), 2, **facts)
        key = struct.pack(">HHH", *map(int, rgb[3, 4]))
        add(f"png-rgb-trns{tail}.png", png(rgb, 2, 8, interlaced, transparency=key), 3, **facts)
        grey = picture(19, 13, 1)
        key = struct.pack(">H", int(grey[2, 2, 0]))
        add(f"png-grey-8-trns{tail}.png", png(grey, 0, 8, interlaced, transparency=key), 1, **facts)
        for name, colour, channels in (("grey", 0, 1), ("grey-alpha", 4, 2), ("rgb", 2, 3), ("rgba", 6, 4)):
            wide = rng.integers(0, 65536, (9, 11, channels), dtype=np.uint16)
            data = png(wide, colour, 16, interlaced)
            add(f"png-{name}-16{tail}.png", data, channels, 16, expected=deep(wide), **facts)
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    add("png-all-16-bit-values.png", png(every, 0, 16), 1, 16, expected=deep(every))
    pairs = np.stack(np.meshgrid(np.arange(256), np.arange(256)), -1).astype(np.uint8)
    add("png-all-grey-alpha-pairs.png", png(pairs, 4, 8), 2)
    rgb = picture(14, 10)
    add("png-orientation.png", png(rgb, 2, 8, before=[(b"eXIf", exif(8, ">"))]), 3, orientation=8)
    add("png-orientation-late.png", png(rgb, 2, 8, after=[(b"eXIf", exif(3))]), 3, orientation=3)
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(5)
    add("png-orientation-xmp.png", png(rgb, 2, 8, before=[(b"iTXt", text)]), 3, orientation=5)
    odd = [(b"gAMA", struct.pack(">I", 20000)), (b"sRGB", b"\0"), (b"bKGD", b"\0\1\0\2\0\3"), (b"tEXt", b"a\0b")]
    add("png-gamma.png", png(rgb, 2, 8, before=odd), 3)
    short = png(picture(19, 13, 1) >> 4, 3, 4, palette=[200, 10, 30, 5, 250, 100, 9, 8, 7])
    add("png-palette-short.png", short, 1, 4)


def webps():
    rgb, rgba = Image.fromarray(picture(37, 29)), Image.fromarray(picture(31, 22, 4), "RGBA")
    add("webp-lossy.webp", saved(rgb, "WEBP", quality=80), 3)
    add("webp-lossless.webp", saved(rgb, "WEBP", lossless=True), 3)
    add("webp-lossy-alpha.webp", saved(rgba, "WEBP", quality=75), 4)
    add("webp-lossless-alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True), 4)
    add("webp-orientation.webp", saved(rgb, "WEBP", quality=60, exif=exif(7)), 3, orientation=7)
    add("webp-orientation-xmp.webp", saved(rgb, "WEBP", quality=60, xmp=xmp(2)), 3, orientation=2)
    frames = [Image.fromarray(picture(24, 20, 4), "RGBA") for _ in range(3)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=70)
    add("webp-animated.webp", data, 4)
    # Most of the first frame is transparent, so libwebp stores a smaller one at an offset.
    small = np.zeros((20, 24, 4), np.uint8)
    small[6:15, 8:20] = picture(12, 9, 4)
    data = saved(
        Image.fromarray(small, "RGBA"), "WEBP", save_all=True, append_images=frames[:1], lossless=True)
    add("webp-animated-offset.webp", data, 4)
    opaque = [Image.fromarray(picture(24, 20)) for _ in range(2)]
    data = saved(opaque[0], "WEBP", save_all=True, append_images=opaque[1:], quality=70)
    add("webp-animated-opaque.webp", data, 3)


def raw_gif(indices, width, height, palette):
    """A GIF of 3-bit indices with no compression and a global palette that may be short or absent."""
    bits = ""
    for i, value in enumerate(indices):
        bits += ("0001" if i % 6 == 0 else "") + format(value, "04b")[::-1]
    bits += format(9, "04b")[::-1]
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))
    flags = 0x80 | (len(palette) // 3).bit_length() - 2 if palette else 0
    screen = struct.pack("<HHBBB", width, height, flags, 0, 0) + bytes(palette)
    picture_header = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)
    return b"GIF89a" + screen + picture_header + b"\3" + bytes([len(data)]) + data + b"\0;"


def gifs():
    image = Image.fromarray(picture(30, 21)).quantize(40)
    add("gif.gif", saved(image, "GIF", interlace=0), 1)
    add("gif-interlaced.gif", saved(image, "GIF", interlace=1), 1, progressive=1)
    add("gif-transparent.gif", saved(image, "GIF", interlace=0, transparency=3), 1)
    add("gif-grey.gif", saved(Image.fromarray(picture(17, 12, 1)[:, :, 0]), "GIF", interlace=0), 1)
    others = [Image.fromarray(picture(30, 21)).quantize(20) for _ in range(2)]
    add("gif-animated.gif", saved(image, "GIF", save_all=True, append_images=others, interlace=0), 1)
    indices = [0, 1, 2, 3, 4, 5, 6, 7] * 2
    add("gif-palette-short.gif", raw_gif(indices, 4, 4, [200, 10, 30, 5, 250, 100]), 1)
    add("gif-palette-ramp.gif", raw_gif(indices, 4, 4, [0, 0, 0, 1, 1, 1]), 1)
    add("gif-palette-none.gif", raw_gif(indices, 4, 4, []), 1)
    for name, source in (("gif-offset.gif", "gif.gif"), ("gif-transparent-offset.gif", "gif-transparent.gif")):
        data = bytearray((HERE / source).read_bytes())
        data[6:10] = struct.pack("<HH", 35, 23)
        at = bytes(data).index(b"\x2c\0\0\0\0\x1e\0\x15\0")
        data[at + 1 : at + 5] = struct.pack("<HH", 4, 5)
        add(name, bytes(data), 1)


def thumbnail(image, size, fit, resample):
    """torchvision's Resize(size) and CenterCrop(size), or a plain resize."""
    if fit == "squash":
        return image.resize((size, size), resample)
    width, height = image.size
    if width <= height:
        target = (size, int(size * height / width))
    else:
        target = (int(size * width / height), size)
    resized = image.resize(target, resample)
    left, top = int(round((target[0] - size) / 2.0)), int(round((target[1] - size) / 2.0))
    return resized.crop((left, top, left + size, top + size))


def resampling():
    lines, blob = [], b""
    shapes = [(37, 29), (29, 37), (16, 16), (1, 40), (40, 1), (90, 31), (3, 5), (201, 7), (45, 44), (19, 120)]
    sources = []
    for width, height in shapes:
        name = f"source-{width}x{height}.png"
        image = Image.fromarray(picture(width, height))
        (HERE / name).write_bytes(saved(image, "PNG", optimize=True))
        sources.append((name, image))
    for name, image in sources:
        for fit in ("crop", "squash"):
            for filter_name, resample in FILTERS.items():
                for size in (1, 7, 10):
                    lines.append(f"{name} {fit} {filter_name} {size} {len(blob)}")
                    blob += thumbnail(image, size, fit, resample).tobytes()
    (HERE / "thumbnails.txt").write_text("\n".join(lines) + "\n")
    (HERE / "thumbnails.bin").write_bytes(blob)
    lines, blob = [], b""
    for name, image in (sources[0], sources[1], sources[-1]):
        for filter_name, resample in FILTERS.items():
            for size in ((5, 3), (image.width, 9), (11, image.height), (image.width, image.height), (41, 2)):
                lines.append(f"{name} {size[0]} {size[1]} {filter_name} {len(blob)}")
                blob += image.resize(size, resample).tobytes()
    (HERE / "resized.txt").write_text("\n".join(lines) + "\n")
    (HERE / "resized.bin").write_bytes(blob)


def captions():
    """Byte strings in hex and what Python's decode("utf-8", "replace") makes of them."""
    cases = [b"", b"plain", "caf\u00e9 \u4e2d\U0001f600".encode(), b"\xff", b"a\x80b", b"\xc0\xaf", b"\xed\xa0\x80"]
    cases += [b"\xf4\x90\x80\x80", b"\xe4\xb8", b"\xf0\x9f\x98", b"x\xf0\x9fy", b"\xe0\x80\x80", b"\xf8\x88\x80\x80\x80"]
    cases += [b"\xef\xbb\xbfbom", b"nul\0", b"\xc2", b"\xc2\xc2\xa9", b"\xf1\x80\x80\xe1\x80\xc2b\x80c"]
    cases += [bytes(rng.choice([0x20, 0x80, 0xBF, 0xC3, 0xE2, 0xF0, 0x9F, 0xED, 0xA0], 12).astype(np.uint8)) for _ in range(60)]
    lines = [f"{c.hex() or '-'} {c.decode('utf-8', 'replace').encode().hex() or '-'}" for c in cases]
    (HERE / "captions.txt").write_text("\n".join(lines) + "\n")


HERE.mkdir(exist_ok=True)
for old in HERE.iterdir():
    old.unlink()
jpegs()
pngs()
webps()
gifs()
resampling()
captions()
for name, data, channels, depth, orientation in chosen(rng):
    interlaced = name.endswith(".png") and data[28] == 1
    facts = dict(progressive=int(interlaced), scans=7 if interlaced else 1)
    add(name, data, channels, depth, orientation, **facts)
(HERE / "images.txt").write_text("\n".join(images) + "\n")
print(len(images), "images,", sum(p.stat().st_size for p in HERE.iterdir()) // 1000, "kB")

"""The picture of a file as design rule 7 wants it, by Pillow: upright, alpha over white, 16 bit as round(v / 257)."""
import io
import zlib

import numpy as np
from PIL import Image, ImageOps

FORMATS = {"JPEG": 1, "MPO": 1, "PNG": 2, "WEBP": 3, "GIF": 4}


def png_depth(data):
    return data[24] if data[:8] == b"\x89PNG\r\n\x1a\n" else 8


def sixteen_bit(data):
    """A 16-bit PNG as 8-bit RGBA, by unfiltering it here: Pillow clips or truncates these."""
    width, height, _, colour, _, _, interlace = (
        int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"), *data[24:29])
    assert interlace == 0
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    raw, at = b"", 8
    while at < len(data):
        length, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        if kind == b"IDAT":
            raw += data[at + 8:at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(raw)
    step, stride = channels * 2, width * channels * 2
    rows, above = [], bytearray(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a = row[i - step] if i >= step else 0
            b, c = above[i], above[i - step] if i >= step else 0
            if kind == 1:
                row[i] = (row[i] + a) & 255
            elif kind == 2:
                row[i] = (row[i] + b) & 255
            elif kind == 3:
                row[i] = (row[i] + (a + b) // 2) & 255
            elif kind == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                row[i] = (row[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
        rows.append(bytes(row))
        above = row
    values = np.frombuffer(b"".join(rows), ">u2").reshape(height, width, channels).astype(np.uint32)
    eight = ((values * 2 + 257) // 514).astype(np.uint8)
    if channels <= 2:
        grey = eight[:, :, :1].repeat(3, axis=2)
        eight = np.concatenate([grey, eight[:, :, 1:]], axis=2)
    if eight.shape[2] == 3:
        eight = np.concatenate([eight, np.full((height, width, 1), 255, np.uint8)], axis=2)
    return Image.fromarray(eight, "RGBA")


def over_white(image):
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def load(data):
    image = Image.open(io.BytesIO(data))
    stored, fmt = image.size, FORMATS[image.format]
    orientation = image.getexif().get(0x0112, 1)
    if png_depth(data) == 16:
        return over_white(sixteen_bit(data)), stored, fmt, orientation
    image = ImageOps.exif_transpose(image)
    if "A" in image.mode or image.mode == "P" or "transparency" in image.info:
        return over_white(image.convert("RGBA")), stored, fmt, orientation
    return image.convert("RGB"), stored, fmt, orientation

"""What Pillow makes of a file, by the contract's rule for pixels, as plain values."""
import io
import warnings

import numpy as np
import png
from PIL import Image, ImageOps, PngImagePlugin

# The whole corpus is to be opened, bombs apart: Tamis' own limit is a quarter GiB of RGB, as Pillow's warning.
warnings.simplefilter("ignore")


def over_white(image):
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def rgb(image):
    """Orientation, then palette and transparency through RGBA and over white."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("P", "PA", "LA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        return over_white(image.convert("RGBA"))
    return image.convert("RGB")


def pillow(data):
    """(format, mode, pixels or None, error text): pixels is an (h, w, 3) array."""
    kind = mode = None
    try:
        image = Image.open(io.BytesIO(data))
        kind, mode = image.format, image.mode
        pixels = np.asarray(rgb(image))
        return kind, mode, pixels, ""
    except Exception as error:  # every failure of Pillow is its verdict
        return kind, mode, None, f"{type(error).__name__}: {error}"


def is_deep_png(data):
    return data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:25] == b"\x10"


def deep_png(data):
    """The pixels of a 16-bit PNG by round(v / 257), from pypng's samples; alpha over white by Pillow."""
    width, height, rows, info = png.Reader(bytes=data).asRGBA()
    samples = np.array([np.frombuffer(bytes(np.asarray(row, "<u2")), "<u2") for row in rows])
    assert info["bitdepth"] == 16
    eight = np.round(samples / 257).astype(np.uint8).reshape(height, width, 4)
    turned = Image.fromarray(eight, "RGBA")
    orientation = Image.open(io.BytesIO(data)).getexif().get(0x0112)
    if orientation and orientation != 1:
        turned.getexif()[0x0112] = orientation
        turned = ImageOps.exif_transpose(turned)
    return np.asarray(over_white(turned))

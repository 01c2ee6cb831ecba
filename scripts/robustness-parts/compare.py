"""Holds what Tamis makes of a file against Pillow, and names the rule where they differ."""
import collections

from decoder import Crash
from oracle import deep_png, is_deep_png, pillow

DECODED = {"JPEG", "MPO", "PNG", "WEBP", "GIF"}
CODES = {"not_an_image", "unsupported", "pixel_limit", "cost_limit", "jpeg_warning", "truncated_image", "corrupt_image"}

RULES = {
    "same": "same pixels, bit for bit",
    "deep": "16 bit: ours is round(v / 257), held against pypng; Pillow cuts or clips",
    "both": "both reject",
    "format": "Pillow reads the format, Tamis does not: `unsupported`, or `not_an_image` where it has no magic number",
    "warning": "`on_warning: reject`: libjpeg repaired something. Under `keep` the pixels are Pillow's",
    "cut": "cut file: a PNG that ends inside a chunk is truncated",
    "crc": "a wrong CRC is corruption; Pillow does not check the CRC of pixel data",
    "more": "Pillow refuses metadata or frames that Tamis does not read; the first frame is whole",
    "wrong": "UNEXPLAINED",
}

Row = collections.namedtuple("Row", "corpus name rule pillow ours")


def equal(one, other):
    return one is not None and other is not None and one.shape == other.shape and (one == other).all()


def judge(path, decoder, keeping):
    """(rule, Pillow's result, ours)."""
    try:
        code, _, message, pixels = decoder(path)
    except Crash as crash:
        return "wrong", "", f"CRASH {crash}"
    data = path.read_bytes()
    kind, mode, wanted, error = pillow(data)
    theirs = f"{kind} {mode} {wanted.shape[1]} x {wanted.shape[0]}" if wanted is not None else error
    if code == "ok":
        ours = f"{pixels.shape[1]} x {pixels.shape[0]}"
        if wanted is None:
            return "more", theirs, ours
        if is_deep_png(data) and equal(pixels, deep_png(data)):
            return "deep", theirs, ours
        return ("same" if equal(pixels, wanted) else "wrong"), theirs, ours
    ours = f"{code}: {message}"
    if code not in CODES:
        return "wrong", theirs, ours
    if wanted is None:
        return "both", theirs, ours
    if kind not in DECODED:
        return ("format" if code in ("unsupported", "not_an_image") else "wrong"), f"{kind} {mode}", ours
    if code == "jpeg_warning":
        return ("warning" if equal(keeping(path)[3], wanted) else "wrong"), theirs, ours
    if code == "truncated_image" and kind == "PNG" and "ends inside a chunk" in message:
        return "cut", theirs, ours
    if code == "corrupt_image" and kind == "PNG" and message.endswith("CRC error"):
        return "crc", theirs, ours
    return "wrong", theirs, ours


def compare(files, decoder, keeping):
    return [Row(corpus, name, *judge(path, decoder, keeping)) for corpus, name, path in files]

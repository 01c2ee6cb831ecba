"""Captions and JSON that are not as they should be: makes a shard, and checks what was published from it.

captions.py make SHARD
captions.py check PUBLISHED_TAR keep|replace|drop     prints what is wrong, and the number of samples
"""
import io
import sys
import tarfile

import numpy as np
from PIL import Image

MOST = 1 << 20
CAPTIONS = [
    b"plain", b"", "caf\u00e9 \u4e2d\U0001f600".encode(), b"caf\xe9", b"\xed\xa0\x80 half a pair", b"cut \xe4\xb8",
    b"\xef\xbb\xbfwith a mark", b"with\0nul", b"a" * MOST, b"a" * (MOST - 1) + "\u00e9!".encode(), b"\xff" * 400_000,
]
JSON = [
    b'{"caption": NaN, "x": Infinity}', b'{"a": 1, "a": 2}', b'"\\ud800"', b"\xef\xbb\xbf{}", b"[" * 5000, b"not json \xff\0",
    b'{ "spaces" :  1.0e5 }\r\n', b"", b'{"sha256": "\\u0000"}', b"{" + b" " * 100_000 + b"}", b"null",
]


def is_faulty(caption):
    try:
        caption.decode()
    except UnicodeDecodeError:
        return True
    return b"\0" in caption or len(caption) > MOST


def repaired(caption):
    text = caption.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\0", "\ufffd")
    return text.encode()[:MOST].decode("utf-8", "ignore").encode()


def put(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


if sys.argv[1] == "make":
    rng = np.random.default_rng(1)
    with tarfile.open(sys.argv[2], "w", format=tarfile.USTAR_FORMAT) as tar:
        for i, (caption, text) in enumerate(zip(CAPTIONS, JSON)):
            out = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(out, "PNG")
            put(tar, f"{i:04}.png", out.getvalue())
            put(tar, f"{i:04}.txt", caption)
            put(tar, f"{i:04}.json", text)
else:
    policy = sys.argv[3]
    with tarfile.open(sys.argv[2]) as tar:
        found = {m.name: tar.extractfile(m).read() for m in tar}
    samples = 0
    for i, (caption, text) in enumerate(zip(CAPTIONS, JSON)):
        if policy == "drop" and is_faulty(caption):
            if f"{i:04}.png" in found:
                print(f"{i:04} was not dropped")
            continue
        samples += 1
        wanted = repaired(caption) if policy == "replace" else caption
        if found.get(f"{i:04}.txt") != wanted:
            print(f"{i:04}.txt: {found.get(f'{i:04}.txt', b'missing')[:40]!r}, wanted {wanted[:40]!r}")
        if found.get(f"{i:04}.json") != text:
            print(f"{i:04}.json differs")
    print(samples, "samples")

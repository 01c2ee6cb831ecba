"""Image files with odd metadata and codes, which encoders do not write and Pillow reads in its own way."""
import io
import struct
import zlib

import numpy as np
from PIL import Image

from pngfile import chunk, png


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def tiff(entries, endian="<", directory=8, tail=b"", magic=None):
    """A TIFF structure of (tag, type, count, 4 bytes of value) entries; `tail` stands behind the directory."""
    head = (magic or (b"II*\0" if endian == "<" else b"MM\0*")) + struct.pack(endian + "I", directory)
    body = struct.pack(endian + "H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack(endian + "HHI", tag, kind, count) + value
    return head.ljust(directory, b"\0") + body + b"\0\0\0\0" + tail


def short(value, endian="<"):
    return struct.pack(endian + "HH", value, 0)


def with_segments(jpeg, *bodies):
    """The JPEG with APP1 segments in front."""
    parts = b"".join(b"\xff\xe1" + struct.pack(">H", len(b) + 2) + b for b in bodies)
    return jpeg[:2] + parts + jpeg[2:]


def raw_profile(exif):
    text = (b"Exif\0\0" + exif).hex().encode()
    lines = b"\n".join(text[i : i + 72] for i in range(0, len(text), 72))
    return b"\nexif\n%8d\n" % (len(exif) + 6) + lines + b"\n"


def xmp(orientation):
    return f'<x:xmpmeta><rdf:Description tiff:Orientation="{orientation}"/></x:xmpmeta>'.encode()


def wide_gif(indices, width, height, palette, code_size, interlace=0):
    """A GIF whose LZW codes start at code_size + 1 bits."""
    clear = 1 << code_size
    bits = count = 0
    out = bytearray()

    def put(code, size):
        nonlocal bits, count
        bits |= code << count
        count += size
        while count >= 8:
            out.append(bits & 255)
            bits >>= 8
            count -= 8

    size, table, string = code_size + 1, {}, ()
    put(clear, size)
    for value in indices:
        longer = string + (int(value),)
        if len(longer) == 1 or longer in table:
            string = longer
            continue
        put(table[string] if len(string) > 1 else string[0], size)
        following = clear + 2 + len(table)
        if following == 4095:
            put(clear, size)
            size, table = code_size + 1, {}
        else:
            table[longer] = following
            if following == 1 << size and size < 12:
                size += 1
        string = (int(value),)
    put(table[string] if len(string) > 1 else string[0], size)
    put(clear + 1, size)
    out.append(bits & 255)
    screen = struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + bytes(palette)
    picture = b"," + struct.pack("<HHHHB", 0, 0, width, height, interlace)
    blocks = b"".join(bytes([len(out[i : i + 255])]) + bytes(out[i : i + 255]) for i in range(0, len(out), 255))
    return b"GIF89a" + screen + picture + bytes([code_size]) + blocks + b"\0;"


class Bits:
    """A stream of bits, low ones first."""

    def __init__(self):
        self.value = []

    def put(self, number, width):
        self.value.append((number, width))

    def bytes(self):
        out, held, count = bytearray(), 0, 0
        for number, width in self.value:
            held |= number << count
            count += width
            while count >= 8:
                out.append(held & 255)
                held >>= 8
                count -= 8
        return bytes(out + bytes([held & 255]))


def vp8l_groups(side, groups, cache_bits=0):
    """A valid lossless stream, black, that asks for `groups` groups of prefix codes, one for each 4 x 4 block."""
    bits = Bits()
    put = bits.put

    def simple(symbol=0):
        put(1, 1), put(0, 1), put(0, 1), put(symbol, 1)

    def bytewise(symbols):
        """A complete code of 8 bits for each of 256 symbols."""
        put(0, 1), put(19 - 4, 4)
        for symbol in [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]:
            put(1 if symbol in (8, 0) else 0, 3)
        put(0, 1)
        for symbol in range(symbols):  # code of length 0 is bit 0, of length 8 bit 1
            put(1 if symbol < 256 else 0, 1)

    reverse = [int(format(i, "08b")[::-1], 2) for i in range(256)]
    put(0, 1)  # no transform
    put(1 if cache_bits else 0, 1)
    if cache_bits:
        put(cache_bits, 4)
    put(1, 1), put(0, 3)  # blocks of 4 x 4
    blocks = (-(-side // 4)) ** 2
    put(0, 1)  # the small image has no cache
    bytewise(280), bytewise(256), simple(), simple(), simple()
    for i in range(blocks):
        number = min(i, groups - 1)
        put(reverse[number & 255], 8), put(reverse[number >> 8], 8)
    for _ in range(groups):
        for _ in range(5):
            simple()
    return bits.bytes()


def riff(chunks):
    body = b"WEBP" + b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8l(side, stream):
    return b"\x2f" + struct.pack("<I", (side - 1) | (side - 1) << 14) + stream


def chosen(rng):
    """(name, bytes, channels, depth, orientation) of the files that are goldens."""
    rgb = Image.fromarray(rng.integers(0, 256, (10, 14, 3), dtype=np.uint8))
    pixels = np.asarray(rgb)
    jpeg = saved(rgb, "JPEG", quality=85)
    first = tiff([(0x0112, 3, 1, short(6)), (0x0112, 3, 1, short(3))])
    yield "jpeg-exif-two-tags.jpg", with_segments(jpeg, b"Exif\0\0" + first), 3, 8, 6
    split = tiff([(0x0112, 3, 1, short(8))], directory=200)
    parts = b"Exif\0\0" + split[:150], b"Exif\0\0" + split[150:]
    yield "jpeg-exif-two-segments.jpg", with_segments(jpeg, *parts), 3, 8, 8
    beyond = tiff([(0x010F, 2, 40, struct.pack("<I", 60)), (0x0112, 3, 1, short(6))], tail=bytes(30))
    yield "jpeg-exif-cut-value.jpg", with_segments(jpeg, b"Exif\0\0" + beyond), 3, 8, 1
    huge = tiff([(0x010F, 2, 1 << 30, struct.pack("<I", 8)), (0x0112, 3, 1, short(6))])
    yield "jpeg-exif-huge-value.jpg", with_segments(jpeg, b"Exif\0\0" + huge), 3, 8, 6
    number = tiff([(0x0112, 5, 1, struct.pack("<I", 40))], tail=bytes(14) + struct.pack("<II", 10, 2), directory=8)
    yield "jpeg-exif-rational.jpg", with_segments(jpeg, b"Exif\0\0" + number), 3, 8, 5
    eight = tiff([(0x0112, 3, 1, short(7, ">"))], ">")
    for name in (b"tEXt", b"zTXt", b"iTXt"):
        text = raw_profile(eight)
        body = {b"tEXt": text, b"zTXt": b"\0" + zlib.compress(text), b"iTXt": b"\1\0en\0x\0" + zlib.compress(text)}
        made = [(name, b"Raw profile type exif\0" + body[name])]
        yield f"png-orientation-raw-{name.decode().lower()}.png", png(pixels, 2, 8, before=made), 3, 8, 7
    packed = [(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp(4)))]
    yield "png-orientation-xmp-deflated.png", png(pixels, 2, 8, after=packed), 3, 8, 4
    for depth, keys in ((1, (0, 2)), (2, (2, 85)), (4, (5, 34, 256))):
        grey = rng.integers(0, 1 << depth, (9, 13, 1), dtype=np.uint8)
        for key in keys:
            data = png(grey, 0, depth, key % 2 == 1, transparency=struct.pack(">H", key))
            yield f"png-grey-{depth}-trns-{key}.png", data, 1, depth, 1
    palette = rng.integers(0, 256, 768, dtype=np.uint8)
    runs = np.repeat(rng.integers(0, 256, 400), rng.integers(1, 12, 400))[:1200]
    for size in (9, 11):
        yield f"gif-code-size-{size}.gif", wide_gif(runs, 40, 30, palette, size), 1, 8, 1
    stream = vp8l_groups(64, 200)
    yield "webp-code-groups.webp", riff([(b"VP8L", vp8l(64, stream))]), 3, 8, 1


def random_exif(rng):
    """A TIFF structure that is mostly sound."""
    endian = "<>"[rng.integers(2)]
    entries = []
    for _ in range(rng.integers(1, 6)):
        tag = int(rng.choice([0x0112, 0x0112, 0x010F, 0x0110, 0x0128]))
        kind = int(rng.choice([1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 0, 99]))
        count = int(rng.choice([1, 1, 1, 1, 0, 2, 3, 7, 300, 1 << 31]))
        low = int(rng.integers(0, 10))
        value = [short(low, endian), struct.pack(endian + "I", low), struct.pack(endian + "I", int(rng.integers(0, 160))),
                 struct.pack(endian + "f", low), bytes([low, 0, 0, 0])][rng.integers(5)]
        entries.append((tag, kind, count, value))
    tail = b"".join(struct.pack(endian + "I", int(rng.integers(0, 9))) for _ in range(rng.integers(0, 12)))
    magic = None
    if rng.integers(12) == 0:
        magic = {"<": b"II\0*", ">": b"MM*\0"}[endian]
    data = tiff(entries, endian, int(rng.choice([8, 8, 8, 14, 60])), tail, magic)
    return data[: int(rng.integers(10, len(data)))] if rng.integers(8) == 0 else data


def crafted(count, seed=7):
    """(name, bytes) of `count` random files and the chosen ones."""
    rng = np.random.default_rng(seed)
    for name, data, *_ in chosen(rng):
        yield name, data
    rgb = Image.fromarray(rng.integers(0, 256, (10, 14, 3), dtype=np.uint8))
    jpeg = saved(rgb, "JPEG", quality=85)
    webp = saved(rgb, "WEBP", lossless=True)
    stream = webp[12:]
    for i in range(count):
        exif = random_exif(rng)
        packet = xmp(int(rng.integers(0, 10))) if rng.integers(3) else b"<x/>"
        way = int(rng.integers(6))
        if way == 0:
            cuts = sorted(int(c) for c in rng.integers(0, len(exif), rng.integers(0, 3)))
            parts = [b"Exif\0\0" + exif[a:b] for a, b in zip([0] + cuts, cuts + [len(exif)])]
            if rng.integers(2):
                parts.insert(int(rng.integers(len(parts) + 1)), b"http://ns.adobe.com/xap/1.0/\0" + packet)
            yield f"exif-{i}.jpg", with_segments(jpeg, *parts)
        elif way == 1:
            flags = int(rng.choice([0x0C, 0x08, 0x04, 0x0C]))
            chunks = b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0, 13, 0, 0, 9, 0, 0]) + stream
            for name, body in ((b"EXIF", exif), (b"XMP ", packet), (b"EXIF", random_exif(rng))):
                chunks += name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
            yield f"exif-{i}.webp", b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
        else:
            made = []
            if way != 2:
                made.append((b"eXIf", (b"Exif\0\0" if rng.integers(4) == 0 else b"") + exif))
            if rng.integers(2):
                made.append((b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(random_exif(rng)))))
            if rng.integers(2):
                flag = int(rng.integers(2))
                body = zlib.compress(packet) if flag else packet
                made.append((b"iTXt", b"XML:com.adobe.xmp\0" + bytes([flag, 0]) + b"\0\0" + body))
            cut = int(rng.integers(len(made) + 1))
            yield f"exif-{i}.png", png(np.asarray(rgb), 2, 8, before=made[:cut], after=made[cut:])
    for i in range(count // 4):
        depth = int(rng.choice([1, 2, 4, 8]))
        grey = rng.integers(0, 1 << depth, (8, 11, 1), dtype=np.uint8)
        key = struct.pack(">H", int(rng.choice([0, 1, 2, 3, 5, 15, 17, 34, 85, 170, 255, 256, 257, 341, 65535])))
        yield f"key-{i}.png", png(grey, 0, depth, bool(rng.integers(2)), transparency=key)
        size = int(rng.choice([9, 10, 11]))
        runs = np.repeat(rng.integers(0, 256, 400), rng.integers(1, 12, 400))[:1200]
        yield f"codes-{i}.gif", wide_gif(runs, 40, 30, rng.integers(0, 256, 768, dtype=np.uint8), size)

"""Writes files that cost far more than they weigh, each with the answers that are right for it."""
import gzip
import io
import pathlib
import struct
import sys
import tarfile
import zlib

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/DecodeTests/oracle"))
from oddfiles import riff, saved, vp8l, vp8l_groups  # noqa: E402
from pngfile import chunk  # noqa: E402

SHARD_CODES = {
    "truncated_shard", "bad_header", "bad_name", "duplicate_key", "interleaved_key", "sparse_member", "member_too_large",
    "no_image", "truncated_image", "corrupt_image", "not_an_image"}
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def zeros(count):
    """A zlib stream of `count` zero bytes, made piece by piece."""
    packer = zlib.compressobj(9)
    piece = bytes(1 << 20)
    parts = [packer.compress(piece) for _ in range(count >> 20)]
    parts.append(packer.compress(bytes(count & (1 << 20) - 1)))
    return b"".join(parts) + packer.flush()


def blank_png(width, height, depth=1, colour=0, interlace=0, before=b"", extra=0):
    """A PNG of zeros; `extra` zero bytes follow in its pixel stream."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = (width * channels * depth + 7) // 8
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    count = height * (row + 1)
    if interlace:
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        count = 0
        for x, y, dx, dy in passes:
            across, down = -(-(width - x) // dx), -(-(height - y) // dy)
            if across > 0 and down > 0:
                count += down * ((across * channels * depth + 7) // 8 + 1)
    data = chunk(b"IDAT", zeros(count + extra))
    return SIGNATURE + chunk(b"IHDR", header) + before + data + chunk(b"IEND", b"")


def small():
    y, x = np.mgrid[0:48, 0:64]
    return Image.fromarray(np.stack([x * 4, y * 5, (x + y) * 2], -1).astype(np.uint8))


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def resized_jpeg(data, width, height):
    """The same JPEG with another size in its frame header."""
    at = next(i for i in range(len(data)) if data[i] == 0xFF and data[i + 1] in (0xC0, 0xC2))
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def repeated_scans(count):
    """A progressive JPEG whose last scan comes `count` times more."""
    data = saved(small(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:-2] + data[at:-2] * count + b"\xff\xd9"


def u24(value):
    return struct.pack("<I", value)[:3]


def frame(side, chunks):
    parts = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for name, data in chunks)
    return u24(0) * 2 + u24(side - 1) * 2 + u24(100) + b"\0" + parts


def animation(side, frames):
    extended = (b"VP8X", bytes([0x02, 0, 0, 0]) + u24(side - 1) * 2)
    return riff([extended, (b"ANIM", b"\0" * 6)] + [(b"ANMF", f) for f in frames])


def lossy_with_alpha(side, stream):
    """A lossy picture whose alpha plane is the lossless stream."""
    still = saved(Image.new("RGB", (side, side), (10, 20, 30)), "WEBP", quality=10)
    at = still.index(b"VP8 ")
    size = struct.unpack("<I", still[at + 4 : at + 8])[0]
    extended = (b"VP8X", bytes([0x10, 0, 0, 0]) + u24(side - 1) * 2)
    return riff([extended, (b"ALPH", b"\x01" + stream), (b"VP8 ", still[at + 8 : at + 8 + size])])


def gif_blocks(width, height, code_size, data):
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return b"GIF89a" + screen + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + bytes([code_size]) + blocks + b"\0;"


def gif_bomb(width, height):
    """Runs that grow: the shortest LZW for a picture of one colour."""
    bits, count, held, size = 0, 0, bytearray(), 3
    left, length, following = width * height, 1, 6

    def put(code):
        nonlocal bits, count
        bits |= code << count
        count += size
        while count >= 8:
            held.append(bits & 255)
            bits >>= 8
            count -= 8

    put(4), put(0)
    left -= 1
    while left > 0:
        put(following)
        length += 1
        left -= length
        following += 1
        if following == 4095:
            put(4)
            size, following, length = 3, 6, 1
            put(0)
            left -= 1
        elif following - 1 == (1 << size) - 1 and size < 12:
            size += 1
    put(5)
    held.append(bits & 255)
    return gif_blocks(width, height, 2, bytes(held))


def entries(count):
    """EXIF with `count` entries, each claiming 4 GiB of values."""
    body = struct.pack(">H", min(count, 65535)) + struct.pack(">HHII", 0x010F, 2, 0xFFFFFFFF, 8) * count
    return b"MM\0*" + struct.pack(">I", 8) + body


def images(short):
    """(name, bytes, codes that are right): `ok` stands for an image."""
    still = small()
    jpeg = saved(still, "JPEG", quality=90)
    progressive = saved(still, "JPEG", progressive=True)
    text = zeros(8 << 20)
    flood = 20_000 if short else 300_000
    yield "png-20000-square.png", blank_png(20_000, 20_000), {"pixel_limit"}
    yield "png-side-70000.png", blank_png(70_000, 2), {"pixel_limit"}
    ztxt = chunk(b"zTXt", b"Comment\0\0" + text) * 100
    yield "png-100-ztxt-of-8-mb.png", blank_png(64, 64, before=ztxt), {"ok"}
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros(64 << 20)) * 50
    yield "png-50-itxt-xmp-of-64-mb.png", blank_png(64, 64, before=xmp), {"ok"}
    raw = chunk(b"zTXt", b"Raw profile type exif\0\0" + zeros(64 << 20)) * 50
    yield "png-50-raw-profiles-of-64-mb.png", blank_png(64, 64, before=raw), {"ok"}
    yield "png-iccp-of-64-mb.png", blank_png(64, 64, before=chunk(b"iCCP", b"x\0\0" + zeros(64 << 20))), {"ok"}
    yield "png-exif-65535-tags.png", blank_png(8, 8, before=chunk(b"eXIf", entries(65_535))), {"ok"}
    yield "png-text-flood.png", blank_png(8, 8, before=chunk(b"tEXt", b"a\0b") * flood), {"ok"}
    yield "png-idat-flood.png", blank_png(8, 8).replace(chunk(b"IEND", b""), chunk(b"IDAT", b"") * flood + chunk(b"IEND", b"")), {"ok", "corrupt_image"}
    more = (256 if short else 4096) << 20
    yield "png-pixels-behind-the-pixels.png", blank_png(8, 8, extra=more), {"cost_limit"}
    yield "png-interlaced-9400.png", blank_png(9400, 9400, depth=1, interlace=1), {"ok", "pixel_limit"}
    yield "png-interlaced-rgba16-9400.png", blank_png(9400, 9400, 16, 6, 1)[:200_000], {"pixel_limit", "truncated_image"}
    yield "png-rgba16-4000.png", blank_png(4000, 4000, 16, 6), {"ok"}
    for scans in (400, 3000):
        yield f"jpeg-{scans}-scans.jpg", repeated_scans(scans), {"ok", "jpeg_warning"} if scans < 500 else {"cost_limit"}
    yield "jpeg-65500-square.jpg", resized_jpeg(jpeg, 65_500, 65_500), {"pixel_limit"}
    yield "jpeg-side-65501.jpg", resized_jpeg(jpeg, 65_501, 1), {"pixel_limit"}
    yield "jpeg-9400-square.jpg", resized_jpeg(jpeg, 9400, 9400), {"truncated_image", "jpeg_warning", "pixel_limit"}
    big = resized_jpeg(progressive, 9400, 9400)
    yield "jpeg-progressive-9400-square.jpg", big, {"truncated_image", "jpeg_warning", "pixel_limit"}
    application = segment(0xE1, b"Exif\0\0" + bytes(65_000))
    yield "jpeg-500-app1.jpg", jpeg[:2] + application * 500 + jpeg[2:], {"ok"}
    continued = segment(0xE1, b"Exif\0\0" + entries(5_000)[:60_000])
    yield "jpeg-exif-of-5000-tags.jpg", jpeg[:2] + continued * 40 + jpeg[2:], {"ok"}
    yield "jpeg-500-comments.jpg", jpeg[:2] + segment(0xFE, bytes(65_000)) * 500 + jpeg[2:], {"ok"}
    yield "jpeg-icc-of-16-mb.jpg", jpeg[:2] + segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(65_000)) * 255 + jpeg[2:], {"ok"}
    yield "jpeg-fill-bytes.jpg", jpeg[:-2] + b"\xff" * (16 << 20) + b"\xd9", {"ok", "jpeg_warning"}
    yield "gif-65535-square.gif", gif_blocks(65_535, 65_535, 2, b"\x04"), {"pixel_limit"}
    yield "gif-9000-square-of-runs.gif", gif_bomb(9000, 9000), {"ok", "pixel_limit"}
    one = saved(still.quantize(8), "GIF")
    picture = one[one.index(b",", 13 + 3 * 8) : -1]
    yield "gif-frame-flood.gif", one[:-1] + picture * (flood // 10) + b";", {"ok"}
    yield "gif-extension-flood.gif", one[:37] + b"!\xfe\1a\0" * flood + one[37:], {"ok", "corrupt_image"}
    webp = saved(still, "WEBP", lossless=True)
    body = webp[webp.index(b"VP8L") + 8 :]
    tiny = [(b"VP8L", vp8l(8, vp8l_groups(8, 1)))]
    yield "webp-frame-flood.webp", animation(8, [frame(8, tiny)] * (flood // 4)), {"ok"}
    flooded = animation(8, [frame(8, tiny)])
    flooded += b"zzzz\0\0\0\0" * flood
    flooded = flooded[:4] + struct.pack("<I", len(flooded) - 8) + flooded[8:]
    yield "webp-empty-chunk-flood.webp", flooded, {"ok"}
    nested = frame(1024, [(b"VP8L", vp8l(1024, vp8l_groups(1024, 65_536)))])
    for _ in range(3000):
        nested = frame(1024, [(b"ANMF", nested)])
    yield "webp-nested-frames.webp", animation(1024, [nested]), {"ok", "corrupt_image"}
    yield "webp-riff-too-long.webp", webp[:4] + struct.pack("<I", 0x7FFFFFF0) + webp[8:], {"truncated_image"}
    yield "webp-chunk-too-long.webp", webp[:16] + struct.pack("<I", 0xFFFFFFF0) + webp[20:], {"corrupt_image", "truncated_image"}
    yield "webp-chunk-too-short.webp", webp[:16] + struct.pack("<I", len(body) // 2) + webp[20:], {"ok", "corrupt_image", "truncated_image"}
    yield "webp-16383-square.webp", riff([(b"VP8L", vp8l(16_383, vp8l_groups(8, 1)))]), {"pixel_limit"}
    for side, groups, cache in ((1024, 65_536, 0), (1024, 65_536, 11), (512, 16_384, 0), (256, 900, 11)):
        stream = vp8l_groups(side, groups, cache)
        codes = {"ok", "pixel_limit"}
        name = f"webp-{groups}-code-groups-cache-{cache}"
        yield f"{name}.webp", riff([(b"VP8L", vp8l(side, stream))]), codes
        yield f"{name}-alpha.webp", lossy_with_alpha(side, stream), codes
        yield f"{name}-frame.webp", animation(side, [frame(side, [(b"VP8L", vp8l(side, stream))])]), codes


def header(name, size, kind=b"0", magic=b"ustar\x0000"):
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136] = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    block[136:148], block[148:156], block[156:157] = b"00000000000\0", b" " * 8, kind
    block[257:265] = magic
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def member(name, data, kind=b"0"):
    return header(name, len(data), kind) + data + bytes(-len(data) % 512)


def zstd_frame(window_log, blocks):
    """A frame of run-length blocks: each is 4 bytes and gives 128 KiB."""
    descriptor = bytes([(window_log - 10) << 3])
    out = [b"\x28\xb5\x2f\xfd", b"\x00", descriptor]
    for i in range(blocks):
        out.append(struct.pack("<I", (128 << 10) << 3 | 1 << 1 | int(i == blocks - 1))[:3] + b"\0")
    return b"".join(out)


def shards(short):
    """(name, bytes, exit codes that are right, reject codes of which one must show or None)."""
    jpeg = saved(small(), "JPEG")
    good = member(b"a.jpg", jpeg)
    end = bytes(1024)
    gigabytes = 1 if short else 16
    faults = {"bad_header", "truncated_shard"}
    yield "zstd-window-2-gib.tar.zst", zstd_frame(31, 4), {65}, {"member_too_large"}
    yield "zstd-ratio-30000.tar.zst", zstd_frame(20, gigabytes << 13), {0, 65}, None
    yield "gzip-ratio-1000.tar.gz", gzip.compress(good) + zeros_gzip(gigabytes << 30), {0, 65}, None
    yield "member-of-200-gib.tar", header(b"a.jpg", 200 << 30) + bytes(4096), {65}, {"member_too_large", "truncated_shard"}
    yield "member-of-2-63.tar", header(b"a.jpg", 2**63 + 5) + end, {65}, {"bad_header", "member_too_large"}
    yield "zstd-member-of-200-mib.tar.zst", long_member(), {0, 65}, None
    sparse = io.BytesIO()
    with tarfile.open(fileobj=sparse, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a.jpg")
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(300 << 30)}
        data = b"1\n0\n0\n".ljust(512, b"\0")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    yield "sparse-pax-300-gib.tar", sparse.getvalue(), {0}, {"sparse_member"}
    yield "sparse-gnu.tar", member(b"a.jpg", bytes(512), b"S") + end, {0}, {"sparse_member"}
    yield "pax-of-200-kb.tar", member(b"p", b"x" * 200_000, b"x") + good + end, {65}, {"bad_header"}
    yield "long-name-of-4-gib.tar", header(b"n", 4 << 30, b"L") + good + end, {65}, {"bad_header", "truncated_shard"}
    yield "extended-headers-in-a-row.tar", member(b"p", b"13 comment=x\n", b"x") * 5000 + good + end, {65}, {"bad_header"}
    count = 20_000 if short else 200_000
    fields = b"".join(header(b"a.%d" % i, 0) for i in range(count))
    yield "sample-of-many-fields.tar", fields + good + end, {0}, {"member_too_large"}
    yield "many-empty-members.tar", b"".join(header(b"k%d.txt" % i, 0) for i in range(count)) + end, {0}, {"no_image"}


def zeros_gzip(count):
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(1 << 20)
    return b"".join([packer.compress(piece) for _ in range(count >> 20)]) + packer.flush()


def long_member():
    """A tar of one 200 MiB member of zeros in a few kilobytes of zstd."""
    size = 200 << 20
    out = [b"\x28\xb5\x2f\xfd", b"\x00", bytes([(20 - 10) << 3])]
    first = header(b"a.jpg", size)
    out.append(struct.pack("<I", len(first) << 3)[:3] + first)
    blocks = (size + 1024) // (128 << 10) + 1
    for i in range(blocks):
        out.append(struct.pack("<I", (128 << 10) << 3 | 1 << 1 | int(i == blocks - 1))[:3] + b"\0")
    return b"".join(out)


def write(folder, short):
    """Writes all bombs; returns ([(path, codes)], [(path, exits, codes)])."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures, tars = [], []
    for name, data, codes in images(short):
        (folder / name).write_bytes(data)
        pictures.append((folder / name, codes))
    for name, data, exits, codes in shards(short):
        (folder / name).write_bytes(data)
        tars.append((folder / name, exits, codes))
    return pictures, tars

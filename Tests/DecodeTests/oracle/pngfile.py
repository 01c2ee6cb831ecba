"""Writes PNG files that Pillow cannot: any depth, palettes, tRNS, Adam7, extra chunks."""
import struct
import zlib

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def packed_rows(samples, depth):
    """Rows of `samples` (h, w, channels) as PNG stores them, rows with filters None, Sub and Up."""
    out = b""
    before = None
    for y, row in enumerate(samples):
        flat = row.reshape(-1)
        if depth == 16:
            raw = flat.astype(">u2").tobytes()
        elif depth == 8:
            raw = flat.astype("u1").tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in flat)
            bits += "0" * (-len(bits) % 8)
            raw = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        step = max(1, row.shape[-1] * depth // 8)
        kind = 1 if y % 4 == 1 or len(samples) > 99 else 2 if y % 4 == 2 and before is not None else 0
        if kind == 1:
            line = bytes((v - (raw[i - step] if i >= step else 0)) & 255 for i, v in enumerate(raw))
        elif kind == 2:
            line = bytes((a - b) & 255 for a, b in zip(raw, before))
        else:
            line = raw
        out += bytes([kind]) + line
        before = raw
    return out


def png(samples, colour, depth, interlaced=False, palette=None, transparency=None, before=(), after=()):
    """The file; `samples` is (h, w, channels), `before` and `after` are chunks around the pixels."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    if interlaced:
        passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        data = b"".join(packed_rows(p, depth) for p in passes if p.shape[0] and p.shape[1])
    else:
        data = packed_rows(samples, depth)
    body = [chunk(b"IHDR", header)]
    if palette is not None:
        body.append(chunk(b"PLTE", bytes(palette)))
    if transparency is not None:
        body.append(chunk(b"tRNS", bytes(transparency)))
    body += [chunk(name, content) for name, content in before]
    body.append(chunk(b"IDAT", zlib.compress(data, 9)))
    body += [chunk(name, content) for name, content in after]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body) + chunk(b"IEND", b"")

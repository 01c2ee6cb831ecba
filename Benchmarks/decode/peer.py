"""One process of a peer of `make bench-decode`; speaks the protocol of DecodeWorker.

    peer.py opencv|pillow TAR

Modes, answered with "wall-ns cpu-ns": `area`, `linear`, `reduced` (OpenCV), `bicubic`, `draft` (Pillow), each
followed by the thumbnail's side; `published` brings the shorter side to it and encodes as JPEG of quality 95, OpenCV
as img2dataset does (INTER_AREA), Pillow by BICUBIC. `write torchvision SIZE FILE` writes what Resize + CenterCrop make of Pillow
images. Every mode is the quickest spelling known to us: RGB straight from the decoder, and the middle square
is cut before it is resized, so that only wanted pixels are computed.
"""

import io
import sys
import tarfile
import time

library, path = sys.argv[1:3]
with tarfile.open(path) as shard:
    images = [shard.extractfile(member).read() for member in shard]


def middle(width: int, height: int) -> tuple[int, int, int, int]:
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


if library == "opencv":
    import cv2
    import numpy

    cv2.setNumThreads(1)

    def decode(encoded: bytes, flag: int):
        pixels = cv2.imdecode(numpy.frombuffer(encoded, numpy.uint8), flag)
        left, top, right, bottom = middle(pixels.shape[1], pixels.shape[0])
        return pixels[top:bottom, left:right]

    def area(encoded: bytes, size: int):
        return cv2.resize(decode(encoded, cv2.IMREAD_COLOR_RGB), (size, size), interpolation=cv2.INTER_AREA)

    def linear(encoded: bytes, size: int):
        return cv2.resize(decode(encoded, cv2.IMREAD_COLOR_RGB), (size, size), interpolation=cv2.INTER_LINEAR)

    SOF = {0xC0, 0xC1, 0xC2}

    def shorter_side(encoded: bytes) -> int:
        at = 2
        while encoded[at + 1] not in SOF:
            at += 2 + int.from_bytes(encoded[at + 2 : at + 4])
        return min(int.from_bytes(encoded[at + 5 : at + 7]), int.from_bytes(encoded[at + 7 : at + 9]))

    REDUCED = {1: cv2.IMREAD_COLOR_RGB, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
               8: cv2.IMREAD_REDUCED_COLOR_8}

    def reduced(encoded: bytes, size: int):
        """OpenCV's own DCT scaling, to the smallest size that is large enough; BGR where it is used."""
        side = shorter_side(encoded)
        divisor = max(d for d in REDUCED if d == 1 or -(-side // d) >= size)
        return cv2.resize(decode(encoded, REDUCED[divisor]), (size, size), interpolation=cv2.INTER_AREA)

    def published(encoded: bytes, size: int):
        pixels = cv2.imdecode(numpy.frombuffer(encoded, numpy.uint8), cv2.IMREAD_UNCHANGED)
        height, width = pixels.shape[:2]
        scale = size / min(width, height)
        resized = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, 95])

    modes = {"area": area, "linear": linear, "reduced": reduced, "published": published}
else:
    from PIL import Image

    def rgb(encoded: bytes):
        image = Image.open(io.BytesIO(encoded))
        return image if image.mode == "RGB" else image.convert("RGB")

    def bicubic(encoded: bytes, size: int):
        image = rgb(encoded)
        return image.resize((size, size), Image.Resampling.BICUBIC, box=middle(*image.size))

    def draft(encoded: bytes, size: int):
        image = Image.open(io.BytesIO(encoded))
        image.draft("RGB", (size, size))
        return image.resize((size, size), Image.Resampling.BICUBIC, box=middle(*image.size))

    def torchvision(encoded: bytes, size: int) -> bytes:
        image = rgb(encoded)
        shorter = min(image.size)
        image = image.resize([int(size * side / shorter) for side in image.size], Image.Resampling.BICUBIC)
        left, top = (int(round((side - size) / 2.0)) for side in image.size)
        return image.crop((left, top, left + size, top + size)).tobytes()

    def published(encoded: bytes, size: int):
        image = rgb(encoded)
        scale = size / min(image.size)
        image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
        image.save(io.BytesIO(), "JPEG", quality=95)

    modes = {"bicubic": bicubic, "draft": draft, "published": published}

print("ready", len(images), flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "write":
        with open(words[3], "wb") as file:
            for encoded in images:
                file.write(torchvision(encoded, int(words[2])))
        print("written", flush=True)
        continue
    make, size = modes[words[0]], int(words[1])
    wall, cpu = time.monotonic_ns(), time.process_time_ns()
    for encoded in images:
        make(encoded, size)
    print(time.monotonic_ns() - wall, time.process_time_ns() - cpu, flush=True)

"""Writes one shard of JPEG + JSON + caption samples of a given size: make_shards.py OUT SAMPLES BYTES_PER_SAMPLE.

The pictures are a valid small JPEG followed by random bytes, as nothing here decodes them: what is measured is moving
bytes that do not compress.
"""
import io
import json
import random
import sys
import tarfile

from PIL import Image

path, samples, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(size)
picture = io.BytesIO()
Image.new("RGB", (64, 64), (90, 120, 60)).save(picture, "JPEG")
with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
    for index in range(samples):
        key = f"{index:09d}"
        fields = {
            "json": json.dumps({"key": key, "url": "x" * 200, "status": "success"}).encode(),
            "txt": b"a caption of about the usual length, neither long nor short",
        }
        rest = size - sum(map(len, fields.values())) - picture.tell()
        fields["jpg"] = picture.getvalue() + rng.randbytes(rest)
        for name in sorted(fields):
            member = tarfile.TarInfo(f"{key}.{name}")
            member.size = len(fields[name])
            tar.addfile(member, io.BytesIO(fields[name]))

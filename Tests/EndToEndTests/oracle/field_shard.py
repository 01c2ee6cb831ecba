"""Writes a tar of small samples.

usage: field_shard.py FILE "[(0, 'png'), (0, 'txt'), (1, 'cls', '7'), ('key', 'png'), ...]"
"""
import ast
import io
import os
import sys
import tarfile

from PIL import Image

os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
with tarfile.open(sys.argv[1], "w", format=tarfile.USTAR_FORMAT) as tar:
    for sample, field, *text in ast.literal_eval(sys.argv[2]):
        key, index = (sample, 0) if isinstance(sample, str) else (f"sample{sample}", sample)
        data = f"{index} is {field}".encode()
        if field in ("png", "jpg"):
            buffer = io.BytesIO()
            format = {"png": "png", "jpg": "jpeg"}[field]
            Image.new("RGB", (40 + index, 30), (10 * index, 20, 30)).save(buffer, format)
            data = buffer.getvalue()
        elif field == "json":
            data = b'{"a": %d}' % index
        data = text[0].encode() if text else data
        info = tarfile.TarInfo(f"{key}.{field}")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))

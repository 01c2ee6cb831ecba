"""Reads a published MDS directory with upstream's MDSReader and holds its rows against expected ones.

usage: mds_rows.py OUT "[{'txt': 'a caption', 'png': (WIDTH, HEIGHT)}, ...]"
A pair stands for a picture of this size. Keys of samples are not compared.
"""
import ast
import io
import json
import sys

import upstream_mds as mds
from PIL import Image

out, expected = sys.argv[1], ast.literal_eval(sys.argv[2].strip())
rows = []
for entry in json.load(open(out + "/index.json"))["shards"]:
    reader = mds.reader_from_json(out, "", entry)
    rows += [reader[number] for number in range(len(reader))]
for row in rows:
    row.pop("key")
    for name, value in row.items():
        if isinstance(value, bytes) and value[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0"):
            value = Image.open(io.BytesIO(value))
        row[name] = value.size if isinstance(value, Image.Image) else value
assert rows == expected, rows

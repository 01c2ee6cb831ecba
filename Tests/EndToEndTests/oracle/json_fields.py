"""JSON in shards, and what a filter on it keeps, by Python's own reader.

usage: json_fields.py make FROM.tar TO.tar SEED      the samples of a tar, their JSON replaced
       json_fields.py check WS SHARDS               fields.npy and verdicts of a workspace; prints "kept"
"""
import glob
import io
import json
import math
import random
import sys
import tarfile

import numpy as np

NAMES = ["json.meta.score", "json.original_width", "json.pwatermark"]


def text(rng, index):
    """The JSON of a sample; None: it has none."""
    record = {"pwatermark": round(rng.random(), 3), "original_width": rng.randrange(100, 900), "url": "http://\u00e9/\"x\"",
              "meta": {"score": rng.random() * 10, "tags": [1, {"pwatermark": 5}], "nan": float("nan")}}
    odd = [None, b"", b"[]", b"{", b"\xff\xfe{", b"[" * 5000, b'{"pwatermark":0.1,"original_width":500,"meta":{"score":9}',
           b'{"pwatermark":"0.1","original_width":500,"meta":9}', b'{"pwatermark":true,"original_width":1e999}',
           b'{"pwatermark":0.1,"original_width":400,"original_width":null}', b'{"pw\\u0061termark":0.25,"original_width":350}',
           b'{"pwatermark":0.5,"original_width":300,"meta":{"score":7},"meta":{}}', b'{"pwatermark":-1,"original_width":9' + b"9" * 300 + b"}"]
    if index % 3 == 0:
        return odd[(index // 3) % len(odd)]
    if index % 7 == 0:
        del record["pwatermark"]
    return json.dumps(record, indent=rng.choice([None, 2]), ensure_ascii=rng.random() < 0.5).encode()


def make(source, target, seed):
    rng, out, index = random.Random(int(seed)), tarfile.open(target, "w", format=tarfile.USTAR_FORMAT), 0
    with tarfile.open(source) as tar:
        for member in tar:
            if member.name.endswith(".json"):
                continue
            out.addfile(member, tar.extractfile(member))
            if member.name.endswith(".txt"):
                data = text(rng, index)
                index += 1
                if data is not None:
                    info = tarfile.TarInfo(member.name[:-4] + ".json")
                    info.size = len(data)
                    out.addfile(info, io.BytesIO(data))
    out.close()


def number(value):
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, value)
    return math.nan


def fields(data):
    try:
        record = json.loads(data)
        assert isinstance(record, dict)
    except (ValueError, RecursionError, AssertionError):
        return [math.nan] * 3
    meta = record.get("meta")
    return [number(meta.get("score") if isinstance(meta, dict) else None), number(record.get("original_width")),
            number(record.get("pwatermark"))]


def check(workspace, shards):
    kept = 0
    for path in sorted(glob.glob(shards + "/*.tar")):
        name = path.split("/")[-1][:-4]
        with tarfile.open(path) as tar:
            data = {m.name[:-5]: tar.extractfile(m).read() for m in tar if m.name.endswith(".json")}
        keys = open(f"{workspace}/columns/{name}/keys.txt").read().split()
        found = np.load(f"{workspace}/columns/{name}/fields.npy", allow_pickle=False)
        assert found.dtype == np.dtype([(field, "<f8") for field in NAMES]), found.dtype
        expected = np.array([fields(data.get(key, b"")) for key in keys])
        for i, field in enumerate(NAMES):
            assert np.array_equal(found[field], expected[:, i], equal_nan=True), (
                field, [(k, a, b) for k, a, b in zip(keys, found[field], expected[:, i]) if a != b and a == a][:3])
        score, width, mark = expected.T
        with np.errstate(invalid="ignore"):
            passes = ((mark < 0.5) & (width >= 300)) | (score > 8)
        verdicts = np.load(f"{workspace}/verdicts/{name}.npy")
        assert ((verdicts["reason"] == 6) == ~passes).all() and 0 < passes.sum() < len(passes)
        kept += int(verdicts["kept"].sum())
    print(kept)


{"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])

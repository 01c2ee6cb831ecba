"""Writes shards for bench-publish: make_shards.py OUT real|large BYTES.

real    the sound pictures of samples/ with their JSON and captions again and again under new keys, each picture as jpg; a
        copy is farther away than the windows of the zstd levels measured here (4 MB at most), so it does not compress
        better than the first
large   samples of 150 kB as the pass-through benchmark makes them
"""
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
out, kind, total = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
out.mkdir(parents=True, exist_ok=True)
SHARDS = 4
if kind == "large":
    subprocess.run(
        [sys.executable, HERE.parent / "passthrough/make_shards.py", out / "00000.tar", str(total // 150_000), "150000"],
        check=True)
    sys.exit()

samples = {}
for path in sorted((HERE.parent.parent / "samples/shards").glob("*.tar")):
    with tarfile.open(path) as tar:
        for member in tar:
            key, field = member.name.split(".")
            field = "jpg" if field in ("png", "webp") else field
            samples.setdefault(key, {})[field] = tar.extractfile(member).read()
whole = []
for fields in samples.values():
    try:
        fields["txt"].decode()
    except (KeyError, UnicodeDecodeError):
        continue
    if len(fields) == 3:
        whole.append(fields)
number = written = 0
for shard in range(SHARDS):
    with tarfile.open(out / f"{shard:05}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        while written < total * (shard + 1) // SHARDS:
            for field, data in sorted(whole[number % len(whole)].items()):
                member = tarfile.TarInfo(f"{number:09}.{field}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
                written += 512 + -(-len(data) // 512) * 512
            number += 1

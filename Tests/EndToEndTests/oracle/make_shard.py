"""Makes a small tar with tarfile.

usage: make_shard.py PATH [KEY:FIELD,FIELD…]…
Contents depend on key and field alone. The field `uid` is a json with DataComp's uid in it, made of the key.
"""
import hashlib
import io
import json
import os
import sys
import tarfile

path, *samples = sys.argv[1:]
os.makedirs(os.path.dirname(path), exist_ok=True)
with tarfile.open(path, "w:gz" if path.endswith(".gz") else "w", format=tarfile.USTAR_FORMAT) as tar:
    for sample in samples:
        key, fields = sample.split(":")
        for field in fields.split(","):
            data = f"{field} of {key} ".encode() * (len(key) * 7 + len(field) * 40)
            if field == "json":
                data = json.dumps({"key": key, "nested": {"uid": "0" * 32}}, indent=4).encode()
            if field == "uid":
                field = "json"
                uid = hashlib.md5(key.encode()).hexdigest()
                data = json.dumps({"a": [{"uid": 1}], "uid": uid, "width": float("nan")}).encode()
            member = tarfile.TarInfo(f"{key}.{field}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

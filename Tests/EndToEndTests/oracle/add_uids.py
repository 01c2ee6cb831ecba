"""Gives the json of every sample of a tar DataComp's uid, made of the key.

usage: add_uids.py FROM TO [KEY]
The sample KEY gets none.
"""
import hashlib
import io
import json
import sys
import tarfile

source, target, *without = sys.argv[1:]
with tarfile.open(source) as tar, tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as out:
    for member in tar:
        data = tar.extractfile(member).read()
        key, field = member.name.split(".", 1)
        if field == "json" and key not in without:
            data = json.dumps({**json.loads(data), "uid": hashlib.md5(key.encode()).hexdigest()}).encode()
        member.size = len(data)
        out.addfile(member, io.BytesIO(data))

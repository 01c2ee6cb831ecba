"""The peer: tars read with Python's tarfile, the accepted keys written with upstream's MDSWriter; SHA-256, no fsync.

mds_writer.py IN OUT WORKSPACE none|zstd:N

In its favour: tarfile alone is faster than webdataset over it, and the second that MDSWriter waits for uploads at the
end is left out (upstream_mds.py). The JSON column is what its users write: the parsed object.
"""
import glob
import json
import os
import sys
import tarfile

import upstream_mds as mds

source, out, workspace, compression = sys.argv[1:5]
columns = {"key": "str", "jpg": "jpeg", "txt": "str", "json": "json"}


def samples():
    for path in sorted(glob.glob(source + "/*.tar")):
        with open(f"{workspace}/columns/{os.path.basename(path).removesuffix('.tar')}/keys.txt") as file:
            wanted = set(file.read().split())
        with tarfile.open(path, "r|") as tar:
            sample = {}
            for member in tar:
                key, field = member.name.split(".", 1)
                if sample and sample["key"] != key:
                    yield sample
                    sample = {}
                if key in wanted:
                    sample["key"] = key
                    sample[field] = tar.extractfile(member).read()
            if sample:
                yield sample


with mds.MDSWriter(
    columns=columns, out=out, compression=None if compression == "none" else compression, hashes=["sha256"]
) as writer:
    for sample in samples():
        writer.write(sample | {"txt": sample["txt"].decode(), "json": json.loads(sample["json"])})

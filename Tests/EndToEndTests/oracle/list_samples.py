"""Prints key and fields of every sample of a directory of tars, plain or compressed, with tarfile.

usage: list_samples.py DIR
"""
import glob
import io
import subprocess
import sys
import tarfile

for path in sorted(glob.glob(sys.argv[1] + "/*.tar*")):
    data = open(path, "rb").read()
    if path.endswith(".zst"):
        data = subprocess.run(["zstd", "-dc", "--long=27"], input=data, capture_output=True, check=True).stdout
    fields = {}
    for member in tarfile.open(fileobj=io.BytesIO(data)):
        key, field = member.name.split(".", 1)
        fields.setdefault(key, []).append(field)
    for key, names in fields.items():
        assert names == sorted(names), f"{key}: {names}"
        print(key, " ".join(names), sep="\t")

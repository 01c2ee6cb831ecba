"""Plain tools over a published directory: no reader of shards is imported here.

usage: tools.py tar|zstd|sha256sum IN OUT WORKSPACE
"""
import os
import subprocess
import sys
import tempfile

from published import tars, wanted

tool, source, out, workspace = sys.argv[1:5]
expected = wanted(source, workspace)


def call(*arguments, **options):
    return subprocess.run(arguments, check=True, capture_output=True, **options).stdout


def extracted(folder):
    """Every file of a directory that tar made, against the wanted members."""
    files = {name: open(f"{folder}/{name}", "rb").read() for name in os.listdir(folder)}
    members = {f"{key}.{name}": data for key, fields in expected.items() for name, data in fields.items()}
    assert files == members, f"{sorted(set(files) ^ set(members))[:5]}"


version = call(tool, "--version").decode().split("\n")[0].strip("* ")
with tempfile.TemporaryDirectory() as folder:
    if tool == "sha256sum":
        listed = {line.split("  ", 1)[1] for line in open(out + "/SHA256SUMS").read().splitlines()}
        shards = {name for name in os.listdir(out) if ".tar" in name or name.startswith("shard.")}
        assert shards and shards <= listed, shards - listed
        call("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=out)
    else:
        for path in tars(out):
            if tool == "zstd":
                call("zstd", "--test", "--quiet", path)
                call("tar", "-x", "-C", folder, "-f", "-", input=call("zstd", "-dc", path))
            else:
                names = call("tar", "-tf", path).decode().split()
                assert names == sorted(names), path
                call("tar", "-x", "-C", folder, "-f", path)
        extracted(folder)
print(version, len(expected))

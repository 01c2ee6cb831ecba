"""Checks the sidecars of a directory of shards against the shards themselves, read by tarfile, and by their own readers.

usage: sidecars.py SHARDS SIDECARS NAME...
NAME is what must be there: sizes len stats idx wids sums card subset; nothing else of these may be. Prints the number of
samples.
"""
import ast
import glob
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import types

import numpy
import yaml

shards_at, sidecars_at, *wanted = sys.argv[1:]
names = sorted(
    (name for name in os.listdir(shards_at) if name.endswith((".tar", ".tar.gz", ".tar.zst"))), key=os.fsencode
)


def read(name, mode="r"):
    with open(os.path.join(sidecars_at, name), mode) as file:
        return file.read()


def has(name):
    return os.path.exists(os.path.join(sidecars_at, name))


def stem(name):
    return name[: name.index(".tar")]


def open_tar(name):
    path = os.path.join(shards_at, name)
    if not name.endswith(".zst"):
        return tarfile.open(path)
    return tarfile.open(fileobj=subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE).stdout, mode="r|")


# Samples in order: (shard, key, [(field, offset, size, name, bytes)]), split as DALI's tool splits names.
samples = []
for name in names:
    last = None
    with open_tar(name) as tar:
        for member in tar:
            if not member.isreg():
                continue
            dot = member.name.index(".", member.name.rfind("/") + 1)
            key, field = member.name[:dot], member.name[dot + 1 :]
            if (name, key) != last:
                samples.append((name, key, []))
                last = (name, key)
            data = tar.extractfile(member).read()
            samples[-1][2].append((field, member.offset_data, member.size, member.name, data))
count = {name: sum(sample[0] == name for sample in samples) for name in names}
plain = [name for name in names if name.endswith(".tar")]

assert has("sizes.json") == ("sizes" in wanted)
if "sizes" in wanted:
    assert json.loads(read("sizes.json")) == count
assert has("__len__") == ("len" in wanted)
if "len" in wanted:
    assert ast.literal_eval(read("__len__")) == len(samples)

for name in names:
    path = stem(name) + "_stats.json"
    if "stats" in wanted:
        stats = {
            "count": count[name],
            "successes": count[name],
            "failed_to_download": 0,
            "failed_to_resize": 0,
            "duration": 0.0,
            "start_time": 0.0,
            "end_time": 0.0,
            "status_dict": {"success": count[name]},
        }
        assert read(path) == json.dumps(stats, indent=4), path
    path = stem(name) + ".idx"
    assert has(path) == ("idx" in wanted and name in plain), path
    if has(path):
        lines = [f"v1.2 {count[name]}\n"]
        for shard, _, members in samples:
            if shard == name:
                assert all(member[1] % 512 == 0 for member in members)
                lines.append(" ".join(f"{m[0]} {m[1]} {m[2]} {m[3]}" for m in members) + "\n")
        assert read(path) == "".join(lines), path
        # And as its reader would: the bytes at each offset.
        with open(os.path.join(shards_at, name), "rb") as tar:
            for shard, _, members in samples:
                if shard == name:
                    for member in members:
                        tar.seek(member[1])
                        assert tar.read(member[2]) == member[4]

assert has("shardindex.json") == ("wids" in wanted)
if "wids" in wanted:
    # Its distributed samplers are the only use of torch.
    sys.modules["torch"] = types.ModuleType("torch")
    sys.modules["torch.distributed"] = sys.modules["torch"].distributed = types.ModuleType("torch.distributed")
    sys.modules["torch.utils"] = types.ModuleType("torch.utils")
    sys.modules["torch.utils.data"] = types.ModuleType("torch.utils.data")
    sys.modules["torch.utils.data"].Dataset = type("Dataset", (), {"__class_getitem__": lambda *_: object})
    sys.modules["torch.utils.data"].Sampler = object
    import tempfile

    import wids

    with tempfile.TemporaryDirectory() as cache:
        os.environ["WIDS_CACHE"] = cache
        data = wids.ShardListDataset(
            os.path.join(os.path.abspath(sidecars_at), "shardindex.json"),
            transformations=[lambda sample: {k: v.read() if hasattr(v, "read") else v for k, v in sample.items()}],
        )
        assert len(data) == len(samples)
        for index in (0, len(samples) // 2, len(samples) - 1, *range(0, len(samples), 17)):
            sample = data[index]
            assert sample["__key__"] == samples[index][1], index
            for field, _, _, _, content in samples[index][2]:
                assert sample["." + field] == content, (index, field)
    assert [shard["filesize"] for shard in json.loads(read("shardindex.json"))["shardlist"]] == [
        os.path.getsize(os.path.join(shards_at, name)) for name in names
    ]

assert has("README.md") == ("card" in wanted)
if "card" in wanted:
    head, body = read("README.md").split("---\n", 2)[1:]
    head = yaml.safe_load(head)
    paths = head["configs"][0]["data_files"][0]["path"]
    found = []
    for path in [paths] if isinstance(paths, str) else paths:
        found += [os.path.basename(file) for file in glob.glob(os.path.join(sidecars_at, path))]
    assert sorted(found, key=os.fsencode) == names, found
    bounds = {"n<1K": (0, 1000), "1K<n<10K": (1000, 10_000)}[head["size_categories"][0]]
    assert bounds[0] <= len(samples) < bounds[1]
    fields = {}
    for _, _, members in samples:
        for field in {member[0].lower() for member in members}:
            fields[field] = fields.get(field, 0) + 1
    if "indexed by" in body:
        assert "".join(f"| `{field}` | {number} |\n" for field, number in sorted(fields.items())) in body, fields

assert has("subset.npy") == ("subset" in wanted)
if "subset" in wanted:
    uids = []
    for _, _, members in samples:
        uid = json.loads(next(member[4] for member in members if member[0] == "json"))["uid"]
        uids.append((int(uid[:16], 16), int(uid[16:], 16)))
    array = numpy.load(os.path.join(sidecars_at, "subset.npy"), allow_pickle=False)
    assert array.dtype == numpy.dtype("u8,u8")
    assert [tuple(map(int, row)) for row in array] == sorted(uids)

manifest = json.loads(read("MANIFEST.json"))
assert manifest["samples"] == len(samples)
assert [(shard["name"], shard["samples"]) for shard in manifest["shards"]] == list(count.items())
for name, entry in manifest["files"].items():
    data = read(name, "rb")
    assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}, name

assert has("SHA256SUMS") == ("sums" in wanted)
if "sums" in wanted:
    result = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=sidecars_at, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    checked = sorted(line.rsplit(": ", 1)[0] for line in result.stdout.splitlines())
    # In the C locale names with special characters are quoted; there are none here.
    root = os.path.relpath(os.path.realpath(shards_at), os.path.realpath(sidecars_at))
    files = {name for name in os.listdir(sidecars_at) if os.path.isfile(os.path.join(sidecars_at, name))}
    files |= {os.path.normpath(os.path.join(root, name)) for name in names}
    assert checked == sorted(files - {"SHA256SUMS"}), checked
print(len(samples))

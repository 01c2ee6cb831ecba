"""Reads a published MDS directory with upstream's MDSReader, and holds it against what upstream's MDSWriter writes.

usage: read_mds.py IN OUT WORKSPACE [--arrays TARS] [--by-size]
--arrays   the same samples published as tars with the same `add`: their .npy members are the arrays to find
--by-size  shards were cut by size alone, so one MDSWriter must make the very same index, SHA-256 of raw shards included
Every raw shard must be byte for byte the one MDSWriter makes of its samples, but for JSON, which Tamis copies and
MDSWriter would print anew. Compressed bytes may differ (another zstd), not what they hold. Prints the version and the
number of samples.
"""
import argparse
import json
import os
import tarfile
import tempfile

import numpy as np

import upstream_mds as mds
from published import array, compare, open_image, tars, wanted

parser = argparse.ArgumentParser()
parser.add_argument("source")
parser.add_argument("out")
parser.add_argument("workspace")
parser.add_argument("--arrays")
parser.add_argument("--by-size", action="store_true")
options = parser.parse_args()


class Verbatim(mds.encodings.Encoding):
    """JSON as it stands."""

    def encode(self, obj):
        return obj

    def decode(self, data):
        return json.loads(data)


def both(encoding, data):
    """A column's bytes as upstream cuts them out of a sample, and as it decodes them."""
    return data, mds.encodings.mds_decode(encoding, data)


mds.encodings._encodings["json"] = Verbatim
mds.reader.mds_decode = both

expected = wanted(options.source, options.workspace)
columns = {"key": "str", "jpg": "jpeg", "txt": "str", "json": "json"}
arrays = {}
if options.arrays:
    for path in tars(options.arrays):
        with tarfile.open(path) as tar:
            for member in tar:
                key, field = member.name.split(".", 1)
                if field.endswith(".npy"):
                    value = array(tar.extractfile(member).read())
                    arrays.setdefault(key, {})[field.removesuffix(".npy")] = value
    assert list(arrays) == list(expected)
    for name, value in next(iter(arrays.values())).items():
        columns[name] = f"ndarray:{value.dtype}:{','.join(map(str, value.shape))}"

index = json.load(open(options.out + "/index.json"))
assert set(index) == {"version", "shards"} and index["version"] == 2, index
assert index["shards"], "no shards"


def upstream(samples, hashes, size_limit, compression=None):
    """The directory MDSWriter makes of samples, as its index and, where not compressed, the bytes of its shards."""
    with tempfile.TemporaryDirectory() as folder:
        options = {"hashes": hashes, "size_limit": size_limit, "compression": compression}
        with mds.MDSWriter(columns=columns, out=folder, **options) as writer:
            for key in samples:
                fields = expected[key]
                values = {"key": key, "jpg": fields["jpg"], "txt": fields["txt"].decode(), "json": fields["json"]}
                writer.write(values | arrays.get(key, {}))
        made = json.load(open(folder + "/index.json"))
        raws = [s["raw_data"]["basename"] for s in made["shards"] if not compression]
        return made["shards"], [open(f"{folder}/{name}", "rb").read() for name in raws]


def configless(raw):
    """A raw shard in three parts: offsets from the first sample on, the configuration, the samples."""
    count = int.from_bytes(raw[:4], "little")
    offsets = np.frombuffer(raw, "<u4", count + 1, 4)
    head = 4 + 4 * (count + 1)
    return (offsets - offsets[0]).tolist(), json.loads(raw[head : offsets[0]]), raw[offsets[0] :]


def check_file(info, data):
    assert set(info) == {"basename", "bytes", "hashes"}, info
    assert info["bytes"] == len(data), info
    for name, value in info["hashes"].items():
        assert mds.get_hash(name, data) == value, f"{info['basename']}: {name}"


def shards(scratch):
    """Every shard with its reader over the unpacked file, its raw bytes and its entry in the index."""
    for number, entry in enumerate(index["shards"]):
        raw, packed = entry["raw_data"], entry["zip_data"]
        assert raw["basename"] == f"shard.{number:05}.mds", raw
        stored = packed or raw
        assert (packed is None) == (entry["compression"] is None), entry
        data = open(f"{options.out}/{stored['basename']}", "rb").read()
        if packed:
            assert packed["basename"] == raw["basename"] + ".zstd", packed
            check_file(packed, data)
            data = mds.decompress(entry["compression"], data)
        check_file(raw, data)
        assert entry["hashes"] == sorted(raw["hashes"]) and entry["hashes"], entry
        with open(f"{scratch}/{raw['basename']}", "wb") as file:
            file.write(data)
        reader = mds.reader_from_json(scratch, "", entry)
        reader.validate(allow_unsafe_types=False)
        yield entry, data, reader


def samples(scratch):
    for entry, data, reader in shards(scratch):
        keys = []
        for sample in reader:
            key = sample["key"][1]
            keys.append(key)
            assert sample["jpg"][1].size == open_image(sample["jpg"][0]), key
            assert sample["txt"][1].encode() == sample["txt"][0], key
            assert sample["json"][1] == json.loads(expected[key]["json"]), key
            for name, value in arrays.get(key, {}).items():
                read = sample[name][1]
                assert read.dtype == value.dtype and np.array_equal(read, value), f"{key}.{name}"
            assert set(sample) == set(columns), f"{key}: {sorted(sample)}"
            yield key, {name: sample[name][0] for name in ("jpg", "json", "txt")}
        made, raws = upstream(keys, entry["hashes"], None)
        assert len(made) == 1
        for name in set(made[0]) | set(entry):
            if name not in ("raw_data", "zip_data", "compression", "size_limit"):
                assert entry[name] == made[0][name], f"{name}: {entry[name]}, upstream {made[0][name]}"
        ours, theirs = configless(data), configless(raws[0])
        assert ours[0] == theirs[0] and ours[2] == theirs[2], f"{entry['raw_data']['basename']} differs"
        assert set(ours[1]) == set(theirs[1]), ours[1]
        assert all(ours[1][name] == entry[name] for name in ours[1]), ours[1]


with tempfile.TemporaryDirectory() as scratch:
    count = compare(samples(scratch), expected)
if options.by_size:
    first = index["shards"][0]
    made, _ = upstream(expected, first["hashes"], first["size_limit"], first["compression"])
    ours = index["shards"]
    assert len(ours) > 1 and len(ours) == len(made), f"{len(ours)} shards, upstream {len(made)}"
    for entry in ours + made:
        if entry["zip_data"]:
            entry["zip_data"] = entry["zip_data"]["basename"]
    assert ours == made, "another index than MDSWriter's"
print(mds.version, count)

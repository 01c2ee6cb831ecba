"""wids: random access through shardindex.json. usage: wids_reader.py IN OUT WORKSPACE [FOLDER of another wids]"""
import importlib.metadata
import json
import os
import random
import sys
import tempfile

from published import compare, tars, wanted

source, out, workspace = sys.argv[1:4]
version = importlib.metadata.version("wids")
if len(sys.argv) > 4:
    sys.path.insert(0, sys.argv[4])
    version = "of webdataset " + importlib.metadata.version("webdataset")
import wids

if len(sys.argv) > 4:
    assert wids.__file__.startswith(sys.argv[4]), wids.__file__
expected = wanted(source, workspace)
index = json.load(open(out + "/shardindex.json"))
assert index["__kind__"] == "wids-shard-index-v1" and index["wids_version"] == 1, index
assert [shard["url"] for shard in index["shardlist"]] == [os.path.basename(path) for path in tars(out)]
for shard in index["shardlist"]:
    assert shard["filesize"] == os.path.getsize(f"{out}/{shard['url']}"), shard

with tempfile.TemporaryDirectory() as cache:
    # The default transformation decodes; the identity leaves the streams of the members.
    opened = wids.ShardListDataset(
        out + "/shardindex.json", cache_dir=cache, keep=True, transformations=[lambda sample: sample])
    assert len(opened) == len(expected)

    def sample(position):
        found = opened[position]
        key = os.path.basename(found["__key__"])
        return key, {name[1:]: data.read() for name, data in found.items() if name.startswith(".")}

    compare(map(sample, range(len(opened))), expected)
    keys = list(expected)
    for position in random.Random(7).sample(range(len(keys)), 100):
        key, fields = sample(position)
        assert key == keys[position] and fields == expected[key], key
    decoded = wids.ShardListDataset(out + "/shardindex.json", cache_dir=cache, keep=True)
    for position in range(0, len(keys), 25):
        item = decoded[position]
        assert item[".txt"].encode() == expected[keys[position]]["txt"], keys[position]
        item[".jpg"].load()
print(version, len(expected))

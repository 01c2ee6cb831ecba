"""DataComp's rules for a subset file and its shards, written anew with NumPy (its resharder is in no package).

usage: datacomp_rules.py IN OUT WORKSPACE
"""
import glob
import json
import os
import sys

import numpy as np

from published import tars, wanted

source, out, workspace = sys.argv[1:4]
expected = wanted(source, workspace)
uids = [json.loads(fields["json"])["uid"] for fields in expected.values()]
assert all(len(uid) == 32 and uid == uid.lower() and int(uid, 16) >= 0 for uid in uids)

subset = np.load(out + "/subset.npy", allow_pickle=False)
assert subset.dtype == np.dtype("u8,u8") and subset.ndim == 1, subset.dtype
ordered = sorted((int(uid[:16], 16), int(uid[16:], 16)) for uid in uids)
assert subset.tolist() == ordered, "not the uids in order"
# The resharder finds each sample by bisection, and takes it as often as it is listed.
for uid in uids:
    pair = np.array([(int(uid[:16], 16), int(uid[16:], 16))], dtype=subset.dtype)
    first, end = np.searchsorted(subset, pair, "left")[0], np.searchsorted(subset, pair, "right")[0]
    assert end - first == uids.count(uid), uid
# A file of the rows alone is the other form it reads.
bare = np.frombuffer(open(out + "/subset.npy", "rb").read()[-subset.nbytes :], dtype="u8,u8")
assert np.array_equal(bare, subset)

names = [os.path.basename(path) for path in tars(out)]
assert names == [f"{number:08}.tar" for number in range(len(names))], names
counts = [json.load(open(path))["successes"] for path in sorted(glob.glob(out + "/????????_stats.json"))]
sizes = json.load(open(out + "/sizes.json"))
assert counts == [sizes[name] for name in names] and sum(counts) == len(expected) and max(counts) <= 10_000
print("NumPy", np.__version__, len(expected))

"""Whether two prunings of the same rows in different order decided alike.

usage: moved_verdicts.py ORDER.npy A B      row i of B's input is row ORDER[i] of A's. Prints "kept".
"""
import sys

import numpy as np

order = np.load(sys.argv[1])
a, b = (np.load(f"{directory}/verdicts.npy") for directory in sys.argv[2:])
earlier = b["duplicate_row"]
b["duplicate_row"] = np.where(earlier < 0, -1, order[earlier])
assert a[order].tobytes() == b.tobytes()
keep = [np.load(f"{directory}/keep.npy") for directory in sys.argv[2:]]
assert np.array_equal(keep[0][order], keep[1])
names = [sorted(open(f"{directory}/kept_keys.txt").read().split()) for directory in sys.argv[2:]]
assert names[0] == names[1]
print(keep[0].sum())

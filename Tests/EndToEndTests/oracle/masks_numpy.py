"""Re-derives component masks with NumPy's Philox and argsort (design rule 5) and compares bit for bit.

usage: masks_numpy.py array PCA P.npy SEED EPOCH RULE LOW HIGH [KEYS.txt]
       masks_numpy.py published OUT WORKSPACE IN SEED RULE LOW HIGH
The second reads the shards of OUT with webdataset: mask.npy of every sample at epoch 0, and that everything else is
the input's. Prints the number of masks.
"""
import glob
import hashlib
import io
import json
import sys
import tarfile

import numpy as np


def draw(ratios, seed, key, epoch, rule, low, high):
    """The packed mask, the ratio drawn and the ratio realised."""
    word = int.from_bytes(hashlib.sha256(key).digest()[:8], "little")
    g = np.random.Philox(key=np.array([seed, word], np.uint64), counter=np.array([0, epoch, 0, 0], np.uint64))
    r = low + (high - low) * ((int(g.random_raw()) >> 11) * 2.0**-53)
    for _ in range(65):
        order = np.argsort(g.random_raw(len(ratios)), kind="stable")
        sums = np.cumsum(ratios[order])
        count = int(np.argmin(np.abs(sums - r)))
        if rule == "closest":
            count += 1
        if count > 0:
            break
    count = max(count, 1)
    mask = np.zeros(len(ratios), np.uint8)
    mask[order[:count]] = 1
    return np.packbits(mask, bitorder="little"), np.float32(r), np.float32(sums[count - 1])


def ratios_of(directory):
    return np.load(directory + "/eigenvalues_ratio.npy", allow_pickle=False).astype(np.float64)


def array(pca, path, seed, epoch, rule, low, high, keys=None):
    masks = np.load(path, allow_pickle=False)
    drawn = np.load(path[: -len(".npy")] + ".ratio.npy", allow_pickle=False)
    names = open(keys, "rb").read().split(b"\n")[:-1] if keys else [b"%d" % i for i in range(len(masks))]
    ratios = ratios_of(pca)
    assert masks.dtype == np.uint8 and masks.shape == (len(names), (len(ratios) + 7) // 8), masks.shape
    assert drawn.dtype == np.dtype("<f4") and drawn.shape == (len(names), 2)
    for i, name in enumerate(names):
        bits, r, realised = draw(ratios, int(seed), name, int(epoch), rule, float(low), float(high))
        assert np.array_equal(bits, masks[i]), f"mask {i}, key {name}"
        assert (r, realised) == tuple(drawn[i]), f"ratio {i}: {(r, realised)} {drawn[i]}"
    return len(names)


def published(out, workspace, source, seed, rule, low, high):
    import webdataset

    ratios = ratios_of(workspace + "/models/pca")
    basis = hashlib.sha256(open(workspace + "/models/pca/pc_matrix.npy", "rb").read()).hexdigest()
    assert json.load(open(out + "/MANIFEST.json"))["basis"] == basis
    stored = {}
    for path in glob.glob(source + "/*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                stored[member.name] = tar.extractfile(member).read()
    count = 0
    for sample in webdataset.WebDataset(sorted(glob.glob(out + "/*.tar")), shardshuffle=False, empty_check=False):
        key = sample["__key__"]
        mask = np.load(io.BytesIO(sample["mask.npy"]), allow_pickle=False)
        bits, _, _ = draw(ratios, int(seed), key.encode(), 0, rule, float(low), float(high))
        assert mask.dtype == np.uint8 and mask.shape == ((len(ratios) + 7) // 8,)
        assert np.array_equal(mask, bits), key
        fields = {name for name in sample if not name.startswith("__")} - {"mask.npy"}
        for name in fields:
            assert sample[name] == stored.get(f"{key}.{name}", b""), f"{key}.{name}"
        count += 1
    return count


if __name__ == "__main__":
    print({"array": array, "published": published}[sys.argv[1]](*sys.argv[2:]))

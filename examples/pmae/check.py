"""Compares what Tamis published with NumPy: masks bit for bit, coefficients, visible images and targets.

usage: check.py OUT WORKSPACE [--epoch E MASKS.npy]
MASKS.npy is of `tamis masks --keys KEYS --epoch E` with the recipe's mask settings, KEYS being the published keys in
order (`check.py --keys OUT` prints them). Needs numpy and webdataset. Prints what was compared.
"""
import sys

import numpy as np

import shards
from tamis_masks import Basis, Masks


def thumbnails(workspace):
    """Key -> thumbnail, from the columns of the workspace."""
    import glob

    found = {}
    for directory in glob.glob(workspace + "/columns/*"):
        images = np.load(directory + "/thumbnail.npy", allow_pickle=False)
        keys = open(directory + "/keys.txt", "rb").read().split(b"\n")[:-1]
        assert len(keys) == len(images)
        found.update(zip(keys, images))
    return found


def check(out, workspace, epoch=None, path=None):
    manifest = shards.manifest(out)
    basis = Basis(workspace + "/models/pca")
    exact = basis.converted(lambda array: array.astype(np.float64) if array.dtype == np.float32 else array)
    assert manifest["basis"] == basis.sha256
    masks = Masks(manifest["mask"], basis.ratios) if "mask" in manifest else None
    images = thumbnails(workspace)
    later = np.load(path, allow_pickle=False) if path else None
    worst = {}

    def near(name, a, b, scale=1.0):
        worst[name] = max(worst.get(name, 0.0), float(np.abs(a - b).max()) / scale)

    count = 0
    for position, sample in enumerate(shards.samples(out)):
        key = sample["__key__"].encode()
        for name, form in manifest["fields"].items():
            assert sample[name].dtype == np.dtype(form["dtype"]) and list(sample[name].shape) == form["shape"], name
        z = basis.standardize(images[key][None]).astype(np.float64)
        coefficients = exact.coefficients(z)
        if "coefficients.npy" in sample:
            near("coefficients", sample["coefficients.npy"].astype(np.float64), coefficients[0])
        if masks:
            mask, drawn, realised = masks.draw(masks.key(key, position))
            if "mask.npy" in sample:
                assert np.array_equal(masks.unpack(sample["mask.npy"], len(mask)), mask), key
            if "mask_ratio.npy" in sample:
                assert sample["mask_ratio.npy"].tolist() == [drawn, realised], key
                assert abs(basis.ratios[mask].astype(np.float64).sum() - realised) < 1e-6
            masked = exact.pixels(coefficients * mask)
            if "visible.npy" in sample:
                near("visible", sample["visible.npy"].reshape(-1).astype(np.float64), (z - masked)[0])
            if "target.npy" in sample:
                target = sample["target.npy"].astype(np.float64)
                if target.ndim == 1:
                    assert not target[~mask].any()
                    near("target", target, (coefficients * mask)[0])
                    part = exact.pixels(target[None])[0]
                else:
                    near("target", target.reshape(-1), masked[0])
                    part = target.reshape(-1)
                if "visible.npy" in sample:
                    near("visible + masked = z", sample["visible.npy"].reshape(-1) + part, z[0])
            if later is not None:
                again = masks.draw(masks.key(key, position), int(epoch))[0]
                assert np.array_equal(masks.unpack(later[position], len(mask)), again), key
        count += 1
    assert later is None or len(later) == count
    print(count, "samples,", ", ".join(manifest["fields"]))
    if masks:
        print("masks equal NumPy's" + (f", those of epoch {epoch} too" if path else ""))
    return worst


def main():
    if sys.argv[1] == "--keys":
        for sample in shards.samples(sys.argv[2]):
            print(sample["__key__"])
        return
    out, workspace, *rest = sys.argv[1:]
    epoch, path = rest[1:] if rest else (None, None)
    half = any(form["dtype"] == "<f2" for form in shards.manifest(out)["fields"].values())
    for name, value in check(out, workspace, epoch, path).items():
        print(f"{name}: largest difference {value:.1e}")
        assert value <= (0.1 if half else 1e-4), name


main()

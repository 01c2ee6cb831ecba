"""Mask arrays of other scopes and modes, and of patches, worked out with NumPy and compared bit for bit.

usage: mask_kinds.py batch PCA P.npy SEED LOW HIGH BATCH         key batch:<i div BATCH>
       mask_kinds.py top|bottom PCA P.npy SEED LOW HIGH RULE     the head or the tail of the ordered spectrum
       mask_kinds.py random|blocks ROWSxCOLUMNS P.npy SEED LOW HIGH BATCH   patches; BATCH 0: row i has the key i
       mask_kinds.py emitted PCA P.npy X.npy                     P.coefficients.npy, P.visible.npy, P.target.npy
Prints the number of masks.
"""
import hashlib
import json
import math
import sys

import numpy as np

from masks_numpy import draw, ratios_of


def load(path):
    stem = path[: -len(".npy")]
    return np.load(path), np.load(stem + ".ratio.npy"), json.load(open(stem + ".json"))


def batch(pca, path, seed, low, high, size):
    masks, drawn, about = load(path)
    assert about["bit"] == "component" and about["scope"] == "batch" and about["batch"] == int(size)
    ratios = ratios_of(pca)
    for i in range(len(masks)):
        key = b"batch:%d" % (i // int(size))
        bits, r, realised = draw(ratios, int(seed), key, 0, "closest", float(low), float(high))
        assert np.array_equal(bits, masks[i]) and (r, realised) == tuple(drawn[i]), i
    return len(masks)


def ordered(mode, pca, path, seed, low, high, rule):
    masks, drawn, about = load(path)
    assert about["mode"] == mode and about["rule"] == rule
    ratios = ratios_of(pca)
    order = np.arange(len(ratios))[:: 1 if mode == "top" else -1]
    sums = np.cumsum(ratios[order])
    for i in range(len(masks)):
        g = generator(int(seed), b"%d" % i)
        r = float(low) + (float(high) - float(low)) * unit(g)
        count = max(1, int(np.argmin(np.abs(sums - r))) + (rule == "closest"))
        mask = np.zeros(len(ratios), np.uint8)
        mask[order[:count]] = 1
        assert np.array_equal(np.packbits(mask, bitorder="little"), masks[i]), i
        assert (np.float32(r), np.float32(sums[count - 1])) == tuple(drawn[i]), i
    return len(masks)


def generator(seed, key):
    word = int.from_bytes(hashlib.sha256(key).digest()[:8], "little")
    return np.random.Philox(key=np.array([seed, word], np.uint64), counter=np.zeros(4, np.uint64))


def unit(g):
    return (int(g.random_raw()) >> 11) * 2.0**-53


def blocks(g, r, rows, columns):
    """The rule written at BlockMasker."""
    total = rows * columns
    exact = r * total
    wanted = max(1, math.floor(exact) + (exact - math.floor(exact) > 0.5))
    mask = np.zeros((rows, columns), np.uint8)
    least = total / 12
    for _ in range(64):
        if mask.sum() >= wanted:
            break
        a, b, c, d = (unit(g) for _ in range(4))
        area = least + (max(least, float(wanted - mask.sum())) - least) * a
        q = 0.3 + 0.7 * abs(2 * b - 1)
        h, w = math.floor(math.sqrt(area * q) + 0.5), math.floor(math.sqrt(area / q) + 0.5)
        if b < 0.5:
            h, w = w, h
        h, w = min(max(h, 1), rows), min(max(w, 1), columns)
        y0, x0 = math.floor(c * (rows - h + 1)), math.floor(d * (columns - w + 1))
        for y in range(y0, y0 + h):
            for x in range(x0, x0 + w):
                if mask.sum() < wanted:
                    mask[y, x] = 1
    if mask.sum() < wanted:
        for patch in np.argsort(g.random_raw(total), kind="stable"):
            if mask.sum() < wanted:
                mask.flat[patch] = 1
    assert mask.sum() == wanted
    return np.packbits(mask.reshape(-1), bitorder="little"), np.float32(r), np.float32(wanted / total)


def patches(kind, grid, path, seed, low, high, size):
    masks, drawn, about = load(path)
    rows, columns = map(int, grid.split("x"))
    assert about["bit"] == "patch" and about["grid"] == [rows, columns] and about["kind"] == kind
    equal = np.full(rows * columns, 1 / (rows * columns), "<f4").astype(np.float64)
    for i in range(len(masks)):
        key = b"batch:%d" % (i // int(size)) if int(size) else b"%d" % i
        if kind == "random":
            expected = draw(equal, int(seed), key, 0, "closest", float(low), float(high))
        else:
            g = generator(int(seed), key)
            expected = blocks(g, float(low) + (float(high) - float(low)) * unit(g), rows, columns)
        assert np.array_equal(expected[0], masks[i]), (i, expected[0], masks[i])
        assert tuple(expected[1:]) == tuple(drawn[i]), (i, expected[1:], drawn[i])
    return len(masks)


def emitted(pca, path, pixels):
    stem = path[: -len(".npy")]
    basis, variances = np.load(pca + "/pc_matrix.npy").astype(float), np.load(pca + "/eigenvalues.npy")
    mean, std = np.load(pca + "/mean_reshaped.npy"), np.load(pca + "/std_reshaped.npy")
    x = np.load(pixels).transpose(0, 3, 1, 2) / 255.0
    z = ((x - mean) / std).reshape(len(x), -1)
    masks = np.unpackbits(np.load(path), axis=1, bitorder="little", count=len(basis)).astype(bool)
    c = np.load(stem + ".coefficients.npy")
    visible, target = np.load(stem + ".visible.npy"), np.load(stem + ".target.npy")
    assert c.dtype == visible.dtype == target.dtype == np.dtype("<f4")
    assert visible.shape == target.shape == x.shape
    exact = z @ basis.T
    assert np.abs(c - exact).max() < 1e-4
    # Var(zV_l) = λ_l, and the coefficients are uncorrelated.
    covariance = np.cov(c.astype(float).T)
    assert np.abs(np.diag(covariance) - variances).max() < 1e-5 * variances[0]
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-5 * variances[0]
    flat, masked = visible.reshape(len(x), -1).astype(float), target.reshape(len(x), -1).astype(float)
    assert np.abs(flat + masked - z).max() < 1e-4
    assert np.abs(masked - (exact * masks) @ basis).max() < 1e-4
    ratios = np.load(pca + "/eigenvalues_ratio.npy").astype(float)
    assert np.abs(np.load(stem + ".ratio.npy")[:, 1] - masks @ ratios).max() < 1e-6
    return len(x)


kind, *rest = sys.argv[1:]
if kind in ("top", "bottom"):
    print(ordered(kind, *rest))
elif kind in ("random", "blocks"):
    print(patches(kind, *rest))
else:
    print({"batch": batch, "emitted": emitted}[kind](*rest))

"""What Tamis did to the samples of a published directory, worked out again with NumPy alone.

`Masks` re-derives the component masks of any epoch, `Basis` opens models/pca and turns rows into coefficients,
visible images and targets. Nothing here needs Tamis or PyTorch.
"""
import hashlib
import json

import numpy as np


class Basis:
    """models/pca as `numpy.load` gives it: L unit rows over D standardised pixels."""

    def __init__(self, directory):
        def load(name):
            return np.load(f"{directory}/{name}.npy", allow_pickle=False)

        self.sha256 = json.load(open(f"{directory}/manifest.json"))["basis_sha256"]
        self.components = load("pc_matrix")  # (L, D)
        self.ratios = load("eigenvalues_ratio")  # (L,)
        self.eigenvalues = load("eigenvalues")
        self.mean, self.std = load("mean_reshaped"), load("std_reshaped")  # (3, S, S)

    def standardize(self, thumbnails):
        """(n, S, S, 3) bytes -> (n, D)."""
        x = thumbnails.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        return ((x - self.mean) / self.std).reshape(len(x), -1)

    def coefficients(self, z):
        return z @ self.components.T

    def masked(self, z, masks):
        """The part of z in the masked components, (z V_M) V_M^T; masks are (n, L) of bool."""
        return (self.coefficients(z) * masks) @ self.components


class Masks:
    """The masks of a published directory, as the `mask` entry of its manifest.json describes them."""

    def __init__(self, manifest, ratios):
        assert manifest["bit"] == "component" and manifest["count"] == len(ratios)
        self.manifest = manifest
        self.ratios = ratios.astype(np.float64)

    def key(self, key, position):
        """The key of a mask: the sample's, or that of the batch its position falls into."""
        if self.manifest["scope"] == "batch":
            return b"batch:%d" % (position // self.manifest["batch"])
        return key

    def draw(self, key, epoch=None):
        """The mask of a key, (L,) of bool, with the share of variance drawn and the one realised."""
        m = self.manifest
        low, high = m["ratio"]
        word = int.from_bytes(hashlib.sha256(key).digest()[:8], "little")
        counter = np.array([0, m["epoch"] if epoch is None else epoch, 0, 0], np.uint64)
        g = np.random.Philox(key=np.array([m["seed"], word], np.uint64), counter=counter)
        r = low + (high - low) * ((int(g.random_raw()) >> 11) * 2.0**-53)
        count = 0
        for _ in range(65 if m["mode"] == "random" else 1):
            if m["mode"] == "random":
                order = np.argsort(g.random_raw(len(self.ratios)), kind="stable")
            else:
                order = np.arange(len(self.ratios))[:: 1 if m["mode"] == "top" else -1]
            sums = np.cumsum(self.ratios[order])
            count = int(np.argmin(np.abs(sums - r))) + (m["rule"] == "closest")
            if count > 0:
                break
        count = max(count, 1)
        mask = np.zeros(len(self.ratios), bool)
        mask[order[:count]] = True
        return mask, np.float32(r), np.float32(sums[count - 1])

    @staticmethod
    def unpack(bits, count):
        """A stored mask -> (count,) of bool."""
        return np.unpackbits(bits, bitorder="little", count=count).astype(bool)

"""What Tamis did to the samples of a published directory, worked out again with NumPy alone.

`Masks` re-derives the component masks of any epoch, `Basis` opens models/pca and turns rows into coefficients,
visible images and targets. Nothing here needs Tamis or PyTorch.
"""
import copy
import hashlib
import json

import numpy as np


class Basis:
    """models/pca, of any kind: coefficients of standardised pixels, and the pixels that coefficients make.

    Rows are standardised images flattened as planes, (n, D); coefficients are (n, L). `full` and `truncated` bases are a
    matrix. Those of `separable`, `dct` and `patch` come from small factors, no matrix is made: for these L = D.
    """

    def __init__(self, directory):
        def load(name):
            return np.load(f"{directory}/{name}.npy", allow_pickle=False)

        with open(f"{directory}/manifest.json") as file:
            manifest = json.load(file)
        self.kind, self.sha256 = manifest["basis"], manifest["basis_sha256"]
        self.ratios = load("eigenvalues_ratio")  # (L,)
        self.eigenvalues = load("eigenvalues")
        self.mean, self.std = load("mean_reshaped"), load("std_reshaped")  # (3, S, S)
        c, h, w = self.mean.shape
        if self.kind in ("full", "truncated"):
            self.arrays = {"matrix": load("pc_matrix")}  # (L, D)
            return
        order = load("order").astype(np.int64).T
        if self.kind == "patch":
            patch = load("patch_components")  # (m, m)
            p = round((len(patch) // 3) ** 0.5)
            # The features of every patch, patch after patch.
            features = np.arange(c * h * w).reshape(c, h // p, p, w // p, p).transpose(1, 3, 0, 2, 4).reshape(-1)
            self.arrays = {"patch": patch, "features": features, "places": np.argsort(features)}
            place = order[0] * len(patch) + order[1]
        else:
            self.arrays = {name: load(name) for name in ("channel", "rows", "columns")}
            place = (order[0] * h + order[1]) * w + order[2]
        # Component l is number place[l] of the unsorted ones.
        self.arrays |= {"sorted": place, "unsorted": np.argsort(place)}

    def converted(self, convert):
        """The same with `convert` done to its arrays, such as `torch.from_numpy`."""
        other = copy.copy(self)
        other.arrays = {name: convert(array) for name, array in self.arrays.items()}
        return other

    def standardize(self, thumbnails):
        """(n, S, S, 3) bytes -> (n, D)."""
        x = thumbnails.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        return ((x - self.mean) / self.std).reshape(len(x), -1)

    def coefficients(self, z):
        """(n, D) -> (n, L)."""
        a = self.arrays
        if "matrix" in a:
            return z @ a["matrix"].T
        if "patch" in a:
            grid = z[:, a["features"]].reshape(len(z), -1, len(a["patch"])) @ a["patch"].T
        else:
            grid = a["rows"] @ z.reshape(len(z), *self.mean.shape) @ a["columns"].T
            grid = a["channel"] @ grid.reshape(len(z), 3, -1)
        return grid.reshape(len(z), -1)[:, a["sorted"]]

    def pixels(self, coefficients):
        """(n, L) -> (n, D): what these coefficients add up to."""
        a, count = self.arrays, len(coefficients)
        if "matrix" in a:
            return coefficients @ a["matrix"]
        grid = coefficients[:, a["unsorted"]]
        if "patch" in a:
            return (grid.reshape(count, -1, len(a["patch"])) @ a["patch"]).reshape(count, -1)[:, a["places"]]
        grid = a["channel"].T @ grid.reshape(count, 3, -1)
        return (a["rows"].T @ grid.reshape(count, *self.mean.shape) @ a["columns"]).reshape(count, -1)


class Masks:
    """The masks of a published directory, as the `mask` entry of its MANIFEST.json describes them."""

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

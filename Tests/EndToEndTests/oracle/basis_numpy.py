"""Works a basis of models/pca out again with NumPy, SciPy and scikit-learn and compares.

usage: basis_numpy.py DIR KIND STANDARDIZE X.npy|WORKSPACE
Prints "N L".
"""
import glob
import json
import os
import sys

import numpy as np
from scipy.fft import dctn
from sklearn.decomposition import PCA

directory, kind, standardize, source = sys.argv[1:5]
if os.path.isdir(source):
    paths = sorted(glob.glob(source + "/columns/*/thumbnail.npy"))
    x = np.concatenate([np.load(path, allow_pickle=False) for path in paths])
else:
    x = np.load(source, allow_pickle=False)
x = x.transpose(0, 3, 1, 2).astype(np.float64) / 255
n, (c, h, w) = len(x), x.shape[1:]
d = c * h * w
means = x.mean(0)
mean, std = means, np.maximum(x.std(0), 1 / 255 / np.sqrt(12))
if standardize == "channel":
    mean = np.broadcast_to(x.mean((0, 2, 3))[:, None, None], x.shape[1:])
    std = np.broadcast_to(x.std((0, 2, 3))[:, None, None], x.shape[1:])
if standardize == "none":
    mean, std = np.zeros(x.shape[1:]), np.ones(x.shape[1:])
z = (x - mean) / std
about = (x - means) / std  # what variance is measured of
total = (about**2).sum() / (n - 1)


def load(name, dtype, shape):
    array = np.load(f"{directory}/{name}.npy", allow_pickle=False)
    assert array.dtype == np.dtype(dtype) and array.shape == shape, (name, array.dtype, array.shape, shape)
    return array


with open(directory + "/manifest.json") as file:
    manifest = json.load(file)
assert manifest["basis"] == kind and manifest["samples"] == n and manifest["features"] == d
assert manifest["layout"] == {"channels": c, "height": h, "width": w, "order": "CHW-RGB"}
count = manifest["components"]
values = load("eigenvalues", "<f8", (count,))
ratios = load("eigenvalues_ratio", "<f4", (count,))
assert np.abs(load("mean_reshaped", "<f4", (c, h, w)) - mean).max() < 1e-6
assert np.allclose(load("std_reshaped", "<f4", (c, h, w)), std, rtol=1e-6, atol=1e-7)
assert (np.diff(values) <= 0).all() and (values >= 0).all()
assert np.allclose(manifest["total_variance"], total, rtol=1e-9)
assert np.abs(ratios - values / total).max() < 1e-7
assert abs(manifest["residual_ratio"] - (1 - ratios.astype(np.float64).sum())) < 1e-6


def signs(rows):
    assert (rows[np.arange(len(rows)), np.abs(rows).argmax(1)] > 0).all(), "sign rule"


def orthonormal(rows):
    assert np.abs(rows.astype(np.float64) @ rows.T - np.eye(len(rows))).max() <= 1e-5


def same(ours, theirs, spectrum):
    """Vectors agree where their eigenvalue stands apart."""
    gaps = np.abs(np.diff(np.concatenate([[2 * spectrum[0]], spectrum, [0.0]])))
    apart = np.minimum(gaps[:-1], gaps[1:])[: len(ours)] > 1e-4 * spectrum[0]
    cosines = np.abs((ours * theirs[: len(ours)]).sum(1))
    assert apart.sum() >= min(3, len(ours)), apart.sum()
    assert (cosines[apart] > 1 - 1e-5).all(), cosines[apart].min()


if kind in ("separable", "dct"):
    channel, rows, columns = (
        load("channel", "<f4", (c, c)), load("rows", "<f4", (h, h)), load("columns", "<f4", (w, w)))
    order = load("order", "<i4", (d, 3))
    for factor in (channel, rows, columns):
        orthonormal(factor)
    everything = np.einsum("ncyx,ac,iy,jx->naij", about, channel, rows, columns, optimize=True)
    coefficients = everything[:, order[:, 0], order[:, 1], order[:, 2]]
    if kind == "dct":
        peer = dctn(about, axes=(1, 2, 3), norm="ortho")
        assert np.abs(everything - peer).max() < 1e-5 * np.abs(peer).max()
    else:
        modes = [
            np.einsum(spec, about, about, optimize=True) / (n - 1)
            for spec in ("ncyx,ndyx->cd", "ncyx,ncux->yu", "ncyx,ncyv->xv")]
        for factor, mode in zip((channel, rows, columns), modes):
            spectrum, vectors = np.linalg.eigh(mode)
            same(factor.astype(np.float64), vectors[:, ::-1].T, spectrum[::-1])
            signs(factor)
if kind == "patch":
    p = manifest["patch"]
    components, order = load("patch_components", "<f4", (c * p * p,) * 2), load("order", "<i4", (d, 2))
    orthonormal(components)
    signs(components)
    patches = about.reshape(n, c, h // p, p, w // p, p).transpose(0, 2, 4, 1, 3, 5).reshape(n, -1, c * p * p)
    peer = PCA(svd_solver="full").fit(patches.reshape(-1, c * p * p))
    same(components.astype(np.float64), peer.components_, peer.explained_variance_)
    coefficients = (patches @ components.T.astype(np.float64))[:, order[:, 0], order[:, 1]]
if kind == "truncated":
    components = load("pc_matrix", "<f4", (count, d))
    orthonormal(components)
    signs(components)
    coefficients = about.reshape(n, d) @ components.T.astype(np.float64)
    best = np.linalg.eigvalsh(np.cov(about.reshape(n, d).T))[::-1][:count]
    print("captured", values.sum() / best.sum(), "of the best", file=sys.stderr)
    assert values.sum() <= best.sum() * (1 + 1e-6)
    assert values.sum() >= best.sum() * 0.99
else:
    assert count == d and abs(ratios.astype(np.float64).sum() - 1) <= 1e-6, ratios.sum()
measured = coefficients.var(0, ddof=1)
assert np.abs(measured - values).max() <= 1e-5 * values[0], np.abs(measured - values).max() / values[0]
print(n, count)

"""Fits scikit-learn's PCA on the same standardised rows and compares a directory of basis files with it.

usage: pca_sklearn.py DIR STANDARDIZE X.npy [COMPONENTS]     an array
       pca_sklearn.py DIR STANDARDIZE WORKSPACE              the thumbnails of all columns
u8 is divided by 255, images are flattened CHW. Prints "N L".
"""
import glob
import os
import sys

import numpy as np
from sklearn.decomposition import PCA

directory, standardize, source = sys.argv[1:4]
if os.path.isdir(source):
    paths = sorted(glob.glob(source + "/columns/*/thumbnail.npy"))
    x = np.concatenate([np.load(path, allow_pickle=False) for path in paths])
else:
    x = np.load(source, allow_pickle=False)
image = x.ndim == 4
shape = (3,) + x.shape[1:3] if image else (x.shape[1],)
scale = 255.0 if x.dtype == np.uint8 else 1.0
x = (x.transpose(0, 3, 1, 2).reshape(len(x), -1) if image else x).astype(np.float64) / scale
n, d = x.shape

mean, std = x.mean(0), np.maximum(x.std(0), 1 / 255 / np.sqrt(12))
if standardize == "channel":
    planes = x.reshape(n, 3, -1)
    mean = np.repeat(planes.mean((0, 2)), d // 3)
    std = np.repeat(planes.std((0, 2)), d // 3)
if standardize == "none":
    mean, std = np.zeros(d), np.ones(d)
z = (x - mean) / std
peer = PCA(svd_solver="full").fit(z)


def load(name, dtype, shape):
    array = np.load(f"{directory}/{name}.npy", allow_pickle=False)
    assert array.dtype == np.dtype(dtype) and array.shape == shape, (name, array.dtype, array.shape, shape)
    assert array.flags.c_contiguous, name
    return array.astype(np.float64)


count = int(sys.argv[4]) if len(sys.argv) > 4 else min(n, d)
basis = load("pc_matrix", "<f4", (count, d))
values = load("eigenvalues", "<f8", (count,))
ratios = load("eigenvalues_ratio", "<f4", (count,))
assert np.allclose(load("mean_reshaped", "<f4", shape).ravel(), mean, rtol=1e-6, atol=1e-7)
assert np.allclose(load("std_reshaped", "<f4", shape).ravel(), std, rtol=1e-6, atol=1e-7)

error = np.abs(ratios - peer.explained_variance_ratio_[:count]).max()
assert error <= 1e-6, f"ratios differ by {error}"
total = peer.explained_variance_.sum()
assert np.abs(values - peer.explained_variance_[:count]).max() <= 1e-9 * total
assert (np.diff(values) <= 0).all() and (values >= 0).all()
assert np.abs(basis @ basis.T - np.eye(count)).max() <= 1e-5
assert (basis[np.arange(count), np.abs(basis).argmax(1)] > 0).all(), "sign rule"
# A vector is comparable where its eigenvalue stands apart from its neighbours'.
peers = peer.explained_variance_
gaps = np.abs(np.diff(np.concatenate([[2 * peers[0]], peers, [0.0]])))
apart = np.minimum(gaps[:-1], gaps[1:])[:count] > 1e-6 * peers[0]
cosines = np.abs((basis * peer.components_[:count]).sum(1))
assert apart.sum() >= min(count, 8) // 2 and (cosines[apart] > 1 - 1e-5).all(), cosines[apart].min()
signs = (basis * peer.components_[:count]).sum(1)[apart]
assert (signs > 0).all(), "scikit-learn's sign rule is the same"
coefficients = ((z - z.mean(0)) @ basis.T).var(0, ddof=1)
assert np.abs(coefficients - values).max() <= 1e-5 * values[0]
print(n, count)

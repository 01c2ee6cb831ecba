"""Images of twelve strong patterns and noise, and a check of a truncated basis against their exact eigenvectors.

usage: lowrank.py make X.npy
       lowrank.py check DIR X.npy        prints the number of components
"""
import sys

import numpy as np

if sys.argv[1] == "make":
    random = np.random.default_rng(3)
    n, d = 600, 3 * 12 * 12
    patterns = np.linalg.qr(random.normal(size=(d, 12)))[0].T * 90 * 0.85 ** np.arange(12)[:, None]
    x = 128 + random.normal(size=(n, 12)) @ patterns + random.normal(size=(n, d)) * 3
    x = np.clip(np.rint(x), 0, 255).astype(np.uint8).reshape(n, 3, 12, 12)
    np.save(sys.argv[2], np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    sys.exit()

directory, source = sys.argv[2:4]
x = np.load(source).transpose(0, 3, 1, 2).reshape(600, -1) / 255
z = (x - x.mean(0)) / np.maximum(x.std(0), 1 / 255 / np.sqrt(12))
values, vectors = np.linalg.eigh(z.T @ z / (len(z) - 1))
values, vectors = values[::-1], vectors[:, ::-1]
basis = np.load(directory + "/pc_matrix.npy").astype(np.float64)
count = len(basis)
assert np.abs(basis @ basis.T - np.eye(count)).max() <= 1e-5
assert np.allclose(np.load(directory + "/eigenvalues.npy"), values[:count], rtol=1e-5)
# The cosines of the angles between the two subspaces, and between the vectors themselves.
angles = np.linalg.svd(basis @ vectors[:, :count], compute_uv=False)
assert (angles > 1 - 1e-6).all(), angles.min()
assert (np.abs((basis * vectors[:, :count].T).sum(1)) > 1 - 1e-5).all()
ratios = np.load(directory + "/eigenvalues_ratio.npy").astype(np.float64)
assert np.abs(ratios - values[:count] / values.sum()).max() < 1e-6 and ratios.sum() < 1
print(count)

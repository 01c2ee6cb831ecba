"""Runs the Python of docs/pca-bases.md on a basis and checks that its components and projections fit together.

usage: basis_snippet.py pca-bases.md DIR X.npy        prints L
"""
import re
import sys

import numpy as np

document, directory, array = sys.argv[1:4]
with open(document) as file:
    exec(re.search(r"```python\n(.*?)```", file.read(), re.S).group(1))
basis = Basis(directory)
images = np.load(array).transpose(0, 3, 1, 2)
z = basis.standardize(images)
coefficients = basis.project(z)
count = len(basis.ratios)
assert coefficients.shape == (len(images), count)
components = np.stack([basis.component(l) for l in range(count)]).reshape(count, -1).astype(np.float64)
assert np.abs(components @ components.T - np.eye(count)).max() <= 1e-5
assert np.abs(coefficients - z.reshape(len(z), -1) @ components.T).max() <= 1e-4
values = np.load(directory + "/eigenvalues.npy")
assert np.allclose(coefficients.var(0, ddof=1), values, atol=1e-5 * values[0])
print(count)

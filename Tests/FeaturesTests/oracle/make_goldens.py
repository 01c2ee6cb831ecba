"""Writes Tests/FeaturesTests/Goldens/{pca,masks}.json with NumPy and scikit-learn.

    python3 -m venv venv && venv/bin/pip install numpy scikit-learn
    venv/bin/python Tests/FeaturesTests/oracle/make_goldens.py

The masks follow rule 5 of the contract literally (full argsort, full cumsum, argmin); the PCA is
scikit-learn's full SVD of the standardised Float64 array.
"""

import base64
import hashlib
import json
import pathlib

import numpy as np
import sklearn
from sklearn.decomposition import PCA

HERE = pathlib.Path(__file__).resolve().parent
GOLDENS = HERE.parent / "Goldens"


def images(n, size, rng):
    """(n, 3·size²) bytes, planar: smooth colour waves with falling strength, noise, one constant feature."""
    y, x = np.mgrid[0:size, 0:size] / size
    waves = [np.cos(np.pi * (a * y + b * x)) for a in range(4) for b in range(4)]
    out = np.zeros((n, 3, size, size))
    for k, wave in enumerate(waves):
        colour = rng.standard_normal((n, 3)) * 12 + rng.standard_normal((n, 1)) * 40
        out += 1.3 / (1 + k) * colour[:, :, None, None] * wave
    out += 128 + rng.standard_normal(out.shape) * 4
    rows = np.clip(np.rint(out), 0, 255).astype(np.uint8).reshape(n, -1)
    rows[:, 17] = 200
    return rows


def standardised(rows, mode, planes=3):
    x = rows / 255.0
    floor = 1 / 255 / np.sqrt(12)
    if mode == "feature":
        mean, std = x.mean(0), np.maximum(x.std(0), floor)
    elif mode == "channel":
        planar = x.reshape(len(x), planes, -1)
        plane = planar.shape[2]
        mean = np.repeat(planar.mean((0, 2)), plane)
        std = np.repeat(np.maximum(planar.std((0, 2)), floor), plane)
    else:
        mean, std = np.zeros(x.shape[1]), np.ones(x.shape[1])
    return (x - mean) / std, mean, std


def pca_case(rows, mode):
    z, mean, std = standardised(rows, mode)
    pca = PCA(svd_solver="full").fit(z)
    return {
        "standardize": mode,
        "rows": len(rows),
        "eigenvalues": pca.explained_variance_.tolist(),
        "ratios": pca.explained_variance_ratio_.tolist(),
        "mean": np.round(mean, 9).tolist(),
        "deviation": np.round(std, 9).tolist(),
        "leading": np.round(pca.components_[:3], 7).tolist(),
    }


def key_hash(key):
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "little")


def mask(ratios, seed, key, epoch, low, high, rule):
    g = np.random.Philox(
        key=np.array([seed, key_hash(key)], np.uint64), counter=np.array([0, epoch, 0, 0], np.uint64))
    u = int(g.random_raw(1)[0])
    r = low + (high - low) * ((u >> 11) * 2.0**-53) if high != low else low
    wide = ratios.astype("<f8")
    for attempt in range(65):
        order = np.argsort(g.random_raw(len(ratios)), kind="stable")
        c = np.cumsum(wide[order])
        m = int(np.argmin(np.abs(c - r)))
        if rule == "closest":
            m += 1
        if m > 0:
            break
    m = max(m, 1)
    bits = np.zeros(len(ratios), np.uint8)
    bits[order[:m]] = 1
    return {
        "seed": seed, "key": key.decode(), "keyHash": key_hash(key), "epoch": epoch, "low": low, "high": high,
        "rule": rule, "bits": np.packbits(bits, bitorder="little").tobytes().hex(),
        "drawn": float(np.float32(r)), "realised": float(np.float32(c[m - 1])),
    }


def spectra():
    falling = 1 / (1 + np.arange(700.0)) ** 1.4
    yield "falling", (falling / falling.sum()).astype("<f4")
    yield "steep", np.array([0.9, 0.05, 0.03, 0.01, 0.005], "<f4")
    yield "equal", np.full(64, 1 / 64, "<f4")
    yield "rank deficient", np.concatenate([falling[:40] / falling[:40].sum(), np.zeros(33)]).astype("<f4")
    yield "truncated", (falling[:100] / falling.sum() * 0.5).astype("<f4")
    yield "one", np.array([1.0], "<f4")
    yield "none", np.zeros(9, "<f4")


def main():
    rng = np.random.default_rng(20250211)
    rows = images(200, 8, rng)
    cases = [pca_case(rows, mode) for mode in ("feature", "channel", "none")]
    cases += [pca_case(rows[:50], mode) for mode in ("feature", "channel", "none")]
    versions = {"numpy": np.__version__, "sklearn": sklearn.__version__}
    GOLDENS.mkdir(exist_ok=True)
    encoded = base64.b64encode(rows.tobytes()).decode()
    pca = {"versions": versions, "features": rows.shape[1], "images": encoded, "cases": cases}
    (GOLDENS / "pca.json").write_text(json.dumps(pca))

    out = []
    for name, ratios in spectra():
        keys = [b"000010005", b"0", b"17", "caf\u00e9".encode(), b"batch:3", b"k" * 90]
        draws = [
            mask(ratios, seed, key, epoch, low, high, rule)
            for rule in ("closest", "reference")
            for low, high in ((0.2, 0.2), (0.5, 0.5), (0.1, 0.9), (1e-6, 1e-6), (0.999, 0.999))
            for seed, epoch, key in zip(
                (7, 0, 2**64 - 1, 7, 1, 5), (3, 0, 0, 2**64 - 1, 2, 1), keys)
        ]
        out.append({"name": name, "ratioBits": ratios.view("<u4").tolist(), "draws": draws})
    (GOLDENS / "masks.json").write_text(json.dumps({"versions": versions, "spectra": out}))


if __name__ == "__main__":
    main()

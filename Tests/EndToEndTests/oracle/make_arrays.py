"""Writes the arrays that the tests give to `tamis pca` and `tamis prune`.

usage: make_arrays.py pca|prune|mixture DIR
"""
import os
import sys

import numpy as np

kind, directory = sys.argv[1:3]
rng = np.random.default_rng(20240611)


def save(name, array):
    np.save(f"{directory}/{name}.npy", array)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def pca():
    # Smooth pictures with noise: a spectrum that falls as that of photographs does.
    ramps = rng.normal(size=(300, 1, 8, 3)).cumsum(2) + rng.normal(size=(300, 8, 1, 3)).cumsum(1)
    images = np.clip(128 + 30 * ramps + 8 * rng.normal(size=(300, 8, 8, 3)), 0, 255).astype(np.uint8)
    images[:, 0, 0, 0] = 200  # a constant feature, whose deviation is raised to the floor
    save("images", images)
    save("shuffled", images[rng.permutation(300)])
    save("few", images[:40])
    rows = rng.normal(size=(200, 30)) * np.geomspace(10, 0.1, 30) + 3
    save("rows_u1", np.clip(128 + 10 * rows, 0, 255).astype(np.uint8))
    for code in ("f2", "f4", "f8"):
        save("rows_" + code, rows.astype(code))
    save("fortran", np.asfortranarray(rows))


def prune():
    n, d, t = 600, 48, 32
    centres = unit(rng.normal(size=(15, d)))
    image = unit(centres[rng.integers(0, 15, n)] + rng.normal(size=(n, d)) * rng.uniform(0.02, 0.2, (n, 1)))
    # Near and exact copies.
    image[100:160] = unit(image[:60] + 0.02 * rng.normal(size=(60, d)))
    image[160:190] = image[:30]
    image = image.astype(np.float16)
    text = unit(rng.normal(size=(n, t))).astype(np.float16)
    text[::50] = 0  # samples without a caption
    joint = unit(text.astype(np.float32) + rng.normal(size=(n, t)) * rng.uniform(0.1, 1, (n, 1))).astype(np.float32)
    names = [f"k{v:06d}" for v in rng.permutation(n)]
    save("image", image)
    save("text", text)
    save("joint", joint)
    save("caption", unit(rng.normal(size=(n, d))).astype(np.float32))  # as wide as the image rows
    save("long", (image * np.float16(2)).astype(np.float32))  # not of unit length
    save("scores", rng.normal(size=n).round(1).astype(np.float32))  # with ties
    save("reference", unit(centres[:5] + 0.05 * rng.normal(size=(5, d))).astype(np.float32))
    save("gap", np.array([0.9, 0.8, 0.95, 0.5, 0.99], np.float32))
    save("centroids", unit(centres + 0.02 * rng.normal(size=(15, d))).astype(np.float32))
    save("dedup_centroids", unit(rng.normal(size=(3, d))).astype(np.float32))
    uids = np.zeros(n, "u8,u8")
    uids["f0"], uids["f1"] = rng.integers(0, 2**63, (2, n), dtype=np.uint64) * np.uint64(2)
    uids["f0"][:5] = 0  # equal high words; hexadecimal digits padded with zeros
    save("uids", uids)
    with open(directory + "/keys.txt", "w") as file:
        file.writelines(name + "\n" for name in names)
    with open(directory + "/short.txt", "w") as file:
        file.writelines(name + "\n" for name in names[:-1])
    bad(image)


def bad(image):
    nan, zero = image.copy(), image.copy()
    nan[7, 3], zero[9] = np.nan, 0
    save("nan", nan)
    save("zero", zero)
    save("integers", image.astype(np.int32))
    save("flat", image[:, 0])
    save("cube", image.reshape(600, 6, 8))
    save("empty", image[:0])
    save("narrow", image[:, :20])
    save("fewer", image[:-1])
    save("wide_uids", np.arange(600, dtype=np.uint64))
    np.save(directory + "/pickled.npy", np.array([{"a": 1}] * 600, dtype=object), allow_pickle=True)
    data = open(directory + "/image.npy", "rb").read()
    open(directory + "/truncated.npy", "wb").write(data[:-100])
    open(directory + "/header.npy", "wb").write(data[:40])
    open(directory + "/nothing.npy", "wb").write(b"")
    open(directory + "/text.npy.txt", "wb").write(b"not an array\n" * 20)
    np.savez(directory + "/archive.npz", image=image)


def mixture():
    """20 000 x 64 rows of a mixture with near and exact copies, once more in another order, and split in three."""
    n, d, t, k = 20_000, 64, 32, 40
    centres = unit(rng.normal(size=(k, d)))
    label = rng.choice(k, n, p=np.arange(1, k + 1) / np.arange(1, k + 1).sum())
    image = unit(centres[label] + rng.normal(size=(n, d)) * rng.uniform(0.03, 0.15, k)[label, None])
    image[12_000:15_000] = unit(image[:3_000] + rng.normal(size=(3_000, d)) * rng.uniform(0, 0.05, (3_000, 1)))
    image[15_000:16_000] = image[2_500:3_500]
    image = image.astype(np.float16)
    text = unit(rng.normal(size=(n, t))).astype(np.float16)
    text[::97] = 0
    joint = unit(text.astype(np.float32) + rng.normal(size=(n, t)) * rng.uniform(0.1, 1, (n, 1))).astype(np.float16)
    names = np.array([f"{v:x}" for v in rng.permutation(10 * n)[:n]])
    order = rng.permutation(n)
    save("order", order)
    for name, rows in (("image", image), ("text", text), ("joint", joint)):
        save(name, rows)
        save(name + "_moved", rows[order])
    for file, keys in (("keys.txt", names), ("keys_moved.txt", names[order])):
        with open(f"{directory}/{file}", "w") as target:
            target.writelines(name + "\n" for name in keys)
    os.mkdir(directory + "/pool")
    for part, (first, last) in enumerate(((0, 1), (1, 7_777), (7_777, n))):
        np.savez(f"{directory}/pool/{part}.npz", image=image[first:last], text=text[first:last], joint=joint[first:last])
    save("reference", unit(centres[:30] + 0.1 * rng.normal(size=(30, d))).astype(np.float32))
    save("gap", rng.uniform(0.7, 0.95, 30).astype(np.float32))
    centroids = unit(centres + 0.02 * rng.normal(size=(k, d))).astype(np.float32)
    save("centroids", centroids)
    # Two that no row is nearest to, one twice, one row for itself.
    save("centroids_spare", np.concatenate([centroids, -centroids[:2], centroids[3:4], image[7:8].astype(np.float32)]))
    save("dedup_centroids", unit(rng.normal(size=(60, d))).astype(np.float32))


{"pca": pca, "prune": prune, "mixture": mixture}[kind]()

"""Embeddings in all the forms that Tamis imports, written by NumPy and zipfile.

usage: import_rows.py arrays DIR              other forms of what `make_arrays.py prune DIR` wrote
       import_rows.py rows WORKSPACE DIR      rows for the samples of an ingested workspace
       import_rows.py check WORKSPACE COLUMN FILE.npy KEYS.txt [unit]
                                              that the column has these rows; unit: divided by their lengths
       import_rows.py scores WORKSPACE DIR KEEP
       import_rows.py bombs DIR
"""
import json
import os
import sys
import zipfile

import numpy as np


def save(path, array):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    np.save(path, array)


def zip64(path, **arrays):
    """Every size and offset in 64 bits."""
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 1
    np.savez_compressed(path, **arrays)
    zipfile.ZIP64_LIMIT = limit


def forms(directory, image, text):
    """The same rows in many forms."""
    half = image.astype("<f2")
    save(f"{directory}/big.npy", half.astype(">f2"))
    save(f"{directory}/fortran.npy", np.asfortranarray(half))
    save(f"{directory}/big-fortran.npy", np.asfortranarray(half.astype(">f2")))
    single = half.astype("<f4")
    save(f"{directory}/single.npy", single)
    save(f"{directory}/single-big.npy", single.astype(">f4"))
    save(f"{directory}/single-big-fortran.npy", np.asfortranarray(single.astype(">f4")))
    save(f"{directory}/double.npy", single.astype("<f8"))
    np.savez(f"{directory}/stored.npz", l14_img=half, l14_txt=text)
    np.savez_compressed(f"{directory}/deflated.npz", l14_img=half, l14_txt=text)
    np.savez_compressed(f"{directory}/columns.npz", l14_img=np.asfortranarray(half.astype(">f2")))
    zip64(f"{directory}/zip64.npz", l14_img=half, l14_txt=text)
    # A pool: stems bytewise are B, a, a-b. File names bytewise would be B, a-b, a.
    cuts = [0, len(half) // 5, len(half) // 2, len(half)]
    os.makedirs(directory + "/pool", exist_ok=True)
    for stem, start, end in zip(["B", "a", "a-b"], cuts, cuts[1:]):
        np.savez_compressed(f"{directory}/pool/{stem}.npz", l14_img=half[start:end], l14_txt=text[start:end])
        open(f"{directory}/pool/{stem}.parquet", "wb").write(b"PAR1")
    # A clip-retrieval folder of 11 parts: padded numbers for images; for captions not, so that 10 comes before 2.
    for i, rows in enumerate(np.array_split(half, 11)):
        save(f"{directory}/clip/img_emb/img_emb_{i:02}.npy", rows)
    for i, rows in enumerate(np.array_split(text, 11)):
        save(f"{directory}/clip/text_emb/text_emb_{i}.npy", rows)
    os.makedirs(directory + "/clip/metadata", exist_ok=True)
    open(directory + "/clip/metadata/metadata_00.parquet", "wb").write(b"PAR1")


def arrays(directory):
    forms(directory, np.load(directory + "/image.npy"), np.load(directory + "/text.npy"))


def workspace_keys(workspace):
    shards = sorted(os.listdir(workspace + "/columns"), key=os.fsencode)
    return [(s, open(f"{workspace}/columns/{s}/keys.txt", "rb").read().split(b"\n")[:-1]) for s in shards]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def rows(workspace, directory):
    rng = np.random.default_rng(7)
    keys = [key for _, names in workspace_keys(workspace) for key in names]
    n, d = len(keys), 40
    centres = unit(rng.normal(size=(12, d)))
    image = unit(centres[rng.integers(0, 12, n)] + 0.1 * rng.normal(size=(n, d))).astype("<f2")
    text = unit(rng.normal(size=(n, 24))).astype("<f2")
    text[::40] = 0  # samples without a caption
    forms(directory, image, text)
    save(directory + "/image.npy", image)
    save(directory + "/text.npy", text)
    # Captions in the images' space.
    caption = unit(image.astype("<f4") + rng.normal(size=(n, d)) * rng.uniform(0.05, 0.3, (n, 1))).astype("<f4")
    caption[::40] = 0
    save(directory + "/caption.npy", caption)
    save(directory + "/long.npy", image.astype("<f4") * rng.uniform(0.5, 3, (n, 1)).astype("<f4"))
    # In another order, with rows of samples that are not there; those may be anything.
    order = rng.permutation(n + 30)
    more = np.concatenate([image, np.full((30, d), np.nan, "<f2")])[order]
    more_text = np.concatenate([text, np.zeros((30, 24), "<f2")])[order]
    more_keys = np.array(keys + [b"absent%d" % i for i in range(30)], dtype=object)[order]
    save(directory + "/shuffled.npy", more)
    save(directory + "/shuffled-fortran.npy", np.asfortranarray(more))
    np.savez_compressed(directory + "/shuffled.npz", img=more, txt=more_text)
    np.savez_compressed(directory + "/shuffled-columns.npz", img=np.asfortranarray(more.astype(">f4")))
    write_keys(directory + "/shuffled.txt", more_keys)
    write_keys(directory + "/keys.txt", keys)
    # What must be refused.
    save(directory + "/fewer.npy", image[:-1])
    write_keys(directory + "/fewer.txt", keys[:-1])
    write_keys(directory + "/lacking.txt", [k if i not in (5, 77, 301) else b"other%d" % i for i, k in enumerate(keys)])
    write_keys(directory + "/twice.txt", keys[:9] + keys[4:5] + keys[10:])
    write_keys(directory + "/gap.txt", keys[:9] + [b""] + keys[10:])
    nan, zero = image.copy(), image.copy()
    nan[17, 3], zero[9] = np.nan, 0
    save(directory + "/nan.npy", nan)
    save(directory + "/zero.npy", zero)
    save(directory + "/hole/img_emb/img_emb_0.npy", image)
    save(directory + "/hole/img_emb/img_emb_2.npy", image)
    print(n)


def write_keys(path, keys):
    open(path, "wb").write(b"".join(key + b"\n" for key in keys))


def check(workspace, column, file, names, *how):
    given = np.load(file, allow_pickle=False)
    row = {key: i for i, key in enumerate(open(names, "rb").read().split(b"\n")[:-1])}
    total = 0
    for shard, keys in workspace_keys(workspace):
        found = np.load(f"{workspace}/columns/{shard}/{column}.npy", allow_pickle=False)
        expected = given[[row[key] for key in keys]]
        if how == ("unit",):
            wide = expected.astype(np.float64)
            expected = (wide / np.sqrt((wide * wide).cumsum(1)[:, -1:])).astype(np.float32)
        assert found.dtype == np.dtype("<f2")
        assert np.array_equal(found.view("u2"), expected.astype("<f2").view("u2")), shard
        manifest = json.load(open(f"{workspace}/columns/{shard}/manifest.json"))
        assert manifest["encoders"][column].startswith("file"), manifest["encoders"]
        total += len(keys)
    print(total)


def scores(workspace, directory, keep):
    image = np.load(directory + "/image.npy").astype(np.float64)
    caption = np.load(directory + "/caption.npy").astype("<f2").astype(np.float64)
    expected = (image * caption).cumsum(1)[:, -1].astype("<f4")
    expected[(caption == 0).all(1)] = np.nan
    verdicts = np.concatenate(
        [np.load(f"{workspace}/verdicts/{s}.npy", allow_pickle=False) for s, _ in workspace_keys(workspace)])
    assert np.array_equal(verdicts["score"], expected, equal_nan=True)
    number = int(float(keep) * len(expected))
    least = np.sort(expected[~np.isnan(expected)])[::-1][number - 1]
    assert np.array_equal(verdicts["kept"], expected >= least)
    print(len(verdicts))


def bombs(directory):
    os.makedirs(directory, exist_ok=True)
    # 120 MB of zeros in 120 kB, with an honest header.
    with zipfile.ZipFile(directory + "/bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("rows.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "<f4", "fortran_order": False, "shape": (30_000, 1000)})
            for _ in range(120):
                file.write(bytes(1_000_000))
    # The directory says that the member is small.
    data = open(directory + "/bomb.npz", "rb").read()
    entry = data.rindex(b"PK\x01\x02")
    open(directory + "/small.npz", "wb").write(
        data[:entry + 24] + (128 + 4 * 1000 * 4).to_bytes(4, "little") + data[entry + 28:])
    # The array says that it is small.
    with zipfile.ZipFile(directory + "/header.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("rows.npy", "w") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (4, 1000)})
            for _ in range(20):
                file.write(bytes(1_000_000))


if __name__ == "__main__":
    {"arrays": arrays, "rows": rows, "check": check, "scores": scores, "bombs": bombs}[sys.argv[1]](*sys.argv[2:])

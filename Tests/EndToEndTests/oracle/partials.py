"""Makes arrays in pieces, and checks partial statistics with NumPy's 64-bit integers.

    partials.py make FOLDER             whole.npy and, for each split s, FOLDER/s<s>/p<i>.npy (8 x 8 images)
    partials.py check DIR X.npy         prints `ok N` when DIR holds the sums of X
    partials.py broken DIR FOLDER       copies of DIR, each with one fault
    partials.py agree A B               prints `ok` when two PCAs are the same but for what was read
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy

what, paths = sys.argv[1], [Path(path) for path in sys.argv[2:]]


def planar(x: numpy.ndarray) -> numpy.ndarray:
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1) if x.ndim == 4 else x


if what == "make":
    folder = paths[0]
    random = numpy.random.default_rng(7)
    # Blobs of correlated pixels, with runs of black and of white images among them.
    base = random.integers(0, 256, (20_000, 4, 4, 3)).repeat(2, 1).repeat(2, 2)
    x = numpy.clip(base + random.integers(-20, 21, (20_000, 8, 8, 3)), 0, 255).astype(numpy.uint8)
    x[:1100], x[5000:6500] = 0, 255
    x[:, 0, 0, 0] = 77
    numpy.save(folder / "whole.npy", x)
    # Two other sizes, an array of rows, and floats: not to be merged with the rest.
    numpy.save(folder / "other.npy", x[:50, :4])
    numpy.save(folder / "rows.npy", planar(x[:50]))
    numpy.save(folder / "floats.npy", planar(x[:50]).astype(numpy.float32) / 255)
    for split in range(7):
        parts = folder / f"s{split}"
        parts.mkdir()
        order = random.permutation(len(x)) if split else numpy.arange(len(x))
        cuts = numpy.sort(random.choice(numpy.arange(1, len(x)), 2 + split, replace=False))
        if split == 0:
            cuts = [1, 1024, 2048, 3073, 6000]  # pieces of 1, 1 023, 1 024, 1 025 rows, black and white ones too
        for i, rows in enumerate(numpy.split(order, cuts)):
            numpy.save(parts / f"p{i}.npy", x[rows])
elif what == "check":
    folder, x = paths[0], planar(numpy.load(paths[1])).astype(numpy.int64) - 128
    manifest = json.loads((folder / "manifest.json").read_text())
    count, sums, products = (numpy.load(folder / f"{name}.npy") for name in ("count", "sums", "products"))
    assert [a.dtype.str for a in (count, sums, products)] == ["<i8"] * 3
    assert count.tolist() == [len(x)] and manifest["samples"] == len(x)
    assert (sums == x.sum(0)).all()
    assert (products == (x.T @ x)[numpy.triu_indices(x.shape[1])]).all()
    for name, entry in manifest["files"].items():
        bytes_ = (folder / name).read_bytes()
        assert entry == {"bytes": len(bytes_), "sha256": hashlib.sha256(bytes_).hexdigest()}
    print("ok", len(x))
elif what == "broken":
    source, folder = paths
    manifest = json.loads((source / "manifest.json").read_text())

    def fault(name: str) -> Path:
        shutil.copytree(source, folder / name)
        return folder / name

    def rewrite(name: str, file: str, values: numpy.ndarray) -> None:
        """With a manifest that fits, so that only the numbers are wrong."""
        broken = fault(name)
        numpy.save(broken / file, values)
        bytes_ = (broken / file).read_bytes()
        entry = {"bytes": len(bytes_), "sha256": hashlib.sha256(bytes_).hexdigest()}
        text = json.dumps({**manifest, "files": {**manifest["files"], file: entry}})
        (broken / "manifest.json").write_text(text)

    (fault("no-manifest") / "manifest.json").unlink()
    (fault("no-sums") / "sums.npy").unlink()
    (fault("text") / "manifest.json").write_text("{}")
    (fault("offset") / "manifest.json").write_text(json.dumps({**manifest, "offset": 0}))
    (fault("samples") / "manifest.json").write_text(json.dumps({**manifest, "samples": -1}))
    cut = fault("cut") / "products.npy"
    cut.write_bytes(cut.read_bytes()[:-8])
    flipped = fault("flipped") / "products.npy"
    flipped.write_bytes(flipped.read_bytes()[:-1] + b"\x01")
    products = numpy.load(source / "products.npy")
    rewrite("short", "products.npy", products[:-1])
    rewrite("dtype", "products.npy", products.astype("<f8"))
    rewrite("negative", "products.npy", numpy.concatenate([[-1], products[1:]]))
    rewrite("huge", "products.npy", numpy.concatenate([[2**60], products[1:]]))
    rewrite("sums", "sums.npy", numpy.full_like(numpy.load(source / "sums.npy"), 2**62))
    rewrite("count", "count.npy", numpy.array([1], "<i8"))
elif what == "agree":
    one, two = paths
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir()), names
    for name in names:
        if name != "manifest.json":
            assert (one / name).read_bytes() == (two / name).read_bytes(), name
    manifests = [json.loads((path / "manifest.json").read_text()) for path in paths]
    for manifest in manifests:
        manifest.pop("key")  # names the files that were read
    assert manifests[0] == manifests[1]
    print("ok")

#!/usr/bin/env python3
"""Writes ../Goldens/*.npz: archives as numpy.savez and zipfile write them.

    python3 Tests/ShardsTests/oracle/make_npz.py          # needs numpy; made with 2.4.6 and Python 3.11
"""
import io
import pathlib
import zipfile

import numpy as np

GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "Goldens"
MATRIX = np.arange(15, dtype=np.float64).reshape(5, 3) * 0.5 - 2
ARRAYS = {
    "f2": MATRIX.astype("<f2"),
    "f4": MATRIX.astype("<f4"),
    "f8": MATRIX,
    "f4_big": MATRIX.astype(">f4"),
    "f2_fortran": np.asfortranarray(MATRIX.astype("<f2")),
    "f4_big_fortran": np.asfortranarray(MATRIX.astype(">f4")),
}
# More than any buffer holds.
LONG = (np.arange(400_000, dtype=np.float32) % 251).reshape(100_000, 4)


class Pipe(io.RawIOBase):
    """A stream that cannot go back, so that zipfile writes sizes behind the data."""

    def __init__(self):
        self.bytes = b""

    def writable(self):
        return True

    def write(self, data):
        self.bytes += bytes(data)
        return len(data)


np.savez(GOLDENS / "stored.npz", **ARRAYS)
np.savez_compressed(GOLDENS / "deflated.npz", **ARRAYS, long=LONG, empty=MATRIX[:0].astype("<f4"))
pipe = Pipe()
np.savez_compressed(pipe, **ARRAYS)
(GOLDENS / "streamed.npz").write_bytes(pipe.bytes)
with zipfile.ZipFile(GOLDENS / "one.npz", "w") as archive:
    archive.comment = b"the only array is rows"
    archive.writestr("readme.txt", "not an array")
    with archive.open("rows.npy", "w") as file:
        np.save(file, ARRAYS["f4"])
zipfile.ZIP64_LIMIT = 1  # every size and offset is written in 64 bits
np.savez_compressed(GOLDENS / "zip64.npz", **ARRAYS)

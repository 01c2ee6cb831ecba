#!/usr/bin/env python3
"""Writes ../Goldens: what numpy.save and tarfile write, which Tamis must read or write byte for byte.

    python3 Tests/ShardsTests/oracle/make_goldens.py          # needs numpy; made with 2.4.6 and Python 3.11
"""
import pathlib

import numpy as np

GOLDENS = pathlib.Path(__file__).resolve().parent.parent / "Goldens"


def save(name, array, version=None):
    with open(GOLDENS / name, "wb") as file:
        np.lib.format.write_array(file, array, version=version, allow_pickle=False)


def arrays():
    matrix = np.arange(15, dtype=np.float64).reshape(5, 3) * 0.5 - 2
    for code in ("f2", "f4", "f8"):
        save(f"{code}.npy", matrix.astype("<" + code))
    save("f4-big.npy", matrix.astype(">f4"))
    save("f8-fortran.npy", np.asfortranarray(matrix))
    save("f4-big-fortran.npy", np.asfortranarray(matrix.astype(">f4")))
    save("v2.npy", matrix, (2, 0))
    save("v3.npy", matrix, (3, 0))
    save("u1-4d.npy", np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3))
    save("vector-i8.npy", np.array([-1, 0, 1 << 40], "<i8"))
    save("vector-i8-big.npy", np.array([-1, 0, 1 << 40], ">i8"))
    save("vector-u8.npy", np.array([0, 1, 2**64 - 1], "<u8"))
    save("vector-f4.npy", np.array([-1.5, 0.25, 3], "<f4"))
    save("vector-f8.npy", np.array([-1.5, 0.1, 3], "<f8"))
    save("vector-b1.npy", np.array([True, False, True]))
    save("datacomp.npy", np.array([(1, 2), (3, 4), (5, 6)], "u8,u8"))


if __name__ == "__main__":
    GOLDENS.mkdir(exist_ok=True)
    arrays()

#!/usr/bin/env python3
"""Writes ../Goldens: what numpy.save and tarfile write, which Tamis must read or write byte for byte.

    python3 Tests/ShardsTests/oracle/make_goldens.py          # needs numpy; made with 2.4.6 and Python 3.11
"""
import gzip
import io
import itertools
import pathlib
import re
import tarfile

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


def headers():
    """One header a line in hex: the bytes numpy.save puts before the data."""
    record = [("width", "<u4"), ("offset", "<u8"), ("depth", "|u1")]
    cases = [("<f4", (3,)), ("<f4", (0,)), ("<f2", (2, 512)), ("|u1", (1234567, 32, 32, 3)), ("|b1", (10**12,)),
             (np.dtype("u8,u8"), (3,)), (np.dtype(record), (5,)), ("<i8", (2, 3, 4))]
    with open(GOLDENS / "headers.txt", "w") as file:
        for dtype, shape in cases:
            out = io.BytesIO()
            descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
            np.lib.format.write_array_header_1_0(out, {"descr": descr, "fortran_order": False, "shape": shape})
            file.write(out.getvalue().hex() + "\n")


def splits():
    expression = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")  # webdataset's
    with open(GOLDENS / "splits.tsv", "w") as file:
        for length in range(1, 7):
            for letters in itertools.product("a./", repeat=length):
                name = "".join(letters)
                match = expression.match(name)
                file.write("\t".join([name, *match.groups()] if match else [name]) + "\n")


def add(tar, name, data, **fields):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode, info.uid, info.gid, info.uname, info.gname, info.mtime = 0o444, 0, 0, "bigdata", "bigdata", 0
    for field, value in fields.items():
        setattr(info, field, value)
    tar.addfile(info, io.BytesIO(data))


def tars():
    for name, form in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        with tarfile.open(GOLDENS / f"{name}.tar", "w", format=form) as tar:
            add(tar, "dir", b"", type=tarfile.DIRTYPE)
            add(tar, "short.txt", b"first")
            add(tar, "link.jpg", b"", type=tarfile.SYMTYPE, linkname="short.txt")
            add(tar, "hard.jpg", b"", type=tarfile.LNKTYPE, linkname="short.txt")
            add(tar, "fifo.jpg", b"", type=tarfile.FIFOTYPE)
            add(tar, "d" * 99 + "/" + "k" * 60 + ".txt", b"second")
    # What ShardWriterTests writes: sizes around a block, and an end marker that spills into the next record.
    for name, sizes in (("written", [0, 1, 511, 512, 513, 3000]), ("written-9728", [512] * 8 + [1024])):
        with tarfile.open(GOLDENS / f"{name}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for index, size in enumerate(sizes):
                add(tar, f"{index:09}.jpg", bytes(i % 251 for i in range(size)))
                if name == "written":
                    add(tar, f"{index:09}.json", b"{}")
                    add(tar, f"{index:09}.txt", f"caption {index}".encode())
    plain = (GOLDENS / "written.tar").read_bytes()
    parts = [plain[:1000], plain[1000:1001], plain[1001:]]
    (GOLDENS / "members.tar.gz").write_bytes(b"".join(gzip.compress(p, mtime=0) for p in parts) + bytes(100))


def indexes():
    """DALI's index of the tars that ShardWriterTests writes, from where tarfile finds their members."""
    for name in ("written", "written-9728"):
        lines = {}
        with tarfile.open(GOLDENS / f"{name}.tar") as tar:
            for member in tar:
                key, field = member.name.split(".")
                lines.setdefault(key, []).append(f"{field} {member.offset_data} {member.size} {member.name}")
        text = "".join(" ".join(line) + "\n" for line in lines.values())
        (GOLDENS / f"{name}.idx").write_text(f"v1.2 {len(lines)}\n{text}")


def block(name, data):
    """A member as Tests/ShardsTests/Shards.swift's TarBuilder writes it."""
    header = bytearray(512)
    header[0:len(name)] = name.encode()
    header[100:107] = b"0000644"
    header[124:135] = b"%011o" % len(data)
    header[156:157] = b"0"
    header[257:265] = b"ustar\x0000"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    return bytes(header) + data + bytes(-len(data) % 512)


def small():
    """The `smallShard` of the tests, compressed by Python's zlib."""
    tar = b"".join(block(f"0000{i}.jpg", b"j" * (700 + i)) + block(f"0000{i}.txt", b"caption %d" % i) for i in range(3))
    (GOLDENS / "small.tar.gz").write_bytes(gzip.compress(tar + bytes(1024), mtime=0))


if __name__ == "__main__":
    GOLDENS.mkdir(exist_ok=True)
    arrays()
    headers()
    splits()
    tars()
    indexes()
    small()

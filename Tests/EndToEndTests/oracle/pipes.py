"""Treats `tamis pipe` as its neighbours in a pipe do. What comes out is read with tarfile and libzstd.

    pipes.py CASE TAMIS SHARD [ARGUMENT...]     prints "ok" and what was seen, or fails
"""

import ctypes
import ctypes.util
import fcntl
import io
import os
import pty
import select
import socket
import subprocess
import sys
import tarfile
import time

LONG = 120
# The one sample of the shard that has no image.
BAD = ["000000012"]
SAYS = "tamis: stdin:120320:000000012.jpg: not_an_image: the file is HTML or XML text\n"


def keys(data, wholes_only=False):
    """Keys of the samples in a possibly cut tar, in order; `wholes_only`: a cut last member does not count."""
    found = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if wholes_only and member.offset_data + member.size > len(data):
                    break
                key = member.name.split(".", 1)[0]
                if not found or found[-1] != key:
                    found.append(key)
    except tarfile.ReadError:
        pass
    return found


class Inflater:
    """What libzstd makes of a stream that has not ended yet."""

    class Buffer(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t)]

    def __init__(self):
        self.library = ctypes.CDLL(ctypes.util.find_library("zstd"))
        self.library.ZSTD_createDStream.restype = ctypes.c_void_p
        self.library.ZSTD_decompressStream.restype = ctypes.c_size_t
        self.stream = ctypes.c_void_p(self.library.ZSTD_createDStream())

    def __call__(self, data):
        source = ctypes.create_string_buffer(data, len(data))
        room = ctypes.create_string_buffer(1 << 20)
        given = self.Buffer(ctypes.addressof(source), len(data), 0)
        result = b""
        while True:
            got = self.Buffer(ctypes.addressof(room), len(room), 0)
            code = self.library.ZSTD_decompressStream(self.stream, ctypes.byref(got), ctypes.byref(given))
            assert not self.library.ZSTD_isError(ctypes.c_size_t(code)), "libzstd does not like it"
            result += room.raw[: got.position]
            if given.position == given.size and got.position < got.size:
                return result


def half(tamis, shard, *arguments):
    """Half of a shard goes in and no more: the samples in it come out. Then the rest."""
    data = open(shard, "rb").read()
    cut = len(data) // 2 + 77
    # The header of the next sample tells that one is whole.
    expected = keys(data[:cut])[:-1]
    process = subprocess.Popen([tamis, "pipe", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    fcntl.fcntl(process.stdin.fileno(), fcntl.F_SETFL, os.O_NONBLOCK)
    inflate = Inflater() if "tar.zst" in arguments else lambda data: data
    whole = keys(subprocess.run([tamis, "pipe", *arguments[:-2]] if "tar.zst" in arguments else
                                [tamis, "pipe", *arguments], stdin=open(shard, "rb"), capture_output=True).stdout)
    expected = [key for key in expected if key in whole]
    out, given, end = b"", 0, time.monotonic() + LONG

    def turn(limit):
        nonlocal out, given
        writes = [process.stdin] if given < limit else []
        readable, writable, _ = select.select([process.stdout], writes, [], 1)
        if writable:
            given += os.write(process.stdin.fileno(), data[given : min(limit, given + 65536)])
        if readable:
            piece = os.read(process.stdout.fileno(), 1 << 20)
            out += inflate(piece) if piece else b""
            return bool(piece)
        return True

    while keys(out, wholes_only=True) != expected:
        assert time.monotonic() < end, f"{len(keys(out, True))} samples came out, not {len(expected)}"
        assert turn(cut), "the output ended"
    seen = len(keys(out, True))
    while given < len(data):
        turn(len(data))
    process.stdin.close()
    while turn(0):
        pass
    assert process.wait() == 0
    assert keys(out) == whole, "the rest is missing"
    print("ok", seen, "of", len(whole), "samples before the second half went in")


def gone(tamis, shard):
    """The reader leaves: 141 and no word, also while the input waits."""
    command = f"'{tamis}' pipe < '{shard}' | head -c 1000 > /dev/null; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stdout == "141\n" and result.stderr in ["", SAYS], result
    for restore in [True, False]:  # SIGPIPE as a shell leaves it, and ignored
        process = subprocess.Popen([tamis, "pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, restore_signals=restore)
        process.stdin.write(open(shard, "rb").read()[:300_000])
        process.stdin.flush()
        assert os.read(process.stdout.fileno(), 1000)
        process.stdout.close()
        assert process.wait(LONG) == 141, process.returncode
        assert process.stderr.read().decode() in ["", SAYS]
    print("ok")


def failed(tamis, shard, report):
    """Reading fails in the middle (the other end of a socket went without reading): 74 after the whole samples."""
    data = open(shard, "rb").read()[:500_000]
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([tamis, "pipe", "--report", report], stdin=theirs, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    theirs.send(b"never read")
    theirs.close()
    ours.sendall(data)
    ours.close()
    out, errors = process.communicate(timeout=LONG)
    assert process.returncode == 74, (process.returncode, errors)
    assert errors.decode() == SAYS + "tamis: stdin: read: Connection reset by peer\n", errors
    expected = [key for key in keys(data)[:-1] if key not in BAD]
    assert keys(out) == expected and out.endswith(bytes(1024)), len(keys(out))
    print("ok", open(report).read())


def broken(tamis, shard, report):
    """The device fails in the middle: the same."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", shard, "-e", "trace=read", "-e",
               "inject=read:error=EIO:when=2", tamis, "pipe", "--report", report]
    result = subprocess.run(command, stdin=open(shard, "rb"), capture_output=True, timeout=LONG)
    assert result.returncode == 74, result.returncode
    assert result.stderr.decode() == SAYS + "tamis: stdin: read: Input/output error\n", result.stderr
    out = keys(result.stdout)
    assert out and result.stdout.endswith(bytes(1024)) and f'"kept" : {len(out)}' in open(report).read()
    print("ok")


def terminal(tamis, shard):
    """A terminal on either side is a mistake."""
    theirs, ours = pty.openpty()
    into = subprocess.run([tamis, "pipe"], stdin=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LONG)
    assert into.returncode == 2 and b"Standard input is a terminal" in into.stderr, into
    out = subprocess.run([tamis, "pipe"], stdin=open(shard), stdout=ours, stderr=subprocess.PIPE, timeout=LONG)
    assert out.returncode == 2 and b"Standard output is a terminal" in out.stderr, out
    print("ok")


def slow(tamis, shard):
    """Bytes in small pieces on both sides, through descriptors that do not wait: nothing is lost."""
    data = open(shard, "rb").read()
    plain = subprocess.run([tamis, "pipe"], input=data, capture_output=True, check=True).stdout
    (reading, feeding), (taking, writing) = os.pipe(), os.pipe()
    for descriptor in [reading, feeding, taking, writing]:
        os.set_blocking(descriptor, False)
    process = subprocess.Popen([tamis, "pipe"], stdin=reading, stdout=writing)
    os.close(reading)
    os.close(writing)
    out, given, step = b"", 0, 0
    while True:
        step += 1
        time.sleep(0.0005)
        if given < len(data):
            try:
                given += os.write(feeding, data[given : given + 1777 + step % 4000])
            except BlockingIOError:
                pass
            if given == len(data):
                os.close(feeding)
        try:
            piece = os.read(taking, 3331)
            if not piece:
                break
            out += piece
        except BlockingIOError:
            pass
    assert process.wait() == 0
    assert out == plain, (len(out), len(plain))
    print("ok")


def webdataset(tamis, shard):
    """webdataset reads the output of a `pipe:` URL, to its end and not."""
    import webdataset as wds
    from PIL import Image

    folder = os.path.dirname(tamis)
    os.environ["PATH"] = folder + ":" + os.environ["PATH"]
    direct = [s["__key__"] for s in wds.WebDataset(shard, shardshuffle=False)]
    sound = [key for key in keys(subprocess.run([tamis, "pipe"], stdin=open(shard), capture_output=True).stdout)]
    for command in [f"pipe:cat {shard} | tamis pipe", f"pipe:tamis pipe < {shard}"]:
        samples = list(wds.WebDataset(command, shardshuffle=False))
        assert [s["__key__"] for s in samples] == sound and set(sound) <= set(direct)
        assert all(Image.open(io.BytesIO(s["jpg"])).size[0] > 0 for s in samples if "jpg" in s)
        # A reader that has enough closes the pipe.
        for number, _ in enumerate(wds.WebDataset(command, shardshuffle=False)):
            if number == 3:
                break
    print("ok", len(sound))


if __name__ == "__main__":
    case, *rest = sys.argv[1:]
    globals()[case](*rest)

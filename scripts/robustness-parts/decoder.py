"""Tamis' decoder as a child process: one path in, one image or reject code out."""
import pathlib
import resource
import subprocess

import numpy as np


class Crash(Exception):
    """The decoder ended; the argument says how."""


class Decoder:
    """`decode-dump`; started again after a crash."""

    def __init__(self, binary, *arguments):
        self.command = [str(binary), *arguments]
        self.child = None

    def start(self):
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def grow_at_most(self, count):
        """From now on the process gets `count` more bytes of address space than it has, and no more (prlimit)."""
        pages = int(pathlib.Path(f"/proc/{self.child.pid}/statm").read_text().split()[0])
        hard = resource.prlimit(self.child.pid, resource.RLIMIT_AS)[1]
        resource.prlimit(self.child.pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + count, hard))

    def __call__(self, path):
        """(code, memory, message, pixels); code is `ok` for an image, memory what its header announces."""
        if self.child is None or self.child.poll() is not None:
            self.start()
        try:
            self.child.stdin.write(str(path).encode() + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.child.stdout.readline()
        if not line.endswith(b"\n"):
            status = self.child.wait()
            raise Crash(f"exit {status}: {self.child.stderr.read()[-300:].decode(errors='replace')}")
        code, memory, rest = line.decode().rstrip("\n").split(" ", 2)
        if code != "ok":
            return code, int(memory), rest, None
        width, height = map(int, rest.split())
        pixels = np.frombuffer(self.child.stdout.read(width * height * 3), np.uint8).reshape(height, width, 3)
        return code, int(memory), "", pixels

    def close(self):
        if self.child is not None:
            self.child.stdin.close()
            self.child.stdout.close()
            self.child.wait()
            self.child = None


def run_bounded(binary, path, memory, warm, *arguments):
    """Decodes in a fresh process that may take what the header announced, the file three times and 16 MiB more.

    `warm` is a small file that is decoded first, so that libraries are loaded. Returns the code; raises Crash.
    """
    decoder = Decoder(binary, *arguments)
    try:
        decoder(warm)
        decoder.grow_at_most(memory + 3 * path.stat().st_size + (16 << 20))
        return decoder(path)[0]
    finally:
        decoder.close()

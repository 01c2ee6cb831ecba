"""Tamis' decoder as a child process: one path in, one image or reject code out."""
import subprocess

import numpy as np


class Crash(Exception):
    """The decoder ended; the argument says how."""


class Decoder:
    """`decode-dump` under an address space limit; started again after a crash."""

    def __init__(self, binary, address_space, *arguments):
        self.command = ["prlimit", f"--as={address_space}", str(binary), *arguments]
        self.child = None

    def start(self):
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __call__(self, path):
        """(code, message, pixels, facts); code is `ok` for an image."""
        if self.child is None or self.child.poll() is not None:
            self.start()
        try:
            self.child.stdin.write(str(path).encode() + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.child.stdout.readline()
        code, _, rest = line.decode().rstrip("\n").partition(" ")
        if not line.endswith(b"\n"):
            status = self.child.wait()
            raise Crash(f"exit {status}: {self.child.stderr.read()[-300:].decode(errors='replace')}")
        if code != "ok":
            return code, rest, None, None
        width, height, depth, cost, memory = map(int, rest.split())
        pixels = np.frombuffer(self.child.stdout.read(width * height * 3), np.uint8).reshape(height, width, 3)
        return code, "", pixels, (depth, cost, memory)

    def close(self):
        if self.child is not None:
            self.child.stdin.close()
            self.child.wait()

"""Rows 3 and 4 of the budgets: PCA, masks and projection. Run by `make bench-pca`.

    run.py TAMIS WORKER FOLDER      QUICK=1 in the environment: fewer images, one turn, no IncrementalPCA of them all

- fit: `tamis pca` on an array of u8 images (reading, hashing, fitting, writing; process start included) beside
  scikit-learn's PCA(covariance_eigh), given the same array in memory; each standardises first, as it must, and both
  make the full basis. IncrementalPCA gets the standardised floats in batches of 5 D, its own choice, and of D, the
  least with which it makes a full basis.
- Gram: images a second of the exact Gram in memory, counted as D^2 N operations, beside cblas_ssyrk of the
  system's OpenBLAS (the one Tamis links) on k = 4096 rows, both with two threads.
- masks: one core each; NumPy draws the same masks by the same rule (the test suite compares them).
- projection: one core each; cblas_sgemm of the same OpenBLAS and shape.

Peers take turns, ratios are of times of one turn, and the median over turns is printed, as Markdown.
"""

import ctypes
import os
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

tamis, worker, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
quick = os.environ.get("QUICK") == "1"
SIDE = 32
FEATURES = 3 * SIDE * SIDE
IMAGES = int(os.environ.get("IMAGES", 6_000 if quick else 50_000))
TURNS = 1 if quick else 3
SHORT_TURNS = 3 if quick else 7
MASKS = 2_000 if quick else 10_000
DEPTH = 4096
PROJECTED = 1024


def make_images(path: Path) -> None:
    """Random smooth colour fields with noise: a falling spectrum, as that of photographs."""
    random = np.random.default_rng(1)
    frequency = np.fft.fftfreq(SIDE)
    fall = 1 / (np.hypot(frequency[:, None], frequency[None]) + 0.5 / SIDE) ** 1.2
    images = np.empty((IMAGES, FEATURES), np.uint8)
    mix = np.linalg.cholesky(np.full((3, 3), 0.85) + 0.15 * np.eye(3))
    for first in range(0, IMAGES, 1000):
        noise = random.standard_normal((min(1000, IMAGES - first), 3, SIDE, SIDE))
        field = np.fft.ifft2(np.fft.fft2(noise) * fall).real
        field = np.einsum("ij,njyx->niyx", mix, field / field.std())
        images[first : first + 1000] = np.clip(128 + 60 * field, 0, 255).reshape(len(noise), -1)
    np.save(path, images)


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Worker:
    def __init__(self, *arguments: str):
        self.process = subprocess.Popen([worker, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def __call__(self, command: str) -> float:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline().split()[0]) / 1e9


class BLAS:
    """The system's OpenBLAS, the library that Tamis is linked with."""

    def __init__(self):
        self.library = ctypes.CDLL("libopenblas.so.0")
        self.library.openblas_get_corename.restype = ctypes.c_char_p

    def threads(self, count: int) -> None:
        self.library.openblas_set_num_threads(count)

    def ssyrk(self, a: np.ndarray, c: np.ndarray) -> None:
        """The upper triangle of aT a."""
        k, n = a.shape
        self.library.cblas_ssyrk(101, 121, 112, n, k, ctypes.c_float(1), pointer(a), n, ctypes.c_float(0), pointer(c), n)

    def sgemm(self, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
        """c = a bT."""
        (m, k), n = a.shape, len(b)
        self.library.cblas_sgemm(101, 111, 112, m, n, k, ctypes.c_float(1), pointer(a), k, pointer(b), k,
                                 ctypes.c_float(0), pointer(c), n)


def pointer(a: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(a.ctypes.data)


def standardized(images: np.ndarray) -> np.ndarray:
    x = images.astype(np.float32) / 255
    return (x - x.mean(0)) / np.maximum(x.std(0), 1 / 255 / 12**0.5)


def numpy_masks(ratios: np.ndarray, count: int) -> np.ndarray:
    wide = ratios.astype(np.float64)
    masks = np.empty((count, (len(wide) + 7) // 8), np.uint8)
    bits = np.empty(len(wide), np.uint8)
    for i in range(count):
        g = np.random.Philox(key=np.array([7, i], np.uint64), counter=np.zeros(4, np.uint64))
        raw = g.random_raw(len(wide) + 1)
        target = 0.1 + 0.8 * (int(raw[0]) >> 11) * 2.0**-53
        order = np.argsort(raw[1:], kind="stable")
        masked = 1 + np.argmin(np.abs(np.cumsum(wide[order]) - target))
        bits[:] = 0
        bits[order[:masked]] = 1
        masks[i] = np.packbits(bits, bitorder="little")
    return masks


def median(values) -> float:
    return statistics.median(values)


def row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def fits(images: np.ndarray, path: Path) -> None:
    from sklearn.decomposition import PCA, IncrementalPCA

    ours, theirs = [], []
    for _ in range(TURNS):
        ours.append(timed(lambda: subprocess.run([tamis, "pca", "--pixels", path, "-o", folder / "pca", "-q"], check=True)))
        theirs.append(timed(lambda: PCA(svd_solver="covariance_eigh").fit(standardized(images))))
    label = f"fit {IMAGES} × {FEATURES}"
    row(label, f"{median(ours):.1f} s", "scikit-learn covariance_eigh", f"{median(theirs):.1f} s",
        f"{median(b / a for a, b in zip(ours, theirs)):.2f}", "≥ 1.25")

    for factor in (5, 1):
        batch = factor * FEATURES
        sizes = [min(batch, IMAGES - first) for first in range(0, IMAGES, batch)]
        # The first of many batches give the time of all: each after the first takes the same.
        most = 2 if quick else 5
        part, sizes = len(sizes) > most, sizes[:most]
        z = standardized(images[: sum(sizes)])
        incremental = IncrementalPCA()
        times = [timed(lambda: incremental.partial_fit(z[end - size : end]))
                 for size, end in zip(sizes, np.cumsum(sizes))]
        whole = sum(times) + (median(times[1:]) * (IMAGES - sum(sizes)) / batch if part else 0)
        row(label, f"{median(ours):.1f} s", f"IncrementalPCA, batches of {batch}" + (", scaled up" if part else ""),
            f"{whole:.0f} s", f"{whole / median(ours):.1f}", "≥ 10")


def main() -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"images-{IMAGES}.npy"
    if not path.exists():
        make_images(path)
    images = np.load(path)
    blas = BLAS()
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    import sklearn

    print(f"{date.today()}, {model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; system OpenBLAS "
          f"kernel {blas.library.openblas_get_corename().decode()}, NumPy {np.__version__}, scikit-learn "
          f"{sklearn.__version__}; {TURNS} turns of the fits, {SHORT_TURNS} of the rest.\n")
    row("work", "Tamis", "peer", "peer's", "ratio", "goal")
    row(*["---"] * 6)
    fits(images, path)

    ours = Worker(str(path), str(folder / "pca"))
    a = images[np.arange(DEPTH) % IMAGES].astype(np.float32) - 128
    c = np.empty((FEATURES, FEATURES), np.float32)
    blas.threads(2)
    gram, syrk = [], []
    for turn in range(SHORT_TURNS + 1):
        gram.append(FEATURES**2 * IMAGES / ours("gram 2"))
        syrk.append(FEATURES**2 * DEPTH / timed(lambda: blas.ssyrk(a, c)))
    gram, syrk = gram[1:], syrk[1:]
    row(f"exact Gram, {IMAGES} × {FEATURES}", f"{median(gram) / 1e9:.0f} GF/s", f"ssyrk, k = {DEPTH}, two threads",
        f"{median(syrk) / 1e9:.0f} GF/s", f"{median(x / y for x, y in zip(gram, syrk)):.2f}", "≥ 0.8")

    ratios = np.load(folder / "pca" / "eigenvalues_ratio.npy")
    masks, peer = [], []
    for _ in range(SHORT_TURNS):
        masks.append(MASKS / ours(f"masks {MASKS}"))
        peer.append(MASKS // 10 / timed(lambda: numpy_masks(ratios, MASKS // 10)))
    row(f"masks, L = {len(ratios)}, one core", f"{median(masks):.0f}/s", "NumPy, the same masks", f"{median(peer):.0f}/s",
        f"{median(x / y for x, y in zip(masks, peer)):.1f}", "≥ 2; ≥ 25 000/s")

    basis = np.load(folder / "pca" / "pc_matrix.npy")
    z = standardized(images)[:PROJECTED].copy()
    c = np.empty((len(z), len(basis)), np.float32)
    blas.threads(1)
    projected, gemm = [], []
    for _ in range(SHORT_TURNS + 1):
        projected.append(len(z) / ours(f"project {len(z)}"))
        gemm.append(len(z) / timed(lambda: blas.sgemm(z, basis, c)))
    projected, gemm = projected[1:], gemm[1:]
    row(f"projection of {len(z)} rows, one core", f"{median(projected):.0f}/s", "sgemm", f"{median(gemm):.0f}/s",
        f"{median(x / y for x, y in zip(projected, gemm)):.2f}", "")
    print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")


main()

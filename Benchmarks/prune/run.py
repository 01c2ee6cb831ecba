"""The pruning rows of the budgets. Run by `make bench-prune`.

    run.py TAMIS WORKER FOLDER [REAL.npy]      QUICK=1: fewer rows, one turn

- k-means: KMeans.fit in memory (KMeansWorker) beside faiss.Kmeans(spherical), the same rows, all of which both train on
  (256 a centroid), at most the same rounds; both stop by themselves. Once more with faiss started from Tamis' first
  centroids. REAL.npy, unit rows <f2 or <f4, is measured the same way.
- near-duplicates and the whole: `tamis prune` as a process, from the file to the files, beside
  Benchmarks/peers/reference_prune.py, whose times begin when its modules are loaded and end before it writes anything.
- growth: `tamis prune` at 1, 4 and 16 times.

Two threads each, one process after the other. Prints Markdown.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date, datetime
from functools import cache
from pathlib import Path

import faiss
import numpy as np
import osqp

HERE = Path(__file__).resolve().parent
tamis, worker, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
quick = os.environ.get("QUICK") == "1"
DIMENSION = 512
ROWS = int(os.environ.get("ROWS", 125_000 if quick else 1_000_000))
CLUSTERS = 125 if quick else 500
EPSILON, CONCEPTS, KEEP = 0.07, 100, 0.4
ONLY = os.environ.get("ONLY", "kmeans near whole growth").split()
environment = os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}


def row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def head(*cells: str) -> None:
    print()
    row(*cells)
    row(*["---"] * len(cells))


def data(count: int) -> Path:
    path = folder / f"rows-{count}.npy"
    if not path.exists():
        subprocess.run([sys.executable, HERE / "make_rows.py", str(count), path], check=True)
    return path


def peer(*arguments: object) -> dict:
    command = [sys.executable, HERE.parent / "peers" / "reference_prune.py", *map(str, arguments)]
    output = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


# What Tamis logs, and what the peer does for it.
STEPS = [
    ("checking the rows", ["read"]),
    ("near-duplicates: clustering", ["dedup k-means"]),
    ("near-duplicates: assigning", ["dedup assignment"]),
    ("near-duplicates: comparing", ["near-duplicates"]),
    ("concepts: clustering", ["concept k-means"]),
    # And writing.
    ("concepts: assigning", ["concept assignment", "quotas and selection"]),
]
# A process of its own, as the peak of a child begins at that of its parent.
TIMED = """import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"""


def run_tamis(path: Path, out: Path, *flags: object) -> tuple[float, float, dict[str, float]]:
    """Wall seconds and peak MiB of a whole process, and the seconds of its steps by its log."""
    shutil.rmtree(out, ignore_errors=True)
    flags = ["--image-embeddings", path, "-o", out, "-j", 2, "--log-format", "json", "--memory", "8GiB", *flags]
    command = [sys.executable, "-S", "-c", TIMED, tamis, "prune", *map(str, flags)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    moments = [(datetime.fromisoformat(line["ts"]).timestamp(), line["msg"]) for line in lines if line["level"] == "debug"]
    steps = {name: later - start for (start, name), (later, _) in zip(moments, moments[1:])}
    seconds, peak = map(float, result.stdout.split())
    return seconds, peak, steps


def objective(x: np.ndarray, centroids: np.ndarray) -> float:
    """The mean dot of a row with its nearest centroid, in float64."""
    total = 0.0
    for first in range(0, len(x), 8192):
        total += (x[first : first + 8192].astype(np.float64) @ centroids.T.astype(np.float64)).max(1).sum()
    return total / len(x)


def fit_tamis(path: Path, dimension: int, k: int, rounds: int, seed: int = 0) -> tuple[float, int, np.ndarray]:
    out = folder / "tamis.centroids"
    command = [worker, path, dimension, k, rounds, 2, seed, out]
    answer = subprocess.run(list(map(str, command)), check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    return int(answer.split()[0]) / 1e9, int(answer.split()[1]), np.fromfile(out, np.float32).reshape(k, dimension)


def kmeans(path: Path, name: str, k: int, rounds: int) -> None:
    x = np.load(path)
    d = x.shape[1]
    seconds, done, ours = fit_tamis(path, d, k, rounds)
    value = objective(x, ours)
    fit_tamis(path, d, k, 0)
    (folder / "tamis.centroids").rename(folder / "start.centroids")
    for start in ([], [folder / "start.centroids"]):
        out = folder / "faiss.centroids"
        result = peer("kmeans", path, k, rounds, out, *start)
        theirs = result["stages"]["k-means"]
        other = objective(x, np.fromfile(out, np.float32).reshape(k, d))
        row(f"{name}, k {k}, {rounds} rounds", f"{seconds:.2f} s, {done} rounds", "from Tamis' start" if start else "own start",
            f"{theirs:.2f} s, {result['rounds']} rounds", f"{theirs / seconds:.2f}", f"{value:.6f}", f"{other:.6f}",
            f"{100 * (value / other - 1):+.3f} %")


def seeds(path: Path, name: str, k: int, rounds: int) -> None:
    """The objectives of eight seeds each: what the start alone changes."""
    x = np.load(path)
    ours, theirs = [], []
    for seed in range(8):
        ours.append(objective(x, fit_tamis(path, x.shape[1], k, rounds, seed)[2]))
        peer("kmeans", path, k, rounds, folder / "faiss.centroids", f"seed={seed}")
        theirs.append(objective(x, np.fromfile(folder / "faiss.centroids", np.float32).reshape(k, -1)))
    texts = (f"{np.mean(v):.6f} ± {np.std(v):.6f}" for v in (ours, theirs))
    row(f"{name}, k {k}, {rounds} rounds, 8 seeds", "", "own starts", "", "", *texts, f"{100 * (np.mean(ours) / np.mean(theirs) - 1):+.3f} %")


def k_means() -> None:
    head("k-means", "Tamis", "faiss", "faiss' time", "ratio", "mean dot, Tamis", "faiss", "difference")
    count = 256 * CLUSTERS
    path = folder / f"float-{count}.npy"
    if not path.exists():
        np.save(path, np.load(data(ROWS), mmap_mode="r")[:count].astype(np.float32))
    # Rounds that neither side can skip, then as many as the recipe's default.
    for rounds in (10, 100):
        kmeans(path, f"{count} × {DIMENSION}", CLUSTERS, rounds)
    for real in sys.argv[4:]:
        x = np.load(real).astype(np.float32)
        np.save(folder / "real.npy", x)
        for rounds in (10, 100):
            name, k = f"{Path(real).stem}, {len(x)} × {x.shape[1]}", max(2, len(x) // 64)
            kmeans(folder / "real.npy", name, k, rounds)
            seeds(folder / "real.npy", name, k, rounds)


@cache
def pruned(count: int) -> tuple[float, float, dict[str, float]]:
    """A whole prune by Tamis, into the folder `part`."""
    flags = ["--dedup-epsilon", EPSILON, "--clusters", CONCEPTS, "--keep", KEEP]
    return run_tamis(data(count), folder / "part", *flags)


def near() -> None:
    head("near-duplicates", "Tamis", "peak", "peer", "its time", "its peak", "ratio")
    path, out = data(ROWS), folder / "near"
    pruned(ROWS)
    centroids = folder / "part" / "dedup" / "centroids.npy"
    seconds, peak, _ = run_tamis(path, out, "--dedup-epsilon", EPSILON, "--dedup-centroids", centroids)
    ours = np.load(out / "verdicts.npy")["duplicate_similarity"]
    notes = []
    for way, name in (("full", "as published: whole products"), ("tiled", "tiles, running maximum")):
        result = peer("near", path, centroids, folder / "peer.npy", way)
        theirs = np.load(folder / "peer.npy")
        times = result["stages"]
        row(f"{ROWS} × {DIMENSION} f16, {len(np.load(centroids))} clusters", f"{seconds:.1f} s", f"{peak:.0f} MiB", name,
            f"{times['total']:.1f} s", f"{result['peak']:.0f} MiB", f"{times['total'] / seconds:.2f}")
        unlike = np.count_nonzero((ours > 1 - EPSILON) != (theirs > 1 - EPSILON))
        stages = ", ".join(f"{stage} {value:.1f} s" for stage, value in times.items() if stage != "total")
        notes.append(f"{name}: {stages}; dropped {np.count_nonzero(theirs > 1 - EPSILON)}, Tamis "
                     f"{np.count_nonzero(ours > 1 - EPSILON)}; {unlike} rows decided otherwise.")
    print("\n" + "\n".join(f"- {note}" for note in notes))


def whole() -> None:
    head("whole prune", "Tamis", "peak", "peer", "its time", "its peak", "ratio", "kept by both, of Tamis'")
    path, out = data(ROWS), folder / "part"
    seconds, peak, steps = pruned(ROWS)
    result = peer("prune", path, CONCEPTS, KEEP, folder / "kept.npy")
    kept = np.flatnonzero(np.load(out / "keep.npy"))
    both = len(np.intersect1d(kept, np.load(folder / "kept.npy"))) / len(kept)
    total = result["stages"]["total"]
    row(f"{ROWS} × {DIMENSION} f16", f"{seconds:.1f} s", f"{peak:.0f} MiB", "faiss + NumPy + OSQP", f"{total:.1f} s",
        f"{result['peak']:.0f} MiB", f"{total / seconds:.2f}", f"{both:.3f}")
    head("step", "Tamis", "peer")
    times = result["stages"]
    rest = seconds - sum(steps.get(name, 0) for name, _ in STEPS)
    for name, own in STEPS:
        row(name, f"{steps.get(name, 0):.1f} s", f"{sum(times[stage] for stage in own):.1f} s" if own else "")
    row("start", f"{rest:.1f} s", "")


def pairs(path: Path) -> float:
    """Pairs of rows in one near-duplicate cluster of the last prune."""
    centroids = np.load(folder / "part" / "dedup" / "centroids.npy")
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(centroids)
    x = np.load(path, mmap_mode="r")
    sizes = np.zeros(len(centroids))
    for first in range(0, len(x), 50_000):
        sizes += np.bincount(index.search(x[first : first + 50_000].astype(np.float32), 1)[1][:, 0], minlength=len(sizes))
    return (sizes**2).sum() / 2


def growth() -> None:
    head("growth", "rows", "Tamis", "µs a row", "against 1×", "pairs in clusters", "ns a pair", "against 1×", "peak")
    first = None
    for factor in (16, 4, 1):
        count = ROWS // factor
        seconds, peak, _ = pruned.__wrapped__(count)
        compared = pairs(data(count))
        first = first or (seconds / count, seconds / compared)
        row(f"{16 // factor}×", count, f"{seconds:.1f} s", f"{1e6 * seconds / count:.1f}", f"{seconds / count / first[0]:.2f}",
            f"{compared / 1e9:.2f} · 10⁹", f"{1e9 * seconds / compared:.2f}", f"{seconds / compared / first[1]:.2f}", f"{peak:.0f} MiB")


def main() -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for count in {ROWS, ROWS // 4, ROWS // 16}:
        data(count)
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"{date.today()}, {model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; NumPy {np.__version__}, "
          f"faiss {faiss.__version__}, OSQP {osqp.__version__}.")
    for name, work in (("kmeans", k_means), ("whole", whole), ("near", near), ("growth", growth)):
        if name in ONLY:
            work()
    print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")


main()

"""The pruning a user would put together today from faiss, NumPy and OSQP, written from the formulas of the papers.

    reference_prune.py kmeans X.npy K ITERATIONS OUT [START]      spherical k-means alone; START: <f4 centroids, or seed=N
    reference_prune.py near X.npy CENTROIDS.npy OUT full|tiled    near-duplicates within the clusters given
    reference_prune.py prune X.npy CLUSTERS KEEP OUT              the whole: dedup, concepts, quotas, selection

Float32, two threads. Times are measured inside, reading the file included; the last line is JSON. `full` is SemDeDup as
published: the whole product of a cluster with itself, its upper triangle, the maximum of each column. `tiled` does
without the lower triangle: blocks of rows against all before them, a running maximum.
"""

import json
import os
import resource
import sys
import time

THREADS = os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")
os.environ["OMP_NUM_THREADS"] = THREADS

import faiss  # noqa: E402
import numpy as np  # noqa: E402

SEED, ITERATIONS, NEIGHBOURS, TEMPERATURE, EPSILON, BLOCK = 1234, 100, 20, 0.1, 0.07, 1024
stages: dict[str, float] = {}
rounds = 0


class stage:
    def __init__(self, name: str):
        self.name = name

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        stages[self.name] = time.perf_counter() - self.start


def rows(path: str) -> np.ndarray:
    with stage("read"):
        return np.load(path).astype(np.float32)


def fit(x: np.ndarray, k: int, iterations: int, start: np.ndarray | None = None, seed: int = SEED) -> np.ndarray:
    # At most 256 training rows for a centroid, as faiss takes by itself.
    model = faiss.Kmeans(x.shape[1], k, niter=iterations, spherical=True, seed=seed)
    model.train(x, init_centroids=start)
    global rounds
    rounds = len(model.obj)
    return model.centroids


def assign(x: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(centroids)
    dots, cluster = index.search(x, 1)
    return cluster[:, 0], 1 - dots[:, 0]


def members(cluster: np.ndarray, k: int) -> list[np.ndarray]:
    order = np.argsort(cluster, kind="stable")
    return np.split(order, np.cumsum(np.bincount(cluster, minlength=k))[:-1])


def full(x: np.ndarray) -> np.ndarray:
    return np.triu(x @ x.T, 1).max(0)


def tiled(x: np.ndarray) -> np.ndarray:
    best = np.zeros(len(x), np.float32)
    for first in range(0, len(x), BLOCK):
        block = x[first : first + BLOCK]
        dots = block @ x[: first + len(block)].T
        dots[:, first:] = np.tril(dots[:, first:], -1)
        np.maximum(dots.max(1), 0, out=best[first : first + len(block)])
    return best


def duplicates(x: np.ndarray, cluster: np.ndarray, distance: np.ndarray, k: int, way) -> np.ndarray:
    """Largest similarity of each row with the rows before it in its cluster, farthest from the centroid first."""
    found = np.zeros(len(x), np.float32)
    for own in members(cluster, k):
        if len(own):
            own = own[np.argsort(-distance[own], kind="stable")]
            found[own] = way(x[own])
    return found


def quotas(complexity: np.ndarray, sizes: np.ndarray, total: int) -> np.ndarray:
    import osqp
    from scipy import sparse

    share = np.exp((complexity - complexity.max()) / TEMPERATURE)
    target = share / share.sum() * total
    k = len(sizes)
    bounds = sparse.vstack([sparse.csc_matrix(np.ones((1, k))), sparse.identity(k)], format="csc")
    solver = osqp.OSQP()
    solver.setup(sparse.identity(k, format="csc"), -target, bounds, np.r_[total, np.minimum(1, sizes)],
                 np.r_[total, sizes], verbose=False)
    return np.clip(np.rint(solver.solve().x).astype(int), 0, sizes)


def prune(path: str, k: int, keep: float) -> np.ndarray:
    x = rows(path)
    m = max(1, len(x) // 8800)
    with stage("dedup k-means"):
        centroids = fit(x, m, ITERATIONS)
    with stage("dedup assignment"):
        cluster, distance = assign(x, centroids)
    with stage("near-duplicates"):
        left = np.flatnonzero(duplicates(x, cluster, distance, m, full) <= 1 - EPSILON)
    x = x[left]
    with stage("concept k-means"):
        centroids = fit(x, k, ITERATIONS)
    with stage("concept assignment"):
        cluster, distance = assign(x, centroids)
    with stage("quotas and selection"):
        own = members(cluster, k)
        intra = np.array([distance[i].mean() if len(i) else 0 for i in own])
        dots = centroids @ centroids.T
        np.fill_diagonal(dots, -np.inf)
        inter = 1 - np.sort(dots, 1)[:, -min(NEIGHBOURS, k - 1) :].mean(1)
        quota = quotas(intra * inter, np.array([len(i) for i in own]), int(keep * len(x)))
        kept = [i[np.argsort(-distance[i], kind="stable")[:q]] for i, q in zip(own, quota)]
    return left[np.sort(np.concatenate(kept))]


def main() -> None:
    task, path, *rest = sys.argv[1:]
    faiss.omp_set_num_threads(int(THREADS))
    began = time.perf_counter()
    if task == "kmeans":
        k, iterations, out = int(rest[0]), int(rest[1]), rest[2]
        x = rows(path)
        start, seed = None, SEED
        if rest[3:] and rest[3].startswith("seed="):
            seed = int(rest[3].removeprefix("seed="))
        elif rest[3:]:
            start = np.fromfile(rest[3], np.float32).reshape(k, -1)
        with stage("k-means"):
            centroids = fit(x, k, iterations, start, seed)
        centroids.tofile(out)
    elif task == "near":
        centroids = np.load(rest[0])
        x = rows(path)
        with stage("assignment"):
            cluster, distance = assign(x, centroids)
        with stage("near-duplicates"):
            found = duplicates(x, cluster, distance, len(centroids), {"full": full, "tiled": tiled}[rest[2]])
        stages["total"] = time.perf_counter() - began
        np.save(rest[1], found)
    else:
        kept = prune(path, int(rest[0]), float(rest[1]))
        stages["total"] = time.perf_counter() - began
        np.save(rest[2], kept)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"stages": stages, "peak": peak, "rounds": rounds}))


main()

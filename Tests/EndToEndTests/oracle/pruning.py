"""Near-duplicates, score, reference and concepts recomputed with NumPy from stored rows and given centroids.

Similarities are full matrices, quotas come from the greedy algorithm for separable convex integer programmes. Only
the order of the sums is the contract's: every dot product is a Float64 sum in index order (design rule 1).
"""
import hashlib
import math

import numpy as np

REASONS = {"duplicate": 1, "score": 2, "quota": 3, "reference": 4}
VERDICT = np.dtype([
    ("kept", "|b1"), ("reason", "|u1"), ("cluster", "<i4"), ("distance", "<f4"), ("duplicate_similarity", "<f4"),
    ("duplicate_shard", "<i4"), ("duplicate_row", "<i4"), ("score", "<f4")])
assert VERDICT.itemsize == 26


def dots(a, b):
    """All dot products (len(a), len(b)), each summed in index order."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    sums = np.zeros((len(a), len(b)))
    for j in range(a.shape[1]):
        sums += a[:, j, None] * b[None, :, j]
    return sums


def unit(rows, zero=False):
    """Design rule 10: the rows as stored, or all of them normalised to Float32."""
    wide = rows.astype(np.float64)
    lengths = np.sqrt(np.cumsum(wide * wide, axis=1)[:, -1])
    assert zero or (lengths > 0).all()
    used = lengths > 0
    if (np.abs(lengths[used] - 1) <= 1e-3).all():
        return rows
    return (wide / np.where(used, lengths, 1)[:, None]).astype(np.float32)


def random_value(seed, key, epoch=2**64 - 1):
    word = int.from_bytes(hashlib.sha256(key).digest()[:8], "little")
    counter = np.array([0, epoch, 0, 0], np.uint64)
    return int(np.random.Philox(key=np.array([seed, word], np.uint64), counter=counter).random_raw())


def shares(rule, official, complexity, sizes, temperature):
    """The part of the total that each concept is to keep before bounds."""
    live = [c for c, s in enumerate(sizes) if s]
    if rule == "uniform":
        return [1 / len(live) if s else 0.0 for s in sizes]
    if rule == "size":
        return [s / sum(sizes) for s in sizes]
    if not official:
        weight = [math.exp((complexity[c] - np.nanmax(complexity)) / temperature) if s else 0.0
                  for c, s in enumerate(sizes)]
        return [w / sum(weight) for w in weight]
    # The script's softmax is in single precision; an empty cluster has the mean complexity.
    mean = sum(float(complexity[c]) for c in live) / len(live)
    logits = np.array([complexity[c] if s else mean for c, s in enumerate(sizes)]).astype(np.float32) / np.float32(temperature)
    weight = [np.float32(math.exp(float(v - logits.max()))) for v in logits]
    total = np.float32(0)
    for w in weight:
        total = np.float32(total + w)
    return [float(w / total) for w in weight]


def integer_quotas(targets, lower, upper, total):
    """One unit at a time to the cluster farthest below its target; integers throughout."""
    x = list(lower)
    assert sum(x) <= total <= sum(upper)
    for _ in range(total - sum(x)):
        free = [j for j in range(len(x)) if x[j] < upper[j]]
        x[min(free, key=lambda j: (x[j] * 2**20 - targets[j], j))] += 1
    return x


class Pruning:
    """The state of one pruning: rows in, verdicts (n,) out. `keys` None: row numbers."""

    def __init__(self, image, keys=None, seed=0):
        n = len(image)
        self.image, self.seed = unit(image), seed
        self.keys = keys or [b"%d" % i for i in range(n)]
        rank = sorted(range(n), key=lambda i: (self.keys[i], i)) if keys else range(n)
        self.order = list(rank)
        self.verdicts = np.zeros(n, VERDICT)
        self.verdicts["kept"] = True
        for name in ("cluster", "duplicate_shard", "duplicate_row"):
            self.verdicts[name] = -1
        for name in ("distance", "duplicate_similarity", "score"):
            self.verdicts[name] = np.nan

    def rows(self):
        return [i for i in self.order if self.verdicts["kept"][i]]

    def drop(self, rows, reason):
        self.verdicts["kept"][rows] = False
        self.verdicts["reason"][rows] = REASONS[reason]

    def ranked(self, rows, rule, distance):
        """Rows (canonical order) in the order of a rule; sorted() is stable."""
        by = {"hard": lambda i: -distance[i], "easy": lambda i: distance[i],
              "random": lambda i: random_value(self.seed, self.keys[i])}
        score = self.verdicts["score"]
        by["score"] = lambda i: (1, 0) if np.isnan(score[i]) else (0, -score[i])
        return sorted(rows, key=by[rule])

    def assign(self, rows, centroids):
        similarity = dots(self.image[rows], centroids)
        # On a tie of the rounded dots the lower cluster.
        cluster = similarity.astype(np.float32).argmax(1)
        distance = (1 - similarity[np.arange(len(rows)), cluster]).astype(np.float32)
        return dict(zip(rows, cluster)), dict(zip(rows, distance))

    def dedup(self, centroids, epsilon=None, keep=None, rule="hard"):
        rows, v = self.rows(), self.verdicts
        cluster, distance = self.assign(rows, unit(centroids))
        for c in range(len(centroids)):
            order = self.ranked([i for i in rows if cluster[i] == c], rule, distance)
            if not order:
                continue
            similarity = dots(self.image[order], self.image[order]).astype(np.float32)
            for place, row in enumerate(order):
                v["duplicate_similarity"][row] = 0
                before = similarity[place, :place]
                if place and before.max() > 0:
                    v["duplicate_similarity"][row] = before.max()
                    v["duplicate_row"][row] = order[int(before.argmax())]
                    v["duplicate_shard"][row] = 0
        found = v["duplicate_similarity"].astype(np.float64)
        if epsilon is not None:
            self.drop([i for i in rows if found[i] > 1 - epsilon], "duplicate")
        else:
            self.drop(sorted(rows, key=lambda i: found[i])[int(keep * len(rows)):], "duplicate")

    def fill_scores(self, joint=None, text=None, column=None):
        rows = self.rows()
        if column is None:
            text, joint = unit(text, zero=True), self.image if joint is None else unit(joint)
            wide = joint.astype(np.float64) * text.astype(np.float64)
            column = np.cumsum(wide, axis=1)[:, -1]
            column[(text == 0).all(1)] = np.nan
        self.verdicts["score"][rows] = column.astype(np.float32)[rows]

    def score(self, keep=None, minimum=None):
        rows, scores = self.rows(), self.verdicts["score"]
        if minimum is not None:
            return self.drop([i for i in rows if not float(scores[i]) >= minimum], "score")
        ranked = self.ranked(rows, "score", None)
        kept = {i for i in ranked[: int(keep * len(rows))] if not np.isnan(scores[i])}
        self.drop([i for i in rows if i not in kept], "score")

    def reference(self, references, rule, keep=None, gap=None):
        rows = self.rows()
        similarity = dots(self.image[rows], unit(references)).astype(np.float32)
        if rule == "gap":
            return self.drop([i for i, s in zip(rows, similarity) if (s > gap).any()], "reference")
        nearest = dict(zip(rows, similarity.max(1)))
        sign = 1 if rule == "near" else -1
        self.drop(sorted(rows, key=lambda i: sign * nearest[i])[int(keep * len(rows)):], "reference")

    def concepts(self, centroids, keep=None, count=None, neighbours=20, temperature=None, balance=None, rule="hard",
                 quotas="complexity", official=False):
        """Returns the arrays of models/concepts."""
        temperature = temperature if temperature is not None else 0.5 if official else 0.1
        balance = balance if balance is not None else 0.5 if official else 0.0
        rows, centroids, k = self.rows(), unit(centroids), len(centroids)
        cluster, distance = self.assign(rows, centroids)
        for i in rows:
            self.verdicts["cluster"][i], self.verdicts["distance"][i] = cluster[i], distance[i]
        members = [[i for i in rows if cluster[i] == c] for c in range(k)]
        live = [c for c in range(k) if members[c]]
        others = range(k) if official else live
        near = max(0, min(neighbours, len(others) - 1))
        between = 1 - dots(centroids, centroids)
        intra, inter, complexity = (np.full(k, np.nan) for _ in range(3))
        for c in live:
            intra[c] = np.mean([float(distance[i]) for i in members[c]])
            inter[c] = np.mean(sorted(between[c, o] for o in others if o != c)[:near]) if near else 0
            complexity[c] = max(0, intra[c] * inter[c])
        sizes = [len(m) for m in members]
        total = int(keep * len(rows)) if count is None else count
        targets = [round(p * total * 2**20) for p in shares(quotas, official, complexity, sizes, temperature)]
        floor = max(1, int(total / len(live) * balance))
        if official:
            floor = 1 if balance == 0 else int(total / k * balance)
        most = [max(0, s - 1) if official else s for s in sizes]
        if sum(min(floor, m) for m in most) > total:
            floor = total // len(live)
        quota = integer_quotas(targets, [min(floor, m) for m in most], sizes, total)
        threshold = np.full(k, -np.inf if rule == "easy" else np.inf, np.float32)
        for c in live:
            order = self.ranked(members[c], rule, distance)
            self.drop(order[quota[c]:], "quota")
            if quota[c]:
                last = order[quota[c] - 1]
                threshold[c] = random_value(self.seed, self.keys[last]) * 2.0**-64 if rule == "random" else distance[last]
        return {"size": np.array(sizes), "d_intra": intra, "d_inter": inter, "complexity": complexity,
                "target": np.array(targets) / 2**20, "quota": np.array(quota), "threshold": threshold}


def same_verdicts(found, expected, keys):
    """Bit for bit, naming the first row that differs."""
    assert found.dtype == VERDICT, found.dtype
    for i, (a, b) in enumerate(zip(found, expected)):
        assert a.tobytes() == b.tobytes() or all(
            x == y or (x != x and y != y) for x, y in zip(a.tolist(), b.tolist())), (keys[i], a, b)
    assert len(found) == len(expected)


def same_model(directory, expected, centroids, tolerance=1e-12):
    for name, values in expected.items():
        found = np.load(f"{directory}/{name}.npy", allow_pickle=False)
        dtype = {"size": "<i8", "quota": "<i8", "threshold": "<f4"}.get(name, "<f8")
        assert found.dtype == np.dtype(dtype) and found.shape == (len(centroids),), name
        if dtype == "<f8" and name != "target":
            assert np.allclose(found, values, rtol=0, atol=tolerance, equal_nan=True), name
        else:
            assert np.array_equal(found, values), (name, found, values)

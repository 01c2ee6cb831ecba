"""Rows as a web crawl might give them, <f2 (n, 512), written in blocks so that memory stays small.

    make_rows.py COUNT FILE.npy

3 000 concepts in 60 groups, of unequal sizes; each row is its concept's direction plus noise. 12 % of the rows are an
earlier row of their block with a little noise (cosine 0.86 to 1), 3 % an exact copy. A block of 15 625 rows has a seed
of its own, so a shorter file is the start of a longer one.
"""

import sys
from pathlib import Path

import numpy as np

DIMENSION, BLOCK, CONCEPTS, GROUPS = 512, 15_625, 3_000, 60


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def directions(random: np.random.Generator, count: int) -> np.ndarray:
    return unit(random.standard_normal((count, DIMENSION), np.float32))


def main() -> None:
    count, path = int(sys.argv[1]), Path(sys.argv[2])
    fixed = np.random.default_rng(7)
    groups = directions(fixed, GROUPS)
    concepts = unit(groups[fixed.integers(GROUPS, size=CONCEPTS)] + 0.8 * directions(fixed, CONCEPTS))
    chance = 1 / np.sqrt(np.arange(1, CONCEPTS + 1))
    chance /= chance.sum()
    spread = fixed.uniform(0.5, 1.1, CONCEPTS).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp.npy")
    target = np.lib.format.open_memmap(temporary, "w+", np.float16, (count, DIMENSION))
    for first in range(0, count, BLOCK):
        random = np.random.default_rng([11, first])
        concept = random.choice(CONCEPTS, BLOCK, p=chance)
        rows = unit(concepts[concept] + spread[concept, None] * directions(random, BLOCK))
        kind = random.random(BLOCK)
        for i in np.flatnonzero(kind[1:] < 0.15) + 1:
            rows[i] = rows[random.integers(i)]
        near = np.flatnonzero(kind < 0.12)
        rows[near] = unit(rows[near] + random.uniform(0.02, 0.6, (len(near), 1)).astype(np.float32) * directions(random, len(near)))
        part = rows[: min(BLOCK, count - first)].astype(np.float16)
        target[first : first + len(part)] = part
    target.flush()
    temporary.rename(path)


main()

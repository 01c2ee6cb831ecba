"""Makes drift.json beside this file: KS distances, PSI and tails by SciPy and NumPy, for DriftTests.

Run:  python3 Tests/PruneTests/oracle/drift.py      (needs numpy and scipy)
"""

import json
import pathlib

import numpy as np
from scipy import stats


def psi(planned, counts):
    """Half a sample is added to each count, as the monitor does."""
    p = (planned + 0.5) / planned.sum()
    q = (counts + 0.5) / counts.sum()
    return float(((q - p) * np.log(q / p)).sum())


def case(seed, n, w, k, shift):
    random = np.random.default_rng(seed)
    # In thousandths.
    reference = np.round(random.beta(4, 6, n) * 1000).astype(int)
    window = np.round(random.beta(4 + shift, 6, w) * 1000).astype(int)
    shares = random.dirichlet(np.full(k, 20.0))
    planned = random.multinomial(n, shares)
    clusters = random.choice(k, w, p=random.dirichlet(shares * 300))
    counts = np.bincount(clusters, minlength=k)
    # Every concept expects enough to be a cell of its own.
    assert (planned * w / n >= 10).all()
    return {
        "reference": [int(x) for x in np.sort(reference)],
        "window": [int(x) for x in window],
        "clusters": [int(x) for x in clusters],
        "planned": [int(x) for x in planned],
        "ks": float(stats.ks_2samp(reference, window).statistic),
        "psi": psi(planned, counts),
    }


tails = [(70, 100, 0.5), (3, 40, 0.01), (95, 1095, 0.0476), (200, 600, 0.2), (1, 5000, 1e-5), (40, 40, 0.7), (375, 2875, 0.857), (50, 100, 0.52), (9, 2000, 0.02)]
pathlib.Path(__file__).with_suffix(".json").write_text(
    json.dumps(
        {
            "cases": [case(1, 900, 500, 8, 0), case(2, 400, 700, 5, 1), case(3, 1500, 300, 10, 0.3)],
            "tails": [
                {"from": x, "trials": n, "chance": p, "tail": float(stats.binom.sf(x - 1, n, p))}
                for x, n, p in tails
            ],
            "quantiles": [{"chance": a, "z": float(stats.norm.isf(a))} for a in (0.3, 0.01, 1e-6, 1e-12)],
        }
    )
    + "\n"
)

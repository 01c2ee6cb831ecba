"""Recomputes text.npy: exactly by its formula, and against scikit-learn's tf-idf without hashing or projection.

usage: ngrams.py make SHARD.tar [CAPTIONS]   crafted captions with a small picture each
       ngrams.py check IN WORKSPACE          prints "rows, zero rows"
"""
import glob
import io
import os
import sys
import tarfile
import unicodedata

import numpy as np
from PIL import Image
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer

MASK = (1 << 64) - 1
SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
CAPTIONS = [
    "a red bicycle leaning against a brick wall", "A red bicycle, leaning against the brick wall!",
    "red bicycle against a brick wall", "quarterly earnings of the shipping company rose", "", None, "?!... --",
    "x", "\u732b\u304c\u597d\u304d\u3067\u3059 cat", "\uff41 \uff52\uff45\uff44 \uff42\uff49\uff43\uff59\uff43\uff4c\uff45", "caf\u00e9 cr\u00e8me",
    "cafe\u0301 cre\u0300me", "\U0001f600\U0001f600", "tab\tnew\nline\u2028x", "word " * 300, "STRASSE stra\u00dfe \u0130",
]


def make(path):
    picture = io.BytesIO()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, caption in enumerate(CAPTIONS):
            picture = io.BytesIO()
            Image.fromarray(np.full((9, 9, 3), number, np.uint8)).save(picture, "PNG")
            members = [("png", picture.getvalue())] + ([("txt", caption.encode())] if caption is not None else [])
            for name, data in members:
                member = tarfile.TarInfo(f"{number:05}.{name}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def words(line):
    text = unicodedata.normalize("NFKC", line)
    lower = "".join(c.lower() for c in text)
    return "".join(c if unicodedata.category(c)[0] in "LMNS" else " " for c in lower).split()


def hashed(kind, text):
    h = 0xCBF29CE484222325
    for scalar in [kind] + [ord(c) for c in text]:
        h = (h ^ scalar) * 0x100000001B3 & MASK
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & MASK
    h = (h ^ h >> 27) * 0x94D049BB133111EB & MASK
    return h ^ h >> 31


def ngrams(line):
    parts = words(line)
    pairs = [f"{a} {b}" for a, b in zip(parts, parts[1:])]
    runs = [f" {w} "[i:i + n] for w in parts for n in (3, 4, 5) for i in range(len(w) + 3 - n)]
    blocks = []
    for kind, grams in ((1, parts + pairs), (2, runs)):
        counts = {}
        for gram in grams:
            value = hashed(kind, gram)
            counts[value] = counts.get(value, 0) + 1
        blocks.append(counts)
    return blocks


def check(source, workspace):
    lines, rows = [], []
    for path in sorted(glob.glob(source + "/*.tar")):
        columns = os.path.join(workspace, "columns", os.path.basename(path)[:-4])
        stored = open(columns + "/captions.txt", encoding="utf-8", newline="\n").read().split("\n")[:-1]
        texts = {}
        with tarfile.open(path) as tar:
            for member in tar:
                key, name = member.name.split(".", 1)
                if name == "txt":
                    texts[key] = tar.extractfile(member).read().decode("utf-8", "replace")
        keys = open(columns + "/keys.txt").read().splitlines()
        for key, line in zip(keys, stored, strict=True):
            text = "".join(" " if c in SPACES or unicodedata.category(c) == "Cc" else c for c in texts.get(key, ""))
            assert " ".join(p for p in text.split(" ") if p) == line, (key, line)
        text = np.load(columns + "/text.npy", allow_pickle=False)
        assert text.dtype == np.dtype("<f2") and len(text) == len(keys)
        lines += stored
        rows.append(text)
    rows = np.concatenate(rows).astype(np.float64)
    dimension = rows.shape[1]

    # The formula.
    blocks = [ngrams(line) for line in lines]
    frequency = {}
    for both in blocks:
        for bucket in {h >> 43 for counts in both for h in counts}:
            frequency[bucket] = frequency.get(bucket, 0) + 1
    total = sum(bool(both[0]) for both in blocks)
    stored = np.load(os.path.join(workspace, "models/text/document_frequency.npy"), allow_pickle=False)
    assert stored.dtype == np.dtype("<u4") and stored.shape == (1 << 21,)
    assert {int(i): int(stored[i]) for i in np.flatnonzero(stored)} == frequency
    signs = {}
    for both, row in zip(blocks, rows):
        want = np.zeros(dimension)
        for counts in both:
            weights = {h: (1 + np.log(c)) * (np.log((1 + total) / (1 + frequency[h >> 43])) + 1) for h, c in counts.items()}
            norm = np.sqrt(sum(w * w for w in weights.values()))
            for h, w in weights.items():
                if h not in signs:
                    raw = np.random.Philox(key=np.array([h, 0], np.uint64)).random_raw((dimension + 63) // 64)
                    bits = np.unpackbits(raw.view(np.uint8), bitorder="little")[:dimension]
                    signs[h] = bits * 2.0 - 1
                want += np.sqrt(0.5) * w / norm * signs[h]
        if both[0]:
            want /= np.linalg.norm(want)
        assert np.abs(want - row).max() < 4e-4, np.abs(want - row).max()

    # scikit-learn's cosine.
    filled = [i for i, both in enumerate(blocks) if both[0]]
    texts = [" ".join(words(lines[i])) for i in filled]
    common = dict(lowercase=False, sublinear_tf=True, smooth_idf=True, norm="l2")
    word = TfidfVectorizer(analyzer="word", token_pattern=r"\S+", ngram_range=(1, 2), **common).fit_transform(texts)
    run = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), **common).fit_transform(texts)
    exact = ((word @ word.T + run @ run.T) / 2).toarray()
    ours = rows[filled] @ rows[filled].T
    above = np.triu_indices(len(filled), 1)
    exact, ours = exact[above], ours[above]
    error = np.abs(exact - ours)
    assert np.sqrt((error**2).mean()) < 1.3 / np.sqrt(dimension), np.sqrt((error**2).mean())
    near = exact > 0.2
    if near.sum() > 100:
        rank = spearmanr(exact[near], ours[near]).statistic
        print(f"{near.sum()} pairs above 0.2, rank correlation {rank:.3f}", file=sys.stderr)
        assert rank > {100: 0.75, 256: 0.85, 1024: 0.93}[dimension], rank
    assert (ours[exact > 0.999] > 0.995).all()
    zero = int((rows == 0).all(1).sum())
    assert zero == len(lines) - len(filled)
    norms = np.linalg.norm(rows[filled], axis=1)
    assert np.abs(norms - 1).max() < 1e-3
    print(len(lines), zero)


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    check(sys.argv[2], sys.argv[3])

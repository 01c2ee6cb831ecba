"""The daemon beside `tamis run` on the same shards, and how long a shard takes from its rename to its verdicts.

    .venv/bin/python Benchmarks/daemon/run.py [--quick]

Throughput: the shards are there before the start; both ingest, fit on the first quarter (run: on all), prune and publish
everything, in turns. Time is from the start of the process to its end; the daemon is drained when its catalog says that
every shard has its verdicts. Latency: a running daemon with a plan; one shard after the other is renamed into the input.
"""
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import io
from pathlib import Path

from PIL import Image
import random

ROOT = Path(__file__).resolve().parents[2]
TAMIS = os.environ.get("TAMIS", str(ROOT / ".build/release/tamis"))
QUICK = "--quick" in sys.argv
SHARDS, SAMPLES, TURNS, SHOTS = (12, 500, 3, 10) if QUICK else (24, 500, 5, 40)

RECIPE = """\
input: {{ path: {input} }}
{prune}
publish: {{ path: out/, samples_per_shard: {samples} }}
daemon: {{ listen: none, fit: {{ after_samples: {after}, on_drift: false }}, quiet_seconds: {quiet} }}
"""
# A small basis: its eigenvectors, of 4 times the samples in `run`, would else be most of the time.
PRUNE = """\
features: { pca: { size: 16 }, image: { encoder: pixels } }
prune: { dedup: { epsilon: auto }, concepts: { keep: 0.6 } }"""


def make(folder, shards, samples, seed):
    """Shards of 256 px JPEGs: random parts of the sample pictures, about 12 kB each."""
    chance = random.Random(seed)
    pictures = []
    for path in sorted((ROOT / "samples/shards").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith((".jpg", ".png")):
                    try:
                        pictures.append(Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGBA").convert("RGB"))
                    except OSError:
                        pass
    folder.mkdir(parents=True)
    key = seed * 10_000_000
    for shard in range(shards):
        with tarfile.open(folder / f"{seed}{shard:05}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
            for _ in range(samples):
                picture = chance.choice(pictures)
                part = chance.randint(min(picture.size) // 2, min(picture.size))
                left, top = (chance.randint(0, side - part) for side in picture.size)
                picture = picture.crop((left, top, left + part, top + part)).resize((256, 256))
                image = io.BytesIO()
                Image.merge("RGB", chance.sample(picture.split(), 3)).save(image, "JPEG", quality=90)
                key += 1
                for field, data in (("jpg", image.getvalue()), ("txt", b"a picture")):
                    info = tarfile.TarInfo(f"{key:010}.{field}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    old = time.time() - 86400
    for path in folder.iterdir():
        os.utime(path, (old, old))


def decided(folder):
    try:
        connection = sqlite3.connect(f"file:{folder}/.tamis/catalog.sqlite?mode=ro", uri=True, timeout=5)
        count, = connection.execute("SELECT COUNT(*) FROM claim WHERE state != 'taken'").fetchone()
        connection.close()
        return count
    except sqlite3.OperationalError:
        return 0


def once(base, inputs, prune, command):
    folder = base / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    text = RECIPE.format(input=inputs, prune=prune, samples=1000, after=SHARDS * SAMPLES // 4, quiet=3600)
    (folder / "recipe.yaml").write_text(text)
    began = time.perf_counter()
    process = subprocess.Popen([TAMIS, command, str(folder / "recipe.yaml"), "-q"], stdout=subprocess.DEVNULL)
    if command == "serve":
        while decided(folder) < SHARDS:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
    if process.wait():
        raise SystemExit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - began


def latency(base, prune):
    folder, later = base / "latency", base / "later"
    (folder / "in").mkdir(parents=True)
    make(base / "first", 4, SAMPLES, 2)
    make(later, SHOTS, 100, 3)
    for path in (base / "first").iterdir():
        os.rename(path, folder / "in" / path.name)
    text = RECIPE.format(input="in/", prune=prune, samples=20, after=SAMPLES, quiet=0)
    (folder / "recipe.yaml").write_text(text)
    process = subprocess.Popen([TAMIS, "serve", str(folder / "recipe.yaml"), "-q"], stdout=subprocess.DEVNULL)
    try:
        while decided(folder) < 4:
            time.sleep(0.05)
        time.sleep(1)
        times = []
        for path in sorted(later.iterdir()):
            name = path.stem
            began = time.perf_counter()
            os.rename(path, folder / "in" / path.name)
            verdict = folder / ".tamis/verdicts" / f"{name}.npy" if prune else folder / ".tamis/columns" / name
            while not verdict.exists():
                time.sleep(0.0005)
            decided_at = time.perf_counter() - began
            while True:
                connection = sqlite3.connect(f"file:{folder}/.tamis/catalog.sqlite?mode=ro", uri=True, timeout=5)
                kept, published = connection.execute(
                    "SELECT (SELECT SUM(kept) FROM claim), (SELECT SUM(samples) FROM seal WHERE published = 1)").fetchone()
                state = connection.execute("SELECT state FROM claim WHERE name = ?", (name,)).fetchone()
                connection.close()
                if state == ("decided",) and kept == published:
                    break
                time.sleep(0.0005)
            times.append((decided_at, time.perf_counter() - began))
            time.sleep(0.05)
        return times
    finally:
        process.kill()
        process.wait()


def main():
    base = Path(tempfile.mkdtemp(prefix="tamis-bench-"))
    try:
        inputs = base / "in"
        make(inputs, SHARDS, SAMPLES, 1)
        size = sum(p.stat().st_size for p in inputs.iterdir())
        print(f"{SHARDS} shards of {SAMPLES} samples, {size / 1e6:.0f} MB")
        for name, prune in (("all samples kept", ""), ("dedup and concepts", PRUNE)):
            times = {"run": [], "serve": []}
            for _ in range(TURNS):
                for command in times:
                    times[command].append(once(base, inputs, prune, command))
            run, serve = (statistics.median(times[c]) for c in ("run", "serve"))
            total = SHARDS * SAMPLES
            print(f"{name}: run {run:.2f} s ({total / run:.0f} samples/s), serve {serve:.2f} s ({total / serve:.0f} samples/s), "
                  f"ratio {run / serve:.2f} (medians of {TURNS})", flush=True)
        times = latency(base, PRUNE)
        for what, index in (("verdicts", 0), ("published", 1)):
            values = sorted(t[index] * 1000 for t in times)
            print(f"rename to {what}, shards of 100 samples: median {statistics.median(values):.0f} ms, "
                  f"largest {values[-1]:.0f} ms of {len(values)}")
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()

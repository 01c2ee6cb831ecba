"""Publishing beside its peers: pass-through, MDS beside MDSWriter, .tar.zst beside zstd. Run by `make bench-publish`.

    run.py TAMIS TESTS_PYTHON FOLDER [pass|mds|zstd ...]      QUICK=1: 100 MB in place of 400, fewer turns

tamis has ingested the shards before; timed is `tamis publish` as a whole process: it reads the shards again, verifies
their SHA-256, writes, hashes what it wrote, syncs and renames. Page cache warm for all. Turns alternate; a ratio is the
median of the peer's time divided by ours in the same turn. Prints Markdown.
"""
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
tamis, python, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), Path(sys.argv[3]).resolve()
parts = sys.argv[4:] or ["pass", "mds", "zstd"]
quick = os.environ.get("QUICK") == "1"
TURNS = 3 if quick else 5
TOTAL = 100_000_000 if quick else 400_000_000
ORACLES = HERE.parent.parent / "Tests/EndToEndTests/oracle"
environment = os.environ | {"PYTHONPATH": str(ORACLES)}


def timed(*arguments):
    """Wall seconds and CPU seconds of a process with its children."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(list(map(str, arguments)), check=True, stdout=subprocess.DEVNULL, env=environment)
    seconds, after = time.perf_counter() - start, os.times()
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


def turns(commands, outputs):
    """Runs commands in turn, each into an empty output; the first round warms the caches."""
    seconds = {name: [] for name in commands}
    for _ in range(TURNS + 1):
        for name, command in commands.items():
            shutil.rmtree(outputs[name], ignore_errors=True)
            seconds[name].append(timed(*command))
    return {name: values[1:] for name, values in seconds.items()}


def median(values, part=0):
    return statistics.median(value[part] for value in values)


def ratio(peer, ours):
    return statistics.median(a[0] / b[0] for a, b in zip(peer, ours))


def size(path):
    return sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())


def prepared(name):
    """Shards of one kind, ingested: their directory, number of samples and of bytes."""
    home = folder / f"{name}-{TOTAL}"
    if not (home / "in").exists():
        subprocess.run([sys.executable, HERE / "make_shards.py", home / "in.partial", name, str(TOTAL)], check=True)
        (home / "in.partial").rename(home / "in")
    recipe(home, "plain", "samples_per_shard: 1000000")
    subprocess.run([tamis, "ingest", home / "plain.yaml", "-w", home / "ws", "-q"], check=True)
    keys = sum(len(file.read_text().split()) for file in home.glob("ws/columns/*/keys.txt"))
    return home, keys, size(home / "in")


def recipe(home, name, publish):
    (home / f"{name}.yaml").write_text(
        f"input: {{ path: in }}\npublish: {{ path: {name}, image_field: jpg, sidecars: [sizes, len], {publish} }}\n")
    return [tamis, "publish", home / f"{name}.yaml", "-w", home / "ws", "-q"]


def passthrough():
    subprocess.run(
        [sys.executable, HERE.parent / "passthrough/run.py", tamis, str(TURNS)], check=True)


def mds():
    print("| samples | compression | tamis publish | MDSWriter | tamis / MDSWriter | CPU s | CPU s of MDSWriter | bytes, of MDSWriter's |")
    print("|---|---|---|---|---|---|---|---|")
    for name in ("real", "large"):
        home, samples, total = prepared(name)
        for compression in ("none", "zstd:3"):
            theirs = home / "theirs"
            seconds = turns(
                {
                    "tamis": recipe(home, "ours", f"format: mds, compress: {compression}"),
                    "MDSWriter": [python, HERE / "mds_writer.py", home / "in", theirs, home / "ws", compression],
                },
                {"tamis": home / "ours", "MDSWriter": theirs})
            ours, peer = seconds["tamis"], seconds["MDSWriter"]
            print(
                f"| {samples} of {total / samples / 1000:.0f} kB | {compression}"
                f" | {samples / median(ours):.0f}/s, {total / median(ours) / 1e6:.0f} MB/s | {samples / median(peer):.0f}/s"
                f" | {ratio(peer, ours):.1f}x | {median(ours, 1):.2f} | {median(peer, 1):.2f}"
                f" | {size(home / 'ours') / size(theirs):.3f} |", flush=True)
            shutil.rmtree(home / "ours")
            shutil.rmtree(theirs)


def zstd():
    print("| samples | level | tamis publish | zstd -T2 of the plain tars | whole run | tamis publish, then zstd | CPU s | of publishing plain tars | of zstd | bytes, of the plain tars | of zstd's |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name in ("real", "large"):
        home, samples, total = prepared(name)
        shards = max(2, TOTAL // 100_000_000 * 2)
        cut = f"samples_per_shard: {-(-samples // shards)}"
        subprocess.run(recipe(home, "plain", cut), check=True)
        tars = sorted((home / "plain").glob("*.tar"))
        plain = sum(path.stat().st_size for path in tars)
        for level in (3, 9):
            packed = home / "packed"
            seconds = turns(
                {
                    "tamis": recipe(home, "ours", f"{cut}, compress: zstd:{level}"),
                    "zstd": ["sh", "-c", f"mkdir -p {packed} && exec zstd -q -k -f -T2 -{level} --output-dir-flat {packed} \"$@\"", "sh", *tars],
                    "plain": recipe(home, "again", cut),
                },
                {"tamis": home / "ours", "zstd": packed, "plain": home / "again"})
            ours, peer = seconds["tamis"], seconds["zstd"]
            both = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(peer, seconds["plain"])]
            made = size(home / "ours")
            print(
                f"| {samples} of {total / samples / 1000:.0f} kB, {len(tars)} shards | {level}"
                f" | {total / median(ours) / 1e6:.0f} MB/s | {plain / median(peer) / 1e6:.0f} MB/s | {ratio(peer, ours):.2f}x"
                f" | {ratio(both, ours):.2f}x | {median(ours, 1):.2f} | {median(seconds['plain'], 1):.2f} | {median(peer, 1):.2f}"
                f" | {made / plain:.3f} | {made / size(packed):.3f} |", flush=True)
            for left in ("ours", "packed", "again"):
                shutil.rmtree(home / left)


folder.mkdir(parents=True, exist_ok=True)
for title, part in (("pass", passthrough), ("mds", mds), ("zstd", zstd)):
    if title in parts:
        part()
        print()

"""Pass-through filter of a tar: `tamis publish` (hashes in and out, fsync, renames) beside webdataset and coreutils.

run.py TAMIS [ROUNDS]   prints a Markdown table: medians of ratios over alternating rounds, everything on this machine.

tamis has ingested the shard before; measured is the stage that reads it again, verifies its SHA-256, keeps the wanted
samples and writes them. The webdataset peer neither hashes nor syncs. Page cache warm for all three.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
tamis = os.path.abspath(sys.argv[1])
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
total = 400_000_000


def timed(arguments):
    start = time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(folder, size):
    samples = total // size
    os.makedirs(f"{folder}/in")
    shard = f"{folder}/in/00000.tar"
    subprocess.run([sys.executable, f"{here}/make_shards.py", shard, str(samples), str(size)], check=True)
    with open(f"{folder}/recipe.yaml", "w") as recipe:
        recipe.write(f"input: {{ path: in/ }}\npublish: {{ path: ours/, samples_per_shard: {samples} }}\n")
    subprocess.run([tamis, "ingest", f"{folder}/recipe.yaml", "-q"], check=True)
    keys = f"{folder}/.tamis/columns/00000/keys.txt"
    commands = {
        "tamis": [tamis, "publish", f"{folder}/recipe.yaml", "-q"],
        "webdataset": [sys.executable, f"{here}/webdataset_filter.py", shard, f"{folder}/theirs", keys],
        "coreutils": [f"{here}/coreutils.sh", shard, f"{folder}/copied"],
    }
    outputs = {"tamis": "ours", "webdataset": "theirs", "coreutils": "copied"}
    seconds = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            shutil.rmtree(f"{folder}/{outputs[name]}", ignore_errors=True)
            seconds[name].append(timed(command))
    # The first round warms the caches.
    seconds = {name: values[1:] for name, values in seconds.items()}
    ratio = lambda peer: statistics.median(b / a for a, b in zip(seconds["tamis"], seconds[peer]))
    ours = statistics.median(seconds["tamis"])
    print(
        f"| {size // 1000} kB | {samples} | {samples / ours:.0f}/s, {total / ours / 1e6:.0f} MB/s"
        f" | {samples / statistics.median(seconds['webdataset']):.0f}/s | {ratio('webdataset'):.1f}x"
        f" | {total / statistics.median(seconds['coreutils']) / 1e6:.0f} MB/s | {ratio('coreutils'):.2f}x |",
        flush=True)


print("| a sample | samples | tamis publish | webdataset | tamis / webdataset | coreutils | tamis / coreutils |")
print("|---|---|---|---|---|---|---|")
for size in (40_000, 150_000):
    folder = tempfile.mkdtemp(prefix="tamis-bench-")
    try:
        measure(folder, size)
    finally:
        shutil.rmtree(folder)

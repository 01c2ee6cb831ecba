"""The runs of scripts/robustness: bombs, corpora, and both packed into shards."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import bombs
import corpora
import tables
from compare import compare
from decoder import Crash, Decoder, run_bounded

ROOT = pathlib.Path(__file__).resolve().parents[2]
WARM = ROOT / "Tests/DecodeTests/Goldens/jpeg-420.jpg"
MEMORY = 256 << 20
problems = []


def problem(text):
    problems.append(text)
    print("PROBLEM", text, flush=True)


def address_space(tamis):
    """What the process takes before it does anything: libraries and BLAS buffers, as address space."""
    child = subprocess.Popen([tamis, "check", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child.stdin.write(bytes(1 << 20))
    child.stdin.flush()
    status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
    child.stdin.close()
    child.wait()
    return int(re.search(r"VmPeak:\s+(\d+)", status)[1]) << 10


def ingest(tamis, shard, workspace, limit):
    """Ingests one shard with 256 MiB; (exit code, reject codes in order, {key: code})."""
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    recipe = workspace / "recipe.yaml"
    recipe.write_text(
        f"input: {{ path: {json.dumps(str(shard.resolve()))} }}\n"
        f"limits: {{ memory: {MEMORY >> 20}MiB, jobs: 2, image_seconds: 60 }}\n")
    command = ["prlimit", f"--as={limit}", tamis, "ingest", str(recipe), "-w", str(workspace / "ws")]
    try:
        done = subprocess.run(command, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "timeout", [], {}, ""
    text = done.stderr.decode(errors="replace")
    by_key = {}
    for path in (workspace / "ws/columns").glob("*/rejects.jsonl"):
        for line in path.read_text().splitlines():
            reject = json.loads(line)
            by_key[reject["key"]] = reject["code"]
    codes = re.findall(r": ([a-z_]+): ", text)
    return done.returncode, codes + list(by_key.values()), by_key, text


def pack(paths, shard):
    """A tar of the files, keys 00000, 00001..., each named .jpg: names are never asked."""
    with tarfile.open(shard, "w", format=tarfile.USTAR_FORMAT) as tar:
        for i, path in enumerate(paths):
            info = tarfile.TarInfo(f"{i:05}.jpg")
            info.size = path.stat().st_size
            with open(path, "rb") as data:
                tar.addfile(info, data)


def run_bombs(dump, tamis, limit, folder, short):
    """Rows for the table of bombs."""
    pictures, shards = bombs.write(folder, short)
    rows, codes_alone = [], {}
    for path, right in pictures:
        decoder = Decoder(dump)
        try:
            code, memory, message, _ = decoder(path)
            if code not in right:
                problem(f"{path.name}: {code}: {message}, expected {sorted(right)}")
            again = run_bounded(dump, path, memory, WARM)
            if again != code:
                problem(f"{path.name}: {code}, within {memory} bytes {again}")
        except Crash as crash:
            code, memory = "CRASH", 0
            problem(f"{path.name}: {crash}")
        finally:
            decoder.close()
        codes_alone[path] = code, memory
        rows.append((path.name, path.stat().st_size, code, f"{memory / (1 << 20):.0f} MiB" if memory else "none"))
    # Images whose announced memory is beyond what 256 MiB allow are pixel limits in a run.
    paths = [path for path, _ in pictures]
    shard = folder / "images.tar"
    pack(paths, shard)
    status, _, by_key, text = ingest(tamis, shard, folder / "work", limit)
    if status != 0:
        problem(f"images.tar: exit {status}: {text[-300:]}")
    for i, path in enumerate(paths):
        code, memory = codes_alone[path]
        wanted = "pixel_limit" if memory > MEMORY // 4 * 3 else code
        if by_key.get(f"{i:05}", "ok") != wanted:
            problem(f"{path.name} in a shard: {by_key.get(f'{i:05}', 'ok')}, alone {code}")
    shard.unlink()
    for path, exits, right in shards:
        status, codes, _, text = ingest(tamis, path, folder / "work", limit)
        if status not in exits or (right and not right & set(codes)):
            problem(f"{path.name}: exit {status}, {sorted(set(codes))}, expected {exits} and {right}: {text[-300:]}")
        shown = sorted(set(codes) & bombs.SHARD_CODES)
        rows.append((path.name, path.stat().st_size, ", ".join(shown) or f"read, exit {status}", "256 MiB"))
    shutil.rmtree(folder / "work", ignore_errors=True)
    return rows


def run_corpora(dump, tamis, limit, files, scratch):
    """Rows of the comparison; every file again in a shard under the limit."""
    decoder, keeping = Decoder(dump), Decoder(dump, "keep")
    rows = compare(files, decoder, keeping)
    decoder.close(), keeping.close()
    for row in rows:
        if row.rule == "wrong":
            problem(f"{row.corpus}/{row.name}: Pillow: {row.pillow}; ours: {row.ours}")
    paths = [path for _, _, path in files]
    shard = scratch / "corpora.tar"
    pack(paths, shard)
    status, _, by_key, text = ingest(tamis, shard, scratch / "work", limit)
    if status != 0:
        problem(f"corpora.tar: exit {status}: {text[-300:]}")
    for i, row in enumerate(rows):
        alone = row.ours.split(":")[0] if ":" in row.ours else "ok"
        if by_key.get(f"{i:05}", "ok") != alone:
            problem(f"{row.name} in a shard: {by_key.get(f'{i:05}', 'ok')}, alone {alone}")
    shutil.rmtree(scratch / "work", ignore_errors=True)
    shard.unlink()
    return rows


def main():
    mode, binaries = sys.argv[1], pathlib.Path(sys.argv[2])
    short = mode == "short"
    dump, tamis = str(binaries / "decode-dump"), str(binaries / "tamis")
    base = address_space(tamis)
    # The contract: limits.memory and 300 MiB, here beside the address space of a process at rest.
    limit = base + MEMORY + (300 << 20)
    scratch = ROOT / ".deps" / f"robustness-{mode}"
    shutil.rmtree(scratch, ignore_errors=True)
    bomb_rows = run_bombs(dump, tamis, limit, scratch / "bombs", short)
    rows = run_corpora(dump, tamis, limit, corpora.files(ROOT / ".deps/corpora", scratch / "made", short), scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    print(tables.summary(rows, bomb_rows))
    if not short:
        tables.write(ROOT / "docs/robustness.md", rows, bomb_rows)
    print(f"{len(problems)} problems")
    sys.exit(1 if problems else 0)


main()

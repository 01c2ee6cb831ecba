"""Embedding budget: `tamis embed` on two cores beside the sum of its parts. Run by `make bench-embed`.

    run.py TAMIS DECODE_WORKER SHARDS MODELS [SSCD.onnx]      QUICK=1: one shard set, fewer turns

The parts are measured in the same turns, each alone on one core, as CPU time a picture: decoding with resizing to 224
(Tamis' own, `make bench-decode` has it beside others) and Python's onnxruntime on ready tensors. Two cores can do no
more than 2 / (t_decode + t_infer) pictures a second; the ratio is of that. `tamis embed` is timed as a whole process,
with loading library and model, reading the shards and writing the array. Prints Markdown: medians over the turns.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
tamis, worker, shards, models = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
quick = os.environ.get("QUICK") == "1"
TURNS = 3 if quick else 5
SETS = ("512-q85-mixed",) if quick else ("256-q85-mixed", "512-q85-mixed")
PICTURES = 4000  # a process at least, so that its start counts little
MODELS = [(models / "efficientnet-lite0-int8.onnx", "efficientnet-lite0"), (models / "efficientnet-lite0.onnx", "efficientnet-lite0")]
MODELS += [(Path(path), "sscd") for path in sys.argv[5:]]


class Peer:
    def __init__(self, command):
        self.process = subprocess.Popen(
            ["taskset", "-c", "1", *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = self.process.stdout.readline().split()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def embed(model, preset, tars, out):
    """Wall seconds, CPU seconds, peak bytes."""
    start = time.perf_counter()
    process = subprocess.Popen([tamis, "embed", "--model", model, "--preset", preset, "-j", "2", "-q", "-o", out, *tars])
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


print("| model | shards | decode, ms | infer, ms | tamis embed, pictures/s | CPU ms a picture | of 2 / (decode + infer) | peak, MiB |")
print("|---|---|---|---|---|---|---|---|")
with tempfile.TemporaryDirectory() as folder:
    for model, preset in MODELS:
        for name in SETS:
            tar = shards / f"{name}.tar"
            decoder = Peer([worker, tar])
            pictures = int(decoder.first[1])
            repeats = -(-PICTURES // pictures)
            inference = Peer([sys.executable, HERE / "infer.py", model, 300])
            turns = []
            for turn in range(TURNS + 1):
                decode = decoder.ask("exact 224")[1] / pictures / 1e9
                infer = inference.ask("go")[0] / 300 / 1e9
                wall, cpu, peak = embed(model, preset, [tar] * repeats, f"{folder}/rows.npy")
                rate = pictures * repeats / wall
                turns.append((decode * 1e3, infer * 1e3, rate, cpu * 1e3 / pictures / repeats, rate * (decode + infer) / 2, peak / 2**20))
            decoder.stop()
            inference.stop()
            decode, infer, rate, cpu, ratio, peak = (statistics.median(column) for column in zip(*turns[1:]))
            print(f"| {model.name} | {name} | {decode:.2f} | {infer:.2f} | {rate:.0f} | {cpu:.2f} | {ratio:.2f} | {peak:.0f} |", flush=True)

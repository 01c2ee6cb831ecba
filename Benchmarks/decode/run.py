"""Row 1 of the budgets: JPEG decoding and BICUBIC to 224, beside OpenCV and Pillow. Run by `make bench-decode`.

    run.py WORKER FOLDER        QUICK=1 in the environment: the 512 px sets alone, fewer turns

Each peer is a process that holds the pictures of one tar in memory, has one thread and is tied to one core.
The peers take turns, in an order that rotates; a ratio is that of two times of the same turn, and what is
printed is the median over the turns. On one core time is CPU time (user and system), which other processes
can disturb but not steal; with two workers (two processes of each peer, a core each, each with the whole set)
it is wall time. Prints Markdown.
"""

import os
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
worker, folder = sys.argv[1], Path(sys.argv[2])
quick = os.environ.get("QUICK") == "1"
TURNS = 3 if quick else 5
SIZES = (512,) if quick else (256, 512, 1024)
# OpenCV's and Pillow's fresh buffers come from the kernel for each picture; with this the allocator keeps them.
KEPT = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000"}


class Peer:
    """A process that answers a mode with the time it took; tied to a core."""

    def __init__(self, command: list, core: int, environment: dict | None = None):
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, **(environment or {})})
        self.pictures = int(self.process.stdout.readline().split()[1])

    def start(self, mode: str) -> None:
        self.process.stdin.write(f"{mode} 224\n")
        self.process.stdin.flush()

    def times(self) -> tuple[float, float]:
        """Wall and CPU seconds."""
        wall, cpu = self.process.stdout.readline().split()[:2]
        return int(wall) / 1e9, int(cpu) / 1e9

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def peers(tar: Path, core: int) -> dict[str, Peer]:
    opencv = [PYTHON, HERE / "peer.py", "opencv", tar]
    return {
        "tamis": Peer([worker, tar], core),
        "opencv": Peer(opencv, core),
        "kept": Peer(opencv, core, KEPT),
        "pillow": Peer([PYTHON, HERE / "peer.py", "pillow", tar], core),
    }


MODES = [("tamis", "exact"), ("opencv", "area"), ("kept", "area"), ("opencv", "linear"), ("pillow", "bicubic"),
         ("tamis", "fast"), ("opencv", "reduced"), ("pillow", "draft")]
TWO_WORKERS = [("tamis", "exact"), ("opencv", "area"), ("kept", "area"), ("pillow", "bicubic"), ("tamis", "fast")]


def measure(tar: Path, modes: list, cores: int) -> tuple[int, list[dict]]:
    """The pictures of the set (times workers), and for each turn the seconds of every mode."""
    sets = [peers(tar, core) for core in ((1,) if cores == 1 else range(cores))]
    if os.cpu_count() == 1:
        raise SystemExit("two cores are needed")
    turns = []
    for turn in range(TURNS + 1):
        seconds = {}
        for name, mode in modes[turn % len(modes) :] + modes[: turn % len(modes)]:
            for group in sets:
                group[name].start(mode)
            times = [group[name].times() for group in sets]
            seconds[name, mode] = times[0][1] if cores == 1 else max(wall for wall, _ in times)
        # The first turn warms up.
        if turn > 0:
            turns.append(seconds)
    pictures = sum(group["tamis"].pictures for group in sets)
    for group in sets:
        for peer in group.values():
            peer.stop()
    return pictures, turns


def ratio(turns: list[dict], peer: tuple, ours: tuple) -> float:
    return statistics.median(seconds[peer] / seconds[ours] for seconds in turns)


def rate(pictures: int, turns: list[dict], mode: tuple) -> float:
    return pictures / statistics.median(seconds[mode] for seconds in turns)


def row(label: str, pictures: int, turns: list[dict]) -> str:
    exact, fast = ("tamis", "exact"), ("tamis", "fast")
    cells = [label, f"{rate(pictures, turns, exact):.0f}"]
    for peer in (("opencv", "area"), ("kept", "area"), ("opencv", "linear"), ("pillow", "bicubic")):
        cells.append(f"{ratio(turns, peer, exact):.2f}" if peer in turns[0] else "")
    cells.append(f"{rate(pictures, turns, fast):.0f}")
    for peer in (("opencv", "area"), ("kept", "area"), ("opencv", "reduced"), ("pillow", "draft")):
        cells.append(f"{ratio(turns, peer, fast):.2f}" if peer in turns[0] else "")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    import cv2
    import PIL
    from PIL import features

    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"{date.today()}, {model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start; "
          f"OpenCV {cv2.__version__}, Pillow {PIL.__version__} (libjpeg-turbo "
          f"{features.version('libjpeg_turbo')}); {TURNS} turns.\n")
    print("| set | exact img/s | × AREA | × AREA, memory kept | × LINEAR | × Pillow | fast img/s | × AREA "
          "| × AREA, memory kept | × OpenCV reduced | × Pillow draft |\n" + "|---" * 11 + "|", flush=True)
    for cores, sizes, shapes in ((1, SIZES, ("square", "mixed")), (2, (512,), ("square",))):
        for size in sizes:
            for quality in (85, 95):
                for shape in shapes:
                    tar = folder / f"{size}-q{quality}-{shape}.tar"
                    label = f"{size} px q{quality} {shape}" + (", two workers" if cores == 2 else "")
                    print(row(label, *measure(tar, MODES if cores == 1 else TWO_WORKERS, cores)), flush=True)
    print(f"\nLoad at the end {os.getloadavg()[0]:.1f}.")


main()

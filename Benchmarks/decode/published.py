"""Resizing for publication beside OpenCV, as img2dataset does it, and Pillow. Run by `make bench-resize`.

    published.py WORKER FOLDER        QUICK=1 in the environment: fewer turns

Decode, shorter side to 256 (Tamis and Pillow: BICUBIC, OpenCV: INTER_AREA), JPEG of quality 95. One process of each
peer, one thread, tied to one core; they take turns, in an order that rotates. CPU time; a ratio is that of two times of
one turn, and the median over the turns is printed, with the smallest and largest. Markdown.
"""

import os
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
worker, folder = sys.argv[1], Path(sys.argv[2])
TURNS = 3 if os.environ.get("QUICK") == "1" else 7
# Fresh buffers of OpenCV and Pillow come from the kernel for each picture; with this the allocator keeps them.
KEPT = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000"}


def peers(tar: Path) -> dict[str, subprocess.Popen]:
    commands = {
        "tamis": ([worker, tar], {}),
        "OpenCV": ([sys.executable, HERE / "peer.py", "opencv", tar], {}),
        "OpenCV, memory kept": ([sys.executable, HERE / "peer.py", "opencv", tar], KEPT),
        "Pillow": ([sys.executable, HERE / "peer.py", "pillow", tar], {}),
    }
    return {
        name: subprocess.Popen(["taskset", "-c", "1", *map(str, command)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
        for name, (command, environment) in commands.items()
    }


def measure(tar: Path) -> tuple[int, dict[str, list[float]]]:
    """The pictures of the tar, and the CPU seconds of each peer in each turn."""
    running = peers(tar)
    pictures = [int(peer.stdout.readline().split()[1]) for peer in running.values()][0]
    names = list(running)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(TURNS + 1):
        for name in names[turn % len(names):] + names[: turn % len(names)]:
            running[name].stdin.write("published 256\n")
            running[name].stdin.flush()
            spent = int(running[name].stdout.readline().split()[1]) / 1e9
            # The first turn warms up.
            if turn > 0:
                seconds[name].append(spent)
    for peer in running.values():
        peer.stdin.close()
        peer.wait()
    return pictures, seconds


def main() -> None:
    import cv2
    import PIL

    print(f"{date.today()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; OpenCV {cv2.__version__}, "
          f"Pillow {PIL.__version__}; {TURNS} turns.\n")
    print("| set | img/s | × OpenCV | × OpenCV, memory kept | × Pillow |\n|---|---|---|---|---|")
    for size in (512, 1024):
        for quality in (85, 95):
            tar = folder / f"{size}-q{quality}-mixed.tar"
            pictures, seconds = measure(tar)
            cells = [f"{size} px q{quality}", f"{pictures / statistics.median(seconds['tamis']):.0f}"]
            for name in list(seconds)[1:]:
                ratios = [theirs / ours for theirs, ours in zip(seconds[name], seconds["tamis"])]
                cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
            print(f"| {' | '.join(cells)} |", flush=True)


main()

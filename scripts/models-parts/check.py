"""The default encoders through Tamis beside Python's onnxruntime; see scripts/check-encoders.

    check.py MODELS STAMPS TAMIS WORK
"""
import io
import pathlib
import subprocess
import sys
import tarfile

import numpy
from PIL import Image

from measure import MODELS, alignment, captions_through, images_through, nearest_category, over_white, stamps, unit

TAMIS, WORK = sys.argv[3], pathlib.Path(sys.argv[4])
# Of the goals of the issue: 1-NN category, AUC, R@1; and the agreement with Python.
LEAST = {"category": 0.74, "auc": 0.80, "first": 0.20, "cosine": 0.9999}


def shards(found):
    folder = WORK / "shards"
    folder.mkdir()
    for shard in range(2):
        with tarfile.open(folder / f"{shard:05}.tar", "w") as tar:
            for i, (path, caption, _) in enumerate(found):
                if i % 2 != shard:
                    continue
                for field, data in (("png", path.read_bytes()), ("txt", caption.encode())):
                    member = tarfile.TarInfo(f"{i:06}.{field}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    return folder


def columns(precision, jobs):
    """The rows of a run, in the order of the stamps, and the bytes of its columns."""
    work = WORK / f"{precision}-{jobs}"
    work.mkdir()
    (work / "recipe.yaml").write_text(f"""
input: {{ path: {WORK / "shards"} }}
features:
  image: {{ encoder: efficientnet-lite0, precision: {precision} }}
  text: {{ encoder: minilm-conse, precision: {precision} }}
prune:
  score: {{ keep: 0.9 }}
publish: {{ path: out/ }}
limits: {{ jobs: {jobs} }}
""")
    models = {"TAMIS_MODELS": str(MODELS.resolve())}
    subprocess.run([TAMIS, "run", str(work / "recipe.yaml"), "-q"], check=True, env=dict(models))
    keys, rows, stored, scores = [], {"image": [], "joint": [], "text": []}, [], []
    for shard in sorted((work / ".tamis/columns").iterdir()):
        keys += shard.joinpath("keys.txt").read_text().split()
        for name in rows:
            stored.append(shard.joinpath(name + ".npy").read_bytes())
            rows[name].append(numpy.load(shard / (name + ".npy"), allow_pickle=False))
        scores.append(numpy.load(work / ".tamis/verdicts" / (shard.name + ".npy"))["score"])
    order = numpy.argsort(keys)
    rows = {name: numpy.concatenate(parts)[order].astype(numpy.float64) for name, parts in rows.items()}
    return rows, numpy.concatenate(scores)[order], stored


def main():
    found = stamps()
    shards(found)
    captions, categories = (numpy.array([f[i] for f in found]) for i in (1, 2))
    images = [over_white(Image.open(path)) for path, _, _ in found]
    failed = False

    def show(name, value, least):
        nonlocal failed
        failed |= not value >= least
        print(f"  {name} {value:.6f} (least {least}){'' if value >= least else '  MISSED'}")

    for precision, suffix in (("int8", "-int8"), ("fp32", "")):
        rows, scores, stored = columns(precision, 2)
        print(f"{precision}: {len(found)} stamps")
        peer_image, peer_joint, _ = images_through(f"efficientnet-lite0{suffix}.onnx", images)
        peer_text, _ = captions_through(f"minilm{suffix}.onnx", captions)
        for name, peer in (("image", peer_image), ("joint", peer_joint), ("text", peer_text)):
            show(f"lowest cosine with Python's onnxruntime, {name}", (unit(rows[name]) * unit(peer.astype(numpy.float64))).sum(1).min(), LEAST["cosine"])
        dots = (rows["joint"] * rows["text"]).sum(1).astype(numpy.float32)
        assert (numpy.abs(dots - scores) <= 1e-6).all(), "scores are not joint · text"
        auc, first, *_ = alignment(rows["joint"], rows["text"], captions)
        show("1-NN category of images", nearest_category(rows["image"], categories), LEAST["category"])
        show("AUC of the score", auc, LEAST["auc"])
        show("R@1", first, LEAST["first"])
        assert columns(precision, 1)[2] == stored, "one worker gives other bytes than two"
        print("  the same bytes for 1 and 2 workers")
    sys.exit(failed)


main()

"""Concept pruning of the stamps with the default encoder; see scripts/prune-stamps.

    prune_stamps.py MODELS STAMPS TAMIS WORK [SHEETS]
"""
import collections
import io
import json
import pathlib
import subprocess
import sys
import tarfile

import numpy
from PIL import Image

from measure import MODELS, over_white, stamps

TAMIS, WORK = sys.argv[3], pathlib.Path(sys.argv[4])
SHEETS = pathlib.Path(sys.argv[5]) if len(sys.argv) > 5 else None
RECIPE = f"""
input: {{ path: {WORK / "shards"} }}
features:
  image: {{ encoder: efficientnet-lite0 }}
prune:
  dedup: {{ epsilon: auto }}
  concepts: {{ clusters: auto, keep: 0.4 }}
publish: {{ path: out/ }}
"""


def write_shard(found):
    folder = WORK / "shards"
    folder.mkdir()
    with tarfile.open(folder / "00000.tar", "w") as tar:
        for i, (path, caption, _) in enumerate(found):
            for field, data in (("png", path.read_bytes()), ("txt", caption.encode())):
                member = tarfile.TarInfo(f"{i:06}.{field}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def sheet(paths, kept, name):
    """Pictures 96 × 96, ten a row, kept ones first."""
    order = [p for p, k in zip(paths, kept) if k] + [p for p, k in zip(paths, kept) if not k]
    tiles = Image.new("RGB", (960, 96 * ((len(order) + 9) // 10)), "white")
    for i, path in enumerate(order):
        picture = over_white(Image.open(path))
        picture.thumbnail((92, 92))
        tiles.paste(picture, (96 * (i % 10) + 2, 96 * (i // 10) + 2))
    tiles.save(SHEETS / f"{name}.png")


found = stamps()
write_shard(found)
(WORK / "recipe.yaml").write_text(RECIPE)
subprocess.run(
    [TAMIS, "run", str(WORK / "recipe.yaml"), "-q"], check=True, env={"TAMIS_MODELS": str(MODELS.resolve())})
keys = [int(k) for k in (WORK / ".tamis/columns/00000/keys.txt").read_text().split()]
verdicts = numpy.load(WORK / ".tamis/verdicts/00000.npy", allow_pickle=False)
concepts = {n: numpy.load(WORK / f".tamis/models/concepts/{n}.npy") for n in ("size", "complexity", "quota")}
diagnostics = json.loads((WORK / ".tamis/models/concepts/manifest.json").read_text()).get("diagnostics")
categories = numpy.array([found[k][2] for k in keys])
names = numpy.array([found[k][0].stem for k in keys])
print(f"{len(keys)} stamps, {verdicts['kept'].sum()} kept, {(verdicts['reason'] == 1).sum()} near-duplicates; "
      f"{len(concepts['size'])} concepts; {json.dumps(diagnostics)}\n")

print("| category | stamps | near-duplicates | beyond a quota | kept | share |\n|---|---|---|---|---|---|")
for category, count in sorted(collections.Counter(categories).items(), key=lambda c: (-c[1], c[0])):
    mine = verdicts[categories == category]
    kept = mine["kept"].sum()
    print(f"| {category} | {count} | {(mine['reason'] == 1).sum()} | {(mine['reason'] == 3).sum()} | {kept} | {kept / count:.2f} |")

order = numpy.argsort(-concepts["complexity"], kind="stable")
print("\n| concept | stamps | complexity | quota | categories | some of them, farthest from the centroid first |\n|---|---|---|---|---|---|")
for place, concept in [*enumerate(order[:3]), *enumerate(order[-3:], len(order) - 3)]:
    mine = numpy.flatnonzero(verdicts["cluster"] == concept)
    mine = mine[numpy.argsort(-verdicts["distance"][mine], kind="stable")]
    kinds = ", ".join(f"{c} {n}" for c, n in collections.Counter(categories[mine]).most_common(4))
    print(f"| {place + 1} of {len(order)} | {concepts['size'][concept]} | {concepts['complexity'][concept]:.3f} | "
          f"{concepts['quota'][concept]} | {kinds} | {', '.join(names[mine][:8])} |")
    if SHEETS:
        SHEETS.mkdir(parents=True, exist_ok=True)
        sheet([found[keys[i]][0] for i in mine], verdicts["kept"][mine], f"{place + 1:02}")
duplicates = numpy.flatnonzero(verdicts["reason"] == 1)
print("\nNear-duplicates and what they are like: "
      + "; ".join(f"{names[i]} = {names[verdicts['duplicate_row'][i]]} {verdicts['duplicate_similarity'][i]:.3f}"
                  for i in duplicates))

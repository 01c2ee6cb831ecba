"""The files that are compared with Pillow: (corpus, name, path)."""
import io
import pathlib
import sys

from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Tests/DecodeTests/oracle"))
import oddfiles  # noqa: E402

PILLOW, PNG, PNG_TESTS, JPEG, DERIVED, ODD = (
    "Pillow Tests/images", "libpng pngsuite", "libpng testpngs", "libjpeg-turbo testimages",
    "libjpeg-turbo images encoded in other ways", "crafted metadata, keys and codes")


def encoded(source, name):
    """JPEGs of one picture in every way Pillow's encoder knows."""
    picture = Image.open(source)
    rgb = picture.convert("RGB")
    ways = [(rgb, f"rgb-{s}-{p}-{q}", dict(subsampling=s, progressive=bool(p), quality=q))
            for s in (0, 1, 2) for p in (0, 1) for q in (30, 90, 100)]
    ways += [(rgb, f"restart-{n}", dict(restart_marker_rows=n)) for n in (1, 5)]
    ways += [(rgb, "restart-blocks-3", dict(restart_marker_blocks=3)), (rgb, "optimised", dict(optimize=True)),
             (rgb, "as-rgb", dict(keep_rgb=True))]
    ways += [(rgb.convert("L"), f"grey-{p}", dict(progressive=bool(p))) for p in (0, 1)]
    ways += [(rgb.convert("CMYK"), f"cmyk-{p}", dict(progressive=bool(p))) for p in (0, 1)]
    for image, way, options in ways:
        out = io.BytesIO()
        image.save(out, "JPEG", **options)
        yield f"{name}-{way}.jpg", out.getvalue()


def files(corpora, scratch, short):
    """All files, or about a sixth of them."""
    found = []

    def tree(corpus, root, pattern="*"):
        for path in sorted(root.rglob(pattern)):
            if path.is_file():
                found.append((corpus, str(path.relative_to(root)), path))

    tree(PILLOW, corpora / "pillow-13.0.0/Tests/images")
    tree(PNG, corpora / "libpng-1.6.39/contrib/pngsuite", "*.png")
    tree(PNG_TESTS, corpora / "libpng-1.6.39/contrib/testpngs", "*.png")
    tree(JPEG, corpora / "libjpeg-turbo-2.1.5/testimages")
    scratch.mkdir(parents=True, exist_ok=True)
    made = [(DERIVED, name, data) for source in sorted((corpora / "libjpeg-turbo-2.1.5/testimages").iterdir())
            if source.suffix in (".bmp", ".ppm") for name, data in encoded(source, source.stem)
            if not short or name.endswith(("-1-30.jpg", "cmyk-1.jpg"))]
    made += [(ODD, name, data) for name, data in oddfiles.crafted(60 if short else 2000)]
    for corpus, name, data in made:
        (scratch / name).write_bytes(data)
        found.append((corpus, name, scratch / name))
    if short:
        kept = {PILLOW: 6, PNG_TESTS: 3, PNG: 2}
        found = [f for i, f in enumerate(found) if i % kept.get(f[0], 1) == 0]
    return found

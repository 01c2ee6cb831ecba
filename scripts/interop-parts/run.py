"""Publishes samples/ in several forms and runs every reader over them; see scripts/interop.

usage: run.py HOME TAMIS [--list] [--markdown FILE] [NAMES...]

The name `howto` stands for the Python blocks of docs/readers.md: each is run as it stands, where DIR is a published
directory and the current one empty.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

parts = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(parts))
oracles = root + "/Tests/EndToEndTests/oracle"
source = root + "/samples/shards"
small = root + "/.venv"

RAW = "image: raw, image_size: 64, resize_mode: keep_ratio"
ARRAYS = "add: [mask, ratio, thumbnail]"

# Name of a directory -> its `publish`, without the path. Pictures have one field name, captions are UTF-8.
FORMS = {
    "tar": "samples_per_shard: 100",
    "tar.gz": "samples_per_shard: 100, compress: gzip",
    "tar.zst": "samples_per_shard: 100, compress: zstd",
    "mds": "format: mds, shard_bytes: 1MiB, compress: zstd",
    "mds-level": "format: mds, shard_bytes: 1MiB, compress: zstd:9",
    "mds-plain": "format: mds, shard_bytes: 1MiB",
    "datacomp": "digits: 8, samples_per_shard: 100, sidecars: [sizes, len, stats, idx, sums, subset]",
    # The same samples with masks: whole, as bare columns, and as shards of columns beside the input.
    "arrays-tar": f"samples_per_shard: 200, {ARRAYS}",
    "npy": f"format: npy, samples_per_shard: 200, {ARRAYS}",
    "npy-merged": f"format: npy, samples_per_shard: all, {ARRAYS}",
    "columns": f"format: columns, {ARRAYS}",
    "mds-arrays": f"format: mds, samples_per_shard: 200, compress: zstd, {ARRAYS}",
    # Pictures as arrays, the shorter side 64.
    "raw-tar": f"samples_per_shard: 200, {RAW}",
    "raw-mds": f"format: mds, samples_per_shard: 200, compress: zstd, {RAW}",
    # Tars that webdataset's ShardWriter wrote, and `tamis index`.
    "indexed": None,
}


@dataclass
class Reader:
    name: str
    title: str
    form: str
    script: str
    """What the script asserts, in words."""
    checked: str
    more: tuple = ()
    python: str = "tests"
    """Folders that go before the packages of the environment."""
    first: tuple = ()


def readers(home, tamis):
    pictures = "keys, order, every byte of every field; pictures decode"
    mds = f"index keys, sizes, hashes; {pictures}"
    return [
        Reader("webdataset-1.0", "webdataset", "tar", oracles + "/read_webdataset.py",
               f"{pictures}; counts of `sizes.json` and `__len__`", ("1.0",)),
        Reader("webdataset-0.2", "webdataset 0.2", "tar", oracles + "/read_webdataset.py", "the same", ("0.2",)),
        Reader("webdataset-gz", "webdataset, `.tar.gz`", "tar.gz", oracles + "/read_webdataset.py", "the same", ("1.0",)),
        Reader("webdataset-zst", "webdataset, `pipe:tamis cat x.tar.zst`", "tar.zst", oracles + "/read_webdataset.py",
               "the same", ("1.0", tamis)),
        Reader("webdataset-0.2-zst", "webdataset, `pipe:tamis cat x.tar.zst`", "tar.zst",
               oracles + "/read_webdataset.py", "the same", ("0.2", tamis)),
        Reader("datasets", "Hugging Face datasets, `load_dataset(\"webdataset\")`", "tar", oracles + "/read_datasets.py",
               f"streaming and not: {pictures}; same columns throughout"),
        Reader("datasets-gz", "the same, `.tar.gz`", "tar.gz", oracles + "/read_datasets.py", "the same"),
        Reader("mds", "MDSReader, zstd", "mds", oracles + "/read_mds.py",
               f"{mds}; raw shards (SHA-256) and index are MDSWriter's, but for the packed files' sizes and hashes", ("--by-size",)),
        Reader("mds-level", "MDSReader, zstd:9", "mds-level", oracles + "/read_mds.py", "the same", ("--by-size",)),
        Reader("mds-plain", "MDSReader, not compressed", "mds-plain", oracles + "/read_mds.py", "the same", ("--by-size",)),
        Reader("mds-arrays", "MDSReader, zstd, added arrays", "mds-arrays", oracles + "/read_mds.py",
               "sizes, hashes, bytes; type, shape and values of `ndarray` columns are those of the tars' `.npy`", ("--arrays", "WHOLE")),
        Reader("mds-raw", "MDSReader, zstd, `image: raw`", "raw-mds", parts + "/raw_reader.py",
               "every picture is the array of the tars' `image.npy`, each with its own shape"),
        Reader("streaming", "StreamingDataset, zstd", "mds", parts + "/streaming_reader.py",
               f"hashes validated; {pictures}; a shuffled pass has every key once", python="large"),
        Reader("streaming-plain", "StreamingDataset, not compressed", "mds-plain", parts + "/streaming_reader.py",
               "the same", python="large"),
        Reader("litdata", "LitData's StreamingDataset over MDS, zstd", "mds", parts + "/litdata_reader.py",
               f"by iteration and by index: {pictures}", python="large"),
        Reader("openclip", "OpenCLIP (`open_clip_train.data`)", "tar", parts + "/openclip_rules.py",
               "`get_dataset_size`, grouping and filter over all shards in one row; `get_wds_dataset` with 2 processes: every"
               " pixel and caption once", python="large", first=(home + "/openclip",)),
        Reader("dali", "DALI `fn.readers.webdataset`, CPU, our `.idx`", "tar", parts + "/dali_reader.py",
               "order, every byte of every field; pictures decode", python="large"),
        Reader("wids", "wids, `shardindex.json`", "tar", parts + "/wids_reader.py",
               f"names and sizes of shards; {pictures}; random access", python="large"),
        Reader("wids-0.2", "webdataset's `wids`, `shardindex.json`", "tar", parts + "/wids_reader.py", "the same",
               (small + "/readers",), python="large"),
        Reader("dali-indexed", "DALI, `tamis index` over webdataset's own tars", "indexed", parts + "/dali_reader.py",
               "the same as above", python="large"),
        Reader("wids-indexed", "wids, `tamis index` over webdataset's own tars", "indexed", parts + "/wids_reader.py",
               "the same as above", python="large"),
        Reader("webdataset-indexed", "webdataset, `tamis index` over its own tars", "indexed",
               oracles + "/read_webdataset.py", "the same as above", ("1.0",)),
        Reader("energon", "Megatron-Energon, `energon prepare` and its loader", "tar", parts + "/energon_reader.py",
               "its own counts beside `sizes.json`; keys, order, every byte of picture and caption", python="energon"),
        Reader("datacomp", "DataComp's rules (our code, after its resharder)", "datacomp", parts + "/datacomp_rules.py",
               "`subset.npy`: type, order, every uid found by bisection; 8-digit names, counts of `_stats.json`"),
        Reader("numpy", "NumPy, bare columns by shard", "npy", oracles + "/read_arrays.py",
               "memory-mapped: every row is the `.npy` member of its key in the tars"),
        Reader("numpy-merged", "NumPy, bare columns merged", "npy-merged", oracles + "/read_arrays.py", "the same"),
        Reader("columns", "webdataset, column shards in lock-step with the input", "columns", oracles + "/read_columns.py",
               "same keys in the same order beside every input sample; every array; a verdict for those left out"),
        Reader("tar", "tar", "tar", parts + "/tools.py", "names in order; extracted files are the members", ("tar",)),
        Reader("zstd", "zstd --test, zstd -dc, tar", "tar.zst", parts + "/tools.py",
               "frames are whole; extracted files are the members", ("zstd",)),
        Reader("sha256sum", "sha256sum --check --strict", "tar", parts + "/tools.py", "`SHA256SUMS`, which lists every shard",
               ("sha256sum",)),
        Reader("sha256sum-mds", "the same, MDS", "mds", parts + "/tools.py", "the same", ("sha256sum",)),
    ]


def publish(folder, form, tamis):
    """Publishes one form over the shared workspace; returns what went wrong, or nothing."""
    if form == "indexed":
        return index(folder, tamis)
    recipe = f"{folder}/{form}.yaml"
    publish = f"path: {folder}/{form}, {FORMS[form]}"
    workspace = folder + ("/ws-arrays" if ARRAYS in FORMS[form] else "/ws")
    with open(recipe, "w") as file:
        file.write(f"input: {{ path: {source} }}\ndecode: {{ on_bad_caption: replace }}\n")
        if ARRAYS in FORMS[form]:
            file.write("features: { pca: { size: 16, mask: { ratio: [0.1, 0.9], seed: 7 } } }\n")
        if not form.startswith(("npy", "columns", "raw")):  # These hold no picture as it came.
            publish += ", image_field: jpg"
        file.write(f"publish: {{ {publish} }}\n")
    done = subprocess.run([tamis, "run", recipe, "-q", "-w", workspace], capture_output=True, text=True)
    return done.stderr[-2000:] or f"tamis: exit {done.returncode}" if done.returncode else ""


def index(folder, tamis):
    """The samples in tars by another hand, with `tamis index` over them; returns what went wrong, or nothing."""
    sys.path.insert(0, oracles)
    import webdataset
    from published import wanted

    os.makedirs(folder + "/indexed")
    with webdataset.ShardWriter(folder + "/indexed/%05d.tar", maxcount=100, verbose=0) as writer:
        for key, fields in wanted(source, folder + "/ws").items():
            writer.write({"__key__": key} | fields)
    done = subprocess.run([tamis, "index", folder + "/indexed", "-q"], capture_output=True, text=True)
    return done.stderr[-2000:] or f"tamis index: exit {done.returncode}" if done.returncode else ""


def read(reader, folder, home):
    """Runs one reader: its exit status, and its version and count or what went wrong."""
    python, environment = environment_of(reader, home)
    paths = [source, f"{folder}/{reader.form}", folder + "/ws"]
    whole = folder + "/arrays-tar"
    # The tool's name stands first for the plain tools, options last for the others.
    arguments = {
        "tools.py": [*reader.more, *paths],
        "read_arrays.py": [paths[1], whole],
        "read_columns.py": [paths[0], paths[1], whole],
        "raw_reader.py": [paths[1], folder + "/raw-tar"],
    }.get(os.path.basename(reader.script), [*paths, *(word.replace("WHOLE", whole) for word in reader.more)])
    return called([python, reader.script, *arguments], environment)


def environment_of(reader, home):
    """The Python and the environment that a reader runs in."""
    python = {"tests": small, "large": home, "energon": home + "/energon"}[reader.python] + "/bin/python"
    return python, os.environ | {
        "PYTHONPATH": os.pathsep.join([*reader.first, oracles]),
        "PYTHONWARNINGS": "ignore",
        "CUDA_VISIBLE_DEVICES": "",
    }


def called(arguments, environment, where=None):
    """Exit status of a process, and its last line or what went wrong."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=300, cwd=where)
    except subprocess.TimeoutExpired:
        return 124, "no end after 300 s"
    if done.returncode:
        return done.returncode, done.stderr[-3000:]
    return 0, (done.stdout.strip().split("\n") or [""])[-1]


def howtos(home, tamis, folder):
    """Runs the blocks of docs/readers.md; yields a name, the exit status and what was printed."""
    text = open(root + "/docs/readers.md").read()
    blocks = re.findall(r"<!-- run (\S+) (\S+) -->\n```python\n(.*?)```", text, re.S)
    assert blocks, "no blocks in docs/readers.md"
    for number, (python, form, code) in enumerate(blocks):
        first = (home + "/openclip",) if python == "openclip" else ()
        reader = Reader("", "", form, "", "", python="large" if python == "openclip" else python, first=first)
        program, environment = environment_of(reader, home)
        where = f"{folder}/howto-{number}"
        os.makedirs(where + "/bin")
        os.symlink(tamis, where + "/bin/tamis")
        shutil.copytree(f"{folder}/{form}", where + "/DIR")
        environment["PATH"] = where + "/bin:" + environment["PATH"]
        environment |= {"HF_HOME": where + "/hub", "HF_HUB_OFFLINE": "1"}
        if python != "tests":
            code = "import torchvision_or_stand_in\n" + code
            environment["PYTHONPATH"] += os.pathsep + parts
        with open(where + "/block.py", "w") as file:
            file.write(code)
        status, words = called([program, "block.py"], environment, where)
        if status == 0 and not words:  # A loop over nothing: StreamingDataset's ends so when a shard is bad.
            status, words = 1, "printed nothing"
        yield f"block {number + 1} ({form})", status, words


def written(path, table):
    """Writes a table to a file, between its markers if it has them."""
    begin, end = "<!-- made by scripts/interop: begin -->\n", "<!-- made by scripts/interop: end -->"
    old = open(path).read() if os.path.exists(path) else ""
    if begin in old:
        head, rest = old.split(begin)
        table = head + begin + table + end + rest.split(end)[1]
    with open(path, "w") as file:
        file.write(table)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("home")
    parser.add_argument("tamis")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    home, tamis = os.path.abspath(options.home), os.path.abspath(options.tamis)
    chosen = readers(home, tamis)
    if options.list:
        print("\n".join([*(reader.name for reader in chosen), "howto"]))
        return 0
    unknown = set(options.names) - {reader.name for reader in chosen} - {"howto"}
    if unknown:
        sys.exit(f"scripts/interop: no reader {', '.join(sorted(unknown))}; --list names them")
    if options.names:
        chosen = [reader for reader in chosen if reader.name in options.names]

    failed = 0
    rows = ["| reader | version | checked | samples | exit |", "|---|---|---|---|---|"]
    print("\n".join(rows))
    with tempfile.TemporaryDirectory() as folder:
        faults = {}
        for reader in chosen:
            # The first makes the workspace that all are compared by; arrays are compared with those in tars.
            for form in ("tar", "arrays-tar", "raw-tar", reader.form):
                if form not in faults:
                    faults[form] = publish(folder, form, tamis)
            fault = faults[reader.form]
            status, words = (1, fault) if fault else read(reader, folder, home)
            version, _, count = words.rpartition(" ") if status == 0 else ("", "", "")
            rows.append(f"| {reader.title} | {version} | {reader.checked} | {count} | {status} |")
            print(rows[-1], flush=True)
            if status:
                failed += 1
                print(f"{reader.name}: {words}", file=sys.stderr, flush=True)
        if not options.names or "howto" in options.names:
            for form in FORMS:
                faults[form] = faults[form] if form in faults else publish(folder, form, tamis)
            for name, status, words in howtos(home, tamis, folder):
                failed += status != 0
                print(f"docs/readers.md, {name}: exit {status}: {words}", file=sys.stderr, flush=True)
    if options.markdown:
        written(options.markdown, "\n".join(rows) + "\n")
    return 1 if failed else 0


sys.exit(main())

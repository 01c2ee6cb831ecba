"""Captions through ONNX models by Python's onnxruntime, with the golden ids of Python's tokenizers.

    onnx_captions.py make GOLDEN FOLDER     writes the tokenizers' files and captions.tar, a sample a golden caption;
                                            the last one has none
    onnx_captions.py check GOLDEN MODEL KIND LENGTH POOLING OUTPUT EMB.text.npy
                                            prints the lowest cosine, times 10^6 rounded; KIND: wordpiece or bytepair;
                                            LENGTH: most ids; POOLING: rows, mean or last
"""
import io
import json
import os
import sys
import tarfile

import numpy as np
from PIL import Image

command, golden = sys.argv[1], json.load(open(sys.argv[2]))
captions = golden["captions"]


def make(folder):
    for name, text in golden["files"].items():
        os.makedirs(os.path.dirname(f"{folder}/{name}") or folder, exist_ok=True)
        open(f"{folder}/{name}", "w", encoding="utf-8", newline="").write(text)
    image = io.BytesIO()
    Image.fromarray(np.arange(3072, dtype=np.uint16).reshape(32, 32, 3).astype(np.uint8)).save(image, "PNG")
    with tarfile.open(f"{folder}/captions.tar", "w") as tar:
        for i, caption in enumerate(captions + [None]):
            for field, data in (("png", image.getvalue()), ("txt", None if caption is None else caption.encode())):
                if data is None:
                    continue
                member = tarfile.TarInfo(f"{i:04}.{field}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def check(path, kind, length, pooling, output, rows_path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    length = int(length)
    rows = np.load(rows_path, allow_pickle=False)
    assert rows.dtype == "<f4" and len(rows) == len(captions) + 1, (rows.dtype, rows.shape)
    closing = golden[kind]["512"][0][-1]
    end_of_text = 0 if kind == "wordpiece" else closing
    lowest = 1.0
    for caption, ids, row in zip(captions + [""], golden[kind]["512"] + [None], rows):
        if not caption.strip():
            assert (row == 0).all(), caption
            continue
        if len(ids) > length:
            ids = ids[:length - 1] + [closing]
        real = len(ids)
        feeds = {}
        for value in session.get_inputs():
            if len(value.shape) == 4:
                feeds[value.name] = np.zeros([1, 3, 224, 224], np.float32)
                continue
            filled = value.shape[1] - real if isinstance(value.shape[1], int) else 0
            made = (np.array([1] * real + [0] * filled) if "mask" in value.name
                    else np.zeros(real + filled) if "type" in value.name else np.array(ids + [end_of_text] * filled))
            count = value.shape[0] if isinstance(value.shape[0], int) else 1
            feeds[value.name] = np.repeat(made[None], count, 0).astype(np.int32 if "32" in value.type else np.int64)
        y = session.run([output], feeds)[0][0].astype(np.float64)
        if pooling != "rows":
            y = y[:real].mean(0) if pooling == "mean" else y[real - 1]
        lowest = min(lowest, row @ y / np.linalg.norm(y) / np.linalg.norm(row))
    print(round(1e6 * lowest))


make(*sys.argv[3:]) if command == "make" else check(*sys.argv[3:])

"""DALI's webdataset reader on the processor, with our .idx files. usage: dali_reader.py IN OUT WORKSPACE"""
import os
import sys

import numpy as np
import nvidia.dali
from nvidia.dali import fn, pipeline_def

from published import compare, open_image, tars, wanted

source, out, workspace = sys.argv[1:4]
paths = tars(out)
expected = wanted(source, workspace)
fields = ["jpg", "json", "txt"]
arguments = {
    "paths": paths,
    "index_paths": [path.removesuffix(".tar") + ".idx" for path in paths],
    "ext": fields,
    "name": "reader",
}


# An empty caption is a member of no bytes, which is not a missing one.
@pipeline_def(batch_size=1, num_threads=1, device_id=None)
def stored():
    return tuple(fn.readers.webdataset(missing_component_behavior="error", **arguments))


pipe = stored()
pipe.build()
assert pipe.epoch_size("reader") == len(expected), pipe.epoch_size("reader")


def samples():
    for key in expected:
        yield key, {name: np.asarray(part[0]).tobytes() for name, part in zip(fields, pipe.run())}


compare(samples(), expected)


# Decoded by DALI, which turns pictures upright: a quarter turn may swap the sides.
@pipeline_def(batch_size=1, num_threads=1, device_id=None)
def decoded():
    return fn.decoders.image(fn.readers.webdataset(**arguments)[0], device="cpu")


pipe = decoded()
pipe.build()
for key, data in expected.items():
    height, width = np.asarray(pipe.run()[0][0]).shape[:2]
    assert sorted((width, height)) == sorted(open_image(data["jpg"])), key
print(nvidia.dali.__version__, len(expected))

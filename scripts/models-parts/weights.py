"""Reads weights without the libraries that wrote them: PyTorch's old .pth layout, and safetensors."""
import collections
import io
import json
import pickle
import struct

import numpy

PTH_MAGIC = 0x1950A86A20F9469CFC6C
STORAGE_TYPES = {"FloatStorage": numpy.dtype("<f4"), "LongStorage": numpy.dtype("<i8")}


class _Unpickler(pickle.Unpickler):
    """Makes dictionaries, numbers and tensors, nothing else: any other name in the pickle is an error."""

    def __init__(self, file, storages):
        super().__init__(file)
        self.storages = storages

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")

    def persistent_load(self, ident):
        kind, dtype, key, _, count, view = ident
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError("not a plain storage")
        self.storages[key] = (dtype, count)
        return key


def read_pth(data):
    """Tensors by name from the layout before PyTorch 1.6: five pickles, then each storage as count and bytes."""
    file, storages = io.BytesIO(data), {}

    def load():
        return _Unpickler(file, storages).load()

    if load() != PTH_MAGIC or load() != 1001:
        raise ValueError("not a .pth file of the old layout")
    if not load()["little_endian"]:
        raise ValueError("big-endian weights")
    tensors, keys, arrays = load(), load(), {}
    for key in keys:
        dtype, count = storages[key]
        if struct.unpack("<q", file.read(8))[0] != count:
            raise ValueError(f"storage {key} is not of its stated length")
        arrays[key] = numpy.frombuffer(file.read(count * dtype.itemsize), dtype)
    out = {}
    for name, (key, offset, shape, strides) in tensors.items():
        # Strides count elements; the last element must lie in the storage.
        if offset < 0 or min(strides, default=0) < 0 or len(strides) != len(shape):
            raise ValueError(f"{name} has an odd layout")
        if offset + sum((n - 1) * s for n, s in zip(shape, strides)) >= len(arrays[key]):
            raise ValueError(f"{name} lies outside its storage")
        array = arrays[key][offset:]
        view = numpy.lib.stride_tricks.as_strided(array, shape, [s * array.itemsize for s in strides])
        out[name] = numpy.ascontiguousarray(view)
    return out


def read_safetensors(data):
    """Tensors of 32-bit floats by name."""
    length = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + length])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        out[name] = numpy.frombuffer(data, "<f4", (end - start) // 4, 8 + length + start).reshape(entry["shape"])
    return out

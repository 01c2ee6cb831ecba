"""Upstream's own MDS classes, without the packages that a reader of local files does not need.

`streaming/__init__.py` loads torch and the clients of five clouds. Here the two outer packages are entered without
their __init__, and torch (distributed start-up), brotli and snappy (other compressions) are empty modules; everything
of the format is upstream's code: MDSReader, MDSWriter, their encodings, decompress and get_hash.
"""
import importlib.metadata
import importlib.util
import os
import sys
import types

readers = os.path.join(sys.prefix, "readers")
if os.path.isdir(readers):
    sys.path.append(readers)  # After site-packages: another webdataset lives there as well.


class _Empty(types.ModuleType):
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _outer(name, folder):
    module = types.ModuleType(name)
    module.__path__ = [folder]
    sys.modules[name] = module


_root = importlib.util.find_spec("streaming").submodule_search_locations[0]
_outer("streaming", _root)
_outer("streaming.base", _root + "/base")
for _name in ("torch", "torch.distributed", "torch.utils", "torch.utils.data", "brotli", "snappy"):
    sys.modules[_name] = _Empty(_name)

import streaming.base.format.base.writer as _writer
import streaming.base.format.mds.encodings as encodings
import streaming.base.format.mds.reader as reader
from streaming.base.compression import decompress
from streaming.base.format import reader_from_json
from streaming.base.format.mds import MDSWriter
from streaming.base.hashing import get_hash

_writer.sleep = lambda seconds: None  # It waits a second for uploads, of which there are none.
version = importlib.metadata.version("mosaicml-streaming")

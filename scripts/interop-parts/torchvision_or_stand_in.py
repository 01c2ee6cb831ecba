"""Imported for its side effect: torchvision, or empty names in its place where it does not load.

The wheel of torchvision is built for torch with CUDA and cannot be imported beside torch without. StreamingDataset and
OpenCLIP only name it (`VisionDataset` as a base class, `datasets` as a module); no function of it is called here.
"""
import importlib.machinery
import sys
import types

try:
    import torchvision.datasets

    words = "torchvision " + torchvision.__version__
except Exception:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    for name in ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional"):
        module = types.ModuleType(name)
        module.__path__ = []
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    sys.modules["torchvision.datasets"].VisionDataset = type("VisionDataset", (), {})
    sys.modules["torchvision.transforms.functional"].to_tensor = None
    words = "torchvision stood in for"

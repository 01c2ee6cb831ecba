"""Reads a directory that `tamis` published, with webdataset."""
import glob
import io
import json

import numpy as np
import webdataset


def manifest(directory):
    return json.load(open(directory + "/MANIFEST.json"))


def samples(directory):
    """Dicts of every sample in publish order; `.npy` fields are arrays, the rest bytes."""
    paths = sorted(glob.glob(directory + "/*.tar*"))
    for sample in webdataset.WebDataset(paths, shardshuffle=False, empty_check=False):
        yield {
            name: np.load(io.BytesIO(value), allow_pickle=False) if name.endswith(".npy") else value
            for name, value in sample.items()
        }

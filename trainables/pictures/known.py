"""Data sets of libraries: `sklearn:digits`, and `torchvision:CIFAR10` in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...search.errors import DataError
from ...search.nearest import did_you_mean
from ..transfer import module
from . import idx
from .pictures import TEST, TRAIN, Parts

MNIST = ("MNIST", "FashionMNIST", "KMNIST")
PARTS_OF: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CIFAR10": ({"train": True}, {"train": False}),
    "CIFAR100": ({"train": True}, {"train": False}),
    "SVHN": ({"split": "train"}, {"split": "test"}),
}


def sklearn(name: str) -> Parts:
    """The pictures that are installed with scikit-learn. Errors: DataError."""
    if name != "digits":
        raise DataError(f"sklearn:{name} holds no pictures; sklearn:digits does")
    from sklearn.datasets import load_digits

    found = load_digits()
    return {TRAIN: (found.images.astype(np.uint8), found.target)}


def torchvision(name: str, root: Path) -> Parts:
    """A set that lies below `root`, as torchvision puts it there. Errors: DataError.

    Nothing is downloaded: trials would, all at once, in the night.
    """
    names = (*MNIST, *PARTS_OF)
    if name not in names:
        raise DataError(f"torchvision:{name} is not one of {did_you_mean(name, names)}")
    missing = DataError(
        f'{root} holds no {name}; fetch it once: python -c "import torchvision; '
        f"torchvision.datasets.{name}('{root}', download=True)\""
    )
    if name in MNIST:
        folder = root / name / "raw"
        if not idx.there(folder):
            raise missing
        return idx.read(folder)
    datasets = module("datasets")
    found = {}
    for part, arguments in zip((TRAIN, TEST), PARTS_OF[name], strict=True):
        try:
            made = getattr(datasets, name)(str(root), download=False, **arguments)
        except (RuntimeError, OSError):
            raise missing from None
        labels = made.labels if name == "SVHN" else made.targets
        found[part] = np.asarray(made.data), np.asarray(labels)
    return found
